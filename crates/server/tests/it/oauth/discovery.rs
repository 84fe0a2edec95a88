//! The discovery documents and the published keys.

use crate::harness::{TestServer, on_both_databases};
use reqwest::Method;
use serde_json::json;

on_both_databases! {
    async fn the_documents_name_this_server_and_only_what_it_serves(server: TestServer) {
        let anonymous = server.anonymous();
        let openid = anonymous.get("/.well-known/openid-configuration").await.expect(200);
        let oauth = anonymous.get("/.well-known/oauth-authorization-server").await.expect(200);
        for answer in [&openid, &oauth] {
            assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
            assert_eq!(answer.header("content-type"), Some("application/json"));
            assert_eq!(answer.header("cache-control"), Some("public, max-age=300"));
        }
        let (openid, oauth) = (openid.json(), oauth.json());
        assert_eq!(openid["issuer"], server.base_url.as_str());
        for (name, value) in oauth.as_object().unwrap() {
            assert_eq!(&openid[name], value, "{name}");
        }
        for endpoint in
            ["authorization_endpoint", "userinfo_endpoint", "end_session_endpoint", "device_authorization_endpoint", "token_endpoint", "introspection_endpoint", "revocation_endpoint", "jwks_uri"]
        {
            let url = openid[endpoint].as_str().unwrap();
            let path = url.strip_prefix(&server.base_url).expect("on the issuer's origin");
            let read = ["jwks_uri", "authorization_endpoint", "userinfo_endpoint", "end_session_endpoint"].contains(&endpoint);
            let method = if read { Method::GET } else { Method::POST };
            let answer = anonymous.send(anonymous.request(method, path)).await;
            assert!(![404, 405].contains(&answer.status), "{endpoint} is served");
        }
        assert_eq!(openid["grant_types_supported"], json!([
            "authorization_code", "client_credentials", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code",
            "urn:ietf:params:oauth:grant-type:token-exchange",
        ]));
        assert_eq!(openid["code_challenge_methods_supported"], json!(["S256"]));
        assert_eq!(openid["authorization_response_iss_parameter_supported"], true);
        assert!(openid.get("registration_endpoint").is_none());
    }

    async fn the_path_forms_that_strict_clients_try_give_the_same(server: TestServer) {
        let anonymous = server.anonymous();
        for name in ["openid-configuration", "oauth-authorization-server"] {
            let plain = anonymous.get(&format!("/.well-known/{name}")).await.expect(200).text;
            assert_eq!(anonymous.get(&format!("/.well-known/{name}/mcp")).await.expect(200).text, plain);
            assert_eq!(anonymous.get(&format!("/.well-known/{name}/a/b")).await.expect(200).text, plain);
        }
    }

    async fn keys_are_published_under_both_urls_with_all_that_clients_want(server: TestServer) {
        let anonymous = server.anonymous();
        let jwks = anonymous.get("/oauth2/jwks").await.expect(200);
        assert_eq!(jwks.header("access-control-allow-origin"), Some("*"));
        let by_client = anonymous.get(&format!("/sso/jwks/{}", server.client_id)).await.expect(200);
        let keys = jwks.json()["keys"].as_array().unwrap().clone();
        assert_eq!(keys.len(), 2, "of sessions and machines, and of what applications hold about people");
        let direct = by_client.json()["keys"].as_array().unwrap().clone();
        assert!(direct.len() == 1 && keys.contains(&direct[0]));
        let key = &keys[0];
        assert_eq!((key["kty"].as_str(), key["alg"].as_str(), key["use"].as_str()), (Some("RSA"), Some("RS256"), Some("sig")));
        assert!(key["kid"].as_str().unwrap().starts_with("sso_oidc_key_pair_"));
        assert_eq!(key["x5c"].as_array().unwrap().len(), 1);
        assert_eq!(key["n"].as_str().unwrap().len(), 342, "2048 bits");
        assert!(key["x5t#S256"].is_string() && key["e"] == "AQAB");
        assert!(key.get("d").is_none());
        for unknown in ["client_01EHZNVPK3SFK441A1RGBFSHRT", "nobody", "%00", "%ff"] {
            anonymous.get(&format!("/sso/jwks/{unknown}")).await.expect(404);
        }
    }

    async fn a_page_may_preflight_the_token_endpoint_and_read_nothing_it_has_no_right_to(server: TestServer) {
        let anonymous = server.anonymous();
        let preflight = anonymous.request(Method::OPTIONS, "/oauth2/token")
            .header("origin", "https://app.example")
            .header("access-control-request-method", "POST");
        let answer = anonymous.send(preflight).await.expect(204);
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
        let (client_id, secret) = server.management().credential(&[]).await;
        let form = [("grant_type", "client_credentials"), ("client_id", &client_id), ("client_secret", &secret)];
        let request = anonymous.request(Method::POST, "/oauth2/token").header("origin", "https://app.example").form(&form);
        let answer = anonymous.send(request).await.expect(200);
        assert_eq!(answer.header("access-control-allow-origin"), None, "a machine has no browser origins");
        assert_eq!(answer.header("vary"), Some("Origin"));
        let management = server.management();
        let listed = management.send(management.request(Method::GET, "/organizations").header("origin", "https://app.example")).await;
        assert_eq!(listed.expect(200).header("access-control-allow-origin"), None);
    }
}
