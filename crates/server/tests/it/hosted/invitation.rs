//! From an invitation email to a membership.

use crate::harness::{Browser, PASSWORD, TestServer, on_both_databases};
use serde_json::json;

async fn invite(server: &TestServer, email: &str) -> (String, String) {
    let management = server.management();
    let organization = management.organization("Acme").await;
    let body = json!({"email": email, "organization_id": organization});
    management.post("/user_management/invitations", body).await.expect(201);
    let mail = server.mails(email).await.remove(0);
    let link = mail.text.split_whitespace().find(|word| word.contains("/invite?invitation_token=")).unwrap().to_owned();
    assert!(mail.text.contains("Acme") && link.starts_with(&server.base_url), "{}", mail.text);
    (organization, link[server.base_url.len()..].to_owned())
}

async fn members(server: &TestServer, organization: &str) -> Vec<String> {
    let path = format!("/user_management/organization_memberships?organization_id={organization}");
    let listed = server.management().get(&path).await.expect(200).json();
    listed["data"].as_array().unwrap().iter().map(|one| one["user"]["email"].as_str().unwrap().to_owned()).collect()
}

on_both_databases! {
    async fn somebody_new_signs_up_on_the_way(server: TestServer) {
        let (organization, link) = invite(&server, "grace@example.com").await;
        let mut browser = Browser::new(&server);
        let page = browser.open(&link).await;
        assert!(page.html.contains("Acme") && page.html.contains("grace@example.com"));
        assert!(members(&server, &organization).await.is_empty(), "opening the link accepts nothing");
        let page = browser.submit(&page, "/invite", &[("decision", "accept")]).await;
        let typed = [("first_name", "Grace"), ("last_name", "Hopper"), ("password", PASSWORD)];
        assert_eq!(page.form("/sign-up").fields["email"], "grace@example.com");
        let page = browser.submit(&page, "/sign-up", &typed).await;
        let code = server.mailed_code("grace@example.com").await;
        let page = browser.submit(&page, "/sign-in/code", &[("code", &code)]).await;
        assert_eq!(page.path, "/account");
        assert_eq!(members(&server, &organization).await, ["grace@example.com"]);
        assert_eq!(browser.open(&link).await.status, 400, "a link works once");
    }

    async fn an_invitation_is_for_the_invited_alone(server: TestServer) {
        let (organization, link) = invite(&server, "ada@gmail.com").await;
        server.person("mallory@gmail.com").await;
        server.person("ada@gmail.com").await;
        let mut browser = Browser::new(&server);
        let page = browser.open(&link).await;
        let page = browser.submit(&page, "/invite", &[("decision", "accept")]).await;
        let page = server.sign_in(&mut browser, &page, "mallory@gmail.com").await;
        assert_eq!(page.status, 403, "the same mail service is not the same person");
        // There is a way on, since the invited person may be using the same browser.
        assert!(page.html.contains("for somebody else"), "{}", page.html);
        assert!(!page.html.contains("ada@gmail.com"), "whom it is for is not told: {}", page.html);
        assert!(members(&server, &organization).await.is_empty());
        let another = page.link_to("/use-another-account?");
        let page = browser.open(&another).await;
        let page = server.sign_in(&mut browser, &page, "ada@gmail.com").await;
        assert_eq!(page.path, "/account");
        assert_eq!(members(&server, &organization).await, ["ada@gmail.com"]);
    }
}
