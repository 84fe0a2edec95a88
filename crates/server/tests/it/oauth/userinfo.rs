//! `/oauth2/userinfo` for browser pages.

use crate::harness::{Browser, TestServer, on_both_databases};
use reqwest::Method;
use serde_json::json;

on_both_databases! {
    async fn a_page_may_read_why_it_gets_nothing(server: TestServer) {
        let client = server.anonymous();
        let ask = async |token: Option<&str>| {
            let mut request = client.request(Method::GET, "/oauth2/userinfo").header("origin", "https://page.example");
            if let Some(token) = token {
                request = request.bearer_auth(token);
            }
            client.send(request).await
        };
        for token in [None, Some("nobody"), Some("a.b.c")] {
            let refused = ask(token).await.expect(401);
            assert_eq!(refused.header("access-control-allow-origin"), Some("*"), "{token:?}");
            assert_eq!(refused.header("access-control-expose-headers"), Some("www-authenticate"));
            assert!(refused.header("www-authenticate").unwrap().starts_with("Bearer realm=\"userinfo\""));
        }
        // Data about a user can be read only by the application's own pages.
        let application = server.application("forum", true, &[]).await;
        let path = format!("/connect/applications/{}", application.client_id);
        server.management().put(&path, json!({"cors_origins": ["https://mine.example"]})).await.expect(200);
        server.person("ada@example.com").await;
        let mut browser = Browser::new(&server);
        let page = browser.open(&application.authorize("&scope=openid")).await;
        let page = server.sign_in(&mut browser, &page, "ada@example.com").await;
        let token = server.redeem(&application, &page.sent("code").unwrap()).await.expect(200).text_at("access_token");
        assert_eq!(ask(Some(&token)).await.expect(200).header("access-control-allow-origin"), None);
        // RFC 6750 §2.2: in a form body, and not in both places.
        let posted = |more: Option<&str>| {
            let request = client.request(Method::POST, "/oauth2/userinfo").form(&[("access_token", &token)]);
            if let Some(token) = more { request.bearer_auth(token) } else { request }
        };
        assert!(client.send(posted(None)).await.expect(200).json()["sub"].is_string());
        assert_eq!(client.send(posted(Some(&token))).await.expect(400).text_at("error"), "invalid_request");
        client.get(&format!("/oauth2/userinfo?access_token={token}")).await.expect(401);
        server.clock.advance_seconds(301);
        assert_eq!(ask(Some(&token)).await.expect(401).header("access-control-allow-origin"), Some("*"));
    }
}
