//! Signing out from an application (OpenID Connect RP-Initiated Logout 1.0).

use crate::harness::{Browser, TestServer, on_both_databases};

on_both_databases! {
    async fn an_application_signs_out_who_it_signed_in(server: TestServer) {
        let application = server.application("forum", false, &[]).await;
        server.person("ada@example.com").await;
        server.person("grace@example.com").await;
        let mut browser = Browser::new(&server);
        let page = browser.open(&application.authorize("&scope=openid")).await;
        let page = server.sign_in(&mut browser, &page, "ada@example.com").await;
        let tokens = server.redeem(&application, &page.sent("code").unwrap()).await.expect(200);
        let logout = |more: &str| format!("/oauth2/logout?id_token_hint={}{more}", tokens.text_at("id_token"));

        let evil = browser.open(&logout("&post_logout_redirect_uri=https://evil.example/")).await;
        assert!(evil.left_to.is_none() && evil.status == 400, "threat 31: only to places the application has registered");
        let tricky = browser.open(&logout("&post_logout_redirect_uri=https://forum.example/elsewhere")).await;
        assert!(tricky.left_to.is_none());
        assert_eq!(browser.open("/account").await.path, "/account", "still signed in");
        let page = browser.open(&logout("&post_logout_redirect_uri=https://forum.example/cb&state=a+b")).await;
        assert_eq!(page.left_to.as_deref(), Some("https://forum.example/cb?state=a+b"));
        assert!(browser.open("/account").await.path.starts_with("/sign-in"));

        // Without an `id_token_hint`, or with another user's, the user is asked.
        let page = browser.open("/sign-in").await;
        server.sign_in(&mut browser, &page, "grace@example.com").await;
        for asked in [logout(""), "/oauth2/logout".to_owned(), format!("/oauth2/logout?id_token_hint={}", tokens.text_at("access_token"))] {
            let page = browser.open(&asked).await;
            assert_eq!(page.path, "/sign-out", "{asked}");
        }
        assert_eq!(browser.open("/account").await.path, "/account");
    }

    async fn who_was_asked_first_goes_back_to_the_application_all_the_same(server: TestServer) {
        let application = server.application("forum", false, &[]).await;
        server.person("ada@example.com").await;
        let mut browser = Browser::new(&server);
        let page = browser.open("/sign-in").await;
        server.sign_in(&mut browser, &page, "ada@example.com").await;
        let asked = format!(
            "/oauth2/logout?client_id={}&post_logout_redirect_uri=https://forum.example/cb&state=a+b",
            application.client_id
        );

        let page = browser.open(&asked).await;
        assert!(page.status == 200 && page.path.starts_with("/sign-out?flow="), "{}", page.path);
        let stayed = browser.submit(&page, "/sign-out", &[("decision", "stay")]).await;
        assert_eq!((stayed.path.as_str(), stayed.left_to), ("/account", None));

        let left = browser.submit(&page, "/sign-out", &[("decision", "sign_out")]).await;
        assert_eq!(left.left_to.as_deref(), Some("https://forum.example/cb?state=a+b"));
        assert!(browser.open("/account").await.path.starts_with("/sign-in"), "and is signed out");
        // Returning to the question afterwards leads straight on.
        assert_eq!(browser.open(&asked).await.left_to.as_deref(), Some("https://forum.example/cb?state=a+b"));

        // A sign-out started in another browser redirects nowhere in this one, but still signs the user out.
        let page = browser.open("/sign-in").await;
        server.sign_in(&mut browser, &page, "ada@example.com").await;
        let asked_here = browser.open(&asked).await;
        assert!(asked_here.html.contains("return to"), "{}", asked_here.html);
        let mut other = Browser::new(&server);
        let page = other.open("/sign-in").await;
        server.sign_in(&mut other, &page, "ada@example.com").await;
        let page = other.open(&format!("/sign-out?flow={}", asked_here.form("/sign-out").fields["flow"])).await;
        let page = other.submit(&page, "/sign-out", &[("decision", "sign_out")]).await;
        assert_eq!((page.path.as_str(), page.left_to), ("/signed-out", None));
        // Nor does it redirect to a URI that the application has since removed.
        let withdrawn = serde_json::json!({"redirect_uris": [{"uri": "https://forum.example/new", "default": true}]});
        server.management().put(&format!("/connect/applications/{}", application.client_id), withdrawn).await.expect(200);
        server.app.catch_up().await;
        let page = browser.submit(&asked_here, "/sign-out", &[("decision", "sign_out")]).await;
        assert_eq!((page.path.as_str(), page.left_to), ("/signed-out", None));
    }
}
