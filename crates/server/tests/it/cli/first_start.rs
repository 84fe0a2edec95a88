//! The first start, the second start, and starts that are refused.

use crate::harness::{Backend, Database, Process, binary, on_both_databases, run};
use serde_json::{Value, json};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

fn countersign(arguments: &[&str]) -> Output {
    Command::new(binary()).args(arguments).output().unwrap()
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn a_first_start_needs_nothing_and_says_what_to_do_next() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("nested/data");
    let arguments = ["--data", data.to_str().unwrap(), "--listen", "127.0.0.1:0"];
    let process = Process::start(&arguments, &[]);
    let key = process.api_key();
    while !process.printed.lock().unwrap().contains("prints another") {
        std::thread::yield_now();
    }
    let printed = process.printed.lock().unwrap().clone();
    assert!(key.starts_with("sk_cs_env_"));
    for expected in ["/dashboard/welcome?token=", "Base URL", "Client id", "docs/quickstart-m2m.md", "shown once"] {
        assert!(printed.contains(expected), "{printed}");
    }
    assert_eq!(mode(&data), 0o700);
    assert_eq!(mode(&data.join("master.key")), 0o600);

    // The printed command line works when pasted.
    let line = printed
        .lines()
        .find(|line| line.trim_start().starts_with("curl "))
        .unwrap()
        .replace("curl -s", "curl -sS -o /dev/stdout -w %{http_code}");
    let pasted = Command::new("sh").args(["-c", &line]).output().unwrap();
    let answer = String::from_utf8_lossy(&pasted.stdout).into_owned();
    assert!(answer.ends_with("201") && answer.contains("\"name\":\"Acme\""), "{answer}");

    // The second start finds everything again and shows no key.
    drop(process);
    let again = Process::start(&arguments, &[]);
    let told = again.printed.lock().unwrap().clone();
    assert!(!told.contains("sk_"), "shown once");
    assert!(
        !told.contains("welcome?token=") && told.contains("'countersign staff link'"),
        "one link, not one a start: {told}"
    );
    run(async move {
        let client = crate::harness::Client::new(&again.base_url).with_key(&key);
        let listed = client.get("/organizations").await.expect(200).json();
        assert_eq!(listed["data"][0]["name"], "Acme");
    });
}

#[test]
fn init_prints_json_once_and_serve_goes_on_from_there() {
    run(async {
        for backend in [Backend::Sqlite, Backend::Postgres] {
            let Some(database) = Database::fresh(backend).await else { continue };
            let data = database.directory.path().join("data");
            let base = ["--data", data.to_str().unwrap(), "--database", &database.url];
            let first =
                countersign(&[&["init", "--json", "--public-url", "http://localhost:4321"], base.as_slice()].concat());
            assert!(first.status.success(), "{}", String::from_utf8_lossy(&first.stderr));
            let said: Value = serde_json::from_slice(&first.stdout).unwrap();
            assert_eq!(said["base_url"], "http://localhost:4321");
            assert_eq!(said["issuer"], "http://localhost:4321");
            assert!(said["environment_id"].as_str().unwrap().starts_with("environment_"));
            assert!(said["client_id"].as_str().unwrap().starts_with("client_"));
            let key = said["api_key"].as_str().unwrap().to_owned();
            assert!(said["dashboard"].as_str().unwrap().contains("/dashboard/welcome?token="));
            // The output says where the only master key is; for a remote database there is also a warning.
            assert_eq!(said["master_key_file"], data.join("master.key").to_str().unwrap());
            let warned = String::from_utf8(first.stderr).unwrap();
            assert_eq!(warned.contains("copy it to a safe place"), backend == Backend::Postgres, "{warned}");
            let second =
                countersign(&[&["init", "--json", "--public-url", "http://localhost:4321"], base.as_slice()].concat());
            let again: Value = serde_json::from_slice(&second.stdout).unwrap();
            assert_eq!(again["client_id"], said["client_id"]);
            for shown_once in ["api_key", "dashboard", "master_key_file"] {
                assert_eq!(again[shown_once], Value::Null, "{shown_once}");
            }

            let process = Process::start(&[&["serve", "--listen", "127.0.0.1:0"], base.as_slice()].concat(), &[]);
            let client = crate::harness::Client::new(&process.base_url).with_key(&key);
            client.post("/organizations", json!({"name": "Acme"})).await.expect(201);
        }
    });
}

on_both_databases! {
    async fn a_start_with_the_wrong_master_key_leaves_an_older_schema_as_it_is(server: TestServer) {
        server.database.tamper("DROP TABLE past_signing_key; DELETE FROM schema_migration WHERE version = 17;").await;
        let data = server.database.directory.path().join("data");
        let base = ["--data", data.to_str().unwrap(), "--database", &server.database.url];
        let refused = Command::new(binary())
            .args([["init"].as_slice(), &base].concat())
            .env("COUNTERSIGN_MASTER_KEY", "q83vEjRWeJCrze8SNFZ4kBI0VniQq83v/ty6mHZUMhA=")
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(told.contains("not the one this database was set up with"), "{told}");
        let check = [["migrate", "--check"].as_slice(), &base].concat();
        assert_eq!(countersign(&check).status.code(), Some(2), "still pending");
        assert!(countersign(&[["init"].as_slice(), &base].concat()).status.success());
        assert_eq!(countersign(&check).status.code(), Some(0));
    }

    async fn threat_32_a_missing_weak_or_wrong_master_key_refuses_the_start(server: TestServer) {
        let data = server.database.directory.path().join("data");
        let key_file = data.join("master.key");
        let right = std::fs::read_to_string(&key_file).unwrap();
        let base = ["--data", data.to_str().unwrap(), "--database", &server.database.url, "--listen", "127.0.0.1:0"];
        let refused = |expected: &str| {
            let output = countersign(&base);
            let told = String::from_utf8_lossy(&output.stderr).into_owned();
            assert_eq!(output.status.code(), Some(1), "{told}");
            assert!(told.contains(expected), "{told}");
            assert!(!told.contains(right.trim()), "the key is not told");
        };
        std::fs::remove_file(&key_file).unwrap();
        refused("master key is missing");
        assert!(!key_file.exists(), "never made anew");
        std::fs::write(&key_file, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n").unwrap();
        std::fs::set_permissions(&key_file, std::fs::Permissions::from_mode(0o600)).unwrap();
        refused("weak");
        std::fs::write(&key_file, "changeme\n").unwrap();
        refused("32 random bytes");
        std::fs::write(&key_file, "q83vEjRWeJCrze8SNFZ4kBI0VniQq83v/ty6mHZUMhA=\n").unwrap();
        refused("not the one this database was set up with");
        std::fs::write(&key_file, &right).unwrap();
        std::fs::set_permissions(&key_file, std::fs::Permissions::from_mode(0o644)).unwrap();
        refused("chmod 600");
        std::fs::remove_file(&key_file).unwrap();
        let process = Process::start(&base, &[("COUNTERSIGN_MASTER_KEY", right.trim())]);
        drop(process);
        let command = format!("echo {}", right.trim());
        drop(Process::start(&[base.as_slice(), &["--master-key-command", &command]].concat(), &[]));
    }
}
use crate::harness::TestServer;

#[test]
fn init_names_the_file_with_the_master_key_it_made() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let init = || String::from_utf8(countersign(&["init", "--data", data.to_str().unwrap()]).stdout).unwrap();
    let said = init();
    assert!(said.contains(&format!("Master key      {}", data.join("master.key").display())), "{said}");
    let said = init();
    assert!(!said.contains("Master key") && said.contains("'countersign staff link'"), "{said}");
}

#[test]
fn what_fails_after_the_first_key_was_made_does_not_lose_it() {
    for json in [true, false] {
        let directory = tempfile::tempdir().unwrap();
        let data = directory.path().join("data");
        let base = ["--data", data.to_str().unwrap()];
        assert!(countersign(&[["migrate"].as_slice(), &base].concat()).status.success());
        let database = rusqlite::Connection::open(data.join("countersign.db")).unwrap();
        let broken = "CREATE TRIGGER broken BEFORE INSERT ON organization BEGIN SELECT RAISE(ABORT, 'broken'); END";
        database.execute_batch(broken).unwrap();
        drop(database);
        let flags = if json { ["init", "--json"].as_slice() } else { &["init"] };
        let output = countersign(&[flags, &base].concat());
        let said = String::from_utf8(output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains("sk_cs_env_"), "{said}");
        if json {
            assert_eq!(serde_json::from_str::<Value>(&said).unwrap()["dashboard"], Value::Null);
        }
    }
}

#[test]
fn an_empty_copy_beside_its_key_is_no_new_installation() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let base = ["--data", data.to_str().unwrap()];
    let init = [["init"].as_slice(), &base].concat();
    assert!(countersign(&init).status.success());
    let database = data.join("countersign.db");
    for file in ["countersign.db-wal", "countersign.db-shm"] {
        let _ = std::fs::remove_file(data.join(file));
    }
    std::fs::write(&database, "").unwrap();
    for arguments in [&init, &[["keys", "list"].as_slice(), &base].concat()] {
        let refused = countersign(arguments);
        assert_eq!(refused.status.code(), Some(1));
        let told = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(told.contains("countersign.db is empty"), "{told}");
    }
    assert_eq!(std::fs::metadata(&database).unwrap().len(), 0, "as it was");
    // A first start that was interrupted before it had a key continues.
    std::fs::remove_file(data.join("master.key")).unwrap();
    assert!(countersign(&init).status.success());
}

#[test]
fn a_data_directory_open_to_everyone_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    std::fs::create_dir(&data).unwrap();
    std::fs::set_permissions(&data, std::fs::Permissions::from_mode(0o755)).unwrap();
    let output = countersign(&["--data", data.to_str().unwrap(), "--listen", "127.0.0.1:0"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("chmod 700"));
}

#[test]
fn a_busy_port_and_a_database_out_of_reach_are_told_clearly() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let output = countersign(&["--data", data.to_str().unwrap(), "--listen", &address]);
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && told.contains(&format!("Cannot listen on {address}")), "{told}");
    let url = format!("postgres://user:hunter2@{address}/x?connect_timeout=1");
    drop(taken);
    let output = countersign(&["--data", data.to_str().unwrap(), "--listen", "127.0.0.1:0", "--database", &url]);
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && told.contains("The database"), "{told}");
    assert!(!told.contains("hunter2"), "{told}");
}
