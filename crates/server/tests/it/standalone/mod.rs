//! Standalone Connect: the company keeps its own login, and this server handles the applications.

mod choices;
mod completion;
mod floods;
mod settings;
mod strangers;
mod subject;

use crate::harness::{Answer, Application, Browser, Page, TestServer, on_both_databases};
use countersign_protocol::id::UserId;
use serde_json::{Value, json};

/// The company's login URI, whose query is preserved.
const LOGIN: &str = "https://product.example/login?tenant=a";

/// Makes users sign in at the company's login from now on.
async fn standalone(server: &TestServer) {
    server.declare(&format!("[environment.standalone]\nlogin_uri = \"{LOGIN}\"")).await.done();
}

/// The company's data about a user.
fn somebody(id: &str) -> Value {
    json!({"id": id, "email": format!("{id}@example.com"), "first_name": "Ada", "last_name": "Lovelace"})
}

/// Returns the identifier with which a browser was redirected to the company's login.
#[track_caller]
fn sent_away(page: &Page) -> String {
    sent_to(page, LOGIN)
}

/// Like [`sent_away`], for another login URI with a query.
#[track_caller]
fn sent_to(page: &Page, login_uri: &str) -> String {
    let left_to =
        page.left_to.as_ref().unwrap_or_else(|| panic!("still here: {} {}\n{}", page.status, page.path, page.html));
    let id = left_to.strip_prefix(login_uri).and_then(|rest| rest.strip_prefix("&external_auth_id="));
    let id = id.unwrap_or_else(|| panic!("elsewhere: {left_to}")).to_owned();
    crate::harness::assert_id(&json!(id), "ext_auth");
    id
}

/// Reports from the company's back end who has signed in.
async fn complete(server: &TestServer, id: &str, user: Value) -> Answer {
    complete_with(server, id, user, Value::Null).await
}

/// Like [`complete`], with consent options.
async fn complete_with(server: &TestServer, id: &str, user: Value, options: Value) -> Answer {
    let mut body = json!({"external_auth_id": id, "user": user});
    if !options.is_null() {
        body["user_consent_options"] = options;
    }
    server.management().post("/authkit/oauth2/complete", body).await
}

/// Returns the URL to redirect the browser back to, as a path of the server.
#[track_caller]
fn way_back(server: &TestServer, answer: Answer) -> String {
    let answer = answer.expect(200);
    crate::harness::assert_keys(&answer.expect_json(), &["redirect_uri"]);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let redirect_uri = answer.text_at("redirect_uri");
    let path = redirect_uri.strip_prefix(&server.base_url).unwrap_or_else(|| panic!("elsewhere: {redirect_uri}"));
    assert!(path.starts_with("/oauth2/authorize/complete?"), "{path}");
    path.to_owned()
}

/// Signs a user in at the company's login, after the browser was redirected there.
async fn sign_in(server: &TestServer, browser: &mut Browser, page: &Page, user: Value) -> Page {
    let answer = complete(server, &sent_away(page), user).await;
    browser.open(&way_back(server, answer)).await
}

/// Redeems the code for tokens.
async fn tokens(server: &TestServer, application: &Application, page: &Page) -> Value {
    server.redeem(application, &page.sent("code").unwrap()).await.expect(200).json()
}

fn claims(tokens: &Value) -> Value {
    crate::hosted::authorization_code::claims(tokens["access_token"].as_str().unwrap())
}

async fn user_id(server: &TestServer, external_id: &str) -> UserId {
    let found = server.management().get(&format!("/user_management/users/external_id/{external_id}")).await.expect(200);
    found.text_at("id").parse().unwrap()
}

on_both_databases! {
    async fn a_person_signs_in_at_the_companys_own_login(server: TestServer) {
        standalone(&server).await;
        let application = server.application("forum", false, &[]).await;
        let mut browser = Browser::new(&server);
        let page = browser.open(&application.authorize("&scope=openid+email&screen_hint=sign-up")).await;
        assert!(!browser.has_cookie("cs_session"));
        let page = sign_in(&server, &mut browser, &page, somebody("p-1")).await;
        assert_eq!(page.sent("state").as_deref(), Some("s-1"));
        assert!(browser.has_cookie("cs_session"));
        let issued = tokens(&server, &application, &page).await;
        assert_eq!(claims(&issued)["sub"], "p-1");
        let user = user_id(&server, "p-1").await;
        let known = server.management().get(&format!("/user_management/users/{user}")).await.expect(200).json();
        assert_eq!((&known["email"], &known["email_verified"]), (&json!("p-1@example.com"), &json!(true)));
        assert!(known["last_sign_in_at"].is_string());
        let created = server.events("user.created").await;
        assert_eq!((created.len(), &created[0]["external_id"]), (1, &json!("p-1")));
        let sessions = server.management().get(&format!("/user_management/users/{user}/sessions")).await.expect_list();
        assert_eq!((sessions.len(), &sessions[0]["auth_method"]), (1, &json!("external_auth")));

        let again = browser.open(&application.authorize("&scope=openid")).await;
        assert!(again.sent("code").is_some(), "the session is used again");
        let other = server.application("docs", false, &[]).await;
        assert!(browser.open(&other.authorize("")).await.sent("code").is_some(), "for every application");
        // The company is trusted for addresses, whatever it changes through the API.
        server.management().put(&format!("/user_management/users/{user}"), json!({"email": "p-2@example.com"})).await.expect(200);
        assert!(browser.open(&other.authorize("")).await.sent("code").is_some());
        let nobody = Browser::new(&server).open(&application.authorize("&prompt=none")).await;
        assert_eq!(nobody.sent("error").as_deref(), Some("login_required"));
    }

    async fn a_fresh_sign_in_is_one_at_the_companys_login(server: TestServer) {
        standalone(&server).await;
        let application = server.application("forum", false, &[]).await;
        let mut browser = Browser::new(&server);
        let page = browser.open(&application.authorize("&scope=openid")).await;
        sign_in(&server, &mut browser, &page, somebody("p-1")).await;
        for asked in ["&scope=openid&prompt=login", "&scope=openid&max_age=0"] {
            server.clock.advance_seconds(5);
            let page = browser.open(&application.authorize(asked)).await;
            let page = sign_in(&server, &mut browser, &page, somebody("p-1")).await;
            assert!(page.sent("code").is_some(), "{asked}: once, and not in circles");
        }
        let page = browser.open(&application.authorize("&scope=openid&prompt=select_account")).await;
        assert!(page.html.contains("p-1@example.com"), "{}", page.html);
        let same = browser.submit(&page, "/select-account", &[("decision", "continue")]).await;
        assert!(same.sent("code").is_some());
        let page = browser.open(&application.authorize("&scope=openid&prompt=select_account")).await;
        let page = browser.submit(&page, "/select-account", &[("decision", "other")]).await;
        assert!(!browser.has_cookie("cs_session"));
        let page = sign_in(&server, &mut browser, &page, somebody("p-2")).await;
        assert_eq!(claims(&tokens(&server, &application, &page).await)["sub"], "p-2");
    }

    async fn tabs_go_on_one_after_the_other(server: TestServer) {
        standalone(&server).await;
        let application = server.application("forum", false, &[]).await;
        let mut browser = Browser::new(&server);
        let first = browser.open(&application.authorize("&scope=openid&nonce=first")).await;
        let second = browser.open(&application.authorize("&scope=openid&nonce=second")).await;
        assert_ne!(sent_away(&first), sent_away(&second));
        for (page, nonce) in [(&second, "second"), (&first, "first")] {
            let page = sign_in(&server, &mut browser, page, somebody("p-1")).await;
            let issued = tokens(&server, &application, &page).await;
            let told = crate::hosted::authorization_code::claims(issued["id_token"].as_str().unwrap());
            assert_eq!((&told["nonce"], &told["sub"]), (&json!(nonce), &json!("p-1")));
        }
        assert_eq!(server.events("user.created").await.len(), 1);
    }

    async fn our_own_sign_in_pages_are_no_way_around(server: TestServer) {
        let application = server.application("forum", false, &[]).await;
        server.person("mallory@example.com").await;
        let mut browser = Browser::new(&server);
        // A flow from before the login URI took effect, in the middle of a sign-in.
        let begun = browser.open(&application.authorize("&scope=openid")).await;
        let flow = begun.form("/sign-in").fields["flow"].clone();
        let password = browser.submit(&begun, "/sign-in", &[("email", "mallory@example.com")]).await;
        standalone(&server).await;
        for page in ["/sign-in", "/sign-up", "/sign-in/password", "/sign-in/code", "/forgot-password"] {
            sent_away(&browser.open(&format!("{page}?flow={flow}")).await);
        }
        sent_away(&browser.submit(&begun, "/sign-in", &[("email", "mallory@example.com")]).await);
        sent_away(&browser.submit(&password, "/sign-in/password", &[("password", crate::harness::PASSWORD)]).await);
        assert!(!browser.has_cookie("cs_session"));

        // A sign-in for the account page, or for the environment's own application, does not count for other
        // applications.
        let page = browser.open("/sign-in").await;
        let page = server.sign_in(&mut browser, &page, "mallory@example.com").await;
        assert_eq!((page.status, page.path.as_str()), (200, "/account"));
        let page = browser.open(&application.authorize("&scope=openid")).await;
        sent_away(&page);
        let none = browser.open(&application.authorize("&scope=openid&prompt=none")).await;
        assert_eq!(none.sent("error").as_deref(), Some("login_required"));
        // The browser is then signed in as the user of the company's login.
        let page = sign_in(&server, &mut browser, &page, somebody("p-1")).await;
        assert_eq!(claims(&tokens(&server, &application, &page).await)["sub"], "p-1");
        assert!(browser.open("/account").await.html.contains("p-1@example.com"));
    }

    async fn the_companys_own_application_signs_people_in_here(server: TestServer) {
        standalone(&server).await;
        server.person("ada@example.com").await;
        let mut browser = Browser::new(&server);
        let made = server.management().post("/user_management/redirect_uris", json!({"uri": "http://localhost:1/cb"})).await;
        made.expect(201);
        let own = format!(
            "/user_management/authorize?client_id={}&redirect_uri=http://localhost:1/cb&response_type=code&provider=authkit",
            server.client_id
        );
        let page = browser.open(&own).await;
        assert!(page.path.starts_with("/sign-in?"), "{}", page.path);
        assert!(server.sign_in(&mut browser, &page, "ada@example.com").await.sent("code").is_some());
        // A user who signed in at the company's login is signed in here as well, with a distinct authentication method.
        let mut browser = Browser::new(&server);
        let page = browser.open(&server.application("forum", false, &[]).await.authorize("")).await;
        sign_in(&server, &mut browser, &page, somebody("p-1")).await;
        let page = browser.open(&own).await;
        let fields = [("code", page.sent("code").unwrap())];
        let answer = server.authenticate("authorization_code", &fields.each_ref().map(|(name, value)| (*name, value.as_str()))).await;
        assert_eq!(answer.expect(200).text_at("authentication_method"), "ExternalAuth");
    }

    async fn a_device_is_connected_after_a_sign_in_at_the_companys_login(server: TestServer) {
        standalone(&server).await;
        let application = server.application("cli", true, &[]).await;
        let ask = [("client_id", application.client_id.as_str()), ("scope", "openid email offline_access")];
        let device = server.anonymous().form("/oauth2/device_authorization", &ask).await.expect(200).json();
        let mut browser = Browser::new(&server);
        let page = browser.open("/device").await;
        let page = browser.submit(&page, "/device", &[("user_code", device["user_code"].as_str().unwrap())]).await;
        let page = sign_in(&server, &mut browser, &page, somebody("p-1")).await;
        assert!(page.html.contains(device["user_code"].as_str().unwrap()), "{}", page.html);
        browser.submit(&page, "/device/confirm", &[("decision", "allow")]).await;
        let poll = [
            ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
            ("device_code", device["device_code"].as_str().unwrap()),
            ("client_id", &application.client_id),
        ];
        let issued = server.anonymous().form("/oauth2/token", &poll).await.expect(200).json();
        assert_eq!(claims(&issued)["sub"], "p-1");
        let refreshed = server.refresh(&application, issued["refresh_token"].as_str().unwrap()).await.expect(200).json();
        assert_eq!(claims(&refreshed)["sub"], "p-1");
    }

    async fn a_sign_in_begun_on_one_node_is_completed_on_another(server: TestServer) {
        standalone(&server).await;
        let application = server.application("third", false, &[]).await;
        let other = server.another_node().await;
        let mut browser = Browser::new(&server);
        let page = browser.open(&application.authorize("&scope=openid")).await;
        let answer = complete(&other, &sent_away(&page), somebody("p-1")).await;
        let back = way_back(&server, answer);
        browser.move_to(&other);
        let page = browser.open(&back).await;
        browser.move_to(&server);
        let page = browser.submit(&page, "/consent", &[("decision", "allow")]).await;
        let issued = tokens(&other, &application, &page).await;
        assert_eq!(claims(&issued)["sub"], "p-1");
    }

    async fn a_program_on_the_persons_own_device_is_come_back_to(server: TestServer) {
        standalone(&server).await;
        let mut application = server.application("third", true, &[]).await;
        application.redirect_uri = "com.example.app:/cb".to_owned();
        let uris = json!({"redirect_uris": [{"uri": application.redirect_uri, "default": true}]});
        server.management().put(&format!("/connect/applications/{}", application.client_id), uris).await.expect(200);
        let mut browser = Browser::new(&server);
        let page = browser.open(&application.authorize("&scope=openid")).await;
        let page = sign_in(&server, &mut browser, &page, somebody("p-1")).await;
        assert!(page.policy.contains("form-action 'self' com.example.app:;"), "{}", page.policy);
        let done = browser.submit(&page, "/consent", &[("decision", "allow")]).await;
        assert!(done.sent("code").is_some());
        // A form's response that leads to the login is not a redirect, because its page's policy names only the
        // application.
        let page = browser.open(&application.authorize("&scope=openid&prompt=select_account")).await;
        let away = browser.submit(&page, "/select-account", &[("decision", "other")]).await;
        sent_away(&away);
        assert!(away.html.contains("http-equiv=\"refresh\""), "{}", away.html);
    }

    async fn threat_18_a_login_elsewhere_shows_no_second_factor_where_people_sign_in_here(server: TestServer) {
        let elsewhere = server.application("forum", false, &[]).await;
        let here = server.application("docs", false, &[]).await;
        server.register(crate::harness::REDIRECT_URI).await;
        let shown = server.management().get(&format!("/connect/applications/{}", elsewhere.client_id)).await.expect(200);
        let declared = format!(
            "[[environment.application]]\nclient_id = \"{}\"\nname = \"{}\"\napplication_type = \"oauth\"\nlogin_uri = \"{LOGIN}\"",
            elsewhere.client_id,
            shown.text_at("name"),
        );
        assert_eq!(server.declare(&declared).await.done().code, 0);
        let mut browser = Browser::new(&server);
        let page = browser.open(&elsewhere.authorize("")).await;
        assert!(sign_in(&server, &mut browser, &page, somebody("p-1")).await.sent("code").is_some());
        let ways_in = [here.authorize(""), server.ask_with_challenge("")];
        for way_in in &ways_in {
            assert!(browser.open(way_in).await.sent("code").is_some(), "who has none signs in anywhere");
        }
        // With only the company's password, nobody can enroll a factor for the user.
        let page = browser.open("/account/second-factor").await;
        assert!(page.asks_to_sign_in() || page.path.starts_with("/sign-in"), "{}", page.path);
        let user = user_id(&server, "p-1").await;
        let new = json!({"type": "totp", "totp_secret": "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"});
        server.management().post(&format!("/user_management/users/{user}/auth_factors"), new).await.expect(201);
        for way_in in &ways_in {
            let page = browser.open(way_in).await;
            assert!(page.left_to.is_none() && page.asks_to_sign_in(), "{} {:?}", page.path, page.left_to);
        }
        assert!(browser.open("/portal").await.path.starts_with("/sign-in"));
        assert!(browser.open(&elsewhere.authorize("")).await.sent("code").is_some(), "there they ask for it, or not");
    }
}
