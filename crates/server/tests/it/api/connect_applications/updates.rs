//! `PUT /connect/applications/{id}`.

use super::{PATH, first_party, path_of};
use crate::harness::{TestServer, on_both_databases};
use serde_json::{Value, json};

on_both_databases! {
    async fn what_is_absent_stays(server: TestServer) {
        let management = server.management();
        management.permission("a").await;
        let more = json!({
            "description": "D", "scopes": ["a", "openid"], "redirect_uris": [{"uri": "https://a.example/cb"}], "cors_origins": ["https://a.example"],
        });
        let mut expected = first_party(&management, more).await;
        let path = path_of(&expected);
        server.clock.advance_seconds(60);
        let before = expected["updated_at"].clone();
        for (change, name, value) in [
            (json!({}), "name", json!("Site")),
            (json!({"name": "New"}), "name", json!("New")),
            (json!({"description": "E"}), "description", json!("E")),
            (json!({"scopes": ["a"]}), "scopes", json!(["a"])),
            (json!({"redirect_uris": [{"uri": "https://b.example/cb", "default": null}]}), "redirect_uris", json!([{"uri": "https://b.example/cb", "default": true}])),
            (json!({"cors_origins": ["https://b.example"]}), "cors_origins", json!(["https://b.example"])),
            (json!({"scopes": []}), "scopes", json!([])),
            (json!({"redirect_uris": []}), "redirect_uris", json!([])),
            (json!({"cors_origins": []}), "cors_origins", json!([])),
            (json!({"description": null}), "description", Value::Null),
        ] {
            let changed = management.put(&path, change).await.expect(200).expect_json();
            expected[name] = value;
            expected["updated_at"] = changed["updated_at"].clone();
            assert_eq!(changed, expected);
            assert_eq!(management.get(&path).await.expect(200).json(), expected);
        }
        assert!(expected["updated_at"].as_str() > before.as_str());
    }

    async fn a_rename_with_an_sdk_that_sends_nulls_keeps_scopes_and_redirect_uris(server: TestServer) {
        let management = server.management();
        management.permission("a").await;
        let more = json!({"description": "D", "scopes": ["a"], "redirect_uris": [{"uri": "https://a.example/cb"}], "cors_origins": ["https://a.example"]});
        let made = first_party(&management, more).await;
        let rename = json!({"name": "New", "description": null, "scopes": null, "redirect_uris": null});
        let renamed = management.put(&path_of(&made), rename).await.expect(200).json();
        assert_eq!((&renamed["name"], &renamed["description"]), (&json!("New"), &Value::Null));
        for kept in ["scopes", "redirect_uris", "cors_origins", "uses_pkce", "client_id"] {
            assert_eq!(renamed[kept], made[kept], "{kept}");
        }
        let machine = management.machine(&management.organization("Acme").await, &["a"]).await;
        let rename = json!({"name": "New", "description": null, "scopes": null, "redirect_uris": null});
        let renamed = management.put(&path_of(&machine), rename).await.expect(200).json();
        assert_eq!((&renamed["name"], &renamed["scopes"]), (&json!("New"), &json!(["a"])));
        let nothing = management.put(&path_of(&machine), json!({"name": null})).await.expect(200).json();
        assert_eq!(nothing["name"], "New");
    }

    async fn what_an_application_is_cannot_be_changed(server: TestServer) {
        let management = server.management();
        let (ours, other) = (management.organization("Acme").await, management.organization("Other").await);
        let machine = management.machine(&ours, &[]).await;
        let site = first_party(&management, json!({})).await;
        for made in [machine, site] {
            let body = json!({
                "application_type": "oauth", "is_first_party": false, "organization_id": other, "uses_pkce": true, "id": "app_x",
                "client_id": "client_x", "was_dynamically_registered": true, "created_at": "2001-01-01T00:00:00.000Z",
            });
            let mut changed = management.put(&path_of(&made), body).await.expect(200).json();
            changed["updated_at"] = made["updated_at"].clone();
            assert_eq!(changed, made);
        }
    }

    async fn a_refused_update_changes_nothing(server: TestServer) {
        let management = server.management();
        let site = first_party(&management, json!({"redirect_uris": [{"uri": "https://a.example/cb"}]})).await;
        let put = async |body: Value| management.put(&path_of(&site), body).await;
        put(json!({"name": "", "description": 1})).await.expect_invalid(&[("name", "required"), ("description", "invalid_type")]);
        put(json!({"name": "New", "scopes": ["nope"]})).await.expect_invalid(&[("scopes.0", "unknown_permission")]);
        put(json!({"name": "New", "redirect_uris": [{"uri": "/cb"}]})).await.expect_invalid(&[("redirect_uris", "invalid_redirect_uri")]);
        put(json!({"name": "New", "cors_origins": ["x"]})).await.expect_invalid(&[("cors_origins.0", "invalid")]);
        assert_eq!(management.get(&path_of(&site)).await.expect(200).json(), site);
        let machine = management.machine(&management.organization("Acme").await, &[]).await;
        let put = async |body: Value| management.put(&path_of(&machine), body).await;
        put(json!({"name": "New", "redirect_uris": [{"uri": "https://a.example/cb"}]})).await.expect_invalid(&[("redirect_uris", "not_allowed")]);
        put(json!({"name": "New", "cors_origins": ["https://a.example"]})).await.expect_invalid(&[("cors_origins", "not_allowed")]);
        assert_eq!(management.get(&path_of(&machine)).await.expect(200).json(), machine);
    }

    async fn a_changed_assignment_counts_from_the_next_token_on(server: TestServer) {
        let management = server.management();
        management.permission("a").await;
        management.permission("b").await;
        let machine = management.machine(&management.organization("Acme").await, &["a"]).await;
        let client_id = machine["client_id"].as_str().unwrap();
        let (_, secret) = management.secret(client_id).await;
        let granted = async || server.anonymous().token(client_id, &secret).await.expect(200).json()["scope"].clone();
        assert_eq!(granted().await, "a");
        management.put(&format!("{PATH}/{client_id}"), json!({"scopes": ["b", "a"]})).await.expect(200);
        assert_eq!(granted().await, "b a");
        management.put(&format!("{PATH}/{client_id}"), json!({"scopes": []})).await.expect(200);
        assert_eq!(granted().await, "");
    }

    async fn changes_at_once_do_not_undo_each_other(server: TestServer) {
        let management = server.management();
        let site = first_party(&management, json!({})).await;
        let mut tasks = tokio::task::JoinSet::new();
        for change in [json!({"name": "New"}), json!({"description": "D"}), json!({"scopes": ["openid"]}), json!({"cors_origins": ["https://a.example"]})] {
            let (management, path) = (management.clone(), path_of(&site));
            tasks.spawn(async move { management.put(&path, change).await.expect(200) });
        }
        tasks.join_all().await;
        let after = management.get(&path_of(&site)).await.expect(200).json();
        assert_eq!((&after["name"], &after["description"]), (&json!("New"), &json!("D")));
        assert_eq!((&after["scopes"], &after["cors_origins"]), (&json!(["openid"]), &json!(["https://a.example"])));
    }
}
