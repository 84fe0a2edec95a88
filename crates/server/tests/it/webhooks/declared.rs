//! `[[environment.webhook_endpoint]]`: endpoints that an operator declares in a file.

use super::path;
use crate::harness::{Receiver, TestServer, on_both_databases};
use countersign::domain::audit_log::{Trail, list};
use serde_json::{Value, json};

const FIRST: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const SECOND: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8g";

fn entry(url: &str, rest: &str) -> String {
    format!("[[environment.webhook_endpoint]]\nendpoint_url = \"{url}\"\n{rest}\n")
}

async fn listed(server: &TestServer) -> Vec<Value> {
    server.management().get("/webhook_endpoints?order=asc").await.expect_list()
}

/// Returns the administrators' actions on endpoints, oldest first.
async fn noted(server: &TestServer) -> Vec<String> {
    let (store, key) = (&server.app.store, &server.app.keyring.audit_log);
    let page = list(store, key, server.environment_id(), &Trail::default(), None, 100).await.unwrap();
    let actions = page.entries.into_iter().rev().map(|entry| entry.event.action);
    actions.filter(|action| action.starts_with("webhook_endpoint.")).collect()
}

on_both_databases! {
    async fn an_endpoint_is_declared_once_and_changed_where_the_file_says_otherwise(server: TestServer) {
        let management = server.management();
        let (one, two) = ("https://example.com/one", "https://example.com/two");
        let lines = format!("{}{}", entry(two, "events = []\nstatus = \"disabled\""), entry(one, "events = [\"user.created\", \"role.created\", \"user.created\"]"));
        let checked = server.declare_with(&format!("[[environment]]\nname = \"default\"\n{lines}"), &["--check"]).await;
        assert_eq!(checked.code, 2, "{}", checked.err);
        assert_eq!(listed(&server).await, Vec::<Value>::new());
        let declared = server.declare(&lines).await.done();
        assert!(declared.out.contains(&format!("+ webhook endpoint {one}\n+ webhook endpoint {two}\n2 changed.")), "{}", declared.out);
        let [first, second]: [Value; 2] = listed(&server).await.try_into().unwrap();
        assert_eq!((&first["endpoint_url"], &first["status"]), (&json!(one), &json!("enabled")));
        assert_eq!(first["events"], json!(["role.created", "user.created"]));
        assert_eq!((&second["endpoint_url"], &second["status"], &second["events"]), (&json!(two), &json!("disabled"), &json!([])));
        assert!(first["secret"].as_str().unwrap().starts_with("whsec_"), "the API shows the one that was made");
        assert!(!declared.out.contains("whsec_"), "{}", declared.out);

        server.clock.advance_seconds(60);
        assert_eq!(server.declare(&lines).await.done().out, "Nothing to change.\n");
        assert_eq!(listed(&server).await, [first.clone(), second.clone()], "untouched, to the moment");

        let lines = format!("{}{}", entry(one, "events = [\"user.created\"]"), entry(two, "events = []\nstatus = \"enabled\""));
        let declared = server.declare(&lines).await.done();
        assert!(declared.out.contains(&format!("~ webhook endpoint {one}: events\n~ webhook endpoint {two}: enabled\n2 changed.")), "{}", declared.out);
        let [changed, enabled]: [Value; 2] = listed(&server).await.try_into().unwrap();
        assert_eq!((&changed["id"], &changed["events"], &changed["secret"]), (&first["id"], &json!(["user.created"]), &first["secret"]));
        assert_eq!(enabled["status"], "enabled");
        // Fields and endpoints that the file does not mention stay unchanged.
        management.patch(&path(&changed), json!({"status": "disabled"})).await.expect(200);
        let lines = entry(one, "events = [\"user.created\"]");
        assert_eq!(server.declare(&lines).await.done().out, "Nothing to change.\n");
        assert_eq!(listed(&server).await.len(), 2);
        assert_eq!(management.get(&path(&changed)).await.json()["status"], "disabled");
        // A different URL means a different endpoint.
        let declared = server.declare(&entry("https://example.com/three", "events = [\"user.created\"]")).await.done();
        assert!(declared.out.contains("+ webhook endpoint https://example.com/three"), "{}", declared.out);
        assert_eq!(listed(&server).await.len(), 3);
        assert_eq!(noted(&server).await, ["created", "created", "updated", "updated", "created"].map(|act| format!("webhook_endpoint.{act}")));
    }

    async fn a_secret_is_brought_along_and_another_one_takes_over_beside_it(server: TestServer) {
        let (mut receiver, management) = (Receiver::start().await, server.management());
        let lines = entry(&receiver.base_url, "events = [\"organization.created\"]\nsecret = { file = \"hooks.secret\" }");
        server.file("hooks.secret", format!("{FIRST}\n").as_bytes());
        server.declare(&lines).await.done();
        assert_eq!(listed(&server).await[0]["secret"], FIRST);
        management.organization("A").await;
        let received = receiver.next().await;
        assert!(received.is_signed_by(FIRST));
        assert_eq!(received.header("webhook-signature").split(' ').count(), 1);
        assert_eq!(server.declare(&lines).await.done().out, "Nothing to change.\n");

        server.file("hooks.secret", SECOND.as_bytes());
        let declared = server.declare(&lines).await.done();
        assert!(declared.out.contains(&format!("~ webhook endpoint {}: another secret", receiver.base_url)), "{}", declared.out);
        assert!(!declared.out.contains("whsec_"), "{}", declared.out);
        management.organization("B").await;
        let received = receiver.next().await;
        assert!(received.is_signed_by(SECOND) && !received.is_signed_by(FIRST), "at once");
        assert_eq!(received.header("webhook-signature").split(' ').count(), 2, "the one before besides, for a day");
        let shown = listed(&server).await.remove(0);
        assert_eq!((&shown["secret"], shown.get("next_secret")), (&json!(SECOND), None));
        assert_eq!(server.declare(&lines).await.done().out, "Nothing to change.\n");
        // If the file declares no secret, the current one stays in use.
        let lines = entry(&receiver.base_url, "events = [\"organization.created\"]");
        assert_eq!(server.declare(&lines).await.done().out, "Nothing to change.\n");
    }

    async fn what_is_wrong_is_told_and_nothing_is_changed(server: TestServer) {
        server.file("short.secret", b"whsec_MfKQ9r8GKYqr");
        server.file("other.secret", b"not a secret of webhooks, but long enough for one");
        let url = "https://example.com/hooks";
        for (lines, told) in [
            (entry(url, "events = [\"user.renamed\"]"), "'user.renamed' is no event"),
            (entry(url, "events = []\nstatus = \"off\""), "status must be 'enabled' or 'disabled'"),
            (entry(url, "events = []\nsecret = { file = \"short.secret\" }"), "is not a usable secret"),
            (entry(url, "events = []\nsecret = { file = \"other.secret\" }"), "must be 'whsec_' and the base64"),
            (entry(url, &format!("events = []\nsecret = \"{FIRST}\"")), "never in the file itself"),
            (entry(url, "events = []\nurl = \"x\""), "unknown field"),
            (entry(url, ""), "missing field `events`"),
            (entry("http://example.com/hooks", "events = []"), "endpoint_url"),
            (entry("https://169.254.169.254/", "events = []"), "endpoint_url"),
            (format!("{0}{0}", entry(url, "events = []")), "declared twice"),
        ] {
            let refused = server.declare(&lines).await;
            assert_eq!(refused.code, 1, "{lines}: {}", refused.out);
            assert!(refused.err.contains(told), "{told}: {}", refused.err);
        }
        assert_eq!(listed(&server).await, Vec::<Value>::new());
    }

    async fn threat_34_the_same_url_is_each_environments_own(server: TestServer) {
        let another = server.another_environment().await;
        let body = json!({"endpoint_url": "https://example.com/hooks", "events": ["user.created"]});
        let theirs = another.management.post("/webhook_endpoints", body).await.expect(201).json();
        server.declare(&entry("https://example.com/hooks", "events = []")).await.done();
        assert_eq!(listed(&server).await.len(), 1);
        assert_eq!(another.management.get(&path(&theirs)).await.json(), theirs);
    }
}
