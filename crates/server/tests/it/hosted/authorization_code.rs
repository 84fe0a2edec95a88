//! The authorization code flow, from the authorization request to the tokens.

use crate::harness::{Browser, PASSWORD, TestServer, on_both_databases};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Returns a token's claims, unverified.
pub fn claims(token: &str) -> Value {
    use base64::Engine;
    let payload = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

on_both_databases! {
    async fn a_partners_application_gets_tokens_after_sign_in_and_consent(server: TestServer) {
        server.management().permission("posts:read").await;
        let application = server.application("third", false, &["posts:read"]).await;
        let user = server.person("ada@example.com").await;
        let mut browser = Browser::new(&server);

        let page = browser.open(&application.authorize("&scope=openid+profile+email+posts:read&nonce=n-1")).await;
        assert!(page.asks_to_sign_in(), "{}", page.path);
        assert!(page.policy.contains("form-action 'self';"), "{}", page.policy);
        let page = server.sign_in(&mut browser, &page, "ADA@example.com").await;
        for words in ["The third application", "Partner Ltd", "ada@example.com", "third.example"] {
            assert!(page.html.contains(words), "{words}: {}", page.html);
        }
        let page = browser.submit(&page, "/consent", &[("decision", "allow")]).await;
        assert_eq!(page.sent("state").as_deref(), Some("s-1"));
        assert_eq!(page.sent("iss").as_deref(), Some(server.base_url.as_str()));
        let code = page.sent("code").unwrap();

        let tokens = server.redeem(&application, &code).await.expect(200);
        assert_eq!(tokens.header("cache-control"), Some("no-store"));
        let tokens = tokens.json();
        assert!(tokens.get("refresh_token").is_none(), "nobody asked for offline_access");
        assert_eq!(tokens["scope"], "openid profile email posts:read");
        let access = claims(tokens["access_token"].as_str().unwrap());
        assert_eq!((&access["sub"], &access["aud"]), (&json!(user), &json!(server.client_id)));
        assert_eq!((&access["client_id"], &access["iss"]), (&json!(application.client_id), &json!(server.base_url)));
        assert!(access["sid"].as_str().unwrap().starts_with("app_consent_") && access.get("org_id").is_none());
        let id = claims(tokens["id_token"].as_str().unwrap());
        assert_eq!((&id["sub"], &id["aud"], &id["nonce"]), (&json!(user), &json!(application.client_id), &json!("n-1")));
        assert_eq!((&id["email"], &id["email_verified"], &id["name"]), (&json!("ada@example.com"), &json!(true), &json!("Ada Lovelace")));

        let userinfo = server.anonymous().with_key(tokens["access_token"].as_str().unwrap()).get("/oauth2/userinfo").await;
        assert_eq!(userinfo.expect(200).json()["given_name"], "Ada");
        let introspector = server.introspector().await;
        let told = server.introspected(&introspector, tokens["access_token"].as_str().unwrap()).await;
        assert_eq!((&told["active"], &told["sid"]), (&json!(true), &access["sid"]));
    }

    async fn consent_is_asked_once_and_again_for_more(server: TestServer) {
        server.management().permission("posts:read").await;
        let application = server.application("third", true, &["posts:read"]).await;
        server.person("ada@example.com").await;
        let mut browser = Browser::new(&server);
        let page = browser.open(&application.authorize("&scope=openid")).await;
        let page = server.sign_in(&mut browser, &page, "ada@example.com").await;
        let page = browser.submit(&page, "/consent", &[("decision", "allow")]).await;
        let first = claims(server.redeem(&application, &page.sent("code").unwrap()).await.text_at("access_token").as_str());

        let page = browser.open(&application.authorize("&scope=openid")).await;
        let again = claims(server.redeem(&application, &page.sent("code").unwrap()).await.text_at("access_token").as_str());
        assert_eq!(first["sid"], again["sid"], "the consent stays the same");
        let page = browser.open(&application.authorize("&scope=openid+posts:read")).await;
        let page = browser.submit(&page, "/consent", &[("decision", "deny")]).await;
        assert_eq!((page.sent("error").as_deref(), page.sent("state").as_deref()), (Some("access_denied"), Some("s-1")));
        let page = browser.open(&application.authorize("&scope=openid+posts:read")).await;
        let page = browser.submit(&page, "/consent", &[("decision", "allow")]).await;
        let more = server.redeem(&application, &page.sent("code").unwrap()).await.expect(200).json();
        assert_eq!(more["scope"], "openid posts:read");
    }

    async fn a_sign_in_begins_with_a_page_and_ends_with_a_code(server: TestServer) {
        let forum = server.application("forum", false, &[]).await;
        server.person("ada@example.com").await;
        let mut browser = Browser::new(&server);
        let page = browser.open(&forum.authorize("&scope=openid&login_hint=ada@example.com")).await;
        assert!(page.asks_to_sign_in() && page.redirects == 0, "{} {}", page.status, page.path);
        assert_eq!(page.form("/sign-in").fields["email"], "ada@example.com");
        // The same request continues in another language.
        let german = browser.open(&format!("{}&lang=de", forum.authorize("&scope=openid"))).await;
        assert!(german.html.contains("lang=\"de\"") && german.asks_to_sign_in(), "{}", german.html);

        let asked = browser.submit(&page, "/sign-in", &[("email", "ada@example.com")]).await;
        let wrong = browser.submit(&asked, "/sign-in/password", &[("password", "not this one at all")]).await;
        assert!(wrong.left_to.is_none() && !browser.has_cookie("cs_session"), "{}", wrong.html);
        let page = browser.submit(&asked, "/sign-in/password", &[("password", PASSWORD)]).await;
        assert!(page.redirects == 0 && browser.has_cookie("cs_session"), "code and session at once: {}", page.path);
        let code = page.sent("code").unwrap();
        // The session that started with the code is a normal one: it signs in to other applications, and its code ends
        // with it.
        assert!(browser.open(&forum.authorize("&scope=openid&prompt=none")).await.sent("code").is_some());
        let page = browser.open("/account").await;
        assert!(page.html.contains("ada@example.com"), "{}", page.html);
        let page = browser.open("/sign-out").await;
        assert_eq!(browser.submit(&page, "/sign-out", &[("decision", "sign_out")]).await.path, "/signed-out");
        server.redeem(&forum, &code).await.expect(400);
    }

    async fn who_is_signed_in_at_one_surface_is_signed_in_at_all(server: TestServer) {
        let (forum, docs) = (server.application("forum", false, &[]).await, server.application("docs", true, &[]).await);
        server.person("ada@example.com").await;
        let mut browser = Browser::new(&server);
        let page = browser.open(&forum.authorize("&scope=openid")).await;
        let page = server.sign_in(&mut browser, &page, "ada@example.com").await;
        assert!(page.sent("code").is_some(), "no consent for the product's own");
        let page = browser.open(&docs.authorize("&scope=openid&prompt=none")).await;
        assert!(page.sent("code").is_some() && page.redirects == 0, "no page at all");
        let mut stranger = Browser::new(&server);
        let page = stranger.open(&docs.authorize("&scope=openid&prompt=none")).await;
        assert_eq!(page.sent("error").as_deref(), Some("login_required"));
    }

    async fn the_organization_is_chosen_and_leaves_with_the_membership(server: TestServer) {
        let management = server.management();
        let application = server.application("forum", false, &[]).await;
        let user = server.person("ada@example.com").await;
        let (acme, globex) = (management.organization("Acme").await, management.organization("Globex").await);
        let (_, second) = (server.member(user, &acme).await, server.member(user, &globex).await);
        let mut browser = Browser::new(&server);
        let page = browser.open(&application.authorize("&scope=openid+offline_access")).await;
        let page = server.sign_in(&mut browser, &page, "ada@example.com").await;
        assert!(page.html.contains("Acme") && page.html.contains("Globex"));
        let foreign = management.organization("Foreign").await;
        let again = browser.submit(&page, "/choose-organization", &[("organization_id", &foreign)]).await;
        assert!(again.left_to.is_none(), "not theirs: asked again");
        let page = browser.submit(&page, "/choose-organization", &[("organization_id", &globex)]).await;
        let tokens = server.redeem(&application, &page.sent("code").unwrap()).await.expect(200).json();
        let access = tokens["access_token"].as_str().unwrap();
        assert_eq!(claims(access)["org_id"], json!(globex));
        let page = browser.open(&application.authorize("&scope=openid")).await;
        let next = server.redeem(&application, &page.sent("code").unwrap()).await.expect(200).text_at("access_token");
        assert_eq!(claims(&next)["org_id"], json!(globex), "the choice is remembered");

        let introspector = server.introspector().await;
        assert_eq!(server.introspected(&introspector, access).await["active"], true);
        server.expel(&second).await;
        assert_eq!(server.introspected(&introspector, access).await, json!({"active": false}));
        let refused = server.refresh(&application, tokens["refresh_token"].as_str().unwrap()).await.expect(400);
        assert_eq!(refused.text_at("error"), "invalid_grant");
    }

    async fn tokens_die_with_the_organization_and_do_not_come_back_with_the_member(server: TestServer) {
        let management = server.management();
        let application = server.application("forum", false, &[]).await;
        let user = server.person("ada@example.com").await;
        let organization = management.organization("Acme").await;
        let membership = server.member(user, &organization).await;
        let mut browser = Browser::new(&server);
        let page = browser.open(&application.authorize("&scope=openid+offline_access")).await;
        let page = server.sign_in(&mut browser, &page, "ada@example.com").await;
        let tokens = server.redeem(&application, &page.sent("code").unwrap()).await.expect(200);
        let introspector = server.introspector().await;
        assert_eq!(server.introspected(&introspector, &tokens.text_at("access_token")).await["active"], true);
        server.expel(&membership).await;
        server.member(user, &organization).await;
        server.app.catch_up().await;
        assert_eq!(server.introspected(&introspector, &tokens.text_at("access_token")).await, json!({"active": false}));
        server.refresh(&application, &tokens.text_at("refresh_token")).await.expect(400);

        let page = browser.open(&application.authorize("&scope=openid")).await;
        let page = server.sign_in(&mut browser, &page, "ada@example.com").await;
        let token = server.redeem(&application, &page.sent("code").unwrap()).await.expect(200).text_at("access_token");
        assert_eq!(server.introspected(&introspector, &token).await["active"], true);
        management.delete(&format!("/organizations/{organization}")).await.expect(200);
        assert_eq!(server.introspected(&introspector, &token).await, json!({"active": false}));
    }

    async fn threat_46_a_scope_taken_from_an_application_is_refreshed_no_more(server: TestServer) {
        let management = server.management();
        management.permission("posts:read").await;
        let application = server.application("forum", true, &["posts:read"]).await;
        server.person("ada@example.com").await;
        let mut browser = Browser::new(&server);
        let page = browser.open(&application.authorize("&scope=openid+offline_access+posts:read")).await;
        let page = server.sign_in(&mut browser, &page, "ada@example.com").await;
        let tokens = server.redeem(&application, &page.sent("code").unwrap()).await.expect(200);
        assert_eq!(tokens.text_at("scope"), "openid offline_access posts:read");
        management.put(&format!("/connect/applications/{}", application.client_id), json!({"scopes": []})).await.expect(200);
        let refreshed = server.refresh(&application, &tokens.text_at("refresh_token")).await.expect(200);
        assert_eq!(refreshed.text_at("scope"), "openid offline_access");
    }

    async fn an_id_token_tells_whom_the_application_means(server: TestServer) {
        let application = server.application("forum", true, &[]).await;
        server.person("ada@example.com").await;
        server.person("grace@example.com").await;
        let mut browser = Browser::new(&server);
        let page = browser.open(&application.authorize("&scope=openid")).await;
        let page = server.sign_in(&mut browser, &page, "ada@example.com").await;
        let hint = server.redeem(&application, &page.sent("code").unwrap()).await.expect(200).text_at("id_token");
        let quiet = application.authorize(&format!("&scope=openid&prompt=none&id_token_hint={hint}"));
        assert!(browser.open(&quiet).await.sent("code").is_some());
        let page = browser.open(&application.authorize("&scope=openid&prompt=login")).await;
        server.sign_in(&mut browser, &page, "grace@example.com").await;
        assert_eq!(browser.open(&quiet).await.sent("error").as_deref(), Some("login_required"), "not about somebody else");
    }

    async fn an_id_token_of_another_application_is_no_hint(server: TestServer) {
        let (forum, partner) = (server.application("forum", true, &[]).await, server.application("third", true, &[]).await);
        server.person("ada@example.com").await;
        let mut browser = Browser::new(&server);
        let page = browser.open(&forum.authorize("&scope=openid")).await;
        let page = server.sign_in(&mut browser, &page, "ada@example.com").await;
        let hint = server.redeem(&forum, &page.sent("code").unwrap()).await.expect(200).text_at("id_token");
        let answer = async |browser: &mut Browser, more: &str| {
            let page = browser.open(&partner.authorize(&format!("&scope=openid{more}&id_token_hint={hint}"))).await;
            page.sent("error")
        };
        let mut nobody = Browser::new(&server);
        for browser in [&mut browser, &mut nobody] {
            assert_eq!(answer(browser, "&prompt=none").await.as_deref(), Some("login_required"));
            assert_eq!(answer(browser, "").await.as_deref(), Some("invalid_request"));
        }
    }

    async fn a_code_is_good_once_even_in_a_race(server: TestServer) {
        let application = server.application("forum", false, &[]).await;
        server.person("ada@example.com").await;
        let mut browser = Browser::new(&server);
        let page = browser.open(&application.authorize("")).await;
        server.sign_in(&mut browser, &page, "ada@example.com").await;
        let introspector = server.introspector().await;
        for _ in 0..10 {
            let code = browser.open(&application.authorize("&scope=openid+offline_access")).await.sent("code").unwrap();
            let (one, two) = tokio::join!(server.redeem(&application, &code), server.redeem(&application, &code));
            let (good, bad) = if one.status == 200 { (one, two) } else { (two, one) };
            assert_eq!((good.status, bad.status), (200, 400), "{} {}", good.text, bad.text);
            assert_eq!(bad.text_at("error"), "invalid_grant");
            // If a code is used twice, one of the two uses is a theft: everything issued for it is revoked.
            let told = server.introspected(&introspector, &good.text_at("access_token")).await;
            assert_eq!(told, json!({"active": false}));
            server.refresh(&application, &good.text_at("refresh_token")).await.expect(400);
        }
        assert_eq!(server.events("oauth.authorization_code_reused").await.len(), 10);
    }

    async fn a_code_that_comes_again_ends_what_it_led_to_however_it_comes(server: TestServer) {
        let (application, other) = (server.application("forum", false, &[]).await, server.application("docs", false, &[]).await);
        server.person("ada@example.com").await;
        let mut browser = Browser::new(&server);
        let page = browser.open(&application.authorize("")).await;
        server.sign_in(&mut browser, &page, "ada@example.com").await;
        let mut elsewhere = application.clone();
        elsewhere.redirect_uri = "https://forum.example/other".into();
        let mut another = other.clone();
        another.redirect_uri.clone_from(&application.redirect_uri);
        for (seconds, again, ends) in
            [(0, &elsewhere, true), (61, &application, true), (0, &another, false), (90_000, &application, false)] {
            let code = browser.open(&application.authorize("&scope=openid+offline_access")).await.sent("code").unwrap();
            let tokens = server.redeem(&application, &code).await.expect(200);
            server.clock.advance_seconds(seconds);
            assert_eq!(server.redeem(again, &code).await.expect(400).text_at("error"), "invalid_grant");
            let refreshed = server.refresh(&application, &tokens.text_at("refresh_token")).await;
            assert_eq!(refreshed.status, if ends { 400 } else { 200 }, "{again:?}: {}", refreshed.text);
        }
        assert_eq!(server.events("oauth.authorization_code_reused").await.len(), 2);
    }

    async fn a_code_outlives_neither_the_session_nor_the_consent(server: TestServer) {
        let management = server.management();
        let application = server.application("third", true, &[]).await;
        let user = server.person("ada@example.com").await;
        let mut browser = Browser::new(&server);
        let page = browser.open(&application.authorize("&scope=openid")).await;
        let page = server.sign_in(&mut browser, &page, "ada@example.com").await;
        browser.submit(&page, "/consent", &[("decision", "allow")]).await.sent("code").unwrap();
        // Consent was given before, so this code is the only trace of the new authorization.
        let code = browser.open(&application.authorize("&scope=openid")).await.sent("code").unwrap();
        let listed = management.get(&format!("/user_management/users/{user}/authorized_applications")).await.expect(200).json();
        let id = listed["data"][0]["application"]["id"].as_str().unwrap().to_owned();
        management.delete(&format!("/user_management/users/{user}/authorized_applications/{id}")).await.expect(204);
        server.redeem(&application, &code).await.expect(400);
        let page = browser.open(&application.authorize("&scope=openid")).await;
        browser.submit(&page, "/consent", &[("decision", "allow")]).await.sent("code").unwrap();
        server.redeem(&application, &code).await.expect(400);
        let code = browser.open(&application.authorize("&scope=openid")).await.sent("code").unwrap();
        let sessions = management.get(&format!("/user_management/users/{user}/sessions")).await.expect(200).json();
        let session = sessions["data"][0]["id"].as_str().unwrap();
        management.post("/user_management/sessions/revoke", json!({"session_id": session})).await.expect(200);
        server.redeem(&application, &code).await.expect(400);
    }

    async fn threat_28_nothing_is_redirected_before_the_redirect_uri_is_proven(server: TestServer) {
        let application = server.application("forum", false, &[]).await;
        let good = application.authorize("&scope=openid");
        let mut browser = Browser::new(&server);
        for bad in [
            good.replace("forum.example", "evil.example"),
            good.replace("%2Fcb", "%2Fcb%2F"),
            good.replace("redirect_uri=", "x="),
            format!("{good}&redirect_uri=https://evil.example/"),
            format!("{good}&state=twice"),
        ] {
            let page = browser.open(&bad).await;
            assert!(page.left_to.is_none() && page.status == 400, "{bad}: {} {:?}", page.status, page.left_to);
            assert!(!page.html.contains("evil.example"), "threat 12: nothing of the query is shown");
        }
        let page = browser.open(&good.replace("client_id=client_", "client_id=client_X")).await;
        assert!(page.left_to.is_none() && page.path.starts_with("/oauth2/error?error=application_not_found"));
        let machine = server.management().credential(&[]).await.0;
        let page = browser.open(&good.replace(&application.client_id, &machine)).await;
        assert!(page.left_to.is_none() && page.status == 400);
        let page = browser.open(&good.replace("scope=openid", "scope=posts:write")).await;
        assert_eq!(page.sent("error").as_deref(), Some("invalid_scope"));
    }

    async fn threat_29_a_code_is_worth_nothing_without_its_verifier_client_and_redirect_uri(server: TestServer) {
        let (application, other) = (server.application("forum", false, &[]).await, server.application("docs", false, &[]).await);
        server.person("ada@example.com").await;
        let mut browser = Browser::new(&server);
        let page = browser.open(&application.authorize("")).await;
        let code = server.sign_in(&mut browser, &page, "ada@example.com").await.sent("code").unwrap();
        let secret = application.secret.clone().unwrap();
        let base = [
            ("grant_type", "authorization_code"), ("code", &code), ("redirect_uri", &application.redirect_uri),
            ("client_id", &application.client_id), ("client_secret", &secret),
        ];
        let anonymous = server.anonymous();
        anonymous.form("/oauth2/token", &base).await.expect(400);
        let wrong: Vec<_> = base.iter().copied().chain([("code_verifier", "a-verifier-that-is-long-enough-but-not-the-right-one")]).collect();
        anonymous.form("/oauth2/token", &wrong).await.expect(400);
        let mut elsewhere = application.clone();
        elsewhere.redirect_uri = "https://forum.example/other".into();
        server.redeem(&elsewhere, &code).await.expect(400);
        let mut stolen = other.clone();
        stolen.redirect_uri.clone_from(&application.redirect_uri);
        server.redeem(&stolen, &code).await.expect(400);
        let tokens = server.redeem(&application, &code).await.expect(200);
        // Presenting a code without its verifier does not revoke what it led to either.
        anonymous.form("/oauth2/token", &base).await.expect(400);
        anonymous.form("/oauth2/token", &wrong).await.expect(400);
        let introspector = server.introspector().await;
        assert_eq!(server.introspected(&introspector, &tokens.text_at("access_token")).await["active"], true);
        server.redeem(&application, &code).await.expect(400);
        assert_eq!(server.introspected(&introspector, &tokens.text_at("access_token")).await["active"], false);
        let late = browser.open(&application.authorize("")).await.sent("code").unwrap();
        server.clock.advance_seconds(61);
        server.redeem(&application, &late).await.expect(400);
    }

    async fn threat_30_agreed_has_who_was_asked(server: TestServer) {
        let application = server.application("third", true, &[]).await;
        server.person("ada@example.com").await;
        server.person("mallory@example.com").await;
        let (mut browser, mut other) = (Browser::new(&server), Browser::new(&server));
        let page = browser.open(&application.authorize("&scope=openid")).await;
        let asked = server.sign_in(&mut browser, &page, "mallory@example.com").await;
        // Another browser cannot use a flow sealed for this one.
        let form = asked.form("/consent");
        let mut fields = form.fields.clone();
        fields.insert("decision".into(), "allow".into());
        let refused = other.post("/consent", &fields).await;
        assert_eq!(refused.status, 403);
        // A user who has signed in since then has not seen the page.
        let again = browser.open(&application.authorize("&scope=openid&prompt=login")).await;
        server.sign_in(&mut browser, &again, "ada@example.com").await;
        let page = browser.post("/consent", &fields).await;
        assert!(page.left_to.is_none() && page.html.contains("ada@example.com"), "asked anew: {}", page.html);
    }

    async fn a_form_of_another_site_is_refused(server: TestServer) {
        let mut browser = Browser::new(&server);
        let page = browser.open("/sign-in").await;
        let mut fields = page.form("/sign-in").fields;
        fields.insert("email".into(), "ada@example.com".into());
        browser.headers.push(("sec-fetch-site", "cross-site".into()));
        assert_eq!(browser.post("/sign-in", &fields).await.status, 403);
        browser.headers.clear();
        fields.insert("csrf".into(), "x".repeat(43));
        assert_eq!(browser.post("/sign-in", &fields).await.status, 403);
        assert_eq!(browser.post("/sign-in", &BTreeMap::new()).await.status, 403);
    }

    async fn an_authorization_request_may_be_posted(server: TestServer) {
        let application = server.application("forum", false, &[]).await;
        let mut browser = Browser::new(&server);
        let fields: BTreeMap<String, String> = [
            ("client_id", application.client_id.as_str()), ("redirect_uri", &application.redirect_uri),
            ("response_type", "code"), ("scope", "openid profile"),
        ].map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        browser.headers.push(("sec-fetch-site", "cross-site".into()));
        let page = browser.post("/oauth2/authorize", &fields).await;
        assert!(page.asks_to_sign_in(), "{} {}", page.status, page.path);
    }

    async fn every_step_works_on_whatever_node_answers_it(server: TestServer) {
        let application = server.application("third", false, &[]).await;
        server.person("ada@example.com").await;
        let other = server.another_node().await;
        let mut browser = Browser::new(&server);
        let page = browser.open(&application.authorize("&scope=openid+offline_access")).await;
        browser.move_to(&other);
        let page = browser.submit(&page, "/sign-in", &[("email", "ada@example.com")]).await;
        browser.move_to(&server);
        let page = browser.submit(&page, "/sign-in/password", &[("password", PASSWORD)]).await;
        browser.move_to(&other);
        let page = browser.submit(&page, "/consent", &[("decision", "allow")]).await;
        let tokens = server.redeem(&application, &page.sent("code").unwrap()).await.expect(200);
        let first = tokens.text_at("refresh_token");
        let (one, two) = tokio::join!(server.refresh(&application, &first), other.refresh(&application, &first));
        assert_eq!(one.expect(200).text_at("refresh_token"), two.expect(200).text_at("refresh_token"), "one successor");
        for _ in 0..5 {
            let code = browser.open(&application.authorize("&scope=openid")).await.sent("code").unwrap();
            let (one, two) = tokio::join!(server.redeem(&application, &code), other.redeem(&application, &code));
            assert_eq!(one.status.min(two.status), 200);
            assert_eq!(one.status.max(two.status), 400);
        }
    }

    async fn a_form_leads_out_by_a_page_and_only_to_a_program_by_a_redirect(server: TestServer) {
        let management = server.management();
        server.person("ada@example.com").await;
        let web = server.application("web", true, &[]).await;
        let page = Browser::new(&server).open(&web.authorize("&scope=openid")).await;
        assert!(page.policy.contains("form-action 'self';"), "whatever the application redirects on to: {}", page.policy);

        let mut program = server.application("program", true, &[]).await;
        program.redirect_uri = "com.example.program:/cb".to_owned();
        let uris = json!({"redirect_uris": [{"uri": program.redirect_uri, "default": true}]});
        management.put(&format!("/connect/applications/{}", program.client_id), uris).await.expect(200);
        let mut browser = Browser::new(&server);
        let page = browser.open(&program.authorize("&scope=openid")).await;
        assert!(page.policy.contains("form-action 'self' com.example.program:;"), "{}", page.policy);
        let page = server.sign_in(&mut browser, &page, "ada@example.com").await;
        assert_eq!(page.status, 303, "browsers start programs for what was just done, not for a page that goes on by itself");
        server.redeem(&program, &page.sent("code").unwrap()).await.expect(200);
    }
}
