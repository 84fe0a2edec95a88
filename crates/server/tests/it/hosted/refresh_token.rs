//! Refresh tokens: rotation, legitimate retries, and theft.

use crate::harness::{Application, Browser, TestServer, assert_keys, on_both_databases};
use serde_json::{Value, json};

/// Signs a user in; returns an application's tokens.
async fn tokens(server: &TestServer, application: &Application) -> Value {
    server.person("ada@example.com").await;
    let mut browser = Browser::new(server);
    let page = browser.open(&application.authorize("&scope=openid+email+offline_access")).await;
    let page = server.sign_in(&mut browser, &page, "ada@example.com").await;
    server.redeem(application, &page.sent("code").unwrap()).await.expect(200).json()
}

fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_else(|| panic!("no {name} in {value}")).to_owned()
}

on_both_databases! {
    async fn every_use_gives_a_new_token_and_an_honest_retry_the_same(server: TestServer) {
        let application = server.application("forum", true, &[]).await;
        let first = text(&tokens(&server, &application).await, "refresh_token");
        let second = server.refresh(&application, &first).await.expect(200).json();
        assert_ne!(first, text(&second, "refresh_token"));
        assert!(second["id_token"].is_string());
        let retried = server.refresh(&application, &first).await.expect(200);
        assert_eq!(retried.text_at("refresh_token"), text(&second, "refresh_token"), "no second branch");
        let third = server.refresh(&application, &text(&second, "refresh_token")).await.expect(200).text_at("refresh_token");
        server.refresh(&application, &third).await.expect(200);
    }

    async fn a_token_that_was_spent_long_ago_ends_the_family(server: TestServer) {
        let application = server.application("forum", false, &[]).await;
        let issued = tokens(&server, &application).await;
        let first = text(&issued, "refresh_token");
        let second = server.refresh(&application, &first).await.expect(200).json();
        server.clock.advance_seconds(31);
        let introspector = server.introspector().await;
        let fresh = server.refresh(&application, &text(&second, "refresh_token")).await.expect(200).json();
        assert_eq!(server.introspected(&introspector, &text(&fresh, "access_token")).await["active"], true);
        assert_eq!(server.refresh(&application, &first).await.expect(400).text_at("error"), "invalid_grant");
        server.refresh(&application, &text(&fresh, "refresh_token")).await.expect(400);
        for token in ["access_token", "refresh_token"] {
            assert_eq!(server.introspected(&introspector, &text(&fresh, token)).await, json!({"active": false}));
        }
        let told = server.management().get("/events?events=oauth.refresh_token_reused").await.expect_list();
        assert_eq!(told.len(), 1);
        assert_keys(&told[0]["data"], &["application_id", "consent_id", "id", "object", "organization_id", "user_id"]);
        assert_eq!(told[0]["data"]["object"], "oauth_grant");
    }

    async fn many_refreshes_at_once_make_one_successor(server: TestServer) {
        let application = server.application("forum", true, &[]).await;
        let first = text(&tokens(&server, &application).await, "refresh_token");
        let (a, b, c) = tokio::join!(
            server.refresh(&application, &first), server.refresh(&application, &first), server.refresh(&application, &first),
        );
        let successors: Vec<String> =
            [a, b, c].map(|answer| answer.expect(200).text_at("refresh_token")).into();
        assert!(successors.windows(2).all(|pair| pair[0] == pair[1]));
    }

    async fn a_refresh_token_is_its_clients_alone(server: TestServer) {
        let (application, other) = (server.application("forum", true, &[]).await, server.application("docs", true, &[]).await);
        let issued = tokens(&server, &application).await;
        let refresh_token = text(&issued, "refresh_token");
        server.refresh(&other, &refresh_token).await.expect(400);
        let narrowed = [("grant_type", "refresh_token"), ("refresh_token", &refresh_token), ("client_id", &application.client_id), ("scope", "openid posts:read")];
        assert_eq!(server.anonymous().form("/oauth2/token", &narrowed).await.expect(400).text_at("error"), "invalid_scope");
        let introspector = server.introspector().await;
        let told = server.introspected(&introspector, &refresh_token).await;
        assert_eq!((&told["active"], &told["token_type"]), (&json!(true), &json!("refresh_token")));

        let revoke = |client_id: String| {
            let (anonymous, refresh_token) = (server.anonymous(), refresh_token.clone());
            async move { anonymous.form("/oauth2/revoke", &[("token", refresh_token.as_str()), ("client_id", &client_id)]).await }
        };
        revoke(other.client_id.clone()).await.expect(200);
        server.refresh(&application, &refresh_token).await.expect(200);
        revoke(application.client_id.clone()).await.expect(200);
        server.refresh(&application, &refresh_token).await.expect(400);
        let access = server.introspected(&introspector, &text(&issued, "access_token")).await;
        assert_eq!(access, json!({"active": false}), "its access tokens end with it");
    }

    async fn threat_21_an_unused_token_expires_and_so_does_the_whole_authorization(server: TestServer) {
        let application = server.application("forum", true, &[]).await;
        let mut refresh_token = text(&tokens(&server, &application).await, "refresh_token");
        for _ in 0..5 {
            server.clock.advance_seconds(6 * 86_400);
            let answer = server.refresh(&application, &refresh_token).await;
            if answer.status == 400 {
                return assert!(server.clock.now().as_secs() > 0);
            }
            refresh_token = answer.expect(200).text_at("refresh_token");
        }
        server.refresh(&application, &refresh_token).await.expect(400);
    }
}
