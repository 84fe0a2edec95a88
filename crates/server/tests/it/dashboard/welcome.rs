//! The way in: the link of a first start, and signing in afterwards.

use crate::harness::{Browser, PASSWORD, TestServer, on_both_databases};
use countersign_protocol::model::StaffRole;

const EMAIL: &str = "ada@company.example";

async fn first_owner(server: &TestServer) -> Browser {
    let link = server.path_of(server.staff_link.as_deref().unwrap());
    let mut browser = Browser::new(server);
    let page = browser.open(&link).await;
    assert!(page.html.contains("Owner"), "{}", page.html);
    let page = browser.submit(&page, "/dashboard/welcome", &[("email", EMAIL), ("password", PASSWORD)]).await;
    assert_eq!((page.status, page.path.as_str()), (200, "/dashboard/env/default"), "{}", page.html);
    browser
}

on_both_databases! {
    async fn the_first_owner_comes_in_by_the_link_of_a_first_start_and_signs_in_later(server: TestServer) {
        let mut owner = first_owner(&server).await;
        let page = owner.open("/dashboard").await;
        assert!(page.html.contains(EMAIL) && page.html.contains("Owner"), "{}", page.html);
        let page = owner.open("/dashboard/sign-out").await;
        let page = owner.submit(&page, "/dashboard/sign-out", &[("decision", "sign_out")]).await;
        assert_eq!(page.path, "/dashboard/signed-out");
        assert!(page.html.contains("href=\"/dashboard/sign-in\""), "{}", page.html);
        // Asked for a page, they sign in and are there.
        let page = owner.open("/dashboard/env/default/applications?registered=yes").await;
        assert_eq!(page.path.split('?').next(), Some("/dashboard/sign-in"));
        let page = owner.submit(&page, "/dashboard/sign-in", &[("email", EMAIL)]).await;
        let wrong = owner.submit(&page, "/dashboard/sign-in/password", &[("password", "wrong")]).await;
        assert_eq!(wrong.status, 422);
        let page = owner.submit(&page, "/dashboard/sign-in/password", &[("password", PASSWORD)]).await;
        assert_eq!((page.status, page.path.as_str()), (200, "/dashboard/env/default/applications?registered=yes"));
    }

    async fn once_there_is_an_owner_a_start_shows_no_link(server: TestServer) {
        first_owner(&server).await;
        let node = server.another_node().await;
        assert_eq!(node.staff_link, None);
    }

    async fn while_nobody_is_staff_every_start_shows_a_link_and_one_of_them_is_enough(server: TestServer) {
        let node = server.another_node().await;
        assert!(node.staff_link.is_some() && node.staff_link != server.staff_link);
        first_owner(&server).await;
        assert_eq!(server.another_node().await.staff_link, None);
        // The others were for the first owner, too.
        let other = server.path_of(node.staff_link.as_deref().unwrap());
        assert_eq!(Browser::new(&server).open(&other).await.status, 400);
    }

    async fn a_link_is_good_once(server: TestServer) {
        let link = server.link_for_staff(StaffRole::Admin).await;
        let (mut one, mut two) = (Browser::new(&server), Browser::new(&server));
        let (page_one, page_two) = (one.open(&link).await, two.open(&link).await);
        let (of_one, of_two) = ([("email", "one@company.example"), ("password", PASSWORD)], [("email", "two@company.example"), ("password", PASSWORD)]);
        let (a, b) = tokio::join!(
            one.submit(&page_one, "/dashboard/welcome", &of_one), two.submit(&page_two, "/dashboard/welcome", &of_two)
        );
        let mut statuses = [a.status, b.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 400], "{} {}", a.html, b.html);
        assert_eq!(Browser::new(&server).open(&link).await.status, 400);
    }

    async fn a_link_is_good_for_a_day_and_for_what_it_says(server: TestServer) {
        let link = server.link_for_staff(StaffRole::ReadOnly).await;
        assert!(Browser::new(&server).open(&link).await.html.contains("Read-only"));
        server.clock.advance_seconds(86_401);
        assert_eq!(Browser::new(&server).open(&link).await.status, 400);
        for token in ["", "x", &"x".repeat(4000)] {
            assert_eq!(Browser::new(&server).open(&format!("/dashboard/welcome?token={token}")).await.status, 400);
        }
    }

    async fn threat_18_a_link_is_no_proof_of_being_somebody_who_has_an_account(server: TestServer) {
        first_owner(&server).await;
        let link = server.link_for_staff(StaffRole::ReadOnly).await;
        let mut browser = Browser::new(&server);
        let page = browser.open(&link).await;
        let typed = [("email", "ADA@company.example"), ("password", "another-quiet-lighthouse-7")];
        let page = browser.submit(&page, "/dashboard/welcome", &typed).await;
        assert_eq!(page.status, 422, "{}", page.html);
        assert!(!browser.has_cookie("cs_staff_session"));
        // The link was not used up by that.
        let page = browser.submit(&page, "/dashboard/welcome", &[("email", "grace@company.example"), ("password", PASSWORD)]).await;
        assert_eq!(page.status, 200, "{}", page.html);
    }

    async fn becoming_staff_is_in_the_audit_log_under_its_own_name(server: TestServer) {
        first_owner(&server).await;
        let act = server.act_of_staff().await;
        countersign::domain::audit_chain::place(&server.app.store, &act.keyring.audit_log, act.environment_id).await.unwrap();
        let trail = countersign::domain::audit::Trail { action: Some("staff_link.used".to_owned()), ..Default::default() };
        let key = &act.keyring.audit_log;
        let told = countersign::domain::audit::list(&server.app.store, key, act.environment_id, &trail, None, 10).await.unwrap();
        assert_eq!(told.entries.len(), 1);
        let event = &told.entries[0].event;
        assert_eq!((event.actor.name.as_deref(), event.targets[0].id.as_str()), (Some(EMAIL), "owner"));
        assert_eq!(event.context.location, "127.0.0.1");
    }

    async fn a_weak_password_is_told_beside_its_field(server: TestServer) {
        let link = server.link_for_staff(StaffRole::Owner).await;
        let mut browser = Browser::new(&server);
        let page = browser.open(&link).await;
        for (email, password) in [("", PASSWORD), ("ada", PASSWORD), (EMAIL, ""), (EMAIL, "password123")] {
            let page = browser.submit(&page, "/dashboard/welcome", &[("email", email), ("password", password)]).await;
            assert_eq!(page.status, 422, "{email} {password}");
            assert!(page.html.contains("aria-invalid"), "{}", page.html);
        }
    }

    async fn nobody_signs_up_to_the_dashboard(server: TestServer) {
        let mut browser = Browser::new(&server);
        let page = browser.open("/dashboard/sign-up").await;
        assert_eq!(page.status, 403, "{}", page.html);
        assert!(!browser.open("/dashboard/sign-in").await.html.contains("/dashboard/sign-up"));
    }

    async fn a_forgotten_password_is_set_anew_by_mail(server: TestServer) {
        first_owner(&server).await;
        let mut browser = Browser::new(&server);
        let page = browser.open("/dashboard/forgot-password").await;
        browser.submit(&page, "/dashboard/forgot-password", &[("email", EMAIL)]).await;
        let mailbox = browser.open("/dashboard/dev/mailbox").await;
        let message = mailbox.html.split("href=\"").map(|rest| rest.split('"').next().unwrap()).find(|href| href.starts_with("/dashboard/dev/mailbox/")).unwrap();
        let message = browser.open(message).await;
        let link = message.html.split("href=\"").map(|rest| rest.split('"').next().unwrap()).find(|href| href.contains("/reset-password")).unwrap();
        let page = browser.open(&server.path_of(link)).await;
        let page = browser.submit(&page, "/dashboard/reset-password", &[("password", "another-quiet-lighthouse-7")]).await;
        assert_eq!(page.path, "/dashboard/sign-in");
    }
}
