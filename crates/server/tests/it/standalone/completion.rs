//! `POST /authkit/oauth2/complete` and the browser's return: every error, every race, and every wrong browser.

use super::{complete, complete_with, sent_away, sign_in, somebody, standalone, user_id, way_back};
use crate::harness::{Application, Browser, TestServer, on_both_databases};
use serde_json::{Value, json};

async fn begun(server: &TestServer, application: &Application) -> (Browser, String) {
    let mut browser = Browser::new(server);
    let page = browser.open(&application.authorize("&scope=openid")).await;
    (browser, sent_away(&page))
}

fn option(claim: &str) -> Value {
    json!([{"claim": claim, "type": "enum", "label": "Workspace", "choices": [{"value": "w1", "label": "One"}]}])
}

on_both_databases! {
    async fn what_is_wrong_with_a_completion_is_told(server: TestServer) {
        standalone(&server).await;
        let application = server.application("third", false, &[]).await;
        let (_, id) = begun(&server, &application).await;
        let body = json!({"external_auth_id": id, "user": somebody("p-1")});
        server.anonymous().post("/authkit/oauth2/complete", body.clone()).await.expect_unauthorized();

        let management = server.management();
        let post = async |body: Value| management.post("/authkit/oauth2/complete", body).await;
        post(json!({})).await.expect_invalid(&[("external_auth_id", "required"), ("user", "required")]);
        post(json!({"external_auth_id": id, "user": "me"})).await.expect_invalid(&[("user", "invalid_type")]);
        post(json!({"external_auth_id": id, "user": {}})).await
            .expect_invalid(&[("user.id", "required"), ("user.email", "required")]);
        post(json!({"external_auth_id": id, "user": {"id": "\u{fc}", "email": 1, "first_name": "x".repeat(256)}})).await
            .expect_invalid(&[("user.id", "invalid"), ("user.email", "invalid_type"), ("user.first_name", "too_long")]);
        post(json!({"external_auth_id": id, "user": {"id": "x".repeat(129), "email": "a@b.co"}})).await
            .expect_invalid(&[("user.id", "too_long")]);
        let mut user = somebody("p-1");
        user["metadata"] = json!({"key": "x".repeat(601)});
        complete(&server, &id, user).await.expect_invalid(&[("user.metadata", "invalid_metadata")]);
        let mut user = somebody("p-1");
        user["metadata"] = (0..51).map(|number| (format!("k{number}"), "x".into())).collect::<serde_json::Map<_, _>>().into();
        complete(&server, &id, user).await.expect_invalid(&[("user.metadata", "invalid_metadata")]);
        let wrong = json!([{"claim": "a", "type": "text", "label": "x", "choices": []}]);
        complete_with(&server, &id, somebody("p-1"), wrong).await.expect_invalid(&[
            ("user_consent_options.0.type", "invalid"),
            ("user_consent_options.0.choices", "required"),
        ]);
        let reserved = complete_with(&server, &id, somebody("p-1"), option("sub")).await.expect(400).expect_json();
        assert_eq!(reserved, json!({"error": "Bad Request", "message": "Claim \"sub\" is reserved and cannot be used."}));

        let mut user = somebody("p-1");
        user["email"] = json!("not an address");
        complete(&server, &id, user).await.expect_code(400, "invalid_email");
        // An address belongs to its user even if they have no external ID: nobody else is taken for them because of it.
        server.person("owner@example.com").await;
        let mut user = somebody("p-1");
        user["email"] = json!("Owner@Example.com");
        complete(&server, &id, user.clone()).await.expect_code(400, "email_not_available");
        for unknown in ["nonsense", "ext_auth_01JZ8Z5V3M6Q7R8S9TABCDEFGH", "01JZ8Z5V3M6Q7R8S9TABCDEFGH"] {
            complete(&server, unknown, somebody("p-1")).await.expect_not_found("External authentication", unknown);
        }
        let elsewhere = server.another_environment().await;
        let foreign = elsewhere.management.post("/authkit/oauth2/complete", body).await;
        foreign.expect_not_found("External authentication", &id);

        // None of that has consumed it or left anything behind.
        assert_eq!(server.events("user.created").await.len(), 1, "the owner of the address");
        complete(&server, &id, somebody("p-1")).await.expect(200);
        complete(&server, &id, somebody("p-1")).await.expect_code(400, "external_auth_session_already_completed");
        // The same holds for an existing user.
        let (_, id) = begun(&server, &application).await;
        user["id"] = json!("p-1");
        complete(&server, &id, user).await.expect_code(400, "email_not_available");
        server.clock.advance_seconds(300);
        complete(&server, &id, somebody("p-1")).await.expect_not_found("External authentication", &id);
    }

    async fn first_party_applications_ask_nobody_to_choose(server: TestServer) {
        standalone(&server).await;
        let (_, id) = begun(&server, &server.application("forum", false, &[]).await).await;
        let refused = complete_with(&server, &id, somebody("p-1"), option("workspace")).await;
        refused.expect_code(400, "user_consent_options_not_supported");
        complete_with(&server, &id, somebody("p-1"), json!([])).await.expect(200);
    }

    async fn a_person_is_kept_as_the_company_says(server: TestServer) {
        standalone(&server).await;
        let application = server.application("forum", false, &[]).await;
        let mut first = somebody("p-1");
        first["metadata"] = json!({"plan": "free", "team": "a"});
        let (_, id) = begun(&server, &application).await;
        complete(&server, &id, first.clone()).await.expect(200);
        let (_, id) = begun(&server, &application).await;
        complete(&server, &id, json!({"id": "p-1", "email": "p-1@example.com"})).await.expect(200);
        assert_eq!(server.events("user.updated").await.len(), 0, "nothing has changed");
        let (_, id) = begun(&server, &application).await;
        let changed = json!({
            "id": "p-1", "email": "Ada@Example.org", "last_name": "King", "name": "Ada, Countess", "metadata": {"plan": "pro", "team": null},
        });
        complete(&server, &id, changed).await.expect(200);
        assert_eq!(server.events("user.updated").await.len(), 1);
        let user = user_id(&server, "p-1").await;
        let known = server.management().get(&format!("/user_management/users/{user}")).await.expect(200).json();
        for (field, expected) in [
            ("email", json!("Ada@Example.org")),
            ("email_verified", json!(true)),
            ("first_name", json!("Ada")),
            ("last_name", json!("King")),
            ("name", json!("Ada, Countess")),
            ("external_id", json!("p-1")),
            ("metadata", json!({"plan": "pro"})),
        ] {
            assert_eq!(known[field], expected, "{field}");
        }
    }

    async fn an_address_that_an_organization_answers_for_stays(server: TestServer) {
        server.declare("[[environment.organization]]\nexternal_id = \"acme\"\nname = \"Acme\"\ndomains = [{ domain = \"acme.example\", state = \"verified\" }, { domain = \"acme.example.org\", state = \"verified\" }, { domain = \"bücher.de\", state = \"verified\" }]").await.done();
        standalone(&server).await;
        let application = server.application("forum", false, &[]).await;
        let at = async |email: &str| {
            let (_, id) = begun(&server, &application).await;
            complete(&server, &id, json!({"id": "p-1", "email": email})).await
        };
        at("ada@acme.example").await.expect(200);
        at("ada@elsewhere.example").await.expect(200);
        at("ada@acme.example").await.expect(200);
        let acme = server.management().get("/organizations/external_id/acme").await.expect(200).text_at("id");
        server.member(user_id(&server, "p-1").await, &acme).await;
        at("ada@elsewhere.example").await.expect_code(400, "email_change_not_allowed");
        at("Ada.King@acme.example").await.expect(200);
        at("ada@acme.example.org").await.expect(200);
        // In either spelling of the domain.
        at("ada@bücher.de").await.expect(200);
        at("ada@elsewhere.example").await.expect_code(400, "email_change_not_allowed");
        at("ada@xn--bcher-kva.de").await.expect(200);
    }

    async fn of_two_completions_one_wins(server: TestServer) {
        standalone(&server).await;
        let application = server.application("forum", false, &[]).await;
        let other = server.another_node().await;
        for round in 0..10 {
            let (_, id) = begun(&server, &application).await;
            let (one, two) = (somebody(&format!("one-{round}")), somebody(&format!("two-{round}")));
            let both = tokio::join!(complete(&server, &id, one), complete(&other, &id, two));
            let mut statuses = [both.0.status, both.1.status];
            statuses.sort_unstable();
            assert_eq!(statuses, [200, 400], "{} {}", both.0.text, both.1.text);
            let lost = if both.0.status == 400 { both.0 } else { both.1 };
            lost.expect_code(400, "external_auth_session_already_completed");
        }
        assert_eq!(server.events("user.created").await.len(), 10, "the one who came too late has left nothing");
    }

    async fn a_new_person_comes_in_two_tabs_at_once(server: TestServer) {
        standalone(&server).await;
        let application = server.application("forum", false, &[]).await;
        let other = server.another_node().await;
        for round in 0..10 {
            let person = somebody(&format!("p-{round}"));
            let ((_, one), (_, two)) = (begun(&server, &application).await, begun(&server, &application).await);
            let both = tokio::join!(complete(&server, &one, person.clone()), complete(&other, &two, person));
            assert_eq!((both.0.status, both.1.status), (200, 200), "{} {}", both.0.text, both.1.text);
        }
        assert_eq!(server.events("user.created").await.len(), 10);
    }

    async fn the_same_request_again_gets_the_same_answer(server: TestServer) {
        standalone(&server).await;
        let (_, id) = begun(&server, &server.application("forum", false, &[]).await).await;
        let management = server.management();
        let body = json!({"external_auth_id": id, "user": somebody("p-1")});
        let post = async || {
            let request = management.request(reqwest::Method::POST, "/authkit/oauth2/complete").json(&body);
            management.send(request.header("idempotency-key", "retry-1")).await.expect(200)
        };
        let (first, second) = (post().await, post().await);
        assert_eq!(first.text, second.text);
        assert_eq!(server.events("user.created").await.len(), 1);
    }

    async fn threat_19_the_way_back_is_for_the_browser_that_was_sent_away(server: TestServer) {
        standalone(&server).await;
        let application = server.application("forum", false, &[]).await;
        let (mut browser, id) = begun(&server, &application).await;
        let back = way_back(&server, complete(&server, &id, somebody("p-1")).await);
        // Mallory completes a sign-in of their own and gets others to open the return URL: that signs nobody in.
        let (mut somebody_else, _) = begun(&server, &application).await;
        let mut fresh = Browser::new(&server);
        for other in [&mut somebody_else, &mut fresh] {
            let page = other.open(&back).await;
            assert_eq!(page.status, 400);
            assert!(page.html.contains("began elsewhere"), "{}", page.html);
            assert!(!other.has_cookie("cs_session"));
        }
        assert!(browser.open(&back).await.sent("code").is_some(), "they have used nothing up");
    }

    async fn threat_30_who_began_a_sign_in_cannot_go_on_with_what_somebody_else_has_completed(server: TestServer) {
        standalone(&server).await;
        let application = server.application("forum", false, &[]).await;
        // Mallory starts a sign-in, and somebody who follows Mallory's link to the login signs in there.
        let (mut mallory, id) = begun(&server, &application).await;
        let back = way_back(&server, complete(&server, &id, somebody("victim")).await);
        for guess in [
            format!("/oauth2/authorize/complete?external_auth_id={id}"),
            format!("/oauth2/authorize/complete?token={id}"),
            format!("/oauth2/authorize/complete?external_auth_id={id}&token="),
            "/oauth2/authorize/complete".to_owned(),
        ] {
            let page = mallory.open(&guess).await;
            assert_eq!(page.status, 400, "{guess}");
            assert!(page.html.contains("This sign-in has ended"), "{}", page.html);
        }
        assert!(!mallory.has_cookie("cs_session"));
        // The person who signed in is told that this is not their sign-in.
        assert_eq!(Browser::new(&server).open(&back).await.status, 400);
    }

    async fn the_way_back_is_good_once_and_in_time(server: TestServer) {
        standalone(&server).await;
        let application = server.application("forum", false, &[]).await;
        let (mut browser, id) = begun(&server, &application).await;
        server.clock.advance_seconds(299);
        let back = way_back(&server, complete(&server, &id, somebody("p-1")).await);
        server.clock.advance_seconds(299);
        assert!(browser.open(&back).await.sent("code").is_some());
        let page = browser.open(&back).await;
        assert_eq!(page.status, 400);
        assert!(page.html.contains("This sign-in was already used"), "{}", page.html);

        let (mut browser, id) = begun(&server, &application).await;
        let back = way_back(&server, complete(&server, &id, somebody("p-1")).await);
        server.clock.advance_seconds(300);
        let page = browser.open(&back).await;
        assert!(page.status == 400 && page.html.contains("This sign-in has ended"), "{}", page.html);
        assert!(!browser.has_cookie("cs_session"));

        // A user whose account has been deleted in the meantime is not signed in.
        let (mut browser, id) = begun(&server, &application).await;
        let back = way_back(&server, complete(&server, &id, somebody("p-1")).await);
        let user = user_id(&server, "p-1").await;
        server.management().delete(&format!("/user_management/users/{user}")).await.expect(200);
        assert_eq!(browser.open(&back).await.status, 400);
    }

    async fn of_two_ways_back_at_once_one_is_gone(server: TestServer) {
        standalone(&server).await;
        let application = server.application("forum", false, &[]).await;
        let other = server.another_node().await;
        for _ in 0..5 {
            let (mut browser, id) = begun(&server, &application).await;
            let mut twin = Browser::new(&other);
            twin.steal(&browser, "cs_browser");
            let back = way_back(&server, complete(&server, &id, somebody("p-1")).await);
            let both = tokio::join!(browser.open(&back), twin.open(&back));
            let left = [&both.0, &both.1].iter().filter(|page| page.left_to.is_some()).count();
            assert_eq!(left, 1, "{} {}", both.0.path, both.1.path);
        }
    }

    async fn a_new_session_has_a_new_cookie_and_ends_with_the_policy(server: TestServer) {
        standalone(&server).await;
        server.declare("[environment.sessions]\nmaximum_length = 3600\ninactivity_timeout = 1800").await.done();
        let application = server.application("forum", false, &[]).await;
        let mut browser = Browser::new(&server);
        let page = browser.open(&application.authorize("&scope=openid")).await;
        sign_in(&server, &mut browser, &page, somebody("p-1")).await;
        let mut thief = Browser::new(&server);
        thief.steal(&browser, "cs_session");
        assert!(thief.open(&application.authorize("&scope=openid")).await.sent("code").is_some());
        let page = browser.open(&application.authorize("&scope=openid&prompt=login")).await;
        sign_in(&server, &mut browser, &page, somebody("p-1")).await;
        sent_away(&thief.open(&application.authorize("&scope=openid")).await);
        server.clock.advance_seconds(1801);
        sent_away(&browser.open(&application.authorize("&scope=openid")).await);
    }
}
