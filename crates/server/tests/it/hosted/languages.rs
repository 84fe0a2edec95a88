//! The language of pages and emails.

use crate::harness::{Browser, PASSWORD, TestServer, on_both_databases};
use serde_json::json;

on_both_databases! {
    async fn an_application_says_which_language_its_people_read(server: TestServer) {
        let application = server.application("forum", false, &[]).await;
        server.person("ada@example.com").await;
        let mut browser = Browser::new(&server);
        let page = browser.open(&application.authorize("&scope=openid&ui_locales=fr-CA%20de-AT%20en")).await;
        assert!(page.html.contains("<html lang=\"de\""), "{}", page.html);
        let page = browser.submit(&page, "/sign-in", &[("email", "ada@example.com")]).await;
        assert!(page.html.contains("<html lang=\"de\""), "it stays German: {}", page.html);

        // Another application can ask for a different language; neither is stored as the user's choice.
        let page = browser.open(&application.authorize("&scope=openid&ui_locales=en")).await;
        assert!(page.html.contains("<html lang=\"en\"") && !browser.has_cookie("cs_language"), "{}", page.html);

        // An application that does not ask for one gets the browser's language, from its first page on.
        browser.open(&application.authorize("&scope=openid&ui_locales=de")).await;
        let page = browser.open(&application.authorize("&scope=openid")).await;
        assert!(page.html.contains("<html lang=\"en\"") && !browser.has_cookie("cs_wished_language"), "{}", page.html);
        let page = browser.submit(&page, "/sign-in", &[("email", "ada@example.com")]).await;
        assert!(page.html.contains("<html lang=\"en\""), "{}", page.html);

        // The user's choice takes precedence, and unsupported languages are ignored.
        let mut browser = Browser::new(&server);
        browser.open("/sign-in?lang=en").await;
        let page = browser.open(&application.authorize("&scope=openid&ui_locales=de")).await;
        assert!(page.html.contains("<html lang=\"en\""), "{}", page.html);
        for nothing in ["", "fr", "%20", "-", "den%20xx_de"] {
            let mut browser = Browser::new(&server);
            let page = browser.open(&application.authorize(&format!("&scope=openid&ui_locales={nothing}"))).await;
            assert!(page.asks_to_sign_in() && page.html.contains("<html lang=\"en\""), "{nothing}");
            assert!(!browser.has_cookie("cs_wished_language"));
        }
        let discovered = server.anonymous().get("/.well-known/openid-configuration").await.json();
        assert_eq!(discovered["ui_locales_supported"], json!(["en", "de"]));
    }

    async fn who_signs_up_in_german_is_written_to_in_german(server: TestServer) {
        let mut browser = Browser::new(&server);
        let page = browser.open("/sign-up?lang=de").await;
        let typed = [("email", "grete@example.com"), ("first_name", "Grete"), ("password", PASSWORD)];
        let page = browser.submit(&page, "/sign-up", &typed).await;
        let code = server.mailed_code("grete@example.com").await;
        assert_eq!(browser.submit(&page, "/sign-in/code", &[("code", &code)]).await.path, "/account");
        let management = server.management();
        let made = management.get("/user_management/users?email=grete@example.com").await.expect(200).json();
        assert_eq!(made["data"][0]["locale"], "de");

        let newest = async || server.mails("grete@example.com").await.remove(0).subject;
        management.post("/user_management/password_reset", json!({"email": "grete@example.com"})).await.expect(201);
        assert!(newest().await.starts_with("Neues Passwort"), "{}", newest().await);
        let acme = management.organization("Acme").await;
        let invited = management
            .post("/user_management/invitations", json!({"email": "grete@example.com", "organization_id": acme}))
            .await
            .expect(201);
        assert_eq!(newest().await, "Einladung zu Acme");
        let again = format!("/user_management/invitations/{}/resend", invited.text_at("id"));
        management.post(&again, json!({"locale": "en"})).await.expect(200);
        assert_eq!(newest().await, "Invitation to Acme");
        management.post(&again, json!({})).await.expect(200);
        assert_eq!(newest().await, "Einladung zu Acme");
    }

    async fn an_invitation_is_no_letter_of_whom_it_names(server: TestServer) {
        let management = server.management();
        let body = json!({"email": "mallory@example.com", "first_name": "Security: open https://evil.example/x\u{202e}"});
        let mallory = management.post("/user_management/users", body).await.expect(201).text_at("id");
        let body = json!({"email": "ada@example.com", "inviter_user_id": mallory, "expires_in_days": 1});
        let invited = management.post("/user_management/invitations", body).await.expect(201).text_at("id");
        let mail = server.mails("ada@example.com").await.remove(0);
        for part in [&mail.text, &mail.html] {
            assert!(!part.contains("evil.example") && !part.contains('\u{202e}') && part.contains("Security"), "{part}");
        }
        assert!(mail.text.contains("valid for a day"), "{}", mail.text);
        // An invitation that is resent later states only the time that is left.
        server.clock.advance_seconds(7200);
        management.post(&format!("/user_management/invitations/{invited}/resend"), json!({})).await.expect(200);
        let mail = server.mails("ada@example.com").await.remove(0);
        assert!(mail.text.contains("valid until") && !mail.text.contains("for a day"), "{}", mail.text);
    }
}
