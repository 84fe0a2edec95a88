//! `keys`, `api-keys`, `migrate`, `backup`, `config check`, `--version`, also while a server runs on the same database.

use crate::harness::{TestServer, binary, on_both_databases};
use serde_json::json;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

struct Operator {
    data: String,
    database: String,
}

impl Operator {
    fn of(server: &TestServer) -> Self {
        let data = server.database.directory.path().join("data").to_str().unwrap().to_owned();
        Self { data, database: server.database.url.clone() }
    }

    fn run(&self, arguments: &[&str]) -> Output {
        Command::new(binary())
            .args(arguments)
            .args(["--data", &self.data, "--database", &self.database])
            .output()
            .unwrap()
    }

    #[track_caller]
    fn ok(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }
}

async fn within_a_second(what: &str, mut done: impl AsyncFnMut() -> bool) {
    let began = Instant::now();
    while !done().await {
        assert!(began.elapsed() < Duration::from_secs(1), "{what} within a second");
    }
}

on_both_databases! {
    async fn keys_are_listed_rotated_and_burnt_under_a_running_server(server: TestServer) {
        let operator = Operator::of(&server);
        let (client_id, secret) = server.management().credential(&[]).await;
        let anonymous = server.anonymous();
        let token = anonymous.token(&client_id, &secret).await.expect(200).text_at("access_token");
        let listed = operator.ok(&["keys", "list"]);
        assert!(listed.contains("RS256") && listed.contains("active") && listed.lines().count() == 2, "{listed}");
        assert!(listed.contains("  direct  ") && listed.contains("  delegated  "), "{listed}");
        operator.ok(&["keys", "rotate", "--algorithm", "ES256"]);
        within_a_second("the successor is published", async || {
            anonymous.get("/oauth2/jwks").await.json()["keys"].as_array().unwrap().len() == 4
        }).await;
        assert!(operator.ok(&["keys", "list"]).contains("pending"));
        operator.ok(&["keys", "rotate", "--algorithm", "EdDSA", "--now", "--purpose", "direct"]);
        within_a_second("the new key signs", async || {
            let token = anonymous.token(&client_id, &secret).await.text_at("access_token");
            jsonwebtoken::decode_header(&token).unwrap().alg == jsonwebtoken::Algorithm::EdDSA
        }).await;
        assert_eq!(anonymous.introspect(&client_id, &secret, &token).await["active"], true);
        let kid = jsonwebtoken::decode_header(&token).unwrap().kid.unwrap();
        operator.ok(&["keys", "burn", &kid]);
        within_a_second("its tokens are void", async || {
            anonymous.introspect(&client_id, &secret, &token).await["active"] == false
        }).await;
        assert!(!operator.run(&["keys", "burn", &kid]).status.success());
        assert!(!operator.run(&["keys", "burn", "nonsense"]).status.success());
        assert!(!operator.run(&["keys", "rotate", "--algorithm", "HS256"]).status.success());
        assert!(!operator.run(&["keys", "rotate", "--purpose", "any"]).status.success());
        assert!(!operator.run(&["keys", "list", "--environment", "nowhere"]).status.success());
    }

    async fn api_keys_are_made_shown_once_and_revoked(server: TestServer) {
        let operator = Operator::of(&server);
        let value = operator.ok(&["api-keys", "create", "backend"]).trim().to_owned();
        let client = server.anonymous().with_key(&value);
        client.post("/organizations", json!({"name": "Acme"})).await.expect(201);
        let listed = operator.ok(&["api-keys", "list"]);
        assert!(listed.contains("backend") && !listed.contains(&value), "{listed}");
        assert!(!operator.run(&["api-keys", "create", "backend"]).status.success(), "names are unique");
        operator.ok(&["api-keys", "revoke", "backend"]);
        within_a_second("the key is dead", async || client.get("/organizations").await.status == 401).await;
        assert!(!operator.run(&["api-keys", "revoke", "backend"]).status.success());
        server.management().get("/organizations").await.expect(200);
    }

    async fn migrate_has_nothing_to_do_after_a_start(server: TestServer) {
        let operator = Operator::of(&server);
        assert!(operator.ok(&["migrate"]).contains("up to date"));
        assert!(operator.ok(&["migrate", "--check"]).contains("up to date"));
    }

    async fn a_backup_is_a_database_that_serves(server: TestServer) {
        let operator = Operator::of(&server);
        let organization = server.management().organization("Acme").await;
        let file = server.database.directory.path().join("backup.db");
        let output = operator.run(&["backup", file.to_str().unwrap()]);
        if server.database.url != "sqlite" {
            assert!(String::from_utf8_lossy(&output.stderr).contains("pg_dump"));
            return;
        }
        assert!(output.status.success());
        assert!(!operator.run(&["backup", file.to_str().unwrap()]).status.success(), "never over an existing file");
        let restored = server.database.directory.path().join("restored");
        std::os::unix::fs::DirBuilderExt::mode(&mut std::fs::DirBuilder::new(), 0o700).create(&restored).unwrap();
        std::fs::copy(&file, restored.join("countersign.db")).unwrap();
        std::fs::copy(format!("{}/master.key", operator.data), restored.join("master.key")).unwrap();
        let process = crate::harness::Process::start(&["--data", restored.to_str().unwrap(), "--listen", "127.0.0.1:0"], &[]);
        let client = crate::harness::Client::new(&process.base_url).with_key(&server.api_key);
        client.get(&format!("/organizations/{organization}")).await.expect(200);
    }
}

#[test]
fn the_schema_is_checked_without_making_anything() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let run = |arguments: &[&str]| {
        Command::new(binary()).args(arguments).args(["--data", data.to_str().unwrap()]).output().unwrap()
    };
    let checked = run(&["migrate", "--check"]);
    assert_eq!(checked.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&checked.stderr).contains("Nothing is set up here yet"));
    assert!(!data.exists(), "nothing was made");
    assert!(run(&["migrate"]).status.success());
    assert_eq!(run(&["migrate", "--check"]).status.code(), Some(0));
}

#[test]
fn a_place_that_cannot_be_looked_at_is_not_taken_for_an_empty_one() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    std::fs::write(&file, "").unwrap();
    let data = file.join("data");
    for arguments in [["keys", "list"].as_slice(), &["migrate", "--check"], &["backup", "backup.db"], &["init"]] {
        let done = Command::new(binary()).args(arguments).args(["--data", data.to_str().unwrap()]).output().unwrap();
        let said = String::from_utf8(done.stderr).unwrap();
        assert_eq!(done.status.code(), Some(1));
        assert!(said.contains("cannot be read: Not a directory"), "{arguments:?}: {said}");
    }
}

#[test]
fn the_configuration_is_checked_and_told() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("countersign.toml");
    std::fs::write(&file, "listen = \"127.0.0.1:9999\"\n").unwrap();
    let run = |arguments: &[&str]| {
        Command::new(binary())
            .args(arguments)
            .env("COUNTERSIGN_LOG_LEVEL", "debug")
            .env("COUNTERSIGN_LOG_LEVLE", "x")
            .output()
            .unwrap()
    };
    let good = run(&["config", "check", "--config", file.to_str().unwrap(), "--threads", "3"]);
    let said = String::from_utf8(good.stdout).unwrap();
    assert!(good.status.success());
    for expected in [
        "127.0.0.1:9999  [file ",
        "3  [flag]",
        "debug  [variable]",
        "[default]",
        "no setting for the variable COUNTERSIGN_LOG_LEVLE",
    ] {
        assert!(said.contains(expected), "{expected}: {said}");
    }
    std::fs::write(&file, "lisen = \"127.0.0.1:9999\"\n").unwrap();
    let bad = run(&["config", "check", "--config", file.to_str().unwrap()]);
    assert_eq!(bad.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&bad.stderr).contains("Did you mean 'listen'?"));
    // What else a start would reject.
    let absent = directory.path().join("absent.pem");
    let absent = absent.to_str().unwrap();
    for (flags, expected) in [
        (["--log-level", "warning"].as_slice(), "did you mean 'warn'?"),
        (&["--tls-certificate", absent, "--tls-key", absent], "tls_certificate"),
        (&["--database", "postgres://db.example.com/x", "--database-ca", absent], "database_ca"),
        (&["--master-key-file", absent], "absent.pem does not exist"),
        (&["--listen", ""], "--listen has no value"),
    ] {
        let bad = run(&[["config", "check"].as_slice(), flags].concat());
        assert_eq!(bad.status.code(), Some(1), "{flags:?}");
        let said = String::from_utf8_lossy(&bad.stderr).into_owned();
        assert!(said.contains(expected), "{flags:?}: {said}");
    }
    // Connections to this machine are not encrypted, so no certificate is read.
    let local = run(&["config", "check", "--database", "postgres://localhost/x", "--database-ca", absent]);
    assert_eq!(local.status.code(), Some(0));
    let bad = run(&["serve", "--listen", "nowhere"]);
    assert!(String::from_utf8_lossy(&bad.stderr).contains("listen (flag): not an address"));
}

#[test]
fn it_tells_its_version_and_refuses_commands_it_does_not_know() {
    let version = Command::new(binary()).arg("--version").output().unwrap();
    assert_eq!(String::from_utf8(version.stdout).unwrap(), format!("countersign {}\n", env!("CARGO_PKG_VERSION")));
    let unknown = Command::new(binary()).arg("srve").output().unwrap();
    assert_eq!(unknown.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&unknown.stderr).contains("serve"), "the nearest is named");
}

#[test]
fn the_documentation_of_the_settings_is_the_table_of_settings() {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/configuration.md")).unwrap();
    let (_, rest) = page.split_once("<!-- settings -->\n").unwrap();
    let (table, _) = rest.split_once("<!-- /settings -->").unwrap();
    assert_eq!(table.trim(), countersign::config::settings::documentation().trim());
}
