//! Machine credentials and API keys, as a customer's administrator sees, revokes, and creates them.

use super::{between, shown_once};
use crate::harness::{Browser, TestServer, on_both_databases};
use countersign::domain::audit_log::{Trail, list};
use countersign_protocol::model::StaffRole;
use serde_json::json;

const MAY_CREATE: &str = "[environment.portal]\ncredentials = \"create\"\npermissions = [\"reports:read\", \"nope:gone\"]\n\n[[environment.permission]]\nslug = \"reports:read\"\nname = \"Read reports\"\n\n[[environment.permission]]\nslug = \"reports:write\"\nname = \"Write reports\"\n";

on_both_databases! {
    async fn every_credential_is_seen_and_one_that_is_revoked_is_dead_at_introspection(server: TestServer) {
        let management = server.management();
        management.post("/authorization/permissions", json!({"slug": "reports:read", "name": "Read reports"})).await.expect(201);
        let organization = management.organization("Acme").await;
        let machine = management.machine(&organization, &["reports:read"]).await;
        let (id, client_id) = (machine["id"].as_str().unwrap(), machine["client_id"].as_str().unwrap());
        let (_, secret) = management.secret(id).await;
        let watcher = server.introspector().await;
        let token = server.anonymous().token(client_id, &secret).await.expect(200).text_at("access_token");
        assert_eq!(server.introspected(&watcher, &token).await["active"], true);

        let mut browser = server.visitor(&organization, Some("api_credentials")).await;
        let page = browser.open("/portal/machines").await;
        let hint = format!("…{}", &secret[secret.len() - 6..]);
        for text in ["Machine", client_id, &hint, "Read reports", "Created by", "Countersign"] {
            assert!(page.html.contains(text), "{text}: {}", page.html);
        }
        assert!(!page.html.contains(&secret));
        let action = format!("/portal/machines/{id}/revoke");
        let done = browser.submit(&page, &action, &[]).await;
        assert_eq!(done.status, 200, "{}", done.html);
        assert!(done.html.contains(&format!("The secret {hint} of Machine was revoked on ")) && done.html.contains("refused from now on"), "{}", done.html);
        assert_eq!(server.introspected(&watcher, &token).await, json!({"active": false}));
        server.anonymous().token(client_id, &secret).await.expect(401);
        // The second attempt: it is gone, and the page says what exists.
        let fields = page.form(&action).fields;
        let again = browser.post(&action, &fields).await;
        assert_eq!(again.status, 404);
        assert!(again.html.contains("no longer exists"), "{}", again.html);
    }

    async fn an_api_key_is_seen_and_revoked(server: TestServer) {
        let management = server.management();
        let organization = management.organization("Acme").await;
        let body = json!({"name": "<i>Warehouse</i>", "permissions": []});
        let key = management.post(&format!("/organizations/{organization}/api_keys"), body).await.expect(201).json();
        let value = key["value"].as_str().unwrap();
        management.post("/api_keys/validations", json!({"value": value})).await.expect(200);
        let mut browser = server.visitor(&organization, None).await;
        let page = browser.open("/portal/api-keys").await;
        assert!(page.html.contains("&#60;i&#62;Warehouse") && !page.html.contains("<i>") && !page.html.contains(value), "{}", page.html);
        assert!(page.html.contains(key["obfuscated_value"].as_str().unwrap()));
        let done = browser.submit(&page, "/portal/api-keys/revoke", &[]).await;
        assert!(done.html.contains("was revoked on") && done.html.contains("No API keys yet"), "{}", done.html);
        assert_eq!(management.post("/api_keys/validations", json!({"value": value})).await.expect(200).json()["api_key"], json!(null));
        assert_eq!(server.events("api_key.revoked").await.len(), 1);
    }

    async fn where_the_company_allows_it_they_are_made_with_what_is_offered_and_nothing_else(server: TestServer) {
        server.declare(MAY_CREATE).await.done();
        let organization = server.management().organization("Acme").await;
        let mut browser = server.visitor(&organization, None).await;
        let page = browser.open("/portal/machines/new").await;
        assert!(page.html.contains("Read reports") && !page.html.contains("Write reports") && !page.html.contains("nope"), "{}", page.html);
        let typed = [("name", "Export & more"), ("scope_reports:read", "yes"), ("scope_reports:write", "yes"), ("scope_nope:gone", "yes")];
        let made = browser.submit(&page, "/portal/machines/new", &typed).await;
        assert_eq!(made.status, 201, "{}", made.html);
        let secret = shown_once(&made.html);
        let shown = server.management().get("/connect/applications").await.expect_list().remove(0);
        assert_eq!((&shown["name"], &shown["scopes"], &shown["organization_id"]), (&json!("Export & more"), &json!(["reports:read"]), &json!(organization)));
        assert_eq!((&shown["application_type"], &shown["is_first_party"]), (&json!("m2m"), &json!(null)));
        let client_id = shown["client_id"].as_str().unwrap();
        let token = server.anonymous().token(client_id, &secret).await.expect(200).json();
        assert_eq!(token["scope"].as_str().unwrap_or("reports:read"), "reports:read");
        let page = browser.open("/portal/machines").await;
        assert!(!page.html.contains(&secret), "shown once");
        // A second secret is created, so that the first can be deleted.
        let action = format!("/portal/machines/{}/secrets", shown["id"].as_str().unwrap());
        let made = browser.submit(&page, &action, &[]).await;
        assert_eq!(made.status, 201);
        server.anonymous().token(client_id, &shown_once(&made.html)).await.expect(200);
        for _ in 0..3 {
            browser.submit(&page, &action, &[]).await;
        }
        let full = browser.submit(&page, &action, &[]).await;
        assert_eq!(full.status, 422);
        assert!(full.html.contains("at most 5 secrets"), "{}", full.html);

        let page = browser.open("/portal/api-keys/new").await;
        let made = browser.submit(&page, "/portal/api-keys/new", &[("name", "Warehouse"), ("scope_reports:read", "yes"), ("scope_reports:write", "yes")]).await;
        assert_eq!(made.status, 201, "{}", made.html);
        let value = between(&made.html, "message good once", "</div>").rsplit("<code>").next().unwrap().split('<').next().unwrap().to_owned();
        let known = server.management().post("/api_keys/validations", json!({"value": value})).await.expect(200).json();
        assert_eq!((&known["api_key"]["name"], &known["api_key"]["permissions"]), (&json!("Warehouse"), &json!(["reports:read"])));
        assert_eq!(known["api_key"]["owner"]["id"], json!(organization));
    }

    async fn threat_48_a_machine_that_may_do_more_than_is_offered_gets_no_secret_here(server: TestServer) {
        server.declare(MAY_CREATE).await.done();
        let management = server.management();
        let organization = management.organization("Acme").await;
        let machine = management.machine(&organization, &["reports:write"]).await["id"].as_str().unwrap().to_owned();
        management.secret(&machine).await;
        let mut browser = server.visitor(&organization, None).await;
        let page = browser.open("/portal/machines").await;
        let action = format!("/portal/machines/{machine}/secrets");
        assert!(page.html.contains("Machine") && !page.html.contains(&action), "{}", page.html);
        let fields = page.form(&format!("/portal/machines/{machine}/revoke")).fields;
        assert_eq!(browser.post(&action, &fields).await.status, 404);
        let secrets = management.get(&format!("/connect/applications/{machine}/client_secrets")).await.expect(200).json();
        assert_eq!(secrets.as_array().unwrap().len(), 1);
    }

    async fn what_is_wrong_is_said_and_what_was_typed_stays(server: TestServer) {
        server.declare(MAY_CREATE).await.done();
        let organization = server.management().organization("Acme").await;
        let mut browser = server.visitor(&organization, None).await;
        for path in ["/portal/machines/new", "/portal/api-keys/new"] {
            let page = browser.open(path).await;
            let long = "x".repeat(300);
            for (name, told) in [("", "Please give it a name."), (long.as_str(), "too long")] {
                let answer = browser.submit(&page, path, &[("name", name), ("scope_reports:read", "yes")]).await;
                assert_eq!(answer.status, 422);
                assert!(answer.html.contains(told), "{}", answer.html);
                assert_eq!(answer.form(path).fields["name"], name);
                assert_eq!(answer.form(path).fields["scope_reports:read"], "yes");
            }
        }
        assert!(server.management().get("/connect/applications").await.expect_list().is_empty());
    }

    async fn who_made_a_credential_is_told(server: TestServer) {
        server.declare(MAY_CREATE).await.done();
        server.open_portal_to_members().await;
        let organization = server.management().organization("Acme").await;
        let make = async |browser: &mut Browser, name: &str| {
            let page = browser.open("/portal/api-keys/new").await;
            assert_eq!(browser.submit(&page, "/portal/api-keys/new", &[("name", name)]).await.status, 201);
        };
        let mut visitor = server.visitor(&organization, None).await;
        make(&mut visitor, "by-link").await;
        let ada = server.person("ada@example.com").await;
        server.member(ada, &organization).await;
        let mut member = Browser::new(&server);
        let page = member.open("/portal").await;
        server.sign_in(&mut member, &page, "ada@example.com").await;
        make(&mut member, "by-member").await;
        let body = json!({"name": "by-api"});
        server.management().post(&format!("/organizations/{organization}/api_keys"), body).await.expect(201);
        let mut developer = server.staff(StaffRole::Developer).await;
        let page = developer.open("/dashboard/env/default/applications/new").await;
        let typed = [("name", "by-staff"), ("kind", "machine"), ("organization_id", organization.as_str())];
        assert_eq!(developer.submit(&page, "/dashboard/env/default/applications/new", &typed).await.status, 201);

        let by = |html: &str, name: &str| {
            let row = between(html, name, "</tr>").to_owned();
            between(&row, "data-label=\"Created by\">", "<").to_owned()
        };
        let page = visitor.open("/portal/api-keys").await;
        assert_eq!(by(&page.html, "by-link"), "One of your administrators, with a link");
        assert_eq!(by(&page.html, "by-member"), "ada@example.com");
        assert_eq!(by(&page.html, "by-api"), "Countersign");
        let page = visitor.open("/portal/machines").await;
        assert!(page.html.contains("by-staff") && page.html.contains("data-label=\"Created by\">Countersign<"), "{}", page.html);
        // A key outlives its creator's account.
        server.management().delete(&format!("/user_management/users/{ada}")).await.expect(200);
        assert_eq!(by(&visitor.open("/portal/api-keys").await.html, "by-member"), "Somebody who has left");
    }

    async fn what_visitors_do_is_in_the_audit_log_without_their_addresses(server: TestServer) {
        server.open_portal_to_members().await;
        let organization = server.management().organization("Acme").await;
        let machine = server.management().machine(&organization, &[]).await["id"].as_str().unwrap().to_owned();
        let ada = server.person("ada@example.com").await;
        server.member(ada, &organization).await;
        let mut member = Browser::new(&server);
        let page = member.open("/portal").await;
        server.sign_in(&mut member, &page, "ada@example.com").await;
        let mut visitor = server.visitor(&organization, None).await;
        for (browser, id) in [(&mut visitor, organization.clone()), (&mut member, ada.to_string())] {
            server.management().secret(&machine).await;
            let page = browser.open("/portal/machines").await;
            browser.headers.push(("user-agent", "Lynx/2".to_owned()));
            assert_eq!(browser.submit(&page, &format!("/portal/machines/{machine}/revoke"), &[]).await.status, 200);
            let (store, key) = (&server.app.store, &server.app.keyring.audit_log);
            let told = list(store, key, server.environment_id(), &Trail::default(), None, 100).await.unwrap().entries;
            let entry = told.iter().find(|entry| entry.event.action == "client_secret.deleted").unwrap();
            assert_eq!((entry.event.actor.kind.as_str(), &entry.event.actor.id, &entry.event.actor.name), ("portal", &id, &None));
            assert_eq!(entry.event.context.user_agent.as_deref(), Some("Lynx/2"));
            assert!(told.iter().any(|entry| entry.event.action == "portal_link.created" && entry.event.targets[0].id == organization));
        }
    }

    async fn long_lists_have_pages(server: TestServer) {
        let management = server.management();
        let organization = management.organization("Acme").await;
        for number in 0..12 {
            let body = json!({"name": format!("key-{number:02}")});
            management.post(&format!("/organizations/{organization}/api_keys"), body).await.expect(201);
        }
        let mut browser = server.visitor(&organization, None).await;
        let page = browser.open("/portal/api-keys").await;
        assert!(page.html.contains("key-11") && page.html.contains("key-02") && !page.html.contains("key-01"), "{}", page.html);
        let older = between(&page.html, "href=\"/portal/api-keys?after=", "\"").to_owned();
        let page = browser.open(&format!("/portal/api-keys?after={older}")).await;
        assert!(page.html.contains("key-01") && page.html.contains("key-00") && !page.html.contains("key-02"), "{}", page.html);
        // The response to the form shows the first page again.
        let done = browser.submit(&page, "/portal/api-keys/revoke", &[]).await;
        assert!(done.html.contains("key-11") && done.html.contains("was revoked on"), "{}", done.html);
        assert_eq!(browser.open("/portal/api-keys?after=nonsense").await.status, 400);
    }
}
