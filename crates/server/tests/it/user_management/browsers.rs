//! Pages of other origins that request tokens themselves.

use crate::harness::{PASSWORD, REDIRECT_URI, TestServer, on_both_databases};
use reqwest::Method;
use serde_json::json;

const PATH: &str = "/user_management/authenticate";
const ALLOW: &str = "access-control-allow-origin";
const CREDENTIALS: &str = "access-control-allow-credentials";

on_both_databases! {
    async fn only_listed_origins_read_answers(server: TestServer) {
        server.person("ada@example.com").await;
        server.register(REDIRECT_URI).await;
        let management = server.management();
        let listed = "https://app.example";
        let made = management.post("/user_management/cors_origins", json!({"origin": listed})).await.expect(201);
        let stranger = server.anonymous();
        let preflight = async |origin: &str| {
            let request = stranger.request(Method::OPTIONS, PATH).header("origin", origin)
                .header("access-control-request-method", "POST").header("access-control-request-headers", "content-type");
            stranger.send(request).await.expect(204)
        };
        let answer = preflight(listed).await;
        assert_eq!((answer.header(ALLOW), answer.header(CREDENTIALS)), (Some(listed), Some("true")));
        assert_eq!(answer.header("access-control-allow-methods"), Some("POST"));
        assert_eq!(answer.header("vary"), Some("Origin"));
        let token = server.with_password("ada@example.com").await.expect(200).text_at("refresh_token");
        let ask = async |origin: &str, token: &str| {
            let form = [("grant_type", "refresh_token"), ("client_id", &server.client_id), ("refresh_token", token)];
            stranger.send(stranger.request(Method::POST, PATH).header("origin", origin).form(&form)).await
        };
        let answer = ask(listed, &token).await.expect(200);
        assert_eq!((answer.header(ALLOW), answer.header(CREDENTIALS)), (Some(listed), Some("true")));
        let refused = ask(listed, "wrong").await.expect(400);
        assert_eq!(refused.header(ALLOW), Some(listed), "a page may read why it gets nothing, too");
        for other in ["https://evil.example", "https://app.example.evil.example", "http://app.example", "https://app.example:8443", "null", "https://APP.example"] {
            assert_eq!(preflight(other).await.header(ALLOW), None, "{other}");
            let answer = ask(other, "wrong").await;
            assert_eq!((answer.header(ALLOW), answer.header(CREDENTIALS)), (None, None), "{other}");
            assert_eq!(answer.header("vary"), Some("Origin"));
        }
        // Another environment has its own list.
        let another = server.another_environment().await;
        let there = stranger.clone().with_host(&another.authority);
        let request = there.request(Method::OPTIONS, PATH).header("origin", listed);
        assert_eq!(there.send(request).await.expect(204).header(ALLOW), None);
        management.delete(&format!("/user_management/cors_origins/{}", made.text_at("id"))).await.expect(204);
        assert_eq!(preflight(listed).await.header(ALLOW), None, "taken off the list");
    }

    async fn another_node_learns_of_origins_and_redirect_uris(server: TestServer) {
        let other = server.another_node().await;
        server.register(REDIRECT_URI).await;
        server.management().post("/user_management/cors_origins", json!({"origin": "https://app.example"})).await.expect(201);
        let began = std::time::Instant::now();
        let there = other.anonymous();
        loop {
            let request = there.request(Method::OPTIONS, PATH).header("origin", "https://app.example");
            let allowed = there.send(request).await.header(ALLOW).is_some();
            let path = server.ask("");
            let known = there.get(&path).await.status == 302;
            if allowed && known {
                break;
            }
            assert!(began.elapsed() < std::time::Duration::from_secs(3), "it did not happen in time");
        }
        assert!(began.elapsed() < std::time::Duration::from_secs(1));
        server.person("ada@example.com").await;
        let form = [
            ("grant_type", "password"), ("client_id", &server.client_id), ("client_secret", &server.api_key), ("email", "ada@example.com"), ("password", PASSWORD),
        ];
        there.form(PATH, &form).await.expect(200);
    }
}
