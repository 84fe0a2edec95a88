//! Malformed, oversized, or wrongly encoded requests at the OAuth endpoints get a documented error and have no effect.

use crate::harness::{TestServer, on_both_databases};
use reqwest::Method;
use serde_json::json;

on_both_databases! {
    async fn bodies_beyond_all_bounds(server: TestServer) {
        let anonymous = server.anonymous();
        let post = |path: &str| anonymous.request(Method::POST, path).header("content-type", "application/x-www-form-urlencoded");
        for path in ["/oauth2/token", "/oauth2/introspection", "/oauth2/revoke"] {
            let answer = anonymous.send(post(path).body("a".repeat(10_000_000))).await.expect(413);
            assert_eq!(answer.text_at("error"), "invalid_request");
            let deep = format!("{}1{}", r#"{"a":"#.repeat(5_000), "}".repeat(5_000));
            let request = anonymous.request(Method::POST, path).header("content-type", "application/json").body(deep);
            assert_eq!(anonymous.send(request).await.expect(400).text_at("error"), "invalid_request");
            let many: String = (0..100).map(|n| format!("p{n}=1&")).collect();
            assert_eq!(anonymous.send(post(path).body(many)).await.expect(400).text_at("error"), "invalid_request");
            for noise in [&b"\xff\xfe=\xff"[..], b"a=%c3%28", b"\0=1", b"grant_type=client_credentials%00"] {
                let answer = anonymous.send(post(path).body(noise.to_vec())).await;
                assert!([400, 401].contains(&answer.status), "{} {}", answer.status, answer.text);
                answer.text_at("error");
            }
        }
    }

    async fn json_of_the_wrong_kind(server: TestServer) {
        let anonymous = server.anonymous();
        for body in [json!([]), json!("x"), json!(1), json!(null), json!({"grant_type": 1}), json!({"grant_type": ["client_credentials"]}), json!({"client_id": {"a": "b"}})] {
            let answer = anonymous.post("/oauth2/token", body.clone()).await.expect(400);
            assert_eq!(answer.text_at("error"), "invalid_request", "{body}");
        }
        let twice = anonymous.request(Method::POST, "/oauth2/token").header("content-type", "application/json")
            .body(r#"{"grant_type":"client_credentials","grant_type":"client_credentials"}"#);
        assert_eq!(anonymous.send(twice).await.expect(400).text_at("error"), "invalid_request");
    }

    async fn unknown_parameters_are_ignored(server: TestServer) {
        let (client_id, secret) = server.management().credential(&[]).await;
        let form = [
            ("grant_type", "client_credentials"), ("client_id", &client_id), ("client_secret", &secret),
            ("organization_id", "org_01EHZNVPK3SFK441A1RGBFSHRT"), ("org_id", "x"), ("resource", "https://a.example"), ("resource", "https://b.example"), ("unheard_of", "1"),
        ];
        let token = server.anonymous().form("/oauth2/token", &form).await.expect(200).text_at("access_token");
        let claims = crate::oauth::token::claims(&server, &token).await;
        assert_ne!(claims["org_id"], "org_01EHZNVPK3SFK441A1RGBFSHRT", "the organization is the application's own");
        assert_eq!(claims["aud"], server.client_id.as_str());
    }

    async fn malformed_authorization_headers(server: TestServer) {
        let anonymous = server.anonymous();
        for header in ["Basic", "Basic ", "Basic !!!", "Basic YWJj", "Basic //79", "Negotiate abc", "basic OnM=", "Basic Og=="] {
            let request = anonymous.request(Method::POST, "/oauth2/token").header("authorization", header).form(&[("grant_type", "client_credentials")]);
            let answer = anonymous.send(request).await.expect(401);
            assert_eq!(answer.text_at("error"), "invalid_client", "{header}");
        }
        let bytes = reqwest::header::HeaderValue::from_bytes(b"Basic \xff\xff").unwrap();
        let request = anonymous.request(Method::POST, "/oauth2/token").header("authorization", bytes).form(&[("grant_type", "client_credentials")]);
        anonymous.send(request).await.expect(401);
    }
}
