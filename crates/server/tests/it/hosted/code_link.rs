//! The link in an email with a code: it continues in the browser that asked for it, after the user has confirmed, and
//! nowhere else.

use crate::harness::{Browser, PASSWORD, Page, TestServer, on_both_databases};

async fn ask_for_code(browser: &mut Browser, page: &Page, email: &str) -> Page {
    let page = browser.submit(page, "/sign-in", &[("email", email)]).await;
    browser.submit(&page, "/sign-in/code/send", &[]).await
}

async fn link(server: &TestServer, email: &str) -> String {
    let mail = server.mails(email).await.remove(0);
    let link = mail.text.split_whitespace().find(|word| word.contains("/sign-in/code?")).unwrap().to_owned();
    assert!(link.starts_with(&server.base_url), "threat 17: links lead to the issuer");
    assert!(link.len() < 200, "short enough for every mail program: {link}");
    link[server.base_url.len()..].to_owned()
}

on_both_databases! {
    async fn it_goes_on_in_the_browser_that_asked_after_a_confirmation(server: TestServer) {
        let application = server.application("forum", true, &[]).await;
        server.person("ada@example.com").await;
        let mut browser = Browser::new(&server);
        let page = browser.open(&application.authorize("&scope=openid")).await;
        ask_for_code(&mut browser, &page, "ada@example.com").await;
        let link = link(&server, "ada@example.com").await;
        // Opening it any number of times, in any browser, has no effect.
        Browser::new(&server).open(&link).await;
        for _ in 0..10 {
            let opened = browser.open(&link).await;
            assert_eq!((opened.status, opened.left_to.is_none()), (200, true));
            assert!(!browser.has_cookie("cs_session"));
        }
        let page = browser.open(&link).await;
        let code = server.mailed_code("ada@example.com").await;
        assert_eq!(page.form("/sign-in/code").fields["code"], code);
        let page = browser.submit(&page, "/sign-in/code", &[]).await;
        server.redeem(&application, &page.sent("code").unwrap()).await.expect(200);
        assert!(!browser.has_cookie("cs_code"), "of no use any more");
        let again = browser.open(&link).await;
        assert!(again.forms().iter().all(|form| form.action != "/sign-in/code"), "{}", again.html);
    }

    async fn where_no_mail_is_sent_the_page_leads_to_the_mailbox_and_in_production_it_does_not(server: TestServer) {
        server.person("ada@example.com").await;
        let mut browser = Browser::new(&server);
        for email in ["ada@example.com", "nobody@example.com"] {
            let page = browser.open("/sign-in").await;
            let page = ask_for_code(&mut browser, &page, email).await;
            assert!(page.html.contains("href=\"/dev/mailbox\"") && !page.html.contains("spam"), "{email}: {}", page.html);
        }
        let code = server.mailed_code("ada@example.com").await;
        assert!(browser.open("/dev/mailbox").await.html.contains(&code));
        server.declare("kind = \"production\"").await.done();
        let page = browser.open("/sign-in").await;
        let page = ask_for_code(&mut browser, &page, "ada@example.com").await;
        assert!(!page.html.contains("mailbox") && page.html.contains("spam"), "{}", page.html);
        assert_eq!(browser.open("/dev/mailbox").await.status, 404);
    }

    async fn threat_19_in_another_browser_it_shows_the_code_and_signs_nobody_in(server: TestServer) {
        server.person("ada@example.com").await;
        let mut attacker = Browser::new(&server);
        let page = attacker.open("/sign-in").await;
        let waiting = ask_for_code(&mut attacker, &page, "ada@example.com").await;
        let link = link(&server, "ada@example.com").await;
        let code = server.mailed_code("ada@example.com").await;
        let mut victim = Browser::new(&server);
        let page = victim.open(&link).await;
        assert!(page.html.contains(&code) && page.html.contains("do not share the code"), "{}", page.html);
        assert!(page.forms().is_empty(), "nothing to confirm: somebody else may have asked for it");
        assert!(!victim.has_cookie("cs_session"));
        assert!(attacker.open("/account").await.path.starts_with("/sign-in"), "the click has let nobody in");
        // Nor with a cookie that was copied: it is sealed for the other browser.
        victim.steal(&attacker, "cs_code");
        assert!(victim.open(&link).await.forms().is_empty());
        let done = attacker.submit(&waiting, "/sign-in/code", &[("code", &code)]).await;
        assert_eq!(done.path, "/account", "typed where it was asked for, it is good");
    }

    async fn the_link_of_an_older_code_does_not_fill_in_the_newer_form(server: TestServer) {
        server.person("ada@example.com").await;
        let mut browser = Browser::new(&server);
        let page = browser.open("/sign-in").await;
        ask_for_code(&mut browser, &page, "ada@example.com").await;
        let first = link(&server, "ada@example.com").await;
        ask_for_code(&mut browser, &page, "ada@example.com").await;
        let second = link(&server, "ada@example.com").await;
        assert!(browser.open(&first).await.forms().is_empty());
        let page = browser.open(&second).await;
        assert_eq!(browser.submit(&page, "/sign-in/code", &[]).await.path, "/account");
    }

    async fn a_sign_up_is_confirmed_by_its_link_too(server: TestServer) {
        let mut browser = Browser::new(&server);
        let page = browser.open("/sign-up").await;
        browser.submit(&page, "/sign-up", &[("email", "grace@example.com"), ("password", PASSWORD)]).await;
        let page = browser.open(&link(&server, "grace@example.com").await).await;
        let page = browser.submit(&page, "/sign-in/code", &[]).await;
        assert!(page.path == "/account" && page.html.contains("grace@example.com"), "{}", page.html);
    }

    async fn an_expired_one_says_so(server: TestServer) {
        server.person("ada@example.com").await;
        let mut browser = Browser::new(&server);
        let page = browser.open("/sign-in").await;
        ask_for_code(&mut browser, &page, "ada@example.com").await;
        let page = browser.open(&link(&server, "ada@example.com").await).await;
        server.clock.advance_seconds(601);
        let expired = browser.submit(&page, "/sign-in/code", &[]).await;
        assert!(expired.status == 422 && expired.html.contains("no longer valid"), "{}", expired.html);
    }

    async fn a_flow_too_long_for_a_cookie_shows_the_code_to_type(server: TestServer) {
        let application = server.application("forum", true, &[]).await;
        server.person("ada@example.com").await;
        let mut browser = Browser::new(&server);
        let page = browser.open(&application.authorize(&format!("&scope=openid&login_hint={}", "n".repeat(1800)))).await;
        let waiting = ask_for_code(&mut browser, &page, "ada@example.com").await;
        assert!(!browser.has_cookie("cs_code"));
        let code = server.mailed_code("ada@example.com").await;
        let opened = browser.open(&link(&server, "ada@example.com").await).await;
        assert!(opened.forms().is_empty() && opened.html.contains(&code));
        let done = browser.submit(&waiting, "/sign-in/code", &[("code", &code)]).await;
        assert!(done.sent("code").is_some());
    }

    async fn threat_12_nothing_but_six_digits_is_shown(server: TestServer) {
        let mut browser = Browser::new(&server);
        for code in ["", "12345", "1234567", "12345a", "%3Cb%3E%3C%2F", "1%00%00%00%00%00", "%D9%A1%D9%A2%D9%A3"] {
            let page = browser.open(&format!("/sign-in/code?id=x&code={code}")).await;
            assert_eq!(page.status, 400, "{code}");
            assert!(!page.html.contains("12345"), "{}", page.html);
        }
        assert_eq!(browser.open("/sign-in/code?code=123456").await.status, 200);
    }
}
