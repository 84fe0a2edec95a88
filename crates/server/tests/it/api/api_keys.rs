//! `/organizations/{id}/api_keys` and `/api_keys`.

use crate::harness::{Client, TestServer, assert_id, assert_keys, assert_moment, on_both_databases};
use reqwest::Method;
use serde_json::{Value, json};

const KEYS: [&str; 10] = [
    "created_at",
    "expires_at",
    "id",
    "last_used_at",
    "name",
    "object",
    "obfuscated_value",
    "owner",
    "permissions",
    "updated_at",
];

/// Creates an organization with a key; returns the path of its keys and the key.
async fn with_key(management: &Client) -> (String, Value) {
    let path = format!("/organizations/{}/api_keys", management.organization("Acme").await);
    let key = management.post(&path, json!({"name": "Key"})).await.expect(201).json();
    (path, key)
}

/// Returns the result of validating a value.
async fn validated(management: &Client, value: &Value) -> Value {
    let body = management.post("/api_keys/validations", json!({"value": value})).await.expect(200).expect_json();
    assert_keys(&body, &["api_key"]);
    body["api_key"].clone()
}

/// Returns the timestamp this many seconds after another one.
fn later(moment: &Value, seconds: i64) -> String {
    use countersign_protocol::time::Timestamp;
    Timestamp::parse(moment.as_str().unwrap()).unwrap().plus_secs(seconds).to_string()
}

fn expire_path(key: &Value) -> String {
    format!("/api_keys/{}/expire", key["id"].as_str().unwrap())
}

on_both_databases! {
    async fn a_new_key_shows_its_value_once(server: TestServer) {
        let management = server.management();
        management.permission("posts:read").await;
        management.permission("posts:write").await;
        let organization = management.organization("Acme").await;
        let path = format!("/organizations/{organization}/api_keys");
        let body = json!({"name": "CI", "permissions": ["posts:write", "posts:read", "posts:write"]});
        let answer = management.post(&path, body).await.expect(201);
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        let mut made = answer.expect_json();
        assert_keys(&made, &[&KEYS[..], &["value"]].concat());
        assert_eq!(made["object"], "api_key");
        assert_id(&made["id"], "api_key");
        assert_eq!(made["owner"], json!({"type": "organization", "id": organization}));
        assert_eq!(made["name"], "CI");
        assert_eq!(made["permissions"], json!(["posts:write", "posts:read"]));
        assert_eq!((&made["last_used_at"], &made["expires_at"]), (&Value::Null, &Value::Null));
        assert_moment(&made["created_at"]);
        assert_moment(&made["updated_at"]);
        let value = made.as_object_mut().unwrap().remove("value").unwrap();
        let text = value.as_str().unwrap();
        assert!(text.starts_with("sk_") && text.len() > 40);
        assert_eq!(made["obfuscated_value"], format!("sk_...{}", &text[text.len() - 4..]));

        let listed = management.get(&path).await;
        assert!(!listed.text.contains(text));
        assert_eq!(listed.expect_list(), [made.clone()]);
        assert_eq!(validated(&management, &value).await, made);
    }

    async fn a_body_of_the_wrong_form_is_refused(server: TestServer) {
        let management = server.management();
        management.permission("posts:read").await;
        let path = format!("/organizations/{}/api_keys", management.organization("Acme").await);
        let post = async |body: Value| management.post(&path, body).await;
        post(json!({})).await.expect_invalid(&[("name", "required")]);
        post(json!({"name": 1, "permissions": "posts:read", "expires_at": 1})).await
            .expect_invalid(&[("name", "invalid_type"), ("permissions", "invalid_type"), ("expires_at", "invalid_type")]);
        post(json!({"name": "K", "permissions": [1]})).await.expect_invalid(&[("permissions.0", "invalid_type")]);
        post(json!({"name": "K", "permissions": ["posts:read", "unknown", "openid"]})).await
            .expect_invalid(&[("permissions.1", "unknown_permission"), ("permissions.2", "unknown_permission")]);
        for bad in ["tomorrow", "2026-01-15", "1768478400000", ""] {
            post(json!({"name": "K", "expires_at": bad})).await.expect_invalid(&[("expires_at", "invalid")]);
        }
        post(json!({"name": "K", "expires_at": "2001-01-01T00:00:00.000Z"})).await.expect_invalid(&[("expires_at", "invalid")]);
        assert_eq!(management.get(&path).await.expect_list(), Vec::<Value>::new());
        let nulls = post(json!({"name": "K", "permissions": null, "expires_at": null})).await.expect(201).json();
        assert_eq!((&nulls["permissions"], &nulls["expires_at"]), (&json!([]), &Value::Null));
        let nobody = "org_01EHZNVPK3SFK441A1RGBFSHRT";
        let path = format!("/organizations/{nobody}/api_keys");
        management.get(&path).await.expect_not_found("Organization", nobody);
        management.post(&path, json!({"name": "K"})).await.expect_not_found("Organization", nobody);
    }

    async fn a_value_that_is_no_live_key_validates_to_null(server: TestServer) {
        let management = server.management();
        let (_, key) = with_key(&management).await;
        let value = key["value"].as_str().unwrap();
        for unknown in [
            "nonsense".to_owned(), value[..value.len() - 1].to_owned(), format!("{value}x"), format!(" {value}"), value.to_uppercase(),
            key["id"].as_str().unwrap().to_owned(), key["obfuscated_value"].as_str().unwrap().to_owned(),
            server.api_key.clone(), "' OR '1'='1".to_owned(), String::new(), "x".repeat(900), "a\u{0}b\n".to_owned(),
        ] {
            assert_eq!(validated(&management, &json!(unknown)).await, Value::Null, "{unknown}");
        }
        assert_eq!(validated(&management, &json!(value)).await["id"], key["id"]);
        for (body, code) in [
            (json!({}), "required"), (json!({"value": null}), "required"), (json!({"value": 1}), "invalid_type"),
        ] {
            management.post("/api_keys/validations", body).await.expect_invalid(&[("value", code)]);
        }
    }

    async fn a_value_of_another_environment_does_not_validate(server: TestServer) {
        let management = server.management();
        let another = server.another_environment().await;
        let (_, key) = with_key(&management).await;
        let (_, theirs) = with_key(&another.management).await;
        assert_eq!(validated(&another.management, &key["value"]).await, Value::Null);
        assert_eq!(validated(&management, &theirs["value"]).await, Value::Null);
        assert_eq!(validated(&management, &key["value"]).await["id"], key["id"]);
        assert_eq!(validated(&another.management, &theirs["value"]).await["id"], theirs["id"]);
    }

    async fn the_last_use_is_noted(server: TestServer) {
        let management = server.management();
        let (path, key) = with_key(&management).await;
        validated(&management, &key["value"]).await;
        countersign::jobs::last_used::run(server.app.clone()).await;
        let row = management.get(&path).await.expect_list().remove(0);
        assert_moment(&row["last_used_at"]);
        assert_eq!(row["updated_at"], key["updated_at"], "being used is no change");
    }

    async fn a_key_expires_at_its_moment(server: TestServer) {
        let management = server.management();
        let (path, made) = with_key(&management).await;
        let at = later(&made["created_at"], 3600);
        let key = management.post(&path, json!({"name": "Hour", "expires_at": at})).await.expect(201).json();
        assert_eq!(key["expires_at"], at.as_str());
        server.clock.advance_seconds(3500);
        assert_eq!(validated(&management, &key["value"]).await["expires_at"], at.as_str());
        server.clock.advance_seconds(100);
        assert_eq!(validated(&management, &key["value"]).await, Value::Null);
        management.post(&expire_path(&key), json!({})).await.expect_code(409, "api_key_already_expired");
        management.post(&expire_path(&key), json!({"expires_at": null})).await.expect_code(409, "api_key_already_expired");
        assert_eq!(management.get(&path).await.expect_list().len(), 2, "an expired key is still listed");
        assert_eq!(validated(&management, &made["value"]).await["id"], made["id"]);
    }

    async fn an_offset_in_a_moment_is_read(server: TestServer) {
        let management = server.management();
        let (path, _) = with_key(&management).await;
        let key = management.post(&path, json!({"name": "K", "expires_at": "2099-01-01T02:00:00+02:00"})).await.expect(201).json();
        assert_eq!(key["expires_at"], "2099-01-01T00:00:00.000Z");
    }

    async fn expiring_without_a_moment_or_with_a_past_one_is_now(server: TestServer) {
        let management = server.management();
        let (_, first) = with_key(&management).await;
        let (_, second) = with_key(&management).await;
        let (_, third) = with_key(&management).await;
        server.clock.advance_seconds(60);
        let bodies = [
            (&first, management.request(Method::POST, &expire_path(&first))),
            (&second, management.request(Method::POST, &expire_path(&second)).json(&json!({}))),
            (&third, management.request(Method::POST, &expire_path(&third)).json(&json!({"expires_at": "2001-01-01T00:00:00.000Z"}))),
        ];
        for (key, request) in bodies {
            let expired = management.send(request).await.expect(200).expect_json();
            assert_keys(&expired, &KEYS);
            assert_eq!(expired["id"], key["id"]);
            assert!(expired["expires_at"].as_str() > key["created_at"].as_str(), "never before it was made");
            assert_eq!(expired["expires_at"], expired["updated_at"], "now");
            assert_eq!(validated(&management, &key["value"]).await, Value::Null);
            management.post(&expire_path(key), json!({})).await.expect_code(409, "api_key_already_expired");
        }
    }

    async fn an_expiry_is_scheduled_moved_and_cancelled(server: TestServer) {
        let management = server.management();
        let (path, key) = with_key(&management).await;
        let (soon, late) = (later(&key["created_at"], 600), later(&key["created_at"], 6000));
        let scheduled = management.post(&expire_path(&key), json!({"expires_at": soon})).await.expect(200).json();
        assert_keys(&scheduled, &KEYS);
        assert_eq!(scheduled["expires_at"], soon.as_str());
        let moved = management.post(&expire_path(&key), json!({"expires_at": late})).await.expect(200).json();
        assert_eq!(moved["expires_at"], late.as_str());
        server.clock.advance_seconds(1000);
        assert_eq!(validated(&management, &key["value"]).await["expires_at"], late.as_str());
        let cancelled = management.post(&expire_path(&key), json!({"expires_at": null})).await.expect(200).json();
        assert_eq!(cancelled["expires_at"], Value::Null);
        server.clock.advance_seconds(6000);
        assert_eq!(validated(&management, &key["value"]).await["expires_at"], Value::Null);
        assert_eq!(management.get(&path).await.expect_list()[0]["expires_at"], Value::Null);
        management.post(&expire_path(&key), json!({"expires_at": 5})).await.expect_invalid(&[("expires_at", "invalid_type")]);
        management.post(&expire_path(&key), json!({"expires_at": "soon"})).await.expect_invalid(&[("expires_at", "invalid")]);
        assert_eq!(validated(&management, &key["value"]).await["id"], key["id"]);
    }

    async fn a_deleted_key_is_gone(server: TestServer) {
        let management = server.management();
        let (path, key) = with_key(&management).await;
        let kept = management.post(&path, json!({"name": "Kept"})).await.expect(201).json();
        let id = key["id"].as_str().unwrap();
        management.delete(&format!("/api_keys/{id}")).await.expect(204);
        assert_eq!(validated(&management, &key["value"]).await, Value::Null);
        management.delete(&format!("/api_keys/{id}")).await.expect_not_found("API Key", id);
        management.post(&expire_path(&key), json!({})).await.expect_not_found("API Key", id);
        assert_eq!(management.get(&path).await.expect_list()[0]["id"], kept["id"]);
        assert_eq!(validated(&management, &kept["value"]).await["id"], kept["id"]);
        for id in ["api_key_01EHZNVPK3SFK441A1RGBFSHRT", "api_key_x", "environment_api_key_01EHZNVPK3SFK441A1RGBFSHRT"] {
            management.delete(&format!("/api_keys/{id}")).await.expect_not_found("API Key", id);
            management.post(&format!("/api_keys/{id}/expire"), json!({})).await.expect_not_found("API Key", id);
        }
    }

    async fn an_organization_lists_its_own_keys_only(server: TestServer) {
        let management = server.management();
        let (first_path, first) = with_key(&management).await;
        let (second_path, second) = with_key(&management).await;
        let one = |path: String| { let management = management.clone(); async move { management.get(&path).await.expect_list() } };
        let (listed_first, listed_second) = (one(first_path).await, one(second_path).await);
        assert_eq!((listed_first.len(), &listed_first[0]["id"]), (1, &first["id"]));
        assert_eq!((listed_second.len(), &listed_second[0]["id"]), (1, &second["id"]));
        assert_ne!(first["value"], second["value"]);
    }
}
