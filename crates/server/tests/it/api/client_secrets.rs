//! `/connect/applications/{id}/client_secrets` and `/connect/client_secrets/{id}`.

use crate::harness::{TestServer, assert_id, assert_keys, assert_moment, ids, on_both_databases};
use reqwest::Method;
use serde_json::{Value, json};

const KEYS: [&str; 6] = ["created_at", "id", "last_used_at", "object", "secret_hint", "updated_at"];
const NOBODY: &str = "app_01EHZNVPK3SFK441A1RGBFSHRT";

fn path(application: &Value) -> String {
    format!("/connect/applications/{}/client_secrets", application["id"].as_str().unwrap())
}

on_both_databases! {
    async fn a_secret_is_shown_once_and_never_again(server: TestServer) {
        let management = server.management();
        let application = management.machine(&management.organization("Acme").await, &[]).await;
        let answer = management.post(&path(&application), json!({})).await.expect(201);
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        let made = answer.expect_json();
        assert_keys(&made, &[&KEYS[..], &["secret"]].concat());
        assert_eq!(made["object"], "connect_application_secret");
        assert_id(&made["id"], "secret");
        assert_eq!(made["last_used_at"], Value::Null);
        assert_moment(&made["created_at"]);
        assert_moment(&made["updated_at"]);
        let value = made["secret"].as_str().unwrap();
        let hint = made["secret_hint"].as_str().unwrap();
        assert_eq!(hint.len(), 6);
        assert!(value.len() > 40 && value.ends_with(hint));

        let listed = management.get(&path(&application)).await.expect(200);
        let list = listed.expect_json();
        assert_eq!(list.as_array().expect("a bare array").len(), 1);
        assert_keys(&list[0], &KEYS);
        assert_eq!((&list[0]["id"], &list[0]["secret_hint"]), (&made["id"], &made["secret_hint"]));
        let shown = management.get(&format!("/connect/applications/{}", application["id"].as_str().unwrap())).await.expect(200);
        for text in [&listed.text, &shown.text, &management.get("/connect/applications").await.text] {
            assert!(!text.contains(value) && !text.contains("\"secret\":"), "{text}");
        }
    }

    async fn the_application_may_be_named_in_every_way(server: TestServer) {
        let management = server.management();
        let application = management.machine(&management.organization("Acme").await, &[]).await;
        let id = application["id"].as_str().unwrap();
        for name in [id.to_owned(), format!("conn_{id}"), application["client_id"].as_str().unwrap().to_owned()] {
            let path = format!("/connect/applications/{name}/client_secrets");
            let made = management.post(&path, json!({})).await.expect(201).text_at("id");
            assert_eq!(ids(&management.get(&path).await.expect(200).json())[0], made, "newest first");
        }
        assert_eq!(management.get(&path(&application)).await.json().as_array().unwrap().len(), 3);
    }

    async fn the_body_is_an_empty_object_or_nothing(server: TestServer) {
        let management = server.management();
        let application = management.machine(&management.organization("Acme").await, &[]).await;
        let nothing = management.request(Method::POST, &path(&application));
        management.send(nothing).await.expect(201);
        let declared = management.request(Method::POST, &path(&application)).header("content-type", "application/json");
        management.send(declared).await.expect(201);
        management.post(&path(&application), json!({"name": "ignored"})).await.expect(201);
        for wrong in [json!([]), json!(null), json!("x"), json!(1)] {
            management.post(&path(&application), wrong).await.expect_invalid(&[("", "invalid_type")]);
        }
        assert_eq!(management.get(&path(&application)).await.json().as_array().unwrap().len(), 3);
    }

    async fn an_application_has_five_secrets_at_most(server: TestServer) {
        let management = server.management();
        let application = management.machine(&management.organization("Acme").await, &[]).await;
        let mut made = Vec::new();
        for _ in 0..5 {
            made.push(management.secret(application["id"].as_str().unwrap()).await.0);
        }
        management.post(&path(&application), json!({})).await.expect_invalid(&[("", "too_many_client_secrets")]);
        made.reverse();
        assert_eq!(ids(&management.get(&path(&application)).await.expect(200).json()), made);
        management.delete(&format!("/connect/client_secrets/{}", made[2])).await.expect(204);
        management.post(&path(&application), json!({})).await.expect(201);
        management.post(&path(&application), json!({})).await.expect(422);
        let other = management.machine(&management.organization("Other").await, &[]).await;
        management.post(&path(&other), json!({})).await.expect(201);
    }

    async fn twenty_creations_at_once_make_five_secrets(server: TestServer) {
        let management = server.management();
        let application = management.machine(&management.organization("Acme").await, &[]).await;
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..20 {
            let (management, path) = (management.clone(), path(&application));
            tasks.spawn(async move { management.post(&path, json!({})).await });
        }
        let (made, refused): (Vec<_>, Vec<_>) = tasks.join_all().await.into_iter().partition(|answer| answer.status == 201);
        assert_eq!((made.len(), refused.len()), (5, 15));
        for answer in refused {
            answer.expect_invalid(&[("", "too_many_client_secrets")]);
        }
        let mut issued: Vec<String> = made.iter().map(|answer| answer.text_at("id")).collect();
        let mut listed = ids(&management.get(&path(&application)).await.expect(200).json());
        issued.sort();
        listed.sort();
        assert_eq!(issued, listed);
        for answer in &made {
            server.anonymous().token(application["client_id"].as_str().unwrap(), &answer.text_at("secret")).await.expect(200);
        }
    }

    async fn a_public_application_gets_none(server: TestServer) {
        let management = server.management();
        let body = json!({"name": "Native", "application_type": "oauth", "is_first_party": true, "uses_pkce": true});
        let application = management.post("/connect/applications", body).await.expect(201).json();
        management.post(&path(&application), json!({})).await.expect_invalid(&[("", "public_client")]);
        assert_eq!(management.get(&path(&application)).await.expect(200).json(), json!([]));
        let body = json!({"name": "Site", "application_type": "oauth", "is_first_party": true, "uses_pkce": false});
        let confidential = management.post("/connect/applications", body).await.expect(201).json();
        management.post(&path(&confidential), json!({})).await.expect(201);
    }

    async fn a_deleted_secret_stops_working_and_the_others_go_on(server: TestServer) {
        let management = server.management();
        let application = management.machine(&management.organization("Acme").await, &[]).await;
        let client_id = application["client_id"].as_str().unwrap();
        let (first_id, first) = management.secret(client_id).await;
        let (second_id, second) = management.secret(client_id).await;
        let path_of_first = format!("/connect/client_secrets/{first_id}");
        server.anonymous().token(client_id, &first).await.expect(200);
        management.delete(&path_of_first).await.expect(204);
        server.anonymous().token(client_id, &first).await.expect(401);
        server.anonymous().token(client_id, &second).await.expect(200);
        management.delete(&path_of_first).await.expect_not_found("Client secret", &first_id);
        assert_eq!(ids(&management.get(&path(&application)).await.json()), [second_id]);
    }

    async fn what_is_not_there_is_not_found(server: TestServer) {
        let management = server.management();
        for id in [NOBODY, "client_01EHZNVPK3SFK441A1RGBFSHRT", "x", server.client_id.as_str()] {
            let path = format!("/connect/applications/{id}/client_secrets");
            management.get(&path).await.expect_not_found("Application", id);
            management.post(&path, json!({})).await.expect_not_found("Application", id);
        }
        for id in ["secret_01EHZNVPK3SFK441A1RGBFSHRT", "secret_x", NOBODY] {
            management.delete(&format!("/connect/client_secrets/{id}")).await.expect_not_found("Client secret", id);
        }
    }
}
