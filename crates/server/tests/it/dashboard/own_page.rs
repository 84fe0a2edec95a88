//! What organization administrators may do in the portal, as staff configure it.

use crate::harness::{TestServer, on_both_databases};
use countersign::domain::audit_log::{self, Trail};
use countersign_protocol::model::StaffRole;

const PAGE: &str = "/dashboard/env/default/portal";

on_both_databases! {
    async fn what_is_allowed_is_saved_and_counts_at_once(server: TestServer) {
        let management = server.management();
        let organization = management.organization("Northwind").await;
        management.permission("reports:read").await;
        management.permission("reports:write").await;
        let mut visitor = server.visitor(&organization, None).await;
        assert_eq!(visitor.open("/portal/api-keys/new").await.status, 403, "making is off unless it is allowed");
        let mut admin = server.staff(StaffRole::Admin).await;
        let list = admin.open("/dashboard/env/default/organizations").await;
        assert!(list.html.contains(PAGE), "{}", list.html);
        let page = admin.open(PAGE).await;
        assert!(page.html.contains(&format!("{}/portal", server.app.public_url)), "{}", page.html);
        assert_eq!(page.form(PAGE).fields["credentials"], "revoke");
        let saved = admin.submit(&page, PAGE, &[("credentials", "create"), ("scope_reports:read", "yes")]).await;
        assert!(saved.status == 200 && saved.html.contains("Saved."), "{}", saved.html);
        let fields = saved.form(PAGE).fields;
        assert_eq!((fields["credentials"].as_str(), fields["scope_reports:read"].as_str()), ("create", "yes"));
        assert!(!fields.contains_key("scope_reports:write"));
        let form = visitor.open("/portal/api-keys/new").await;
        assert!(form.html.contains("scope_reports:read") && !form.html.contains("scope_reports:write"), "{}", form.html);
        // Restricting it again applies at once to those already there.
        admin.submit(&saved, PAGE, &[("credentials", "see")]).await;
        assert_eq!(visitor.open("/portal/api-keys/new").await.status, 403);
        let (key, id) = (&server.app.keyring.audit_log, server.app.environments().product_named("default").unwrap().id());
        countersign::domain::audit_log::chain::place(&server.app.store, key, id).await.unwrap();
        let trail = Trail { action: Some("environment.updated".to_owned()), ..Trail::default() };
        let told = audit_log::list(&server.app.store, key, id, &trail, None, 10).await.unwrap();
        assert_eq!(told.entries.len(), 2);
        assert!(told.entries.iter().all(|entry| entry.event.actor.kind == "staff"));
    }

    async fn a_permission_that_has_gone_stays_until_it_is_taken_away(server: TestServer) {
        server.declare("[environment.portal]\npermissions = [\"reports:gone\"]\n").await.done();
        let mut admin = server.staff(StaffRole::Admin).await;
        let page = admin.open(PAGE).await;
        assert!(page.html.contains("That permission no longer exists."), "{}", page.html);
        let saved = admin.submit(&page, PAGE, &[("credentials", "create")]).await;
        assert_eq!(saved.form(PAGE).fields["scope_reports:gone"], "yes");
        let mut fields = saved.form(PAGE).fields;
        fields.remove("scope_reports:gone");
        assert!(!admin.post(PAGE, &fields).await.html.contains("reports:gone"));
    }

    async fn what_somebody_else_has_changed_is_not_saved_over(server: TestServer) {
        let mut admin = server.staff(StaffRole::Admin).await;
        let (stale, settings) = (admin.open(PAGE).await, "/dashboard/env/default/settings");
        let stale_settings = admin.open(settings).await;
        server.declare("access_token_lifetime = 600\n[environment.portal]\ncredentials = \"see\"\n").await.done();
        let refused = admin.submit(&stale, PAGE, &[("credentials", "create")]).await;
        assert!(refused.status == 409 && refused.html.contains("Somebody else has changed this"), "{} {}", refused.status, refused.html);
        let refused = admin.submit(&stale_settings, settings, &[("maximum_length", "20 days")]).await;
        assert_eq!(refused.status, 409, "{}", refused.html);
        let now = server.app.environments().product_named("default").unwrap().environment.clone();
        assert_eq!((now.portal.credentials.as_str(), now.access_token_lifetime), ("see", 600));
        assert!(admin.submit(&refused, settings, &[]).await.html.contains("Saved."), "meant all the same");
    }

    async fn other_settings_and_other_environments_stay_as_they_are(server: TestServer) {
        server.declare("access_token_lifetime = 600\n[environment.authentication]\nmagic_auth = false\n").await.done();
        let other = server.another_environment().await;
        let mut admin = server.staff(StaffRole::Admin).await;
        let page = admin.open(PAGE).await;
        // Another setting is changed in the meantime.
        server.declare("access_token_lifetime = 900\n").await.done();
        admin.submit(&page, PAGE, &[("credentials", "create")]).await;
        let environments = server.app.environments();
        let here = &environments.product_named("default").unwrap().environment;
        assert_eq!((here.access_token_lifetime, here.authentication.magic_auth, here.portal.credentials.as_str()), (900, false, "create"));
        let there = environments.products().into_iter().find(|state| state.environment.issuer.authority() == other.authority).unwrap();
        assert_eq!(there.environment.portal.credentials.as_str(), "revoke");
    }

    async fn who_may_not_change_it_sees_it_and_a_word_that_is_none_changes_nothing(server: TestServer) {
        let mut developer = server.staff(StaffRole::Developer).await;
        let page = developer.open(PAGE).await;
        assert!(page.status == 200 && page.html.contains("<fieldset disabled>"), "{}", page.html);
        assert_eq!(developer.submit(&page, PAGE, &[("credentials", "create")]).await.status, 403);
        let mut admin = server.staff(StaffRole::Admin).await;
        let page = admin.open(PAGE).await;
        for wrong in ["everything", ""] {
            assert_eq!(admin.submit(&page, PAGE, &[("credentials", wrong)]).await.status, 400);
        }
        assert_eq!(admin.open(PAGE).await.form(PAGE).fields["credentials"], "revoke");
    }
}
