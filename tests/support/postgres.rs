//! A temporary PostgreSQL server for the tests of one process: made by `initdb` in a temporary folder, gone with the process.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

/// The URL of a fresh database.
pub fn fresh_database() -> String {
    create_database("template1").expect("createdb failed")
}

/// The URL of a copy of a database that nobody uses any more; the last connections to it may still be ending.
pub fn copy_of(url: &str) -> String {
    let model = url.rsplit('/').next().unwrap();
    let tried = (0..100).find_map(|_| {
        let copied = create_database(model);
        if copied.is_none() {
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
        copied
    });
    tried.expect("createdb failed for ten seconds")
}

fn create_database(template: &str) -> Option<String> {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    let port = server();
    let name = format!("test_{}", NEXT.fetch_add(1, Ordering::SeqCst));
    let created = Command::new(binaries().join("createdb")).args(["-h", "127.0.0.1", "-p", &port.to_string(), "-U", "postgres", "-T", template, &name]).stderr(Stdio::null()).status().unwrap();
    created.success().then(|| format!("postgres://postgres@127.0.0.1:{port}/{name}"))
}

/// The newest PostgreSQL of the machine.
fn binaries() -> PathBuf {
    let mut versions: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql").expect("install Debian's package postgresql; tests/run does it").map(|entry| entry.unwrap().path()).collect();
    versions.sort();
    versions.pop().expect("a version of PostgreSQL").join("bin")
}

/// The server refuses to run as root; then it runs as the user of Debian's package.
fn as_user(program: &str) -> Command {
    let is_root = Command::new("id").arg("-u").output().unwrap().stdout == b"0\n";
    let path = binaries().join(program);
    let mut command = Command::new("setpriv");
    // The server ends when the thread that started it ends; that thread lives as long as the process.
    command.args(["--pdeathsig", "KILL"]);
    if is_root {
        command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]);
    }
    command.arg(path);
    command
}

/// Starts the server once; its port.
fn server() -> u16 {
    static PORT: OnceLock<u16> = OnceLock::new();
    *PORT.get_or_init(|| {
        let (sender, receiver) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let directory = tempfile::Builder::new().prefix("jilu-postgres-").tempdir().unwrap();
            let path = directory.path().to_owned();
            Command::new("chmod").arg("777").arg(&path).status().unwrap();
            let data = path.join("data");
            let made = as_user("initdb").args(["-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C", "-k", "-D"]).arg(&data).stdout(Stdio::null()).status().unwrap();
            assert!(made.success(), "initdb failed");
            let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
            let mut child = as_user("postgres")
                .arg("-D")
                .arg(&data)
                .args(["-p", &port.to_string(), "-c", "listen_addresses=127.0.0.1", "-c", "max_connections=500", "-c", "unix_socket_directories="])
                .stderr(Stdio::null())
                .spawn()
                .unwrap();
            for _ in 0..200 {
                let ready = Command::new(binaries().join("pg_isready")).args(["-h", "127.0.0.1", "-p", &port.to_string(), "-q"]).status().unwrap();
                if ready.success() {
                    break;
                }
                std::thread::sleep(std::time::Duration::from_millis(50));
            }
            sender.send(port).unwrap();
            let _ = child.wait();
            drop(directory);
        });
        receiver.recv().expect("PostgreSQL did not start")
    })
}
