//! How users may sign in, whether they may sign up, and how long sessions last: the environment's policy applies,
//! whatever a form sends.

use crate::harness::{Browser, PASSWORD, Page, TestServer, on_both_databases};
use serde_json::{Value, json};

const CLOSED: &str = "New accounts can only be created by invitation.";
const NO_PASSWORDS: &str = "Passwords are not used here.";
const NO_CODES: &str = "Codes by email are not used for signing in here.";

async fn authentication(server: &TestServer, lines: &str) {
    server.declare(&format!("[environment.authentication]\n{lines}\n")).await.done();
}

async fn to_password(browser: &mut Browser, email: &str) -> Page {
    let page = browser.open("/sign-in").await;
    browser.submit(&page, "/sign-in", &[("email", email)]).await
}

async fn users(server: &TestServer) -> Vec<Value> {
    server.management().get("/user_management/users").await.expect(200).json()["data"].as_array().unwrap().clone()
}

#[track_caller]
fn refused(page: &Page, why: &str) {
    assert!(page.status == 403 && page.html.contains(why), "{} {} {}", page.status, page.path, page.html);
    page.form("/sign-in");
}

fn sign_up(email: &str) -> Vec<(&str, &str)> {
    vec![("email", email), ("first_name", "Grace"), ("last_name", "Hopper"), ("password", PASSWORD)]
}

on_both_databases! {
    async fn sign_up_that_is_closed_is_closed_at_every_step(server: TestServer) {
        let application = server.application("first", true, &[]).await;
        let (mut early, mut late, mut waiting) = (Browser::new(&server), Browser::new(&server), Browser::new(&server));
        let form = early.open("/sign-up").await;
        let page = waiting.open("/sign-up").await;
        let sent = waiting.submit(&page, "/sign-up", &sign_up("waiting@example.com")).await;
        let code = server.mailed_code("waiting@example.com").await;
        authentication(&server, "sign_up = false").await;

        let page = late.open("/sign-in").await;
        assert!(page.status == 200 && !page.html.contains("/sign-up"), "{}", page.html);
        refused(&late.open("/sign-up").await, CLOSED);
        // A form that was already open, and a code that was already sent.
        refused(&early.submit(&form, "/sign-up", &sign_up("early@example.com")).await, CLOSED);
        refused(&waiting.submit(&sent, "/sign-in/code", &[("code", &code)]).await, CLOSED);
        refused(&waiting.submit(&sent, "/sign-in/code/send", &[]).await, CLOSED);
        assert!(server.mails("early@example.com").await.is_empty() && users(&server).await.is_empty());
        let page = late.open(&application.authorize("&screen_hint=sign-up")).await;
        assert!(page.asks_to_sign_in() && !page.html.contains("/sign-up"), "{}", page.html);

        // Existing users sign in as before.
        server.person("ada@example.com").await;
        let page = to_password(&mut late, "ada@example.com").await;
        assert_eq!(late.submit(&page, "/sign-in/password", &[("password", PASSWORD)]).await.path, "/account");
        // The pending code is valid again once sign-up is open again.
        authentication(&server, "sign_up = true").await;
        assert_eq!(waiting.submit(&sent, "/sign-in/code", &[("code", &code)]).await.path, "/account");
    }

    async fn who_is_invited_signs_up_where_nobody_else_does(server: TestServer) {
        authentication(&server, "sign_up = false").await;
        let organization = server.management().organization("Acme").await;
        let body = json!({"email": "grace@example.com", "organization_id": organization});
        server.management().post("/user_management/invitations", body).await.expect(201);
        let mail = server.mails("grace@example.com").await.remove(0);
        let link = mail.text.split_whitespace().find(|word| word.contains("/invite?invitation_token=")).unwrap().to_owned();
        let mut browser = Browser::new(&server);
        let page = browser.open(&link[server.base_url.len()..]).await;
        let page = browser.submit(&page, "/invite", &[("decision", "accept")]).await;
        assert_eq!(page.form("/sign-up").fields["email"], "grace@example.com");
        // The link does not let anybody else in.
        refused(&browser.submit(&page, "/sign-up", &sign_up("mallory@example.com")).await, CLOSED);
        assert!(server.mails("mallory@example.com").await.is_empty());
        let page = browser.submit(&page, "/sign-up", &sign_up("Grace@Example.com")).await;
        let code = server.mailed_code("Grace@Example.com").await;
        assert_eq!(browser.submit(&page, "/sign-in/code", &[("code", &code)]).await.path, "/account");
        assert_eq!(users(&server).await.len(), 1);
    }

    async fn without_passwords_a_code_is_the_way_in(server: TestServer) {
        server.person("ada@example.com").await;
        let (mut early, mut browser) = (Browser::new(&server), Browser::new(&server));
        let form = to_password(&mut early, "ada@example.com").await;
        let forgot = early.open("/forgot-password").await;
        early.submit(&forgot, "/forgot-password", &[("email", "ada@example.com")]).await;
        let mail = server.mails("ada@example.com").await.remove(0);
        let link = mail.text.split_whitespace().find(|word| word.contains("/reset-password?token=")).unwrap().to_owned();
        let reset = early.open(&link[server.base_url.len()..]).await;
        authentication(&server, "password = false").await;

        refused(&early.submit(&form, "/sign-in/password", &[("password", PASSWORD)]).await, NO_PASSWORDS);
        refused(&early.submit(&forgot, "/forgot-password", &[("email", "ada@example.com")]).await, NO_PASSWORDS);
        refused(&early.submit(&reset, "/reset-password", &[("password", "another-quiet-lighthouse-7")]).await, NO_PASSWORDS);
        refused(&early.open("/forgot-password").await, NO_PASSWORDS);
        refused(&early.open(&link[server.base_url.len()..]).await, NO_PASSWORDS);
        assert_eq!(server.mails("ada@example.com").await.len(), 1);
        assert!(early.open("/sign-in/password").await.path.starts_with("/sign-in?"));
        assert!(early.open("/account").await.path.starts_with("/sign-in"), "nobody came in");

        // The email address alone leads to the code page, which does not reveal whether there is an account.
        let page = to_password(&mut browser, "ada@example.com").await;
        let nobody = to_password(&mut Browser::new(&server), "nobody@example.com").await;
        assert_eq!((page.status, page.html.len()), (nobody.status, nobody.html.len() - "nobody".len() + "ada".len()));
        assert!(server.mails("nobody@example.com").await.is_empty());
        let code = server.mailed_code("ada@example.com").await;
        assert_eq!(browser.submit(&page, "/sign-in/code", &[("code", &code)]).await.path, "/account");

        // An account without a password; a password added to the form is ignored.
        let mut fresh = Browser::new(&server);
        let page = fresh.open("/sign-up").await;
        assert!(!page.html.contains("type=\"password\""), "{}", page.html);
        let page = fresh.submit(&page, "/sign-up", &sign_up("grace@example.com")).await;
        let code = server.mailed_code("grace@example.com").await;
        assert_eq!(fresh.submit(&page, "/sign-in/code", &[("code", &code)]).await.path, "/account");
        let grace = users(&server).await.iter().find(|user| user["email"] == "grace@example.com").unwrap()["id"].as_str().unwrap().to_owned();
        let sessions = server.management().get(&format!("/user_management/users/{grace}/sessions")).await.expect(200).json();
        assert_eq!(sessions["data"][0]["auth_method"], "magic_code");
        authentication(&server, "password = true").await;
        let page = to_password(&mut Browser::new(&server), "grace@example.com").await;
        assert_eq!(page.status, 200);
        let mut thief = Browser::new(&server);
        let page = to_password(&mut thief, "grace@example.com").await;
        assert_eq!(thief.submit(&page, "/sign-in/password", &[("password", PASSWORD)]).await.status, 422);
    }

    async fn without_codes_a_password_is_the_way_in(server: TestServer) {
        server.person("ada@example.com").await;
        let mut browser = Browser::new(&server);
        let form = to_password(&mut browser, "ada@example.com").await;
        let sent = browser.submit(&form, "/sign-in/code/send", &[]).await;
        let code = server.mailed_code("ada@example.com").await;
        authentication(&server, "magic_auth = false").await;
        refused(&browser.submit(&sent, "/sign-in/code", &[("code", &code)]).await, NO_CODES);
        refused(&browser.submit(&sent, "/sign-in/code/send", &[]).await, NO_CODES);
        refused(&browser.submit(&form, "/sign-in/code/send", &[]).await, NO_CODES);
        assert_eq!(server.mails("ada@example.com").await.len(), 1);
        let page = to_password(&mut browser, "ada@example.com").await;
        assert!(!page.html.contains("/sign-in/code/send"), "{}", page.html);
        assert_eq!(browser.submit(&page, "/sign-in/password", &[("password", PASSWORD)]).await.path, "/account");

        // A code that verifies an address is not a sign-in method, and stays available.
        let mut fresh = Browser::new(&server);
        let page = fresh.open("/sign-up").await;
        let page = fresh.submit(&page, "/sign-up", &sign_up("grace@example.com")).await;
        let code = server.mailed_code("grace@example.com").await;
        assert_eq!(fresh.submit(&page, "/sign-in/code", &[("code", &code)]).await.path, "/account");
        let body = json!({"email": "unproven@example.com", "password": PASSWORD});
        server.management().post("/user_management/users", body).await.expect(201);
        let mut unproven = Browser::new(&server);
        let page = to_password(&mut unproven, "unproven@example.com").await;
        let page = unproven.submit(&page, "/sign-in/password", &[("password", PASSWORD)]).await;
        let code = server.mailed_code("unproven@example.com").await;
        assert_eq!(unproven.submit(&page, "/sign-in/code", &[("code", &code)]).await.path, "/account");
    }

    async fn settings_that_cannot_be_lived_with_are_refused(server: TestServer) {
        let check = async |lines: &str, why: &str| {
            let refused = server.declare(lines).await;
            assert!(refused.code == 1 && refused.err.contains(why), "{lines}: {refused:?}");
        };
        check("[environment.authentication]\npassword = false\nmagic_auth = false\n", "nobody could sign in").await;
        check("[environment.sessions]\nmaximum_length = 299\n", "must be 300 to 34560000 seconds").await;
        check("[environment.sessions]\nmaximum_length = 34560001\n", "must be 300 to 34560000 seconds").await;
        check("[environment.sessions]\ninactivity_timeout = -1\n", "must be 300 to 34560000 seconds").await;
        check("[environment.sessions]\nmaximum_length = 3600\n", "inactivity_timeout must not be longer than maximum_length").await;
        check("access_token_lifetime = 7200\n[environment.sessions]\ninactivity_timeout = 7200\n", "longer than an access token lives").await;
        check("access_token_lifetime = 29\n", "access_token_lifetime: Must be 30 to 86400 seconds.").await;
        check("[environment.sessions]\nlength = 1\n", "unknown field").await;
        // Nor can the methods be disabled one after the other.
        authentication(&server, "password = false").await;
        check("[environment.authentication]\nmagic_auth = false\n", "nobody could sign in").await;
        assert_eq!(server.declare("[environment.authentication]\npassword = false\n").await.done().out, "Nothing to change.\n");
    }

    async fn a_session_ends_when_the_policy_says_so(server: TestServer) {
        server.declare("[environment.sessions]\nmaximum_length = 3600\ninactivity_timeout = 600\n").await.done();
        server.person("ada@example.com").await;
        let signed_in = async || {
            let mut browser = Browser::new(&server);
            let page = to_password(&mut browser, "ada@example.com").await;
            assert_eq!(browser.submit(&page, "/sign-in/password", &[("password", PASSWORD)]).await.path, "/account");
            browser
        };
        let inside = async |browser: &mut Browser| browser.open("/account").await.path == "/account";
        let (mut idle, mut busy) = (signed_in().await, signed_in().await);
        for _ in 0..6 {
            server.clock.advance_seconds(590);
            assert!(inside(&mut busy).await);
        }
        assert!(!inside(&mut idle).await, "unused for longer than ten minutes");
        server.clock.advance_seconds(61);
        assert!(!inside(&mut busy).await, "an hour, however much it is used");

        // A new policy applies at once: a shorter one ends sessions that are too old, a longer one extends none.
        let mut browser = signed_in().await;
        server.clock.advance_seconds(400);
        assert!(inside(&mut browser).await);
        server.clock.advance_seconds(350);
        server.declare("[environment.sessions]\ninactivity_timeout = 301\n").await.done();
        assert!(!inside(&mut browser).await);
        let mut browser = signed_in().await;
        server.clock.advance_seconds(300);
        assert!(inside(&mut browser).await);
        server.clock.advance_seconds(201);
        server.declare("[environment.sessions]\nmaximum_length = 500\n").await.done();
        assert!(!inside(&mut browser).await);
        let mut browser = signed_in().await;
        server.declare("[environment.sessions]\nmaximum_length = 34560000\ninactivity_timeout = 34560000\n").await.done();
        server.clock.advance_seconds(501);
        assert!(!inside(&mut browser).await, "it was made for 500 seconds");
    }

    async fn refresh_tokens_live_by_the_policy(server: TestServer) {
        server.declare("[environment.sessions]\nmaximum_length = 7200\ninactivity_timeout = 3600\n").await.done();
        let application = server.application("first", true, &[]).await;
        server.person("ada@example.com").await;
        let authorized = async || {
            let mut browser = Browser::new(&server);
            let page = browser.open(&application.authorize("&scope=openid+offline_access")).await;
            let page = server.sign_in(&mut browser, &page, "ada@example.com").await;
            server.redeem(&application, &page.sent("code").unwrap()).await.expect(200).text_at("refresh_token")
        };
        let (idle, mut token) = (authorized().await, authorized().await);
        for _ in 0..2 {
            server.clock.advance_seconds(3500);
            token = server.refresh(&application, &token).await.expect(200).text_at("refresh_token");
        }
        assert_eq!(server.refresh(&application, &idle).await.expect(400).text_at("error"), "invalid_grant");
        server.clock.advance_seconds(201);
        assert_eq!(server.refresh(&application, &token).await.expect(400).text_at("error"), "invalid_grant");

        let (first, second) = (authorized().await, authorized().await);
        server.clock.advance_seconds(1000);
        server.declare("[environment.sessions]\ninactivity_timeout = 900\n").await.done();
        server.refresh(&application, &first).await.expect(400);
        server.declare("[environment.sessions]\ninactivity_timeout = 1100\n").await.done();
        server.refresh(&application, &second).await.expect(200);
    }

    async fn another_policy_is_in_force_on_every_node_within_a_second(server: TestServer) {
        let other = server.another_node().await;
        let mut there = Browser::new(&other);
        let form = there.open("/sign-up").await;
        server.declare_with("[[environment]]\nname = \"default\"\n[environment.authentication]\nsign_up = false\n", &[]).await.done();
        let began = std::time::Instant::now();
        while there.open("/sign-up").await.status != 403 {
            assert!(began.elapsed().as_millis() < 1000, "it did not happen in time");
        }
        refused(&there.submit(&form, "/sign-up", &sign_up("late@example.com")).await, CLOSED);
    }
}
