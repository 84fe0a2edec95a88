//! `/user_management/organization_memberships`.

use super::users::KEYS as USER_KEYS;
use crate::harness::{TestServer, assert_id, assert_keys, assert_moment, ids, on_both_databases};
use serde_json::{Value, json};

const PATH: &str = "/user_management/organization_memberships";
const NOBODY: &str = "om_01EHZNVPK3SFK441A1RGBFSHRT";

const KEYS: [&str; 13] = [
    "created_at",
    "custom_attributes",
    "directory_managed",
    "id",
    "object",
    "organization_id",
    "organization_name",
    "role",
    "roles",
    "status",
    "updated_at",
    "user",
    "user_id",
];

fn path(membership: &Value) -> String {
    format!("{PATH}/{}", membership["id"].as_str().unwrap())
}

on_both_databases! {
    async fn a_new_membership_is_active_and_has_every_key(server: TestServer) {
        let management = server.management();
        let (user, organization) = (management.user("a@example.com").await, management.organization("Acme").await);
        let body = json!({"user_id": user, "organization_id": organization});
        let made = management.post(PATH, body).await.expect(201).expect_json();
        assert_keys(&made, &KEYS);
        assert_eq!(made["object"], "organization_membership");
        assert_id(&made["id"], "om");
        assert_eq!((&made["user_id"], &made["organization_id"]), (&json!(user), &json!(organization)));
        assert_eq!((&made["organization_name"], &made["status"]), (&json!("Acme"), &json!("active")));
        assert_eq!((&made["directory_managed"], &made["custom_attributes"]), (&json!(false), &json!({})));
        assert_eq!((&made["role"], &made["roles"]), (&json!({"slug": "member"}), &json!([{"slug": "member"}])));
        assert_keys(&made["user"], &USER_KEYS);
        assert_eq!(made["user"], management.get(&format!("/user_management/users/{user}")).await.json());
        assert_moment(&made["created_at"]);
        assert_eq!(management.get(&path(&made)).await.expect(200).expect_json(), made);
        for query in [format!("user_id={user}"), format!("organization_id={organization}"), format!("user_id={user}&organization_id={organization}")] {
            assert_eq!(management.get(&format!("{PATH}?{query}")).await.expect_list(), std::slice::from_ref(&made), "{query}");
        }
    }

    async fn roles_are_given_by_slug(server: TestServer) {
        let management = server.management();
        for slug in ["admin", "editor"] {
            management.role(slug).await;
        }
        let organization = management.organization("Acme").await;
        for (number, (roles, expected)) in [
            (json!({"role_slug": "admin"}), json!(["admin"])),
            (json!({"role_slugs": ["member", "editor", "admin"]}), json!(["admin", "editor", "member"])),
            (json!({"role_slugs": []}), json!(["member"])),
            (json!({"role_slug": null, "role_slugs": null}), json!(["member"])),
        ].into_iter().enumerate() {
            let mut body = roles;
            body["user_id"] = management.user(&format!("{number}@example.com")).await.into();
            body["organization_id"] = organization.as_str().into();
            let made = management.post(PATH, body).await.expect(201).json();
            let slugs: Vec<&Value> = made["roles"].as_array().unwrap().iter().map(|role| &role["slug"]).collect();
            assert_eq!(json!(slugs), expected);
            assert_eq!(made["role"]["slug"], expected[0]);
        }
        let user = management.user("b@example.com").await;
        let body = json!({"user_id": user, "organization_id": organization, "role_slug": "nobody"});
        management.post(PATH, body).await.expect_code(422, "invalid_role");
        let body = json!({"user_id": user, "organization_id": organization, "role_slug": "admin", "role_slugs": ["admin"]});
        management.post(PATH, body).await.expect_invalid(&[("role_slugs", "not_allowed")]);
        assert_eq!(management.get(&format!("{PATH}?user_id={user}")).await.expect_list(), Vec::<Value>::new());
    }

    async fn what_is_of_the_wrong_form_or_not_there_is_refused(server: TestServer) {
        let management = server.management();
        let (user, organization) = (management.user("a@example.com").await, management.organization("Acme").await);
        management.post(PATH, json!({})).await.expect_invalid(&[("user_id", "required"), ("organization_id", "required")]);
        let body = json!({"user_id": 1, "organization_id": null, "role_slug": 2, "role_slugs": "admin"});
        management.post(PATH, body).await.expect_invalid(&[
            ("user_id", "invalid_type"), ("organization_id", "required"), ("role_slug", "invalid_type"), ("role_slugs", "invalid_type"),
        ]);
        let body = json!({"user_id": "user_x", "organization_id": organization});
        management.post(PATH, body).await.expect_not_found("User", "user_x");
        let body = json!({"user_id": user, "organization_id": "org_x"});
        management.post(PATH, body).await.expect_not_found("Organization", "org_x");
        for id in [NOBODY, "om_x", "x"] {
            management.get(&format!("{PATH}/{id}")).await.expect_not_found("Organization membership", id);
            management.put(&format!("{PATH}/{id}"), json!({})).await.expect_not_found("Organization membership", id);
            management.put(&format!("{PATH}/{id}"), json!({"role_slug": "member"})).await.expect_not_found("Organization membership", id);
            management.put(&format!("{PATH}/{id}/deactivate"), json!({})).await.expect_not_found("Organization membership", id);
            management.put(&format!("{PATH}/{id}/reactivate"), json!({})).await.expect_not_found("Organization membership", id);
            management.delete(&format!("{PATH}/{id}")).await.expect_not_found("Organization membership", id);
        }
    }

    async fn a_second_membership_is_a_conflict_also_at_once(server: TestServer) {
        let management = server.management();
        let (user, organization) = (management.user("a@example.com").await, management.organization("Acme").await);
        let body = json!({"user_id": user, "organization_id": organization});
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..6 {
            let (management, body) = (management.clone(), body.clone());
            tasks.spawn(async move { management.post(PATH, body).await });
        }
        let (made, refused): (Vec<_>, Vec<_>) = tasks.join_all().await.into_iter().partition(|answer| answer.status == 201);
        assert_eq!(made.len(), 1);
        for answer in refused {
            answer.expect_code(409, "entity_already_exists");
        }
        management.post(PATH, body).await.expect_code(409, "entity_already_exists");
    }

    async fn a_suspended_membership_keeps_its_roles_and_comes_back(server: TestServer) {
        let management = server.management();
        management.role("admin").await;
        let (user, organization) = (management.user("a@example.com").await, management.organization("Acme").await);
        let body = json!({"user_id": user, "organization_id": organization, "role_slug": "admin"});
        let made = management.post(PATH, body.clone()).await.expect(201).json();
        server.clock.advance_seconds(60);
        let suspended = management.put(&format!("{}/deactivate", path(&made)), json!({})).await.expect(200).json();
        assert_keys(&suspended, &KEYS);
        assert_eq!((&suspended["status"], &suspended["role"]["slug"]), (&json!("inactive"), &json!("admin")));
        assert!(suspended["updated_at"].as_str() > made["updated_at"].as_str());
        server.clock.advance_seconds(60);
        let again = management.put(&format!("{}/deactivate", path(&made)), json!({})).await.expect(200).json();
        assert_eq!(again, suspended, "nothing happens twice");
        assert_eq!(management.get(&format!("{PATH}?user_id={user}")).await.expect_list(), Vec::<Value>::new());
        for statuses in ["statuses=inactive", "statuses=active,inactive", "statuses[]=inactive&statuses[]=pending", "statuses=active&statuses=inactive&statuses=pending"] {
            for owner in [format!("user_id={user}"), format!("organization_id={organization}"), format!("user_id={user}&organization_id={organization}")] {
                assert_eq!(management.get(&format!("{PATH}?{owner}&{statuses}")).await.expect_list(), std::slice::from_ref(&suspended), "{statuses}");
            }
        }
        management.get(&format!("{PATH}?user_id={user}&statuses=gone")).await.expect_invalid(&[("statuses", "invalid")]);
        let back = management.put(&format!("{}/reactivate", path(&made)), json!({})).await.expect(200).json();
        assert_eq!((&back["status"], &back["role"]["slug"]), (&json!("active"), &json!("admin")));
        assert_eq!(management.put(&format!("{}/reactivate", path(&made)), json!({})).await.expect(200).json(), back);
        // Creating it again while it is suspended returns the same membership with the newly given roles.
        management.put(&format!("{}/deactivate", path(&made)), json!({})).await.expect(200);
        let revived = management.post(PATH, json!({"user_id": user, "organization_id": organization})).await.expect(201).json();
        assert_eq!((&revived["id"], &revived["status"], &revived["role"]["slug"]), (&made["id"], &json!("active"), &json!("member")));
    }

    async fn other_roles_replace_those_that_were(server: TestServer) {
        let management = server.management();
        for slug in ["admin", "editor"] {
            management.role(slug).await;
        }
        let (user, organization) = (management.user("a@example.com").await, management.organization("Acme").await);
        let made = management.member(&user, &organization).await;
        assert_eq!(management.put(&path(&made), json!({})).await.expect(200).json(), made);
        let changed = management.put(&path(&made), json!({"role_slugs": ["admin", "editor", "admin"]})).await.expect(200).json();
        assert_keys(&changed, &KEYS);
        assert_eq!(changed["roles"], json!([{"slug": "admin"}, {"slug": "editor"}]));
        let changed = management.put(&path(&made), json!({"role_slug": "editor"})).await.expect(200).json();
        assert_eq!((&changed["role"], &changed["roles"]), (&json!({"slug": "editor"}), &json!([{"slug": "editor"}])));
        management.put(&path(&made), json!({"role_slug": "nobody"})).await.expect_code(422, "invalid_role");
        management.put(&path(&made), json!({"role_slug": "editor", "role_slugs": ["admin"]})).await.expect_invalid(&[("role_slugs", "not_allowed")]);
        assert_eq!(management.get(&path(&made)).await.json(), changed);
        management.delete("/authorization/roles/editor").await.expect_code(409, "role_has_assignments");
        management.delete("/authorization/roles/admin").await.expect(204);
    }

    async fn a_role_that_is_deleted_while_it_is_given_is_not_given(server: TestServer) {
        let management = server.management();
        let (user, organization) = (management.user("a@example.com").await, management.organization("Acme").await);
        let made = management.member(&user, &organization).await;
        for _ in 0..10 {
            management.role("admin").await;
            let path = path(&made);
            let (given, deleted) = tokio::join!(
                management.put(&path, json!({"role_slug": "admin"})), management.delete("/authorization/roles/admin"),
            );
            match (given.status, deleted.status) {
                (200, 409) => {
                    management.put(&path, json!({"role_slug": "member"})).await.expect(200);
                    management.delete("/authorization/roles/admin").await.expect(204);
                }
                (422, 204) => assert_eq!(management.get(&path).await.json()["role"]["slug"], "member"),
                other => panic!("{other:?}"),
            }
        }
    }

    async fn lists_need_an_owner_and_are_paged(server: TestServer) {
        let management = server.management();
        management.get(PATH).await.expect_code(400, "missing_user_id_or_organization_id");
        management.get(&format!("{PATH}?user_id=")).await.expect_code(400, "missing_user_id_or_organization_id");
        let organization = management.organization("Acme").await;
        let mut members = Vec::new();
        for number in 0..5 {
            let user = management.user(&format!("{number}@example.com")).await;
            members.push(management.member(&user, &organization).await["id"].as_str().unwrap().to_owned());
        }
        let page = management.get(&format!("{PATH}?organization_id={organization}&order=asc&limit=2")).await.expect(200).json();
        assert_eq!(ids(&page["data"]), members[..2]);
        assert_eq!(page["list_metadata"], json!({"before": null, "after": members[1]}));
        let rest = management.get(&format!("{PATH}?organization_id={organization}&order=asc&after={}", members[1])).await.expect_list();
        assert_eq!(ids(&Value::Array(rest)), members[2..]);
        for nobody in ["user_id=user_x", "organization_id=org_x", "user_id=user_01EHZNVPK3SFK441A1RGBFSHRT"] {
            assert_eq!(management.get(&format!("{PATH}?{nobody}")).await.expect_list(), Vec::<Value>::new());
        }
        management.get(&format!("{PATH}?organization_id={organization}&after=user_x")).await.expect_invalid(&[("after", "invalid")]);
    }

    async fn a_deleted_membership_is_gone_and_may_be_made_again(server: TestServer) {
        let management = server.management();
        let (user, organization) = (management.user("a@example.com").await, management.organization("Acme").await);
        let made = management.member(&user, &organization).await;
        assert_eq!(management.delete(&path(&made)).await.expect(200).text, "");
        management.get(&path(&made)).await.expect_not_found("Organization membership", made["id"].as_str().unwrap());
        management.get(&format!("/user_management/users/{user}")).await.expect(200);
        assert_ne!(management.member(&user, &organization).await["id"], made["id"]);
        management.delete(&format!("/organizations/{organization}")).await.expect(200);
        assert_eq!(management.get(&format!("{PATH}?user_id={user}")).await.expect_list(), Vec::<Value>::new());
    }
}
