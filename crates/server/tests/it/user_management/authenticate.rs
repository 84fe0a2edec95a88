//! `POST /user_management/authenticate`: who may call it, what it rejects, and passwords.

use crate::harness::{PASSWORD, TestServer, VERIFIER, assert_keys, on_both_databases};
use crate::hosted::authorization_code::claims;
use reqwest::Method;
use serde_json::{Value, json};

const PATH: &str = "/user_management/authenticate";

on_both_databases! {
    async fn a_password_signs_in_with_form_and_json(server: TestServer) {
        let user = server.person("ada@example.com").await;
        let answer = server.with_password("Ada@Example.com").await.expect(200);
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        let answer = answer.expect_json();
        assert_keys(&answer, &["access_token", "authentication_method", "refresh_token", "user"]);
        assert_eq!(answer["authentication_method"], "Password");
        assert!(answer["user"]["last_sign_in_at"].is_string(), "as it is now");
        let form = [
            ("grant_type", "password"), ("client_id", &server.client_id), ("client_secret", &server.api_key), ("email", "ada@example.com"), ("password", PASSWORD),
            ("ip_address", "203.0.113.7"), ("user_agent", "Phone/1"), ("device_id", "d"), ("signals_id", "s"),
        ];
        let answer = server.anonymous().form(PATH, &form).await.expect(200).json();
        let listed = server.management().get(&format!("/user_management/users/{user}/sessions")).await.expect_list();
        assert_eq!(listed.len(), 2);
        assert_eq!(listed[0]["id"], claims(answer["access_token"].as_str().unwrap())["sid"]);
        assert_eq!((&listed[0]["ip_address"], &listed[0]["user_agent"]), (&json!("203.0.113.7"), &json!("Phone/1")));
        assert_eq!(listed[1]["ip_address"], Value::Null, "nobody said");
        // Parameters that future SDK versions may send are ignored.
        let body = json!({
            "grant_type": "password", "client_id": server.client_id, "client_secret": server.api_key, "email": "ada@example.com", "password": PASSWORD,
            "ip_address": null, "future": {"a": [1, true]}, "flag": false,
        });
        let request = server.anonymous().request(Method::POST, PATH).bearer_auth("sk_whatever").json(&body);
        server.anonymous().send(request).await.expect(200);
    }

    async fn a_wrong_password_and_an_unknown_address_are_told_alike(server: TestServer) {
        server.person("ada@example.com").await;
        server.management().user("nopassword@example.com").await;
        let mut seen = Vec::new();
        for email in ["ada@example.com", "nobody@example.com", "nopassword@example.com", "not an address"] {
            let refused = server.authenticate("password", &[("email", email), ("password", "wrong")]).await.expect(400).expect_json();
            assert_keys(&refused, &["code", "message"]);
            assert_eq!(refused["code"], "invalid_credentials");
            seen.push(refused["message"].as_str().unwrap().replace(email, "…"));
        }
        assert!(seen.windows(2).all(|pair| pair[0] == pair[1]), "{seen:?}");
    }

    async fn the_client_proves_itself_as_the_grant_demands(server: TestServer) {
        server.person("ada@example.com").await;
        let another = server.another_environment().await;
        let management = server.management();
        let organization = management.organization("Acme").await;
        let organization_key = management.post(&format!("/organizations/{organization}/api_keys"), json!({"name": "K"})).await.expect(201).text_at("value");
        let (client_id, client_secret) = management.credential(&[]).await;
        let ask = async |client: &str, secret: Option<&str>| {
            let mut form = vec![("grant_type", "password"), ("client_id", client), ("email", "ada@example.com"), ("password", PASSWORD)];
            form.extend(secret.map(|secret| ("client_secret", secret)));
            let answer = server.anonymous().form(PATH, &form).await.expect(400);
            assert_keys(&answer.expect_json(), &["error", "error_description"]);
            (answer.text_at("error"), answer.text_at("error_description"))
        };
        let another_key = format!("sk_another_environment_{:032}", 0);
        let mut seen = Vec::new();
        for secret in [None, Some("sk_wrong"), Some(organization_key.as_str()), Some(client_secret.as_str()), Some(another_key.as_str())] {
            seen.push(ask(&server.client_id, secret).await);
        }
        seen.push(ask(&client_id, Some(&client_secret)).await);
        seen.push(ask(&client_id, Some(&server.api_key)).await);
        seen.push(ask("client_nobody", Some(&server.api_key)).await);
        assert!(seen.iter().all(|one| one == &seen[0] && one.0 == "invalid_client"), "{seen:?}");
        let missing = server.anonymous().form(PATH, &[("grant_type", "password"), ("client_secret", &server.api_key)]).await;
        assert_eq!(missing.expect(400).text_at("error"), "invalid_client");
        // A key of another environment does not work here, whatever it can do there.
        let there = server.anonymous().with_host(&another.authority);
        let form = [("grant_type", "password"), ("client_id", &server.client_id), ("client_secret", &server.api_key), ("email", "ada@example.com"), ("password", PASSWORD)];
        assert_eq!(there.form(PATH, &form).await.expect(400).text_at("error"), "invalid_client");
        let evil = server.anonymous().with_host("evil.example").form(PATH, &form).await;
        evil.expect_code(421, "unknown_host");
        server.with_password("ada@example.com").await.expect(200);
    }

    async fn what_is_missing_or_unknown_is_told(server: TestServer) {
        server.authenticate("password", &[]).await.expect_invalid(&[("email", "required"), ("password", "required")]);
        server.authenticate("", &[]).await.expect_invalid(&[("grant_type", "required")]);
        let mfa = server.authenticate("urn:workos:oauth:grant-type:mfa-totp", &[]).await;
        mfa.expect_invalid(&[
            ("code", "required"),
            ("pending_authentication_token", "required"),
            ("authentication_challenge_id", "required"),
        ]);
        for grant in ["client_credentials", "nonsense"] {
            assert_eq!(server.authenticate(grant, &[]).await.expect(400).text_at("error"), "unsupported_grant_type");
        }
        let stranger = server.anonymous();
        let send = async |kind: &str, body: &'static str| {
            let request = stranger.request(Method::POST, PATH).header("content-type", kind).body(body);
            stranger.send(request).await.expect(400).text_at("error")
        };
        assert_eq!(send("application/json", "{").await, "invalid_request");
        assert_eq!(send("application/json", r#"{"code":"1","code":"2"}"#).await, "invalid_request");
        assert_eq!(send("application/x-www-form-urlencoded", "code=1&code=2").await, "invalid_request");
        assert_eq!(send("text/plain", "code=1").await, "invalid_request");
        stranger.get(PATH).await.expect(405);
    }

    async fn of_many_who_guess_at_once_as_many_learn_something_as_one_after_the_other(server: TestServer) {
        server.person("ada@example.com").await;
        for email in ["ada@example.com", "nobody@example.com"] {
            let body = json!({
                "grant_type": "password", "client_id": server.client_id, "client_secret": server.api_key, "email": email, "password": "wrong",
            });
            let mut guesses = tokio::task::JoinSet::new();
            for body in std::iter::repeat_n(body, 30) {
                let client = server.anonymous();
                guesses.spawn(async move { client.post("/user_management/authenticate", body).await });
            }
            let answers = guesses.join_all().await;
            let told = |status: u16| answers.iter().filter(|answer| answer.status == status).count();
            assert_eq!((told(400), told(429)), (10, 20), "{email}");
            assert!(answers.iter().filter(|answer| answer.status == 429).all(|answer| answer.header("retry-after").is_some()));
        }
        assert_eq!(server.events("authentication.password_failed").await.len(), 20, "who is told nothing is told of to nobody");
        assert_eq!(server.with_password("ada@example.com").await.status, 429, "also the right one waits");
        server.clock.advance_seconds(61);
        server.with_password("ada@example.com").await.expect(200);
        for _ in 0..9 {
            server.authenticate("password", &[("email", "ada@example.com"), ("password", "wrong")]).await.expect(400);
        }
        server.with_password("ada@example.com").await.expect(200);
        server.authenticate("password", &[("email", "ada@example.com"), ("password", "wrong")]).await.expect(400);
    }

    async fn a_password_is_tried_so_often_and_no_more(server: TestServer) {
        server.person("ada@example.com").await;
        server.person("grace@example.com").await;
        for _ in 0..10 {
            server.authenticate("password", &[("email", "ada@example.com"), ("password", "wrong")]).await.expect(400);
        }
        let limited = server.with_password("ADA@example.com").await.expect(429);
        assert_eq!(limited.text_at("code"), "rate_limit_exceeded");
        let seconds: i64 = limited.header("retry-after").unwrap().parse().unwrap();
        assert!((1..=60).contains(&seconds));
        server.with_password("grace@example.com").await.expect(200);
        server.clock.advance_seconds(seconds);
        for _ in 0..12 {
            server.with_password("ada@example.com").await.expect(200);
        }
    }

    async fn an_address_that_is_not_proven_does_not_sign_in(server: TestServer) {
        let body = json!({"email": "ada@example.com", "password": PASSWORD});
        let user = server.management().post("/user_management/users", body).await.expect(201).text_at("id");
        let refused = server.with_password("ada@example.com").await.expect(403).expect_json();
        assert_eq!(refused["code"], "email_verification_required");
        assert_eq!(refused["email"], "ada@example.com");
        assert!(refused["pending_authentication_token"].is_string() && refused.get("access_token").is_none());
        assert!(server.management().get(&format!("/user_management/users/{user}/sessions")).await.expect_list().is_empty());
        let wrong = server.authenticate("password", &[("email", "ada@example.com"), ("password", "wrong")]).await.expect(400);
        assert_eq!(wrong.text_at("code"), "invalid_credentials");
        // Choosing an organization does not verify an address.
        let management = server.management();
        let acme = management.organization("Acme").await;
        management.member(&user, &acme).await;
        let token = refused["pending_authentication_token"].as_str().unwrap();
        let fields = [("pending_authentication_token", token), ("organization_id", acme.as_str())];
        let still = server.authenticate("urn:workos:oauth:grant-type:organization-selection", &fields).await.expect(403);
        assert_eq!(still.text_at("code"), "email_verification_required");
    }

    async fn roles_and_permissions_are_those_of_the_membership(server: TestServer) {
        let user = server.person("ada@example.com").await;
        let management = server.management();
        let acme = management.organization("Acme").await;
        for slug in ["posts:read", "posts:write", "files:read"] {
            management.permission(slug).await;
        }
        for (role, permissions) in [("editor", json!(["posts:write", "posts:read"])), ("viewer", json!(["files:read", "posts:read"]))] {
            management.role(role).await;
            management.put(&format!("/authorization/roles/{role}/permissions"), json!({"permissions": permissions})).await.expect(200);
        }
        let body = json!({"user_id": user, "organization_id": acme, "role_slugs": ["viewer", "editor"]});
        management.post("/user_management/organization_memberships", body).await.expect(201);
        let answer = server.with_password("ada@example.com").await.expect(200).json();
        let token = claims(answer["access_token"].as_str().unwrap());
        assert_keys(&token, &["auth_time", "exp", "iat", "iss", "jti", "org_id", "permissions", "role", "roles", "sid", "sub"]);
        assert_eq!((&token["role"], &token["roles"]), (&json!("editor"), &json!(["editor", "viewer"])));
        assert_eq!(token["permissions"], json!(["files:read", "posts:read", "posts:write"]));
        management.delete("/authorization/permissions/posts:read").await.expect(204);
        let answer = server.renew(answer["refresh_token"].as_str().unwrap()).await.expect(200).json();
        assert_eq!(claims(answer["access_token"].as_str().unwrap())["permissions"], json!(["files:read", "posts:write"]), "read anew");
    }

    async fn an_invitation_is_followed_by_whom_it_is_for(server: TestServer) {
        let user = server.person("ada@example.com").await;
        server.person("mallory@example.com").await;
        let management = server.management();
        let (acme, globex) = (management.organization("Acme").await, management.organization("Globex").await);
        server.member(user, &globex).await;
        let body = json!({"email": "ada@example.com", "organization_id": acme});
        let token = management.post("/user_management/invitations", body).await.expect(201).text_at("token");
        let sign_in = |email: &'static str, token: String| {
            let server = &server;
            async move { server.authenticate("password", &[("email", email), ("password", PASSWORD), ("invitation_token", &token)]).await }
        };
        assert_eq!(sign_in("mallory@example.com", token.clone()).await.expect(400).text_at("error"), "invitation_cannot_be_used_for_email");
        assert_eq!(sign_in("ada@example.com", "nonsense".into()).await.expect(400).text_at("error"), "invitation_invalid");
        let answer = sign_in("ada@example.com", token.clone()).await.expect(200).json();
        assert_eq!(answer["organization_id"], json!(acme), "the invitation says where, though there are two by now");
        assert_eq!(sign_in("ada@example.com", token).await.expect(400).text_at("error"), "invitation_invalid", "once");
    }

    async fn session_tokens_and_oauth_tokens_do_not_pass_for_each_other(server: TestServer) {
        server.person("ada@example.com").await;
        let session = server.with_password("ada@example.com").await.expect(200).json();
        let text = |value: &Value, name: &str| value[name].as_str().unwrap().to_owned();
        let introspector = server.introspector().await;
        for token in ["access_token", "refresh_token"] {
            assert_eq!(server.introspected(&introspector, &text(&session, token)).await, json!({"active": false}), "{token}");
        }
        let stranger = server.anonymous();
        let userinfo = stranger.request(Method::GET, "/oauth2/userinfo").bearer_auth(text(&session, "access_token"));
        stranger.send(userinfo).await.expect(401);

        let application = server.application("first", true, &[]).await;
        let mut browser = crate::harness::Browser::new(&server);
        let page = browser.open(&application.authorize("&scope=openid+offline_access")).await;
        let page = server.sign_in(&mut browser, &page, "ada@example.com").await;
        let code = page.sent("code").unwrap();
        assert_eq!(server.hand_in(&code).await.expect(400).text_at("error"), "invalid_grant", "a code of another kind");
        let connect = server.redeem(&application, &code).await.expect(200).json();
        server.renew(&text(&connect, "refresh_token")).await.expect(400);
        server.refresh(&application, &text(&session, "refresh_token")).await.expect(400);
        // Nor does a session token identify a user at sign-out, or a grant identify a session.
        let page = browser.open(&format!("/oauth2/logout?id_token_hint={}", text(&session, "access_token"))).await;
        assert_eq!(page.path, "/sign-out");
        let sid = claims(&text(&connect, "access_token"))["sid"].as_str().unwrap().to_owned();
        browser.open(&format!("/user_management/sessions/logout?session_id={sid}")).await;
        assert_eq!(browser.open("/account").await.path, "/account", "still signed in");
        server.refresh(&application, &text(&connect, "refresh_token")).await.expect(200);
        let (iss, own) = (claims(&text(&connect, "access_token"))["iss"].clone(), claims(&text(&session, "access_token"))["iss"].clone());
        assert_ne!(iss, own);
        let verified = [("grant_type", "authorization_code"), ("client_id", &server.client_id), ("code", "x"), ("code_verifier", VERIFIER)];
        stranger.form("/oauth2/token", &verified).await.expect(401);
    }
}
