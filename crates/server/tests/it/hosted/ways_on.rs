//! How users continue after an interruption: a page left open, a forgotten password, too many emails.

use crate::harness::{Application, Browser, PASSWORD, Page, TestServer, on_both_databases};

const FRESH: &str = "another-quiet-lighthouse-7";

async fn to_password(browser: &mut Browser, page: &Page, email: &str) -> Page {
    browser.submit(page, "/sign-in", &[("email", email)]).await
}

/// Returns the path of the link in an email.
async fn mailed_link(server: &TestServer, email: &str, path: &str) -> String {
    let mail = server.mails(email).await.into_iter().find(|mail| mail.text.contains(path)).unwrap();
    let link = mail.text.split_whitespace().find(|word| word.contains(path)).unwrap();
    link[server.base_url.len()..].to_owned()
}

/// Ada starts at an application and has forgotten her password; returns the path of the emailed link.
async fn forgets_on_the_way(server: &TestServer, browser: &mut Browser, application: &Application) -> String {
    let page = browser.open(&application.authorize("&scope=openid")).await;
    let page = to_password(browser, &page, "ada@example.com").await;
    let page = browser.open(&page.link_to("/forgot-password?")).await;
    browser.submit(&page, "/forgot-password", &[("email", "ada@example.com")]).await;
    mailed_link(server, "ada@example.com", "/reset-password?token=").await
}

on_both_databases! {
    async fn a_page_that_lay_open_for_too_long_leads_back_to_where_it_began(server: TestServer) {
        let application = server.application("forum", false, &[]).await;
        server.person("ada@example.com").await;
        let mut browser = Browser::new(&server);
        let page = browser.open(&application.authorize("&scope=openid")).await;
        server.clock.advance_seconds(3601);
        let old = to_password(&mut browser, &page, "ada@example.com").await;
        assert!(old.status == 400 && old.html.contains("took too long"), "{}", old.html);
        let page = browser.open(&old.link_to("/oauth2/authorize?")).await;
        let page = server.sign_in(&mut browser, &page, "ada@example.com").await;
        assert!(page.sent("code").is_some() && page.sent("state").as_deref() == Some("s-1"));
        // A page from another browser is distinguished from an expired one, and redirects nowhere.
        let mut other = Browser::new(&server);
        other.open("/sign-in").await;
        let flow = browser.open(&application.authorize("&scope=openid&prompt=login")).await.form("/sign-in").fields["flow"].clone();
        let foreign = other.open(&format!("/sign-in?flow={flow}")).await;
        assert!(foreign.status == 400 && foreign.html.contains("can no longer be used"), "{}", foreign.html);
        assert!(!foreign.html.contains("/oauth2/authorize"));
    }

    async fn who_sets_a_new_password_on_the_way_goes_on_to_the_application(server: TestServer) {
        let application = server.application("forum", false, &[]).await;
        server.person("ada@example.com").await;
        let mut browser = Browser::new(&server);
        let link = forgets_on_the_way(&server, &mut browser, &application).await;
        let page = browser.open(&link).await;
        let page = browser.submit(&page, "/reset-password", &[("password", FRESH)]).await;
        assert!(page.html.contains("new password is saved") && page.html.contains("ada@example.com"), "{}", page.html);
        let page = browser.submit(&page, "/sign-in/password", &[("password", FRESH)]).await;
        assert!(page.sent("code").is_some(), "{}", page.html);

        // The owner is notified at the account's address and can react.
        let told = server.mails("ada@example.com").await.remove(0);
        assert!(told.subject.contains("was changed") && told.text.contains("/forgot-password"), "{}", told.text);
        assert!(!told.text.contains(FRESH));
    }

    async fn a_password_set_in_another_browser_leads_to_the_account(server: TestServer) {
        let application = server.application("forum", false, &[]).await;
        server.person("ada@example.com").await;
        let mut browser = Browser::new(&server);
        let link = forgets_on_the_way(&server, &mut browser, &application).await;
        let mut other = Browser::new(&server);
        let page = other.open(&link).await;
        let page = other.submit(&page, "/reset-password", &[("password", FRESH)]).await;
        let page = other.submit(&page, "/sign-in/password", &[("password", FRESH)]).await;
        assert_eq!((page.path.as_str(), page.left_to), ("/account", None));
        // A flow that this browser started for one user does not continue for another.
        server.person("grace@example.com").await;
        let mut third = Browser::new(&server);
        let asked = third.open("/forgot-password").await;
        third.submit(&asked, "/forgot-password", &[("email", "grace@example.com")]).await;
        let link = mailed_link(&server, "grace@example.com", "/reset-password?token=").await;
        let page = browser.open(&link).await;
        let page = browser.submit(&page, "/reset-password", &[("password", FRESH)]).await;
        let page = browser.submit(&page, "/sign-in/password", &[("password", FRESH)]).await;
        assert_eq!((page.path.as_str(), page.left_to), ("/account", None));
    }

    async fn the_password_is_changed_from_the_account_page(server: TestServer) {
        server.person("ada@example.com").await;
        let mut browser = Browser::new(&server);
        let page = browser.open("/sign-in").await;
        let page = server.sign_in(&mut browser, &page, "ada@example.com").await;
        let page = browser.open(&page.link_to("/forgot-password?")).await;
        assert_eq!(page.form("/forgot-password").fields["email"], "ada@example.com");
        browser.submit(&page, "/forgot-password", &[]).await;
        let page = browser.open(&mailed_link(&server, "ada@example.com", "/reset-password?token=").await).await;
        let page = browser.submit(&page, "/reset-password", &[("password", FRESH)]).await;
        let page = browser.submit(&page, "/sign-in/password", &[("password", FRESH)]).await;
        assert_eq!(page.path, "/account");
        server.declare("[environment.authentication]\npassword = false\n").await.done();
        let page = browser.open("/account").await;
        assert!(!page.html.contains("/forgot-password"), "where there are none, none is changed: {}", page.html);
    }

    async fn a_code_that_was_sent_again_says_so_and_too_many_leave_the_last_one(server: TestServer) {
        server.person("ada@example.com").await;
        let mut browser = Browser::new(&server);
        let page = browser.open("/sign-in").await;
        let page = to_password(&mut browser, &page, "ada@example.com").await;
        let mut page = browser.submit(&page, "/sign-in/code/send", &[]).await;
        assert!(!page.html.contains("A new code is on its way"), "{}", page.html);
        for _ in 0..4 {
            page = browser.submit(&page, "/sign-in/code/send", &[]).await;
            assert!(page.status == 200 && page.html.contains("A new code is on its way"), "{}", page.html);
        }
        let code = server.mailed_code("ada@example.com").await;
        let page = browser.submit(&page, "/sign-in/code/send", &[]).await;
        assert!(page.status == 429 && page.html.contains("<title>Error: "), "{}", page.html);
        assert!(page.html.contains("You can request another in 15 minutes."), "{}", page.html);
        let page = browser.submit(&page, "/sign-in/code", &[("code", &code)]).await;
        assert_eq!(page.path, "/account", "{}", page.html);
    }

    async fn who_mistyped_the_address_of_a_new_account_gets_a_first_code_at_the_right_one(server: TestServer) {
        let mut browser = Browser::new(&server);
        let page = browser.open("/sign-up").await;
        let page = browser.submit(&page, "/sign-up", &[("email", "grace@exmaple.com"), ("password", PASSWORD)]).await;
        let page = browser.open(&page.link_to("/sign-up?")).await;
        let page = browser.submit(&page, "/sign-up", &[("email", "grace@example.com"), ("password", PASSWORD)]).await;
        assert!(page.html.contains("grace@example.com") && !page.html.contains("role=\"status\""), "{}", page.html);
        let code = server.mailed_code("grace@example.com").await;
        assert_eq!(browser.submit(&page, "/sign-in/code", &[("code", &code)]).await.path, "/account");
    }

    async fn codes_that_were_right_use_up_no_tries_of_the_others_behind_the_same_address(server: TestServer) {
        let mut browser = Browser::new(&server);
        // More in an hour than may be wrong, but no more emails in a quarter of an hour than may be requested.
        for round in 0..105 {
            let email = format!("person-{}@example.com", round / 5);
            if round % 5 == 0 {
                server.sign_up(&email, "$none".to_owned()).await.unwrap();
            }
            if round == 55 {
                server.clock.advance_seconds(15 * 60 + 1);
            }
            let page = browser.open("/sign-in").await;
            let page = to_password(&mut browser, &page, &email).await;
            let page = browser.submit(&page, "/sign-in/code/send", &[]).await;
            let code = server.mailed_code(&email).await;
            let page = browser.submit(&page, "/sign-in/code", &[("code", &code)]).await;
            assert_eq!(page.path, "/account", "{round}: {}", page.html);
        }
    }

    async fn who_was_asked_which_account_decides_for_the_one_that_was_shown(server: TestServer) {
        let application = server.application("forum", false, &[]).await;
        server.person("ada@example.com").await;
        server.person("grace@example.com").await;
        let mut browser = Browser::new(&server);
        let page = browser.open("/sign-in").await;
        server.sign_in(&mut browser, &page, "ada@example.com").await;
        let asked = browser.open(&application.authorize("&scope=openid&prompt=select_account")).await;
        assert!(asked.html.contains("ada@example.com"), "{}", asked.html);
        // Meanwhile, in another tab.
        let page = browser.open("/sign-out").await;
        browser.submit(&page, "/sign-out", &[("decision", "sign_out")]).await;
        let page = browser.open("/sign-in").await;
        server.sign_in(&mut browser, &page, "grace@example.com").await;
        let page = browser.submit(&asked, "/select-account", &[("decision", "continue")]).await;
        assert!(page.left_to.is_none() && page.html.contains("grace@example.com"), "asked anew: {}", page.html);
        let page = browser.submit(&page, "/select-account", &[("decision", "continue")]).await;
        assert!(page.sent("code").is_some(), "{}", page.html);
    }

    async fn no_answer_on_the_way_has_a_head_that_proxies_refuse(server: TestServer) {
        let application = server.application("forum", false, &[]).await;
        let mut browser = Browser::new(&server);
        let state = "s".repeat(800);
        let more = format!("&scope=openid%20profile&nonce=n-1&unknown={}", "x".repeat(3000));
        let request = application.authorize(&more).replace("state=s-1", &format!("state={state}"));
        let page = browser.open(&request).await;
        let page = browser.open(&page.link_to("/sign-up?")).await;
        let typed = [("email", "grace@example.com"), ("first_name", "Grace"), ("last_name", "Hopper"), ("password", PASSWORD)];
        let page = browser.submit(&page, "/sign-up", &typed).await;
        // The link in the email still works: the flow it continues is in the cookie, and only there.
        assert!(browser.has_cookie("cs_code") && page.path == "/sign-in/code", "{}", page.path);
        let page = browser.open(&mailed_link(&server, "grace@example.com", "/sign-in/code?").await).await;
        let page = browser.submit(&page, "/sign-in/code", &[]).await;
        assert_eq!(page.sent("state"), Some(state));
        assert!(browser.longest_head < 4096, "what nginx takes as it is installed: {}", browser.longest_head);
    }
}
