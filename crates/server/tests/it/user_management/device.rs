//! The device flow of the environment's own application (RFC 8628).

use crate::harness::{Answer, Browser, Page, TestServer, on_both_databases};
use crate::hosted::authorization_code::claims;
use serde_json::{Value, json};

const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

async fn ask(server: &TestServer) -> Value {
    let body = json!({"client_id": server.client_id});
    server.anonymous().post("/user_management/authorize/device", body).await.expect(200).expect_json()
}

async fn poll(server: &TestServer, device: &Value) -> Answer {
    server.authenticate_publicly(GRANT, &[("device_code", device["device_code"].as_str().unwrap())]).await
}

/// Opens the URL that the device shows; returns the page after signing in, if that was asked for.
async fn to_confirmation(server: &TestServer, browser: &mut Browser, device: &Value) -> Page {
    let complete = device["verification_uri_complete"].as_str().unwrap();
    let page = browser.open(&complete[server.base_url.len()..]).await;
    let page = browser.submit(&page, "/device", &[]).await;
    if page.path.starts_with("/sign-in") { server.sign_in(browser, &page, "ada@example.com").await } else { page }
}

on_both_databases! {
    async fn a_command_line_gets_a_session_of_its_own(server: TestServer) {
        let user = server.person("ada@example.com").await;
        let device = ask(&server).await;
        assert_eq!((&device["expires_in"], &device["interval"]), (&json!(300), &json!(5)));
        assert_eq!(poll(&server, &device).await.expect(400).text_at("error"), "authorization_pending");
        assert_eq!(poll(&server, &device).await.expect(400).text_at("error"), "slow_down");
        let mut browser = Browser::new(&server);
        let page = to_confirmation(&server, &mut browser, &device).await;
        assert!(page.html.contains(device["user_code"].as_str().unwrap()));
        assert_eq!(browser.submit(&page, "/device/confirm", &[("decision", "allow")]).await.status, 200);
        server.clock.advance_seconds(10);
        let answer = poll(&server, &device).await.expect(200).json();
        assert_eq!(answer["user"]["id"], json!(user));
        let sid = claims(answer["access_token"].as_str().unwrap())["sid"].clone();
        let listed = server.management().get(&format!("/user_management/users/{user}/sessions")).await.expect_list();
        assert_eq!(listed.len(), 2, "the browser's and the device's");
        assert_eq!((&listed[0]["id"], &listed[0]["auth_method"]), (&sid, &json!("password")));
        // Signing out of the browser does not sign out the device.
        let page = browser.open("/sign-out").await;
        browser.submit(&page, "/sign-out", &[("decision", "sign_out")]).await;
        server.renew(answer["refresh_token"].as_str().unwrap()).await.expect(200);
        assert_eq!(poll(&server, &device).await.expect(400).text_at("error"), "invalid_grant", "once");
    }

    async fn the_organization_is_chosen_on_the_page(server: TestServer) {
        let user = server.person("ada@example.com").await;
        let management = server.management();
        let (acme, globex, other) =
            (management.organization("Acme").await, management.organization("Globex").await, management.organization("Other").await);
        server.member(user, &acme).await;
        let at_globex = server.member(user, &globex).await;
        let device = ask(&server).await;
        let mut browser = Browser::new(&server);
        let page = to_confirmation(&server, &mut browser, &device).await;
        let page = browser.submit(&page, "/device/confirm", &[("decision", "allow")]).await;
        assert!(page.html.contains("Acme") && page.html.contains("Globex"));
        let page = browser.submit(&page, "/device/consent", &[("organization_id", &other)]).await;
        assert!(page.html.contains("Globex"), "not theirs: asked again");
        browser.submit(&page, "/device/consent", &[("organization_id", &globex)]).await;
        let answer = poll(&server, &device).await.expect(200).json();
        assert_eq!(answer["organization_id"], json!(globex));

        let device = ask(&server).await;
        let page = to_confirmation(&server, &mut browser, &device).await;
        let page = browser.submit(&page, "/device/confirm", &[("decision", "allow")]).await;
        browser.submit(&page, "/device/consent", &[("organization_id", &globex)]).await;
        server.expel(&at_globex).await;
        assert_eq!(poll(&server, &device).await.expect(400).text_at("error"), "invalid_grant", "left meanwhile");
    }

    async fn who_says_no_or_signs_out_gives_nothing(server: TestServer) {
        server.person("ada@example.com").await;
        let mut browser = Browser::new(&server);
        let denied = ask(&server).await;
        let page = to_confirmation(&server, &mut browser, &denied).await;
        browser.submit(&page, "/device/confirm", &[("decision", "deny")]).await;
        assert_eq!(poll(&server, &denied).await.expect(400).text_at("error"), "access_denied");
        let approved = ask(&server).await;
        let page = to_confirmation(&server, &mut browser, &approved).await;
        browser.submit(&page, "/device/confirm", &[("decision", "allow")]).await;
        let page = browser.open("/sign-out").await;
        browser.submit(&page, "/sign-out", &[("decision", "sign_out")]).await;
        assert_eq!(poll(&server, &approved).await.expect(400).text_at("error"), "invalid_grant", "the session in which it was agreed has ended");
        let late = ask(&server).await;
        server.clock.advance_seconds(301);
        assert_eq!(poll(&server, &late).await.expect(400).text_at("error"), "expired_token");
    }

    async fn of_many_polls_at_once_one_gets_the_session(server: TestServer) {
        server.person("ada@example.com").await;
        let device = ask(&server).await;
        let mut browser = Browser::new(&server);
        let page = to_confirmation(&server, &mut browser, &device).await;
        browser.submit(&page, "/device/confirm", &[("decision", "allow")]).await;
        let (a, b, c) = tokio::join!(poll(&server, &device), poll(&server, &device), poll(&server, &device));
        let mut statuses = [a.status, b.status, c.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 400, 400]);
    }

    async fn codes_belong_to_their_kind_of_client(server: TestServer) {
        let application = server.application("cli", true, &[]).await;
        let stranger = server.anonymous();
        for body in [json!({}), json!({"client_id": "client_x"}), json!({"client_id": application.client_id})] {
            let refused = stranger.post("/user_management/authorize/device", body).await.expect(400);
            assert_eq!(refused.text_at("error"), "invalid_client");
        }
        let form = [("client_id", server.client_id.as_str())];
        let own = stranger.form("/user_management/authorize/device", &form).await.expect(200).json();
        let form = [("grant_type", GRANT), ("client_id", &application.client_id), ("device_code", own["device_code"].as_str().unwrap())];
        assert_eq!(stranger.form("/oauth2/token", &form).await.expect(400).text_at("error"), "invalid_grant");
        let form = [("client_id", application.client_id.as_str())];
        let theirs = stranger.form("/oauth2/device_authorization", &form).await.expect(200).json();
        assert_eq!(poll(&server, &theirs).await.expect(400).text_at("error"), "invalid_grant");
    }
}
