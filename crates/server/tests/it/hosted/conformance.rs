//! Requirements of the specifications beyond the usual ones, which certification checks.

use crate::harness::{Application, Browser, PASSWORD, TestServer, VERIFIER, on_both_databases};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::Method;
use serde_json::{Value, json};

/// Returns a token's claims; its signature is checked elsewhere.
fn claims(token: &str) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap()).unwrap()
}

async fn code(server: &TestServer, browser: &mut Browser, application: &Application, more: &str) -> String {
    let mut page = browser.open(&application.authorize(more)).await;
    if page.left_to.is_none() {
        page = server.sign_in(browser, &page, "ada@example.com").await;
    }
    page.sent("code").unwrap()
}

on_both_databases! {
    async fn refreshed_id_tokens_say_when_as_the_first_one_did(server: TestServer) {
        let application = server.application("forum", false, &[]).await;
        server.person("ada@example.com").await;
        let mut browser = Browser::new(&server);
        for (more, said) in [("&max_age=10000", true), ("", false)] {
            let more = format!("&scope=openid+offline_access&nonce=n-1{more}");
            let code = code(&server, &mut browser, &application, &more).await;
            let first = server.redeem(&application, &code).await.expect(200);
            server.clock.advance_seconds(60);
            let second = server.refresh(&application, &first.text_at("refresh_token")).await.expect(200);
            let (first, second) = (claims(&first.text_at("id_token")), claims(&second.text_at("id_token")));
            assert_eq!((first["auth_time"].is_i64(), &first["auth_time"]), (said, &second["auth_time"]));
            assert!(first["nonce"] == "n-1" && second.get("nonce").is_none() && second["iat"].as_i64() > first["iat"].as_i64());
        }
    }

    async fn the_token_of_another_session_signs_nobody_out_unasked(server: TestServer) {
        let application = server.application("forum", false, &[]).await;
        let uri = json!({"backchannel_logout_uri": "https://forum.example/logout"});
        server.management().put(&format!("/connect/applications/{}", application.client_id), uri).await.expect(200);
        server.person("ada@example.com").await;
        let mut browser = Browser::new(&server);
        let mut token = async || {
            let code = code(&server, &mut browser, &application, "&scope=openid").await;
            server.redeem(&application, &code).await.expect(200).text_at("id_token")
        };
        let old = token().await;
        let logout = |token: &str| format!("/oauth2/logout?id_token_hint={token}&post_logout_redirect_uri=https://forum.example/cb");
        assert_eq!(browser.open(&logout(&old)).await.left_to.as_deref(), Some("https://forum.example/cb"));
        let code = code(&server, &mut browser, &application, "&scope=openid").await;
        let new = server.redeem(&application, &code).await.expect(200).text_at("id_token");
        assert!(claims(&old)["sid"].is_string() && claims(&old)["sid"] != claims(&new)["sid"]);
        let asked = browser.open(&logout(&old)).await;
        assert!(asked.left_to.is_none() && asked.path.starts_with("/sign-out?flow="), "{}", asked.path);
        assert_eq!(browser.open("/account").await.path, "/account", "still signed in");
        assert_eq!(browser.open(&logout(&new)).await.left_to.as_deref(), Some("https://forum.example/cb"));
        assert!(browser.open("/account").await.path.starts_with("/sign-in"));
    }

    async fn an_application_hears_of_its_mistakes_with_its_state(server: TestServer) {
        let application = server.application("forum", false, &[]).await;
        let good = application.authorize("&scope=openid&nonce=a");
        for more in ["&nonce=b", "&scope=email", "&ui_locales=de&ui_locales=en", "&prompt=none&prompt=login"] {
            let page = Browser::new(&server).open(&format!("{good}{more}")).await;
            assert_eq!((page.sent("error").as_deref(), page.sent("state").as_deref()), (Some("invalid_request"), Some("s-1")), "{more}");
            assert!(page.sent("error_description").unwrap().contains("repeats"), "{more}");
        }
        // Unknown parameters are ignored.
        assert!(Browser::new(&server).open(&format!("{good}&foo=1&foo=2")).await.asks_to_sign_in());
        // No redirect where the redirect URI is not certain.
        for more in ["&client_id=x", "&redirect_uri=https://forum.example/cb", "&state=x", "&foo=%zz"] {
            let page = Browser::new(&server).open(&format!("{good}{more}")).await;
            assert!(page.left_to.is_none() && page.status == 400, "{more}: {}", page.status);
        }
        let long = "s".repeat(3000);
        let page = Browser::new(&server).open(&good.replace("state=s-1", &format!("state={long}"))).await;
        assert_eq!((page.sent("error").as_deref(), page.sent("state")), (Some("invalid_request"), Some(long)));
    }

    async fn a_code_that_is_bound_to_its_verifier_needs_no_redirect_uri_again(server: TestServer) {
        let application = server.application("forum", false, &[]).await;
        server.person("ada@example.com").await;
        let mut browser = Browser::new(&server);
        let secret = application.secret.clone().unwrap();
        let redeem = async |code: &str, more: &[(&str, &str)]| {
            let base = [("grant_type", "authorization_code"), ("code", code), ("client_id", &application.client_id), ("client_secret", &secret)];
            server.anonymous().form("/oauth2/token", &[&base, more].concat()).await
        };
        let bound = code(&server, &mut browser, &application, "&scope=openid").await;
        assert_eq!(redeem(&bound, &[]).await.expect(400).text_at("error"), "invalid_grant");
        let elsewhere = ("redirect_uri", "https://forum.example/other");
        assert_eq!(redeem(&bound, &[("code_verifier", VERIFIER), elsewhere]).await.expect(400).text_at("error"), "invalid_grant");
        redeem(&bound, &[("code_verifier", VERIFIER)]).await.expect(200);
        // An unbound code requires the redirect URI it was sent to (RFC 6749 §4.1.3).
        let (without, _) = application.authorize("&scope=openid").split_once("&code_challenge=").map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
        let unbound = browser.open(&without).await.sent("code").unwrap();
        assert_eq!(redeem(&unbound, &[]).await.expect(400).text_at("error"), "invalid_grant");
        redeem(&unbound, &[("redirect_uri", &application.redirect_uri)]).await.expect(200);
    }

    async fn who_wants_an_account_gets_to_make_one(server: TestServer) {
        let application = server.application("forum", false, &[]).await;
        server.person("ada@example.com").await;
        let mut browser = Browser::new(&server);
        code(&server, &mut browser, &application, "&scope=openid").await;
        let page = browser.open(&application.authorize("&scope=openid&prompt=create")).await;
        assert!(page.path.starts_with("/sign-up"), "also for who is signed in: {}", page.path);
        let typed = [("email", "grace@example.com"), ("first_name", "Grace"), ("password", PASSWORD)];
        let page = browser.submit(&page, "/sign-up", &typed).await;
        let digits = server.mailed_code("grace@example.com").await;
        let page = browser.submit(&page, "/sign-in/code", &[("code", &digits)]).await;
        let tokens = server.redeem(&application, &page.sent("code").unwrap()).await.expect(200);
        let grace = server.management().get("/user_management/users?email=grace@example.com").await.expect(200).json();
        assert_eq!(claims(&tokens.text_at("id_token"))["sub"], grace["data"][0]["id"]);
        let refused = browser.open(&application.authorize("&scope=openid&prompt=none+create")).await;
        assert_eq!(refused.sent("error").as_deref(), Some("invalid_request"));
    }

    async fn pages_of_the_company_read_what_their_applications_are_told(server: TestServer) {
        const MINE: &str = "https://app.example";
        let (anonymous, management) = (server.anonymous(), server.management());
        let application = server.application("forum", true, &[]).await;
        let asked = async |path: &str, form: &[(&str, &str)]| {
            let request = anonymous.request(Method::POST, path).header("origin", MINE).form(form);
            let answer = anonymous.send(request).await;
            assert_eq!(answer.header("vary"), Some("Origin"), "{path}");
            answer.header("access-control-allow-origin").map(str::to_owned)
        };
        let device = [("client_id", application.client_id.as_str())];
        let wrong = [("client_id", application.client_id.as_str()), ("grant_type", "refresh_token"), ("refresh_token", "x")];
        assert_eq!(asked("/oauth2/device_authorization", &device).await, None);
        assert_eq!(asked("/oauth2/token", &wrong).await, None);
        let listed = management.post("/user_management/cors_origins", json!({"origin": MINE})).await.expect(201);
        for (path, form) in [("/oauth2/device_authorization", &device[..]), ("/oauth2/token", &wrong)] {
            assert_eq!(asked(path, form).await.as_deref(), Some(MINE), "of the environment: {path}");
        }
        management.delete(&format!("/user_management/cors_origins/{}", listed.text_at("id"))).await.expect(204);
        assert_eq!(asked("/oauth2/token", &wrong).await, None);
        let path = format!("/connect/applications/{}", application.client_id);
        management.put(&path, json!({"cors_origins": [MINE]})).await.expect(200);
        for (path, form) in [("/oauth2/device_authorization", &device[..]), ("/oauth2/token", &wrong)] {
            assert_eq!(asked(path, form).await.as_deref(), Some(MINE), "of the application: {path}");
        }
        // MCP clients add their own header to every request.
        for path in ["/.well-known/openid-configuration", "/.well-known/oauth-authorization-server", "/.well-known/oauth-authorization-server/mcp", "/oauth2/jwks"] {
            let preflight = anonymous.request(Method::OPTIONS, path).header("origin", MINE);
            let preflight = preflight.header("access-control-request-headers", "mcp-protocol-version");
            let answer = anonymous.send(preflight).await.expect(204);
            assert_eq!(answer.header("access-control-allow-origin"), Some("*"), "{path}");
            assert!(answer.header("access-control-allow-headers").unwrap().contains("mcp-protocol-version"), "{path}");
        }
    }

    async fn a_machine_is_told_that_grants_of_people_are_none_of_its_own(server: TestServer) {
        let (client_id, secret) = server.management().credential(&[]).await;
        for grant in [
            [("grant_type", "authorization_code"), ("code", "x")],
            [("grant_type", "refresh_token"), ("refresh_token", "x")],
            [("grant_type", "urn:ietf:params:oauth:grant-type:device_code"), ("device_code", "x")],
        ] {
            let form = [&grant[..], &[("client_id", &client_id), ("client_secret", &secret)]].concat();
            let refused = server.anonymous().form("/oauth2/token", &form).await.expect(400);
            assert_eq!(refused.text_at("error"), "unauthorized_client", "{grant:?}");
        }
    }
}
