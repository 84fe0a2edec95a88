//! Applications and their credentials, as staff create and revoke them.

use crate::harness::{TestServer, on_both_databases};
use countersign_protocol::model::StaffRole;
use serde_json::json;

const NEW: &str = "/dashboard/env/default/applications/new";

/// Returns the text between two others.
#[track_caller]
fn between<'t>(text: &'t str, before: &str, after: &str) -> &'t str {
    let (_, rest) = text.split_once(before).unwrap_or_else(|| panic!("no {before} in {text}"));
    rest.split(after).next().unwrap()
}

on_both_databases! {
    async fn a_machine_made_here_gets_tokens_until_its_secret_is_deleted(server: TestServer) {
        let organization = server.management().organization("Northwind").await;
        server.management().permission("reports:read").await;
        let mut developer = server.staff(StaffRole::Developer).await;
        let page = developer.open(NEW).await;
        let typed = [("name", "Nightly export"), ("kind", "machine"), ("organization_id", organization.as_str()), ("scope_reports:read", "yes")];
        let page = developer.submit(&page, NEW, &typed).await;
        assert_eq!(page.status, 201, "{}", page.html);
        assert!(page.html.contains("it is not shown again") && page.html.contains("Northwind"));
        let client_id = between(&page.html, "<dt>Client ID</dt><dd><span class=\"copyable\"><code>", "<").to_owned();
        let secret = between(&page.html, "is not shown again.</strong></p><p><span class=\"copyable\"><code>", "<").to_owned();
        let anyone = server.anonymous();
        let token = anyone.token(&client_id, &secret).await.expect(200).text_at("access_token");
        assert_eq!(anyone.introspect(&client_id, &secret, &token).await["active"], true);
        // The snippets contain the real values, including the secret while it is shown.
        assert!(page.html.contains(&format!("client_secret={secret}")), "{}", page.html);
        let href = between(&page.html, "<form method=\"post\" action=\"", "/secrets").to_owned();
        let page = developer.open(&href).await;
        assert!(!page.html.contains(&secret), "shown once");
        // A second secret, so that the first can be deleted without an interruption.
        let page = developer.submit(&page, &format!("{href}/secrets"), &[]).await;
        assert_eq!(page.status, 201);
        let second = between(&page.html, "is not shown again.</strong></p><p><span class=\"copyable\"><code>", "<").to_owned();
        let page = developer.open(&href).await;
        // The newest is listed first.
        let forms: Vec<_> = page.forms().into_iter().filter(|form| form.action.ends_with("/secrets/delete")).collect();
        assert_eq!(forms.len(), 2);
        let page = developer.post(&forms[1].action, &forms[1].fields).await;
        assert!(page.html.contains("It no longer works, on any node"), "{}", page.html);
        anyone.token(&client_id, &secret).await.expect(401);
        assert_eq!(anyone.introspect(&client_id, &second, &token).await["active"], false);
        anyone.token(&client_id, &second).await.expect(200);
    }

    async fn what_is_wrong_is_said_and_what_was_typed_stays(server: TestServer) {
        let mut developer = server.staff(StaffRole::Developer).await;
        let page = developer.open(NEW).await;
        let name = ("name", "<b>Mine</b> & yours");
        for (typed, told) in [
            (vec![("name", ""), ("kind", "server"), ("trust", "first")], "Name is required."),
            (vec![name, ("kind", "machine")], "Choose the organization"),
            (vec![name, ("kind", "server"), ("trust", "third")], "Choose the organization"),
            (vec![name, ("kind", "machine"), ("organization_id", "org_nope")], "org_nope"),
            (vec![name, ("kind", "machine"), ("organization_id", "<b>Nobody")], "No organization is called"),
            (vec![name, ("kind", "nonsense"), ("trust", "first")], "Choose what the application is"),
            (vec![name, ("kind", "server"), ("trust", "first"), ("redirect_uris", "not a uri")], "redirect"),
        ] {
            let answer = developer.submit(&page, NEW, &typed).await;
            assert_eq!(answer.status, 422, "{typed:?}");
            assert!(answer.html.contains(told), "{told}: {}", answer.html);
            assert!(!answer.html.contains("<b>Mine</b>"));
            if typed[0] == name {
                assert_eq!(answer.form(NEW).fields["name"], name.1);
            }
        }
        assert!(server.management().get("/connect/applications").await.expect_list().is_empty());
    }

    async fn an_organization_is_chosen_by_its_name_where_one_alone_has_it(server: TestServer) {
        let management = server.management();
        let acme = management.organization("Acme").await;
        management.organization("Acme Labs").await;
        let another = server.another_environment().await;
        another.management.organization("Elsewhere").await;
        let mut developer = server.staff(StaffRole::Developer).await;
        let page = developer.open(NEW).await;
        let make = |organization| [("name", "Export"), ("kind", "machine"), ("organization_id", organization)];
        let refused = developer.submit(&page, NEW, &make("Elsewhere")).await;
        assert!(refused.status == 422 && refused.html.contains("No organization is called"), "{}", refused.html);
        let made = developer.submit(&page, NEW, &make(" acme ")).await;
        assert_eq!(made.status, 201, "{}", made.html);
        let found = management.get("/connect/applications").await.expect_list().remove(0);
        assert_eq!(found["organization_id"], serde_json::Value::from(acme));
        management.organization("ACME").await;
        let refused = developer.submit(&page, NEW, &make("Acme")).await;
        assert!(refused.status == 422 && refused.html.contains("More than one organization"), "{}", refused.html);
        assert_eq!(refused.form(NEW).fields["organization_id"], "Acme");
    }

    async fn settings_are_saved_and_the_first_redirect_uri_is_the_default(server: TestServer) {
        let mut developer = server.staff(StaffRole::Developer).await;
        let page = developer.open(NEW).await;
        let typed = [("name", "Forum"), ("kind", "public"), ("trust", "first"), ("redirect_uris", "http://localhost:9/a\r\n\r\n http://localhost:9/b ")];
        let page = developer.submit(&page, NEW, &typed).await;
        assert_eq!(page.status, 201, "{}", page.html);
        assert!(!page.html.contains("New secret"), "a public client keeps none");
        let found = server.management().get("/connect/applications").await.expect_list().remove(0);
        let href = format!("/dashboard/env/default/applications/{}", found["id"].as_str().unwrap());
        let page = developer.open(&href).await;
        assert_eq!(page.form(&href).fields["redirect_uris"], "http://localhost:9/a\nhttp://localhost:9/b");
        let changed = [("name", "The forum"), ("redirect_uris", "http://localhost:9/b\nhttp://localhost:9/a"), ("cors_origins", "http://localhost:9")];
        let saved = developer.submit(&page, &href, &changed).await;
        assert!(saved.html.contains("Saved."), "{}", saved.html);
        let found = server.management().get("/connect/applications").await.expect_list().remove(0);
        assert_eq!(found["name"], "The forum");
        assert_eq!(found["redirect_uris"][0]["uri"], "http://localhost:9/b");
        assert_eq!(found["redirect_uris"][0]["default"], true);
        for wrong in [("redirect_uris", "javascript:alert(1)"), ("name", ""), ("login_uri", "nonsense <b>")] {
            let refused = developer.submit(&saved, &href, &[("description", "Mine & yours"), ("cors_origins", ""), wrong]).await;
            assert_eq!(refused.status, 422, "{wrong:?}: {}", refused.html);
            let kept = refused.form(&href).fields;
            assert_eq!((kept[wrong.0].as_str(), kept["description"].as_str(), kept["cors_origins"].as_str()), (wrong.1, "Mine & yours", ""));
            assert!(refused.html.contains("<h1>The forum</h1>"), "{}", refused.html);
        }
        let gone = developer.submit(&saved, &format!("{href}/delete"), &[]).await;
        assert!(gone.html.contains("Deleted."), "{}", gone.html);
        assert_eq!(developer.open(&href).await.status, 404);
    }

    async fn what_the_api_refuses_is_refused_here_and_what_somebody_else_changed_stays(server: TestServer) {
        let mut developer = server.staff(StaffRole::Developer).await;
        let (page, management) = (developer.open(NEW).await, server.management());
        let long = "x".repeat(1001);
        for wrong in [("description", long.as_str()), ("name", "two\u{7}bells")] {
            let typed = [("name", "Forum"), ("kind", "public"), ("trust", "first"), wrong];
            assert_eq!(developer.submit(&page, NEW, &typed).await.status, 422, "{wrong:?}");
        }
        developer.submit(&page, NEW, &[("name", "Forum"), ("kind", "public"), ("trust", "first")]).await;
        let id = management.get("/connect/applications").await.expect_list().remove(0)["id"].as_str().unwrap().to_owned();
        let (href, api) = (format!("/dashboard/env/default/applications/{id}"), format!("/connect/applications/{id}"));
        let stale = developer.open(&href).await;
        assert_eq!(developer.submit(&stale, &href, &[("description", &long)]).await.status, 422);
        management.put(&api, json!({"redirect_uris": [{"uri": "http://localhost:9/theirs", "default": true}]})).await.expect(200);
        let refused = developer.submit(&stale, &href, &[("name", "Mine")]).await;
        assert!(refused.status == 409 && refused.html.contains("Somebody else has changed this"), "{} {}", refused.status, refused.html);
        assert_eq!(refused.form(&href).fields["name"], "Mine");
        let now = management.get(&api).await.json();
        assert_eq!((&now["name"], &now["redirect_uris"][0]["uri"]), (&json!("Forum"), &json!("http://localhost:9/theirs")));
    }

    async fn its_sign_in_can_be_looked_at(server: TestServer) {
        server.management().organization("Summit").await;
        let mut developer = server.staff(StaffRole::Developer).await;
        let organization = server.management().get("/organizations").await.expect_list()[0]["id"].as_str().unwrap().to_owned();
        for kind in ["server", "public"] {
            let page = developer.open(NEW).await;
            let typed = [("name", "Reports"), ("kind", kind), ("trust", "third"), ("organization_id", &organization), ("redirect_uris", "http://localhost:9/a")];
            let page = developer.submit(&page, NEW, &typed).await;
            let link = between(&page.html, "<a href=\"http", "\"").replace("&amp;", "&").replace("&#38;", "&");
            let path = server.path_of(&format!("http{link}"));
            let page = developer.open(&path).await;
            assert_eq!(page.status, 200, "{path}: {}", page.html);
            assert_eq!(page.form("/sign-in").fields["email"], "");
            assert!(page.html.contains("Reports"));
        }
    }

    async fn threat_34_an_application_of_another_environment_is_not_there(server: TestServer) {
        let another = server.another_environment().await;
        let organization = another.management.organization("Theirs").await;
        let theirs = another.management.machine(&organization, &[]).await["id"].as_str().unwrap().to_owned();
        let (secret, _) = another.management.secret(&theirs).await;
        let own = server.management().organization("Ours").await;
        let ours = server.management().machine(&own, &[]).await["id"].as_str().unwrap().to_owned();
        let mut owner = server.staff(StaffRole::Owner).await;
        let right = format!("/dashboard/env/{}/applications/{theirs}", another.name);
        let page = owner.open(&right).await;
        assert_eq!(page.status, 200);
        let fields = page.form(&format!("{right}/delete")).fields;
        let wrong = format!("/dashboard/env/default/applications/{theirs}");
        assert_eq!(owner.open(&wrong).await.status, 404);
        for path in ["", "/delete", "/secrets", "/secrets/delete"] {
            assert_eq!(owner.post(&format!("{wrong}{path}"), &fields).await.status, 404, "{path}");
        }
        // Nor can the credential of another application be deleted.
        let mut fields = fields;
        fields.insert("secret_id".to_owned(), secret);
        assert_eq!(owner.post(&format!("/dashboard/env/default/applications/{ours}/secrets/delete"), &fields).await.status, 404);
        assert_eq!(owner.open(&right).await.html.matches("/secrets/delete").count(), 1, "it is still there");
    }
}
