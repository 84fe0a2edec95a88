//! The lifecycle of signing keys as seen from outside: scheduled and manual rotation, and burning.

use super::token::claims;
use crate::harness::{Browser, TestServer, on_both_databases};
use countersign::keys::rotation;
use countersign_protocol::jose::Algorithm;
use countersign_protocol::model::{Actor, Environment, KeyPurpose};
use reqwest::Method;
use serde_json::Value;

async fn environment(server: &TestServer) -> Environment {
    let mut reader = server.app.store.reader().await.unwrap();
    countersign_store::environment::all(&mut reader).await.unwrap().remove(0)
}

/// Returns the published keys for sessions and machines.
async fn published(server: &TestServer) -> Vec<String> {
    published_at(server, &format!("/sso/jwks/{}", server.client_id)).await
}

async fn published_at(server: &TestServer, path: &str) -> Vec<String> {
    let jwks = server.anonymous().get(path).await.expect(200).json();
    jwks["keys"].as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

fn kid(token: &str) -> String {
    jsonwebtoken::decode_header(token).unwrap().kid.unwrap()
}

on_both_databases! {
    async fn a_new_key_is_published_before_it_signs_and_the_old_one_until_its_last_token(server: TestServer) {
        let (client_id, secret) = server.management().credential(&[]).await;
        let anonymous = server.anonymous();
        let first = anonymous.token(&client_id, &secret).await.expect(200).text_at("access_token");
        // The schedule creates a successor after its period.
        server.clock.advance_seconds(90 * 86_400 - rotation::PUBLISHED_BEFORE_SIGNING);
        rotation::advance(&server.app, 90).await.unwrap();
        let both = published(&server).await;
        assert_eq!(both.len(), 2);
        let before = anonymous.token(&client_id, &secret).await.expect(200).text_at("access_token");
        assert_eq!(kid(&before), kid(&first), "published, and not yet signing");

        server.clock.advance_seconds(rotation::PUBLISHED_BEFORE_SIGNING);
        rotation::advance(&server.app, 90).await.unwrap();
        let last_of_old = before;
        let after = anonymous.token(&client_id, &secret).await.expect(200).text_at("access_token");
        assert_ne!(kid(&after), kid(&first));
        assert_eq!(published(&server).await.len(), 2, "the old key is still needed");
        claims(&server, &last_of_old).await;
        claims(&server, &after).await;

        server.clock.advance_seconds(rotation::RETIRING);
        rotation::advance(&server.app, 90).await.unwrap();
        assert_eq!(published(&server).await, [kid(&after)]);
    }

    async fn applications_are_told_the_algorithms_of_their_own_keys(server: TestServer) {
        let environment = environment(&server).await;
        let told = async || {
            let discovery = server.anonymous().get("/.well-known/openid-configuration").await.expect(200).json();
            discovery["id_token_signing_alg_values_supported"].clone()
        };
        let rotate = async |purpose, algorithm| {
            rotation::rotate(&server.app, Actor::Visitor, &environment, purpose, algorithm, server.clock.now()).await.unwrap();
        };
        let before = told().await;
        rotate(KeyPurpose::Direct, Algorithm::EdDsa).await;
        assert_eq!(told().await, before);
        rotate(KeyPurpose::Delegated, Algorithm::Es256).await;
        assert!(told().await.as_array().unwrap().contains(&"ES256".into()));
    }

    async fn a_key_of_another_algorithm_takes_over_on_command(server: TestServer) {
        let (client_id, secret) = server.management().credential(&[]).await;
        let anonymous = server.anonymous();
        let environment = environment(&server).await;
        let mut tokens = vec![anonymous.token(&client_id, &secret).await.expect(200).text_at("access_token")];
        for algorithm in [Algorithm::Es256, Algorithm::EdDsa, Algorithm::Rs256] {
            rotation::rotate(&server.app, Actor::Visitor, &environment, KeyPurpose::Direct, algorithm, server.clock.now()).await.unwrap();
            let token = anonymous.token(&client_id, &secret).await.expect(200).text_at("access_token");
            let header = jsonwebtoken::decode_header(&token).unwrap();
            assert_eq!(format!("{:?}", header.alg).to_lowercase(), algorithm.as_str().to_lowercase());
            tokens.push(token);
        }
        for token in &tokens {
            claims(&server, token).await;
            assert_eq!(anonymous.introspect(&client_id, &secret, token).await["active"], true);
        }
    }

    async fn a_burnt_key_is_gone_with_every_token_it_signed(server: TestServer) {
        let (client_id, secret) = server.management().credential(&[]).await;
        let anonymous = server.anonymous();
        let token = anonymous.token(&client_id, &secret).await.expect(200).text_at("access_token");
        // Introspected once before, so that it is cached as verified, which must not help it.
        assert_eq!(anonymous.introspect(&client_id, &secret, &token).await["active"], true);
        let environment = environment(&server).await;
        let burnt = kid(&token);
        let successor = rotation::burn(&server.app, Actor::Visitor, &environment, burnt.parse().unwrap()).await.unwrap();
        assert_eq!(anonymous.introspect(&client_id, &secret, &token).await, serde_json::json!({"active": false}));
        assert_eq!(published(&server).await, [successor.to_string()]);
        let fresh = anonymous.token(&client_id, &secret).await.expect(200).text_at("access_token");
        assert_eq!(kid(&fresh), successor.to_string());
        let claims: Value = claims(&server, &fresh).await;
        assert_eq!(claims["client_id"], client_id.as_str());
        assert!(rotation::burn(&server.app, Actor::Visitor, &environment, burnt.parse().unwrap()).await.is_err(), "it exists no more");
    }

    async fn what_an_application_holds_about_a_person_is_no_session_even_to_who_checks_the_signature_alone(server: TestServer) {
        server.person("ada@example.com").await;
        let session = server.with_password("ada@example.com").await.expect(200).text_at("access_token");
        let application = server.application("first", false, &[]).await;
        let mut browser = Browser::new(&server);
        let page = browser.open(&application.authorize("&scope=openid")).await;
        let page = server.sign_in(&mut browser, &page, "ada@example.com").await;
        let tokens = server.redeem(&application, &page.sent("code").unwrap()).await.expect(200).json();
        let (client_id, secret) = server.management().credential(&[]).await;
        let machine = server.anonymous().token(&client_id, &secret).await.expect(200).text_at("access_token");

        let (direct, all) = (published(&server).await, published_at(&server, "/oauth2/jwks").await);
        assert_eq!((direct.len(), all.len()), (1, 2));
        for own in [&session, &machine] {
            assert_eq!(direct, [kid(own)]);
        }
        for held in ["access_token", "id_token"] {
            let kid = kid(tokens[held].as_str().unwrap());
            assert!(!direct.contains(&kid) && all.contains(&kid), "{held}");
        }
    }

    async fn a_burnt_key_of_people_leaves_machines_and_sessions_alone(server: TestServer) {
        server.person("ada@example.com").await;
        let application = server.application("first", false, &[]).await;
        let mut browser = Browser::new(&server);
        let page = browser.open(&application.authorize("&scope=openid")).await;
        let page = server.sign_in(&mut browser, &page, "ada@example.com").await;
        let held = server.redeem(&application, &page.sent("code").unwrap()).await.expect(200).text_at("access_token");
        let machine = server.introspector().await;
        let own = server.anonymous().token(&machine.0, &machine.1).await.expect(200).text_at("access_token");
        assert_eq!(server.introspected(&machine, &held).await["active"], true);
        let environment = environment(&server).await;
        let before = published(&server).await;
        rotation::burn(&server.app, Actor::Visitor, &environment, kid(&held).parse().unwrap()).await.unwrap();
        assert_eq!(server.introspected(&machine, &held).await["active"], false);
        assert_eq!(server.introspected(&machine, &own).await["active"], true);
        assert_eq!(published(&server).await, before);
        assert_eq!(published_at(&server, "/oauth2/jwks").await.len(), 2, "its successor is one of its purpose");
    }

    async fn two_nodes_on_the_same_schedule_make_one_successor(server: TestServer) {
        let other = server.another_node().await;
        server.clock.advance_seconds(100 * 86_400);
        other.clock.advance_seconds(100 * 86_400);
        let (one, two) = tokio::join!(rotation::advance(&server.app, 90), rotation::advance(&other.app, 90));
        one.unwrap();
        two.unwrap();
        let published = published(&server).await;
        assert_eq!(published.len(), 2, "the active key and one successor: {published:?}");
    }

    async fn an_id_token_is_a_hint_long_after_its_key_has_gone(server: TestServer) {
        server.declare("[environment.sessions]\nmaximum_length = 31536000\ninactivity_timeout = 31536000\n").await.done();
        let application = server.application("forum", false, &[]).await;
        server.person("ada@example.com").await;
        let mut browser = Browser::new(&server);
        let page = browser.open(&application.authorize("&scope=openid")).await;
        let page = server.sign_in(&mut browser, &page, "ada@example.com").await;
        let tokens = server.redeem(&application, &page.sent("code").unwrap()).await.expect(200);
        let (id_token, access_token) = (tokens.text_at("id_token"), tokens.text_at("access_token"));
        let (environment, old) = (environment(&server).await, kid(&id_token));
        let rotate = || async {
            rotation::rotate(&server.app, Actor::Visitor, &environment, KeyPurpose::Delegated, Algorithm::Es256, server.clock.now()).await.unwrap();
        };
        rotate().await;
        server.clock.advance_seconds(rotation::RETIRING);
        rotation::advance(&server.app, 0).await.unwrap();
        server.clock.advance_seconds(200 * 86_400);
        let keys = published_at(&server, "/oauth2/jwks").await;
        assert!(!keys.contains(&old), "published no more: {keys:?}");

        // The application identifies the user with it, and nobody is asked.
        let hint = format!("&scope=openid&prompt=none&id_token_hint={id_token}");
        let page = browser.open(&application.authorize(&hint)).await;
        assert!(page.sent("code").is_some());
        // An access token is not a valid hint, and that key no longer verifies anything else.
        let page = browser.open(&application.authorize(&format!("&scope=openid&prompt=none&id_token_hint={access_token}"))).await;
        assert_eq!(page.sent("error").as_deref(), Some("login_required"));
        let anonymous = server.anonymous();
        let userinfo = anonymous.request(Method::GET, "/oauth2/userinfo").header("authorization", format!("Bearer {access_token}"));
        assert_eq!(anonymous.send(userinfo).await.status, 401);

        // Unless it is burned, which cannot be done twice.
        rotation::burn(&server.app, Actor::Visitor, &environment, old.parse().unwrap()).await.unwrap();
        assert!(rotation::burn(&server.app, Actor::Visitor, &environment, old.parse().unwrap()).await.is_err());
        let page = browser.open(&application.authorize(&hint)).await;
        assert_eq!(page.sent("error").as_deref(), Some("login_required"));
    }

    async fn a_key_that_is_gone_for_long_is_no_hint_though_none_follows_it(server: TestServer) {
        let application = server.application("forum", false, &[]).await;
        server.person("ada@example.com").await;
        let mut browser = Browser::new(&server);
        let page = browser.open(&application.authorize("&scope=openid")).await;
        let page = server.sign_in(&mut browser, &page, "ada@example.com").await;
        let id_token = server.redeem(&application, &page.sent("code").unwrap()).await.expect(200).text_at("id_token");
        let environment = environment(&server).await;
        rotation::rotate(&server.app, Actor::Visitor, &environment, KeyPurpose::Delegated, Algorithm::Es256, server.clock.now()).await.unwrap();
        server.clock.advance_seconds(rotation::RETIRING);
        rotation::advance(&server.app, 0).await.unwrap();
        let logout = format!("/oauth2/logout?id_token_hint={id_token}");
        for (later, arrives) in [(rotation::KNOWN - rotation::RETIRING - 60, "/signed-out"), (60, "/sign-out")] {
            server.clock.advance_seconds(later);
            let page = browser.open("/sign-in").await;
            server.sign_in(&mut browser, &page, "ada@example.com").await;
            assert_eq!(browser.open(&logout).await.path, arrives);
        }
    }
}
