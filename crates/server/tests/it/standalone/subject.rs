//! The subject of tokens: the company's own identifier, everywhere and for as long as the grant lasts, and nobody
//! else's.

use super::{LOGIN, claims, complete, sent_away, sign_in, somebody, standalone, tokens, user_id};
use crate::harness::{Application, Browser, Receiver, TestServer, on_both_databases};
use serde_json::{Value, json};

const ASKED: &str = "&scope=openid+email+profile+offline_access";

fn id_token(tokens: &Value) -> Value {
    crate::hosted::authorization_code::claims(tokens["id_token"].as_str().unwrap())
}

async fn userinfo(server: &TestServer, tokens: &Value) -> Value {
    let client = server.anonymous().with_key(tokens["access_token"].as_str().unwrap());
    client.get("/oauth2/userinfo").await.expect(200).json()
}

/// Signs a user in to an application with a new browser.
async fn arrive(server: &TestServer, application: &Application, user: Value) -> (Browser, Value) {
    let mut browser = Browser::new(server);
    let page = browser.open(&application.authorize(ASKED)).await;
    let page = sign_in(server, &mut browser, &page, user).await;
    let issued = tokens(server, application, &page).await;
    (browser, issued)
}

/// Returns the subjects given for a grant, in all places.
async fn subjects(server: &TestServer, application: &Application, tokens: &Value) -> Vec<Value> {
    let introspector = server.introspector().await;
    let mut subjects = vec![claims(tokens)["sub"].clone(), id_token(tokens)["sub"].clone()];
    subjects.push(userinfo(server, tokens).await["sub"].clone());
    for token in ["access_token", "refresh_token"] {
        subjects.push(server.introspected(&introspector, tokens[token].as_str().unwrap()).await["sub"].clone());
    }
    let refreshed = server.refresh(application, tokens["refresh_token"].as_str().unwrap()).await.expect(200).json();
    subjects.extend([claims(&refreshed)["sub"].clone(), id_token(&refreshed)["sub"].clone()]);
    subjects
}

on_both_databases! {
    async fn the_subject_is_the_companys_own_identifier_everywhere(server: TestServer) {
        standalone(&server).await;
        let application = server.application("forum", false, &[]).await;
        let (_, issued) = arrive(&server, &application, somebody("p-1")).await;
        assert_eq!(userinfo(&server, &issued).await["email"], "p-1@example.com");
        assert_eq!(subjects(&server, &application, &issued).await, vec![json!("p-1"); 7]);
    }

    async fn the_subject_may_be_ours(server: TestServer) {
        standalone(&server).await;
        server.declare("[environment.standalone]\nsubject = \"user_id\"").await.done();
        let application = server.application("forum", false, &[]).await;
        let (_, issued) = arrive(&server, &application, somebody("p-1")).await;
        let user = user_id(&server, "p-1").await.to_string();
        assert_eq!(subjects(&server, &application, &issued).await, vec![json!(user); 7]);
    }

    async fn a_grant_keeps_its_subject(server: TestServer) {
        standalone(&server).await;
        let application = server.application("forum", false, &[]).await;
        let (mut browser, issued) = arrive(&server, &application, somebody("p-1")).await;
        let user = user_id(&server, "p-1").await;
        // A changed setting and a changed identifier both apply to new authorizations only.
        server.declare("[environment.standalone]\nsubject = \"user_id\"").await.done();
        let renamed = json!({"external_id": "p-2"});
        server.management().put(&format!("/user_management/users/{user}"), renamed).await.expect(200);
        let refreshed = server.refresh(&application, issued["refresh_token"].as_str().unwrap()).await.expect(200).json();
        assert_eq!((claims(&refreshed)["sub"].clone(), id_token(&refreshed)["sub"].clone()), (json!("p-1"), json!("p-1")));
        assert_eq!(userinfo(&server, &refreshed).await["sub"], "p-1");
        let page = browser.open(&application.authorize("&scope=openid")).await;
        assert_eq!(claims(&tokens(&server, &application, &page).await)["sub"], json!(user));
        server.declare("[environment.standalone]\nsubject = \"external_id\"").await.done();
        let page = browser.open(&application.authorize("&scope=openid")).await;
        assert_eq!(claims(&tokens(&server, &application, &page).await)["sub"], "p-2");
        // Without an external ID there is no subject: the company is asked again.
        let cleared = json!({"external_id": null});
        server.management().put(&format!("/user_management/users/{user}"), cleared).await.expect(200);
        sent_away(&browser.open(&application.authorize("&scope=openid")).await);
    }

    async fn threat_33_an_identifier_of_the_company_is_never_taken_for_one_of_ours(server: TestServer) {
        let victim = server.person("victim@example.com").await.to_string();
        standalone(&server).await;
        let application = server.application("forum", false, &[]).await;
        let as_user = |id: &str| json!({"id": id, "email": "mallory@example.com"});
        for another in [victim.as_str(), application.client_id.as_str(), server.client_id.as_str()] {
            let page = Browser::new(&server).open(&application.authorize(ASKED)).await;
            complete(&server, &sent_away(&page), as_user(another)).await.expect_invalid(&[("user.id", "invalid")]);
        }
        // An identifier in our own format that belongs to nobody here, as after a migration from another installation,
        // is an opaque string: the user is not looked up by it.
        let (mut browser, issued) = arrive(&server, &application, as_user("user_01JZ8Z5V3M6Q7R8S9TABCDEFGH")).await;
        assert_eq!(claims(&issued)["sub"], "user_01JZ8Z5V3M6Q7R8S9TABCDEFGH");
        assert_eq!(userinfo(&server, &issued).await["email"], "mallory@example.com");

        // Nor is it used as a subject if it is assigned later through the API.
        let mallory = user_id(&server, "user_01JZ8Z5V3M6Q7R8S9TABCDEFGH").await;
        let renamed = json!({"external_id": victim});
        server.management().put(&format!("/user_management/users/{mallory}"), renamed).await.expect(200);
        sent_away(&browser.open(&application.authorize(ASKED)).await);
        assert_eq!(userinfo(&server, &issued).await["email"], "mallory@example.com");
        let page = Browser::new(&server).open(&application.authorize(ASKED)).await;
        complete(&server, &sent_away(&page), as_user(&victim)).await.expect_invalid(&[("user.id", "invalid")]);
    }

    async fn an_id_token_names_the_person_it_is_about(server: TestServer) {
        standalone(&server).await;
        let application = server.application("forum", false, &[]).await;
        let (mut browser, issued) = arrive(&server, &application, somebody("p-1")).await;
        let (_, others) = arrive(&server, &application, somebody("p-2")).await;
        let hinted = |tokens: &Value| {
            application.authorize(&format!("&scope=openid&prompt=none&id_token_hint={}", tokens["id_token"].as_str().unwrap()))
        };
        assert!(browser.open(&hinted(&issued)).await.sent("code").is_some());
        assert_eq!(browser.open(&hinted(&others)).await.sent("error").as_deref(), Some("login_required"));
        let logout = |tokens: &Value| format!("/oauth2/logout?id_token_hint={}", tokens["id_token"].as_str().unwrap());
        assert_eq!(browser.open(&logout(&others)).await.path, "/sign-out", "somebody else's: asked first");
        assert_eq!(browser.open(&logout(&issued)).await.path, "/signed-out");
        sent_away(&browser.open(&application.authorize("&scope=openid")).await);
    }

    async fn an_id_token_from_before_the_login_uri_names_the_person_still(server: TestServer) {
        let application = server.application("forum", false, &[]).await;
        let user = server.person("p-1@example.com").await;
        server.management().put(&format!("/user_management/users/{user}"), json!({"external_id": "p-1"})).await.expect(200);
        let mut browser = Browser::new(&server);
        let page = browser.open(&application.authorize("&scope=openid")).await;
        let page = server.sign_in(&mut browser, &page, "p-1@example.com").await;
        let before = tokens(&server, &application, &page).await;
        assert_eq!(id_token(&before)["sub"], json!(user));
        standalone(&server).await;
        let hint = before["id_token"].as_str().unwrap();
        let page = browser.open(&application.authorize(&format!("&scope=openid&id_token_hint={hint}"))).await;
        let page = sign_in(&server, &mut browser, &page, somebody("p-1")).await;
        assert_eq!(claims(&tokens(&server, &application, &page).await)["sub"], "p-1");
        let quiet = browser.open(&application.authorize(&format!("&scope=openid&prompt=none&id_token_hint={hint}"))).await;
        assert!(quiet.sent("code").is_some());
        let done = browser.open(&format!("/oauth2/logout?id_token_hint={hint}")).await;
        assert_eq!(done.path, "/signed-out", "without being asked");
    }

    async fn who_is_not_meant_is_not_sent_in_circles(server: TestServer) {
        standalone(&server).await;
        let application = server.application("forum", false, &[]).await;
        let (_, others) = arrive(&server, &application, somebody("p-2")).await;
        let mut browser = Browser::new(&server);
        let nonsense = browser.open(&application.authorize("&scope=openid&id_token_hint=nonsense")).await;
        assert_eq!(nonsense.sent("error").as_deref(), Some("invalid_request"), "before anybody signs in for it");
        let hint = others["id_token"].as_str().unwrap();
        for _ in 0..2 {
            server.clock.advance_seconds(5);
            // With or without an earlier sign-in, the browser goes to the login, once.
            let page = browser.open(&application.authorize(&format!("&scope=openid&id_token_hint={hint}"))).await;
            let page = sign_in(&server, &mut browser, &page, somebody("p-1")).await;
            assert_eq!(page.sent("error").as_deref(), Some("login_required"), "{hint}");
            assert_eq!(page.sent("state").as_deref(), Some("s-1"));
        }
        // The expected user may sign in there instead.
        server.clock.advance_seconds(5);
        let hinted = application.authorize(&format!("&scope=openid&id_token_hint={}", others["id_token"].as_str().unwrap()));
        let page = browser.open(&hinted).await;
        let page = sign_in(&server, &mut browser, &page, somebody("p-2")).await;
        assert_eq!(claims(&tokens(&server, &application, &page).await)["sub"], "p-2");
    }

    async fn applications_are_told_of_a_sign_out_by_the_subject_they_know(server: TestServer) {
        standalone(&server).await;
        let mut receiver = Receiver::start().await;
        let application = server.application("forum", false, &[]).await;
        let uri = json!({"backchannel_logout_uri": format!("{}/forum", receiver.base_url)});
        server.management().put(&format!("/connect/applications/{}", application.client_id), uri).await.expect(200);
        let (mut browser, issued) = arrive(&server, &application, somebody("p-1")).await;
        let page = browser.open("/sign-out").await;
        browser.submit(&page, "/sign-out", &[("decision", "sign_out")]).await;
        let received = receiver.next().await;
        let token = received.body.strip_prefix("logout_token=").unwrap();
        let told = crate::hosted::authorization_code::claims(token);
        assert_eq!((&told["sub"], &told["sid"]), (&json!("p-1"), &id_token(&issued)["sid"]));
    }

    async fn revoking_and_deleting_end_what_names_the_companys_identifier(server: TestServer) {
        standalone(&server).await;
        let application = server.application("third", false, &[]).await;
        let introspector = server.introspector().await;
        let mut browser = Browser::new(&server);
        let mut arrive = async |asked: &str| {
            let mut page = browser.open(&application.authorize(asked)).await;
            if page.left_to.as_ref().is_some_and(|to| to.starts_with(LOGIN)) {
                page = sign_in(&server, &mut browser, &page, somebody("p-1")).await;
            }
            if page.left_to.is_none() {
                page = browser.submit(&page, "/consent", &[("decision", "allow")]).await;
            }
            tokens(&server, &application, &page).await
        };
        let active = async |tokens: &Value| {
            server.introspected(&introspector, tokens["access_token"].as_str().unwrap()).await["active"].clone()
        };
        let (one, two) = (arrive(ASKED).await, arrive(ASKED).await);
        let secret = application.secret.clone().unwrap();
        let form = [
            ("client_id", application.client_id.as_str()),
            ("client_secret", &secret),
            ("token", one["access_token"].as_str().unwrap()),
        ];
        server.anonymous().form("/oauth2/revoke", &form).await.expect(200);
        assert_eq!((active(&one).await, active(&two).await), (json!(false), json!(true)));
        let user = user_id(&server, "p-1").await;
        server.management().delete(&format!("/user_management/users/{user}")).await.expect(200);
        assert_eq!(active(&two).await, false);
        server.refresh(&application, two["refresh_token"].as_str().unwrap()).await.expect(400);
    }
}
