//! Getting in: the link of a first start, and signing in afterwards.

use crate::harness::{Browser, PASSWORD, TestServer, on_both_databases};
use countersign::domain::Act;
use countersign_protocol::management::events::Filter;
use countersign_protocol::management::page::Scan;
use countersign_protocol::model::StaffRole;
use countersign_store::event::{self, EventRange};

const EMAIL: &str = "ada@company.example";

/// Returns the names of the events in the staff environment.
async fn events_of(server: &TestServer, act: &Act) -> Vec<String> {
    let filter = Filter { names: Vec::new(), organization_id: None, start: None, end: None };
    let stretch = EventRange { scan: Scan::Ascending, from: None, limit: 100 };
    let mut reader = server.app.store.reader().await.unwrap();
    let found = event::list(&mut reader, act.environment_id, &filter, stretch).await.unwrap();
    found.into_iter().map(|event| event.event).collect()
}

/// Returns the dashboard's address as stored in the database.
async fn place(server: &TestServer) -> String {
    server.act_of_staff().await.issuer.to_string()
}

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
        // After opening a page, they sign in and land on it.
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

    async fn while_nobody_is_staff_there_may_be_several_links_and_one_of_them_is_enough(server: TestServer) {
        let node = server.another_node().await;
        assert!(node.staff_link.is_some() && node.staff_link != server.staff_link);
        first_owner(&server).await;
        assert_eq!(server.another_node().await.staff_link, None);
        // The other links were for the first owner, too.
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
        // That did not consume the link.
        let page = browser.submit(&page, "/dashboard/welcome", &[("email", "grace@company.example"), ("password", PASSWORD)]).await;
        assert_eq!(page.status, 200, "{}", page.html);
    }

    async fn becoming_staff_is_in_the_audit_log_under_its_own_name(server: TestServer) {
        first_owner(&server).await;
        let act = server.act_of_staff().await;
        countersign::domain::audit_log::chain::place(&server.app.store, &act.keyring.audit_log, act.environment_id).await.unwrap();
        let trail = countersign::domain::audit_log::Trail { action: Some("staff_link.used".to_owned()), ..Default::default() };
        let key = &act.keyring.audit_log;
        let told = countersign::domain::audit_log::list(&server.app.store, key, act.environment_id, &trail, None, 10).await.unwrap();
        assert_eq!(told.entries.len(), 1);
        let event = &told.entries[0].event;
        assert_eq!((event.actor.name.as_deref(), event.targets[0].id.as_str()), (Some(EMAIL), "owner"));
        assert_eq!(event.context.location, "127.0.0.1");
    }

    async fn coming_in_by_a_link_is_told_as_no_password(server: TestServer) {
        first_owner(&server).await;
        let act = server.act_of_staff().await;
        countersign::domain::events::place(&server.app.store, &server.app.clock).await.unwrap();
        let told = events_of(&server, &act).await;
        assert!(told.iter().any(|event| event == "session.created"), "{told:?}");
        assert!(!told.iter().any(|event| event.starts_with("authentication.")), "{told:?}");
        // The next event is a regular sign-in.
        let mut owner = Browser::new(&server);
        let page = owner.open("/dashboard/sign-in").await;
        let page = owner.submit(&page, "/dashboard/sign-in", &[("email", EMAIL)]).await;
        owner.submit(&page, "/dashboard/sign-in/password", &[("password", PASSWORD)]).await;
        countersign::domain::events::place(&server.app.store, &server.app.clock).await.unwrap();
        assert!(events_of(&server, &act).await.iter().any(|event| event == "authentication.password_succeeded"));
    }

    async fn where_no_mail_arrives_staff_are_told_what_to_do_and_nothing_is_offered_that_needs_one(server: TestServer) {
        first_owner(&server).await;
        let mut browser = Browser::new(&server);
        // From another machine: emails are kept and cannot be read from there.
        browser.headers = vec![("x-forwarded-for", "192.0.2.1".to_owned())];
        let page = browser.open("/dashboard/sign-in").await;
        let page = browser.submit(&page, "/dashboard/sign-in", &[("email", EMAIL)]).await;
        assert!(!page.forms().iter().any(|form| form.action.contains("/sign-in/code")), "{}", page.html);
        let code = page.form("/dashboard/sign-in/password").fields;
        assert_eq!(browser.post("/dashboard/sign-in/code/send", &code).await.status, 403);
        let page = browser.open("/dashboard/forgot-password").await;
        assert!(page.html.contains("countersign staff password") && page.forms().is_empty(), "{}", page.html);
        let mut owner = server.staff(StaffRole::Owner).await;
        assert!(owner.open("/dashboard/staff").await.html.contains("whom email does not reach"));
        owner.headers.clone_from(&browser.headers);
        assert!(owner.open("/dashboard/staff").await.html.contains("This server sends no email"));
        // On this machine they can be read, and the product's users are not told how the server is run.
        assert_eq!(Browser::new(&server).open("/dashboard/forgot-password").await.forms().len(), 1);
        assert!(!browser.open("/forgot-password").await.html.contains("countersign staff"));
    }

    async fn whoever_runs_the_server_makes_a_link_for_a_new_password(server: TestServer) {
        let mut owner = first_owner(&server).await;
        let command = ["staff", "password", EMAIL];
        let link = server.path_of(server.command_says(&command).await.unwrap().trim());
        let refused = server.command_says(&["staff", "password", "nobody@company.example"]).await.unwrap_err();
        assert_eq!(refused.trim(), "countersign: Member of staff not found: 'nobody@company.example'.");
        let mut browser = Browser::new(&server);
        let page = browser.open(&link).await;
        let new = "another-quiet-lighthouse-7";
        let page = browser.submit(&page, "/dashboard/reset-password", &[("password", new)]).await;
        assert!(page.path.starts_with("/dashboard/sign-in/password?") && page.html.contains("is saved"), "{}", page.html);
        assert_eq!(Browser::new(&server).open(&link).await.status, 400, "once");
        assert_eq!(owner.open("/dashboard").await.path.split('?').next(), Some("/dashboard/sign-in"), "every session has ended");
        let page = browser.submit(&page, "/dashboard/sign-in/password", &[("password", new)]).await;
        assert_eq!(page.path, "/dashboard/env/default");
        // Former staff get none.
        server.dismiss_staff().await;
        assert!(server.command_says(&command).await.is_err());
    }

    async fn the_dashboard_follows_public_url_while_nobody_is_staff_and_from_this_machine(server: TestServer) {
        let node = server.another_node_with(&[("public_url", "https://auth.example.com")]).await;
        assert_eq!(place(&node).await, "https://auth.example.com/dashboard");
        assert!(node.staff_link.as_deref().unwrap().starts_with("https://auth.example.com/dashboard/welcome?"));
        // There are no staff members yet, so correcting the mistake affects nobody.
        let node = server.another_node_with(&[("public_url", "https://id.example.com")]).await;
        assert_eq!(place(&node).await, "https://id.example.com/dashboard");
        first_owner(&server.another_node().await).await;
        let node = server.another_node_with(&[("public_url", "https://id.example.com")]).await;
        assert_eq!(place(&node).await, "https://id.example.com/dashboard", "tried out here, and then set up there");
    }

    async fn two_nodes_with_different_public_urls_do_not_move_the_dashboard_to_and_fro(server: TestServer) {
        first_owner(&server).await;
        server.another_node_with(&[("public_url", "https://auth.example.com")]).await;
        for wrong in ["https://id.example.com", server.app.public_url.as_str(), "http://localhost:1"] {
            let node = server.another_node_with(&[("public_url", wrong)]).await;
            assert_eq!(place(&node).await, "https://auth.example.com/dashboard", "{wrong}");
        }
        // The operator says explicitly that it has moved, and where to.
        let refused = server.command_says(&["staff", "move"]).await.unwrap_err();
        assert!(refused.contains("--public-url"), "{refused}");
        assert_eq!(place(&server).await, "https://auth.example.com/dashboard");
        let said = server.command_says(&["staff", "move", "--public-url", "https://id.example.com"]).await.unwrap();
        assert!(said.contains("https://auth.example.com/dashboard") && said.contains("https://id.example.com/dashboard"), "{said}");
        assert_eq!(place(&server).await, "https://id.example.com/dashboard");
        let node = server.another_node_with(&[("public_url", "https://auth.example.com")]).await;
        assert_eq!(place(&node).await, "https://id.example.com/dashboard");
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
        assert!(page.path.starts_with("/dashboard/sign-in/password?") && page.html.contains("is saved"), "{}", page.html);
    }
}
