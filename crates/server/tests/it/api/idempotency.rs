//! `Idempotency-Key`: the same key with the same request gets the same response, and the change happens once.

use crate::harness::{Answer, Client, TestServer, ids, on_both_databases};
use reqwest::Method;
use serde_json::{Value, json};

/// Sends a body with an idempotency key.
async fn keyed(client: &Client, method: Method, path: &str, key: &str, body: &Value) -> Answer {
    client.send(client.request(method, path).header("idempotency-key", key).json(body)).await
}

/// Posts a body with an idempotency key.
async fn post(client: &Client, path: &str, key: &str, body: Value) -> Answer {
    keyed(client, Method::POST, path, key, &body).await
}

on_both_databases! {
    async fn the_same_key_gets_the_same_answer_and_one_object(server: TestServer) {
        let management = server.management();
        let key = "retry-5b0f2c1e-8b0a-4a54-9f53-6a1c0f6f2a11";
        let first = post(&management, "/organizations", key, json!({"name": "Acme"})).await.expect(201);
        server.clock.advance_seconds(3600);
        for _ in 0..3 {
            let again = post(&management, "/organizations", key, json!({"name": "Acme"})).await.expect(201);
            assert_eq!(again.expect_json(), first.json());
        }
        let other = post(&management, "/organizations", "another key", json!({"name": "Acme"})).await.expect(201);
        let without = management.post("/organizations", json!({"name": "Acme"})).await.expect(201);
        let expected = [without.text_at("id"), other.text_at("id"), first.text_at("id")];
        assert_eq!(ids(&management.get("/organizations").await.json()["data"]), expected);
    }

    async fn every_kind_of_object_is_made_once(server: TestServer) {
        let management = server.management();
        let organization = management.organization("Acme").await;
        let application = management.machine(&organization, &[]).await["id"].as_str().unwrap().to_owned();
        let secrets = format!("/connect/applications/{application}/client_secrets");
        let keys = format!("/organizations/{organization}/api_keys");
        for (path, body, list) in [
            ("/organizations", json!({"name": "B", "external_id": "b"}), Some("/organizations")),
            ("/organization_domains", json!({"domain": "acme.com", "organization_id": organization}), None),
            ("/authorization/permissions", json!({"slug": "a", "name": "A"}), Some("/authorization/permissions")),
            ("/connect/applications", json!({"name": "M", "application_type": "m2m", "organization_id": organization}), Some("/connect/applications")),
            (secrets.as_str(), json!({}), Some(secrets.as_str())),
            (keys.as_str(), json!({"name": "K"}), Some(keys.as_str())),
        ] {
            let rows = async || match list {
                None => 0,
                Some(list) => { let body = management.get(list).await.expect(200).json(); body.as_array().or(body["data"].as_array()).unwrap().len() }
            };
            let before = rows().await;
            // The same key for all requests, because it applies per path.
            let first = post(&management, path, "key", body.clone()).await.expect(201);
            let again = post(&management, path, "key", body).await.expect(201);
            assert_eq!(again.json(), first.json(), "{path}");
            assert_eq!(again.header("cache-control"), first.header("cache-control"), "{path}");
            assert_eq!(rows().await, before + usize::from(list.is_some()), "{path}");
        }
    }

    async fn a_secret_is_shown_again_to_whoever_asks_with_the_same_key(server: TestServer) {
        let management = server.management();
        let application = management.machine(&management.organization("Acme").await, &[]).await;
        let client_id = application["client_id"].as_str().unwrap();
        let path = format!("/connect/applications/{client_id}/client_secrets");
        let first = post(&management, &path, "key", json!({})).await.expect(201).text_at("secret");
        assert_eq!(post(&management, &path, "key", json!({})).await.expect(201).text_at("secret"), first);
        server.anonymous().token(client_id, &first).await.expect(200);
        assert_eq!(management.get(&path).await.json().as_array().unwrap().len(), 1);
        // A stored response that contains a secret is kept for minutes only.
        server.clock.advance_seconds(601);
        assert_ne!(post(&management, &path, "key", json!({})).await.expect(201).text_at("secret"), first);
        assert_eq!(management.get(&path).await.json().as_array().unwrap().len(), 2);
    }

    async fn an_answer_to_a_change_of_a_webhook_shows_its_secret_and_is_not_kept(server: TestServer) {
        let management = server.management();
        let body = json!({"endpoint_url": "https://example.com/", "events": []});
        let path = format!("/webhook_endpoints/{}", management.post("/webhook_endpoints", body).await.expect(201).text_at("id"));
        for method in [Method::PATCH, Method::PUT] {
            let change = json!({"status": "disabled"});
            keyed(&management, method.clone(), &path, "key", &change).await.expect(200);
            management.patch(&path, json!({"status": "enabled"})).await.expect(200);
            keyed(&management, method, &path, "key", &change).await.expect(200);
            assert_eq!(management.get(&path).await.json()["status"], "disabled", "it was done again");
            management.patch(&path, json!({"status": "enabled"})).await.expect(200);
        }
    }

    async fn a_key_is_forgotten_after_a_day(server: TestServer) {
        let management = server.management();
        let first = post(&management, "/organizations", "key", json!({"name": "Acme"})).await.expect(201).text_at("id");
        server.clock.advance_seconds(24 * 3600 - 60);
        assert_eq!(post(&management, "/organizations", "key", json!({"name": "Acme"})).await.expect(201).text_at("id"), first);
        server.clock.advance_seconds(61);
        assert_ne!(post(&management, "/organizations", "key", json!({"name": "Acme"})).await.expect(201).text_at("id"), first);
    }

    async fn twenty_at_once_make_one_object(server: TestServer) {
        let management = server.management();
        for body in [json!({"name": "Acme"}), json!({"name": "Unique", "external_id": "x", "domain_data": [{"domain": "acme.com", "state": "verified"}]})] {
            let mut tasks = tokio::task::JoinSet::new();
            for _ in 0..20 {
                let (management, body) = (management.clone(), body.clone());
                tasks.spawn(async move { post(&management, "/organizations", &body["name"].to_string(), body.clone()).await });
            }
            let mut made: Vec<Value> = tasks.join_all().await.into_iter().map(|answer| answer.expect(201).expect_json()).collect();
            assert_eq!(made.len(), 20);
            made.dedup();
            assert_eq!(made.len(), 1, "all twenty got the same answer");
        }
        assert_eq!(management.get("/organizations").await.expect_list().len(), 2);
    }

    async fn twenty_at_once_issue_one_secret(server: TestServer) {
        let management = server.management();
        let application = management.machine(&management.organization("Acme").await, &[]).await;
        let path = format!("/connect/applications/{}/client_secrets", application["id"].as_str().unwrap());
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..20 {
            let (management, path) = (management.clone(), path.clone());
            tasks.spawn(async move { post(&management, &path, "key", json!({})).await });
        }
        let mut values: Vec<String> = tasks.join_all().await.into_iter().map(|answer| answer.expect(201).text_at("secret")).collect();
        values.dedup();
        assert_eq!(values.len(), 1);
        assert_eq!(management.get(&path).await.json().as_array().unwrap().len(), 1);
    }

    async fn a_key_with_another_body_is_refused(server: TestServer) {
        let management = server.management();
        let first = post(&management, "/organizations", "key", json!({"name": "Acme"})).await.expect(201);
        for other in [json!({"name": "Other"}), json!({"name": "Acme", "external_id": "x"})] {
            post(&management, "/organizations", "key", other).await.expect_invalid(&[("Idempotency-Key", "idempotency_key_reused")]);
        }
        assert_eq!(management.get("/organizations").await.expect_list(), [first.json()]);
        assert_eq!(post(&management, "/organizations", "key", json!({"name": "Acme"})).await.expect(201).json(), first.json());
    }

    async fn a_key_belongs_to_its_environment(server: TestServer) {
        let another = server.another_environment().await;
        let ours = post(&server.management(), "/organizations", "key", json!({"name": "Acme"})).await.expect(201).text_at("id");
        let theirs = post(&another.management, "/organizations", "key", json!({"name": "Acme"})).await.expect(201).text_at("id");
        assert_ne!(ours, theirs);
        post(&another.management, "/authorization/permissions", "p", json!({"slug": "a", "name": "A"})).await.expect(201);
        post(&server.management(), "/authorization/permissions", "p", json!({"slug": "b", "name": "B"})).await.expect(201);
        assert_eq!(ids(&another.management.get("/organizations").await.json()["data"]), [theirs]);
    }

    async fn a_refused_request_is_not_kept(server: TestServer) {
        let management = server.management();
        post(&management, "/organizations", "a", json!({"name": ""})).await.expect(422);
        post(&management, "/organizations", "a", json!({"name": "Acme"})).await.expect(201);
        let nobody = "org_01EHZNVPK3SFK441A1RGBFSHRT";
        let machine = |organization: &str| json!({"name": "M", "application_type": "m2m", "organization_id": organization, "scopes": ["later"]});
        post(&management, "/connect/applications", "b", machine(nobody)).await.expect(404);
        let organization = management.organization("B").await;
        post(&management, "/connect/applications", "b", machine(&organization)).await.expect(422);
        management.permission("later").await;
        post(&management, "/connect/applications", "b", machine(&organization)).await.expect(201);
        // A conflict is reevaluated each time, and disappears with its cause.
        management.permission("taken").await;
        let body = json!({"slug": "taken", "name": "T"});
        for _ in 0..2 {
            post(&management, "/authorization/permissions", "c", body.clone()).await.expect_code(409, "permission_slug_conflict");
        }
        management.delete("/authorization/permissions/taken").await.expect(204);
        post(&management, "/authorization/permissions", "c", body).await.expect(201);
        let stranger = server.anonymous();
        post(&stranger, "/organizations", "d", json!({"name": "D"})).await.expect(401);
        let made = post(&management, "/organizations", "d", json!({"name": "D"})).await.expect(201);
        post(&stranger, "/organizations", "d", json!({"name": "D"})).await.expect_unauthorized();
        assert_eq!(management.get("/organizations?limit=1").await.expect_list(), [made.json()]);
    }

    async fn reading_changing_and_deleting_go_their_way(server: TestServer) {
        let management = server.management();
        let organization = management.organization("Acme").await;
        let path = format!("/organizations/{organization}");
        for name in ["One", "Two", "One"] {
            keyed(&management, Method::PUT, &path, "key", &json!({"name": name})).await.expect(200);
            let seen = management.send(management.request(Method::GET, &path).header("idempotency-key", "key")).await.expect(200);
            assert_eq!(seen.text_at("name"), name);
        }
        management.permission("a").await;
        for name in ["One", "Two", "One"] {
            let changed = keyed(&management, Method::PATCH, "/authorization/permissions/a", "key", &json!({"name": name})).await.expect(200);
            assert_eq!(changed.text_at("name"), name);
        }
        let delete = async || management.send(management.request(Method::DELETE, &path).header("idempotency-key", "key")).await;
        delete().await.expect(200);
        delete().await.expect(404);
    }

    async fn a_validation_is_never_answered_from_memory(server: TestServer) {
        let management = server.management();
        let organization = management.organization("Acme").await;
        let key = management.post(&format!("/organizations/{organization}/api_keys"), json!({"name": "K"})).await.expect(201).json();
        let validate = async || post(&management, "/api_keys/validations", "key", json!({"value": key["value"]})).await.expect(200).json();
        assert_eq!(validate().await["api_key"]["id"], key["id"]);
        management.delete(&format!("/api_keys/{}", key["id"].as_str().unwrap())).await.expect(204);
        assert_eq!(validate().await, json!({"api_key": null}));
    }

    async fn an_expiry_sent_again_is_no_conflict(server: TestServer) {
        let management = server.management();
        let organization = management.organization("Acme").await;
        let key = management.post(&format!("/organizations/{organization}/api_keys"), json!({"name": "K"})).await.expect(201).json();
        let path = format!("/api_keys/{}/expire", key["id"].as_str().unwrap());
        let first = post(&management, &path, "key", json!({})).await.expect(200).json();
        assert_eq!(post(&management, &path, "key", json!({})).await.expect(200).json(), first);
        post(&management, &path, "another key", json!({})).await.expect_code(409, "api_key_already_expired");
    }

    async fn a_key_has_a_form(server: TestServer) {
        let management = server.management();
        let request = |key: &[u8]| {
            let key = reqwest::header::HeaderValue::from_bytes(key).unwrap();
            management.request(Method::POST, "/organizations").header("idempotency-key", key).json(&json!({"name": "A"}))
        };
        for bad in ["x".repeat(256).as_bytes(), b"k\xff"] {
            management.send(request(bad)).await.expect_invalid(&[("Idempotency-Key", "invalid")]);
        }
        assert_eq!(management.get("/organizations").await.expect_list(), Vec::<Value>::new());
        management.send(request("x".repeat(255).as_bytes())).await.expect(201);
        management.send(request(b"' OR 1=1; --")).await.expect(201);
        assert_eq!(management.get("/organizations").await.expect_list().len(), 2);
    }
}
