//! `/authorization/permissions`.

use crate::harness::{TestServer, assert_id, assert_keys, assert_moment, on_both_databases};
use serde_json::{Value, json};

const PATH: &str = "/authorization/permissions";
const KEYS: [&str; 9] =
    ["created_at", "description", "id", "name", "object", "resource_type_slug", "slug", "system", "updated_at"];

on_both_databases! {
    async fn a_new_permission_has_every_key(server: TestServer) {
        let management = server.management();
        let made = management.post(PATH, json!({"slug": "posts:read", "name": "Read posts"})).await.expect(201).expect_json();
        assert_keys(&made, &KEYS);
        assert_eq!(made["object"], "permission");
        assert_id(&made["id"], "perm");
        assert_eq!((&made["slug"], &made["name"], &made["description"]), (&json!("posts:read"), &json!("Read posts"), &Value::Null));
        assert_eq!((&made["system"], &made["resource_type_slug"]), (&json!(false), &json!("organization")));
        assert_moment(&made["created_at"]);
        assert_moment(&made["updated_at"]);
        assert_eq!(management.get(&format!("{PATH}/posts:read")).await.expect(200).json(), made);
        assert_eq!(management.get(&format!("{PATH}/posts%3Aread")).await.expect(200).json(), made);
        assert_eq!(management.get(PATH).await.expect_list(), [made]);
    }

    async fn everything_that_can_be_given_is_kept(server: TestServer) {
        let management = server.management();
        let body = json!({"slug": "a.b-c_d:*", "name": "N", "description": "One line\nand another", "resource_type_slug": "forum"});
        let made = management.post(PATH, body).await.expect(201).json();
        assert_eq!(made["description"], "One line\nand another");
        assert_eq!(made["resource_type_slug"], "forum");
        assert_eq!(management.get(&format!("{PATH}/a.b-c_d:*")).await.expect(200).json(), made);
        let body = json!({"slug": "nulls", "name": "N", "description": null, "resource_type_slug": null});
        let nulls = management.post(PATH, body).await.expect(201).json();
        assert_eq!((&nulls["description"], &nulls["resource_type_slug"]), (&Value::Null, &json!("organization")));
    }

    async fn a_slug_has_its_form(server: TestServer) {
        let management = server.management();
        for (slug, code) in [
            (json!("Posts"), "invalid"), (json!("posts read"), "invalid"), (json!("posts/read"), "invalid"), (json!("pösts"), "invalid"),
            (json!("a\"b"), "invalid"), (json!("x".repeat(49)), "too_long"), (json!(""), "required"), (json!(null), "required"),
            (json!(3), "invalid_type"), (json!(["a"]), "invalid_type"),
        ] {
            management.post(PATH, json!({"slug": slug, "name": "N"})).await.expect_invalid(&[("slug", code)]);
        }
        management.post(PATH, json!({})).await.expect_invalid(&[("slug", "required"), ("name", "required")]);
        let body = json!({"slug": "a", "name": "N", "description": 1, "resource_type_slug": "No Slug"});
        management.post(PATH, body).await.expect_invalid(&[("description", "invalid_type"), ("resource_type_slug", "invalid")]);
        for scope in ["openid", "profile", "email", "offline_access"] {
            management.post(PATH, json!({"slug": scope, "name": "N"})).await.expect_invalid(&[("slug", "reserved")]);
        }
        assert_eq!(management.get(PATH).await.expect_list(), Vec::<Value>::new());
        management.post(PATH, json!({"slug": "x".repeat(48), "name": "N"})).await.expect(201);
    }

    async fn a_slug_exists_once(server: TestServer) {
        let management = server.management();
        let made = management.post(PATH, json!({"slug": "a", "name": "First"})).await.expect(201).json();
        management.post(PATH, json!({"slug": "a", "name": "Second"})).await.expect_code(409, "permission_slug_conflict");
        assert_eq!(management.get(PATH).await.expect_list(), [made]);
    }

    async fn an_update_changes_name_and_description_only(server: TestServer) {
        let management = server.management();
        let made = management.post(PATH, json!({"slug": "a", "name": "N", "description": "D"})).await.expect(201).json();
        server.clock.advance_seconds(60);
        let path = format!("{PATH}/a");
        let mut expected = made.clone();
        let same = management.patch(&path, json!({"slug": "b", "system": true, "id": "x", "resource_type_slug": "forum", "name": null})).await.expect(200).json();
        expected["updated_at"] = same["updated_at"].clone();
        assert_eq!(same, expected);
        assert!(same["updated_at"].as_str() > made["updated_at"].as_str());
        let renamed = management.patch(&path, json!({"name": "M"})).await.expect(200).json();
        assert_eq!((&renamed["name"], &renamed["description"]), (&json!("M"), &json!("D")));
        let described = management.patch(&path, json!({"description": "E"})).await.expect(200).json();
        assert_eq!((&described["name"], &described["description"]), (&json!("M"), &json!("E")));
        let cleared = management.patch(&path, json!({"description": null})).await.expect(200).json();
        assert_eq!((&cleared["name"], &cleared["description"]), (&json!("M"), &Value::Null));
        management.patch(&path, json!({"name": "", "description": 7})).await
            .expect_invalid(&[("name", "required"), ("description", "invalid_type")]);
        assert_eq!(management.get(&path).await.expect(200).json(), cleared);
        management.get(&format!("{PATH}/b")).await.expect_not_found("Permission", "b");
    }

    async fn changes_at_once_do_not_undo_each_other(server: TestServer) {
        let management = server.management();
        management.permission("a").await;
        let path = format!("{PATH}/a");
        for round in 0..20 {
            let (name, description) = (format!("N{round}"), format!("D{round}"));
            let (first, second) = tokio::join!(
                management.patch(&path, json!({"name": name})), management.patch(&path, json!({"description": description})),
            );
            first.expect(200);
            second.expect(200);
            let after = management.get(&path).await.expect(200).json();
            assert_eq!((&after["name"], &after["description"]), (&json!(name), &json!(description)));
        }
    }

    async fn of_two_deletions_at_once_one_finds_nothing(server: TestServer) {
        let management = server.management();
        for _ in 0..10 {
            management.permission("a").await;
            let path = format!("{PATH}/a");
            let (first, second) = tokio::join!(management.delete(&path), management.delete(&path));
            let mut statuses = [first.status, second.status];
            statuses.sort_unstable();
            assert_eq!(statuses, [204, 404]);
        }
    }

    async fn an_assignment_made_while_its_permission_is_deleted_does_not_come_back(server: TestServer) {
        let management = server.management();
        let organization = management.organization("Acme").await;
        let keys = format!("/organizations/{organization}/api_keys");
        let machine = json!({"name": "M", "application_type": "m2m", "organization_id": organization, "scopes": ["a"]});
        for _ in 0..20 {
            management.permission("a").await;
            let path = format!("{PATH}/a");
            let key = json!({"name": "K", "permissions": ["a"]});
            let (made, key, deleted) = tokio::join!(
                management.post("/connect/applications", machine.clone()), management.post(&keys, key), management.delete(&path),
            );
            deleted.expect(204);
            if made.status == 201 {
                let after = management.get(&format!("/connect/applications/{}", made.text_at("id"))).await.expect(200).json();
                assert_eq!(after["scopes"], json!([]));
            }
            if key.status == 201 {
                let validated = management.post("/api_keys/validations", json!({"value": key.json()["value"]})).await.expect(200).json();
                assert_eq!(validated["api_key"]["permissions"], json!([]));
            }
        }
    }

    async fn of_many_with_one_slug_one_is_made(server: TestServer) {
        let management = server.management();
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..12 {
            let management = management.clone();
            tasks.spawn(async move { management.post(PATH, json!({"slug": "a", "name": "A"})).await });
        }
        let (made, refused): (Vec<_>, Vec<_>) = tasks.join_all().await.into_iter().partition(|answer| answer.status == 201);
        assert_eq!(made.len(), 1);
        for answer in refused {
            answer.expect_code(409, "permission_slug_conflict");
        }
        assert_eq!(management.get(PATH).await.expect_list().len(), 1);
    }

    async fn a_description_may_be_empty_and_has_a_length(server: TestServer) {
        let management = server.management();
        let empty = management.post(PATH, json!({"slug": "a", "name": "A", "description": ""})).await.expect(201).json();
        assert_eq!(empty["description"], Value::Null);
        management.post(PATH, json!({"slug": "b", "name": "B", "description": "x".repeat(151)})).await.expect_invalid(&[("description", "too_long")]);
        management.post(PATH, json!({"slug": "b", "name": "B", "description": "ä".repeat(150)})).await.expect(201);
        management.patch(&format!("{PATH}/b"), json!({"description": "x".repeat(151)})).await.expect_invalid(&[("description", "too_long")]);
        let named = |name: String| management.post(PATH, json!({"slug": "named", "name": name}));
        named("x".repeat(49)).await.expect_invalid(&[("name", "too_long")]);
        named("ä".repeat(48)).await.expect(201);
    }

    async fn a_deleted_permission_leaves_applications_and_keys(server: TestServer) {
        let management = server.management();
        management.permission("a").await;
        management.permission("b").await;
        let organization = management.organization("Acme").await;
        let application = management.machine(&organization, &["a", "openid", "b"]).await;
        let keys = format!("/organizations/{organization}/api_keys");
        let key = management.post(&keys, json!({"name": "K", "permissions": ["b", "a"]})).await.expect(201).json();
        management.delete(&format!("{PATH}/a")).await.expect(204);
        management.get(&format!("{PATH}/a")).await.expect_not_found("Permission", "a");
        management.delete(&format!("{PATH}/a")).await.expect_not_found("Permission", "a");
        management.patch(&format!("{PATH}/a"), json!({"name": "x"})).await.expect_not_found("Permission", "a");
        let after = management.get(&format!("/connect/applications/{}", application["id"].as_str().unwrap())).await.expect(200).json();
        assert_eq!(after["scopes"], json!(["openid", "b"]));
        let validated = management.post("/api_keys/validations", json!({"value": key["value"]})).await.expect(200).json();
        assert_eq!(validated["api_key"]["permissions"], json!(["b"]));
        management.permission("a").await;
        let again = management.get(&format!("/connect/applications/{}", application["id"].as_str().unwrap())).await.expect(200).json();
        assert_eq!(again["scopes"], json!(["openid", "b"]), "a new permission of the old name is not given back");
    }

    async fn what_is_not_there_is_not_found(server: TestServer) {
        let management = server.management();
        management.permission("a").await;
        for slug in ["nobody", "A", "a ", "%", "'"] {
            let path = format!("{PATH}/{}", slug.replace('%', "%25").replace(' ', "%20"));
            management.get(&path).await.expect_not_found("Permission", slug);
            management.patch(&path, json!({"name": "x"})).await.expect_not_found("Permission", slug);
            management.delete(&path).await.expect_not_found("Permission", slug);
        }
        management.get(&format!("{PATH}/a")).await.expect(200);
    }
}
