//! Pages whose refresh token is kept in a cookie, as `authkit-js` does outside of development.

use crate::harness::{Answer, Browser, REDIRECT_URI, TestServer, VERIFIER, on_both_databases};
use countersign_protocol::id::{EnvironmentId, Id, SessionFamilyId};
use countersign_protocol::oauth::refresh_token::RefreshToken;
use serde_json::{Value, json};

const PATH: &str = "/user_management/authenticate";
const KEPT: &str = "cs_refresh";
const MARKER: &str = "workos-has-session";

/// Returns the allowed origin of a page on the server's host.
async fn page(server: &TestServer) -> String {
    server.register(REDIRECT_URI).await;
    let host = server.base_url.rsplit_once(':').unwrap().0;
    let origin = format!("{host}:3000");
    server.management().post("/user_management/cors_origins", json!({"origin": origin})).await.expect(201);
    origin
}

/// Signs a user in through the pages, and redeems the code as a script does.
async fn signed_in(server: &TestServer, browser: &mut Browser, origin: &str, email: &str) -> Answer {
    let asked = browser.open(&server.ask_with_challenge("&prompt=login")).await;
    let page = server.sign_in(browser, &asked, email).await;
    let code = page.sent("code").unwrap();
    let body = json!({"grant_type": "authorization_code", "client_id": server.client_id, "code": code, "code_verifier": VERIFIER});
    browser.fetch(Some(origin), PATH, body).await
}

/// Refreshes without sending a token.
async fn refresh(server: &TestServer, browser: &mut Browser, origin: Option<&str>) -> Answer {
    let body = json!({"grant_type": "refresh_token", "client_id": server.client_id});
    browser.fetch(origin, PATH, body).await
}

fn cookies(answer: &Answer) -> Vec<String> {
    answer.headers.get_all("set-cookie").iter().map(|cookie| cookie.to_str().unwrap().to_owned()).collect()
}

on_both_databases! {
    async fn the_browser_keeps_the_refresh_token_and_the_page_learns_that_it_does(server: TestServer) {
        let origin = page(&server).await;
        let user = server.person("ada@example.com").await;
        let mut browser = Browser::new(&server);
        let answer = signed_in(&server, &mut browser, &origin, "ada@example.com").await.expect(200);
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert_eq!(answer.header("access-control-allow-credentials"), Some("true"));
        let body = answer.json();
        assert_eq!((body.get("refresh_token"), &body["user"]["id"]), (None, &json!(user)));
        let lifetime = 30 * 86_400;
        let kept = browser.cookie(KEPT).unwrap().to_owned();
        assert_eq!(cookies(&answer), [
            format!("{KEPT}={kept}; Path=/; Max-Age={lifetime}; HttpOnly; SameSite=Lax"),
            format!("{MARKER}={}; Path=/; Max-Age={lifetime}; SameSite=Lax", server.client_id),
        ]);
        assert!(!answer.text.contains(&kept), "no script reads it");
        let renewed = refresh(&server, &mut browser, Some(&origin)).await.expect(200);
        assert_eq!((renewed.json().get("refresh_token"), &renewed.json()["user"]["id"]), (None, &json!(user)));
        assert_ne!(browser.cookie(KEPT), Some(kept.as_str()), "a new one each time");
        // The same token is accepted elsewhere: the previous one may be reused for a moment, and then revokes the
        // family.
        server.clock.advance_seconds(31);
        assert_eq!(server.renew(&kept).await.expect(400).text_at("error"), "invalid_grant");
        refresh(&server, &mut browser, Some(&origin)).await.expect(400);
    }

    async fn who_asks_without_cookies_or_brings_a_token_gets_one(server: TestServer) {
        let origin = page(&server).await;
        server.person("ada@example.com").await;
        let mut browser = Browser::new(&server);
        let code = async |browser: &mut Browser| {
            let page = browser.open(&server.ask_with_challenge("&prompt=login")).await;
            let page = server.sign_in(browser, &page, "ada@example.com").await;
            json!({"grant_type": "authorization_code", "client_id": server.client_id, "code": page.sent("code").unwrap(), "code_verifier": VERIFIER})
        };
        // A page of another site, or one that keeps the token itself: its browser sends no cookies.
        let body = code(&mut browser).await;
        let answer = Browser::new(&server).fetch(Some(&origin), PATH, body).await.expect(200);
        assert_eq!(cookies(&answer), [""; 0]);
        let token = answer.text_at("refresh_token");
        // With cookies, but with its own token all the same.
        let body = json!({"grant_type": "refresh_token", "client_id": server.client_id, "refresh_token": token});
        let answer = browser.fetch(Some(&origin), PATH, body).await.expect(200);
        assert!(answer.json()["refresh_token"].is_string() && cookies(&answer).is_empty(), "{}", answer.text);
        // A request with the client secret does not come from a page.
        let mut body = code(&mut browser).await;
        body["client_secret"] = server.api_key.as_str().into();
        let answer = browser.fetch(Some(&origin), PATH, body).await.expect(200);
        assert!(answer.json()["refresh_token"].is_string() && cookies(&answer).is_empty(), "{}", answer.text);
        // For a page that is not listed, cookies are ignored and the response cannot be read.
        let body = code(&mut browser).await;
        let answer = browser.fetch(Some("https://neighbour.example"), PATH, body).await.expect(200);
        assert!(answer.json()["refresh_token"].is_string() && cookies(&answer).is_empty(), "{}", answer.text);
        assert_eq!(answer.header("access-control-allow-origin"), None);
    }

    async fn threat_19_what_the_browser_keeps_counts_for_listed_pages_alone(server: TestServer) {
        let origin = page(&server).await;
        server.person("ada@example.com").await;
        let mut browser = Browser::new(&server);
        signed_in(&server, &mut browser, &origin, "ada@example.com").await.expect(200);
        let kept = browser.cookie(KEPT).unwrap().to_owned();
        let longer = format!("{origin}0");
        for stranger in [None, Some("null"), Some("https://evil.example"), Some(server.base_url.as_str()), Some(longer.as_str())] {
            let answer = refresh(&server, &mut browser, stranger).await;
            answer.expect_invalid(&[("refresh_token", "required")]);
        }
        assert_eq!(browser.cookie(KEPT), Some(kept.as_str()), "nothing was spent, and nothing taken away");
        // Without the cookie there is no token.
        let mut other = Browser::new(&server);
        other.open("/sign-in").await;
        refresh(&server, &mut other, Some(&origin)).await.expect_invalid(&[("refresh_token", "required")]);
        refresh(&server, &mut browser, Some(&origin)).await.expect(200);
        // Once removed from the list, the cookie is no longer accepted.
        let listed = server.management().get("/user_management/cors_origins").await.expect_list();
        server.management().delete(&format!("/user_management/cors_origins/{}", listed[0]["id"].as_str().unwrap())).await.expect(204);
        refresh(&server, &mut browser, Some(&origin)).await.expect_invalid(&[("refresh_token", "required")]);
    }

    async fn threat_16_what_another_environment_has_given_counts_for_nothing(server: TestServer) {
        let origin = page(&server).await;
        server.person("ada@example.com").await;
        let mut browser = Browser::new(&server);
        signed_in(&server, &mut browser, &origin, "ada@example.com").await.expect(200);
        let key = &server.app.keyring.session_refresh_token;
        let token: RefreshToken<SessionFamilyId> =
            RefreshToken::read(browser.cookie(KEPT).unwrap(), key, server.environment_id()).unwrap();
        let theirs = token.compose(key, EnvironmentId::from_ulid(7));
        for cookie in [theirs.expose(), "x"] {
            let body = json!({"grant_type": "refresh_token", "client_id": server.client_id});
            let request = server.anonymous().request(reqwest::Method::POST, PATH).header("origin", &origin);
            let answer = server.anonymous().send(request.header("cookie", format!("{KEPT}={cookie}")).json(&body)).await;
            assert_eq!(answer.expect(400).text_at("error"), "invalid_grant");
        }
        refresh(&server, &mut browser, Some(&origin)).await.expect(200);
    }

    async fn what_is_over_is_taken_away_and_what_is_only_refused_stays(server: TestServer) {
        let origin = page(&server).await;
        let user = server.person("ada@example.com").await;
        let management = server.management();
        let acme = management.organization("Acme").await;
        let mut browser = Browser::new(&server);
        signed_in(&server, &mut browser, &origin, "ada@example.com").await.expect(200);
        let into = json!({"grant_type": "refresh_token", "client_id": server.client_id, "organization_id": acme});
        let refused = browser.fetch(Some(&origin), PATH, into.clone()).await.expect(400);
        assert_eq!((refused.text_at("error").as_str(), cookies(&refused).len()), ("organization_membership_not_found", 0));
        server.member(user, &acme).await;
        let switched = browser.fetch(Some(&origin), PATH, into).await.expect(200).json();
        assert_eq!(switched["organization_id"], json!(acme));
        let sessions = management.get(&format!("/user_management/users/{user}/sessions")).await.expect_list();
        management.post("/user_management/sessions/revoke", json!({"session_id": sessions[0]["id"]})).await.expect(200);
        let over = refresh(&server, &mut browser, Some(&origin)).await.expect(400);
        assert_eq!(over.text_at("error"), "invalid_grant");
        assert_eq!((browser.cookie(KEPT), browser.cookie(MARKER)), (None, None));
        assert!(cookies(&over).iter().all(|cookie| cookie.contains("Max-Age=0")), "{:?}", cookies(&over));
    }

    async fn signing_out_takes_it_away_and_nobody_elses_sign_out_does(server: TestServer) {
        let origin = page(&server).await;
        server.person("ada@example.com").await;
        server.person("eve@example.com").await;
        let eve = server.with_password("eve@example.com").await.expect(200).json();
        let mut browser = Browser::new(&server);
        let answer = signed_in(&server, &mut browser, &origin, "ada@example.com").await.expect(200).json();
        let logout = |answer: &Value| {
            let sid = crate::hosted::authorization_code::claims(answer["access_token"].as_str().unwrap())["sid"].clone();
            format!("/user_management/sessions/logout?session_id={}", sid.as_str().unwrap())
        };
        // Somebody else's sign-out link.
        browser.open(&logout(&eve)).await;
        assert!(browser.cookie(KEPT).is_some() && browser.cookie(MARKER).is_some());
        refresh(&server, &mut browser, Some(&origin)).await.expect(200);
        browser.open(&logout(&answer)).await;
        assert_eq!((browser.cookie(KEPT), browser.cookie(MARKER)), (None, None));
        refresh(&server, &mut browser, Some(&origin)).await.expect_invalid(&[("refresh_token", "required")]);
    }
}
