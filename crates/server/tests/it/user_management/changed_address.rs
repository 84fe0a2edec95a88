//! An address that the company has set for an account: until it is verified, no application is told that it is the
//! user's.

use crate::harness::{Browser, PASSWORD, Page, REDIRECT_URI, TestServer, on_both_databases};
use crate::hosted::authorization_code::claims;
use serde_json::{Value, json};

const NEW: &str = "lovelace@example.com";

async fn change(server: &TestServer, user: impl std::fmt::Display, body: Value) {
    let changed =
        server.management().put(&format!("/user_management/users/{user}"), body.clone()).await.expect(200).json();
    assert_eq!(changed["email_verified"], body.get("email_verified").cloned().unwrap_or(json!(false)));
}

/// Returns the address claims of an ID token.
fn said(tokens: &Value) -> (Value, Value) {
    let claims = claims(tokens["id_token"].as_str().unwrap());
    (claims["email"].clone(), claims["email_verified"].clone())
}

/// Whether the page asks the user to sign in, with the address to be verified filled in.
fn asks_for(page: &Page, email: &str) -> bool {
    page.left_to.is_none() && page.asks_to_sign_in() && page.form("/sign-in").fields["email"] == email
}

on_both_databases! {
    async fn threat_20_a_session_goes_on_and_programs_are_told_once_the_address_is_proven(server: TestServer) {
        let user = server.person("ada@example.com").await;
        let application = server.application("forum", false, &[]).await;
        let mut browser = Browser::new(&server);
        let asked = application.authorize("&scope=openid+email+offline_access");
        let page = browser.open(&asked).await;
        let page = server.sign_in(&mut browser, &page, "ada@example.com").await;
        let tokens = server.redeem(&application, &page.sent("code").unwrap()).await.expect(200).json();
        assert_eq!(said(&tokens), (json!("ada@example.com"), json!(true)));

        change(&server, user, json!({"email": NEW})).await;
        let page = browser.open("/account").await;
        assert!(page.path == "/account" && page.html.contains(NEW), "the session goes on: {}", page.html);
        // Existing grants continue as well, with current claims.
        let renewed = server.refresh(&application, tokens["refresh_token"].as_str().unwrap()).await.expect(200).json();
        assert_eq!(said(&renewed), (json!(NEW), json!(false)));
        let userinfo = server.anonymous().request(reqwest::Method::GET, "/oauth2/userinfo").bearer_auth(renewed["access_token"].as_str().unwrap());
        let userinfo = server.anonymous().send(userinfo).await.expect(200).json();
        assert_eq!((&userinfo["email"], &userinfo["email_verified"]), (&json!(NEW), &json!(false)));

        let silent = browser.open(&format!("{asked}&prompt=none")).await;
        assert_eq!(silent.sent("error").as_deref(), Some("login_required"));
        let page = browser.open(&asked).await;
        assert!(asks_for(&page, NEW), "{} {}", page.path, page.html);
        // Neither the password alone nor the previous address is enough.
        let waiting = server.sign_in(&mut browser, &page, NEW).await;
        assert!(waiting.left_to.is_none() && waiting.path.starts_with("/sign-in/code?"), "{}", waiting.path);
        assert!(asks_for(&browser.open(&asked).await, NEW), "nothing is proven yet");
        let code = server.mailed_code(NEW).await;
        let page = browser.submit(&waiting, "/sign-in/code", &[("code", &code)]).await;
        let tokens = server.redeem(&application, &page.sent("code").unwrap()).await.expect(200).json();
        assert_eq!(said(&tokens), (json!(NEW), json!(true)));
        let page = browser.open(&asked).await;
        assert!(page.sent("code").is_some(), "asked once");
    }

    async fn threat_20_so_it_is_for_the_companys_own_application_and_its_devices(server: TestServer) {
        server.register(REDIRECT_URI).await;
        let user = server.person("ada@example.com").await;
        let mut browser = Browser::new(&server);
        let session = server.through_the_browser(&mut browser, "ada@example.com").await;
        change(&server, user, json!({"email": NEW})).await;
        let renewed = server.renew(session["refresh_token"].as_str().unwrap()).await.expect(200).json();
        assert_eq!(renewed["user"]["email_verified"], false);
        let page = browser.open(&server.ask_with_challenge("&prompt=none")).await;
        assert_eq!(page.sent("error").as_deref(), Some("login_required"));
        let page = browser.open(&server.ask_with_challenge("&login_hint=who%40example.com")).await;
        assert!(asks_for(&page, "who@example.com"), "the application knows better: {}", page.html);
        let body = json!({"client_id": server.client_id});
        let device = server.anonymous().post("/user_management/authorize/device", body).await.expect(200).json();
        let complete = device["verification_uri_complete"].as_str().unwrap();
        let page = browser.open(&complete[server.base_url.len()..]).await;
        let page = browser.submit(&page, "/device", &[]).await;
        assert!(asks_for(&page, NEW), "{} {}", page.path, page.html);
        let page = browser.open(&server.ask_with_challenge("")).await;
        assert!(asks_for(&page, NEW), "{} {}", page.path, page.html);
        // An emailed code verifies it as well.
        let page = browser.submit(&page, "/sign-in", &[("email", NEW)]).await;
        let page = browser.submit(&page, "/sign-in/code/send", &[]).await;
        let code = server.mailed_code(NEW).await;
        let page = browser.submit(&page, "/sign-in/code", &[("code", &code)]).await;
        let session = server.hand_in(&page.sent("code").unwrap()).await.expect(200).json();
        assert_eq!((&session["user"]["email"], &session["user"]["email_verified"]), (&json!(NEW), &json!(true)));
    }

    async fn where_the_company_answers_for_the_address_nobody_is_asked(server: TestServer) {
        server.register(REDIRECT_URI).await;
        let user = server.person("ada@example.com").await;
        let mut browser = Browser::new(&server);
        server.through_the_browser(&mut browser, "ada@example.com").await;
        change(&server, user, json!({"email": NEW, "email_verified": true})).await;
        let page = browser.open(&server.ask_with_challenge("")).await;
        let session = server.hand_in(&page.sent("code").unwrap()).await.expect(200).json();
        assert_eq!((&session["user"]["email"], &session["user"]["email_verified"]), (&json!(NEW), &json!(true)));
        // The same address in a different case stays verified.
        let body = json!({"email": NEW.to_uppercase()});
        let changed = server.management().put(&format!("/user_management/users/{user}"), body).await.expect(200).json();
        assert_eq!(changed["email_verified"], true);
        assert!(browser.open(&server.ask_with_challenge("")).await.sent("code").is_some());
    }

    async fn threat_20_a_way_in_that_was_mailed_to_the_old_address_is_closed(server: TestServer) {
        server.register(REDIRECT_URI).await;
        let user = server.person("ada@example.com").await;
        let mut browser = Browser::new(&server);
        let page = browser.open("/sign-in").await;
        let page = browser.submit(&page, "/sign-in", &[("email", "ada@example.com")]).await;
        let page = browser.submit(&page, "/sign-in/code/send", &[]).await;
        let code = server.mailed_code("ada@example.com").await;
        let mut other = Browser::new(&server);
        let forgot = other.open("/forgot-password").await;
        other.submit(&forgot, "/forgot-password", &[("email", "ada@example.com")]).await;
        let mail = server.mails("ada@example.com").await.remove(0);
        let link = mail.text.split_whitespace().find(|word| word.contains("/reset-password?")).unwrap().to_owned();
        change(&server, user, json!({"email": NEW})).await;
        assert_eq!(browser.submit(&page, "/sign-in/code", &[("code", &code)]).await.status, 422);
        assert_eq!(other.open(&link[server.base_url.len()..]).await.status, 400);
        let wrong = server.authenticate("password", &[("email", "ada@example.com"), ("password", PASSWORD)]).await;
        assert_eq!(wrong.expect(400).text_at("code"), "invalid_credentials");
        let asked = server.with_password(NEW).await.expect(403);
        assert_eq!(asked.text_at("code"), "email_verification_required");
    }
}
