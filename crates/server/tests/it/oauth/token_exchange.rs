//! `grant_type=urn:ietf:params:oauth:grant-type:token-exchange` (RFC 8693): an API calls the next one on behalf of the
//! same user.

use crate::harness::{Answer, Application, Browser, TestServer, VERIFIER, on_both_databases};
use crate::hosted::authorization_code::claims;
use serde_json::{Value, json};

/// The resources: the gateway, and the API behind it.
const MCP: &str = "https://gateway.example/mcp";
const API: &str = "https://api.example/";
const EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";

/// A partner's token for a user and the first resource, and a first-party application that is called with it.
struct Call {
    token: String,
    refresh_token: String,
    partner: Application,
    gateway: Application,
    user: String,
}

impl Call {
    async fn make(server: &TestServer) -> Self {
        let management = server.management();
        for scope in ["posts:read", "posts:write"] {
            management.permission(scope).await;
        }
        server.declare(&format!("resources = [\"{MCP}\", \"{API}\"]\n")).await.done();
        let user = server.person("ada@example.com").await.to_string();
        let partner = server.application("third", false, &["posts:read", "posts:write"]).await;
        let gateway = server.application("gateway", false, &[]).await;
        let mut browser = Browser::new(server);
        let ask = format!("&scope=openid+offline_access+posts:read+posts:write&resource={}", encoded(MCP));
        let page = browser.open(&partner.authorize(&ask)).await;
        let page = server.sign_in(&mut browser, &page, "ada@example.com").await;
        let page = browser.submit(&page, "/consent", &[("decision", "allow")]).await;
        let form = [
            ("grant_type", "authorization_code"),
            ("code", &page.sent("code").unwrap()),
            ("redirect_uri", &partner.redirect_uri),
            ("code_verifier", VERIFIER),
            ("client_id", &partner.client_id),
            ("client_secret", partner.secret.as_ref().unwrap()),
        ];
        let tokens = server.anonymous().form("/oauth2/token", &form).await.expect(200);
        let (token, refresh_token) = (tokens.text_at("access_token"), tokens.text_at("refresh_token"));
        Self { token, refresh_token, partner, gateway, user }
    }

    /// Exchanges a token as the gateway; parameters in `more` replace the defaults, and empty ones are omitted.
    async fn exchange(&self, server: &TestServer, more: &[(&str, &str)]) -> Answer {
        let mut form = vec![
            ("grant_type", EXCHANGE),
            ("subject_token", self.token.as_str()),
            ("subject_token_type", ACCESS_TOKEN),
            ("resource", API),
            ("client_id", &self.gateway.client_id),
            ("client_secret", self.gateway.secret.as_ref().unwrap()),
        ];
        for (name, value) in more {
            form.retain(|(known, _)| known != name);
            if !value.is_empty() {
                form.push((name, value));
            }
        }
        server.anonymous().form("/oauth2/token", &form).await
    }
}

fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

on_both_databases! {
    async fn an_api_gets_a_token_for_the_next_one_that_says_who_acts(server: TestServer) {
        let call = Call::make(&server).await;
        server.clock.advance_seconds(100);
        let answer = call.exchange(&server, &[("scope", "posts:read")]).await.expect(200);
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        let answer = answer.json();
        assert_eq!(answer["issued_token_type"], ACCESS_TOKEN);
        assert_eq!((&answer["token_type"], &answer["scope"]), (&json!("Bearer"), &json!("posts:read")));
        let lives = answer["expires_in"].as_i64().unwrap();
        assert!((150..=200).contains(&lives), "no longer than the token it was made of: {lives}");
        assert!(answer.get("refresh_token").is_none() && answer.get("id_token").is_none());

        let (before, token) = (claims(&call.token), answer["access_token"].as_str().unwrap().to_owned());
        let after = claims(&token);
        assert_eq!((&after["aud"], &after["scope"]), (&json!(API), &json!("posts:read")));
        for carried in ["iss", "sub", "sid", "grant_id", "exp"] {
            assert_eq!(after[carried], before[carried], "{carried}");
        }
        assert_eq!(after["sub"], json!(call.user));
        assert_eq!(after["client_id"], json!(call.gateway.client_id));
        assert_eq!(after["act"]["sub"], json!(call.gateway.client_id));
        assert!(after["act"].get("act").is_none() && after.get("credential_id").is_none());
        let introspector = server.introspector().await;
        let introspected = server.introspected(&introspector, &token).await;
        assert_eq!((&introspected["active"], &introspected["aud"]), (&json!(true), &json!(API)));
        assert_eq!(introspected["act"], after["act"]);

        // The API that the token is for may exchange it again, and nobody else; the earlier actor is still listed.
        let behind = server.application("api", false, &[]).await;
        assert_eq!(call.exchange(&server, &[("subject_token", &token), ("resource", MCP)]).await.expect(400).text_at("error"), "invalid_request");
        let as_api = [
            ("subject_token", token.as_str()), ("resource", MCP),
            ("client_id", &behind.client_id), ("client_secret", behind.secret.as_ref().unwrap()),
        ];
        let again = call.exchange(&server, &as_api).await.expect(200).text_at("access_token");
        let claimed = claims(&again);
        assert_eq!((&claimed["act"]["sub"], &claimed["act"]["act"]), (&json!(behind.client_id), &after["act"]));
        assert_eq!((&claimed["scope"], &claimed["aud"]), (&json!("posts:read"), &json!(MCP)));
        assert_eq!(server.introspected(&introspector, &again).await["active"], true);
        let stolen = [as_api[2], as_api[3]];
        let refused = call.exchange(&server, &stolen).await.expect(400);
        assert_eq!(refused.text_at("error"), "invalid_request", "the first token is not for the API behind");
        // Each link of the chain is required: the first one's secret is deleted.
        let secrets = server.management().get(&format!("/connect/applications/{}/client_secrets", call.gateway.client_id)).await.json();
        let by_audience_first = call.exchange(&server, &[("resource", ""), ("audience", API)]).await.expect(200);
        server.management().delete(&format!("/connect/client_secrets/{}", secrets[0]["id"].as_str().unwrap())).await.expect(204);
        assert_eq!(server.introspected(&introspector, &again).await["active"], false);
        assert_eq!(claims(&by_audience_first.text_at("access_token"))["aud"], json!(API));
    }

    async fn nothing_becomes_more_by_an_exchange(server: TestServer) {
        let call = Call::make(&server).await;
        let refused = async |more: &[(&str, &str)], error: &str| {
            let answer = call.exchange(&server, more).await.expect(400);
            assert_eq!(answer.text_at("error"), error, "{more:?}");
        };
        let less = call.exchange(&server, &[("scope", "posts:read"), ("resource", MCP)]).await.expect(200).text_at("access_token");
        refused(&[("subject_token", &less), ("scope", "posts:read posts:write")], "invalid_scope").await;
        refused(&[("scope", "posts:read email")], "invalid_scope").await;
        for (name, value) in [("resource", ""), ("resource", "https://other.example/"), ("audience", MCP)] {
            refused(&[(name, value)], "invalid_target").await;
        }
        refused(&[("subject_token", "nonsense")], "invalid_request").await;
        refused(&[("subject_token", &call.refresh_token)], "invalid_request").await;
        refused(&[("subject_token_type", "urn:ietf:params:oauth:token-type:refresh_token")], "invalid_request").await;
        refused(&[("requested_token_type", "urn:ietf:params:oauth:token-type:refresh_token")], "invalid_request").await;
        refused(&[("actor_token", &less), ("actor_token_type", ACCESS_TOKEN)], "invalid_request").await;
        refused(&[("subject_token", "")], "invalid_request").await;
        // A machine's token, and a session's token.
        let (client_id, secret) = server.management().credential(&[]).await;
        let machine = server.anonymous().token(&client_id, &secret).await.expect(200).text_at("access_token");
        refused(&[("subject_token", &machine)], "invalid_request").await;
        let session = server.with_password("ada@example.com").await.expect(200).text_at("access_token");
        refused(&[("subject_token", &session)], "invalid_request").await;
        server.clock.advance_seconds(300);
        refused(&[], "invalid_request").await;
    }

    async fn threat_46_a_scope_taken_from_the_authorized_application_is_in_no_exchanged_token(server: TestServer) {
        let call = Call::make(&server).await;
        let management = server.management();
        let scope = async |more: &[(&str, &str)]| call.exchange(&server, more).await.expect(200).text_at("scope");
        assert_eq!(scope(&[]).await, "openid posts:read posts:write");
        management.put(&format!("/connect/applications/{}", call.partner.client_id), json!({"scopes": ["posts:read"]})).await.expect(200);
        assert_eq!(scope(&[]).await, "openid posts:read");
        let refused = call.exchange(&server, &[("scope", "posts:read posts:write")]).await.expect(400);
        assert_eq!(refused.text_at("error"), "invalid_scope");
        let introspector = server.introspector().await;
        let old = server.introspected(&introspector, &call.token).await;
        assert!(old["active"] == true && old["scope"].as_str().unwrap().contains("posts:write"), "the old one keeps its own: {old}");
        // A deleted permission is granted to nobody.
        assert!(management.delete("/authorization/permissions/posts:read").await.status < 300);
        assert_eq!(scope(&[]).await, "openid");
    }

    async fn a_token_that_a_template_has_made_another_applications_is_not_exchanged(server: TestServer) {
        let call = Call::make(&server).await;
        let mut browser = Browser::new(&server);
        let page = browser.open(&call.gateway.authorize("&scope=openid")).await;
        server.sign_in(&mut browser, &page, "ada@example.com").await.sent("code").unwrap();
        let mut token_for = async |audience: &str| {
            server.declare(&format!("jwt_template = '{{\"aud\": \"{audience}\"}}'\n")).await.done();
            let page = browser.open(&call.gateway.authorize("&scope=openid")).await;
            server.redeem(&call.gateway, &page.sent("code").unwrap()).await.expect(200).text_at("access_token")
        };
        let theirs = token_for(&call.partner.client_id).await;
        assert_eq!(claims(&theirs)["aud"], json!(call.partner.client_id));
        let refused = call.exchange(&server, &[("subject_token", &theirs)]).await.expect(400);
        assert_eq!(refused.text_at("error"), "invalid_request");
        for good in [&call.gateway.client_id, &server.client_id] {
            let token = token_for(good).await;
            call.exchange(&server, &[("subject_token", &token)]).await.expect(200);
        }
    }

    async fn only_our_own_applications_with_a_secret_exchange(server: TestServer) {
        let call = Call::make(&server).await;
        let partner = [("client_id", call.partner.client_id.as_str()), ("client_secret", call.partner.secret.as_ref().unwrap())];
        assert_eq!(call.exchange(&server, &partner).await.expect(400).text_at("error"), "unauthorized_client");
        let (client_id, secret) = server.management().credential(&[]).await;
        let machine = [("client_id", client_id.as_str()), ("client_secret", secret.as_str())];
        assert_eq!(call.exchange(&server, &machine).await.expect(400).text_at("error"), "unauthorized_client");
        let public = server.application("public", true, &[]).await;
        let public = [("client_id", public.client_id.as_str()), ("client_secret", "")];
        assert_eq!(call.exchange(&server, &public).await.expect(400).text_at("error"), "unauthorized_client");
        assert_eq!(call.exchange(&server, &[("client_secret", "")]).await.expect(401).text_at("error"), "invalid_client");
        assert_eq!(call.exchange(&server, &[("client_secret", "wrong")]).await.expect(401).text_at("error"), "invalid_client");
        // Another environment knows neither the application nor the token.
        let another = server.another_environment().await;
        let form = [
            ("grant_type", EXCHANGE), ("subject_token", call.token.as_str()), ("subject_token_type", ACCESS_TOKEN), ("resource", API),
            ("client_id", &call.gateway.client_id), ("client_secret", call.gateway.secret.as_ref().unwrap()),
        ];
        let there = server.anonymous().with_host(&another.authority).form("/oauth2/token", &form).await;
        assert_eq!(there.expect(401).text_at("error"), "invalid_client");
    }

    async fn what_was_exchanged_ends_with_what_stands_behind_it(server: TestServer) {
        let call = Call::make(&server).await;
        let introspector = server.introspector().await;
        let active = async |token: &str| server.introspected(&introspector, token).await["active"] == true;
        let made = async || call.exchange(&server, &[]).await.expect(200).text_at("access_token");
        let gateway = ("client_id", call.gateway.client_id.as_str());
        let secret = ("client_secret", call.gateway.secret.as_deref().unwrap());

        // Revoked by the acting application: only that token.
        let (one, other) = (made().await, made().await);
        server.anonymous().form("/oauth2/revoke", &[("token", &one), gateway, secret]).await.expect(200);
        assert!(!active(&one).await && active(&other).await && active(&call.token).await);

        // The acting application's secret is deleted.
        let management = server.management();
        let secrets = format!("/connect/applications/{}/client_secrets", call.gateway.client_id);
        let listed: Value = management.get(&secrets).await.expect(200).json();
        let id = listed[0]["id"].as_str().unwrap();
        let fresh = management.secret(&call.gateway.client_id).await.1;
        management.delete(&format!("/connect/client_secrets/{id}")).await.expect(204);
        assert!(!active(&other).await && active(&call.token).await);

        // The user's consent is withdrawn.
        let last = call.exchange(&server, &[("client_secret", &fresh)]).await.expect(200).text_at("access_token");
        assert!(active(&last).await);
        let list = format!("/user_management/users/{}/authorized_applications", call.user);
        let listed = management.get(&list).await.expect(200).json();
        let id = listed["data"][0]["application"]["id"].as_str().unwrap();
        management.delete(&format!("{list}/{id}")).await.expect(204);
        assert!(!active(&last).await && !active(&call.token).await);
        let refused = call.exchange(&server, &[("client_secret", &fresh)]).await.expect(400);
        assert_eq!(refused.text_at("error"), "invalid_request");
    }

    async fn what_was_exchanged_ends_with_the_application_that_was_authorized(server: TestServer) {
        let call = Call::make(&server).await;
        let introspector = server.introspector().await;
        let token = call.exchange(&server, &[]).await.expect(200).text_at("access_token");
        assert_eq!(server.introspected(&introspector, &token).await["active"], true);
        server.management().delete(&format!("/connect/applications/{}", call.partner.client_id)).await.expect(204);
        assert_eq!(server.introspected(&introspector, &token).await["active"], false);
        let userinfo = server.anonymous().with_key(&token).get("/oauth2/userinfo").await;
        assert_eq!(userinfo.status, 401);
    }

    async fn a_token_that_is_all_there_was_takes_along_what_was_made_of_it(server: TestServer) {
        let call = Call::make(&server).await;
        let mut browser = Browser::new(&server);
        let page = browser.open(&call.partner.authorize(&format!("&scope=posts%3Aread&resource={}", encoded(MCP)))).await;
        let page = server.sign_in(&mut browser, &page, "ada@example.com").await;
        let form = [
            ("grant_type", "authorization_code"), ("code", &page.sent("code").unwrap()), ("redirect_uri", &call.partner.redirect_uri),
            ("code_verifier", VERIFIER), ("client_id", &call.partner.client_id), ("client_secret", call.partner.secret.as_ref().unwrap()),
        ];
        let first = server.anonymous().form("/oauth2/token", &form).await.expect(200).text_at("access_token");
        let made = call.exchange(&server, &[("subject_token", &first)]).await.expect(200).text_at("access_token");
        let introspector = server.introspector().await;
        let partner = [("client_id", call.partner.client_id.as_str()), ("client_secret", call.partner.secret.as_ref().unwrap())];
        server.anonymous().form("/oauth2/revoke", &[("token", first.as_str()), partner[0], partner[1]]).await.expect(200);
        for token in [&first, &made] {
            assert_eq!(server.introspected(&introspector, token).await["active"], false);
        }
        assert_eq!(server.introspected(&introspector, &call.token).await["active"], true, "the other authorization stands");
    }

    async fn what_a_template_adds_is_carried_along(server: TestServer) {
        let call = Call::make(&server).await;
        server.declare("jwt_template = '{\"mail\": \"{{ user.email }}\", \"aud\": \"urn:other\"}'\n").await.done();
        let token = claims(&call.exchange(&server, &[]).await.expect(200).text_at("access_token"));
        assert_eq!((&token["mail"], &token["aud"]), (&json!("ada@example.com"), &json!(API)));
    }
}
