//! The JWT template: its result is shown before it is saved.

use crate::harness::{TestServer, on_both_databases};
use crate::hosted::authorization_code::claims;
use countersign::domain::audit_log::{Trail, list};
use countersign_protocol::model::StaffRole;
use serde_json::{Value, json};

const PAGE: &str = "/dashboard/env/default/connect/claims";
const REMOVE: &str = "/dashboard/env/default/connect/claims/remove";
const PREVIEW: &str = "/dashboard/env/default/connect/claims/preview";

async fn saved(server: &TestServer) -> u16 {
    server.management().get("/user_management/jwt_template").await.status
}

on_both_databases! {
    async fn what_comes_of_a_template_is_seen_before_it_is_saved(server: TestServer) {
        let user = server.management().user("grace@example.com").await;
        let organization = server.management().organization("<i>Navy</i>").await;
        server.management().member(&user, &organization).await;
        let mut developer = server.staff(StaffRole::Developer).await;
        let page = developer.open(PAGE).await;
        assert!(page.html.contains("No template"), "{}", page.html);
        let mut fields = page.form(PAGE).fields;
        fields.insert("content".into(), "{\"mail\": \"{{ user.email }}\", \"of\": \"{{ organization.name }}\"}".into());
        let example = developer.post(PREVIEW, &fields).await;
        assert_eq!(example.status, 200, "{}", example.html);
        assert!(example.html.contains("ada@example.com") && example.html.contains("Northwind Traders"));
        fields.insert("email".into(), "GRACE@example.com".into());
        let shown = developer.post(PREVIEW, &fields).await;
        assert!(shown.html.contains("grace@example.com") && shown.html.contains("Navy") && !shown.html.contains("<i>Navy"), "{}", shown.html);
        assert_eq!(saved(&server).await, 404, "a preview keeps nothing");
        fields.insert("email".into(), "nobody@example.com".into());
        let nobody = developer.post(PREVIEW, &fields).await;
        assert_eq!(nobody.status, 422);
        assert!(nobody.html.contains("No user has this address"), "{}", nobody.html);
        let page = developer.post(PAGE, &fields).await;
        assert!(page.html.contains("Saved."), "{}", page.html);
        assert_eq!(saved(&server).await, 200);
        assert!(page.form(PAGE).fields["content"].contains("organization.name"));
        // An empty template is removed; repeating that is not an error.
        fields.insert("content".into(), " \r\n".into());
        let mut page = page;
        for _ in 0..2 {
            fields.insert("seen".into(), page.form(PAGE).fields["seen"].clone());
            page = developer.post(PAGE, &fields).await;
            assert!(page.html.contains("Removed") && page.html.contains("No template"), "{}", page.html);
            assert_eq!(saved(&server).await, 404);
        }
    }

    async fn a_template_is_removed_and_tokens_are_without_it(server: TestServer) {
        server.person("ada@example.com").await;
        let management = server.management();
        let mail = async || claims(&server.with_password("ada@example.com").await.expect(200).text_at("access_token"))["mail"].clone();
        let body = json!({"content": "{\"mail\": \"{{ user.email }}\"}"});
        management.put("/user_management/jwt_template", body).await.expect(200);
        assert_eq!(mail().await, "ada@example.com");
        let mut reader = server.staff(StaffRole::ReadOnly).await;
        let page = reader.open(PAGE).await;
        assert!(page.forms().iter().all(|form| form.action != REMOVE), "{}", page.html);
        assert_eq!(reader.post(REMOVE, &page.form(PAGE).fields).await.status, 403);
        assert_eq!(saved(&server).await, 200);
        let mut developer = server.staff(StaffRole::Developer).await;
        let page = developer.open(PAGE).await;
        let removed = developer.submit(&page, REMOVE, &[]).await;
        assert!(removed.html.contains("Deleted.") && removed.html.contains("No template"), "{}", removed.html);
        assert!(removed.forms().iter().all(|form| form.action != REMOVE), "nothing is left to remove");
        assert_eq!(saved(&server).await, 404);
        assert_eq!(mail().await, Value::Null);
        // Twice, as from a page that was left open: no error, and nothing is done.
        assert_eq!(developer.submit(&page, REMOVE, &[]).await.status, 200);
        let (store, key) = (&server.app.store, &server.app.keyring.audit_log);
        let log = list(store, key, server.environment_id(), &Trail::default(), None, 100).await.unwrap();
        let removals = log.entries.iter().filter(|entry| entry.event.action == "jwt_template.deleted").count();
        assert_eq!(removals, 1, "{:?}", log.entries);
    }

    async fn what_is_wrong_is_told_with_its_place_and_nothing_is_saved(server: TestServer) {
        let mut developer = server.staff(StaffRole::Developer).await;
        let page = developer.open(PAGE).await;
        for (content, told) in [("{\n  \"a\": }", "line 2"), ("{\"sub\": \"x\"}", "sub"), ("{}", ""), ("</textarea><script>alert(1)</script>", "line 1")] {
            for path in [PAGE, PREVIEW] {
                let mut fields = page.form(PAGE).fields;
                fields.insert("content".into(), content.into());
                let answer = developer.post(path, &fields).await;
                assert_eq!(answer.status, 422, "{content} {path}");
                assert!(answer.html.contains("aria-invalid=\"true\"") && answer.html.contains(told), "{}", answer.html);
                assert!(!answer.html.contains("<script>alert"));
                assert_eq!(answer.form(PAGE).fields["content"], content);
            }
        }
        assert_eq!(saved(&server).await, 404);
    }

    async fn what_somebody_else_has_changed_is_not_saved_over(server: TestServer) {
        let mut developer = server.staff(StaffRole::Developer).await;
        let stale = developer.open(PAGE).await;
        let theirs = json!({"content": "{\"theirs\": 1}"});
        server.management().put("/user_management/jwt_template", theirs).await.expect(200);
        // Previewing in between does not make it current.
        let mine = [("content", "{\"mine\": 1}")];
        let tried = developer.submit(&stale, PAGE, &mine).await;
        assert!(tried.status == 409 && tried.html.contains("Somebody else has changed this"), "{}", tried.html);
        let mut fields = stale.form(PAGE).fields;
        fields.insert("content".into(), mine[0].1.into());
        let tried = developer.post(PREVIEW, &fields).await;
        let refused = developer.submit(&tried, PAGE, &[]).await;
        assert_eq!((refused.status, refused.form(PAGE).fields["content"].as_str()), (409, mine[0].1));
        let kept = server.management().get("/user_management/jwt_template").await.expect(200).json();
        assert_eq!(kept["content"], "{\"theirs\": 1}");
        assert!(developer.submit(&refused, PAGE, &[]).await.html.contains("Saved."));
    }

    async fn threat_34_a_template_and_people_are_one_environments(server: TestServer) {
        let another = server.another_environment().await;
        another.management.user("theirs@example.com").await;
        let mut owner = server.staff(StaffRole::Owner).await;
        let mut fields = owner.open(PAGE).await.form(PAGE).fields;
        fields.insert("email".into(), "theirs@example.com".into());
        assert_eq!(owner.post(PREVIEW, &fields).await.status, 422);
        fields.remove("email");
        owner.post(PAGE, &fields).await;
        assert_eq!(another.management.get("/user_management/jwt_template").await.status, 404);
    }
}
