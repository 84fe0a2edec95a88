//! Administrators' actions are recorded: by whom, to what, and from where, without any secrets.

use super::{trail, walked};
use crate::harness::{Browser, PASSWORD, TestServer, binary, on_both_databases};
use countersign::domain::audit_log::{Entry, Trail, list};
use countersign::keys::rotation;
use countersign_protocol::jose::Algorithm;
use countersign_protocol::model::{Actor, KeyPurpose, StaffRole};
use reqwest::Method;
use serde_json::{Value, json};
use std::process::Command;

/// Returns the action and the type of the first target of each entry.
fn told(entries: &[Entry]) -> Vec<(String, String)> {
    entries.iter().map(|entry| (entry.event.action.clone(), entry.event.targets[0].kind.clone())).collect()
}

/// Returns the entries added since the trail had this length.
async fn since(server: &TestServer, length: usize) -> Vec<Entry> {
    trail(server).await.split_off(length)
}

on_both_databases! {
    async fn a_first_start_is_the_first_entry(server: TestServer) {
        let entries = trail(&server).await;
        assert_eq!(entries[0].event.action, "environment.created");
        assert_eq!(entries[0].event.actor.kind, "system");
        assert!(entries.iter().any(|entry| entry.event.action == "environment_api_key.created"));
    }

    async fn who_did_what_to_what_from_where(server: TestServer) {
        let before = trail(&server).await.len();
        let management = server.management();
        let request = management.request(Method::POST, "/organizations").header("user-agent", "curl/8.1").json(&json!({"name": "Acme"}));
        let organization = management.send(request).await.expect(201).text_at("id");
        let entries = since(&server, before).await;
        assert_eq!(told(&entries), [("organization.created".to_owned(), "organization".to_owned())]);
        let event = &entries[0].event;
        assert_eq!((event.targets[0].id.as_str(), event.targets[0].name.as_deref()), (organization.as_str(), Some("Acme")));
        assert_eq!(entries[0].organization_id.unwrap().to_string(), organization);
        assert_eq!((event.actor.kind.as_str(), event.actor.name.as_deref()), ("api_key", Some("default")));
        assert!(event.actor.id.starts_with("environment_api_key_"), "{}", event.actor.id);
        assert_eq!((event.context.location.as_str(), event.context.user_agent.as_deref()), ("127.0.0.1", Some("curl/8.1")));
    }

    async fn what_belongs_to_an_organization_is_in_its_trail_from_beginning_to_end(server: TestServer) {
        let management = server.management();
        let partner = server.application("third", true, &[]).await;
        let listed = management.get(&format!("/connect/applications/{}", partner.client_id)).await.expect(200);
        let organization = listed.text_at("organization_id");
        let machine = management.machine(&organization, &[]).await["id"].as_str().unwrap().to_owned();
        let (secret, _) = management.secret(&machine).await;
        let user = server.person("ada@example.com").await;
        let customer = management.organization("Customer").await;
        server.member(user, &customer).await;
        let mut browser = Browser::new(&server);
        let page = browser.open(&partner.authorize("&scope=openid")).await;
        let page = server.sign_in(&mut browser, &page, "ada@example.com").await;
        browser.submit(&page, "/consent", &[("decision", "allow")]).await.sent("code").unwrap();
        let before = trail(&server).await.len();
        management.delete(&format!("/connect/client_secrets/{secret}")).await.expect(204);
        let path = format!("/user_management/users/{user}/authorized_applications/{}", partner.client_id);
        management.delete(&path).await.expect(204);
        let entries = since(&server, before).await;
        let whose: Vec<_> = entries.iter().map(|entry| (&*entry.event.action, entry.organization_id.unwrap().to_string())).collect();
        let expected = [("client_secret.deleted", organization), ("authorized_connect_application.deleted", customer)];
        assert_eq!(whose, expected);
    }

    async fn what_visitors_of_an_organizations_page_do_leaves_a_trace_whatever_it_is(server: TestServer) {
        let organization = server.management().organization("Acme").await;
        let mut visitor = server.visitor(&organization, Some("domain_verification")).await;
        let page = visitor.open("/portal/domains").await;
        let page = visitor.submit(&page, "/portal/domains", &[("domain", "acme.example.com")]).await;
        assert_eq!(page.status, 201, "{}", page.html);
        // It is already being verified, so nothing happens that has its own event name.
        let before = trail(&server).await.len();
        let page = visitor.submit(&page, "/portal/domains/verify", &[]).await;
        assert_eq!(page.status, 200, "{}", page.html);
        let entries = since(&server, before).await;
        assert_eq!(told(&entries), [("portal.request".to_owned(), "request".to_owned())]);
        assert_eq!(entries[0].event.targets[0].id, "POST /portal/domains/verify");
        assert_eq!(entries[0].organization_id.unwrap().to_string(), organization);
        // An action with its own name is recorded once.
        visitor.submit(&page, "/portal/domains", &[("domain", "acme.example.org")]).await;
        let entries = since(&server, before + 1).await;
        assert_eq!(told(&entries), [("organization_domain.created".to_owned(), "organization_domain".to_owned())]);
    }

    async fn what_staff_do_has_a_name_and_theirs(server: TestServer) {
        let mut owner = server.staff(StaffRole::Owner).await;
        let before = trail(&server).await.len();
        for (path, typed) in [
            ("organizations/new", vec![("name", "Acme")]),
            ("users/new", vec![("email", "ada@example.com")]),
            ("roles/new", vec![("slug", "editor"), ("name", "Editor")]),
            ("roles/permissions/new", vec![("slug", "posts:read"), ("name", "Read posts")]),
            ("api-keys", vec![("name", "nightly")]),
            ("settings", vec![("access_token_lifetime", "60 seconds")]),
            ("signing-keys", vec![]),
        ] {
            let path = format!("/dashboard/env/default/{path}");
            let page = owner.open(&path).await;
            let page = owner.submit(&page, &path, &typed).await;
            assert!(page.status < 300, "{path}: {}", page.html);
        }
        let entries = since(&server, before).await;
        let names: Vec<&str> = entries.iter().map(|entry| entry.event.action.as_str()).collect();
        assert_eq!(names, [
            "organization.created", "user.created", "role.created", "permission.created", "environment_api_key.created",
            "environment.updated", "signing_key.created", "signing_key.created",
        ]);
        assert!(entries.iter().all(|entry| entry.event.actor.kind == "staff"));
        // Creating an environment is recorded in its own trail, and in no other.
        let page = owner.open("/dashboard/environments/new").await;
        let typed = [("name", "second"), ("kind", "staging"), ("issuer", "https://id.example.com")];
        assert_eq!(owner.submit(&page, "/dashboard/environments/new", &typed).await.status, 201);
        assert_eq!(since(&server, before).await.len(), entries.len());
    }

    async fn every_step_in_the_life_of_a_signing_key_is_recorded(server: TestServer) {
        let environments = server.app.environments();
        let environment = &environments.get(server.environment_id()).unwrap().environment;
        let by = || Actor::CommandLine { command: "countersign keys".to_owned(), account: None };
        let rotate = async |after: i64| {
            let (purpose, when) = (KeyPurpose::Direct, server.clock.now().plus_secs(after));
            rotation::rotate(&server.app, by(), environment, purpose, Algorithm::Es256, when).await.unwrap().to_string()
        };
        let steps = async |length: usize| -> Vec<(String, String, String)> {
            let told = |entry: Entry| (entry.event.actor.kind, entry.event.action, entry.event.targets[0].id.clone());
            since(&server, length).await.into_iter().map(told).collect()
        };
        let step = |by: &str, what: &str, key: &str| (by.to_owned(), format!("signing_key.{what}"), key.to_owned());
        let before = trail(&server).await.len();
        let (first, second) = (rotate(900).await, rotate(900).await);
        let told = [step("cli", "created", &first), step("cli", "deleted", &first), step("cli", "created", &second)];
        assert_eq!(steps(before).await, told, "a successor that waited is replaced");

        server.clock.advance_seconds(901);
        rotation::advance(&server.app, 0).await.unwrap();
        let told = steps(before + 3).await;
        let old = told[0].2.clone();
        assert_eq!(told, [step("system", "retired", &old), step("system", "activated", &second)]);
        let third = rotate(0).await;
        let told = [step("cli", "created", &third), step("cli", "retired", &second), step("cli", "activated", &third)];
        assert_eq!(steps(before + 5).await, told);

        rotation::burn(&server.app, by(), environment, second.parse().unwrap()).await.unwrap();
        assert_eq!(steps(before + 8).await, [step("cli", "deleted", &second)], "it did not sign any more");
        let fourth = rotation::burn(&server.app, by(), environment, third.parse().unwrap()).await.unwrap().to_string();
        assert_eq!(steps(before + 9).await, [step("cli", "deleted", &third), step("cli", "created", &fourth)]);
        server.clock.advance_seconds(rotation::RETIRING);
        rotation::advance(&server.app, 0).await.unwrap();
        assert_eq!(steps(before + 11).await, [step("system", "deleted", &old)]);
    }

    async fn what_failed_and_what_was_only_read_leaves_no_trace(server: TestServer) {
        let management = server.management();
        let organization = management.organization("Acme").await;
        let before = trail(&server).await.len();
        management.post("/organizations", json!({})).await.expect(422);
        management.put("/organizations/org_01EHZNVPK3SFK441A1RGBFSHRT", json!({"name": "B"})).await.expect(404);
        management.get(&format!("/organizations/{organization}")).await.expect(200);
        let keyed = || management.request(Method::POST, "/organizations").header("idempotency-key", "k").json(&json!({"name": "B"}));
        for _ in 0..3 {
            management.send(keyed()).await.expect(201);
        }
        assert_eq!(since(&server, before).await.len(), 1, "sent again, done once");
    }

    // Each of these is recorded under its own name; one without would be `management_api.request`.
    async fn every_change_has_a_name(server: TestServer) {
        let management = server.management();
        let organization = management.organization("Acme").await;
        let user = management.user("ada@example.com").await;
        let member = management.member(&user, &organization).await;
        management.permission("posts:read").await;
        management.role("editor").await;
        let machine = management.machine(&organization, &[]).await["id"].as_str().unwrap().to_owned();
        let (secret, value) = management.secret(&machine).await;
        management.delete(&format!("/connect/client_secrets/{secret}")).await.expect(204);
        management.put(&format!("/connect/applications/{machine}"), json!({"name": "B"})).await.expect(200);
        management.delete(&format!("/connect/applications/{machine}")).await.expect(204);
        let uri = management.post("/user_management/redirect_uris", json!({"uri": "https://a.example/cb"})).await.expect(201);
        drop(uri);
        let uri = management.post("/user_management/redirect_uris", json!({"uri": "https://a.example/other"})).await.expect(201).text_at("id");
        assert!(management.delete(&format!("/user_management/redirect_uris/{uri}")).await.status < 300);
        let origin = management.post("/user_management/cors_origins", json!({"origin": "https://a.example"})).await.expect(201).text_at("id");
        assert!(management.delete(&format!("/user_management/cors_origins/{origin}")).await.status < 300);
        let resource = management.post("/user_management/authkit_oauth_resources", json!({"uri": "https://a.example/mcp"})).await.expect(201).text_at("id");
        assert!(management.delete(&format!("/user_management/authkit_oauth_resources/{resource}")).await.status < 300);
        management.put("/user_management/jwt_template", json!({"content": "{\"a\": \"b\"}"})).await.expect(200);
        let key = management.post(&format!("/organizations/{organization}/api_keys"), json!({"name": "K"})).await.expect(201);
        let (key, key_value) = (key.text_at("id"), key.text_at("value"));
        assert!(management.delete(&format!("/api_keys/{key}")).await.status < 300);
        management.put(&format!("/user_management/users/{user}"), json!({"password": PASSWORD})).await.expect(200);
        management.put(&format!("/organizations/{organization}/audit_logs_retention"), json!({"retention_period_in_days": 30})).await.expect(200);
        management.post("/audit_logs/actions/a.b/schemas", json!({"targets": [{"type": "t"}]})).await.expect(201);
        let range = json!({"organization_id": organization, "range_start": "2026-01-01T00:00:00Z", "range_end": "2026-02-01T00:00:00Z"});
        management.post("/audit_logs/exports", range).await.expect(201);
        let id = member["id"].as_str().unwrap();
        assert!(management.delete(&format!("/user_management/organization_memberships/{id}")).await.status < 300);
        management.delete(&format!("/user_management/users/{user}")).await;

        let entries = trail(&server).await;
        let names: Vec<&str> = entries.iter().map(|entry| entry.event.action.as_str()).collect();
        for name in [
            "user.created", "organization_membership.created", "permission.created", "role.created", "connect_application.created",
            "client_secret.created", "client_secret.deleted", "connect_application.updated", "connect_application.deleted",
            "redirect_uri.created", "redirect_uri.deleted", "cors_origin.created", "cors_origin.deleted", "authkit_oauth_resource.created",
            "authkit_oauth_resource.deleted", "jwt_template.updated", "api_key.created", "api_key.revoked", "user.updated",
            "audit_logs_retention.updated", "audit_log_schema.created", "audit_log_export.created", "organization_membership.deleted", "user.deleted",
        ] {
            assert!(names.contains(&name), "{name} is missing: {names:?}");
        }
        assert!(!names.contains(&"management_api.request"), "{entries:?}");
        assert!(entries.iter().all(|entry| !entry.event.targets[0].id.is_empty()), "{entries:?}");
        let all = format!("{entries:?}");
        for secret in [value.as_str(), &key_value, PASSWORD, "ada@example.com"] {
            assert!(!all.contains(secret), "{secret}");
        }
        assert_eq!(walked(&server, server.environment_id()).await.broken, None);
    }

    async fn a_change_without_a_name_of_its_own_is_told_as_a_request(server: TestServer) {
        let management = server.management();
        let user = management.user("ada@example.com").await;
        let before = trail(&server).await.len();
        let path = format!("/user_management/users/{user}/email_change/send");
        management.post(&path, json!({"new_email": "lovelace@example.com"})).await.expect(200);
        let entries = since(&server, before).await;
        assert_eq!(told(&entries), [("management_api.request".to_owned(), "request".to_owned())]);
        assert_eq!(entries[0].event.targets[0].id, format!("POST {path}"));
    }

    async fn what_people_do_themselves_is_not_administration(server: TestServer) {
        server.person("ada@example.com").await;
        let before = trail(&server).await.len();
        server.with_password("ada@example.com").await;
        assert_eq!(since(&server, before).await.len(), 0);
    }

    async fn commands_are_in_it_and_it_is_shown_and_walked_along(server: TestServer) {
        let data = server.database.directory.path().join("data").to_str().unwrap().to_owned();
        let run = |arguments: &[&str]| Command::new(binary()).args(arguments).args(["--data", &data, "--database", &server.database.url]).output().unwrap();
        let before = trail(&server).await.len();
        assert!(run(&["api-keys", "create", "deploy"]).status.success());
        assert!(run(&["api-keys", "revoke", "deploy"]).status.success());
        assert!(run(&["keys", "rotate"]).status.success());
        let file = server.database.directory.path().join("countersign.toml");
        std::fs::write(&file, "[[environment]]\nname = \"default\"\n[[environment.permission]]\nslug = \"a:b\"\nname = \"A\"\n").unwrap();
        let applied = run(&["apply", file.to_str().unwrap()]);
        assert!(applied.status.success(), "{}", String::from_utf8_lossy(&applied.stderr));
        let entries = since(&server, before).await;
        assert_eq!(
            entries.iter().map(|entry| entry.event.action.as_str()).collect::<Vec<_>>(),
            ["environment_api_key.created", "environment_api_key.deleted", "signing_key.created", "signing_key.created", "permission.created"]
        );
        assert!(entries.iter().all(|entry| entry.event.actor.kind == "cli" && entry.event.context.location == "server"), "{entries:?}");
        assert_eq!(entries[4].event.actor.id, "countersign apply");

        let listed = run(&["audit", "list", "--action", "permission.created", "--limit", "1"]);
        let line: Value = serde_json::from_slice(&listed.stdout).unwrap();
        assert_eq!((&line["action"], &line["actor"]["id"]), (&json!("permission.created"), &json!("countersign apply")));

        let all = run(&["audit", "verify"]);
        assert!(all.status.success());
        assert_eq!(String::from_utf8(all.stdout).unwrap().lines().count(), 2, "the log of the staff is one, too");
        let good = run(&["audit", "verify", "--environment", "default", "--json"]);
        let said: Value = serde_json::from_slice(&good.stdout).unwrap();
        assert_eq!((good.status.code(), &said["intact"], &said["broken_at"]), (Some(0), &json!(true), &Value::Null));
        assert_eq!(said["hash"].as_str().unwrap().len(), 64);
        server.database.tamper("DELETE FROM audit_log_event WHERE sequence = 2").await;
        let bad = run(&["audit", "verify", "--environment", "default", "--json"]);
        let said: Value = serde_json::from_slice(&bad.stdout).unwrap();
        assert_eq!((bad.status.code(), &said["intact"], &said["broken_at"]), (Some(2), &json!(false), &json!(2)));
        let told = run(&["audit", "verify", "--environment", "default"]);
        assert_eq!(String::from_utf8(told.stdout).unwrap(), "default: BROKEN at place 2: the record is missing\n");
    }

    async fn what_staff_do_in_the_dashboard_is_told_with_their_name(server: TestServer) {
        let organization = server.management().organization("Acme").await;
        let before = trail(&server).await.len();
        let mut browser = server.staff(StaffRole::Developer).await;
        let page = browser.open("/dashboard/env/default/applications/new").await;
        let fields = [("name", "Export"), ("kind", "machine"), ("organization_id", organization.as_str())];
        let made = browser.submit(&page, "/dashboard/env/default/applications/new", &fields).await;
        let entries = since(&server, before).await;
        assert!(!entries.is_empty(), "{} {}", made.status, made.html);
        assert!(entries.iter().all(|entry| entry.event.actor.kind == "staff"), "{entries:?}");
        let actor = &entries[0].event.actor;
        assert!(actor.id.starts_with("user_") && actor.name.as_deref().unwrap().ends_with("@staff.example"), "{actor:?}");
        assert_eq!((entries[0].event.action.as_str(), entries[0].event.context.location.as_str()), ("connect_application.created", "127.0.0.1"));
    }

    async fn the_trail_is_read_by_what_one_looks_for(server: TestServer) {
        let management = server.management();
        let mut organizations = Vec::new();
        for number in 0..5 {
            organizations.push(management.organization(&format!("O{number}")).await);
        }
        management.put(&format!("/organizations/{}", organizations[1]), json!({"name": "Other"})).await.expect(200);
        let read = async |trail: Trail, before: Option<i64>, limit: usize| {
            list(&server.app.store, &server.app.keyring.audit_log, server.environment_id(), &trail, before, limit).await.unwrap()
        };
        let of_one = Trail { target_id: Some(organizations[1].clone()), ..Trail::default() };
        let found = read(of_one, None, 10).await;
        assert_eq!(found.entries.iter().map(|e| e.event.action.as_str()).collect::<Vec<_>>(), ["organization.updated", "organization.created"]);
        let created = Trail { action: Some("organization.created".to_owned()), ..Trail::default() };
        let (mut seen, mut before) = (Vec::new(), None);
        loop {
            let page = read(created.clone(), before, 2).await;
            assert!(page.entries.len() <= 2);
            seen.extend(page.entries.into_iter().map(|entry| entry.event.targets[0].id.clone()));
            before = page.next;
            if before.is_none() { break; }
        }
        organizations.reverse();
        assert_eq!(seen, organizations);
        let later = Trail { since: Some(server.app.clock.now().plus_secs(60)), ..Trail::default() };
        assert_eq!(read(later, None, 10).await.entries.len(), 0);
        let other = server.another_environment().await;
        let other = server.app.environments().all().find(|known| known.environment.name == other.name).unwrap().id();
        let there = list(&server.app.store, &server.app.keyring.audit_log, other, &Trail::default(), None, 100).await.unwrap();
        assert!(there.entries.iter().all(|entry| entry.event.action != "organization.created"), "{there:?}");
    }
}
