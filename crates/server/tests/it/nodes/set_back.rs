//! A database that was set back (a restore, or a failover that lost transactions): version numbers of changes are
//! reused, and a node must not mistake the new changes for those it has seen.

use crate::harness::{Backend, TestServer, run};
use std::time::{Duration, Instant};

async fn active(server: &TestServer, watcher: &(String, String), token: &str) -> bool {
    server.anonymous().introspect(&watcher.0, &watcher.1, token).await["active"] == true
}

#[test]
fn a_node_starts_over_when_the_feed_was_set_back() {
    run(async {
        for overtaken in [false, true] {
            let server = TestServer::start(Backend::Sqlite).await.unwrap();
            let management = server.management();
            let watcher = management.credential(&[]).await;
            let organization = management.organization("Acme").await;
            let client_id = management.machine(&organization, &[]).await["client_id"].as_str().unwrap().to_owned();
            let (secret_id, secret) = management.secret(&client_id).await;
            let token = server.anonymous().token(&client_id, &secret).await.expect(200).text_at("access_token");
            assert!(active(&server, &watcher, &token).await, "and the client is in memory now");

            // As in a restored database: fewer changes, or as many with a different history; and the secret is gone.
            let file = server.database.directory.path().join("data/countersign.db");
            tokio::task::spawn_blocking(move || {
                let connection = rusqlite::Connection::open(file).unwrap();
                connection.busy_timeout(Duration::from_secs(5)).unwrap();
                let history = if overtaken {
                    "UPDATE change SET created_at = created_at - 5000"
                } else {
                    "DELETE FROM change WHERE version > 1; UPDATE change_counter SET version = 1"
                };
                connection
                    .execute_batch(&format!(
                        "BEGIN IMMEDIATE; DELETE FROM client_secret WHERE id = '{secret_id}'; {history}; COMMIT"
                    ))
                    .unwrap();
            })
            .await
            .unwrap();
            let began = Instant::now();
            while active(&server, &watcher, &token).await {
                assert!(began.elapsed() < Duration::from_secs(1), "it went on believing (overtaken: {overtaken})");
            }
        }
    });
}
