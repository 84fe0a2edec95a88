//! Roles and permissions as staff create and change them.

use crate::harness::{TestServer, on_both_databases};
use countersign::domain::Failure;
use countersign::domain::organizations::permissions::{self, NewPermission};
use countersign_protocol::model::StaffRole;
use serde_json::json;

const ROLES: &str = "/dashboard/env/default/roles";

on_both_databases! {
    async fn a_permission_is_made_reads_as_it_says_and_is_deleted(server: TestServer) {
        let mut developer = server.staff(StaffRole::Developer).await;
        let new = format!("{ROLES}/permissions/new");
        let page = developer.open(&new).await;
        for (slug, name, told) in [
            ("", "Read", "Slug is required"),
            ("Reports Read", "Read", "lower-case letters"),
            ("openid", "Read", "is a scope of OpenID Connect"),
            ("reports:read", "", "Name is required"),
        ] {
            let answer = developer.submit(&page, &new, &[("slug", slug), ("name", name), ("description", "D")]).await;
            assert_eq!(answer.status, 422, "{slug} {name}");
            assert!(answer.html.contains(told), "{told}: {}", answer.html);
            let form = answer.form(&new);
            assert_eq!((form.fields["slug"].as_str(), form.fields["name"].as_str(), form.fields["description"].as_str()), (slug, name, "D"));
        }
        let typed = [("slug", "reports:*"), ("name", "Read <b>reports</b>"), ("description", "Titles & figures")];
        let page = developer.submit(&page, &new, &typed).await;
        assert!(page.html.contains("Created.") && page.html.contains("On the consent page") && !page.html.contains("<b>"), "{}", page.html);
        let href = format!("{ROLES}/permissions/edit/reports:*");
        // The slug stays, whatever is posted.
        let page = developer.submit(&page, &href, &[("slug", "other"), ("name", "Read reports"), ("description", "")]).await;
        assert!(page.html.contains("Saved."), "{}", page.html);
        let kept = server.management().get("/authorization/permissions").await.expect_list();
        assert_eq!((kept.len(), &kept[0]["slug"], &kept[0]["name"], &kept[0]["description"]), (1, &json!("reports:*"), &json!("Read reports"), &json!(null)));
        let gone = developer.submit(&page, &format!("{href}/delete"), &[]).await;
        assert!(gone.html.contains("Deleted.") && gone.html.contains("Your first permission"), "{}", gone.html);
        assert_eq!(developer.open(&href).await.status, 404);
    }

    async fn a_role_gives_what_is_ticked_and_stays_while_somebody_has_it(server: TestServer) {
        let mut developer = server.staff(StaffRole::Developer).await;
        let management = server.management();
        management.permission("reports:read").await;
        management.permission("reports:write").await;
        let new = format!("{ROLES}/new");
        let page = developer.open(&new).await;
        let refused = developer.submit(&page, &new, &[("slug", "member"), ("name", "Again"), ("scope_reports:write", "yes")]).await;
        assert!(refused.status == 422 && refused.html.contains("already exists"), "{}", refused.html);
        assert!(refused.form(&new).fields.contains_key("scope_reports:write"), "what was ticked stays");
        let long = "n".repeat(49);
        assert_eq!(developer.submit(&page, &new, &[("slug", "x"), ("name", &long)]).await.status, 422);
        let typed = [("slug", "new"), ("name", "Billing"), ("scope_reports:read", "yes"), ("scope_nope", "yes")];
        let page = developer.submit(&page, &new, &typed).await;
        assert!(page.html.contains("Created."), "{}", page.html);
        let href = format!("{ROLES}/edit/new");
        let role = management.get("/authorization/roles/new").await.expect(200).json();
        assert_eq!(role["permissions"], json!(["reports:read"]));
        // One permission more, one less, and another name; the slug stays.
        let mut fields = page.form(&href).fields;
        fields.remove("scope_reports:read");
        fields.insert("scope_reports:write".to_owned(), "yes".to_owned());
        fields.insert("name".to_owned(), "Billing admins".to_owned());
        fields.insert("slug".to_owned(), "member".to_owned());
        let page = developer.post(&href, &fields).await;
        assert!(page.html.contains("Saved."), "{}", page.html);
        let role = management.get("/authorization/roles/new").await.expect(200).json();
        assert_eq!((&role["permissions"], &role["name"]), (&json!(["reports:write"]), &json!("Billing admins")));
        let (user, organization) = (management.user("ada@example.com").await, management.organization("Acme").await);
        let body = json!({"user_id": user, "organization_id": organization, "role_slug": "new"});
        let membership = management.post("/user_management/organization_memberships", body).await.expect(201).text_at("id");
        let refused = developer.submit(&page, &format!("{href}/delete"), &[]).await;
        assert!(refused.status == 422 && refused.html.contains("Members have the role"), "{}", refused.html);
        management.delete(&format!("/user_management/organization_memberships/{membership}")).await;
        let gone = developer.submit(&page, &format!("{href}/delete"), &[]).await;
        assert!(gone.html.contains("Deleted."), "{}", gone.html);
        // The default role has no such button, and posting anyway explains why.
        let default = format!("{ROLES}/edit/member");
        let page = developer.open(&default).await;
        assert!(!page.forms().iter().any(|form| form.action.ends_with("/delete")));
        let refused = developer.post(&format!("{default}/delete"), &page.form(&default).fields).await;
        assert!(refused.status == 422 && refused.html.contains("default role"), "{}", refused.html);
    }

    async fn a_role_may_give_more_permissions_than_a_request_of_a_client_has_parameters(server: TestServer) {
        let management = server.management();
        for at in 0..80 {
            management.permission(&format!("p{at}")).await;
        }
        let mut developer = server.staff(StaffRole::Developer).await;
        let new = format!("{ROLES}/new");
        let page = developer.open(&new).await;
        let boxes: Vec<String> = (0..80).map(|at| format!("scope_p{at}")).collect();
        let mut typed = vec![("slug", "all"), ("name", "All")];
        typed.extend(boxes.iter().map(|name| (name.as_str(), "yes")));
        let page = developer.submit(&page, &new, &typed).await;
        assert!(page.html.contains("Created."), "{}", page.html);
        assert_eq!(management.get("/authorization/roles/all").await.json()["permissions"].as_array().unwrap().len(), 80);
    }

    async fn the_order_says_which_of_several_roles_is_the_one_and_saving_a_member_does_not(server: TestServer) {
        let mut developer = server.staff(StaffRole::Developer).await;
        let management = server.management();
        for slug in ["admin", "editor"] {
            management.role(slug).await;
        }
        let (user, organization) = (management.user("ada@example.com").await, management.organization("Acme").await);
        let body = json!({"user_id": user, "organization_id": organization, "role_slugs": ["member", "editor", "admin"]});
        let id = management.post("/user_management/organization_memberships", body).await.expect(201).text_at("id");
        let path = format!("/user_management/organization_memberships/{id}");
        let role = async || management.get(&path).await.expect(200).json()["role"]["slug"].as_str().unwrap().to_owned();
        assert_eq!(role().await, "admin");
        let moving = |slug: &str| format!("{ROLES}/edit/{slug}/move");
        let page = developer.open(ROLES).await;
        assert_eq!(page.forms().iter().filter(|form| form.action.ends_with("/move")).count(), 4, "the ends go one way only");
        let page = developer.submit(&page, &moving("editor"), &[("way", "up")]).await;
        assert!(page.html.contains("Moved."), "{}", page.html);
        assert_eq!(role().await, "editor");
        let list = management.get("/authorization/roles").await.json();
        let slugs: Vec<_> = list["data"].as_array().unwrap().iter().map(|role| role["slug"].as_str().unwrap()).collect();
        assert_eq!(slugs, ["editor", "admin", "member"]);
        let page = developer.submit(&page, &moving("member"), &[("way", "up")]).await;
        let page = developer.submit(&page, &moving("member"), &[("way", "up")]).await;
        assert_eq!(role().await, "member");
        // Beyond the end nothing happens, and a new role is now the lowest.
        developer.submit(&page, &moving("member"), &[("way", "up")]).await;
        assert_eq!(developer.submit(&page, &moving("member"), &[("way", "sideways")]).await.status, 400);
        assert_eq!(developer.submit(&page, &moving("member"), &[("way", "down")]).await.status, 200);
        management.role("viewer").await;
        let list = management.get("/authorization/roles").await.json();
        let slugs: Vec<_> = list["data"].as_array().unwrap().iter().map(|role| role["slug"].as_str().unwrap()).collect();
        assert_eq!(slugs, ["editor", "member", "admin", "viewer"]);
        // The member's page lists them in the same order, and saving it unchanged keeps the roles.
        let member = format!("/dashboard/env/default/organizations/{organization}/people/{id}");
        let page = developer.open(&member).await;
        developer.submit(&page, &member, &[]).await;
        assert_eq!(role().await, "editor");
    }

    async fn permissions_that_a_page_has_no_room_for_stay(server: TestServer) {
        let management = server.management();
        management.permission("first").await;
        management.role("all").await;
        let act = server.act();
        let made = server.app.store.write::<(), Failure, _>(move |tx| {
            Box::pin(async move {
                for at in 0..500 {
                    let slug = format!("p{at}");
                    let new = NewPermission { name: slug.clone(), slug, description: None, resource_type_slug: "organization".to_owned() };
                    permissions::create(tx, &act, new).await?;
                }
                Ok(())
            })
        });
        made.await.unwrap();
        // The newest is the one beyond what the page offers.
        management.put("/authorization/roles/all/permissions", json!({"permissions": ["first", "p499"]})).await.expect(200);
        let mut developer = server.staff(StaffRole::Developer).await;
        let href = format!("{ROLES}/edit/all");
        let page = developer.open(&href).await;
        let mut fields = page.form(&href).fields;
        assert!(fields.remove("scope_first").is_some() && !fields.contains_key("scope_p499"));
        let saved = developer.post(&href, &fields).await;
        assert!(saved.html.contains("Saved."), "{}", saved.html);
        assert_eq!(management.get("/authorization/roles/all").await.json()["permissions"], json!(["p499"]));
    }

    async fn a_permission_keeps_what_is_longer_than_new_ones_may_be(server: TestServer) {
        let (act, name) = (server.act(), "n".repeat(200));
        let new = NewPermission { slug: "old".to_owned(), name: name.clone(), description: Some("d".repeat(900)), resource_type_slug: "organization".to_owned() };
        let made = server.app.store.write::<_, Failure, _>(move |tx| Box::pin(async move { permissions::create(tx, &act, new).await }));
        made.await.unwrap();
        let mut developer = server.staff(StaffRole::Developer).await;
        let href = format!("{ROLES}/permissions/edit/old");
        let page = developer.open(&href).await;
        let page = developer.submit(&page, &href, &[("description", "Short")]).await;
        assert!(page.html.contains("Saved.") && page.html.contains(&name), "{}", page.html);
        let refused = developer.submit(&page, &href, &[("name", &"m".repeat(49))]).await;
        assert!(refused.status == 422 && refused.html.contains("at most 48"), "{}", refused.html);
    }

    async fn what_somebody_else_has_changed_is_not_saved_over(server: TestServer) {
        let management = server.management();
        management.role("editor").await;
        management.permission("posts:read").await;
        let mut developer = server.staff(StaffRole::Developer).await;
        let href = format!("{ROLES}/edit/editor");
        let stale = developer.open(&href).await;
        management.post("/authorization/roles/editor/permissions", json!({"slug": "posts:read"})).await.expect(200);
        let refused = developer.submit(&stale, &href, &[("name", "Mine")]).await;
        assert!(refused.status == 409 && refused.html.contains("Somebody else has changed this"), "{} {}", refused.status, refused.html);
        assert_eq!(management.get("/authorization/roles/editor").await.json()["permissions"], json!(["posts:read"]));
        // The typed values are kept, and are saved on a second submission.
        let saved = developer.submit(&refused, &href, &[]).await;
        assert!(saved.html.contains("Saved.") && saved.html.contains("<h1>Mine</h1>"), "{}", saved.html);
        let (href, api) = (format!("{ROLES}/permissions/edit/posts:read"), "/authorization/permissions/posts:read");
        let stale = developer.open(&href).await;
        management.patch(api, json!({"name": "Theirs"})).await.expect(200);
        assert_eq!(developer.submit(&stale, &href, &[("description", "D")]).await.status, 409);
        assert_eq!(management.get(api).await.json()["name"], "Theirs");
    }

    async fn threat_34_roles_and_permissions_of_another_environment_are_not_there(server: TestServer) {
        let another = server.another_environment().await;
        another.management.role("theirs").await;
        another.management.permission("their:scope").await;
        let mut owner = server.staff(StaffRole::Owner).await;
        let right = format!("/dashboard/env/{}/roles/edit/theirs", another.name);
        let fields = owner.open(&right).await.form(&format!("{right}/delete")).fields;
        for path in ["edit/theirs", "permissions/edit/their:scope"] {
            let wrong = format!("{ROLES}/{path}");
            assert_eq!(owner.open(&wrong).await.status, 404);
            assert_eq!(owner.post(&wrong, &fields).await.status, 404);
            assert_eq!(owner.post(&format!("{wrong}/delete"), &fields).await.status, 404);
        }
        assert_eq!(owner.open(&right).await.status, 200, "it is still there");
    }
}
