//! Connect: clients that register themselves, OAuth resources, and the company's own login.

use crate::harness::{TestServer, on_both_databases};
use countersign_protocol::model::StaffRole;
use serde_json::json;

const PAGE: &str = "/dashboard/env/default/connect";
const CLIENT: &str = "https://client.example/oauth/metadata.json";

fn at(path: &str) -> String {
    format!("{PAGE}/{path}")
}

async fn discovery(server: &TestServer) -> serde_json::Value {
    server.anonymous().get("/.well-known/oauth-authorization-server").await.expect(200).json()
}

on_both_databases! {
    async fn clients_may_register_themselves_once_it_is_switched_on_and_not_before_or_after(server: TestServer) {
        let register = async || {
            let body = json!({"client_name": "X", "redirect_uris": ["http://127.0.0.1/cb"], "token_endpoint_auth_method": "none"});
            server.anonymous().post("/oauth2/register", body).await.status
        };
        let mut developer = server.staff(StaffRole::Developer).await;
        let off = register().await;
        assert!(off >= 400, "{off}");
        let page = developer.open(PAGE).await;
        assert_eq!(page.form(&at("clients")).fields["documents"], "off");
        let page = developer.submit(&page, &at("clients"), &[("dynamic", "yes"), ("documents", "any")]).await;
        assert!(page.html.contains("Saved."), "{}", page.html);
        assert_eq!(register().await, 201);
        assert_eq!(discovery(&server).await["client_id_metadata_document_supported"], true);
        let mut form = page.form(&at("clients"));
        assert_eq!(form.fields.remove("dynamic").as_deref(), Some("yes"));
        form.fields.insert("documents".to_owned(), "off".to_owned());
        developer.post(&form.action, &form.fields).await;
        assert_eq!(register().await, off);
        assert_eq!(discovery(&server).await["client_id_metadata_document_supported"], serde_json::Value::Null);
    }

    async fn a_policy_that_cannot_be_is_refused_and_what_was_typed_stays(server: TestServer) {
        let mut developer = server.staff(StaffRole::Developer).await;
        let page = developer.open(PAGE).await;
        for hosts in ["", "https://client.example", "*.com/x"] {
            let answer = developer.submit(&page, &at("clients"), &[("documents", "listed"), ("hosts", hosts)]).await;
            assert_eq!(answer.status, 422, "{hosts}");
            let kept = answer.form(&at("clients")).fields;
            assert_eq!((kept["documents"].as_str(), kept["hosts"].as_str()), ("listed", hosts));
        }
        assert_eq!(developer.submit(&page, &at("clients"), &[("documents", "everything")]).await.status, 400);
        let page = developer.submit(&page, &at("clients"), &[("documents", "listed"), ("hosts", "claude.ai\r\n*.example.com")]).await;
        assert_eq!(page.form(&at("clients")).fields["hosts"], "claude.ai\n*.example.com");
        assert_eq!(discovery(&server).await["client_id_metadata_document_supported"], true);
    }

    async fn what_somebody_else_has_changed_is_not_saved_over(server: TestServer) {
        let mut developer = server.staff(StaffRole::Developer).await;
        let stale = developer.open(PAGE).await;
        let narrowed = developer.submit(&stale, &at("clients"), &[("documents", "listed"), ("hosts", "claude.ai")]).await;
        assert!(narrowed.html.contains("Saved."), "{}", narrowed.html);
        let refused = developer.submit(&stale, &at("clients"), &[("documents", "any")]).await;
        assert!(refused.status == 409 && refused.html.contains("Somebody else has changed this"), "{}", refused.html);
        let login = [("login_uri", "https://app.example.com/login")];
        assert!(developer.submit(&refused, &at("login"), &login).await.html.contains("Saved."), "another form of the page");
        assert_eq!(developer.submit(&stale, &at("login"), &[("login_uri", "https://old.example.com/login")]).await.status, 409);
        let kept = developer.open(PAGE).await;
        assert_eq!(kept.form(&at("clients")).fields["hosts"], "claude.ai");
        assert_eq!(kept.form(&at("login")).fields["login_uri"], login[0].1);
    }

    async fn a_document_is_decided_about_by_its_url(server: TestServer) {
        let mut developer = server.staff(StaffRole::Developer).await;
        let page = developer.open(PAGE).await;
        let page = developer.submit(&page, &at("documents/allow"), &[("url", CLIENT)]).await;
        assert!(page.html.contains("Allowed</span>") && page.html.contains("client.example"), "{}", page.html);
        let page = developer.submit(&page, &at("documents/refuse"), &[]).await;
        assert!(page.html.contains("Refused</span>") && !page.html.contains("Allowed</span>"), "{}", page.html);
        for wrong in ["http://client.example/x", "https://client.example/", "nonsense", "\"><script>alert(1)</script>"] {
            let form = page.forms().into_iter().rev().find(|form| form.action == at("documents/allow")).unwrap();
            let mut fields = form.fields;
            fields.insert("url".to_owned(), wrong.to_owned());
            let answer = developer.post(&form.action, &fields).await;
            assert_eq!(answer.status, 422, "{wrong}");
            assert!(!answer.html.contains("<script>alert"), "{}", answer.html);
        }
    }

    async fn a_client_that_waits_is_seen_and_let_in(server: TestServer) {
        server.person("ada@example.com").await;
        let mut developer = server.staff(StaffRole::Developer).await;
        let page = developer.open(PAGE).await;
        developer.submit(&page, &at("clients"), &[("documents", "ask")]).await;
        let ask = format!(
            "/oauth2/authorize?response_type=code&client_id={}&redirect_uri=http%3A%2F%2F127.0.0.1%2Fcb&code_challenge={}&code_challenge_method=S256",
            CLIENT.replace(':', "%3A").replace('/', "%2F"), "a".repeat(43)
        );
        let mut person = crate::harness::Browser::new(&server);
        assert_eq!(person.open(&ask).await.status, 403);
        let page = developer.open(PAGE).await;
        assert!(page.html.contains("Waiting for you") && page.html.contains(CLIENT), "{}", page.html);
        let page = developer.submit(&page, &at("documents/allow"), &[]).await;
        assert!(page.html.contains("Allowed</span>") && !page.html.contains("Waiting for you"), "{}", page.html);
    }

    async fn resources_come_and_go_and_one_may_be_the_default(server: TestServer) {
        let mut developer = server.staff(StaffRole::Developer).await;
        let mut page = developer.open(PAGE).await;
        for uri in ["https://mcp.example.com/mcp", "https://api.example.com"] {
            page = developer.submit(&page, &at("resources"), &[("uri", uri)]).await;
            assert!(page.html.contains("Created."), "{}", page.html);
        }
        let listed = async || server.management().get("/user_management/authkit_oauth_resources").await.expect_list();
        let default = async || listed().await.into_iter().filter(|known| known["default"] == true).map(|known| known["uri"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
        let of = listed().await.into_iter().find(|known| known["uri"] == "https://mcp.example.com/mcp").unwrap()["id"].as_str().unwrap().to_owned();
        assert!(default().await.is_empty());
        let page = developer.submit(&page, &at("resources/default"), &[("id", &of)]).await;
        assert_eq!(default().await, ["https://mcp.example.com/mcp"]);
        // The snippets refer to it.
        assert!(page.html.contains("https://mcp.example.com/.well-known/oauth-protected-resource/mcp"), "{}", page.html);
        let csrf = page.form(&at("resources")).fields["csrf"].clone();
        developer.post(&at("resources/default"), &[("csrf".to_owned(), csrf.clone())].into()).await;
        assert!(default().await.is_empty());
        for wrong in ["mcp", "https://mcp.example.com/#x", "https://mcp.example.com/mcp"] {
            let answer = developer.submit(&page, &at("resources"), &[("uri", wrong)]).await;
            assert_eq!(answer.status, 422, "{wrong}");
            assert_eq!(answer.form(&at("resources")).fields["uri"], wrong);
        }
        developer.post(&at("resources/delete"), &[("csrf".to_owned(), csrf), ("id".to_owned(), of)].into()).await;
        assert_eq!(listed().await.len(), 1);
    }

    async fn people_sign_in_at_the_companys_login_once_it_is_said_here(server: TestServer) {
        let application = server.application("first", true, &[]).await;
        let mut developer = server.staff(StaffRole::Developer).await;
        let page = developer.open(PAGE).await;
        let saved = developer.submit(&page, &at("login"), &[("login_uri", "https://app.example.com/login"), ("subject", "user_id")]).await;
        assert!(saved.html.contains("Saved."), "{}", saved.html);
        assert_eq!(saved.form(&at("login")).fields["subject"], "user_id");
        let mut person = crate::harness::Browser::new(&server);
        let away = person.open(&application.authorize("")).await;
        assert!(away.left_to.as_deref().is_some_and(|to| to.starts_with("https://app.example.com/login?external_auth_id=")), "{away:?}");
        // One application uses a different login.
        let found = server.management().get("/connect/applications").await.expect_list().remove(0);
        let href = format!("/dashboard/env/default/applications/{}", found["id"].as_str().unwrap());
        let page = developer.open(&href).await;
        let page = developer.submit(&page, &href, &[("login_uri", "https://other.example.com/login")]).await;
        assert!(page.html.contains("Saved."), "{}", page.html);
        let away = crate::harness::Browser::new(&server).open(&application.authorize("")).await;
        assert!(away.left_to.as_deref().is_some_and(|to| to.starts_with("https://other.example.com/login?")), "{away:?}");
        let refused = developer.submit(&page, &href, &[("login_uri", "javascript:alert(1)")]).await;
        assert_eq!(refused.status, 422, "{}", refused.html);
        for wrong in ["http://app.example.com/login", "javascript:alert(1)", "https://app.example.com/login#x"] {
            let answer = developer.submit(&saved, &at("login"), &[("login_uri", wrong)]).await;
            assert_eq!(answer.status, 422, "{wrong}");
            assert_eq!(answer.form(&at("login")).fields["login_uri"], wrong);
        }
        let cleared = developer.submit(&saved, &at("login"), &[("login_uri", "")]).await;
        assert!(cleared.html.contains("Saved."));
    }

    async fn threat_34_another_environments_resource_is_not_there_and_decisions_are_one_environments(server: TestServer) {
        let another = server.another_environment().await;
        let body = json!({"uri": "https://theirs.example.com/mcp"});
        let id = another.management.post("/user_management/authkit_oauth_resources", body).await.expect(201).text_at("id");
        let mut owner = server.staff(StaffRole::Owner).await;
        let page = owner.open(PAGE).await;
        assert!(!page.html.contains("theirs.example.com"));
        let csrf = page.form(&at("resources")).fields["csrf"].clone();
        for path in ["resources/delete", "resources/default"] {
            let fields = [("csrf".to_owned(), csrf.clone()), ("id".to_owned(), id.clone())].into();
            assert_eq!(owner.post(&at(path), &fields).await.status, 404, "{path}");
        }
        owner.submit(&page, &at("documents/allow"), &[("url", CLIENT)]).await;
        let theirs = owner.open(&format!("/dashboard/env/{}/connect", another.name)).await;
        assert!(theirs.html.contains("theirs.example.com/mcp") && !theirs.html.contains(CLIENT), "{}", theirs.html);
    }
}
