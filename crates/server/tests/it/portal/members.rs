//! Members of the organization who enter the portal by signing in.

use crate::harness::{Browser, TestServer, on_both_databases};
use serde_json::json;

const ADA: &str = "ada@example.com";

on_both_databases! {
    async fn a_member_with_the_permission_signs_in_and_is_there(server: TestServer) {
        server.open_portal_to_members().await;
        let organization = server.management().organization("Acme").await;
        let ada = server.person(ADA).await;
        server.member(ada, &organization).await;
        let mut browser = Browser::new(&server);
        let page = browser.open("/portal").await;
        assert!(page.path.starts_with("/sign-in"), "{}", page.path);
        let page = server.sign_in(&mut browser, &page, ADA).await;
        assert_eq!((page.status, page.path.as_str()), (200, "/portal/machines"), "{}", page.html);
        assert!(page.html.contains("Acme") && page.html.contains(ADA), "{}", page.html);
        // Leaving the portal does not sign out.
        let page = browser.submit(&page, "/portal/leave", &[]).await;
        assert!(page.html.contains("You have left"), "{}", page.html);
        assert_eq!(browser.open("/portal").await.path, "/portal/machines");
    }

    async fn who_has_no_role_for_it_sees_nothing(server: TestServer) {
        let management = server.management();
        management.permission("reports:read").await;
        management.post("/authorization/roles/member/permissions", json!({"slug": "reports:read"})).await.expect(200);
        let organization = management.organization("Acme").await;
        let ada = server.person(ADA).await;
        server.member(ada, &organization).await;
        let mut browser = Browser::new(&server);
        let page = browser.open("/portal").await;
        let page = server.sign_in(&mut browser, &page, ADA).await;
        assert_eq!(page.status, 403);
        assert!(page.html.contains("You do not have access to this") && !page.html.contains("Acme"), "{}", page.html);
        assert_eq!(browser.open("/portal/machines").await.status, 403);
    }

    async fn threat_46_who_leaves_or_loses_the_role_is_out_at_once(server: TestServer) {
        server.open_portal_to_members().await;
        let management = server.management();
        let organization = management.organization("Acme").await;
        let ada = server.person(ADA).await;
        let membership = server.member(ada, &organization).await;
        let mut browser = Browser::new(&server);
        let page = browser.open("/portal").await;
        server.sign_in(&mut browser, &page, ADA).await;
        assert_eq!(browser.open("/portal/domains").await.status, 200);
        // One permission is removed, then all, then one is granted again.
        management.delete("/authorization/roles/member/permissions/widgets:domain-verification:manage").await.expect(200);
        assert_eq!(browser.open("/portal/domains").await.status, 403);
        let page = browser.open("/portal/machines").await;
        assert!(page.status == 200 && !page.html.contains("/portal/domains"), "{}", page.html);
        management.delete("/authorization/roles/member/permissions/widgets:api-keys:manage").await.expect(200);
        assert_eq!(browser.open("/portal/machines").await.status, 403);
        management.post("/authorization/roles/member/permissions", json!({"slug": "widgets:api-keys:manage"})).await.expect(200);
        assert_eq!(browser.open("/portal/machines").await.status, 200);
        let path = format!("/user_management/organization_memberships/{}", membership.id);
        management.put(&format!("{path}/deactivate"), json!({})).await.expect(200);
        let page = browser.open("/portal/machines").await;
        assert!(page.status == 403 && !page.html.contains("Acme"), "{} {}", page.status, page.html);
        management.put(&format!("{path}/reactivate"), json!({})).await.expect(200);
        management.delete(&path).await.expect(200);
        assert_ne!(browser.open("/portal/machines").await.status, 200);
    }

    async fn with_several_organizations_one_is_chosen_and_no_other_can_be(server: TestServer) {
        server.open_portal_to_members().await;
        let management = server.management();
        let (acme, bravo, theirs) =
            (management.organization("Acme").await, management.organization("Bravo").await, management.organization("Theirs").await);
        let ada = server.person(ADA).await;
        server.member(ada, &acme).await;
        server.member(ada, &bravo).await;
        let mut browser = Browser::new(&server);
        let page = browser.open("/portal").await;
        let page = server.sign_in(&mut browser, &page, ADA).await;
        assert!(page.html.contains("Acme") && page.html.contains("Bravo") && !page.html.contains("Theirs"), "{}", page.html);
        let chosen = browser.submit(&page, "/portal/organization", &[("organization_id", &bravo)]).await;
        assert_eq!(chosen.path, "/portal/machines");
        assert!(chosen.html.contains("Bravo") && !chosen.html.contains("Acme"), "{}", chosen.html);
        // Another organization cannot be chosen by naming it: the page asks again.
        let form = page.form("/portal/organization");
        for wrong in [theirs.as_str(), "org_01EHZNVPK3SFK441A1RGBFSHRT"] {
            let mut fields = form.fields.clone();
            fields.insert("organization_id".to_owned(), wrong.to_owned());
            let answer = browser.post("/portal/organization", &fields).await;
            assert!(answer.html.contains("Choose an organization") && !answer.html.contains("Theirs"), "{}", answer.html);
        }
        let mut fields = form.fields.clone();
        fields.insert("organization_id".to_owned(), "nonsense".to_owned());
        assert_eq!(browser.post("/portal/organization", &fields).await.status, 400);
    }

    async fn a_form_does_nothing_to_another_organization_than_that_of_its_page(server: TestServer) {
        server.open_portal_to_members().await;
        server.declare("[environment.portal]\ncredentials = \"create\"\n").await.done();
        let management = server.management();
        let (acme, bravo) = (management.organization("Acme").await, management.organization("Bravo").await);
        let ada = server.person(ADA).await;
        server.member(ada, &acme).await;
        let mut browser = server.visitor(&bravo, None).await;
        let page = browser.open("/sign-in").await;
        server.sign_in(&mut browser, &page, ADA).await;
        let (domains, key, machine) =
            (browser.open("/portal/domains").await, browser.open("/portal/api-keys/new").await, browser.open("/portal/machines/new").await);
        assert!(domains.html.contains("Bravo") && !domains.html.contains("Acme"), "{}", domains.html);
        // The visit has ended, and they are themselves again: a member of another organization.
        server.clock.advance_seconds(3600);
        for (page, path, typed) in
            [(&domains, "/portal/domains", ("domain", "bravo.example")), (&key, "/portal/api-keys/new", ("name", "K")), (&machine, "/portal/machines/new", ("name", "M"))]
        {
            let refused = browser.submit(page, path, &[typed]).await;
            assert_eq!(refused.status, 409, "{path}: {}", refused.html);
            assert!(refused.html.contains("This page was for another organization") && refused.html.contains("Acme"), "{}", refused.html);
            let mut fields = page.form(path).fields;
            fields.remove("organization_id");
            assert_eq!(browser.post(path, &fields).await.status, 409, "one that does not say whose it is");
        }
        assert_eq!(management.get(&format!("/organizations/{acme}")).await.json()["domains"], json!([]));
        assert!(management.get(&format!("/organizations/{acme}/api_keys")).await.expect_list().is_empty());
        assert!(management.get("/connect/applications").await.expect_list().is_empty());
        let page = browser.open("/portal/domains").await;
        assert_eq!(browser.submit(&page, "/portal/domains", &[("domain", "acme.example")]).await.status, 201);
    }

    async fn a_link_of_the_company_is_stronger_than_being_signed_in(server: TestServer) {
        server.open_portal_to_members().await;
        let management = server.management();
        let (acme, bravo) = (management.organization("Acme").await, management.organization("Bravo").await);
        let ada = server.person(ADA).await;
        server.member(ada, &acme).await;
        let mut browser = server.visitor(&bravo, Some("domain_verification")).await;
        let page = browser.open("/sign-in").await;
        server.sign_in(&mut browser, &page, ADA).await;
        let page = browser.open("/portal").await;
        assert!(page.path == "/portal/domains" && page.html.contains("Bravo"), "{}", page.html);
        assert_eq!(browser.open("/portal/machines").await.status, 403, "what the role opens is of another organization");
        // When the visit ends, they are themselves again.
        server.clock.advance_seconds(3600);
        let page = browser.open("/portal").await;
        assert!(page.path == "/portal/machines" && page.html.contains("Acme"), "{}", page.html);
    }
}
