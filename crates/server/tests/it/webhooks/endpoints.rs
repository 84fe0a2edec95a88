//! `/webhook_endpoints`: input and output.

use super::{endpoint, path};
use crate::harness::{TestServer, assert_id, assert_keys, assert_moment, ids, on_both_databases};
use reqwest::Method;
use serde_json::{Value, json};

const KEYS: [&str; 8] = ["created_at", "endpoint_url", "events", "id", "object", "secret", "status", "updated_at"];
const NOBODY: &str = "we_01EHZNVPK3SFK441A1RGBFSHRT";

on_both_databases! {
    async fn an_endpoint_is_made_shown_changed_and_deleted(server: TestServer) {
        let management = server.management();
        let body = json!({"endpoint_url": "https://example.com/hooks", "events": ["user.created", "dsync.user.created", "user.created"]});
        let made = management.post("/webhook_endpoints", body.clone()).await.expect(201).expect_json();
        assert_keys(&made, &KEYS);
        assert_id(&made["id"], "we");
        assert_eq!(made["object"], "webhook_endpoint");
        assert_eq!(made["status"], "enabled");
        assert_eq!(made["events"], json!(["dsync.user.created", "user.created"]));
        let secret = made["secret"].as_str().unwrap();
        assert!(secret.starts_with("whsec_") && secret.len() == 50, "{}", secret.len());
        assert_moment(&made["created_at"]);
        management.post("/webhook_endpoints", body).await.expect_code(409, "duplicate_endpoint");
        assert_eq!(management.get("/webhook_endpoints").await.json()["data"], json!([made]), "with its secret");
        assert_eq!(management.get(&path(&made)).await.expect(200).expect_json(), made);

        let second = endpoint(&management, "https://example.com", "second", &[]).await;
        assert_ne!(second["secret"], made["secret"]);
        management.patch(&path(&second), json!({"endpoint_url": "https://example.com/hooks"})).await.expect_code(409, "duplicate_endpoint");
        server.clock.advance_seconds(60);
        for (method, url) in [(Method::PATCH, "https://example.com/a"), (Method::PUT, "https://example.com/b")] {
            let request = management.request(method, &path(&second)).json(&json!({"endpoint_url": url, "events": ["session.created"], "unknown": 1}));
            let changed = management.send(request).await.expect(200).expect_json();
            assert_keys(&changed, &KEYS);
            assert_eq!((&changed["endpoint_url"], &changed["events"]), (&json!(url), &json!(["session.created"])));
            assert_eq!((&changed["secret"], &changed["created_at"]), (&second["secret"], &second["created_at"]));
            assert_ne!(changed["updated_at"], second["updated_at"]);
        }
        let unchanged = management.patch(&path(&second), json!({})).await.expect(200).json();
        assert_eq!(unchanged["endpoint_url"], "https://example.com/b");
        assert_eq!(ids(&management.get("/webhook_endpoints").await.json()["data"]), [second["id"].as_str().unwrap(), made["id"].as_str().unwrap()]);
        assert_eq!(ids(&management.get("/webhook_endpoints?order=asc&limit=1").await.json()["data"]), [made["id"].as_str().unwrap()]);
        management.delete(&path(&made)).await.expect(204);
        assert_eq!(ids(&management.get("/webhook_endpoints").await.json()["data"]), [second["id"].as_str().unwrap()]);
    }

    async fn what_is_wrong_is_told(server: TestServer) {
        let management = server.management();
        let post = async |url: &str, events: Value| management.post("/webhook_endpoints", json!({"endpoint_url": url, "events": events})).await;
        for url in [
            "x", "http://example.com/", "ftp://example.com", "https://user@example.com/", "https://example.com/#x", "https://10.0.0.1/", "https://169.254.169.254/",
            "https://127.1/", "https://[::1]/",
        ] {
            // A test server runs on this machine, so its endpoints may as well.
            let this_machine = ["https://127.1/", "https://[::1]/"].contains(&url);
            if this_machine {
                post(url, json!([])).await.expect(201);
            } else {
                post(url, json!([])).await.expect_code(422, "invalid_url");
            }
        }
        management.post("/webhook_endpoints", json!({})).await.expect_invalid(&[("endpoint_url", "required"), ("events", "required")]);
        post("https://example.com/", json!("user.created")).await.expect_invalid(&[("events", "invalid_type")]);
        post("https://example.com/", json!(["user.created", 7])).await.expect_invalid(&[("events.1", "invalid_type")]);
        for event in ["user.renamed", "vault.data.read", "action.authentication.denied", "dsync.token.created", "*", "webhook_endpoint.tested"] {
            post("https://example.com/", json!(["user.created", event])).await.expect_invalid(&[("events.1", "unknown_event_type")]);
        }
        for event in ["agent.registration.created", "waitlist_user.denied", "oauth.refresh_token_reused", "webhook_endpoint.disabled"] {
            post(&format!("https://example.com/{event}"), json!([event])).await.expect(201);
        }
        let made = endpoint(&management, "https://example.com", "y", &[]).await;
        management.patch(&path(&made), json!({"status": "off"})).await.expect_invalid(&[("status", "invalid")]);
        management.patch(&path(&made), json!({"endpoint_url": "http://example.com"})).await.expect_code(422, "invalid_url");
        management.patch(&path(&made), json!({"events": ["x"]})).await.expect_invalid(&[("events.0", "unknown_event_type")]);
        for id in [NOBODY, "we_x", "x"] {
            for method in [Method::GET, Method::PATCH, Method::PUT, Method::DELETE] {
                let request = management.request(method, &format!("/webhook_endpoints/{id}")).json(&json!({}));
                management.send(request).await.expect_not_found("Webhook endpoint", id);
            }
        }
    }

    async fn plain_text_is_for_servers_on_this_machine_only(server: TestServer) {
        endpoint(&server.management(), "http://localhost:3000", "x", &[]).await;
        let elsewhere = server.another_environment_with("kind = \"production\"").await;
        let body = json!({"endpoint_url": "http://localhost:3000/x", "events": []});
        elsewhere.management.post("/webhook_endpoints", body).await.expect_code(422, "invalid_url");
    }

    async fn an_environment_has_a_hundred_endpoints_at_most(server: TestServer) {
        let management = server.management();
        for number in 0..100 {
            endpoint(&management, "https://example.com", &number.to_string(), &[]).await;
        }
        let body = json!({"endpoint_url": "https://example.com/more", "events": []});
        management.post("/webhook_endpoints", body).await.expect_invalid(&[("", "too_many")]);
    }

    async fn threat_34_what_another_environment_has_does_not_exist_here(server: TestServer) {
        let another = server.another_environment().await;
        let theirs = endpoint(&another.management, "https://example.com", "x", &["user.created"]).await;
        let (mine, id) = (server.management(), theirs["id"].as_str().unwrap());
        endpoint(&mine, "https://example.com", "x", &[]).await;
        let event = "event_01EHZNVPK3SFK441A1RGBFSHRT";
        for (method, rest) in [
            (Method::GET, ""), (Method::PATCH, ""), (Method::PUT, ""), (Method::DELETE, ""), (Method::POST, "/rotate_secret"),
            (Method::POST, "/complete_rotation"), (Method::POST, "/test"), (Method::POST, "/replay"), (Method::GET, "/deliveries"),
            (Method::GET, &format!("/deliveries/{event}")), (Method::POST, &format!("/deliveries/{event}/resend")),
        ] {
            let request = mine.request(method, &format!("{}{rest}", path(&theirs))).json(&json!({"from": event, "status": "disabled"}));
            mine.send(request).await.expect_not_found("Webhook endpoint", id);
        }
        assert_eq!(another.management.get(&path(&theirs)).await.expect(200).json(), theirs);
    }
}
