//! Password resets requested by the company.

use crate::harness::{Browser, PASSWORD, TestServer, assert_id, assert_keys, assert_moment, on_both_databases};
use serde_json::{Value, json};

const PATH: &str = "/user_management/password_reset";
const CONFIRM: &str = "/user_management/password_reset/confirm";
const FRESH: &str = "another-quiet-lighthouse-7";

async fn ask(server: &TestServer, email: &str) -> Value {
    server.management().post(PATH, json!({"email": email})).await.expect(201).expect_json()
}

async fn signs_in(server: &TestServer, email: &str, password: &str) -> bool {
    let mut browser = Browser::new(server);
    let page = browser.open("/sign-in").await;
    let page = browser.submit(&page, "/sign-in", &[("email", email)]).await;
    browser.submit(&page, "/sign-in/password", &[("password", password)]).await.path == "/account"
}

on_both_databases! {
    async fn threat_18_a_token_sets_a_new_password_once_and_ends_every_session(server: TestServer) {
        let management = server.management();
        let user = server.person("ada@example.com").await;
        let mut inside = Browser::new(&server);
        let page = inside.open("/sign-in").await;
        server.sign_in(&mut inside, &page, "ada@example.com").await;
        assert_eq!(inside.open("/account").await.path, "/account");

        let made = ask(&server, "Ada@example.com").await;
        assert_keys(&made, &["object", "id", "user_id", "email", "password_reset_token", "password_reset_url", "expires_at", "created_at"]);
        assert_id(&made["id"], "password_reset");
        assert_eq!((&made["object"], &made["user_id"], &made["email"]), (&json!("password_reset"), &json!(user), &json!("ada@example.com")));
        assert_moment(&made["expires_at"]);
        let token = made["password_reset_token"].as_str().unwrap();
        let url = made["password_reset_url"].as_str().unwrap();
        assert_eq!(url, format!("{}/reset-password?token={token}", server.base_url), "threat 17: links lead to the issuer");
        assert!(server.mails("ada@example.com").await[0].text.contains(url));
        let read = management.get(&format!("{PATH}/{}", made["id"].as_str().unwrap())).await.expect(200).expect_json();
        assert_eq!(read, made);

        for (password, reason) in [("short", "password_too_short"), ("password123", "password_too_weak"), ("lovelace1815", "password_too_weak")] {
            management.post(CONFIRM, json!({"token": token, "new_password": password})).await.expect_reasons("password_reset_error", &[reason]);
        }
        let done = management.post(CONFIRM, json!({"token": token, "new_password": FRESH})).await.expect(200).expect_json();
        assert_keys(&done, &["user"]);
        assert_eq!(done["user"]["id"], json!(user));
        management.post(CONFIRM, json!({"token": token, "new_password": FRESH})).await.expect_reasons("password_reset_error", &["password_reset_token_used"]);
        assert!(inside.open("/account").await.path.starts_with("/sign-in"), "every session has ended");
        assert!(!signs_in(&server, "ada@example.com", PASSWORD).await);
        assert!(signs_in(&server, "ada@example.com", FRESH).await);
        for name in ["password_reset.created", "password_reset.succeeded"] {
            let events = server.events(name).await;
            assert_eq!(events.len(), 1, "{name}");
            assert_keys(&events[0], &["object", "id", "user_id", "email", "expires_at", "created_at"]);
            assert_eq!(events[0]["id"], made["id"]);
        }
    }

    async fn where_passwords_are_turned_off_a_link_from_before_sets_none(server: TestServer) {
        server.person("ada@example.com").await;
        let token = ask(&server, "ada@example.com").await["password_reset_token"].as_str().unwrap().to_owned();
        server.declare("[environment.authentication]\npassword = false").await.done();
        let body = json!({"token": token, "new_password": FRESH});
        server.management().post(CONFIRM, body.clone()).await.expect_code(403, "email_password_auth_disabled");
        server.declare("[environment.authentication]\npassword = true").await.done();
        server.management().post(CONFIRM, body).await.expect(200);
    }

    async fn a_reset_proves_the_address(server: TestServer) {
        let management = server.management();
        let user = management.user("ada@example.com").await;
        let made = ask(&server, "ada@example.com").await;
        let body = json!({"token": made["password_reset_token"], "new_password": FRESH});
        let done = management.post(CONFIRM, body).await.expect(200).json();
        assert_eq!((&done["user"]["id"], &done["user"]["email_verified"]), (&json!(user), &json!(true)));
        assert!(signs_in(&server, "ada@example.com", FRESH).await);
    }

    async fn the_hosted_page_and_the_api_share_their_links(server: TestServer) {
        server.person("ada@example.com").await;
        let made = ask(&server, "ada@example.com").await;
        let mut browser = Browser::new(&server);
        let page = browser.open(&made["password_reset_url"].as_str().unwrap()[server.base_url.len()..]).await;
        browser.submit(&page, "/reset-password", &[("password", FRESH)]).await;
        let body = json!({"token": made["password_reset_token"], "new_password": "third-violet-harbour-9"});
        server.management().post(CONFIRM, body).await.expect_reasons("password_reset_error", &["password_reset_token_used"]);
        assert!(signs_in(&server, "ada@example.com", FRESH).await);
        let page = browser.open("/forgot-password").await;
        browser.submit(&page, "/forgot-password", &[("email", "ada@example.com")]).await;
        assert_eq!(server.events("password_reset.created").await.len(), 2, "also what the page asks for");
        assert_eq!(server.events("password_reset.succeeded").await.len(), 1);
    }

    async fn of_many_who_come_with_a_token_one_sets_the_password(server: TestServer) {
        let management = server.management();
        server.person("ada@example.com").await;
        let made = ask(&server, "ada@example.com").await;
        let body = |password: &str| json!({"token": made["password_reset_token"], "new_password": password});
        let answers = tokio::join!(
            management.post(CONFIRM, body("first-violet-harbour-9")), management.post(CONFIRM, body("second-violet-harbour-9")),
        );
        let statuses = [answers.0.status, answers.1.status];
        assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
        assert_eq!(statuses.iter().filter(|status| **status == 400).count(), 1, "{statuses:?}");
    }

    async fn a_token_expires_and_goes_with_the_address_it_was_sent_to(server: TestServer) {
        let management = server.management();
        let user = server.person("ada@example.com").await;
        let made = ask(&server, "ada@example.com").await;
        server.clock.advance_seconds(3600);
        let body = json!({"token": made["password_reset_token"], "new_password": FRESH});
        management.post(CONFIRM, body).await.expect_reasons("password_reset_error", &["password_reset_token_expired"]);
        let made = ask(&server, "ada@example.com").await;
        management.put(&format!("/user_management/users/{user}"), json!({"email": "ceo@corp.example"})).await.expect(200);
        let body = json!({"token": made["password_reset_token"], "new_password": FRESH});
        management.post(CONFIRM, body).await.expect_reasons("password_reset_error", &["password_reset_token_used"]);
        assert!(!signs_in(&server, "ceo@corp.example", FRESH).await);
    }

    async fn a_token_outlives_changes_that_are_none_of_its_business(server: TestServer) {
        let management = server.management();
        let user = server.person("ada@example.com").await;
        let path = format!("/user_management/users/{user}");
        let made = ask(&server, "ada@example.com").await;
        for change in [json!({}), json!({"metadata": {"plan": "x"}, "locale": "de"}), json!({"external_id": "ada", "email": "Ada@example.com"})] {
            management.put(&path, change).await.expect(200);
        }
        let body = json!({"token": made["password_reset_token"], "new_password": FRESH});
        management.post(CONFIRM, body).await.expect(200);
        // Setting another password in any way invalidates earlier tokens.
        let made = ask(&server, "ada@example.com").await;
        management.put(&path, json!({"password": PASSWORD})).await.expect(200);
        let body = json!({"token": made["password_reset_token"], "new_password": FRESH});
        management.post(CONFIRM, body).await.expect_reasons("password_reset_error", &["password_reset_token_used"]);
        assert!(signs_in(&server, "ada@example.com", PASSWORD).await);
    }

    async fn threat_16_a_token_is_good_in_its_environment_alone(server: TestServer) {
        let another = server.another_environment().await;
        another.management.user("ada@example.com").await;
        let made = another.management.post(PATH, json!({"email": "ada@example.com"})).await.expect(201).json();
        let (id, token) = (made["id"].as_str().unwrap(), made["password_reset_token"].as_str().unwrap());
        server.management().get(&format!("{PATH}/{id}")).await.expect_not_found("Password reset", id);
        let hint = &token[token.len() - 4..];
        server.management().post(CONFIRM, json!({"token": token, "new_password": FRESH})).await.expect_not_found("Password reset token", hint);
        another.management.post(CONFIRM, json!({"token": token, "new_password": FRESH})).await.expect(200);
    }

    async fn strangers_get_no_link_and_others_few(server: TestServer) {
        let management = server.management();
        management.post(PATH, json!({"email": "nobody@example.com"})).await.expect_not_found("User", "nobody@example.com");
        assert!(server.mails("nobody@example.com").await.is_empty());
        management.user("ada@example.com").await;
        for _ in 0..3 {
            ask(&server, "ada@example.com").await;
        }
        let refused = management.post(PATH, json!({"email": "ada@example.com"})).await.expect(429);
        assert!(refused.header("retry-after").is_some());
        management.post(PATH, json!({})).await.expect_invalid(&[("email", "required")]);
        management.post(CONFIRM, json!({})).await.expect_invalid(&[("token", "required"), ("new_password", "required")]);
        management.post(CONFIRM, json!({"token": 1, "new_password": ""})).await.expect_invalid(&[("token", "invalid_type"), ("new_password", "required")]);
        for token in ["cs_reset_nobody", &"x".repeat(500)] {
            management.post(CONFIRM, json!({"token": token, "new_password": FRESH})).await.expect(404);
        }
    }

    async fn a_retry_with_the_same_key_gets_the_same_answer(server: TestServer) {
        let management = server.management();
        management.user("ada@example.com").await;
        let made = ask(&server, "ada@example.com").await;
        let body = json!({"token": made["password_reset_token"], "new_password": FRESH});
        let send = || management.request(reqwest::Method::POST, CONFIRM).header("idempotency-key", "k-1").json(&body);
        let first = management.send(send()).await.expect(200).json();
        assert_eq!(management.send(send()).await.expect(200).json(), first);
    }
}
