//! Applications are notified that sessions have ended (OpenID Connect Back-Channel Logout 1.0).

use crate::harness::{Application, Browser, Receiver, TestServer, on_both_databases};
use countersign_protocol::id::UserId;
use countersign_store::{application, logout_notice};
use serde_json::{Value, json};

/// Returns the claims of a logout token or ID token, verified with the server's own keys by an independent library.
async fn verified(server: &TestServer, token: &str, application: &Application) -> (jsonwebtoken::Header, Value) {
    let jwks = server.anonymous().get("/oauth2/jwks").await.expect(200);
    let jwks: jsonwebtoken::jwk::JwkSet = serde_json::from_str(&jwks.text).unwrap();
    let header = jsonwebtoken::decode_header(token).unwrap();
    let key = jwks.find(header.kid.as_deref().unwrap()).expect("the key is published");
    let mut checks = jsonwebtoken::Validation::new(header.alg);
    checks.set_issuer(&[&server.base_url]);
    checks.set_audience(&[&application.client_id]);
    checks.validate_exp = false;
    let key = jsonwebtoken::DecodingKey::from_jwk(key).unwrap();
    (header, jsonwebtoken::decode::<Value>(token, &key, &checks).unwrap().claims)
}

/// Creates an application that gets logout notices at `<receiver>/<name>`.
async fn told(server: &TestServer, name: &str, receiver: &Receiver) -> Application {
    let application = server.application(name, false, &[]).await;
    let uri = format!("{}/{name}", receiver.base_url);
    let changed = server
        .management()
        .put(&format!("/connect/applications/{}", application.client_id), json!({"backchannel_logout_uri": uri}))
        .await;
    assert_eq!(changed.expect(200).text_at("backchannel_logout_uri"), uri);
    application
}

/// Signs in to an application, with the password if the browser is asked for it; returns the tokens.
async fn signed_in(server: &TestServer, browser: &mut Browser, application: &Application, email: &str) -> Value {
    let mut page = browser.open(&application.authorize("&scope=openid+offline_access")).await;
    if page.left_to.is_none() {
        page = server.sign_in(browser, &page, email).await;
    }
    server.redeem(application, &page.sent("code").unwrap()).await.expect(200).json()
}

async fn sid(server: &TestServer, tokens: &Value, application: &Application) -> Value {
    verified(server, tokens["id_token"].as_str().unwrap(), application).await.1["sid"].clone()
}

async fn sign_out(browser: &mut Browser) {
    let page = browser.open("/sign-out").await;
    assert_eq!(browser.submit(&page, "/sign-out", &[("decision", "sign_out")]).await.path, "/signed-out");
}

/// Returns the number of queued notices for an application, up to nine.
async fn waiting(server: &TestServer, application: &Application) -> usize {
    let (environment_id, reader) = (server.environment_id(), &mut server.app.store.reader().await.unwrap());
    let client_id = application.client_id.parse().unwrap();
    let found = application::find_by_client_id(reader, environment_id, client_id).await.unwrap().unwrap();
    let late = server.clock.now().plus_secs(30 * 86_400);
    logout_notice::due(reader, (environment_id, found.id), late, 9).await.unwrap().len()
}

async fn until_none_waits(server: &TestServer, application: &Application) {
    let began = std::time::Instant::now();
    while waiting(server, application).await > 0 {
        assert!(began.elapsed().as_secs() < 15, "it was not taken");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

fn logout_token(body: &str) -> &str {
    body.strip_prefix("logout_token=").expect("a form with one field")
}

on_both_databases! {
    async fn every_application_of_a_session_is_told_of_its_end(server: TestServer) {
        let mut receiver = Receiver::start().await;
        let (forum, docs) = (told(&server, "forum", &receiver).await, told(&server, "docs", &receiver).await);
        let silent = server.application("silent", false, &[]).await;
        let user_id = server.person("ada@example.com").await;
        let mut browser = Browser::new(&server);
        let at_forum = signed_in(&server, &mut browser, &forum, "ada@example.com").await;
        let at_docs = signed_in(&server, &mut browser, &docs, "").await;
        let at_silent = signed_in(&server, &mut browser, &silent, "").await;
        let (forum_sid, docs_sid) = (sid(&server, &at_forum, &forum).await, sid(&server, &at_docs, &docs).await);
        assert!(forum_sid.is_string() && docs_sid.is_string());
        assert_ne!(forum_sid, docs_sid, "no application learns of another by it");
        assert_eq!(sid(&server, &at_silent, &silent).await, Value::Null);
        let refreshed = server.refresh(&forum, at_forum["refresh_token"].as_str().unwrap()).await.expect(200).json();
        assert_eq!(sid(&server, &refreshed, &forum).await, forum_sid, "the same after a refresh (OpenID Connect Core §12.2)");

        sign_out(&mut browser).await;
        for _ in 0..2 {
            let received = receiver.next().await;
            assert_eq!(received.headers["content-type"], "application/x-www-form-urlencoded");
            let (application, sid) = match received.uri.as_str() {
                "/forum" => (&forum, &forum_sid),
                "/docs" => (&docs, &docs_sid),
                other => panic!("{other}"),
            };
            let (header, claims) = verified(&server, logout_token(&received.body), application).await;
            assert_eq!(header.typ.as_deref(), Some("logout+jwt"));
            assert_eq!((&claims["sid"], &claims["sub"]), (sid, &json!(user_id)));
            assert_eq!(claims["events"], json!({"http://schemas.openid.net/event/backchannel-logout": {}}));
            assert!(claims.get("nonce").is_none(), "so that it is never taken for an ID token");
            assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 120);
            let as_hint = browser.open(&format!("/oauth2/logout?id_token_hint={}&post_logout_redirect_uri={}", logout_token(&received.body), application.redirect_uri)).await;
            assert!(as_hint.left_to.is_none(), "nor taken for one here");
        }
        server.refresh(&forum, refreshed["refresh_token"].as_str().unwrap()).await.expect(200);
        assert_eq!(receiver.rest().len(), 0, "once each");
    }

    async fn who_proves_again_who_they_are_stays_signed_in_everywhere(server: TestServer) {
        let mut receiver = Receiver::start().await;
        let (forum, docs) = (told(&server, "forum", &receiver).await, told(&server, "docs", &receiver).await);
        server.person("ada@example.com").await;
        server.person("grace@example.com").await;
        let mut browser = Browser::new(&server);
        let before = signed_in(&server, &mut browser, &forum, "ada@example.com").await;
        let mut thief = Browser::new(&server);
        thief.steal(&browser, "cs_session");
        let page = browser.open(&docs.authorize("&scope=openid&prompt=login")).await;
        let page = server.sign_in(&mut browser, &page, "ada@example.com").await;
        server.redeem(&docs, &page.sent("code").unwrap()).await.expect(200);
        assert!(thief.open("/account").await.path.starts_with("/sign-in"), "under a new cookie");
        let again = signed_in(&server, &mut browser, &forum, "").await;
        assert_eq!(sid(&server, &before, &forum).await, sid(&server, &again, &forum).await, "in the same session");

        // A different user in the same browser: a new session, and the end of this one.
        let page = browser.open(&docs.authorize("&scope=openid&prompt=login")).await;
        let page = server.sign_in(&mut browser, &page, "grace@example.com").await;
        server.redeem(&docs, &page.sent("code").unwrap()).await.expect(200);
        let told = [receiver.next().await, receiver.next().await].map(|received| received.uri);
        assert!(told.contains(&"/forum".to_owned()) && told.contains(&"/docs".to_owned()), "{told:?}");
    }

    async fn with_an_organization_end_the_sessions_in_it(server: TestServer) {
        let mut receiver = Receiver::start().await;
        let forum = told(&server, "forum", &receiver).await;
        let management = server.management();
        let (acme, globex) = (management.organization("Acme").await, management.organization("Globex").await);
        let mut browsers = Vec::new();
        for (email, organization) in [("ada@example.com", Some(&acme)), ("grace@example.com", Some(&globex)), ("alan@example.com", None)] {
            let user_id = server.person(email).await;
            if let Some(organization) = organization {
                server.member(user_id, organization).await;
            }
            let mut browser = Browser::new(&server);
            let tokens = signed_in(&server, &mut browser, &forum, email).await;
            browsers.push((browser, sid(&server, &tokens, &forum).await));
        }
        management.delete(&format!("/organizations/{acme}")).await.expect(200);
        let received = receiver.next().await;
        let (_, claims) = verified(&server, logout_token(&received.body), &forum).await;
        assert_eq!(claims["sid"], browsers[0].1);
        until_none_waits(&server, &forum).await;
        assert_eq!(receiver.rest().len(), 0, "the others are where they were");
        let signed_out = [true, false, false];
        for ((browser, _), out) in browsers.iter_mut().zip(signed_out) {
            assert_eq!(browser.open("/account").await.path.starts_with("/sign-in"), out);
        }
    }

    async fn who_wants_to_be_told_later_is_told_of_who_refreshes(server: TestServer) {
        let mut receiver = Receiver::start().await;
        let forum = server.application("forum", false, &[]).await;
        server.person("ada@example.com").await;
        let mut browser = Browser::new(&server);
        let tokens = signed_in(&server, &mut browser, &forum, "ada@example.com").await;
        assert_eq!(sid(&server, &tokens, &forum).await, Value::Null);
        let uri = format!("{}/forum", receiver.base_url);
        let path = format!("/connect/applications/{}", forum.client_id);
        server.management().put(&path, json!({"backchannel_logout_uri": uri})).await.expect(200);
        let refreshed = server.refresh(&forum, tokens["refresh_token"].as_str().unwrap()).await.expect(200).json();
        let named = sid(&server, &refreshed, &forum).await;
        assert!(named.is_string());
        sign_out(&mut browser).await;
        let received = receiver.next().await;
        assert_eq!(verified(&server, logout_token(&received.body), &forum).await.1["sid"], named);
        // What outlives its session still works.
        server.refresh(&forum, refreshed["refresh_token"].as_str().unwrap()).await.expect(200);
        assert_eq!(receiver.rest().len(), 0);
    }

    async fn whatever_ends_a_session_is_told(server: TestServer) {
        let mut receiver = Receiver::start().await;
        let forum = told(&server, "forum", &receiver).await;
        let management = server.management();
        let user_id: UserId = server.person("ada@example.com").await;
        let sessions = format!("/user_management/users/{user_id}/sessions");
        for way in ["revoke", "everywhere", "deleted"] {
            let mut browser = Browser::new(&server);
            let tokens = signed_in(&server, &mut browser, &forum, "ada@example.com").await;
            match way {
                "revoke" => {
                    let id = management.get(&sessions).await.expect_list()[0]["id"].clone();
                    management.post("/user_management/sessions/revoke", json!({"session_id": id})).await.expect(200);
                }
                "everywhere" => {
                    let page = browser.open("/account").await;
                    browser.submit(&page, "/account/sign-out-everywhere", &[]).await;
                }
                _ => {
                    management.delete(&format!("/user_management/users/{user_id}")).await.expect(200);
                }
            }
            let received = receiver.next().await;
            let claims = verified(&server, logout_token(&received.body), &forum).await.1;
            assert_eq!(claims["sid"], sid(&server, &tokens, &forum).await, "{way}");
        }
        assert_eq!(receiver.rest().len(), 0);
    }

    async fn an_application_that_does_not_answer_is_told_again_and_keeps_nobody_waiting(server: TestServer) {
        let (mut broken, mut good) = (Receiver::start().await, Receiver::start().await);
        let hanging = Receiver::start().await;
        hanging.hang();
        let applications =
            [told(&server, "forum", &broken).await, told(&server, "docs", &good).await, told(&server, "desk", &hanging).await];
        server.person("ada@example.com").await;
        let mut browser = Browser::new(&server);
        for application in &applications {
            signed_in(&server, &mut browser, application, "ada@example.com").await;
        }
        broken.answer(503);
        broken.answer(400);
        sign_out(&mut browser).await;
        good.next().await;
        let first = broken.next().await;
        server.clock.advance_seconds(21);
        let second = broken.next().await;
        let (one, other) = (
            verified(&server, logout_token(&first.body), &applications[0]).await.1,
            verified(&server, logout_token(&second.body), &applications[0]).await.1,
        );
        assert_eq!(one["sid"], other["sid"]);
        assert_ne!(one["jti"], other["jti"], "a token of its own for every try");
        // An application that understood and refused gets no retry: the next notice it gets is for the next sign-out.
        server.clock.advance_seconds(86_400);
        let next = signed_in(&server, &mut browser, &applications[0], "ada@example.com").await;
        sign_out(&mut browser).await;
        let third = verified(&server, logout_token(&broken.next().await.body), &applications[0]).await.1;
        assert_eq!(third["sid"], sid(&server, &next, &applications[0]).await);
    }

    async fn who_has_understood_is_told_once_whatever_the_answer_says_besides(server: TestServer) {
        let mut receiver = Receiver::start().await;
        receiver.always_say("content-encoding", "gzip", vec![b'x'; 100_000]);
        let forum = told(&server, "forum", &receiver).await;
        server.person("ada@example.com").await;
        let mut browser = Browser::new(&server);
        signed_in(&server, &mut browser, &forum, "ada@example.com").await;
        sign_out(&mut browser).await;
        receiver.next().await;
        until_none_waits(&server, &forum).await;
        server.clock.advance_seconds(60);
        assert_eq!(receiver.rest().len(), 0, "once");
    }

    async fn an_application_with_very_many_notices_keeps_nobody_waiting(server: TestServer) {
        let (dead, mut good) = (Receiver::start().await, Receiver::start().await);
        dead.hang();
        let (gone, docs) = (told(&server, "forum", &dead).await, told(&server, "docs", &good).await);
        let user_id = server.person("ada@example.com").await;
        let mut browser = Browser::new(&server);
        signed_in(&server, &mut browser, &docs, "ada@example.com").await;
        let now = server.clock.now().as_millis();
        let environment_id = server.environment_id();
        server.database.tamper(&format!(
            "WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 12000) \
             INSERT INTO logout_notice (environment_id, session_id, application_id, user_id, subject, attempts, next_at, created_at) \
             SELECT a.environment_id, 'session_0100000000' || (1000000000000000 + n.i), a.id, '{user_id}', 'ada', 0, {now} - 5000, {now} \
             FROM n CROSS JOIN connect_application a WHERE a.environment_id = '{environment_id}' AND a.client_id = '{}'",
            gone.client_id
        )).await;
        sign_out(&mut browser).await;
        assert_eq!(good.next().await.uri, "/docs");
        until_none_waits(&server, &docs).await;
        // A notice that could not be delivered within a day is deleted.
        assert!(waiting(&server, &gone).await > 0);
        server.clock.advance_seconds(86_400 + 60);
        countersign::jobs::retention::run(std::sync::Arc::clone(&server.app)).await;
        assert_eq!(waiting(&server, &gone).await, 0);
    }

    async fn a_session_that_has_ended_takes_back_what_it_was_giving(server: TestServer) {
        let mut receiver = Receiver::start().await;
        for application in [told(&server, "forum", &receiver).await, server.application("silent", false, &[]).await] {
            server.person(&format!("{}@example.com", application.client_id)).await;
            let mut browser = Browser::new(&server);
            let page = browser.open(&application.authorize("&scope=openid")).await;
            let page = server.sign_in(&mut browser, &page, &format!("{}@example.com", application.client_id)).await;
            let code = page.sent("code").unwrap();
            sign_out(&mut browser).await;
            assert_eq!(server.redeem(&application, &code).await.expect(400).text_at("error"), "invalid_grant");
        }
        assert_eq!(receiver.rest().len(), 0, "nobody was signed in");
    }

    async fn threat_22_an_address_inside_the_network_cannot_be_registered(server: TestServer) {
        let management = server.management();
        let forum = server.application("forum", false, &[]).await;
        let path = format!("/connect/applications/{}", forum.client_id);
        for uri in [
            "https://10.0.0.1.:1/", "https://10.0.0.1/", "https://[::ffff:10.0.0.1]/", "https://169.254.169.254/latest", "http://app.example.com/",
            "https://user:pass@app.example.com/", "https://app.example.com/#fragment", "ftp://app.example.com/", "not a url", "javascript:alert(1)",
        ] {
            management.put(&path, json!({"backchannel_logout_uri": uri})).await.expect_invalid(&[("backchannel_logout_uri", "invalid")]);
        }
        let machine = management.machine(&management.organization("Acme").await, &[]).await;
        let path = format!("/connect/applications/{}", machine["id"].as_str().unwrap());
        management.put(&path, json!({"backchannel_logout_uri": "https://app.example.com/"})).await.expect_invalid(&[("backchannel_logout_uri", "not_allowed")]);
        let path = format!("/connect/applications/{}", forum.client_id);
        management.put(&path, json!({"backchannel_logout_uri": "https://app.example.com/out"})).await.expect(200);
        assert!(management.put(&path, json!({"backchannel_logout_uri": null})).await.expect(200).json().get("backchannel_logout_uri").is_none());
        let document = server.anonymous().get("/.well-known/openid-configuration").await.expect(200).json();
        assert_eq!((&document["backchannel_logout_supported"], &document["backchannel_logout_session_supported"]), (&json!(true), &json!(true)));
    }
}
