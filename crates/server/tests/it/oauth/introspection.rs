//! `POST /oauth2/introspection`: what it returns about a token, and when the token is inactive.

use crate::harness::{Browser, TestServer, on_both_databases};
use reqwest::Method;
use serde_json::{Value, json};

fn inactive() -> Value {
    json!({"active": false})
}

on_both_databases! {
    async fn an_active_token_is_described(server: TestServer) {
        let management = server.management();
        management.permission("posts:read").await;
        let organization = management.organization("Acme").await;
        let client_id = management.machine(&organization, &["posts:read"]).await["client_id"].as_str().unwrap().to_owned();
        let (_, secret) = management.secret(&client_id).await;
        let anonymous = server.anonymous();
        let token = anonymous.token(&client_id, &secret).await.expect(200).text_at("access_token");
        let seen = anonymous.introspect(&client_id, &secret, &token).await;
        assert_eq!(seen["active"], true);
        assert_eq!(seen["token_type"], "access_token");
        assert_eq!(seen["client_id"], client_id.as_str());
        assert_eq!(seen["sub"], client_id.as_str());
        assert_eq!(seen["aud"], server.client_id.as_str());
        assert_eq!(seen["iss"], server.base_url.as_str());
        assert_eq!(seen["org_id"], organization.as_str());
        assert_eq!(seen["scope"], "posts:read");
        assert_eq!(seen["exp"].as_i64().unwrap() - seen["iat"].as_i64().unwrap(), 300);
        assert_eq!(seen["jti"].as_str().unwrap().len(), 26);
        assert!(seen.get("sid").is_none());

        // Another confidential client of the environment may introspect too, with Basic authentication and with a JSON
        // body, with any hint.
        let (other, other_secret) = management.credential(&[]).await;
        let post = || anonymous.request(Method::POST, "/oauth2/introspection").basic_auth(&other, Some(&other_secret));
        for hint in ["access_token", "refresh_token", "nonsense"] {
            let form = [("token", token.as_str()), ("token_type_hint", hint)];
            assert_eq!(anonymous.send(post().form(&form)).await.expect(200).json(), seen);
        }
        assert_eq!(anonymous.send(post().json(&json!({"token": token}))).await.expect(200).json(), seen);
    }

    async fn a_refresh_token_is_worth_what_the_token_endpoint_gives_for_it(server: TestServer) {
        let management = server.management();
        for slug in ["posts:read", "posts:write"] {
            management.permission(slug).await;
        }
        let application = server.application("forum", false, &["posts:read", "posts:write"]).await;
        let introspector = server.introspector().await;
        server.person("ada@example.com").await;
        let mut browser = Browser::new(&server);
        let page = browser.open(&application.authorize("&scope=openid+offline_access+posts:read+posts:write")).await;
        let page = server.sign_in(&mut browser, &page, "ada@example.com").await;
        let tokens = server.redeem(&application, &page.sent("code").unwrap()).await.expect(200);
        let token = tokens.text_at("refresh_token");
        assert_eq!(server.introspected(&introspector, &token).await["scope"], "openid offline_access posts:read posts:write");
        let path = format!("/connect/applications/{}", application.client_id);
        management.put(&path, json!({"scopes": ["posts:read"]})).await.expect(200);
        assert_eq!(server.introspected(&introspector, &token).await["scope"], "openid offline_access posts:read");
        // A stricter policy also applies to tokens issued before.
        server.clock.advance_seconds(7200);
        assert_eq!(server.introspected(&introspector, &token).await["active"], true);
        server.declare("[environment.sessions]\ninactivity_timeout = 3600").await.done();
        assert_eq!(server.introspected(&introspector, &token).await, inactive());
        server.refresh(&application, &token).await.expect(400);
    }

    async fn a_client_must_prove_itself(server: TestServer) {
        let (client_id, secret) = server.management().credential(&[]).await;
        let anonymous = server.anonymous();
        let token = anonymous.token(&client_id, &secret).await.expect(200).text_at("access_token");
        for form in [
            vec![("token", token.as_str())],
            vec![("token", token.as_str()), ("client_id", client_id.as_str())],
            vec![("token", token.as_str()), ("client_id", client_id.as_str()), ("client_secret", "wrong")],
        ] {
            let answer = anonymous.form("/oauth2/introspection", &form).await.expect(401);
            assert_eq!(answer.text_at("error"), "invalid_client");
            assert!(answer.header("www-authenticate").is_some());
        }
        let without_token = [("client_id", client_id.as_str()), ("client_secret", secret.as_str())];
        let answer = anonymous.form("/oauth2/introspection", &without_token).await.expect(400);
        assert_eq!(answer.text_at("error"), "invalid_request");
    }

    async fn whatever_is_no_token_of_ours_is_inactive_and_nothing_else(server: TestServer) {
        let (client_id, secret) = server.management().credential(&[]).await;
        let anonymous = server.anonymous();
        let token = anonymous.token(&client_id, &secret).await.expect(200).text_at("access_token");
        let (head, signature) = token.rsplit_once('.').unwrap();
        let (header, payload) = head.split_once('.').unwrap();
        let altered = signature.replacen(|c: char| c.is_ascii_lowercase(), "A", 1);
        let long = "a".repeat(20_000);
        for bad in [
            "x", "a.b.c", "..", header, head,
            &format!("{head}."),
            &format!("{head}.{altered}"),
            &format!("eyJhbGciOiJub25lIn0.{payload}."),
            &format!("{token}.{signature}"),
            &format!(" {token}"),
            &secret, &server.api_key, &client_id, &long,
        ] {
            assert_eq!(anonymous.introspect(&client_id, &secret, bad).await, inactive(), "{bad}");
        }
        assert_eq!(anonymous.introspect(&client_id, &secret, &token).await["active"], true);
    }

    async fn an_expired_token_is_inactive(server: TestServer) {
        let (client_id, secret) = server.management().credential(&[]).await;
        let anonymous = server.anonymous();
        let token = anonymous.token(&client_id, &secret).await.expect(200).text_at("access_token");
        server.clock.advance_seconds(298);
        assert_eq!(anonymous.introspect(&client_id, &secret, &token).await["active"], true);
        server.clock.advance_seconds(3);
        assert_eq!(anonymous.introspect(&client_id, &secret, &token).await, inactive());
    }

    async fn a_deleted_secret_ends_its_tokens_and_no_others(server: TestServer) {
        let management = server.management();
        let organization = management.organization("Acme").await;
        let client_id = management.machine(&organization, &[]).await["client_id"].as_str().unwrap().to_owned();
        let (first_id, first) = management.secret(&client_id).await;
        let (_, second) = management.secret(&client_id).await;
        let anonymous = server.anonymous();
        let of_first = anonymous.token(&client_id, &first).await.expect(200).text_at("access_token");
        let of_second = anonymous.token(&client_id, &second).await.expect(200).text_at("access_token");
        management.delete(&format!("/connect/client_secrets/{first_id}")).await.expect(204);
        assert_eq!(anonymous.introspect(&client_id, &second, &of_first).await, inactive());
        assert_eq!(anonymous.introspect(&client_id, &second, &of_second).await["active"], true);
        anonymous.form("/oauth2/introspection", &[("client_id", &client_id), ("client_secret", &first), ("token", &of_second)]).await.expect(401);
    }

    async fn a_deleted_application_ends_its_tokens(server: TestServer) {
        let management = server.management();
        let (watcher, watcher_secret) = management.credential(&[]).await;
        let (client_id, secret) = management.credential(&[]).await;
        let anonymous = server.anonymous();
        let token = anonymous.token(&client_id, &secret).await.expect(200).text_at("access_token");
        assert_eq!(anonymous.introspect(&watcher, &watcher_secret, &token).await["active"], true);
        management.delete(&format!("/connect/applications/{client_id}")).await.expect(204);
        assert_eq!(anonymous.introspect(&watcher, &watcher_secret, &token).await, inactive());
        anonymous.token(&client_id, &secret).await.expect(401);
    }

    async fn a_deleted_organization_ends_its_tokens(server: TestServer) {
        let management = server.management();
        let (watcher, watcher_secret) = management.credential(&[]).await;
        let organization = management.organization("Gone").await;
        let client_id = management.machine(&organization, &[]).await["client_id"].as_str().unwrap().to_owned();
        let (_, secret) = management.secret(&client_id).await;
        let anonymous = server.anonymous();
        let token = anonymous.token(&client_id, &secret).await.expect(200).text_at("access_token");
        assert_eq!(anonymous.introspect(&watcher, &watcher_secret, &token).await["active"], true);
        management.delete(&format!("/organizations/{organization}")).await.expect(200);
        assert_eq!(anonymous.introspect(&watcher, &watcher_secret, &token).await, inactive());
        anonymous.token(&client_id, &secret).await.expect(401);
        management.get(&format!("/connect/applications/{client_id}")).await.expect(404);
    }

    async fn get_is_not_a_way_to_ask(server: TestServer) {
        let answer = server.anonymous().get("/oauth2/introspection?token=x").await.expect(405);
        assert_eq!(answer.header("content-type"), Some("application/json"));
    }
}
