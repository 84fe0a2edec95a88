//! The company's product: its own pages instead of hosted ones, and the emails that it sends itself.

use crate::harness::{Browser, PASSWORD, REDIRECT_URI, TestServer, on_both_databases};
use crate::hosted::authorization_code::claims;
use serde_json::json;

const PAGES: &str = r#"
[environment.pages]
sign_in = "https://app.example.com/login?from=mail"
home = "https://app.example.com/home"
"#;

/// Returns a parameter of a URL.
fn parameter(address: &str, name: &str) -> Option<String> {
    let url = url::Url::parse(address).unwrap();
    url.query_pairs().find(|(known, _)| known == name).map(|(_, value)| value.into_owned())
}

on_both_databases! {
    async fn whoever_was_sent_by_nobody_begins_at_the_product(server: TestServer) {
        server.declare(PAGES).await.done();
        server.person("ada@example.com").await;
        let mut browser = Browser::new(&server);
        for path in ["/sign-in", "/sign-up", "/sign-in/password", "/sign-in?lang=de"] {
            let page = browser.open(path).await;
            assert_eq!(page.left_to.as_deref(), Some("https://app.example.com/login?from=mail"), "{path}");
        }
        // The product sends an authorization request of its own, and a user who opens the account page signs in here.
        server.register(REDIRECT_URI).await;
        assert!(browser.open(&server.ask("")).await.asks_to_sign_in());
        let page = browser.open("/account").await;
        let page = server.sign_in(&mut browser, &page, "ada@example.com").await;
        assert_eq!(page.path, "/account");
        // After signing out, the user starts there again.
        let page = browser.submit(&page, "/account/sign-out-everywhere", &[]).await;
        assert_eq!(page.path, "/signed-out");
        let page = browser.open(&page.link_to("/sign-in")).await;
        assert_eq!(page.left_to.as_deref(), Some("https://app.example.com/login?from=mail"));
        // Another environment is a different product.
        let other = server.another_environment().await;
        other.management.get("/user_management/users").await.expect(200);
        let answer = server.anonymous().with_host(&other.authority).get("/sign-in").await;
        assert_eq!(answer.expect(200).header("location"), None);
    }

    async fn an_invitation_is_followed_from_the_product(server: TestServer) {
        server.declare(PAGES).await.done();
        server.register(REDIRECT_URI).await;
        let management = server.management();
        let acme = management.organization("Acme").await;
        let invite = json!({"email": "grace@example.com", "organization_id": acme});
        let invited = management.post("/user_management/invitations", invite).await.expect(201).json();
        let link = invited["accept_invitation_url"].as_str().unwrap();
        let path = link.strip_prefix(&server.base_url).expect("a page of ours, which leads on");
        let mut browser = Browser::new(&server);
        let away = browser.open(path).await.left_to.unwrap();
        assert!(away.starts_with("https://app.example.com/login?from=mail&"), "{away}");
        assert_eq!(parameter(&away, "organization_id").as_deref(), Some(acme.as_str()));
        let token = parameter(&away, "invitation_token").unwrap();
        assert_eq!(json!(token), invited["token"]);
        let page = browser.open(&server.ask_with_challenge(&format!("&invitation_token={token}"))).await;
        let typed = [("email", "grace@example.com"), ("password", PASSWORD)];
        let page = browser.submit(&page, "/sign-up", &typed).await;
        let code = server.mailed_code("grace@example.com").await;
        let page = browser.submit(&page, "/sign-in/code", &[("code", &code)]).await;
        let tokens = server.hand_in(&page.sent("code").unwrap()).await.expect(200);
        assert_eq!(claims(&tokens.text_at("access_token"))["org_id"], json!(acme));
        let page = browser.open("/invite?invitation_token=nonsense").await;
        assert!(page.left_to.is_none() && page.status == 400, "a link that is not good leads nowhere");
    }

    async fn who_has_followed_an_invitation_here_goes_home(server: TestServer) {
        server.declare("[environment.pages]\nhome = \"https://app.example.com/home\"").await.done();
        let management = server.management();
        let acme = management.organization("Acme").await;
        server.person("ada@example.com").await;
        let invite = json!({"email": "ada@example.com", "organization_id": acme});
        let token = management.post("/user_management/invitations", invite).await.expect(201).text_at("token");
        let mut browser = Browser::new(&server);
        let page = browser.open(&format!("/invite?invitation_token={token}")).await;
        let page = browser.submit(&page, "/invite", &[]).await;
        let page = server.sign_in(&mut browser, &page, "ada@example.com").await;
        assert_eq!(page.left_to.as_deref(), Some("https://app.example.com/home"), "{}", page.html);
        // So does a sign-out without any other destination.
        let session = management.get("/user_management/users?email=ada@example.com").await.expect_list();
        let sessions = format!("/user_management/users/{}/sessions", session[0]["id"].as_str().unwrap());
        let session = management.get(&sessions).await.expect_list()[0]["id"].as_str().unwrap().to_owned();
        let page = browser.open(&format!("/user_management/sessions/logout?session_id={session}")).await;
        assert_eq!(page.left_to.as_deref(), Some("https://app.example.com/home"));
    }

    async fn links_lead_to_the_pages_of_the_product(server: TestServer) {
        server.declare("[environment.pages]\ninvitation = \"https://app.example.com/join\"\npassword_reset = \"https://app.example.com/new-password?v=2\"").await.done();
        server.person("ada@example.com").await;
        let management = server.management();
        let invited = management.post("/user_management/invitations", json!({"email": "grace@example.com"})).await.expect(201).json();
        let link = format!("https://app.example.com/join?invitation_token={}", invited["token"].as_str().unwrap());
        assert_eq!(invited["accept_invitation_url"], json!(link));
        assert!(server.mails("grace@example.com").await[0].text.contains(&link));
        let reset = management.post("/user_management/password_reset", json!({"email": "ada@example.com"})).await.expect(201).json();
        let link = format!("https://app.example.com/new-password?v=2&token={}", reset["password_reset_token"].as_str().unwrap());
        assert_eq!(reset["password_reset_url"], json!(link));
        assert!(server.mails("ada@example.com").await[0].text.contains(&link));
    }

    async fn what_the_product_sends_itself_is_not_sent_from_here(server: TestServer) {
        server.declare("[environment.mails]\ninvitation = false\nmagic_auth = false\nemail_verification = false\npassword_reset = false").await.done();
        server.person("ada@example.com").await;
        let management = server.management();
        let grace = management.user("grace@example.com").await;
        let post = async |path: &str, body| management.post(&format!("/user_management/{path}"), body).await;
        let invited = post("invitations", json!({"email": "new@example.com"})).await.expect(201).json();
        post(&format!("invitations/{}/resend", invited["id"].as_str().unwrap()), json!({})).await.expect(200);
        let code = post("magic_auth", json!({"email": "ada@example.com"})).await.expect(201).text_at("code");
        post("password_reset", json!({"email": "ada@example.com"})).await.expect(201);
        post(&format!("users/{grace}/email_verification/send"), json!({})).await.expect(200);
        server.redeem_magic_code("ada@example.com", &code).await.unwrap();

        // Nor are codes requested on a page sent, which the product learns of from events.
        let mut browser = Browser::new(&server);
        let page = browser.open("/sign-in").await;
        let page = browser.submit(&page, "/sign-in", &[("email", "ada@example.com")]).await;
        let page = browser.submit(&page, "/sign-in/code/send", &[]).await;
        let asked = server.events("magic_auth.created").await.last().unwrap()["id"].as_str().unwrap().to_owned();
        let code = management.get(&format!("/user_management/magic_auth/{asked}")).await.expect(200).text_at("code");
        let page = browser.submit(&page, "/sign-in/code", &[("code", &code)]).await;
        assert_eq!(page.path, "/account", "{}", page.html);
        for address in ["ada@example.com", "grace@example.com", "new@example.com"] {
            assert!(server.mails(address).await.is_empty(), "{address}");
        }
        // A user who signs up has no account yet, and nobody else learns the code, so it is sent.
        let mut browser = Browser::new(&server);
        let page = browser.open("/sign-up").await;
        browser.submit(&page, "/sign-up", &[("email", "alan@example.com"), ("password", PASSWORD)]).await;
        assert_eq!(server.mails("alan@example.com").await.len(), 1);
    }

    async fn pages_that_nobody_can_be_sent_to_are_refused(server: TestServer) {
        for (line, why) in [
            ("sign_in = \"/login\"", "pages.sign_in must be an absolute URL"),
            ("home = \"http://app.example.com/\"", "pages.home must be https"),
            ("invitation = \"https://me:secret@app.example.com/\"", "pages.invitation must not contain a user name"),
            ("login = \"https://app.example.com/\"", "pages.login is no page"),
        ] {
            let declared = server.declare(&format!("[environment.pages]\n{line}")).await;
            assert!(declared.code != 0 && declared.err.contains(why), "{line}: {}", declared.err);
        }
        server.declare("[environment.pages]\nhome = \"http://localhost:3000/\"").await.done();
        server.declare("[environment.pages]\nhome = \"\"").await.done();
    }
}
