//! An environment's policy on signing in and session length also applies at `/user_management`.

use crate::harness::{Browser, PASSWORD, REDIRECT_URI, TestServer, on_both_databases};
use crate::hosted::authorization_code::claims;
use serde_json::json;

const MAGIC: &str = "urn:workos:oauth:grant-type:magic-auth:code";

on_both_databases! {
    async fn a_method_that_is_turned_off_does_not_sign_in(server: TestServer) {
        let user = server.person("ada@example.com").await;
        let management = server.management();
        for name in ["Acme", "Globex"] {
            let organization = management.organization(name).await;
            server.member(user, &organization).await;
        }
        let asked = server.with_password("ada@example.com").await.expect(403).json();
        server.declare("[environment.authentication]\npassword = false\n").await.done();
        server.with_password("ada@example.com").await.expect_code(403, "email_password_auth_disabled");
        let wrong = server.authenticate("password", &[("email", "ada@example.com"), ("password", "wrong")]).await;
        wrong.expect_code(403, "email_password_auth_disabled");
        // A sign-in that was already pending cannot be completed.
        let organization = asked["organizations"][0]["id"].as_str().unwrap();
        let fields = [("pending_authentication_token", asked["pending_authentication_token"].as_str().unwrap()), ("organization_id", organization)];
        server.authenticate("urn:workos:oauth:grant-type:organization-selection", &fields).await.expect_code(403, "email_password_auth_disabled");

        server.declare("[environment.authentication]\npassword = true\nmagic_auth = false\n").await.done();
        let fields = [("email", "ada@example.com"), ("code", "000000")];
        server.authenticate(MAGIC, &fields).await.expect_code(403, "authentication_method_not_allowed");
        server.with_password("ada@example.com").await.expect(403);
    }

    async fn a_session_lasts_as_long_as_the_environment_says(server: TestServer) {
        server.person("ada@example.com").await;
        let old = server.with_password("ada@example.com").await.expect(200).text_at("refresh_token");
        server.declare("[environment.sessions]\nmaximum_length = 7200\ninactivity_timeout = 3600\n").await.done();
        let mut used = server.with_password("ada@example.com").await.expect(200).text_at("refresh_token");
        let unused = server.with_password("ada@example.com").await.expect(200).text_at("refresh_token");
        for _ in 0..2 {
            server.clock.advance_seconds(3500);
            used = server.renew(&used).await.expect(200).text_at("refresh_token");
        }
        server.renew(&unused).await.expect(400);
        server.renew(&old).await.expect(400);
        server.clock.advance_seconds(300);
        assert_eq!(server.renew(&used).await.expect(400).text_at("error"), "invalid_grant", "two hours are over");
    }

    async fn who_is_invited_signs_up_where_nobody_else_may(server: TestServer) {
        server.register(REDIRECT_URI).await;
        server.declare("[environment.authentication]\nsign_up = false\n").await.done();
        let mut browser = Browser::new(&server);
        let page = browser.open(&server.ask_with_challenge("&screen_hint=sign-up")).await;
        assert!(page.path.starts_with("/sign-in"), "{}", page.path);
        let management = server.management();
        let acme = management.organization("Acme").await;
        let body = json!({"email": "grace@example.com", "organization_id": acme});
        let token = management.post("/user_management/invitations", body).await.expect(201).text_at("token");
        let page = browser.open(&server.ask_with_challenge(&format!("&invitation_token={token}"))).await;
        let other = browser.submit(&page, "/sign-up", &[("email", "mallory@example.com"), ("password", PASSWORD)]).await;
        assert_eq!(other.status, 403, "the invitation is for one address");
        let page = browser.submit(&page, "/sign-up", &[("password", PASSWORD)]).await;
        let code = server.mailed_code("grace@example.com").await;
        let page = browser.submit(&page, "/sign-in/code", &[("code", &code)]).await;
        let answer = server.hand_in(&page.sent("code").unwrap()).await.expect(200).json();
        assert_eq!(answer["organization_id"], json!(acme));
    }

    async fn an_invitation_lets_in_nobody_else_by_code(server: TestServer) {
        server.declare("[environment.authentication]\nsign_up = false\n").await.done();
        let management = server.management();
        let body = json!({"email": "grace@example.com"});
        let token = management.post("/user_management/invitations", body).await.expect(201).text_at("token");
        let ask = async |email: &str, token: Option<&str>| {
            management.post("/user_management/magic_auth", json!({"email": email, "invitation_token": token})).await
        };
        for (email, token) in [("mallory@example.com", Some(token.as_str())), ("mallory@example.com", None), ("grace@example.com", None)] {
            assert_eq!(ask(email, token).await.expect(400).text_at("error"), "sign_up_not_allowed", "{email}");
        }
        ask("Grace@example.com", Some(&token)).await.expect(201);
        server.declare("[environment.authentication]\nmagic_auth = false\n").await.done();
        let refused = ask("grace@example.com", Some(&token)).await.expect(400);
        assert_eq!(refused.text_at("error"), "authentication_method_not_allowed");
    }

    async fn the_template_of_the_environment_is_in_session_tokens(server: TestServer) {
        let user = server.person("ada@example.com").await;
        let management = server.management();
        let acme = management.organization("Acme").await;
        server.member(user, &acme).await;
        let content = r#"{"email": "{{ user.email }}", "company": "{{ organization.name || 'none' }}", "aud": "api", "sid": "forged", "client_id": "forged", "role": "{{ organization_membership.role.slug }}!"}"#;
        management.put("/user_management/jwt_template", json!({"content": content})).await.expect(200);
        let answer = server.with_password("ada@example.com").await.expect(200).json();
        let token = claims(answer["access_token"].as_str().unwrap());
        assert_eq!((&token["email"], &token["company"], &token["aud"]), (&json!("ada@example.com"), &json!("Acme"), &json!("api")));
        assert_eq!((&token["role"], &token["org_id"]), (&json!("member!"), &json!(acme)));
        assert!(token["sid"].as_str().unwrap().starts_with("session_") && token.get("client_id").is_none(), "{token}");
        // Even with an audience it is not an OAuth token.
        let introspector = server.introspector().await;
        let told = server.introspected(&introspector, answer["access_token"].as_str().unwrap()).await;
        assert_eq!(told, json!({"active": false}));
        let long = format!(r#"{{"long": "{}"}}"#, "{{ user.metadata.text }}".repeat(6));
        management.put("/user_management/jwt_template", json!({"content": long})).await.expect(200);
        let path = format!("/user_management/users/{user}");
        management.put(&path, json!({"metadata": {"text": "x".repeat(600)}})).await.expect(200);
        let refresh_token = answer["refresh_token"].as_str().unwrap();
        assert_eq!(server.renew(refresh_token).await.expect(400).text_at("error"), "token_too_big");
        management.put(&path, json!({"metadata": {"text": null}})).await.expect(200);
        server.clock.advance_seconds(60);
        server.renew(refresh_token).await.expect(200);
    }
}
