//! Tokens restricted to one API (RFC 8707).

use crate::harness::{Answer, Application, Browser, TestServer, VERIFIER, assert_id, assert_keys, on_both_databases};
use crate::hosted::authorization_code::claims;
use serde_json::{Value, json};

const MCP: &str = "https://mcp.example.com/mcp";
const API: &str = "https://api.example.com/";

async fn resource(server: &TestServer, uri: &str, default: bool) -> Value {
    let body = json!({"uri": uri, "default": default});
    server.management().post("/user_management/authkit_oauth_resources", body).await.expect(201).json()
}

fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// Sends a token request with these resources appended.
async fn token(server: &TestServer, application: &Application, more: &[(&str, &str)], resources: &[&str]) -> Answer {
    let mut form = vec![("client_id", application.client_id.as_str())];
    if let Some(secret) = &application.secret {
        form.push(("client_secret", secret));
    }
    form.extend(more);
    form.extend(resources.iter().map(|uri| ("resource", *uri)));
    server.anonymous().form("/oauth2/token", &form).await
}

async fn redeem(server: &TestServer, application: &Application, code: &str, resources: &[&str]) -> Answer {
    let more = [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", &application.redirect_uri),
        ("code_verifier", VERIFIER),
    ];
    token(server, application, &more, resources).await
}

fn audience(answer: &Answer) -> Value {
    claims(&answer.text_at("access_token"))["aud"].clone()
}

on_both_databases! {
    async fn a_token_is_for_the_resource_that_was_authorized(server: TestServer) {
        resource(&server, MCP, false).await;
        resource(&server, API, false).await;
        let application = server.application("third", false, &[]).await;
        server.person("ada@example.com").await;
        let mut browser = Browser::new(&server);
        let ask = |uri: &str| application.authorize(&format!("&scope=openid+offline_access&resource={}", encoded(uri)));

        let page = browser.open(&ask(MCP)).await;
        let page = server.sign_in(&mut browser, &page, "ada@example.com").await;
        assert!(page.html.contains(MCP), "the person sees for what: {}", page.html);
        let page = browser.submit(&page, "/consent", &[("decision", "allow")]).await;
        let code = page.sent("code").unwrap();
        for other in [&[API][..], &["https://mcp.example.com/mcp/"], &[MCP, API]] {
            assert_eq!(redeem(&server, &application, &code, other).await.expect(400).text_at("error"), "invalid_target");
        }
        let tokens = redeem(&server, &application, &code, &[MCP]).await.expect(200);
        assert_eq!(audience(&tokens), MCP);
        assert_eq!(claims(&tokens.text_at("id_token"))["aud"], json!(application.client_id), "an ID token is for the application");
        let introspector = server.introspector().await;
        let introspected = server.introspected(&introspector, &tokens.text_at("access_token")).await;
        assert_eq!((&introspected["active"], &introspected["aud"]), (&json!(true), &json!(MCP)));

        let refresh_token = tokens.text_at("refresh_token");
        let refresh = [("grant_type", "refresh_token"), ("refresh_token", refresh_token.as_str())];
        assert_eq!(token(&server, &application, &refresh, &[API]).await.expect(400).text_at("error"), "invalid_target");
        let refreshed = token(&server, &application, &refresh, &[]).await.expect(200);
        assert_eq!(audience(&refreshed), MCP, "a refused request spends nothing, and leaving it out changes nothing");

        // Consent is for a single resource.
        assert!(browser.open(&ask(MCP)).await.sent("code").is_some());
        let page = browser.open(&ask(API)).await;
        assert!(page.html.contains(API) && page.left_to.is_none());
        let unknown = browser.open(&ask("https://elsewhere.example.com/")).await;
        assert_eq!(unknown.sent("error").as_deref(), Some("invalid_target"));
        let both = browser.open(&format!("{}&resource={}", ask(MCP), encoded(API))).await;
        assert_eq!(both.sent("error").as_deref(), Some("invalid_target"));
        let none = browser.open(&application.authorize("&scope=openid")).await;
        let page = browser.submit(&none, "/consent", &[("decision", "allow")]).await;
        let code = page.sent("code").unwrap();
        assert_eq!(redeem(&server, &application, &code, &[MCP]).await.expect(400).text_at("error"), "invalid_target");
        assert_eq!(audience(&redeem(&server, &application, &code, &[]).await.expect(200)), json!(server.client_id));
    }

    async fn no_token_is_issued_for_a_resource_that_was_deleted(server: TestServer) {
        let made = resource(&server, MCP, false).await;
        let application = server.application("forum", false, &[]).await;
        server.person("ada@example.com").await;
        let mut browser = Browser::new(&server);
        let path = application.authorize(&format!("&scope=openid+offline_access&resource={}", encoded(MCP)));
        let page = browser.open(&path).await;
        let page = server.sign_in(&mut browser, &page, "ada@example.com").await;
        let tokens = redeem(&server, &application, &page.sent("code").unwrap(), &[]).await.expect(200);
        let code = browser.open(&path).await.sent("code").unwrap();
        server.management().delete(&format!("/user_management/authkit_oauth_resources/{}", made["id"].as_str().unwrap())).await.expect(204);
        assert_eq!(redeem(&server, &application, &code, &[]).await.expect(400).text_at("error"), "invalid_target");
        let refresh_token = tokens.text_at("refresh_token");
        let refresh = [("grant_type", "refresh_token"), ("refresh_token", refresh_token.as_str())];
        assert_eq!(token(&server, &application, &refresh, &[]).await.expect(400).text_at("error"), "invalid_target");
        // Where there are no resources, requesting one has no effect.
        let code = browser.open(&path).await.sent("code").unwrap();
        assert_eq!(audience(&redeem(&server, &application, &code, &[MCP]).await.expect(200)), json!(server.client_id));
    }

    async fn resources_are_an_environments_own(server: TestServer) {
        const PATH: &str = "/user_management/authkit_oauth_resources";
        let management = server.management();
        assert_eq!(management.get(PATH).await.expect_list(), Vec::<Value>::new());
        let first = resource(&server, MCP, true).await;
        assert_keys(&first, &["object", "id", "uri", "default", "created_at", "updated_at"]);
        assert_eq!((&first["object"], &first["uri"], &first["default"]), (&json!("authkit_oauth_resource"), &json!(MCP), &json!(true)));
        assert_id(&first["id"], "authkit_oauth_resource");
        let second = resource(&server, API, true).await;
        let defaults: Vec<Value> = management.get(PATH).await.expect_list().iter().map(|row| json!([row["uri"], row["default"]])).collect();
        assert_eq!(defaults, [json!([API, true]), json!([MCP, false])], "one default at most");
        management.post(PATH, json!({"uri": MCP})).await.expect_invalid(&[("uri", "duplicate")]);
        management.post(PATH, json!({})).await.expect_invalid(&[("uri", "required")]);
        for bad in ["/mcp", "mcp.example.com", "https://a.example/#x", "https://*.example.com/"] {
            management.post(PATH, json!({"uri": bad})).await.expect_invalid(&[("uri", "invalid")]);
        }
        let another = server.another_environment().await;
        assert_eq!(another.management.get(PATH).await.expect_list(), Vec::<Value>::new());
        let path = format!("{PATH}/{}", second["id"].as_str().unwrap());
        another.management.delete(&path).await.expect_not_found("AuthKit OAuth resource", second["id"].as_str().unwrap());
        management.delete(&path).await.expect(204);
        management.delete(&path).await.expect_not_found("AuthKit OAuth resource", second["id"].as_str().unwrap());
        server.anonymous().get(PATH).await.expect_unauthorized();
    }
}
