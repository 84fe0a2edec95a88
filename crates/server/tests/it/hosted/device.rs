//! The device flow (RFC 8628).

use crate::harness::{Answer, Application, Browser, PASSWORD, Page, TestServer, on_both_databases};
use serde_json::{Value, json};

async fn ask(server: &TestServer, application: &Application, scope: &str) -> Value {
    let form = [("client_id", application.client_id.as_str()), ("scope", scope)];
    server.anonymous().form("/oauth2/device_authorization", &form).await.expect(200).json()
}

async fn poll(server: &TestServer, application: &Application, device: &Value) -> Answer {
    let form = [
        ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
        ("device_code", device["device_code"].as_str().unwrap()),
        ("client_id", &application.client_id),
    ];
    server.anonymous().form("/oauth2/token", &form).await
}

/// Opens the URL that the device shows, and signs in.
async fn to_confirmation(server: &TestServer, browser: &mut Browser, device: &Value, email: &str) -> Page {
    let complete = device["verification_uri_complete"].as_str().unwrap();
    let page = browser.open(&complete[server.base_url.len()..]).await;
    assert_eq!(page.form("/device").fields["user_code"], device["user_code"].as_str().unwrap());
    let page = browser.submit(&page, "/device", &[]).await;
    server.sign_in(browser, &page, email).await
}

on_both_databases! {
    async fn a_command_line_signs_in(server: TestServer) {
        let application = server.application("cli", true, &[]).await;
        let user = server.person("ada@example.com").await;
        let device = ask(&server, &application, "openid email offline_access").await;
        assert_eq!((&device["expires_in"], &device["interval"]), (&json!(300), &json!(5)));
        assert_eq!(poll(&server, &application, &device).await.expect(400).text_at("error"), "authorization_pending");
        assert_eq!(poll(&server, &application, &device).await.expect(400).text_at("error"), "slow_down");

        let mut browser = Browser::new(&server);
        let page = to_confirmation(&server, &mut browser, &device, "ada@example.com").await;
        assert!(page.html.contains("The cli application") && page.html.contains(device["user_code"].as_str().unwrap()));
        let page = browser.submit(&page, "/device/confirm", &[("decision", "allow")]).await;
        assert_eq!(page.status, 200);
        server.clock.advance_seconds(10);
        let tokens = poll(&server, &application, &device).await.expect(200).json();
        let access = crate::hosted::authorization_code::claims(tokens["access_token"].as_str().unwrap());
        assert_eq!(access["sub"], json!(user));
        assert!(tokens["id_token"].is_string() && tokens["refresh_token"].is_string());
        server.refresh(&application, tokens["refresh_token"].as_str().unwrap()).await.expect(200);
        server.clock.advance_seconds(10);
        assert_eq!(poll(&server, &application, &device).await.expect(400).text_at("error"), "invalid_grant", "once");
    }

    async fn a_partners_device_needs_consent_and_may_be_denied(server: TestServer) {
        let application = server.application("third", true, &[]).await;
        let user = server.person("ada@example.com").await;
        let management = server.management();
        for name in ["Acme", "Globex"] {
            let organization = management.organization(name).await;
            server.member(user, &organization).await;
        }
        let device = ask(&server, &application, "openid").await;
        let mut browser = Browser::new(&server);
        let page = to_confirmation(&server, &mut browser, &device, "ada@example.com").await;
        let page = browser.submit(&page, "/device/confirm", &[("decision", "allow")]).await;
        assert!(page.html.contains("Partner Ltd") && page.html.contains("Globex"), "{}", page.html);
        let page = browser.submit(&page, "/device/consent", &[("decision", "deny")]).await;
        assert_eq!(page.status, 200);
        assert_eq!(poll(&server, &application, &device).await.expect(400).text_at("error"), "access_denied");

        let device = ask(&server, &application, "openid").await;
        let complete = device["verification_uri_complete"].as_str().unwrap();
        let page = browser.open(&complete[server.base_url.len()..]).await;
        let page = browser.submit(&page, "/device", &[]).await;
        let page = browser.submit(&page, "/device/confirm", &[("decision", "allow")]).await;
        let organization = management.get("/organizations?search=Globex").await.json()["data"][0]["id"].as_str().unwrap().to_owned();
        browser.submit(&page, "/device/consent", &[("decision", "allow"), ("organization_id", &organization)]).await;
        let tokens = poll(&server, &application, &device).await.expect(200).json();
        let access = crate::hosted::authorization_code::claims(tokens["access_token"].as_str().unwrap());
        assert_eq!(access["org_id"], json!(organization));
    }

    async fn for_which_organization_a_device_is_is_said(server: TestServer) {
        let (application, partner) = (server.application("cli", true, &[]).await, server.application("third", false, &[]).await);
        let user = server.person("ada@example.com").await;
        let management = server.management();
        let (acme, globex) = (management.organization("Acme").await, management.organization("Globex").await);
        server.member(user, &acme).await;
        server.member(user, &globex).await;
        let forum = server.application("forum", true, &[]).await;
        let mut browser = Browser::new(&server);
        let page = browser.open(&forum.authorize(&format!("&scope=openid&organization_id={acme}"))).await;
        server.sign_in(&mut browser, &page, "ada@example.com").await.sent("code").unwrap();

        let device = ask(&server, &application, "openid").await;
        let complete = device["verification_uri_complete"].as_str().unwrap();
        let page = browser.open(&complete[server.base_url.len()..]).await;
        let page = browser.submit(&page, "/device", &[]).await;
        let page = browser.submit(&page, "/device/confirm", &[("decision", "allow")]).await;
        assert!(page.html.contains("Acme") && page.html.contains("Globex"), "{}", page.html);
        assert_eq!(poll(&server, &application, &device).await.expect(400).text_at("error"), "authorization_pending");
        browser.submit(&page, "/device/consent", &[("organization_id", &globex)]).await;
        server.clock.advance_seconds(10);
        let tokens = poll(&server, &application, &device).await.expect(200).json();
        let access = crate::hosted::authorization_code::claims(tokens["access_token"].as_str().unwrap());
        assert_eq!(access["org_id"], json!(globex));

        // Users are asked for consent to an authenticated partner once, and the organization is that of the consent.
        for asks in [true, false] {
            let mut form = vec![("client_id", partner.client_id.as_str()), ("scope", "openid")];
            form.push(("client_secret", partner.secret.as_deref().unwrap()));
            let device = server.anonymous().form("/oauth2/device_authorization", &form).await.expect(200);
            let page = browser.open(&format!("/device?user_code={}", device.text_at("user_code"))).await;
            let page = browser.submit(&page, "/device", &[]).await;
            let page = browser.submit(&page, "/device/confirm", &[("decision", "allow")]).await;
            assert_eq!(page.html.contains("/device/consent"), asks, "{}", page.html);
            if asks {
                browser.submit(&page, "/device/consent", &[("decision", "allow"), ("organization_id", &globex)]).await;
            }
            let code = device.text_at("device_code");
            let grant = [("grant_type", "urn:ietf:params:oauth:grant-type:device_code"), ("device_code", &code)];
            let poll = [&grant[..], &form[..]].concat();
            let token = server.anonymous().form("/oauth2/token", &poll).await.expect(200).text_at("access_token");
            assert_eq!(crate::hosted::authorization_code::claims(&token)["org_id"], json!(globex));
        }
    }

    async fn a_device_stays_connected_whoever_signs_out_of_the_browser_first(server: TestServer) {
        let application = server.application("cli", true, &[]).await;
        let user = server.person("ada@example.com").await;
        let mut browser = Browser::new(&server);
        let device = ask(&server, &application, "openid offline_access").await;
        let page = to_confirmation(&server, &mut browser, &device, "ada@example.com").await;
        browser.submit(&page, "/device/confirm", &[("decision", "allow")]).await;
        let page = browser.open("/sign-out").await;
        browser.submit(&page, "/sign-out", &[("decision", "sign_out")]).await;
        let tokens = poll(&server, &application, &device).await.expect(200);
        server.refresh(&application, &tokens.text_at("refresh_token")).await.expect(200);
        // A new password revokes everything, with or without a session.
        for signs_out in [true, false] {
            let device = ask(&server, &application, "openid").await;
            let page = to_confirmation(&server, &mut browser, &device, "ada@example.com").await;
            browser.submit(&page, "/device/confirm", &[("decision", "allow")]).await;
            if signs_out {
                let page = browser.open("/sign-out").await;
                browser.submit(&page, "/sign-out", &[("decision", "sign_out")]).await;
            }
            let body = json!({"password": PASSWORD});
            server.management().put(&format!("/user_management/users/{user}"), body).await.expect(200);
            assert_eq!(poll(&server, &application, &device).await.expect(400).text_at("error"), "access_denied", "{signs_out}");
        }
    }

    async fn the_account_is_named_and_can_be_another(server: TestServer) {
        let application = server.application("cli", true, &[]).await;
        server.person("ada@example.com").await;
        let grace = server.person("grace@example.com").await;
        let device = ask(&server, &application, "openid").await;
        let mut browser = Browser::new(&server);
        let page = to_confirmation(&server, &mut browser, &device, "ada@example.com").await;
        assert!(page.html.contains("Signed in as") && page.html.contains("ada@example.com"), "{}", page.html);
        let link = page.html.split("href=\"").find(|part| part.starts_with("/use-another-account")).unwrap();
        let other = browser.open(link.split('"').next().unwrap()).await;
        let other = server.sign_in(&mut browser, &other, "grace@example.com").await;
        assert!(other.html.contains("grace@example.com") && other.path.starts_with("/device/confirm"), "{}", other.html);
        // Ada's confirmation page cannot be submitted by Grace.
        let again = browser.submit(&page, "/device/confirm", &[("decision", "allow")]).await;
        assert!(again.html.contains("grace@example.com"), "{}", again.html);
        assert_eq!(poll(&server, &application, &device).await.expect(400).text_at("error"), "authorization_pending");
        browser.submit(&again, "/device/confirm", &[("decision", "allow")]).await;
        server.clock.advance_seconds(10);
        let tokens = poll(&server, &application, &device).await.expect(200);
        assert_eq!(crate::hosted::authorization_code::claims(&tokens.text_at("access_token"))["sub"], json!(grace));
    }

    async fn right_codes_are_no_guesses_and_clients_with_a_secret_are_not_counted(server: TestServer) {
        let (public, confidential) = (server.application("cli", true, &[]).await, server.application("docs", false, &[]).await);
        server.person("ada@example.com").await;
        let secret = confidential.secret.clone().unwrap();
        let form = [("client_id", confidential.client_id.as_str()), ("client_secret", &secret), ("scope", "openid")];
        for _ in 0..61 {
            server.anonymous().form("/oauth2/device_authorization", &form).await.expect(200);
        }
        let device = ask(&server, &public, "openid").await;
        for _ in 1..60 {
            ask(&server, &public, "openid").await;
        }
        let over = [("client_id", public.client_id.as_str()), ("scope", "openid")];
        let refused = server.anonymous().form("/oauth2/device_authorization", &over).await.expect(429);
        assert!(refused.header("retry-after").is_some());
        // A client that registers itself gets a secret, which proves nothing.
        server.declare("[environment.clients]\ndynamic_client_registration = \"on\"\n").await.done();
        let metadata = json!({
            "redirect_uris": ["https://client.example/cb"],
            "grant_types": ["authorization_code", "urn:ietf:params:oauth:grant-type:device_code"],
        });
        let registered = server.anonymous().post("/oauth2/register", metadata).await.expect(201).json();
        let text = |name: &str| registered[name].as_str().unwrap().to_owned();
        let (client_id, client_secret) = (text("client_id"), text("client_secret"));
        let own = [("client_id", client_id.as_str()), ("client_secret", &client_secret), ("scope", "openid")];
        server.anonymous().form("/oauth2/device_authorization", &own).await.expect(429);

        let mut browser = Browser::new(&server);
        let page = browser.open("/device").await;
        let right = device["user_code"].as_str().unwrap();
        for _ in 0..25 {
            assert_eq!(browser.submit(&page, "/device", &[("user_code", right)]).await.status, 200);
        }
        for _ in 0..20 {
            assert_eq!(browser.submit(&page, "/device", &[("user_code", "BCDF-GHJK")]).await.status, 422);
        }
        assert_eq!(browser.submit(&page, "/device", &[("user_code", right)]).await.status, 429);
    }

    async fn a_device_says_at_a_refresh_what_it_said_at_first(server: TestServer) {
        let uri = "https://mcp.example.com/mcp";
        let body = json!({"uri": uri, "default": false});
        server.management().post("/user_management/authkit_oauth_resources", body).await.expect(201);
        let application = server.application("cli", true, &[]).await;
        server.person("ada@example.com").await;
        let device = ask(&server, &application, "openid offline_access").await;
        let mut browser = Browser::new(&server);
        let page = to_confirmation(&server, &mut browser, &device, "ada@example.com").await;
        browser.submit(&page, "/device/confirm", &[("decision", "allow")]).await;
        let client = [("client_id", application.client_id.as_str()), ("resource", uri)];
        let code = device["device_code"].as_str().unwrap();
        let first = [("grant_type", "urn:ietf:params:oauth:grant-type:device_code"), ("device_code", code)];
        let tokens = server.anonymous().form("/oauth2/token", &[&client[..], &first].concat()).await.expect(200);
        let token = tokens.text_at("refresh_token");
        let next = [("grant_type", "refresh_token"), ("refresh_token", token.as_str())];
        let next = server.anonymous().form("/oauth2/token", &[&client[..], &next].concat()).await.expect(200);
        let access = crate::hosted::authorization_code::claims(&next.text_at("access_token"));
        assert_eq!(access["aud"], server.client_id.as_str(), "and it means as little");
        // Tokens from a code flow are different.
        let page = browser.open(&application.authorize("&scope=openid+offline_access")).await;
        let tokens = server.redeem(&application, &page.sent("code").unwrap()).await.expect(200);
        let token = tokens.text_at("refresh_token");
        let other = [("grant_type", "refresh_token"), ("refresh_token", token.as_str())];
        let refused = server.anonymous().form("/oauth2/token", &[&client[..], &other].concat()).await.expect(400);
        assert_eq!(refused.text_at("error"), "invalid_target");
    }

    async fn codes_end_and_belong_to_their_client(server: TestServer) {
        let (application, other) = (server.application("cli", true, &[]).await, server.application("docs", true, &[]).await);
        server.person("ada@example.com").await;
        let device = ask(&server, &application, "openid").await;
        assert_eq!(poll(&server, &other, &device).await.expect(400).text_at("error"), "invalid_grant");
        let mut browser = Browser::new(&server);
        let page = browser.open("/device").await;
        for wrong in ["", "BCDF-GHJK", "nonsense", "<script>"] {
            let page = browser.submit(&page, "/device", &[("user_code", wrong)]).await;
            assert_eq!(page.status, 422, "{wrong}");
        }
        server.clock.advance_seconds(301);
        let late = browser.submit(&page, "/device", &[("user_code", device["user_code"].as_str().unwrap())]).await;
        assert_eq!(late.status, 422);
        assert_eq!(poll(&server, &application, &device).await.expect(400).text_at("error"), "expired_token");
        let (machine, secret) = server.management().credential(&[]).await;
        let form = [("client_id", machine.as_str()), ("client_secret", secret.as_str())];
        let refused = server.anonymous().form("/oauth2/device_authorization", &form).await.expect(400);
        assert_eq!(refused.text_at("error"), "unauthorized_client");
    }
}
