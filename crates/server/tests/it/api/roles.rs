//! `/authorization/roles`.

use crate::harness::{TestServer, assert_id, assert_keys, assert_moment, on_both_databases};
use serde_json::{Value, json};

const PATH: &str = "/authorization/roles";

const KEYS: [&str; 10] = [
    "created_at",
    "description",
    "id",
    "name",
    "object",
    "permissions",
    "resource_type_slug",
    "slug",
    "type",
    "updated_at",
];

fn slugs(list: &Value) -> Vec<&str> {
    list["data"].as_array().unwrap().iter().map(|role| role["slug"].as_str().unwrap()).collect()
}

on_both_databases! {
    async fn every_environment_has_members(server: TestServer) {
        let another = server.another_environment().await;
        for management in [server.management(), another.management.clone()] {
            let list = management.get(PATH).await.expect(200).expect_json();
            assert_keys(&list, &["data", "object"]);
            assert_eq!(list["object"], "list");
            assert_eq!(slugs(&list), ["member"]);
            assert_keys(&list["data"][0], &KEYS);
            assert_eq!(management.get(&format!("{PATH}/member")).await.expect(200).expect_json(), list["data"][0]);
            management.delete(&format!("{PATH}/member")).await.expect_code(409, "default_role");
        }
    }

    async fn a_new_role_has_every_key(server: TestServer) {
        let management = server.management();
        let body = json!({"slug": "editor", "name": "Editor", "description": "Edits", "resource_type_slug": "organization"});
        let made = management.post(PATH, body).await.expect(201).expect_json();
        assert_keys(&made, &KEYS);
        assert_id(&made["id"], "role");
        assert_moment(&made["created_at"]);
        let mut rest = made.clone();
        for key in ["id", "created_at", "updated_at"] {
            rest.as_object_mut().unwrap().remove(key);
        }
        assert_eq!(rest, json!({
            "object": "role", "slug": "editor", "name": "Editor", "description": "Edits", "type": "EnvironmentRole",
            "resource_type_slug": "organization", "permissions": [],
        }));
        assert_eq!(management.get(&format!("{PATH}/editor")).await.expect(200).json(), made);
        assert_eq!(slugs(&management.get(PATH).await.json()), ["editor", "member"]);
        management.post(PATH, json!({"slug": "editor", "name": "Again"})).await.expect_code(409, "role_slug_conflict");
        let plain = management.post(PATH, json!({"slug": "viewer", "name": "Viewer", "description": null})).await.expect(201).json();
        assert_eq!(plain["description"], Value::Null);
    }

    async fn the_list_is_in_the_order_of_priority_and_every_organization_has_it(server: TestServer) {
        let management = server.management();
        for slug in ["admin", "editor", "viewer"] {
            management.role(slug).await;
        }
        let list = management.get(PATH).await.expect(200).json();
        assert_eq!(slugs(&list), ["admin", "editor", "viewer", "member"], "a new one is below those there are, but above the default one");
        let organization = management.organization("Acme").await;
        for path in [format!("/authorization/organizations/{organization}/roles"), format!("/organizations/{organization}/roles")] {
            assert_eq!(management.get(&path).await.expect(200).expect_json(), list);
        }
        let another = server.another_environment().await;
        for (management, id) in [(&management, "org_01EHZNVPK3SFK441A1RGBFSHRT"), (&management, "nonsense"), (&another.management, &organization)] {
            for path in [format!("/authorization/organizations/{id}/roles"), format!("/organizations/{id}/roles")] {
                management.get(&path).await.expect(404);
            }
        }
    }

    async fn what_is_of_the_wrong_form_is_refused(server: TestServer) {
        let management = server.management();
        management.post(PATH, json!({})).await.expect_invalid(&[("slug", "required"), ("name", "required")]);
        let body = json!({"slug": "Not A Slug", "name": "x".repeat(49), "description": "x".repeat(151), "resource_type_slug": "project"});
        management.post(PATH, body).await
            .expect_invalid(&[("slug", "invalid"), ("name", "too_long"), ("description", "too_long"), ("resource_type_slug", "invalid")]);
        management.post(PATH, json!({"slug": 1, "name": [], "description": {}})).await
            .expect_invalid(&[("slug", "invalid_type"), ("name", "invalid_type"), ("description", "invalid_type")]);
        for (method, path) in [("get", "x"), ("patch", "x"), ("delete", "x"), ("put", "x/permissions"), ("post", "x/permissions"), ("delete", "x/permissions/y")] {
            let method = method.to_uppercase().parse().unwrap();
            let body = json!({"name": "N", "permissions": [], "slug": "posts:read"});
            management.permission("posts:read").await;
            management.send(management.request(method, &format!("{PATH}/{path}")).json(&body)).await.expect_not_found("Role", "x");
            management.delete("/authorization/permissions/posts:read").await.expect(204);
        }
    }

    async fn name_and_description_change_and_the_slug_does_not(server: TestServer) {
        let management = server.management();
        management.role("editor").await;
        let path = format!("{PATH}/editor");
        server.clock.advance_seconds(60);
        let changed = management.patch(&path, json!({"name": "Writer", "description": "Writes", "slug": "writer"})).await.expect(200).json();
        assert_eq!((&changed["slug"], &changed["name"], &changed["description"]), (&json!("editor"), &json!("Writer"), &json!("Writes")));
        assert!(changed["updated_at"].as_str() > changed["created_at"].as_str());
        let changed = management.patch(&path, json!({"name": null, "description": null})).await.expect(200).json();
        assert_eq!((&changed["name"], &changed["description"]), (&json!("Writer"), &Value::Null));
        management.patch(&path, json!({"name": ""})).await.expect_invalid(&[("name", "required")]);
        management.delete(&path).await.expect(204);
        management.get(&path).await.expect_not_found("Role", "editor");
        management.delete(&path).await.expect_not_found("Role", "editor");
    }

    async fn permissions_are_set_added_and_taken(server: TestServer) {
        let management = server.management();
        for slug in ["a", "b", "c"] {
            management.permission(slug).await;
        }
        management.role("editor").await;
        let path = format!("{PATH}/editor/permissions");
        let role = management.put(&path, json!({"permissions": ["b", "a", "b"]})).await.expect(200).expect_json();
        assert_keys(&role, &KEYS);
        assert_eq!(role["permissions"], json!(["a", "b"]));
        for _ in 0..2 {
            let role = management.post(&path, json!({"slug": "c"})).await.expect(200).json();
            assert_eq!(role["permissions"], json!(["a", "b", "c"]));
        }
        let role = management.delete(&format!("{path}/b")).await.expect(200).json();
        assert_eq!(role["permissions"], json!(["a", "c"]));
        assert_eq!(management.get(&format!("{PATH}/editor")).await.json(), role);
        management.delete(&format!("{path}/b")).await.expect_not_found("Permission", "b");
        management.post(&path, json!({"slug": "nobody"})).await.expect_not_found("Permission", "nobody");
        management.put(&path, json!({"permissions": ["a", "nobody"]})).await.expect_invalid(&[("permissions.1", "unknown_permission")]);
        management.put(&path, json!({"permissions": ["openid"]})).await.expect_invalid(&[("permissions.0", "unknown_permission")]);
        for body in [json!({}), json!({"permissions": null})] {
            management.put(&path, body).await.expect_invalid(&[("permissions", "required")]);
        }
        management.put(&path, json!({"permissions": "a"})).await.expect_invalid(&[("permissions", "invalid_type")]);
        management.post(&path, json!({})).await.expect_invalid(&[("slug", "required")]);
        management.patch(&format!("{PATH}/editor"), json!({"name": "E"})).await.expect(200);
        management.delete("/authorization/permissions/a").await.expect(204);
        assert_eq!(management.get(&format!("{PATH}/editor")).await.json()["permissions"], json!(["c"]));
        assert_eq!(management.put(&path, json!({"permissions": []})).await.expect(200).json()["permissions"], json!([]));
    }

    async fn a_permission_that_is_deleted_meanwhile_does_not_come_back(server: TestServer) {
        let management = server.management();
        management.role("editor").await;
        management.permission("b").await;
        let path = format!("{PATH}/editor/permissions");
        for _ in 0..10 {
            management.permission("a").await;
            management.put(&path, json!({"permissions": ["a", "b"]})).await.expect(200);
            let one_less = format!("{path}/b");
            let (added, taken, deleted) = tokio::join!(
                management.post(&path, json!({"slug": "a"})), management.delete(&one_less),
                management.delete("/authorization/permissions/a"),
            );
            assert!(matches!(added.status, 200 | 404), "{}", added.text);
            taken.expect(200);
            deleted.expect(204);
            assert_eq!(management.get(&format!("{PATH}/editor")).await.json()["permissions"], json!([]));
        }
    }

    async fn of_many_with_one_slug_one_is_made(server: TestServer) {
        let management = server.management();
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..8 {
            let management = management.clone();
            tasks.spawn(async move { management.post(PATH, json!({"slug": "a", "name": "A"})).await });
        }
        let (made, refused): (Vec<_>, Vec<_>) = tasks.join_all().await.into_iter().partition(|answer| answer.status == 201);
        assert_eq!(made.len(), 1);
        for answer in refused {
            answer.expect_code(409, "role_slug_conflict");
        }
    }
}
