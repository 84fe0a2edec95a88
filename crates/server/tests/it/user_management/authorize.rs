//! `GET /user_management/authorize`: from a request to a code, and from the code to a session.

use crate::harness::{
    Browser, PASSWORD, REDIRECT_URI, TestServer, VERIFIER, assert_id, assert_keys, on_both_databases,
};
use crate::hosted::authorization_code::claims;
use serde_json::{Value, json};

/// Signs a user in if asked to; returns the code.
async fn code(server: &TestServer, browser: &mut Browser, more: &str) -> String {
    let page = browser.open(&server.ask_with_challenge(more)).await;
    let page = if page.left_to.is_some() { page } else { server.sign_in(browser, &page, "ada@example.com").await };
    page.sent("code").unwrap_or_else(|| panic!("{:?}", page.left_to))
}

on_both_databases! {
    async fn a_person_signs_in_and_the_application_gets_a_session(server: TestServer) {
        server.register(REDIRECT_URI).await;
        let user = server.person("ada@example.com").await;
        let state = "a%2Bb%2F%3D%3D";
        let mut browser = Browser::new(&server);
        let page = browser.open(&server.ask_with_challenge("&login_hint=ada%40example.com&provider_scopes=a&provider_scopes=b&provider_scopes[]=c").replace("s-1", state)).await;
        assert_eq!(page.form("/sign-in").fields["email"], "ada@example.com");
        let page = server.sign_in(&mut browser, &page, "ada@example.com").await;
        assert!(page.left_to.as_ref().unwrap().starts_with(&format!("{REDIRECT_URI}?code=")));
        assert_eq!(page.sent("state").as_deref(), Some("a+b/=="));
        assert_eq!(page.sent("iss"), None, "nothing but code and state");

        let answer = server.hand_in(&page.sent("code").unwrap()).await.expect(200);
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        let answer = answer.expect_json();
        assert_keys(&answer, &["access_token", "authentication_method", "refresh_token", "user"]);
        assert_eq!(answer["authentication_method"], "Password");
        assert_eq!((&answer["user"]["id"], &answer["user"]["object"]), (&json!(user), &json!("user")));
        let token = claims(answer["access_token"].as_str().unwrap());
        assert_keys(&token, &["auth_time", "exp", "iat", "iss", "jti", "sid", "sub"]);
        assert_eq!(token["iss"], json!(format!("{}/user_management/{}", server.base_url, server.client_id)));
        assert_eq!(token["sub"], json!(user));
        assert_id(&token["sid"], "session");
        assert_eq!(token["exp"].as_i64().unwrap() - token["iat"].as_i64().unwrap(), 300);
        let listed = server.management().get(&format!("/user_management/users/{user}/sessions")).await.expect_list();
        assert_eq!(listed.len(), 1, "the session of the browser is the session of the code");
        assert_eq!(listed[0]["id"], token["sid"]);
        assert!(listed[0].get("organization_id").is_none(), "absent, as SDKs expect it, and not null");
        // The time of authentication stays the same.
        server.clock.advance_seconds(60);
        let renewed = server.renew(answer["refresh_token"].as_str().unwrap()).await.expect(200).json();
        let renewed = claims(renewed["access_token"].as_str().unwrap());
        assert_eq!(renewed["auth_time"], token["auth_time"]);
        assert!(renewed["iat"].as_i64().unwrap() - token["iat"].as_i64().unwrap() >= 60);
    }

    async fn a_program_on_the_persons_device_gets_the_code_at_the_scheme_that_it_claims(server: TestServer) {
        server.register(REDIRECT_URI).await;
        server.register("com.example.app:/callback").await;
        server.person("ada@example.com").await;
        let redirect_uri = |path: String| path.replace("https%3A%2F%2Fapp.example%2Fcb", "com.example.app%3A%2Fcallback");
        let mut browser = Browser::new(&server);
        let page = browser.open(&redirect_uri(server.ask_with_challenge(""))).await;
        assert!(page.policy.contains("form-action 'self' com.example.app:;"), "{}", page.policy);
        let page = server.sign_in(&mut browser, &page, "ada@example.com").await;
        assert!(page.left_to.as_ref().unwrap().starts_with("com.example.app:/callback?code="), "{:?}", page.left_to);
        let code = page.sent("code").unwrap();
        // Another application that claims the same scheme gets the code, but not the verifier.
        for wrong in ["", "x", &VERIFIER.replace('d', "e")] {
            let fields = [("code", code.as_str()), ("code_verifier", wrong)];
            let fields = if wrong.is_empty() { &fields[..1] } else { &fields[..] };
            server.authenticate_publicly("authorization_code", fields).await.expect(400);
        }
        let fields = [("code", code.as_str()), ("code_verifier", VERIFIER), ("redirect_uri", "com.example.app:/callback")];
        server.authenticate_publicly("authorization_code", &fields).await.expect(200);
        // Without a challenge no code is sent there, and with one only to a registered URI.
        let refused = browser.open(&redirect_uri(server.ask(""))).await;
        assert_eq!((refused.sent("error").as_deref(), refused.sent("code")), (Some("invalid_request"), None));
        for other in ["com.example.app%3A%2Fother", "com.example.app%3A%2F%2Fcallback", "com.example.other%3A%2Fcallback"] {
            let asked = server.ask_with_challenge("").replace("https%3A%2F%2Fapp.example%2Fcb", other);
            let page = browser.open(&asked).await;
            assert_eq!((page.status, page.left_to), (400, None), "{other}");
        }
    }

    async fn the_keys_of_the_client_verify_session_tokens(server: TestServer) {
        server.person("ada@example.com").await;
        let token = server.with_password("ada@example.com").await.expect(200).text_at("access_token");
        let keys = server.anonymous().get(&format!("/sso/jwks/{}", server.client_id)).await.expect(200);
        assert_eq!(keys.header("access-control-allow-origin"), Some("*"));
        let header = jsonwebtoken::decode_header(&token).unwrap();
        let keys: jsonwebtoken::jwk::JwkSet = serde_json::from_str(&keys.text).unwrap();
        let key = keys.find(&header.kid.unwrap()).unwrap();
        let mut validation = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::RS256);
        validation.set_issuer(&[format!("{}/user_management/{}", server.base_url, server.client_id)]);
        validation.validate_exp = false;
        let key = jsonwebtoken::DecodingKey::from_jwk(key).unwrap();
        jsonwebtoken::decode::<Value>(&token, &key, &validation).unwrap();
        server.anonymous().get("/sso/jwks/client_00000000000000000000000000").await.expect(404);
    }

    async fn session_tokens_name_the_issuer_that_was_chosen(server: TestServer) {
        server.person("ada@example.com").await;
        let iss = async || claims(&server.with_password("ada@example.com").await.expect(200).text_at("access_token"))["iss"].clone();
        server.declare("session_issuer = \"https://api.workos.com\"\n").await.done();
        assert_eq!(iss().await, "https://api.workos.com");
        server.declare("access_token_lifetime = 400\n").await.done();
        assert_eq!(iss().await, "https://api.workos.com", "what is not named stays");
        let own = format!("session_issuer = \"{}\"\n", server.base_url);
        let refused = server.declare(&own).await;
        assert!(refused.err.contains("session_issuer"), "{}", refused.err);
        server.declare("session_issuer = \"\"\n").await.done();
        assert_eq!(iss().await, json!(format!("{}/user_management/{}", server.base_url, server.client_id)));
    }

    async fn a_code_is_good_once_and_for_ten_minutes(server: TestServer) {
        server.register(REDIRECT_URI).await;
        server.person("ada@example.com").await;
        let mut browser = Browser::new(&server);
        let first = code(&server, &mut browser, "").await;
        server.clock.advance_seconds(599);
        let tokens = server.hand_in(&first).await.expect(200).json();
        let refresh_token = tokens["refresh_token"].as_str().unwrap();
        let stranger = [("code", first.as_str()), ("code_verifier", &VERIFIER.replace('d', "e"))];
        assert_eq!(server.authenticate_publicly("authorization_code", &stranger).await.expect(400).text_at("error"), "invalid_grant");
        let refresh_token = server.renew(refresh_token).await.expect(200).text_at("refresh_token");
        assert_eq!(server.hand_in(&first).await.expect(400).text_at("error"), "invalid_grant");
        server.renew(&refresh_token).await.expect(400);
        let second = code(&server, &mut browser, "").await;
        server.clock.advance_seconds(600);
        assert_eq!(server.hand_in(&second).await.expect(400).text_at("error"), "invalid_grant");
        assert_eq!(server.hand_in("nonsense").await.expect(400).text_at("error"), "invalid_grant");
        let (a, b) = { let third = code(&server, &mut browser, "").await; tokio::join!(server.hand_in(&third), server.hand_in(&third)) };
        assert!(a.status == 400 || b.status == 400, "of two that come at once one is refused");
    }

    async fn threat_29_a_code_is_bound_to_its_challenge_client_and_redirect_uri(server: TestServer) {
        server.register(REDIRECT_URI).await;
        server.person("ada@example.com").await;
        let mut browser = Browser::new(&server);
        let with_challenge = code(&server, &mut browser, "").await;
        let page = browser.open(&server.ask("")).await;
        let without = page.sent("code").unwrap();
        let publicly = |fields: Vec<(&'static str, String)>| {
            let server = &server;
            async move {
                let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
                server.authenticate_publicly("authorization_code", &fields).await.expect(400).text_at("error")
            }
        };
        let of = |code: &str, more: &[(&'static str, &str)]| {
            let mut fields = vec![("code", code.to_owned())];
            fields.extend(more.iter().map(|(name, value)| (*name, (*value).to_owned())));
            fields
        };
        assert_eq!(publicly(of(&with_challenge, &[])).await, "invalid_client");
        assert_eq!(publicly(of(&with_challenge, &[("code_verifier", &VERIFIER.replace('d', "e"))])).await, "invalid_grant");
        assert_eq!(publicly(of(&with_challenge, &[("code_verifier", "short")])).await, "invalid_request");
        let unasked = server.authenticate_publicly("authorization_code", &[("code", &without), ("code_verifier", VERIFIER)]).await;
        unasked.expect_code(400, "code_challenge_not_found");
        assert_eq!(publicly(of(&without, &[])).await, "invalid_client");
        let with_secret = |more: &'static [(&'static str, &'static str)], code: String| {
            let server = &server;
            async move {
                let fields: Vec<(&str, &str)> = [&[("code", code.as_str())], more].concat();
                server.authenticate("authorization_code", &fields).await
            }
        };
        assert_eq!(with_secret(&[], with_challenge.clone()).await.expect(400).text_at("error"), "invalid_grant", "the verifier is missing");
        let elsewhere = with_secret(&[("redirect_uri", "https://app.example/other")], without.clone()).await;
        assert_eq!(elsewhere.expect(400).text_at("error"), "invalid_grant");
        with_secret(&[("code_verifier", VERIFIER), ("redirect_uri", REDIRECT_URI)], with_challenge).await.expect(200);
        with_secret(&[], without).await.expect(200);
    }

    async fn threat_28_nothing_is_sent_to_places_that_are_not_registered(server: TestServer) {
        server.register(REDIRECT_URI).await;
        server.register("http://localhost:*/cb").await;
        let body = json!({"uri": "https://out.example/", "purpose": "sign_out"});
        server.management().post("/user_management/redirect_uris", body).await.expect(201);
        server.person("ada@example.com").await;
        let mut browser = Browser::new(&server);
        code(&server, &mut browser, "").await;
        let encoded: String = url::form_urlencoded::byte_serialize(REDIRECT_URI.as_bytes()).collect();
        for bad in [
            "https%3A%2F%2Fevil.example%2Fcb", "https%3A%2F%2Fapp.example%2Fcb%2F", "https%3A%2F%2Fapp.example%2Fcb%3Fx", "https%3A%2F%2Fapp.example%40evil.example%2Fcb",
            "https%3A%2F%2Fapp.example%3A443%2Fcb", "http%3A%2F%2Fapp.example%2Fcb", "https%3A%2F%2Fout.example%2F", "http%3A%2F%2Flocalhost%3A1%40evil.example%2Fcb",
            "http%3A%2F%2Flocalhost%3A%2A%2Fcb", "%2F%2Fevil.example", "",
        ] {
            let page = browser.open(&server.ask("").replace(&encoded, bad)).await;
            assert!(page.status == 400 && page.left_to.is_none(), "{bad} {:?}", page.left_to);
            assert!(!page.html.contains("evil.example"));
        }
        let page = browser.open(&server.ask("").replace(&server.client_id, "client_00000000000000000000000000")).await;
        assert!(page.status == 400 && page.left_to.is_none());
        let page = browser.open(&server.ask("").replace(&encoded, "http%3A%2F%2Flocalhost%3A4321%2Fcb")).await;
        assert!(page.left_to.unwrap().starts_with("http://localhost:4321/cb?code="));
        // A Connect application cannot be used in place of the environment's own, nor the other way round.
        let application = server.application("first", true, &[]).await;
        let page = browser.open(&server.ask("").replace(&server.client_id, &application.client_id)).await;
        assert!(page.status == 400 && page.left_to.is_none());
        let page = browser.open(&application.authorize("&scope=openid").replace(&application.client_id, &server.client_id)).await;
        assert!(page.path.starts_with("/oauth2/error"));
    }

    async fn what_cannot_be_done_is_told_to_the_application(server: TestServer) {
        server.register(REDIRECT_URI).await;
        let mut browser = Browser::new(&server);
        let refused = async |browser: &mut Browser, path: String| {
            let page = browser.open(&path).await;
            assert_eq!(page.sent("state").as_deref(), Some("s-1"));
            assert!(page.sent("error_description").is_some() && page.sent("code").is_none());
            page.sent("error").unwrap()
        };
        let selected = |selector: &str| server.ask("").replace("provider=authkit", selector);
        for (selector, error) in [
            ("x=y", "invalid_connection_selector"), ("provider=GoogleOAuth", "connection_invalid"), ("provider=nobody", "invalid_connection_selector"),
            ("connection_id=conn_1", "connection_invalid"), ("organization_id=org_00000000000000000000000001", "organization_invalid"),
            ("provider=authkit&connection_id=conn_1", "invalid_connection_selector"),
            ("provider=authkit&organization_id=org_00000000000000000000000001", "organization_invalid"),
            ("provider=authkit&max_age=x", "invalid_request"), ("provider=authkit&prompt=none", "login_required"),
            ("provider=authkit&invitation_token=nonsense", "invitation_invalid"), ("provider=authkit&code_challenge=x", "invalid_request"),
        ] {
            assert_eq!(refused(&mut browser, selected(selector)).await, error, "{selector}");
        }
        assert_eq!(refused(&mut browser, server.ask("").replace("response_type=code", "response_type=token")).await, "unsupported_response_type");
        assert_eq!(refused(&mut browser, server.ask("&prompt=login&prompt=none")).await, "invalid_request");
        // Unknown parameters may be repeated.
        let page = browser.open(&server.ask("&provider_scopes=a&provider_scopes=b&utm=1&utm=2")).await;
        assert!(page.asks_to_sign_in(), "{}", page.html);
        for twice in ["&state=s-2", "&client_id=client_1", "&redirect_uri=https://evil.example/cb"] {
            let page = browser.open(&server.ask(twice)).await;
            assert!(page.left_to.is_none() && page.status == 400, "{twice}: nobody knows whom to tell");
        }
    }

    async fn the_organization_is_named_chosen_or_the_only_one(server: TestServer) {
        server.register(REDIRECT_URI).await;
        let user = server.person("ada@example.com").await;
        let management = server.management();
        let (acme, globex, other) =
            (management.organization("Acme").await, management.organization("Globex").await, management.organization("Other").await);
        let at_acme = server.member(user, &acme).await;
        let mut browser = Browser::new(&server);
        let only = code(&server, &mut browser, "").await;
        let answer = server.hand_in(&only).await.expect(200).json();
        assert_eq!(answer["organization_id"], json!(acme));
        let token = claims(answer["access_token"].as_str().unwrap());
        assert_eq!((&token["org_id"], &token["role"], &token["roles"], &token["permissions"]), (&json!(acme), &json!("member"), &json!(["member"]), &json!([])));

        server.member(user, &globex).await;
        let mut another = Browser::new(&server);
        let page = another.open(&server.ask_with_challenge("")).await;
        let page = server.sign_in(&mut another, &page, "ada@example.com").await;
        assert!(page.html.contains("Acme") && page.html.contains("Globex"));
        let elsewhere = another.submit(&page, "/choose-organization", &[("organization_id", &other)]).await;
        assert!(elsewhere.left_to.is_none() && elsewhere.html.contains("Globex"), "not theirs: asked again");
        let page = another.submit(&page, "/choose-organization", &[("organization_id", &globex)]).await;
        let answer = server.hand_in(&page.sent("code").unwrap()).await.expect(200).json();
        assert_eq!(answer["organization_id"], json!(globex));
        let page = another.open(&server.ask_with_challenge("")).await;
        assert_eq!(server.hand_in(&page.sent("code").unwrap()).await.expect(200).json()["organization_id"], json!(globex), "the last one, unasked");
        let page = another.open(&server.ask_with_challenge("&prompt=select_account")).await;
        let page = another.submit(&page, "/select-account", &[("decision", "continue")]).await;
        assert!(page.html.contains("Acme") && page.html.contains("Globex"), "asked on request");

        let named = another.open(&server.ask_with_challenge(&format!("&organization_id={acme}"))).await.sent("code").unwrap();
        let page = another.open(&server.ask_with_challenge(&format!("&organization_id={other}"))).await;
        assert_eq!(page.sent("error").as_deref(), Some("access_denied"));
        // A member who leaves between code and token gets no token.
        server.expel(&at_acme).await;
        assert_eq!(server.hand_in(&named).await.expect(400).text_at("error"), "invalid_grant");
    }

    async fn signing_in_anew_is_asked_for_and_done(server: TestServer) {
        server.register(REDIRECT_URI).await;
        server.person("ada@example.com").await;
        server.person("grace@example.com").await;
        let mut browser = Browser::new(&server);
        let first = server.through_the_browser(&mut browser, "ada@example.com").await;
        assert!(browser.open(&server.ask("")).await.left_to.is_some(), "signed in already");
        for more in ["&prompt=login", "&max_age=0"] {
            let page = browser.open(&server.ask_with_challenge(more)).await;
            assert!(page.left_to.is_none() && page.path.starts_with("/sign-in"), "{more}");
            let page = server.sign_in(&mut browser, &page, "ada@example.com").await;
            server.hand_in(&page.sent("code").unwrap()).await.expect(200);
        }
        server.renew(first["refresh_token"].as_str().unwrap()).await.expect(200);
        assert_eq!(browser.open(&server.ask("&prompt=none+login")).await.sent("error").as_deref(), Some("invalid_request"));
        let page = browser.open(&server.ask_with_challenge("&prompt=select_account")).await;
        assert!(page.html.contains("ada@example.com"));
        let page = browser.submit(&page, "/select-account", &[("decision", "other")]).await;
        let page = server.sign_in(&mut browser, &page, "grace@example.com").await;
        let answer = server.hand_in(&page.sent("code").unwrap()).await.expect(200).json();
        assert_eq!(answer["user"]["email"], "grace@example.com");
    }

    async fn threat_19_a_flow_goes_on_in_its_own_browser_only(server: TestServer) {
        server.register(REDIRECT_URI).await;
        server.person("ada@example.com").await;
        let mut victim = Browser::new(&server);
        let page = victim.open(&server.ask_with_challenge("")).await;
        let flow = page.path.split_once("flow=").unwrap().1.to_owned();
        let mut thief = Browser::new(&server);
        thief.open("/sign-in").await;
        let page = thief.open(&format!("/user_management/authorize?flow={flow}")).await;
        assert!(page.status == 400 && page.left_to.is_none());
        let page = thief.open("/user_management/authorize?flow=nonsense").await;
        assert!(page.status == 400 && page.left_to.is_none());
    }

    async fn a_new_person_signs_up_and_an_invited_one_becomes_a_member(server: TestServer) {
        server.register(REDIRECT_URI).await;
        let mut browser = Browser::new(&server);
        let page = browser.open(&server.ask_with_challenge("&screen_hint=sign-up")).await;
        let typed = [("email", "new@example.com"), ("password", PASSWORD)];
        let page = browser.submit(&page, "/sign-up", &typed).await;
        let code = server.mailed_code("new@example.com").await;
        let page = browser.submit(&page, "/sign-in/code", &[("code", &code)]).await;
        let answer = server.hand_in(&page.sent("code").unwrap()).await.expect(200).json();
        assert_eq!((&answer["user"]["email"], &answer["user"]["email_verified"]), (&json!("new@example.com"), &json!(true)));

        let management = server.management();
        let acme = management.organization("Acme").await;
        let invite = async |email: &str| {
            let body = json!({"email": email, "organization_id": acme});
            management.post("/user_management/invitations", body).await.expect(201).text_at("token")
        };
        let token = invite("grace@example.com").await;
        // A signed-in user who was not invited is offered another account, and otherwise rejected.
        let asked = server.ask_with_challenge(&format!("&invitation_token={token}"));
        let page = browser.open(&asked).await;
        assert!(page.html.contains("new@example.com"));
        let refused = browser.submit(&page, "/select-account", &[("decision", "continue")]).await;
        assert_eq!(refused.sent("error").as_deref(), Some("invitation_cannot_be_used_for_email"));
        let mut browser = Browser::new(&server);
        let page = browser.open(&asked).await;
        assert_eq!(page.form("/sign-up").fields["email"], "grace@example.com");
        let page = browser.submit(&page, "/sign-up", &[("password", PASSWORD)]).await;
        let code = server.mailed_code("grace@example.com").await;
        let page = browser.submit(&page, "/sign-in/code", &[("code", &code)]).await;
        let answer = server.hand_in(&page.sent("code").unwrap()).await.expect(200).json();
        assert_eq!(answer["organization_id"], json!(acme));
        let again = browser.open(&asked).await;
        assert!(again.sent("code").is_some(), "the same browser may come by again");
        let mut other = Browser::new(&server);
        let page = other.open(&asked).await;
        let page = server.sign_in(&mut other, &page, "new@example.com").await;
        assert_eq!(page.sent("error").as_deref(), Some("invitation_invalid"));
    }

    async fn an_invitation_is_followed_by_who_says_so_and_not_by_who_opens_a_link(server: TestServer) {
        server.register(REDIRECT_URI).await;
        let ada = server.person("ada@example.com").await;
        let mut browser = Browser::new(&server);
        code(&server, &mut browser, "").await;
        server.clock.advance_seconds(5);
        let management = server.management();
        let acme = management.organization("Acme").await;
        let body = json!({"email": "ada@example.com", "organization_id": acme});
        let token = management.post("/user_management/invitations", body).await.expect(201).text_at("token");
        let asked = server.ask_with_challenge(&format!("&invitation_token={token}"));
        let memberships = format!("/user_management/organization_memberships?user_id={ada}");

        let page = browser.open(&asked).await;
        assert!(page.left_to.is_none() && page.html.contains("Acme"), "{}", page.html);
        let silent = browser.open(&format!("{asked}&prompt=none")).await;
        assert_eq!(silent.sent("error").as_deref(), Some("interaction_required"));
        assert_eq!(management.get(&memberships).await.expect_list().len(), 0, "nothing has happened yet");

        let page = browser.submit(&page, "/invite", &[]).await;
        let answer = server.hand_in(&page.sent("code").unwrap()).await.expect(200).json();
        assert_eq!(answer["organization_id"], json!(acme));
        assert_eq!(management.get(&memberships).await.expect_list().len(), 1);
    }

    async fn another_environments_application_is_unknown_here(server: TestServer) {
        server.register(REDIRECT_URI).await;
        server.person("ada@example.com").await;
        let another = server.another_environment().await;
        let mut browser = Browser::new(&server);
        let code = code(&server, &mut browser, "").await;
        let there = server.anonymous().with_host(&another.authority);
        let fields = [("grant_type", "authorization_code"), ("client_id", &server.client_id), ("code", &code), ("code_verifier", VERIFIER)];
        assert_eq!(there.form("/user_management/authenticate", &fields).await.expect(400).text_at("error"), "invalid_client");
        let page = there.get(&server.ask("")).await;
        assert!(page.status == 400 && page.header("location").is_none());
        server.hand_in(&code).await.expect(200);
    }
}
