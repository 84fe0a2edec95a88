//! Everything that ends a session revokes its refresh tokens at once; and signing out through the browser.

use crate::harness::{Browser, PASSWORD, REDIRECT_URI, TestServer, on_both_databases};
use crate::hosted::authorization_code::claims;
use serde_json::{Value, json};

fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_else(|| panic!("no {name} in {value}")).to_owned()
}

fn sid(answer: &Value) -> String {
    text(&claims(&text(answer, "access_token")), "sid")
}

async fn is_out(server: &TestServer, answer: &Value) {
    let refused = server.renew(&text(answer, "refresh_token")).await.expect(400);
    assert_eq!(refused.text_at("error"), "invalid_grant");
}

on_both_databases! {
    async fn what_had_expired_is_not_revoked_any_more(server: TestServer) {
        server.person("ada@example.com").await;
        let expired = server.with_password("ada@example.com").await.expect(200).json();
        server.clock.advance_seconds(400 * 86_400);
        let revoke = json!({"session_id": sid(&expired)});
        server.management().post("/user_management/sessions/revoke", revoke).await.expect_code(400, "session_not_revocable");
        assert!(server.events("session.revoked").await.is_empty());
        is_out(&server, &expired).await;
    }

    async fn what_the_company_ends_is_over_at_once(server: TestServer) {
        let user = server.person("ada@example.com").await;
        let management = server.management();
        let acme = management.organization("Acme").await;
        let membership = management.member(&user.to_string(), &acme).await["id"].as_str().unwrap().to_owned();
        let sign_in = async || server.with_password("ada@example.com").await.expect(200).json();

        let revoked = sign_in().await;
        let revoke = json!({"session_id": sid(&revoked)});
        assert_eq!(management.post("/user_management/sessions/revoke", revoke.clone()).await.expect(200).text_at("status"), "revoked");
        is_out(&server, &revoked).await;
        management.post("/user_management/sessions/revoke", revoke).await.expect_code(400, "session_not_revocable");

        let suspended = sign_in().await;
        let path = format!("/user_management/organization_memberships/{membership}");
        management.put(&format!("{path}/deactivate"), json!({})).await.expect(200);
        is_out(&server, &suspended).await;
        management.put(&format!("{path}/reactivate"), json!({})).await.expect(200);
        is_out(&server, &suspended).await;

        let removed = sign_in().await;
        management.delete(&path).await.expect(200);
        is_out(&server, &removed).await;
        management.member(&user.to_string(), &acme).await;

        let dissolved = sign_in().await;
        management.delete(&format!("/organizations/{acme}")).await.expect(200);
        is_out(&server, &dissolved).await;

        let changed = sign_in().await;
        let path = format!("/user_management/users/{user}");
        management.put(&path, json!({"password": "another-violet-tractor-77"})).await.expect(200);
        is_out(&server, &changed).await;
        management.put(&path, json!({"password": PASSWORD})).await.expect(200);

        let deleted = sign_in().await;
        management.delete(&path).await;
        is_out(&server, &deleted).await;
    }

    async fn what_the_person_ends_is_over_at_once(server: TestServer) {
        server.register(REDIRECT_URI).await;
        server.person("ada@example.com").await;
        let mut browser = Browser::new(&server);
        let here = server.through_the_browser(&mut browser, "ada@example.com").await;
        let waiting = browser.open(&server.ask_with_challenge("")).await.sent("code").unwrap();
        let elsewhere = server.with_password("ada@example.com").await.expect(200).json();
        let page = browser.open("/sign-out").await;
        browser.submit(&page, "/sign-out", &[("decision", "sign_out")]).await;
        is_out(&server, &here).await;
        assert_eq!(server.hand_in(&waiting).await.expect(400).text_at("error"), "invalid_grant", "a code ends with its session");
        let renewed = server.renew(&text(&elsewhere, "refresh_token")).await.expect(200).json();

        let here = server.through_the_browser(&mut browser, "ada@example.com").await;
        let page = browser.open("/account").await;
        browser.submit(&page, "/account/sign-out-everywhere", &[]).await;
        is_out(&server, &here).await;
        is_out(&server, &renewed).await;

        let before = server.with_password("ada@example.com").await.expect(200).json();
        let page = browser.open("/forgot-password").await;
        browser.submit(&page, "/forgot-password", &[("email", "ada@example.com")]).await;
        let mail = server.mails("ada@example.com").await.remove(0);
        let link = mail.text.split_whitespace().find(|word| word.contains("/reset-password?token=")).unwrap().to_owned();
        let page = browser.open(&link[server.base_url.len()..]).await;
        browser.submit(&page, "/reset-password", &[("password", "another-violet-tractor-77")]).await;
        is_out(&server, &before).await;
    }

    async fn logging_out_ends_the_session_and_leads_back(server: TestServer) {
        server.register(REDIRECT_URI).await;
        server.person("ada@example.com").await;
        let logout = |session: &str, more: &str| format!("/user_management/sessions/logout?session_id={session}{more}");
        let mut browser = Browser::new(&server);
        let answer = server.through_the_browser(&mut browser, "ada@example.com").await;
        let first = server.anonymous().get(&logout("session_00000000000000000000000000", "")).await.expect(302);
        assert_eq!(first.header("location"), Some("/signed-out"), "nowhere else is configured");
        for uri in ["https://app.example/bye", "https://app.example/bye?x=1"] {
            let body = json!({"uri": uri, "purpose": "sign_out"});
            server.management().post("/user_management/redirect_uris", body).await.expect(201);
        }
        let page = browser.open("/user_management/sessions/logout").await;
        assert!(page.status == 422 && page.left_to.is_none());
        assert_eq!(browser.open("/account").await.path, "/account", "still signed in");
        let page = browser.open(&logout(&sid(&answer), "&return_to=https%3A%2F%2Fapp.example%2Fbye%3Fx%3D1")).await;
        assert_eq!(page.left_to.as_deref(), Some("https://app.example/bye?x=1"));
        assert!(!browser.has_cookie("cs_session"));
        assert!(browser.open("/account").await.path.starts_with("/sign-in"));
        is_out(&server, &answer).await;
        let again = browser.open(&logout(&sid(&answer), "")).await;
        assert_eq!(again.left_to.as_deref(), Some("https://app.example/bye"), "an ended session is no error");
    }

    async fn threat_31_logging_out_leads_to_listed_places_only(server: TestServer) {
        server.register(REDIRECT_URI).await;
        let body = json!({"uri": "https://app.example/bye", "purpose": "sign_out"});
        server.management().post("/user_management/redirect_uris", body).await.expect(201);
        for wanted in [
            "https%3A%2F%2Fevil.example%2F", "%2F%2Fevil.example", "https%3A%2F%2Fapp.example%2Fbye%2F", "https%3A%2F%2Fapp.example%40evil.example%2Fbye",
            "https%3A%2F%2Fapp.example%2Fcb", "javascript%3Aalert(1)", "https%3A%2F%2Fapp.example%2Fbye%0d%0aX%3A1", "%5C%5Cevil.example", "",
        ] {
            let path = format!("/user_management/sessions/logout?session_id=session_x&return_to={wanted}");
            let answer = server.anonymous().get(&path).await.expect(302);
            assert_eq!(answer.header("location"), Some("https://app.example/bye"), "{wanted}");
        }
    }

    async fn one_persons_logout_is_not_anothers(server: TestServer) {
        server.register(REDIRECT_URI).await;
        server.person("ada@example.com").await;
        server.person("grace@example.com").await;
        let mut browser = Browser::new(&server);
        let adas = server.through_the_browser(&mut browser, "ada@example.com").await;
        let graces = server.with_password("grace@example.com").await.expect(200).json();
        let another = server.another_environment().await;
        // In another environment it identifies no session.
        let there = server.anonymous().with_host(&another.authority);
        there.get(&format!("/user_management/sessions/logout?session_id={}", sid(&adas))).await.expect(302);
        browser.open(&format!("/user_management/sessions/logout?session_id={}", sid(&graces))).await;
        is_out(&server, &graces).await;
        assert_eq!(browser.open("/account").await.path, "/account", "who is signed in here is somebody else");
        let adas = server.renew(&text(&adas, "refresh_token")).await.expect(200).json();
        // A session of the same user also ends the browser's session, which replaced the named one.
        let elsewhere = server.with_password("ada@example.com").await.expect(200).json();
        browser.open(&format!("/user_management/sessions/logout?session_id={}", sid(&elsewhere))).await;
        is_out(&server, &elsewhere).await;
        is_out(&server, &adas).await;
    }
}
