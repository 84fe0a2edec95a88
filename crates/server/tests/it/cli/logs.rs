//! No secret ever appears in the log: a server at its most verbose, every kind of secret used correctly and
//! incorrectly, and a search.

use crate::harness::{Client, Process, run};
use serde_json::json;

#[test]
fn the_log_of_a_whole_run_holds_no_secret() {
    for format in ["text", "json"] {
        let directory = tempfile::tempdir().unwrap();
        let data = directory.path().join("data");
        let mut process = Process::start(
            &["--data", data.to_str().unwrap(), "--listen", "127.0.0.1:0", "--log-level", "trace"],
            // With a mail server that accepts nothing: without one, emails are logged.
            &[
                ("COUNTERSIGN_LOG_FORMAT", format),
                ("COUNTERSIGN_SMTP_URL", "smtp://127.0.0.1:9"),
                ("COUNTERSIGN_MAIL_FROM", "auth@example.com"),
            ],
        );
        let key = process.api_key();
        let mut secrets =
            vec![key.clone(), std::fs::read_to_string(data.join("master.key")).unwrap().trim().to_owned()];
        let base_url = process.base_url.clone();
        let used = std::thread::spawn(move || {
            let (sender, receiver) = std::sync::mpsc::channel();
            run(async move { sender.send(use_everything(&Client::new(&base_url), &key).await).unwrap() });
            receiver.recv().unwrap()
        })
        .join()
        .unwrap();
        secrets.extend(used);
        process.signal("TERM");
        assert_eq!(process.wait(), Some(0));
        let log = process.log.lock().unwrap().clone();
        assert!(log.lines().count() > 12, "it was talkative");
        for secret in &secrets {
            assert!(secret.len() > 6 && !log.contains(secret.as_str()), "the log holds {secret}");
        }
    }
}

#[test]
fn without_a_mail_server_the_log_has_what_would_have_been_sent() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let process = Process::start(&["--data", data.to_str().unwrap(), "--listen", "127.0.0.1:0"], &[]);
    let key = process.api_key();
    let base_url = process.base_url.clone();
    let token = std::thread::spawn(move || {
        let (sender, receiver) = std::sync::mpsc::channel();
        run(async move {
            let management = Client::new(&base_url).with_key(&key);
            let invite = json!({"email": "ada@example.com"});
            let invited = management.post("/user_management/invitations", invite).await.expect(201);
            sender.send(invited.text_at("token")).unwrap();
        });
        receiver.recv().unwrap()
    })
    .join()
    .unwrap();
    let began = std::time::Instant::now();
    let line = loop {
        let log = process.log.lock().unwrap().clone();
        if let Some(line) = log.lines().find(|line| line.contains("the message stays here")) {
            break line.to_owned();
        }
        assert!(began.elapsed().as_secs() < 20, "{log}");
        std::thread::yield_now();
    };
    assert!(line.contains("ada@example.com") && line.contains(&token), "{line}");
}

/// Uses every kind of secret, and returns all values that must not be logged.
async fn use_everything(client: &Client, key: &str) -> Vec<String> {
    let management = client.clone().with_key(key);
    let (client_id, secret) = management.credential(&[]).await;
    let token = client.token(&client_id, &secret).await.expect(200).text_at("access_token");
    client.introspect(&client_id, &secret, &token).await;
    client.token(&client_id, "a-wrong-secret-that-somebody-typed").await.expect(401);
    let basic =
        client.request(reqwest::Method::POST, "/oauth2/token").basic_auth(&client_id, Some("another-wrong-secret"));
    client.send(basic.form(&[("grant_type", "client_credentials")])).await.expect(401);
    client.clone().with_key("sk_wrong_key_that_somebody_pasted").get("/organizations").await.expect(401);
    let organization = management.organization("Other").await;
    let made =
        management.post(&format!("/organizations/{organization}/api_keys"), json!({"name": "k"})).await.expect(201);
    let value = made.text_at("value");
    management.post("/api_keys/validations", json!({"value": value})).await.expect(200);
    management.post("/api_keys/validations", json!({"value": "sk_org_wrong_value_here"})).await.expect(200);
    management.post("/organizations", json!({"name": 1, "external_id": "sk_in_the_wrong_field"})).await.expect(422);
    let invited =
        management.post("/user_management/invitations", json!({"email": "ada@example.com"})).await.expect(201);
    let invitation = invited.text_at("token");
    management.get(&format!("/user_management/invitations/by_token/{invitation}")).await.expect(200);
    management.get("/user_management/invitations/by_token/an-invitation-that-is-none").await.expect(404);
    let (_, signature) = token.rsplit_once('.').unwrap();
    vec![
        invitation,
        "an-invitation-that-is-none".into(),
        secret,
        signature.to_owned(),
        value,
        "a-wrong-secret-that-somebody-typed".into(),
        "another-wrong-secret".into(),
        "sk_wrong_key_that_somebody_pasted".into(),
        "sk_org_wrong_value_here".into(),
        "sk_in_the_wrong_field".into(),
    ]
}
