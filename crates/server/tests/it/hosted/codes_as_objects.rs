//! Codes and links that the pages send: announced by events, shown by the API, and redeemed where they were requested.

use crate::harness::{Browser, PASSWORD, Page, TestServer, assert_id, assert_keys, on_both_databases};
use countersign::domain::users::mailed_codes::Refused;
use serde_json::{Value, json};

const CODE: [&str; 8] = ["object", "id", "user_id", "email", "expires_at", "code", "created_at", "updated_at"];

async fn ask_for_code(browser: &mut Browser, email: &str) -> Page {
    let page = browser.open("/sign-in").await;
    let page = browser.submit(&page, "/sign-in", &[("email", email)]).await;
    browser.submit(&page, "/sign-in/code/send", &[]).await
}

/// Returns the object announced by the only event with this name.
async fn told(server: &TestServer, event: &str, path: &str) -> Value {
    let [told]: [Value; 1] = server.events(event).await.try_into().unwrap();
    assert!(told.get("code").is_none(), "no event has a code");
    let shown = format!("/user_management/{path}/{}", told["id"].as_str().unwrap());
    server.management().get(&shown).await.expect(200).expect_json()
}

/// Creates a user with an unverified address, in front of the page that asks for the verification code.
async fn unproven(server: &TestServer, browser: &mut Browser) -> (String, Page) {
    let body = json!({"email": "ada@example.com", "password": PASSWORD});
    let user = server.management().post("/user_management/users", body).await.expect(201).text_at("id");
    let page = browser.open("/sign-in").await;
    let page = browser.submit(&page, "/sign-in", &[("email", "ada@example.com")]).await;
    (user, browser.submit(&page, "/sign-in/password", &[("password", PASSWORD)]).await)
}

on_both_databases! {
    async fn a_code_to_sign_in_with_is_shown_by_the_api(server: TestServer) {
        let user = server.person("Ada@example.com").await;
        let mut browser = Browser::new(&server);
        let page = ask_for_code(&mut browser, "ada@example.com").await;
        let shown = told(&server, "magic_auth.created", "magic_auth").await;
        assert_keys(&shown, &CODE);
        assert_id(&shown["id"], "magic_auth");
        assert_eq!((&shown["object"], &shown["user_id"]), (&json!("magic_auth"), &json!(user.to_string())));
        assert_eq!(shown["email"], "Ada@example.com", "where the mail went");
        assert_eq!(shown["code"], server.mailed_code("Ada@example.com").await);
        server.clock.advance_seconds(5);
        let code = shown["code"].as_str().unwrap();
        assert_eq!(browser.submit(&page, "/sign-in/code", &[("code", code)]).await.path, "/account");
        let used = told(&server, "magic_auth.created", "magic_auth").await;
        assert_ne!(used["updated_at"], shown["updated_at"], "it was used");
    }

    async fn threat_19_a_code_of_the_pages_is_redeemed_by_no_program(server: TestServer) {
        let management = server.management();
        server.person("ada@example.com").await;
        let of_api = management.post("/user_management/magic_auth", json!({"email": "ada@example.com"})).await.expect(201);
        let mut browser = Browser::new(&server);
        let page = ask_for_code(&mut browser, "ada@example.com").await;
        let code = server.mailed_code("ada@example.com").await;
        let of_api = of_api.text_at("code");
        if code != of_api {
            assert_eq!(server.redeem_magic_code("ada@example.com", &code).await, Err(Refused::Wrong));
            let fields = [("email", "ada@example.com"), ("code", code.as_str())];
            let refused = server.authenticate("urn:workos:oauth:grant-type:magic-auth:code", &fields).await;
            assert_eq!(refused.expect(400).text_at("code"), "invalid_one_time_code");
        }
        // It has not replaced the code that the company's own page is waiting for, and has not been consumed.
        assert!(server.redeem_magic_code("ada@example.com", &of_api).await.is_ok());
        assert_eq!(browser.submit(&page, "/sign-in/code", &[("code", &code)]).await.path, "/account");
        assert_eq!(browser.submit(&page, "/sign-in/code", &[("code", &code)]).await.status, 422, "once");
    }

    async fn threat_19_a_proof_of_an_address_that_a_page_waits_for_is_taken_by_no_program(server: TestServer) {
        let mut browser = Browser::new(&server);
        let (user, page) = unproven(&server, &mut browser).await;
        let shown = told(&server, "email_verification.created", "email_verification").await;
        assert_keys(&shown, &CODE);
        assert_id(&shown["id"], "email_verification");
        assert_eq!((&shown["user_id"], &shown["email"]), (&json!(user), &json!("ada@example.com")));
        let code = server.mailed_code("ada@example.com").await;
        assert_eq!(shown["code"], code.as_str());
        let confirm = format!("/user_management/users/{user}/email_verification/confirm");
        server.management().post(&confirm, json!({"code": code})).await.expect_code(400, "email_verification_code_incorrect");
        assert_eq!(browser.submit(&page, "/sign-in/code", &[("code", &code)]).await.path, "/account");
        assert_eq!(server.events("magic_auth.created").await, Vec::<Value>::new());
    }

    async fn a_reset_that_the_pages_send_is_told_and_shown(server: TestServer) {
        server.person("ada@example.com").await;
        let mut browser = Browser::new(&server);
        let page = browser.open("/forgot-password").await;
        for email in ["ada@example.com", "nobody@example.com"] {
            browser.submit(&page, "/forgot-password", &[("email", email)]).await;
        }
        let shown = told(&server, "password_reset.created", "password_reset").await;
        let mail = server.mails("ada@example.com").await.remove(0);
        assert!(mail.text.contains(shown["password_reset_url"].as_str().unwrap()), "{}", mail.text);
    }

    async fn what_is_sent_to_nobody_leaves_nothing(server: TestServer) {
        server.person("ada@example.com").await;
        ask_for_code(&mut Browser::new(&server), "nobody@example.com").await;
        // Nor for a sign-up: either there is no account yet, or there already is one.
        for email in ["grace@example.com", "ada@example.com"] {
            let mut browser = Browser::new(&server);
            let page = browser.open("/sign-up").await;
            let page = browser.submit(&page, "/sign-up", &[("email", email), ("password", PASSWORD)]).await;
            assert_eq!(page.status, 200);
        }
        for event in ["magic_auth.created", "email_verification.created"] {
            assert_eq!(server.events(event).await, Vec::<Value>::new(), "{event}");
        }
        let users = server.management().get("/user_management/users").await.expect_list();
        assert_eq!(users.len(), 1, "{users:?}");
    }

    async fn threat_43_who_asks_over_and_over_writes_as_much_as_is_mailed(server: TestServer) {
        server.person("ada@example.com").await;
        for _ in 0..8 {
            ask_for_code(&mut Browser::new(&server), "ada@example.com").await;
        }
        let mails = server.mails("ada@example.com").await.len();
        assert_eq!((mails, server.events("magic_auth.created").await.len()), (5, 5));
    }

    async fn threat_16_it_is_there_in_its_environment_alone(server: TestServer) {
        server.person("ada@example.com").await;
        let another = server.another_environment().await;
        ask_for_code(&mut Browser::new(&server), "ada@example.com").await;
        let shown = told(&server, "magic_auth.created", "magic_auth").await;
        let id = shown["id"].as_str().unwrap();
        let answer = another.management.get(&format!("/user_management/magic_auth/{id}")).await;
        answer.expect_not_found("Magic Auth code", id);
    }
}
