//! The JWT template: what comes of it is seen before it is saved.

use crate::harness::{TestServer, on_both_databases};
use countersign_protocol::model::StaffRole;

const PAGE: &str = "/dashboard/env/default/connect/claims";
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
        assert!(nobody.html.contains("nobody with this address"), "{}", nobody.html);
        let page = developer.post(PAGE, &fields).await;
        assert!(page.html.contains("Saved."), "{}", page.html);
        assert_eq!(saved(&server).await, 200);
        assert!(page.form(PAGE).fields["content"].contains("organization.name"));
        // Emptied, there is none any more; and once more is no mistake.
        fields.insert("content".into(), " \r\n".into());
        for _ in 0..2 {
            let page = developer.post(PAGE, &fields).await;
            assert!(page.html.contains("Removed") && page.html.contains("No template"), "{}", page.html);
            assert_eq!(saved(&server).await, 404);
        }
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
