//! The pages in a real browser: each actor's main job from start to end, in both languages and on a phone's width, with axe.
//!
//! The world is what `jilu demo` makes. The scripts beside this file drive Debian's Chromium; what they saw is kept in `target/pages`.

#![allow(clippy::unwrap_used, reason = "a test ends where something is not as it should be")]

mod batch;
mod outcomes;
#[path = "../support/mod.rs"]
mod support;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jilu::credential::baked;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// A running demo, and what it told of itself.
struct Demo {
    server: Child,
    story: String,
    _directory: tempfile::TempDir,
}

impl Demo {
    fn start(settings: &[(&str, &str)]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut server = Command::new(env!("CARGO_BIN_EXE_jilu"))
            .env_clear()
            .envs(settings.iter().copied())
            .args(["demo", "--json", "--seed", "7", "--workers", "12", "--listen", "127.0.0.1:0", "--data"])
            .arg(directory.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut story = String::new();
        BufReader::new(server.stdout.take().unwrap()).read_line(&mut story).unwrap();
        assert!(story.starts_with('{'), "the demo did not start: {story}");
        Demo { server, story, _directory: directory }
    }

    fn drive(&self, script: &str) {
        drive(script, &self.story);
    }
}

/// Runs a script of this folder with a story on its standard input: where the registry is, and what is in it.
fn drive(script: &str, story: &str) {
    let shots = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/pages");
    std::fs::create_dir_all(&shots).unwrap();
    let mut node = Command::new("node")
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pages").join(script))
        .env("SHOTS", &shots)
        .env("FOREIGN_CODE", foreign_code())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    node.stdin.take().unwrap().write_all(story.as_bytes()).unwrap();
    let output = node.wait_with_output().unwrap();
    assert!(output.status.success(), "{script}:\n{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
}

/// A picture of a QR code that leads to another site, as an address that holds it.
fn foreign_code() -> String {
    format!("data:image/png;base64,{}", STANDARD.encode(baked::png("https://imitation.example/v/AAAAAAAAAAAAAAAAAAAAAA", "{}")))
}

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

#[test]
fn anyone_verifies_by_facts_file_photo_and_code() {
    Demo::start(&[]).drive("verify.mjs");
}

#[test]
fn a_worker_reads_downloads_shares_and_contests() {
    Demo::start(&[]).drive("worker.mjs");
}

#[test]
fn a_clerk_issues_and_an_employer_verifies_a_list() {
    Demo::start(&[]).drive("console.mjs");
}

#[test]
fn the_registrar_files_and_gives_access_and_a_supervisor_looks_on() {
    Demo::start(&[]).drive("authority.mjs");
}

#[test]
fn the_registrar_keeps_records_credits_and_lists() {
    Demo::start(&[]).drive("records.mjs");
}

#[test]
fn a_training_provider_holds_a_class_and_a_supervisor_declares_it_false() {
    Demo::start(&[]).drive("training.mjs");
}
