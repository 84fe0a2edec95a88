//! `POST /oauth2/token` with `client_credentials`.

use crate::harness::{TestServer, on_both_databases};
use reqwest::Method;
use serde_json::{Value, json};

/// Returns a token's claims, verified with the server's own JWKS by an independent library.
pub async fn claims(server: &TestServer, token: &str) -> Value {
    let jwks = server.anonymous().get("/oauth2/jwks").await.expect(200);
    let jwks: jsonwebtoken::jwk::JwkSet = serde_json::from_str(&jwks.text).unwrap();
    let header = jsonwebtoken::decode_header(token).unwrap();
    let jwk = jwks.find(header.kid.as_deref().unwrap()).expect("the key is published");
    let mut checks = jsonwebtoken::Validation::new(header.alg);
    checks.set_issuer(&[&server.base_url]);
    checks.set_audience(&[&server.client_id]);
    checks.validate_exp = false;
    let key = jsonwebtoken::DecodingKey::from_jwk(jwk).unwrap();
    jsonwebtoken::decode::<Value>(token, &key, &checks).unwrap().claims
}

on_both_databases! {
    async fn a_token_names_the_organization_and_what_was_granted(server: TestServer) {
        let management = server.management();
        management.permission("posts:read").await;
        management.permission("posts:write").await;
        let organization = management.organization("Acme").await;
        let application = management.machine(&organization, &["posts:read", "posts:write"]).await;
        let client_id = application["client_id"].as_str().unwrap();
        let (secret_id, secret) = management.secret(client_id).await;

        let answer = server.anonymous().token(client_id, &secret).await.expect(200);
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert_eq!(answer.header("pragma"), Some("no-cache"));
        assert_eq!(answer.header("content-type"), Some("application/json"));
        let body = answer.json();
        assert_eq!(body["token_type"], "Bearer");
        assert_eq!(body["expires_in"], 300);
        assert_eq!(body["scope"], "posts:read posts:write");
        assert_eq!(body.as_object().unwrap().len(), 4, "no refresh token, no ID token");

        let claims = claims(&server, body["access_token"].as_str().unwrap()).await;
        assert_eq!(claims["iss"], server.base_url.as_str());
        assert_eq!(claims["aud"], server.client_id.as_str());
        assert_eq!(claims["sub"], client_id);
        assert_eq!(claims["client_id"], client_id);
        assert_eq!(claims["org_id"], organization.as_str());
        assert_eq!(claims["scope"], "posts:read posts:write");
        assert_eq!(claims["credential_id"], secret_id.as_str());
        assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 300);
        assert_eq!(claims["jti"].as_str().unwrap().len(), 26);
        assert!(claims.get("sid").is_none());
    }

    async fn every_way_to_present_the_credential_works(server: TestServer) {
        let management = server.management();
        let (client_id, secret) = management.credential(&[]).await;
        let anonymous = server.anonymous();
        let ok = |answer: crate::harness::Answer| { answer.expect(200).text_at("access_token"); };
        ok(anonymous.token(&client_id, &secret).await);
        let post = || anonymous.request(Method::POST, "/oauth2/token");
        let form = [("grant_type", "client_credentials")];
        ok(anonymous.send(post().basic_auth(&client_id, Some(&secret)).form(&form)).await);
        let with_id = [("grant_type", "client_credentials"), ("client_id", client_id.as_str())];
        ok(anonymous.send(post().basic_auth(&client_id, Some(&secret)).form(&with_id)).await);
        let body = json!({"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret});
        ok(anonymous.send(post().json(&body)).await);
        ok(anonymous.send(post().basic_auth(&client_id, Some(&secret)).json(&json!({"grant_type": "client_credentials"}))).await);
        let text = format!("grant_type=client_credentials&client_id={client_id}&client_secret={secret}");
        let typed = |kind: &str| post().header("content-type", kind.to_owned()).body(text.clone());
        ok(anonymous.send(typed("application/x-www-form-urlencoded; charset=UTF-8")).await);
        ok(anonymous.send(typed("Application/X-WWW-Form-Urlencoded")).await);
        let refused = anonymous.send(typed("text/plain")).await.expect(400);
        assert_eq!(refused.text_at("error"), "invalid_request");
    }

    async fn the_scope_may_be_narrowed_and_not_widened(server: TestServer) {
        let management = server.management();
        management.permission("a").await;
        management.permission("b").await;
        management.permission("c").await;
        let (client_id, secret) = management.credential(&["a", "b"]).await;
        let ask = async |scope: &str| {
            let form = [("grant_type", "client_credentials"), ("client_id", &client_id), ("client_secret", &secret), ("scope", scope)];
            server.anonymous().form("/oauth2/token", &form).await
        };
        assert_eq!(ask("b").await.expect(200).text_at("scope"), "b");
        assert_eq!(ask("b a b").await.expect(200).text_at("scope"), "b a");
        assert_eq!(ask("").await.expect(200).text_at("scope"), "a b");
        for scope in ["c", "a c", "openid", "offline_access", "unheard-of", "a\u{7f}", "\"a\""] {
            assert_eq!(ask(scope).await.expect(400).text_at("error"), "invalid_scope", "{scope}");
        }
    }

    async fn a_wrong_client_is_told_so_and_no_more(server: TestServer) {
        let management = server.management();
        let (client_id, secret) = management.credential(&[]).await;
        let (other_id, _) = management.credential(&[]).await;
        let anonymous = server.anonymous();
        let mut texts = Vec::new();
        for (client_id, secret) in [
            (client_id.as_str(), "wrong"),
            (client_id.as_str(), ""),
            (other_id.as_str(), secret.as_str()),
            ("client_01EHZNVPK3SFK441A1RGBFSHRT", secret.as_str()),
            ("nobody", "nothing"),
            (server.client_id.as_str(), secret.as_str()),
            (client_id.as_str(), server.api_key.as_str()),
        ] {
            let answer = anonymous.token(client_id, secret).await.expect(401);
            assert!(answer.header("www-authenticate").unwrap().starts_with("Basic "));
            assert_eq!(answer.text_at("error"), "invalid_client");
            texts.push(answer.text);
        }
        texts.dedup();
        assert_eq!(texts.len(), 1, "an unknown client and a wrong secret look the same");
        let nobody = anonymous.form("/oauth2/token", &[("grant_type", "client_credentials")]).await.expect(401);
        assert_eq!(nobody.text_at("error_description"), "Missing authorization header.");
    }

    async fn requests_of_the_wrong_shape_are_refused(server: TestServer) {
        let (client_id, secret) = server.management().credential(&[]).await;
        let anonymous = server.anonymous();
        let base = format!("client_id={client_id}&client_secret={secret}");
        let refused = async |body: String, error: &str| {
            let request = anonymous.request(Method::POST, "/oauth2/token").header("content-type", "application/x-www-form-urlencoded");
            let answer = anonymous.send(request.body(body.clone())).await.expect(400);
            assert_eq!(answer.text_at("error"), error, "{body}");
            assert!(!answer.text.contains(&secret));
        };
        refused(base.clone(), "invalid_request").await;
        refused(format!("{base}&grant_type="), "invalid_request").await;
        refused(format!("{base}&grant_type=authorization_code&code=x"), "unauthorized_client").await;
        refused(format!("{base}&grant_type=password"), "unsupported_grant_type").await;
        refused(format!("{base}&grant_type=client_credentials&grant_type=client_credentials"), "invalid_request").await;
        refused(format!("{base}&grant_type=client_credentials&scope=a&scope=b"), "invalid_request").await;
        refused(format!("{base}&grant_type=client_credentials&x=%ff"), "invalid_request").await;
        refused(format!("{base}&grant_type=client_credentials&x=%00"), "invalid_request").await;
        refused(format!("{base}&grant_type=client_credentials&x=%4"), "invalid_request").await;
    }

    async fn two_credentials_at_once_are_refused(server: TestServer) {
        let (client_id, secret) = server.management().credential(&[]).await;
        let anonymous = server.anonymous();
        let form = [("grant_type", "client_credentials"), ("client_id", &client_id), ("client_secret", &secret)];
        let request = anonymous.request(Method::POST, "/oauth2/token").basic_auth(&client_id, Some(&secret)).form(&form);
        assert_eq!(anonymous.send(request).await.expect(400).text_at("error"), "invalid_request");
        let bearer = anonymous.request(Method::POST, "/oauth2/token").bearer_auth(&server.api_key).form(&form);
        assert_eq!(anonymous.send(bearer).await.expect(401).text_at("error"), "invalid_client");
        let twice = anonymous.request(Method::POST, "/oauth2/token")
            .header("authorization", "Basic YTpi").header("authorization", "Basic YTpi").form(&form[..1]);
        assert_eq!(anonymous.send(twice).await.expect(400).text_at("error"), "invalid_request");
    }

    async fn only_machine_applications_get_one(server: TestServer) {
        let management = server.management();
        let body = json!({"name": "Forum", "application_type": "oauth", "is_first_party": true, "redirect_uris": [{"uri": "https://forum.example/cb"}]});
        let application = management.post("/connect/applications", body).await.expect(201).json();
        let client_id = application["client_id"].as_str().unwrap();
        let (_, secret) = management.secret(client_id).await;
        let answer = server.anonymous().token(client_id, &secret).await.expect(400);
        assert_eq!(answer.text_at("error"), "unauthorized_client");
    }

    async fn any_of_five_secrets_works_until_it_is_deleted(server: TestServer) {
        let management = server.management();
        let organization = management.organization("Acme").await;
        let client_id = management.machine(&organization, &[]).await["client_id"].as_str().unwrap().to_owned();
        let mut secrets = Vec::new();
        for _ in 0..5 {
            secrets.push(management.secret(&client_id).await);
        }
        for (_, value) in &secrets {
            server.anonymous().token(&client_id, value).await.expect(200);
        }
        let (id, value) = secrets.swap_remove(2);
        management.delete(&format!("/connect/client_secrets/{id}")).await.expect(204);
        server.anonymous().token(&client_id, &value).await.expect(401);
        for (_, value) in &secrets {
            server.anonymous().token(&client_id, value).await.expect(200);
        }
    }

    async fn a_permission_that_is_deleted_is_granted_no_more(server: TestServer) {
        let management = server.management();
        management.permission("a").await;
        management.permission("b").await;
        let (client_id, secret) = management.credential(&["a", "b"]).await;
        assert_eq!(server.anonymous().token(&client_id, &secret).await.expect(200).text_at("scope"), "a b");
        management.delete("/authorization/permissions/a").await.expect(204);
        assert_eq!(server.anonymous().token(&client_id, &secret).await.expect(200).text_at("scope"), "b");
        management.delete("/authorization/permissions/b").await.expect(204);
        assert_eq!(server.anonymous().token(&client_id, &secret).await.expect(200).text_at("scope"), "");
    }

    async fn the_last_use_of_a_secret_is_noted(server: TestServer) {
        let management = server.management();
        let (client_id, secret) = management.credential(&[]).await;
        let path = format!("/connect/applications/{client_id}/client_secrets");
        assert_eq!(management.get(&path).await.expect(200).json()[0]["last_used_at"], Value::Null);
        server.anonymous().token(&client_id, &secret).await.expect(200);
        countersign::jobs::last_used::run(server.app.clone()).await;
        let seen = management.get(&path).await.expect(200).json()[0]["last_used_at"].as_str().unwrap().to_owned();
        server.clock.advance_seconds(120);
        server.anonymous().token(&client_id, &secret).await.expect(200);
        countersign::jobs::last_used::run(server.app.clone()).await;
        let later = management.get(&path).await.expect(200).json()[0]["last_used_at"].as_str().unwrap().to_owned();
        assert!(later > seen, "{later} > {seen}");
    }
}
