//! The records behind a code are deleted while the code is being redeemed: the client gets an error, and the server
//! does not fail.

use crate::harness::{Answer, Application, Browser, PASSWORD, TestServer, on_both_databases};
use serde_json::{Value, json};

const ROUNDS: usize = 12;

async fn code(server: &TestServer, application: &Application, email: &str) -> String {
    let mut browser = Browser::new(server);
    let page = browser.open(&application.authorize("&scope=openid+offline_access")).await;
    let page = browser.submit(&page, "/sign-in", &[("email", email)]).await;
    let page = browser.submit(&page, "/sign-in/password", &[("password", PASSWORD)]).await;
    let page = browser.submit(&page, "/consent", &[("decision", "allow")]).await;
    page.sent("code").unwrap()
}

/// Either nothing was issued, or what was issued has been revoked.
async fn is_worth_nothing(server: &TestServer, application: &Application, answer: Answer) {
    let refused = match answer.status {
        200 => server.refresh(application, &answer.text_at("refresh_token")).await,
        _ => answer,
    };
    assert_eq!(refused.expect(400).text_at("error"), "invalid_grant");
}

on_both_databases! {
    async fn a_consent_or_a_person_that_goes_at_that_moment_is_an_invalid_grant(server: TestServer) {
        let management = server.management();
        let application = server.application("third", true, &[]).await;
        for round in 0..ROUNDS {
            let email = format!("ada-{round}@example.com");
            let user = server.person(&email).await;
            let code = code(&server, &application, &email).await;
            let listed = management.get(&format!("/user_management/users/{user}/authorized_applications")).await.expect(200).json();
            let application_id = listed["data"][0]["application"]["id"].as_str().unwrap().to_owned();
            let path = if round % 2 == 0 {
                format!("/user_management/users/{user}/authorized_applications/{application_id}")
            } else {
                format!("/user_management/users/{user}")
            };
            let (answer, gone) = tokio::join!(server.redeem(&application, &code), management.delete(&path));
            assert!(gone.status < 300, "{}", gone.text);
            is_worth_nothing(&server, &application, answer).await;
        }
    }

    async fn threat_18_what_is_redeemed_while_the_password_changes_is_worth_nothing(server: TestServer) {
        let management = server.management();
        let application = server.application("third", true, &[]).await;
        for round in 0..ROUNDS {
            let email = format!("ada-{round}@example.com");
            let user = server.person(&email).await;
            let code = code(&server, &application, &email).await;
            // The hash of another password, which takes no time to write.
            let other = json!({"password_hash": "{SSHA256}S5Jl/kE9uQ2Gy4j9saEdQS5qbeFtk0FpPB6hdNwvPiIHBwcHBwcHBwcHBwcHBwcH", "password_hash_type": "ssha256"});
            let path = format!("/user_management/users/{user}");
            let (answer, changed) = tokio::join!(server.redeem(&application, &code), management.put(&path, other));
            changed.expect(200);
            is_worth_nothing(&server, &application, answer).await;
        }
    }

    async fn an_application_that_another_node_has_deleted_is_missing_and_nothing_of_ours_fails(server: TestServer) {
        server.person("ada@example.com").await;
        let (management, other) = (server.management(), server.another_node().await);
        let delete = async |application: &Application| {
            management.delete(&format!("/connect/applications/{}", application.client_id)).await.expect(204);
        };
        let mut browser = Browser::new(&other);
        let application = server.application("third", true, &[]).await;
        let page = browser.open(&application.authorize("&scope=openid")).await;
        let page = other.sign_in(&mut browser, &page, "ada@example.com").await;
        page.form("/consent");
        delete(&application).await;
        let page = browser.submit(&page, "/consent", &[("decision", "allow")]).await;
        assert!(page.status == 400 && page.html.contains("The application made a mistake"), "{} {}", page.status, page.html);

        let application = server.application("cli", true, &[]).await;
        let form = [("client_id", application.client_id.as_str())];
        let ask = async || other.anonymous().form("/oauth2/device_authorization", &form).await;
        ask().await.expect(200);
        delete(&application).await;
        assert_eq!(ask().await.expect(401).text_at("error"), "invalid_client");

        server.declare("[environment.standalone]\nlogin_uri = \"https://product.example/login\"").await.done();
        other.app.catch_up().await;
        let application = server.application("forum", false, &[]).await;
        let path = application.authorize("&scope=openid");
        assert!(Browser::new(&other).open(&path).await.left_to.is_some());
        delete(&application).await;
        let page = Browser::new(&other).open(&path).await;
        assert!(page.status < 500 && page.html.contains("The application made a mistake"), "{} {}", page.status, page.html);
    }

    async fn an_application_that_goes_at_that_moment_is_told_so(server: TestServer) {
        server.person("ada@example.com").await;
        let management = server.management();
        for _ in 0..ROUNDS / 2 {
            let application = server.application("third", true, &[]).await;
            let code = code(&server, &application, "ada@example.com").await;
            let path = format!("/connect/applications/{}", application.client_id);
            let (answer, gone) = tokio::join!(server.redeem(&application, &code), management.delete(&path));
            gone.expect(204);
            let told: Value = answer.json();
            match answer.status {
                200 => {}
                401 => assert_eq!(told["error"], "invalid_client"),
                _ => assert_eq!((answer.status, &told["error"]), (400, &Value::from("invalid_grant"))),
            }
        }
    }
}
