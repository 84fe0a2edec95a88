//! Dynamic client registration (RFC 7591).

use crate::harness::{Answer, Application, Browser, TestServer, assert_id, assert_keys, on_both_databases};
use crate::hosted::authorization_code::claims;
use countersign::domain::connect::self_registration::MAX_UNUSED;
use countersign_protocol::model::RegisteredGrants;
use countersign_store::application as applications;
use countersign_store::self_registration::{self, NewSelfRegistration};
use reqwest::Method;
use serde_json::{Value, json};

const ON: &str = "[environment.clients]\ndynamic_client_registration = \"on\"";

const DEVICE: &str = "urn:ietf:params:oauth:grant-type:device_code";

fn public() -> Value {
    json!({"client_name": "Example", "redirect_uris": ["http://127.0.0.1/cb"], "token_endpoint_auth_method": "none"})
}

async fn register(server: &TestServer, metadata: Value) -> Answer {
    server.anonymous().post("/oauth2/register", metadata).await
}

fn application(registered: &Value, redirect_uri: &str) -> Application {
    Application {
        client_id: registered["client_id"].as_str().unwrap().to_owned(),
        secret: registered["client_secret"].as_str().map(str::to_owned),
        redirect_uri: redirect_uri.to_owned(),
    }
}

async fn listed(server: &TestServer) -> Vec<Value> {
    server.management().get("/connect/applications?registration_types=dynamic").await.expect_list()
}

on_both_databases! {
    async fn nobody_registers_where_it_is_off(server: TestServer) {
        let refused = register(&server, public()).await.expect(403);
        assert_eq!(refused.json(), json!({
            "error": "dynamic_client_registration_disabled",
            "error_description": "Dynamic client registration is disabled for this environment.",
        }));
        assert_eq!(refused.header("access-control-allow-origin"), Some("*"));
        for document in ["oauth-authorization-server", "openid-configuration"] {
            let discovery = server.anonymous().get(&format!("/.well-known/{document}")).await.json();
            assert!(discovery.get("registration_endpoint").is_none());
        }
        assert_eq!(listed(&server).await, Vec::<Value>::new());
        server.declare(ON).await.done();
        for document in ["oauth-authorization-server", "openid-configuration"] {
            let discovery = server.anonymous().get(&format!("/.well-known/{document}")).await.json();
            assert_eq!(discovery["registration_endpoint"], format!("{}/oauth2/register", server.base_url));
        }
        register(&server, public()).await.expect(201);
        let another = server.another_environment().await;
        let there = server.anonymous().with_host(&another.authority);
        there.post("/oauth2/register", public()).await.expect(403);
        assert_eq!(another.management.get("/connect/applications?registration_types=dynamic").await.expect_list().len(), 0);
    }

    async fn a_confidential_client_gets_a_secret_that_is_its_own(server: TestServer) {
        server.declare(ON).await.done();
        let metadata = json!({"client_name": "Partner", "redirect_uris": ["https://client.example/cb"], "grant_types": ["authorization_code", "refresh_token"]});
        let answer = register(&server, metadata.clone()).await.expect(201);
        assert_eq!((answer.header("cache-control"), answer.header("content-type")), (Some("no-store"), Some("application/json")));
        let first = answer.json();
        assert_keys(&first, &[
            "client_id", "client_id_issued_at", "client_secret", "client_secret_expires_at", "client_name", "redirect_uris", "grant_types",
            "response_types", "token_endpoint_auth_method",
        ]);
        assert_id(&first["client_id"], "client");
        assert_eq!((&first["client_secret_expires_at"], &first["token_endpoint_auth_method"]), (&json!(0), &json!("client_secret_basic")));
        assert!(first["client_id_issued_at"].as_i64().unwrap() > 1_700_000_000);
        let second = register(&server, metadata).await.expect(201).json();
        assert_ne!(first["client_id"], second["client_id"]);
        assert_ne!(first["client_secret"], second["client_secret"]);

        server.person("ada@example.com").await;
        let client = application(&first, "https://client.example/cb");
        let mut browser = Browser::new(&server);
        let page = browser.open(&client.authorize("&scope=openid+offline_access")).await;
        let page = server.sign_in(&mut browser, &page, "ada@example.com").await;
        assert!(page.html.contains("Partner asks for access") && page.html.contains("nobody here has verified it"), "{}", page.html);
        let page = browser.submit(&page, "/consent", &[("decision", "allow")]).await;
        let code = page.sent("code").unwrap();
        let thief = Application { secret: application(&second, "").secret, ..client.clone() };
        assert_eq!(server.redeem(&thief, &code).await.expect(401).text_at("error"), "invalid_client");
        let none = Application { secret: None, ..client.clone() };
        server.redeem(&none, &code).await.expect(401);
        let tokens = server.redeem(&client, &code).await.expect(200);
        assert_eq!(claims(&tokens.text_at("id_token"))["aud"], first["client_id"]);
        let management = server.management();
        let made = management.get(&format!("/connect/applications/{}", client.client_id)).await.expect(200).json();
        assert_eq!((&made["is_first_party"], &made["was_dynamically_registered"], &made["uses_pkce"]), (&json!(false), &json!(true), &json!(false)));
        assert!(made.get("organization_id").is_none());
        assert_eq!(management.get("/connect/applications").await.expect_list().len(), 0, "only when they are asked for");
        assert_eq!(listed(&server).await.len(), 2);
    }

    async fn public_clients_that_say_the_same_are_one(server: TestServer) {
        server.declare(ON).await.done();
        let first = register(&server, public()).await.expect(201).json();
        assert_keys(&first, &["client_id", "client_id_issued_at", "client_name", "redirect_uris", "grant_types", "response_types", "token_endpoint_auth_method"]);
        let mut more = public();
        more["software_version"] = "2".into();
        let mut at_once = tokio::task::JoinSet::new();
        for metadata in std::iter::repeat_n(more, 8) {
            let client = server.anonymous();
            at_once.spawn(async move { client.post("/oauth2/register", metadata).await.expect(201).json() });
        }
        for same in at_once.join_all().await {
            assert_eq!(same, first);
        }
        // The port of a loopback URI is ignored, here as in authorization requests.
        let mut elsewhere = public();
        elsewhere["redirect_uris"] = json!(["http://127.0.0.1:3000/cb"]);
        let same = register(&server, elsewhere.clone()).await.expect(201).json();
        assert_eq!((&same["client_id"], &same["redirect_uris"]), (&first["client_id"], &elsewhere["redirect_uris"]));
        let token = |origin: &'static str| {
            let anonymous = server.anonymous();
            let form = [("grant_type", "authorization_code"), ("client_id", first["client_id"].as_str().unwrap())];
            let request = anonymous.request(Method::POST, "/oauth2/token").header("origin", origin).form(&form);
            async move { anonymous.send(request).await.header("access-control-allow-origin").map(str::to_owned) }
        };
        for page in ["http://127.0.0.1:3000", "http://127.0.0.1:4000"] {
            assert_eq!(token(page).await.as_deref(), Some(page));
        }
        for page in ["https://127.0.0.1:3000", "http://localhost:3000", "http://127.0.0.1.evil.example", "null"] {
            assert_eq!(token(page).await, None, "{page}");
        }
        for (name, value) in [
            ("client_name", json!("Another")),
            ("redirect_uris", json!(["http://127.0.0.1/other"])),
            ("scope", json!("openid")),
            ("application_type", json!("native")),
        ] {
            let mut other = public();
            other[name] = value;
            assert_ne!(register(&server, other).await.expect(201).json()["client_id"], first["client_id"], "{name}");
        }
        let another = server.another_environment_with(ON).await;
        let there = server.anonymous().with_host(&another.authority).post("/oauth2/register", public()).await.expect(201).json();
        assert_ne!(there["client_id"], first["client_id"], "every environment has its own");
        server.management().get(&format!("/connect/applications/{}", there["client_id"].as_str().unwrap())).await.expect(404);
    }

    async fn what_an_administrator_makes_of_a_client_is_not_given_to_the_next_stranger(server: TestServer) {
        server.declare(ON).await.done();
        let first = register(&server, public()).await.expect(201).json();
        let id = first["client_id"].as_str().unwrap();
        assert_eq!(register(&server, public()).await.expect(201).json()["client_id"], first["client_id"]);
        server.person("ada@example.com").await;
        let here = application(&first, "http://127.0.0.1:50000/cb");
        let mut browser = Browser::new(&server);
        let page = browser.open(&here.authorize("&scope=openid")).await;
        let page = server.sign_in(&mut browser, &page, "ada@example.com").await;
        browser.submit(&page, "/consent", &[("decision", "allow")]).await.sent("code").unwrap();
        let change = json!({"name": "Ours", "redirect_uris": [{"uri": "https://ours.example/cb"}]});
        server.management().put(&format!("/connect/applications/{id}"), change).await.expect(200);
        assert_ne!(register(&server, public()).await.expect(201).json()["client_id"], first["client_id"]);
        let page = browser.open(&application(&first, "https://ours.example/cb").authorize("&scope=openid")).await;
        assert!(page.html.contains("Ours asks for access"), "{}", page.html);
    }

    async fn a_program_signs_people_in_on_any_port_with_pkce(server: TestServer) {
        server.declare(ON).await.done();
        let registered = register(&server, public()).await.expect(201).json();
        server.person("ada@example.com").await;
        let client = application(&registered, "http://127.0.0.1:49152/cb");
        let mut browser = Browser::new(&server);
        let page = browser.open(&client.authorize("&scope=openid")).await;
        let page = server.sign_in(&mut browser, &page, "ada@example.com").await;
        assert!(page.html.contains("any program here could have asked"), "{}", page.html);
        let page = browser.submit(&page, "/consent", &[("decision", "allow")]).await;
        server.redeem(&client, &page.sent("code").unwrap()).await.expect(200);
        browser.open(&client.authorize("&scope=openid")).await.form("/consent");
        let without = format!("/oauth2/authorize?client_id={}&redirect_uri=http://127.0.0.1:1/cb&response_type=code", client.client_id);
        assert_eq!(browser.open(&without).await.sent("error").as_deref(), Some("invalid_request"), "PKCE");
        let custom = browser.open(&client.authorize("&scope=openid+posts:read")).await;
        assert_eq!(custom.sent("error").as_deref(), Some("invalid_scope"), "nothing but what everybody gets");
    }

    async fn threat_28_an_id_token_of_ones_own_does_not_lead_others_to_a_registered_client(server: TestServer) {
        server.declare("[environment.clients]\ndynamic_client_registration = \"on\"\n").await.done();
        let there = "https://evil.example/login";
        let metadata = json!({"client_name": "Evil", "redirect_uris": [there], "token_endpoint_auth_method": "none"});
        let evil = application(&register(&server, metadata).await.expect(201).json(), there);
        server.person("mallory@example.com").await;
        server.person("ada@example.com").await;
        let mut mallory = Browser::new(&server);
        let page = mallory.open(&evil.authorize("&scope=openid")).await;
        let page = server.sign_in(&mut mallory, &page, "mallory@example.com").await;
        let page = mallory.submit(&page, "/consent", &[("decision", "allow")]).await;
        let tokens = server.redeem(&evil, &page.sent("code").unwrap()).await.expect(200);
        let logout = format!(
            "/oauth2/logout?id_token_hint={}&post_logout_redirect_uri=https%3A%2F%2Fevil.example%2Flogin",
            tokens.text_at("id_token")
        );
        // Nobody is signed in here.
        let page = Browser::new(&server).open(&logout).await;
        assert_eq!((page.path.as_str(), page.left_to), ("/signed-out", None));
        // A different user is signed in; they are asked, and not redirected.
        let mut ada = Browser::new(&server);
        let page = ada.open("/sign-in").await;
        server.sign_in(&mut ada, &page, "ada@example.com").await;
        let page = ada.open(&logout).await;
        let page = ada.submit(&page, "/sign-out", &[("decision", "sign_out")]).await;
        assert_eq!((page.path.as_str(), page.left_to), ("/signed-out", None));
        // The user named by the hint is redirected.
        assert_eq!(mallory.open(&logout).await.left_to.as_deref(), Some(there));
    }

    async fn threat_28_who_registers_a_client_does_not_make_us_lead_people_anywhere(server: TestServer) {
        server.declare("[environment.clients]\ndynamic_client_registration = \"on\"\n").await.done();
        let there = "https://evil.example/login";
        let metadata = json!({"client_name": "Evil", "redirect_uris": [there, "http://127.0.0.1/cb"], "token_endpoint_auth_method": "none"});
        let registered = register(&server, metadata).await.expect(201).json();
        let mut browser = Browser::new(&server);
        let evil = application(&registered, there);
        for more in ["&scope=openid&prompt=none", "&scope=admin", "&response_type=token"] {
            let page = browser.open(&evil.authorize(more)).await;
            assert!(page.left_to.is_none() && page.html.contains("The application made a mistake"), "{more}: {}", page.html);
        }
        let logout = format!("/oauth2/logout?client_id={}&post_logout_redirect_uri=https%3A%2F%2Fevil.example%2Flogin", evil.client_id);
        assert!(browser.open(&logout).await.left_to.is_none());
        // A native application on the user's own device gets the error.
        let program = application(&registered, "http://127.0.0.1:50000/cb");
        let page = browser.open(&program.authorize("&scope=openid&prompt=none")).await;
        assert_eq!(page.sent("error").as_deref(), Some("login_required"));
        // So does a client that a user has consented to.
        server.person("ada@example.com").await;
        let mut other = Browser::new(&server);
        let page = other.open(&evil.authorize("&scope=openid&id_token_hint=nonsense")).await;
        assert!(page.left_to.is_none() && page.html.contains("The application made a mistake"), "{}", page.html);
        let page = browser.open(&evil.authorize("&scope=openid")).await;
        let page = server.sign_in(&mut browser, &page, "ada@example.com").await;
        browser.submit(&page, "/consent", &[("decision", "allow")]).await.sent("code").unwrap();
        let page = browser.open(&evil.authorize("&scope=openid&prompt=none&organization_id=org_01EHZNVPK3SFK441A1RGBFSHRT")).await;
        assert!(page.sent("error").is_some(), "{:?} {}", page.left_to, page.html);
    }

    async fn threat_28_who_registers_a_client_does_not_make_us_start_programs(server: TestServer) {
        server.declare(ON).await.done();
        let editor = "example-editor://sign-in";
        let with = |uri: &str| json!({"client_name": "Editor", "redirect_uris": [uri], "token_endpoint_auth_method": "none"});
        for handler in ["ms-msdt:/id/PCWDiagnostic", "search-ms:query=x", "tel:+1900", "intent://evil.example/x", "jar:https://evil.example/x!/"] {
            let refused = register(&server, with(handler)).await.expect(400);
            assert_eq!(refused.text_at("error"), "invalid_redirect_uri", "{handler}");
        }
        let registered = register(&server, with(editor)).await.expect(201).json();
        let client = application(&registered, editor);
        let mut browser = Browser::new(&server);
        for more in ["&scope=openid&prompt=none", "&scope=admin", "&response_type=token"] {
            let page = browser.open(&client.authorize(more)).await;
            assert!(page.left_to.is_none() && page.html.contains("The application made a mistake"), "{more}: {}", page.html);
        }
        // A client that a user has consented to gets the error.
        server.person("ada@example.com").await;
        let page = browser.open(&client.authorize("&scope=openid")).await;
        let page = server.sign_in(&mut browser, &page, "ada@example.com").await;
        browser.submit(&page, "/consent", &[("decision", "allow")]).await.sent("code").unwrap();
        let page = browser.open(&client.authorize("&scope=openid&prompt=none")).await;
        assert_eq!(page.sent("error").as_deref(), Some("consent_required"));
    }

    async fn threat_28_what_a_stranger_registers_learns_nothing_of_others_tokens(server: TestServer) {
        server.declare(ON).await.done();
        let (forum, introspector) = (server.application("forum", false, &[]).await, server.introspector().await);
        server.person("ada@example.com").await;
        let mut browser = Browser::new(&server);
        let page = browser.open(&forum.authorize("&scope=openid+offline_access")).await;
        let page = server.sign_in(&mut browser, &page, "ada@example.com").await;
        let tokens = server.redeem(&forum, &page.sent("code").unwrap()).await.expect(200).json();
        let metadata = json!({"client_name": "Stranger", "redirect_uris": ["https://stranger.example/cb"], "token_endpoint_auth_method": "client_secret_post"});
        let registered = register(&server, metadata).await.expect(201).json();
        let stranger = application(&registered, "https://stranger.example/cb");
        let stranger_credential = (stranger.client_id.clone(), stranger.secret.clone().unwrap());
        for kind in ["access_token", "refresh_token"] {
            let token = tokens[kind].as_str().unwrap();
            assert_eq!(server.introspected(&introspector, token).await["active"], true, "{kind}");
            assert_eq!(server.introspected(&stranger_credential, token).await, json!({"active": false}), "{kind}");
        }
        let page = browser.open(&stranger.authorize("&scope=openid+offline_access")).await;
        let page = browser.submit(&page, "/consent", &[("decision", "allow")]).await;
        let own = server.redeem(&stranger, &page.sent("code").unwrap()).await.expect(200).json();
        for kind in ["access_token", "refresh_token"] {
            assert_eq!(server.introspected(&stranger_credential, own[kind].as_str().unwrap()).await["active"], true, "its own {kind}");
        }
    }

    async fn what_cannot_be_is_refused_in_the_words_of_the_standard(server: TestServer) {
        server.declare(ON).await.done();
        let with = |name: &str, value: Value| {
            let mut metadata = public();
            metadata[name] = value;
            metadata
        };
        for (metadata, code) in [
            (json!({}), "invalid_redirect_uri"),
            (with("redirect_uris", json!([])), "invalid_redirect_uri"),
            (with("redirect_uris", json!(["javascript:alert(1)"])), "invalid_redirect_uri"),
            (with("redirect_uris", json!(["http://client.example/cb"])), "invalid_redirect_uri"),
            (with("token_endpoint_auth_method", json!("private_key_jwt")), "invalid_client_metadata"),
            (with("scope", json!("openid admin")), "invalid_client_metadata"),
            (with("grant_types", json!(["client_credentials"])), "invalid_client_metadata"),
            (json!([]), "invalid_client_metadata"),
        ] {
            let refused = register(&server, metadata.clone()).await.expect(400);
            assert_eq!(refused.text_at("error"), code, "{metadata}");
            assert!(!refused.text_at("error_description").is_empty());
            assert_eq!((refused.header("cache-control"), refused.header("access-control-allow-origin")), (Some("no-store"), Some("*")));
        }
        let anonymous = server.anonymous();
        let form = anonymous.request(Method::POST, "/oauth2/register").form(&[("redirect_uris", "https://a.example/")]);
        assert_eq!(anonymous.send(form).await.expect(400).text_at("error"), "invalid_client_metadata");
        let long = with("padding", "x".repeat(20_000).into());
        register(&server, long).await.expect(413);
        let preflight = anonymous.request(Method::OPTIONS, "/oauth2/register").header("origin", "https://app.example");
        let preflight = anonymous.send(preflight.header("access-control-request-method", "POST")).await.expect(204);
        assert_eq!(preflight.header("access-control-allow-origin"), Some("*"));
        assert_eq!(listed(&server).await, Vec::<Value>::new());
        for method in [Method::GET, Method::PUT, Method::DELETE] {
            anonymous.send(anonymous.request(method, "/oauth2/register")).await.expect(405);
        }
    }

    async fn what_nobody_uses_is_forgotten_and_what_somebody_uses_stays(server: TestServer) {
        server.declare(ON).await.done();
        server.person("ada@example.com").await;
        let used = register(&server, json!({"client_name": "Used", "redirect_uris": ["https://client.example/cb"], "token_endpoint_auth_method": "none"})).await.expect(201).json();
        let unused = register(&server, json!({"client_name": "Unused", "redirect_uris": ["https://client.example/cb"]})).await.expect(201).json();
        let client = application(&used, "https://client.example/cb");
        let mut browser = Browser::new(&server);
        let page = browser.open(&client.authorize("&scope=openid+offline_access")).await;
        let page = server.sign_in(&mut browser, &page, "ada@example.com").await;
        let page = browser.submit(&page, "/consent", &[("decision", "allow")]).await;
        let tokens = server.redeem(&client, &page.sent("code").unwrap()).await.expect(200);
        let other = server.another_node().await;
        let waits = application(&unused, "https://client.example/cb");
        assert!(other.anonymous().get(&waits.authorize("&scope=openid")).await.expect(200).text.contains("action=\"/sign-in\""));
        server.clock.advance_seconds(86_000);
        countersign::jobs::retention::run(std::sync::Arc::clone(&server.app)).await;
        assert_eq!(listed(&server).await.len(), 2);
        server.clock.advance_seconds(401);
        countersign::jobs::retention::run(std::sync::Arc::clone(&server.app)).await;
        server.app.catch_up().await;
        other.app.catch_up().await;
        let left = listed(&server).await;
        assert_eq!((left.len(), &left[0]["name"]), (1, &json!("Used")));
        for node in [&server, &other] {
            let gone = node.anonymous().get(&waits.authorize("&scope=openid")).await.expect(302);
            assert_eq!(gone.header("location"), Some("/oauth2/error?error=application_not_found"));
        }
        server.refresh(&client, &tokens.text_at("refresh_token")).await.expect(200);
        // Also after the user has revoked access: the client may come back.
        let page = browser.open("/account").await;
        let user = claims(&tokens.text_at("access_token"))["sub"].as_str().unwrap().to_owned();
        assert!(page.status < 500);
        server.management().delete(&format!("/user_management/users/{user}/authorized_applications/{}", client.client_id)).await.expect(204);
        server.clock.advance_seconds(30 * 86_400);
        countersign::jobs::retention::run(std::sync::Arc::clone(&server.app)).await;
        assert_eq!(listed(&server).await.len(), 1);
    }

    async fn registering_is_limited_by_where_it_comes_from(server: TestServer) {
        server.declare(ON).await.done();
        let mut statuses = Vec::new();
        for number in 0..32 {
            let metadata = json!({"client_name": format!("{number}"), "redirect_uris": ["https://client.example/cb"]});
            statuses.push(register(&server, metadata).await.status);
        }
        assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 30);
        let refused = register(&server, public()).await.expect(429);
        assert!(refused.header("retry-after").is_some() && refused.text_at("error") == "too_many_requests");
        server.clock.advance_seconds(601);
        register(&server, public()).await.expect(201);
        // An assistant registers the same metadata for each of its users, which creates nothing new.
        for _ in 0..40 {
            register(&server, public()).await.expect(201);
        }
    }

    async fn an_environment_has_room_for_so_many_that_nobody_uses(server: TestServer) {
        server.declare(ON).await.done();
        let first = register(&server, public()).await.expect(201).json();
        let (environment_id, now) = (server.environment_id(), server.app.clock.now());
        let entropy = std::sync::Arc::clone(&server.app.entropy);
        let id = first["client_id"].as_str().unwrap().to_owned();
        let planted = server.app.store.write::<(), countersign_store::Error, _>(move |tx| {
            Box::pin(async move {
                let known = applications::find_by_client_id(tx, environment_id, id.parse().unwrap()).await?.unwrap();
                for _ in 1..MAX_UNUSED {
                    let mut made = known.clone();
                    (made.id, made.client_id) = (entropy.id(now).unwrap(), entropy.id(now).unwrap());
                    applications::insert(tx, environment_id, &made).await?;
                    let new = NewSelfRegistration { application_id: made.id, sameness: None, changed_at: now, fresh_until: None, unused_until: now.plus_secs(600), grants: RegisteredGrants::UNSAID };
                    self_registration::insert(tx, environment_id, &new).await?;
                }
                Ok(())
            })
        });
        planted.await.unwrap();
        let another = server.another_environment_with(ON).await;
        let there = server.anonymous().with_host(&another.authority);
        let theirs = there.post("/oauth2/register", public()).await.expect(201).json();
        // Nobody is locked out: the clients that would be pruned first are deleted.
        let other = json!({"client_name": "Newcomer", "redirect_uris": ["https://client.example/cb"]});
        for _ in 0..2 {
            register(&server, other.clone()).await.expect(201);
        }
        let mut reader = server.app.store.reader().await.unwrap();
        assert_eq!(self_registration::count_unused(&mut reader, environment_id, false, now).await.unwrap(), MAX_UNUSED);
        assert_eq!(register(&server, public()).await.expect(201).json(), first, "it would have been the last to go");
        assert_eq!(there.post("/oauth2/register", public()).await.expect(201).json(), theirs, "every environment has its own room");
    }

    async fn a_client_does_what_it_has_registered(server: TestServer) {
        server.declare(ON).await.done();
        server.person("ada@example.com").await;
        let with = |grants: Value| {
            let mut metadata = public();
            metadata["grant_types"] = grants;
            metadata
        };
        let ask = async |client_id: &Value| {
            let form = [("client_id", client_id.as_str().unwrap()), ("scope", "openid offline_access")];
            server.anonymous().form("/oauth2/device_authorization", &form).await
        };
        let unsaid = register(&server, public()).await.expect(201).json();
        assert_eq!(unsaid["grant_types"], json!(["authorization_code", "refresh_token"]));
        let codes = register(&server, with(json!(["authorization_code"]))).await.expect(201).json();
        let device = register(&server, with(json!(["refresh_token", DEVICE]))).await.expect(201).json();
        for none in [&unsaid, &codes] {
            let refused = ask(&none["client_id"]).await.expect(400);
            assert_eq!(refused.text_at("error"), "unauthorized_client", "nobody borrows the name of a client that has no devices");
            let poll = [("grant_type", DEVICE), ("device_code", "x"), ("client_id", none["client_id"].as_str().unwrap())];
            assert_eq!(server.anonymous().form("/oauth2/token", &poll).await.expect(400).text_at("error"), "unauthorized_client");
        }
        // Codes without refresh tokens.
        let client = application(&codes, "http://127.0.0.1:49152/cb");
        let mut browser = Browser::new(&server);
        let page = browser.open(&client.authorize("&scope=openid+offline_access")).await;
        let page = server.sign_in(&mut browser, &page, "ada@example.com").await;
        assert!(!page.html.contains("Keep this access"), "{}", page.html);
        let page = browser.submit(&page, "/consent", &[("decision", "allow")]).await;
        let tokens = server.redeem(&client, &page.sent("code").unwrap()).await.expect(200).json();
        assert_eq!((&tokens["scope"], tokens.get("refresh_token")), (&json!("openid"), None));
        assert_eq!(server.refresh(&client, "x").await.expect(400).text_at("error"), "unauthorized_client");
        // The device flow without codes.
        let client = application(&device, "http://127.0.0.1:49152/cb");
        let page = browser.open(&client.authorize("&scope=openid")).await;
        assert_eq!(page.sent("error").as_deref(), Some("unauthorized_client"));
        assert_eq!(server.redeem(&client, "x").await.expect(400).text_at("error"), "unauthorized_client");
        let asked = ask(&device["client_id"]).await.expect(200).json();
        let page = browser.open(&format!("/device?user_code={}", asked["user_code"].as_str().unwrap())).await;
        let page = browser.submit(&page, "/device", &[]).await;
        let page = browser.submit(&page, "/device/confirm", &[("decision", "allow")]).await;
        assert!(page.html.contains("The device that shows the code will get access"), "{}", page.html);
        browser.submit(&page, "/device/consent", &[("decision", "allow")]).await;
        let poll = [("grant_type", DEVICE), ("device_code", asked["device_code"].as_str().unwrap()), ("client_id", &client.client_id)];
        let tokens = server.anonymous().form("/oauth2/token", &poll).await.expect(200);
        server.refresh(&client, &tokens.text_at("refresh_token")).await.expect(200);
    }

    async fn a_client_that_came_before_its_grants_were_remembered_begins_no_device(server: TestServer) {
        server.declare(ON).await.done();
        server.person("ada@example.com").await;
        let mut metadata = public();
        metadata["grant_types"] = json!(["authorization_code", "refresh_token", DEVICE]);
        let registered = register(&server, metadata.clone()).await.expect(201).json();
        server.database.tamper("UPDATE self_registration SET grant_types = NULL").await;
        let other = server.another_node().await;
        let client = application(&registered, "http://127.0.0.1:49152/cb");
        let form = [("client_id", client.client_id.as_str())];
        let refused = other.anonymous().form("/oauth2/device_authorization", &form).await.expect(400);
        assert_eq!(refused.text_at("error"), "unauthorized_client");
        let mut browser = Browser::new(&other);
        let page = browser.open(&client.authorize("&scope=openid+offline_access")).await;
        let page = other.sign_in(&mut browser, &page, "ada@example.com").await;
        let page = browser.submit(&page, "/consent", &[("decision", "allow")]).await;
        let tokens = other.redeem(&client, &page.sent("code").unwrap()).await.expect(200);
        other.refresh(&client, &tokens.text_at("refresh_token")).await.expect(200);
        // It registers again with the same metadata.
        assert_eq!(register(&server, metadata).await.expect(201).json()["client_id"], registered["client_id"]);
        other.app.catch_up().await;
        other.anonymous().form("/oauth2/device_authorization", &form).await.expect(200);
    }

    async fn a_file_never_takes_a_strangers_client_for_one_of_its_own(server: TestServer) {
        server.declare(ON).await.done();
        let mut metadata = public();
        metadata["client_name"] = "Our application".into();
        let stranger = register(&server, metadata).await.expect(201).json();
        let declared = server.declare("[[environment.application]]\nname = \"Our application\"\napplication_type = \"oauth\"\nis_first_party = true\nuses_pkce = true\nredirect_uris = [{ uri = \"https://ours.example/cb\" }]\n").await.done();
        assert!(declared.out.contains("+ application Our application"), "{}", declared.out);
        let found = server.management().get(&format!("/connect/applications/{}", stranger["client_id"].as_str().unwrap())).await.json();
        assert_eq!(found["redirect_uris"], json!([{"uri": "http://127.0.0.1/cb", "default": true}]));
    }
}
