//! The second factor on the hosted pages.

use crate::harness::{Browser, PASSWORD, Page, TestServer, on_both_databases};
use countersign_protocol::second_factor::{enrolment, totp};
use serde_json::json;

const SECRET: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
const PATH: &str = "/sign-in/second-factor";

fn shown(server: &TestServer, secret: &str, steps: i64) -> String {
    let secret = enrolment::from_text(secret).unwrap();
    totp::code_at(&secret, server.app.clock.now().as_secs() + steps * totp::PERIOD)
}

/// Returns the secret that a page shows for typing.
fn secret_of(page: &Page) -> String {
    let after = page.html.split_once("<code class=\"key\">").unwrap().1;
    after.split_once('<').unwrap().0.replace(' ', "")
}

/// Returns the path of the page that a browser has reached, without its query.
fn at(page: &Page) -> &str {
    page.path.split('?').next().unwrap()
}

async fn with_password(browser: &mut Browser, email: &str) -> Page {
    let page = browser.open("/sign-in").await;
    let page = browser.submit(&page, "/sign-in", &[("email", email)]).await;
    browser.submit(&page, "/sign-in/password", &[("password", PASSWORD)]).await
}

impl TestServer {
    async fn brings_factor(&self, email: &str) -> String {
        let user = self.person(email).await.to_string();
        let path = format!("/user_management/users/{user}/auth_factors");
        self.management().post(&path, json!({"type": "totp", "totp_secret": SECRET})).await.expect(201);
        user
    }
}

on_both_databases! {
    async fn who_has_one_is_asked_for_it_before_there_is_a_session(server: TestServer) {
        server.brings_factor("ada@example.com").await;
        let application = server.application("third_party", false, &["openid"]).await;
        let mut browser = Browser::new(&server);
        let page = browser.open(&application.authorize("&scope=openid")).await;
        let page = server.sign_in(&mut browser, &page, "ada@example.com").await;
        assert_eq!((page.status, at(&page)), (200, PATH), "{}", page.html);
        assert!(!browser.has_cookie("cs_session"), "no session before the code");
        assert!(page.html.contains("ada@example.com") && !page.html.contains("key\">"), "{}", page.html);
        let wrong = browser.submit(&page, PATH, &[("code", "000000")]).await;
        assert_eq!(wrong.status, 422);
        // The flow continues where it started.
        let code = shown(&server, SECRET, 0);
        let sent = browser.submit(&wrong, PATH, &[("code", &code)]).await;
        let tokens = server.redeem(&application, &sent.sent("code").unwrap()).await.expect(200).json();
        assert!(tokens["id_token"].is_string(), "{tokens}");
        // A second sign-in fails with the same code, and succeeds with the next one.
        let mut copied = Browser::new(&server);
        let page = with_password(&mut copied, "ada@example.com").await;
        let used = copied.submit(&page, PATH, &[("code", &code)]).await;
        assert!(used.status == 422 && used.html.contains("used already"), "{} {}", used.status, used.html);
        let account = copied.submit(&used, PATH, &[("code", &shown(&server, SECRET, 1))]).await;
        assert_eq!(at(&account), "/account");
    }

    async fn threat_18_no_first_proof_leads_around_the_factor(server: TestServer) {
        server.brings_factor("ada@example.com").await;
        // An emailed code.
        let mut browser = Browser::new(&server);
        let page = browser.open("/sign-in").await;
        let page = browser.submit(&page, "/sign-in", &[("email", "ada@example.com")]).await;
        let page = browser.submit(&page, "/sign-in/code/send", &[]).await;
        let code = server.mailed_code("ada@example.com").await;
        let page = browser.submit(&page, "/sign-in/code", &[("code", &code)]).await;
        assert_eq!(at(&page), PATH, "{}", page.html);
        // A new password.
        let page = browser.open("/forgot-password").await;
        browser.submit(&page, "/forgot-password", &[("email", "ada@example.com")]).await;
        let texts: Vec<String> = server.mails("ada@example.com").await.into_iter().map(|mail| mail.text).collect();
        let mut words = texts.iter().flat_map(|text| text.split_whitespace());
        let link = words.find(|word| word.contains("/reset-password?token=")).unwrap().to_owned();
        let page = browser.open(&link[link.find("/reset-password").unwrap()..]).await;
        let page = browser.submit(&page, "/reset-password", &[("password", "another quiet lighthouse 7")]).await;
        let page = browser.submit(&page, "/sign-in/password", &[("password", "another quiet lighthouse 7")]).await;
        assert_eq!(at(&page), PATH, "{}", page.html);
        // The second-factor page in another browser, and with a flow that proves nothing.
        let mut stranger = Browser::new(&server);
        let sealed = page.form(PATH).fields["flow"].clone();
        assert_eq!(stranger.open(&format!("{PATH}?flow={sealed}")).await.status, 400);
        let plain = stranger.open("/sign-in").await.form("/sign-in").fields["flow"].clone();
        assert_eq!(stranger.open(&format!("{PATH}?flow={plain}")).await.status, 400);
        assert!(!browser.has_cookie("cs_session") && !stranger.has_cookie("cs_session"));
    }

    async fn what_was_proven_before_a_new_password_is_worth_nothing(server: TestServer) {
        let user = server.brings_factor("ada@example.com").await;
        let mut browser = Browser::new(&server);
        let page = with_password(&mut browser, "ada@example.com").await;
        let changed = json!({"password": "another quiet lighthouse 7"});
        server.management().put(&format!("/user_management/users/{user}"), changed).await.expect(200);
        let page = browser.submit(&page, PATH, &[("code", &shown(&server, SECRET, 0))]).await;
        assert_eq!(page.status, 400, "{}", page.html);
        assert!(!browser.has_cookie("cs_session"));
    }

    async fn a_factor_that_comes_meanwhile_is_asked_for(server: TestServer) {
        // The code page is open when the company adds a factor.
        let user = server.person("ada@example.com").await.to_string();
        let mut browser = Browser::new(&server);
        let page = browser.open("/sign-in").await;
        let page = browser.submit(&page, "/sign-in", &[("email", "ada@example.com")]).await;
        let path = format!("/user_management/users/{user}/auth_factors");
        server.management().post(&path, json!({"type": "totp", "totp_secret": SECRET})).await.expect(201);
        let page = browser.submit(&page, "/sign-in/password", &[("password", PASSWORD)]).await;
        assert_eq!(at(&page), PATH);
    }

    async fn where_everybody_needs_one_they_set_it_up_on_the_way(server: TestServer) {
        server.person("ada@example.com").await;
        assert_eq!(server.declare("[environment.authentication]\nmfa_required = true").await.done().code, 0);
        let mut browser = Browser::new(&server);
        let page = with_password(&mut browser, "ada@example.com").await;
        assert_eq!(at(&page), PATH);
        assert!(page.html.contains("data:image/png;base64,") && page.html.contains("otpauth://totp/"), "{}", page.html);
        let secret = secret_of(&page);
        let wrong = browser.submit(&page, PATH, &[("code", "000000")]).await;
        assert!(wrong.status == 422 && secret_of(&wrong) == secret, "the same one is shown again");
        let account = browser.submit(&wrong, PATH, &[("code", &shown(&server, &secret, 0))]).await;
        assert_eq!(at(&account), "/account", "{}", account.html);
        let mails = server.mails("ada@example.com").await;
        assert!(mails.iter().any(|mail| mail.subject.contains("Two-step sign-in")), "they are told");
        assert_eq!(server.events("authentication.mfa_succeeded").await.len(), 1);
        // From then on it is required.
        let page = with_password(&mut Browser::new(&server), "ada@example.com").await;
        assert!(at(&page) == PATH && !page.html.contains("otpauth://"), "{}", page.html);
        // A user who signs up also enrolls one.
        let mut other = Browser::new(&server);
        let page = other.open("/sign-up").await;
        let page = other.submit(&page, "/sign-up", &[("email", "grace@example.com"), ("password", PASSWORD)]).await;
        let code = server.mailed_code("grace@example.com").await;
        let page = other.submit(&page, "/sign-in/code", &[("code", &code)]).await;
        assert_eq!(at(&page), PATH, "{}", page.html);
        let account = other.submit(&page, PATH, &[("code", &shown(&server, &secret_of(&page), 0))]).await;
        assert_eq!(at(&account), "/account");
    }

    async fn people_set_one_up_and_remove_it_by_themselves(server: TestServer) {
        server.person("ada@example.com").await;
        let mut browser = Browser::new(&server);
        let account = with_password(&mut browser, "ada@example.com").await;
        let page = browser.open(&account.link_to("/account/second-factor")).await;
        let secret = secret_of(&page);
        let of_account = "/account/second-factor";
        assert_eq!(browser.submit(&page, of_account, &[("code", "000000")]).await.status, 422);
        let account = browser.submit(&page, of_account, &[("code", &shown(&server, &secret, 0))]).await;
        assert!(at(&account) == "/account" && account.html.contains("On since"), "{}", account.html);
        // The form that was left open does not enroll a second one.
        let again = browser.submit(&page, of_account, &[("code", &shown(&server, &secret, 1))]).await;
        assert!(again.html.contains("/account/second-factor/remove"), "{}", again.html);
        let asked = with_password(&mut Browser::new(&server), "ada@example.com").await;
        assert_eq!(at(&asked), PATH);
        let remove = "/account/second-factor/remove";
        assert_eq!(browser.submit(&again, remove, &[("code", "000000")]).await.status, 422);
        let account = browser.submit(&again, remove, &[("code", &shown(&server, &secret, 1))]).await;
        assert!(at(&account) == "/account" && !account.html.contains("On since"), "{}", account.html);
        assert_eq!(at(&with_password(&mut Browser::new(&server), "ada@example.com").await), "/account");
        let told: Vec<String> = server.mails("ada@example.com").await.into_iter().map(|mail| mail.subject).collect();
        assert!(told.iter().any(|subject| subject.ends_with("is on")), "{told:?}");
        assert!(told.iter().any(|subject| subject.ends_with("is off")), "{told:?}");
    }

    async fn a_browser_that_was_left_open_gives_nobody_a_factor(server: TestServer) {
        server.person("ada@example.com").await;
        let mut browser = Browser::new(&server);
        with_password(&mut browser, "ada@example.com").await;
        let page = browser.open("/account/second-factor").await;
        let secret = secret_of(&page);
        server.clock.advance_seconds(11 * 60);
        let asked = browser.open("/account/second-factor").await;
        assert!(at(&asked) == "/sign-in/password" && asked.html.contains("ada@example.com"), "{}", asked.path);
        // The earlier form remains valid a while longer, and then expires.
        server.clock.advance_seconds(10 * 60);
        let late = browser.submit(&page, "/account/second-factor", &[("code", &shown(&server, &secret, 0))]).await;
        assert_eq!(at(&late), "/sign-in/password", "{}", late.html);
        let page = browser.submit(&late, "/sign-in/password", &[("password", PASSWORD)]).await;
        assert!(at(&page) == "/account/second-factor" && page.html.contains("otpauth://"), "{}", page.html);
    }

    async fn threat_18_the_pages_of_a_sign_in_that_is_over_are_good_for_nothing(server: TestServer) {
        let user = server.person("ada@example.com").await.to_string();
        assert_eq!(server.declare("[environment.authentication]\nmfa_required = true").await.done().code, 0);
        let mut browser = Browser::new(&server);
        let set_up = with_password(&mut browser, "ada@example.com").await;
        let secret = secret_of(&set_up);
        let kept = format!("{PATH}?flow={}", set_up.form(PATH).fields["flow"]);
        assert_eq!(secret_of(&browser.open(&kept).await), secret, "until it is done");
        browser.submit(&set_up, PATH, &[("code", &shown(&server, &secret, -1))]).await;
        let leave = async |browser: &mut Browser| {
            let page = browser.open("/sign-out").await;
            browser.submit(&page, "/sign-out", &[("decision", "sign_out")]).await;
            assert!(!browser.has_cookie("cs_session"));
        };
        leave(&mut browser).await;
        // The next person at this machine looks through the history.
        let found = browser.open(&kept).await;
        assert!(found.status == 400 && !found.html.contains("otpauth://"), "{}", found.html);
        let asked = with_password(&mut browser, "ada@example.com").await;
        let kept = format!("{PATH}?flow={}", asked.form(PATH).fields["flow"]);
        assert_eq!(at(&browser.submit(&asked, PATH, &[("code", &shown(&server, &secret, 0))]).await), "/account");
        leave(&mut browser).await;
        browser.open(&kept).await;
        let again = browser.submit(&asked, PATH, &[("code", &shown(&server, &secret, 1))]).await;
        assert_eq!((again.status, browser.has_cookie("cs_session")), (400, false), "{}", again.html);
        // Also when the factor whose secret that page shows has been deleted in the meantime.
        let factors = server.management().get(&format!("/user_management/users/{user}/auth_factors")).await.expect_list();
        server.management().delete(&format!("/auth/factors/{}", factors[0]["id"].as_str().unwrap())).await.expect(204);
        server.clock.advance_seconds(60);
        let again = browser.submit(&set_up, PATH, &[("code", &shown(&server, &secret, 0))]).await;
        assert_eq!((again.status, browser.has_cookie("cs_session")), (400, false), "{}", again.html);
        let left = server.management().get(&format!("/user_management/users/{user}/auth_factors")).await.expect_list();
        assert!(left.is_empty(), "nobody has a factor that others have seen: {left:?}");
        let set_up = with_password(&mut browser, "ada@example.com").await;
        let secret = secret_of(&set_up);
        browser.submit(&set_up, PATH, &[("code", &shown(&server, &secret, 0))]).await;
        leave(&mut browser).await;
        // Nor does a completed first factor remain valid for long.
        server.clock.advance_seconds(60);
        let asked = with_password(&mut browser, "ada@example.com").await;
        server.clock.advance_seconds(21 * 60);
        let late = browser.submit(&asked, PATH, &[("code", &shown(&server, &secret, 0))]).await;
        assert_eq!((late.status, browser.has_cookie("cs_session")), (400, false), "{}", late.html);
        let link = late.link_to("/account");
        assert_eq!(at(&browser.open(&link).await), "/sign-in", "and there is a way on");
    }

    async fn what_somebody_else_was_shown_in_this_browser_becomes_nobodys_factor(server: TestServer) {
        for email in ["ada@example.com", "grace@example.com"] {
            server.person(email).await;
        }
        let mut browser = Browser::new(&server);
        with_password(&mut browser, "ada@example.com").await;
        let page = browser.open("/account/second-factor").await;
        let secret = secret_of(&page);
        with_password(&mut browser, "grace@example.com").await;
        let refused = browser.submit(&page, "/account/second-factor", &[("code", &shown(&server, &secret, 0))]).await;
        assert_eq!(refused.status, 400, "{}", refused.html);
        assert_eq!(at(&with_password(&mut Browser::new(&server), "grace@example.com").await), "/account");
    }

    async fn names_of_any_length_stand_in_the_picture(server: TestServer) {
        server.person(&format!("{}@example.com", "a".repeat(60))).await;
        let name = "\u{7d4c}".repeat(80);
        let lines = format!("[environment.authentication]\nmfa_required = true\n[environment.branding]\nname = \"{name}\"");
        let declared = server.declare(&lines).await.done();
        assert_eq!(declared.code, 0);
        let page = with_password(&mut Browser::new(&server), &format!("{}@example.com", "a".repeat(60))).await;
        assert!(page.status == 200 && page.html.contains("data:image/png;base64,"), "{}", page.html);
        let management = server.management();
        let long = json!({"type": "totp", "totp_issuer": "\u{7d4c}".repeat(255), "totp_user": "\u{1f600}".repeat(320)});
        let made = management.post("/auth/factors/enroll", long).await.expect(201).json();
        assert!(made["totp"]["uri"].as_str().unwrap().len() < 2953);
    }

    async fn whose_device_is_lost_is_let_in_again_whoever_has_guessed(server: TestServer) {
        let user = server.brings_factor("ada@example.com").await;
        assert_eq!(server.declare("[environment.authentication]\nmfa_required = true").await.done().code, 0);
        for _ in 0..5 {
            let mut stranger = Browser::new(&server);
            let mut page = with_password(&mut stranger, "ada@example.com").await;
            for _ in 0..10 {
                page = stranger.submit(&page, PATH, &[("code", "000000")]).await;
                assert_eq!(page.status, 422, "{}", page.html);
            }
            assert_eq!(stranger.submit(&page, PATH, &[("code", "000000")]).await.status, 429);
            server.clock.advance_seconds(15 * 60);
        }
        let mut browser = Browser::new(&server);
        let page = with_password(&mut browser, "ada@example.com").await;
        let out = browser.submit(&page, PATH, &[("code", &shown(&server, SECRET, 0))]).await;
        assert_eq!(out.status, 429, "fifty in a day, wherever they come from");
        let act = server.act();
        let id = user.parse().unwrap();
        let removed = server.app.store.write::<bool, countersign::domain::Failure, _>(move |tx| {
            Box::pin(async move {
                let found = countersign_store::user::find(tx, act.environment_id, id).await?.unwrap();
                countersign::domain::users::second_factors::remove_all(tx, &act, &found).await
            })
        });
        assert!(removed.await.unwrap());
        let page = with_password(&mut browser, "ada@example.com").await;
        let secret = secret_of(&page);
        assert_eq!(at(&browser.submit(&page, PATH, &[("code", &shown(&server, &secret, 0))]).await), "/account");
        let page = with_password(&mut Browser::new(&server), "ada@example.com").await;
        assert_eq!(at(&page), PATH);
    }
}
