//! An acknowledged change survives `kill -9`: servers are killed under write load in many rounds, and the changes are
//! counted.

use crate::harness::{Backend, Client, Database, Process, run};
use serde_json::json;
use std::sync::{Arc, Mutex};

const ROUNDS: usize = 12;

/// Writes until the server is gone; records what was acknowledged.
async fn write_until_it_dies(client: Client, acknowledged: Arc<Mutex<Vec<String>>>, name: String) {
    for number in 0.. {
        let body = json!({"name": name, "external_id": format!("{name}-{number}")});
        let Ok(response) = client.request(reqwest::Method::POST, "/organizations").json(&body).send().await else {
            return;
        };
        if response.status() != 201 {
            return;
        }
        let Ok(made) = response.json::<serde_json::Value>().await else { return };
        acknowledged.lock().unwrap().push(made["id"].as_str().unwrap().to_owned());
    }
}

#[test]
fn what_was_acknowledged_is_there_after_kill_9() {
    run(async {
        for backend in [Backend::Sqlite, Backend::Postgres] {
            let Some(database) = Database::fresh(backend).await else { continue };
            let data = database.directory.path().join("data");
            let arguments = [
                "--data",
                data.to_str().unwrap(),
                "--database",
                &database.url,
                "--listen",
                "127.0.0.1:0",
                "--rate-limit-management",
                "0",
            ];
            let mut key = String::new();
            let acknowledged: Arc<Mutex<Vec<String>>> = Arc::default();
            for round in 0..ROUNDS {
                let mut process = Process::start(&arguments, &[]);
                if round == 0 {
                    key = process.api_key();
                }
                let client = Client::new(&process.base_url).with_key(&key);
                let enough = acknowledged.lock().unwrap().len() + 40 + round * 7;
                let writers: Vec<_> = (0..8)
                    .map(|writer| {
                        tokio::spawn(write_until_it_dies(
                            client.clone(),
                            Arc::clone(&acknowledged),
                            format!("r{round}w{writer}"),
                        ))
                    })
                    .collect();
                while acknowledged.lock().unwrap().len() < enough {
                    tokio::task::yield_now().await;
                }
                process.signal("KILL");
                process.wait();
                for writer in writers {
                    writer.await.unwrap();
                }
            }
            let process = Process::start(&arguments, &[]);
            let client = Client::new(&process.base_url).with_key(&key);
            let acknowledged = acknowledged.lock().unwrap().clone();
            let mut present = std::collections::HashSet::new();
            let mut after = String::new();
            loop {
                let page = client.get(&format!("/organizations?limit=100{after}")).await.expect(200).json();
                present
                    .extend(page["data"].as_array().unwrap().iter().map(|row| row["id"].as_str().unwrap().to_owned()));
                match page["list_metadata"]["after"].as_str() {
                    Some(cursor) => after = format!("&after={cursor}"),
                    None => break,
                }
            }
            let lost: Vec<&String> = acknowledged.iter().filter(|id| !present.contains(*id)).collect();
            assert!(lost.is_empty(), "{} of {} acknowledged are lost", lost.len(), acknowledged.len());
            assert!(acknowledged.len() >= ROUNDS * 40);
        }
    });
}
