//! PostgreSQL over TLS: an unknown authority and a certificate for another name are rejected, a configured authority is
//! trusted, and the connection is then encrypted.

use crate::harness::{Backend, Database, Process, binary, run, skip, variable};
use std::process::Command;

/// Returns a database URL with this host name or address and TLS mode.
fn url(database: &Database, host: &str, mode: &str) -> String {
    format!("{}&sslmode={mode}", database.url.replace("@127.0.0.1", &format!("@{host}")))
}

#[test]
fn the_database_is_reached_over_tls_that_is_verified() {
    run(async {
        let Some(authority) = variable("COUNTERSIGN_TEST_POSTGRES_CA") else {
            return skip(
                "PostgreSQL over TLS",
                "COUNTERSIGN_TEST_POSTGRES_CA is not set (scripts/with-postgres sets it)",
            );
        };
        let Some(database) = Database::fresh(Backend::Postgres).await else { return };
        let data = database.directory.path().join("data");
        let arguments = |host: &str, trusted: bool| {
            let mut arguments =
                ["--data", data.to_str().unwrap(), "--listen", "127.0.0.1:0", "--database"].map(str::to_owned).to_vec();
            arguments.push(url(&database, host, "require"));
            if trusted {
                arguments.extend(["--database-ca".to_owned(), authority.clone()]);
            }
            arguments
        };
        for (host, trusted, why) in
            [("localhost", false, "an authority nobody knows"), ("127.0.0.1", true, "a certificate for another name")]
        {
            let refused = Command::new(binary()).args(arguments(host, trusted)).output().unwrap();
            let said = String::from_utf8(refused.stderr).unwrap();
            assert_eq!(refused.status.code(), Some(1), "{why}: {said}");
            assert!(said.contains("certificate"), "it says why: {said}");
        }

        let arguments = arguments("localhost", true);
        let process = Process::start(&arguments.iter().map(String::as_str).collect::<Vec<_>>(), &[]);
        let client = reqwest::Client::new();
        let created = client
            .post(format!("{}/organizations", process.base_url))
            .bearer_auth(process.api_key())
            .json(&serde_json::json!({"name": "Over TLS"}))
            .send()
            .await
            .unwrap();
        assert_eq!(created.status(), 201);
        let connections = database.encrypted_connections().await;
        assert!(!connections.is_empty() && connections.iter().all(|ssl| *ssl), "{connections:?}");
    });
}
