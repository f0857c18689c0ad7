//! The binary as its users run it: demo, init, serve, settings, stop; and an outside library that checks our credentials.

#![allow(clippy::unwrap_used, reason = "a test ends where something is not as it should be")]

use serde_json::Value;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Output, Stdio};

fn jilu() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_jilu"));
    command.env_clear().env("PATH", "/usr/bin:/bin");
    command
}

/// A demo that keeps serving, with its story; it ends with this value.
struct Demo {
    child: Child,
    story: Value,
    _directory: tempfile::TempDir,
}

impl Demo {
    fn start(arguments: &[&str]) -> Demo {
        let directory = tempfile::tempdir().unwrap();
        let mut child =
            jilu().args(["demo", "--json", "--listen", "127.0.0.1:0", "--data"]).arg(directory.path()).args(arguments).stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        Demo { child, story: serde_json::from_str(&line).unwrap(), _directory: directory }
    }

    fn base_url(&self) -> String {
        self.story["base_url"].as_str().unwrap().to_owned()
    }

    fn fetch(&self, path: &str, headers: &[(&str, &str)]) -> Vec<u8> {
        let mut request = ureq::get(format!("{}{path}", self.base_url()));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.call().unwrap().body_mut().read_to_vec().unwrap()
    }

    /// A token of the assessment body, as a header carries it.
    fn bearer(&self) -> String {
        let client = &self.story["clients"]["assessment_body"];
        let form = [("grant_type", "client_credentials"), ("client_id", client["client_id"].as_str().unwrap()), ("client_secret", client["client_secret"].as_str().unwrap())];
        let token: Value = ureq::post(format!("{}/oauth/token", self.base_url())).send_form(form).unwrap().body_mut().read_json().unwrap();
        format!("Bearer {}", token["access_token"].as_str().unwrap())
    }

    /// The number of some certificate in this state.
    fn number(&self, state: &str) -> String {
        let certificates = self.story["certificates"].as_array().unwrap();
        certificates.iter().find(|certificate| certificate["state"] == state).unwrap()["certificate_number"].as_str().unwrap().to_owned()
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn text(output: &[u8]) -> String {
    String::from_utf8_lossy(output).into_owned()
}

fn run(arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    jilu().args(arguments).envs(environment.iter().copied()).output().unwrap()
}

#[test]
fn the_demo_tells_its_story_and_fits_one_screen() {
    let directory = tempfile::tempdir().unwrap();
    let output = run(&["demo", "--exit", "--listen", "127.0.0.1:0", "--data", directory.path().to_str().unwrap()], &[]);
    let story = text(&output.stdout);
    assert!(output.status.success(), "{story}{}", text(&output.stderr));
    for part in ["8 certificates were issued", "4 were refused", "IS-3", "valid", "not_found", "revoked", "forged"] {
        assert!(story.contains(part), "{part}:\n{story}");
    }
    assert!(story.lines().count() <= 40, "{story}");
}

#[test]
fn the_demo_in_json_is_what_scripts_build_on() {
    let demo = Demo::start(&["--workers", "6", "--seed", "7"]);
    let story = &demo.story;
    for role in ["registrar", "training_provider", "assessment_body", "employer", "supervisor", "auditor"] {
        assert!(story["clients"][role]["client_id"].is_string() && story["clients"][role]["client_secret"].is_string(), "{role}");
    }
    assert_eq!(story["workers"].as_array().unwrap().len(), 6);
    for member in ["certificate_number", "kind", "state", "name", "document_number", "token"] {
        assert!(story["certificates"][0][member].is_string(), "{member}");
    }
    assert!(story["issuer_dids"][0].as_str().unwrap().starts_with("did:web:localhost%3A"));
    let certificate = &story["certificates"][0];
    let answer: Value = ureq::get(format!("{}/v/{}", demo.base_url(), certificate["token"].as_str().unwrap())).call().unwrap().body_mut().read_json().unwrap();
    assert_eq!((&answer["outcome"], &answer["certificate"]["certificate_number"]), (&Value::from("valid"), &certificate["certificate_number"]));
    // The same seed invents the same numbers.
    let again = Demo::start(&["--workers", "6", "--seed", "7"]);
    let numbers = |story: &Value| story["certificates"].as_array().unwrap().iter().map(|item| item["certificate_number"].clone()).collect::<Vec<_>>();
    assert_eq!(numbers(&again.story), numbers(story));
}

#[test]
fn init_shows_the_first_secret_once_and_serve_stops_gracefully() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("registry");
    let place = ["--data", data.to_str().unwrap()];
    let refused = run(&[&["serve", "--listen", "127.0.0.1:0"], &place[..]].concat(), &[]);
    assert!(!refused.status.success() && text(&refused.stderr).contains("jilu init"), "{}", text(&refused.stderr));
    let first = text(&run(&[&["init"], &place[..]].concat(), &[]).stdout);
    assert!(first.contains("client_secret"), "{first}");
    let second = text(&run(&[&["init"], &place[..]].concat(), &[]).stdout);
    assert!(!second.contains("client_secret  ") && second.contains("no secret is shown a second time"), "{second}");
    use std::os::unix::fs::PermissionsExt;
    assert_eq!(std::fs::metadata(data.join("master.key")).unwrap().permissions().mode() & 0o777, 0o600);
    let keys = text(&run(&[&["keys"], &place[..]].concat(), &[]).stdout);
    assert!(keys.contains("credentials") && keys.contains("tokens") && keys.contains("did:web:localhost%3A8080#"), "{keys}");
    let moved = run(&[&["serve", "--listen", "127.0.0.1:0"], &place[..]].concat(), &[("JILU_PUBLIC_URL", "http://elsewhere.example")]);
    assert!(!moved.status.success() && text(&moved.stderr).contains("did:web:localhost%3A8080"), "{}", text(&moved.stderr));
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut child = jilu().args(["serve", "--listen", &format!("127.0.0.1:{port}")]).args(place).env("JILU_PUBLIC_URL", "http://localhost:8080").stderr(Stdio::piped()).spawn().unwrap();
    let health = (0..100).find_map(|_| {
        std::thread::sleep(std::time::Duration::from_millis(50));
        ureq::get(format!("http://127.0.0.1:{port}/readyz")).call().ok()
    });
    assert!(health.is_some(), "the server did not start");
    Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
    let status = child.wait().unwrap();
    let mut log = String::new();
    child.stderr.take().unwrap().read_to_string(&mut log).unwrap();
    assert!(status.success() && log.contains("everything accepted is durable"), "{log}");
    for line in log.lines() {
        assert!(serde_json::from_str::<Value>(line).is_ok(), "not a JSON line: {line}");
    }
    assert!(log.contains("\"request_id\"") && log.contains("/readyz"));
}

#[test]
fn wrong_settings_are_all_named_and_stop_the_start() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "listen = \"nowhere\"\nworkers = 0\ncolour = \"red\"\n").unwrap();
    let output = run(&["serve", "--config", file.path().to_str().unwrap()], &[("JILU_DATABASE", "mysql://x"), ("JILU_MASTER_KEY", "5ecret")]);
    let faults = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2));
    for part in ["5 settings are wrong", "listen", "workers", "colour", "JILU_DATABASE", "master_key"] {
        assert!(faults.contains(part), "{part}: {faults}");
    }
    assert!(!faults.contains("5ecret"));
    assert_eq!(run(&["serve", "--nonsense"], &[]).status.code(), Some(2));
}

#[test]
fn every_command_has_help_with_an_example() {
    for command in ["serve", "demo", "init", "migrate", "keys", "audit", "verify", "openapi", "version"] {
        let help = text(&run(&[command, "--help"], &[]).stdout);
        assert!(help.contains("Example: jilu"), "{command}: {help}");
    }
    assert!(text(&run(&["version"], &[]).stdout).starts_with("jilu 0."));
}

/// PyJWT and the cryptography package, which we did not write, accept our credential and refuse it with one byte changed.
#[test]
fn an_outside_library_accepts_the_credential_and_refuses_a_forged_one() {
    let demo = Demo::start(&["--workers", "4"]);
    let story = demo.story.to_string();
    let output = Command::new("/usr/bin/python3").arg("tests/interop/verify_credential.py").arg(&story).output().expect("python3; tests/run installs it");
    assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
    assert!(text(&output.stdout).contains("all checks passed"));
}

/// Files alone, without server and database.
#[test]
fn a_credential_is_checked_offline_and_each_forgery_fails_its_own_check() {
    let demo = Demo::start(&["--workers", "8"]);
    let bearer = demo.bearer();
    let directory = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        std::fs::write(directory.path().join(name), text).unwrap();
    };
    let download = |state: &str| {
        let number = demo.number(state);
        write("credential", &text(&demo.fetch(&format!("/v1/certificates/{number}"), &[("authorization", &bearer), ("accept", "application/vc+jwt")])));
        write("proof", &text(&demo.fetch(&format!("/v1/certificates/{number}/proof"), &[("accept", "text/plain")])));
    };
    write("keys", &text(&demo.fetch("/.well-known/jwks.json", &[])));
    write("vkey", &text(&demo.fetch("/log/vkey", &[])));
    write("status", &text(&demo.fetch("/status/revocation/1", &[])));
    let verify = |arguments: &[&str]| {
        let output = jilu().arg("verify").args(arguments).current_dir(directory.path()).output().unwrap();
        (output.status.code(), text(&output.stdout))
    };
    let whole = ["credential", "--keys", "keys", "--proof", "proof", "--log-key", "vkey", "--status", "status"];
    let failed = |said: &str| said.lines().filter(|line| !line.contains(" passed ")).map(|line| line.split(' ').next().unwrap().to_owned()).collect::<Vec<_>>();
    download("issued");
    let (code, said) = verify(&whole);
    assert_eq!((code, failed(&said), said.lines().count()), (Some(0), vec![], 5), "{said}");
    // What is not shown is not checked, and is said to be so.
    let (code, said) = verify(&["credential", "--keys", "keys"]);
    assert_eq!((code, failed(&said)), (Some(1), vec!["log".to_owned(), "status".to_owned()]), "{said}");
    // Somebody else's proof, another log's key, a forged document, a revoked one.
    let credential = std::fs::read_to_string(directory.path().join("credential")).unwrap();
    let proof = std::fs::read_to_string(directory.path().join("proof")).unwrap();
    write("proof", &proof.replacen("index ", "index 1", 1));
    assert_eq!(failed(&verify(&whole).1), ["log"]);
    write("proof", &proof);
    write("vkey", "example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx\n");
    assert_eq!(failed(&verify(&whole).1), ["log"]);
    write("vkey", &text(&demo.fetch("/log/vkey", &[])));
    let (head, signature) = credential.rsplit_once('.').unwrap();
    let other = if signature.starts_with('A') { 'B' } else { 'A' };
    write("credential", &format!("{head}.{other}{}", &signature[1..]));
    assert_eq!(failed(&verify(&whole).1), ["proof", "log"]);
    download("revoked");
    let (code, said) = verify(&whole);
    assert_eq!((code, failed(&said)), (Some(1), vec!["status".to_owned()]), "{said}");
    assert_eq!(verify(&["nowhere", "--keys", "keys"]).0, Some(2));
}

/// Every other form by files alone: a paper with all that it carries, embedded proofs, the JWT of Open Badges, an SD-JWT, pictures.
#[test]
fn every_form_is_checked_offline() {
    let demo = Demo::start(&["--workers", "8"]);
    let bearer = demo.bearer();
    let directory = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| std::fs::write(directory.path().join(name), bytes).unwrap();
    for (name, path) in [("keys", "/.well-known/jwks.json"), ("vkey", "/log/vkey"), ("revocation", "/status/revocation/1"), ("token", "/status/token/1")] {
        write(name, &demo.fetch(path, &[]));
    }
    let verify = |list: &str| {
        let output = jilu().args(["verify", "file", "--keys", "keys", "--log-key", "vkey", "--status", list]).current_dir(directory.path()).output().unwrap();
        let said = text(&output.stdout);
        let not_passed: Vec<String> = said.lines().filter(|line| !line.contains(" passed ")).map(|line| line.split(' ').next().unwrap().to_owned()).collect();
        (output.status.code(), not_passed, said)
    };
    for (state, media_type, list, expected) in [
        ("issued", "application/pdf", "revocation", vec![]),
        ("revoked", "application/pdf", "revocation", vec!["status"]),
        ("issued", "application/vc", "revocation", vec!["log"]),
        ("issued", "application/jwt", "revocation", vec!["log"]),
        ("issued", "application/dc+sd-jwt", "token", vec!["log"]),
        ("revoked", "application/dc+sd-jwt", "token", vec!["log", "status"]),
        ("issued", "image/png", "revocation", vec!["log"]),
        ("issued", "image/svg+xml", "revocation", vec!["log"]),
    ] {
        let shown = demo.fetch(&format!("/v1/certificates/{}", demo.number(state)), &[("authorization", &bearer), ("accept", media_type)]);
        write("file", &shown);
        let (code, not_passed, said) = verify(list);
        assert_eq!((code, not_passed), (Some(i32::from(!expected.is_empty())), expected.iter().map(ToString::to_string).collect()), "{state} {media_type}: {said}");
        if media_type == "application/pdf" {
            // One byte of the page is enough.
            let mut edited = shown.clone();
            edited[20] ^= 1;
            write("file", &edited);
            assert_eq!(verify(list).1.first().map(String::as_str), Some("file"));
        } else if !media_type.starts_with("image") {
            let edited = text(&shown).replacen("电工", "焊工", 1);
            let forged = if edited == text(&shown) { text(&shown).replacen('A', "B", 1) } else { edited };
            write("file", forged.as_bytes());
            assert!(verify(list).1.contains(&"proof".to_owned()), "{media_type}");
        }
    }
}

/// What a worker took away, checked by files alone.
#[test]
fn a_learner_record_is_checked_offline_with_every_certificate_in_it() {
    let demo = Demo::start(&["--workers", "8"]);
    let holder = demo.story["certificates"].as_array().unwrap().iter().find(|certificate| certificate["state"] == "issued").unwrap()["document_number"].clone();
    let worker = demo.story["workers"].as_array().unwrap().iter().find(|worker| worker["document_number"] == holder).unwrap();
    let order = serde_json::json!({ "access_code": worker["access_code"], "document_number_end": &worker["document_number"].as_str().unwrap()[12..] });
    let session: Value = ureq::post(format!("{}/v1/sessions", demo.base_url())).send_json(&order).unwrap().body_mut().read_json().unwrap();
    let bearer = format!("Bearer {}", session["access_token"].as_str().unwrap());
    let record = ureq::get(format!("{}/v1/me/history", demo.base_url())).header("authorization", &bearer).header("accept", "application/vc+jwt").call().unwrap().body_mut().read_to_string().unwrap();
    let keys: Value = ureq::get(format!("{}/.well-known/jwks.json", demo.base_url())).call().unwrap().body_mut().read_json().unwrap();
    let directory = tempfile::tempdir().unwrap();
    let verify = |record: &str, keys: &Value| {
        std::fs::write(directory.path().join("record"), record).unwrap();
        std::fs::write(directory.path().join("keys"), keys.to_string()).unwrap();
        let output = jilu().args(["verify", "record", "--keys", "keys"]).current_dir(directory.path()).output().unwrap();
        let failed: Vec<String> = text(&output.stdout).lines().filter(|line| !line.contains(" passed ")).map(|line| line.split(' ').next().unwrap().to_owned()).collect();
        (output.status.code(), failed)
    };
    assert_eq!(verify(&record, &keys), (Some(0), vec![]));
    let (head, signature) = record.rsplit_once('.').unwrap();
    let other = if signature.starts_with('A') { 'B' } else { 'A' };
    assert_eq!(verify(&format!("{head}.{other}{}", &signature[1..]), &keys), (Some(1), vec!["proof".to_owned()]));
    // Without the key of the body that issued, only the registry vouches for the certificate.
    let mut registry_alone = keys.clone();
    registry_alone["keys"].as_array_mut().unwrap().retain(|key| !key["kid"].as_str().unwrap().contains("organisations"));
    assert_eq!(verify(&record, &registry_alone), (Some(1), vec!["certificates".to_owned()]));
}

/// A verifier in another language, with code of its own, rebuilds the log and refuses every mutated proof.
#[test]
fn a_second_verifier_agrees_on_the_log_and_refuses_mutated_proofs() {
    let demo = Demo::start(&["--workers", "90"]);
    let output = Command::new("/usr/bin/python3").arg("tests/interop/verify_log.py").arg(demo.story.to_string()).output().expect("python3; tests/run installs it");
    assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
    assert!(text(&output.stdout).contains("all checks passed"), "{}", text(&output.stdout));
}

/// The same job with the keys of issuers in a PKCS#11 module (SoftHSM 2), which they never leave.
#[test]
fn keys_of_issuers_may_be_held_by_a_module() {
    let directory = tempfile::tempdir().unwrap();
    let place = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    std::fs::create_dir(place("tokens")).unwrap();
    std::fs::write(place("softhsm2.conf"), format!("directories.tokendir = {}\nobjectstore.backend = file\n", place("tokens"))).unwrap();
    let token = Command::new("softhsm2-util").args(["--init-token", "--free", "--label", "jilu", "--so-pin", "12345678", "--pin", "24681357"]).env("SOFTHSM2_CONF", place("softhsm2.conf")).output().expect("softhsm2-util, which tests/run installs");
    assert!(token.status.success(), "{}", text(&token.stderr));
    let (conf, data) = (place("softhsm2.conf"), place("data"));
    let with = |pin: &'static str| vec![("SOFTHSM2_CONF", conf.as_str()), ("JILU_PKCS11_MODULE", "/usr/lib/softhsm/libsofthsm2.so"), ("JILU_PKCS11_PIN", pin), ("JILU_PUBLIC_URL", "http://localhost:8080")];
    let story = run(&["demo", "--exit", "--listen", "127.0.0.1:0", "--data", &place("demo")], &with("24681357"));
    assert!(story.status.success(), "{}{}", text(&story.stdout), text(&story.stderr));
    assert!(text(&story.stdout).contains("8 certificates were issued"), "{}", text(&story.stdout));
    let init = run(&["init", "--data", &data], &with("24681357"));
    assert!(init.status.success(), "{}", text(&init.stderr));
    let keys = |arguments: &[&str], environment: &[(&str, &str)]| run(&[&["keys", "--data", &data], arguments].concat(), environment);
    let rotated = keys(&["rotate", "--purpose", "credentials"], &with("24681357"));
    assert!(rotated.status.success() && text(&rotated.stdout).contains("signs from"), "{}{}", text(&rotated.stdout), text(&rotated.stderr));
    let listed = text(&keys(&["list"], &with("24681357")).stdout);
    assert!(listed.contains("current") && listed.contains("next"), "{listed}");
    // A theft: the key that waits takes over at once, and the stolen one is never asked again.
    let stolen = listed.lines().find(|line| line.contains("credentials") && line.contains("current")).and_then(|line| line.split_whitespace().find(|word| word.starts_with("did:web:"))).expect("a key in force").to_owned();
    let nameless = keys(&["revoke", "did:web:nobody#key", "--since", "2026-03-01T00:00:00Z", "--reason", "x"], &with("24681357"));
    assert!(!nameless.status.success());
    let revoked = keys(&["revoke", &stolen, "--since", "2026-03-01T00:00:00Z", "--reason", "the module was taken"], &with("24681357"));
    assert!(revoked.status.success(), "{}{}", text(&revoked.stdout), text(&revoked.stderr));
    let listed = text(&keys(&["list"], &with("24681357")).stdout);
    assert!(listed.lines().any(|line| line.contains(&stolen) && line.contains("revoked")), "{listed}");
    assert!(listed.lines().any(|line| line.contains("credentials") && line.contains("current") && !line.contains(&stolen)), "{listed}");
    let audit = run(&["audit", "--data", &data], &with("24681357"));
    assert!(audit.status.success(), "{}{}", text(&audit.stdout), text(&audit.stderr));
    // The database and the master key alone cannot sign, nor can a wrong PIN.
    let without = keys(&["list"], &[("JILU_PUBLIC_URL", "http://localhost:8080")]);
    assert!(!without.status.success() && text(&without.stderr).contains("pkcs11_module is not set"), "{}", text(&without.stderr));
    let wrong = keys(&["list"], &with("00000000"));
    assert!(!wrong.status.success() && text(&wrong.stderr).contains("PKCS#11"), "{}", text(&wrong.stderr));
    let unnamed = run(&["keys", "--data", &data], &[("JILU_PKCS11_MODULE", "/usr/lib/softhsm/libsofthsm2.so")]);
    assert!(text(&unnamed.stderr).contains("pkcs11_pin"), "{}", text(&unnamed.stderr));
}
