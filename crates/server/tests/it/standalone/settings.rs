//! The settings: declared in a file, in effect on every node, and overridden for one application.

use super::{LOGIN, claims, complete, sent_away, sent_to, sign_in, somebody, standalone, tokens, user_id, way_back};
use crate::harness::{Browser, TestServer, on_both_databases};
use serde_json::json;
use std::time::{Duration, Instant};

/// A different login from [`LOGIN`].
const DOCS_LOGIN: &str = "https://docs.example/login?tenant=b";

on_both_databases! {
    async fn the_settings_are_declared_and_checked(server: TestServer) {
        let declared = server.declare(&format!("[environment.standalone]\nlogin_uri = \"{LOGIN}\"\nsubject = \"user_id\"")).await.done();
        assert!(declared.out.contains("~ standalone of default: login_uri, subject"), "{}", declared.out);
        let same = format!("[[environment]]\nname = \"default\"\n[environment.standalone]\nlogin_uri = \"{LOGIN}\"");
        let checked = server.declare_with(&same, &["--check"]).await.done();
        assert!(!checked.out.contains("standalone"), "{}", checked.out);
        let other = same.replace("tenant=a", "tenant=b");
        let checked = server.declare_with(&other, &["--check"]).await;
        assert!(checked.out.contains("~ standalone of default: login_uri"), "{} {}", checked.out, checked.err);
        for (wrong, why) in [
            ("login_uri = \"http://product.example/login\"", "must be https"),
            ("login_uri = \"https://product.example/login#x\"", "fragment"),
            ("login_uri = \"/login\"", "absolute URL"),
            ("login_uri = \"https://product.example/?external_auth_id=1\"", "external_auth_id"),
            ("subject = \"email\"", "'external_id' or 'user_id'"),
        ] {
            let refused = server.declare(&format!("[environment.standalone]\n{wrong}")).await;
            assert!(refused.code != 0 && refused.err.contains(why), "{wrong}: {} {}", refused.out, refused.err);
        }
        server.declare("[environment.standalone]\nlogin_uri = \"http://localhost:3000/login\"").await.done();
        let refused = server.declare("kind = \"production\"").await;
        assert!(refused.code != 0 && refused.err.contains("must be https"), "{}", refused.err);
        server.declare(&format!("[environment.standalone]\nlogin_uri = \"{LOGIN}\"")).await.done();
        server.declare("kind = \"production\"").await.done();
    }

    async fn without_a_login_uri_people_sign_in_here_again(server: TestServer) {
        standalone(&server).await;
        let application = server.application("forum", false, &[]).await;
        let ada = server.person("ada@example.com").await;
        let mut browser = Browser::new(&server);
        let page = browser.open(&application.authorize("&scope=openid")).await;
        let page = sign_in(&server, &mut browser, &page, somebody("p-1")).await;
        assert_eq!(claims(&tokens(&server, &application, &page).await)["sub"], "p-1");
        let cleared = server.declare("[environment.standalone]\nlogin_uri = \"\"").await.done();
        assert!(cleared.out.contains("login_uri"), "{}", cleared.out);
        // Signed-in users stay signed in, and get the same kind of subject as everybody.
        let page = browser.open(&application.authorize("&scope=openid")).await;
        assert_eq!(claims(&tokens(&server, &application, &page).await)["sub"], user_id(&server, "p-1").await.to_string());
        let mut other = Browser::new(&server);
        let page = other.open(&application.authorize("&scope=openid")).await;
        let page = server.sign_in(&mut other, &page, "ada@example.com").await;
        assert_eq!(claims(&tokens(&server, &application, &page).await)["sub"], ada.to_string());
    }

    async fn every_node_follows_within_a_second(server: TestServer) {
        let application = server.application("forum", false, &[]).await;
        let other = server.another_node().await;
        let here = Browser::new(&other).open(&application.authorize("&scope=openid")).await;
        assert!(here.asks_to_sign_in(), "{}", here.path);
        standalone(&server).await;
        let began = Instant::now();
        while Browser::new(&other).open(&application.authorize("&scope=openid")).await.left_to.is_none() {
            assert!(began.elapsed() < Duration::from_secs(1), "the other node did not follow");
        }
    }

    async fn an_application_may_have_a_login_of_its_own(server: TestServer) {
        let (forum, docs) = (server.application("forum", false, &[]).await, server.application("docs", false, &[]).await);
        let declare = async |login_uri: &str| {
            server.declare(&format!(
                "[[environment.application]]\nname = \"The docs application\"\napplication_type = \"oauth\"\nclient_id = \"{}\"\nlogin_uri = \"{login_uri}\"",
                docs.client_id
            )).await
        };
        let declared = declare(LOGIN).await.done();
        assert!(declared.out.contains("~ login_uri of application The docs application"), "{}", declared.out);
        assert!(!declare(LOGIN).await.done().out.contains("login_uri"));
        let wrong = declare("http://docs.example").await;
        assert!(wrong.code != 0 && wrong.err.contains("must be https"), "{}", wrong.err);

        server.person("ada@example.com").await;
        let mut browser = Browser::new(&server);
        let page = browser.open(&forum.authorize("&scope=openid")).await;
        let page = server.sign_in(&mut browser, &page, "ada@example.com").await;
        assert!(page.sent("code").is_some(), "the environment has none: people sign in here");
        let page = browser.open(&docs.authorize("&scope=openid")).await;
        let page = sign_in(&server, &mut browser, &page, somebody("p-1")).await;
        assert_eq!(claims(&tokens(&server, &docs, &page).await)["sub"], "p-1");
        let page = browser.open(&forum.authorize("&scope=openid")).await;
        let here = claims(&tokens(&server, &forum, &page).await)["sub"].clone();
        assert_eq!(here, user_id(&server, "p-1").await.to_string(), "not signed in elsewhere on its way");

        server.declare("[environment.standalone]\nlogin_uri = \"https://other.example/\"").await.done();
        sent_away(&Browser::new(&server).open(&docs.authorize("&scope=openid")).await);
        declare("").await.done();
        let page = Browser::new(&server).open(&docs.authorize("&scope=openid")).await;
        assert!(page.left_to.unwrap().starts_with("https://other.example/?external_auth_id="));
    }

    async fn one_login_does_not_speak_for_another(server: TestServer) {
        let (forum, docs) = (server.application("forum", false, &[]).await, server.application("docs", false, &[]).await);
        standalone(&server).await;
        server.declare(&format!(
            "[[environment.application]]\nname = \"The docs application\"\napplication_type = \"oauth\"\nclient_id = \"{}\"\nlogin_uri = \"{DOCS_LOGIN}\"",
            docs.client_id
        )).await.done();
        let mut browser = Browser::new(&server);
        let arrive_at_docs = async |browser: &mut Browser, asked: &str| {
            let page = browser.open(&docs.authorize(asked)).await;
            let answer = complete(&server, &sent_to(&page, DOCS_LOGIN), somebody("p-1")).await;
            browser.open(&way_back(&server, answer)).await
        };
        assert!(arrive_at_docs(&mut browser, "&scope=openid").await.sent("code").is_some());
        let quiet = browser.open(&forum.authorize("&scope=openid&prompt=none")).await;
        assert_eq!(quiet.sent("error").as_deref(), Some("login_required"));
        let page = browser.open(&forum.authorize("&scope=openid")).await;
        assert!(sign_in(&server, &mut browser, &page, somebody("p-1")).await.sent("code").is_some());
        for application in [&docs, &forum, &docs] {
            let quiet = browser.open(&application.authorize("&scope=openid&prompt=none")).await;
            assert!(quiet.sent("code").is_some(), "each counts where it was");
        }

        // Neither is as fresh as the other.
        server.clock.advance_seconds(100);
        assert!(arrive_at_docs(&mut browser, "&scope=openid&prompt=login").await.sent("code").is_some());
        assert!(browser.open(&docs.authorize("&scope=openid&max_age=50&prompt=none")).await.sent("code").is_some());
        sent_away(&browser.open(&forum.authorize("&scope=openid&max_age=50")).await);

        // Nor does it count for another user, who signed in at one of them in the same browser.
        let page = browser.open(&forum.authorize("&scope=openid&prompt=login")).await;
        assert!(sign_in(&server, &mut browser, &page, somebody("p-2")).await.sent("code").is_some());
        sent_to(&browser.open(&docs.authorize("&scope=openid")).await, DOCS_LOGIN);
    }

    async fn a_sign_in_here_and_a_login_elsewhere_stand_beside_each_other(server: TestServer) {
        let (forum, docs) = (server.application("forum", false, &[]).await, server.application("docs", false, &[]).await);
        server.declare(&format!(
            "[environment.sessions]\nmaximum_length = 3600\ninactivity_timeout = 3600\n\n\
             [[environment.application]]\nname = \"The docs application\"\napplication_type = \"oauth\"\nclient_id = \"{}\"\nlogin_uri = \"{DOCS_LOGIN}\"",
            docs.client_id
        )).await.done();
        let new = json!({"email": "p-1@example.com", "email_verified": true, "external_id": "p-1", "password": crate::harness::PASSWORD});
        let user = server.management().post("/user_management/users", new).await.expect(201).text_at("id");
        let method = async || {
            let sessions = server.management().get(&format!("/user_management/users/{user}/sessions")).await.expect_list();
            assert_eq!(sessions.len(), 1);
            sessions[0]["auth_method"].as_str().unwrap().to_owned()
        };
        let here = async |browser: &mut Browser, asked: &str| {
            let page = browser.open(&forum.authorize(asked)).await;
            server.sign_in(browser, &page, "p-1@example.com").await
        };
        let elsewhere = async |browser: &mut Browser, asked: &str| {
            let page = browser.open(&docs.authorize(asked)).await;
            let answer = complete(&server, &sent_to(&page, DOCS_LOGIN), somebody("p-1")).await;
            browser.open(&way_back(&server, answer)).await
        };
        let mut browser = Browser::new(&server);
        assert!(here(&mut browser, "").await.sent("code").is_some());
        server.clock.advance_seconds(1800);
        assert!(elsewhere(&mut browser, "").await.sent("code").is_some());
        assert_eq!(method().await, "password");
        for _ in 0..2 {
            assert!(browser.open(&forum.authorize("&max_age=1900&prompt=none")).await.sent("code").is_some());
            assert!(browser.open(&docs.authorize("&max_age=100&prompt=none")).await.sent("code").is_some());
        }
        let quiet = browser.open(&forum.authorize("&max_age=100&prompt=none")).await;
        assert_eq!(quiet.sent("error").as_deref(), Some("login_required"), "a login elsewhere is not one here");
        assert!(here(&mut browser, "&prompt=login").await.sent("code").is_some());
        assert!(browser.open(&docs.authorize("&prompt=none")).await.sent("code").is_some(), "both still count");

        // Each lasts as long as a session may, and not longer because of the other.
        server.clock.advance_seconds(1800);
        assert!(here(&mut browser, "&prompt=login").await.sent("code").is_some());
        server.clock.advance_seconds(1790);
        assert!(browser.open(&docs.authorize("&prompt=none")).await.sent("code").is_some());
        server.clock.advance_seconds(20);
        let quiet = browser.open(&docs.authorize("&prompt=none")).await;
        assert_eq!(quiet.sent("error").as_deref(), Some("login_required"));
        assert!(browser.open(&forum.authorize("&prompt=none")).await.sent("code").is_some());
        assert!(elsewhere(&mut browser, "").await.sent("code").is_some());
        server.clock.advance_seconds(1800);
        let page = browser.open(&forum.authorize("")).await;
        assert!(page.asks_to_sign_in(), "{}", page.path);
    }

    async fn where_the_login_has_moved_people_go_there_once_more(server: TestServer) {
        standalone(&server).await;
        let application = server.application("forum", false, &[]).await;
        let mut browser = Browser::new(&server);
        let page = browser.open(&application.authorize("&scope=openid")).await;
        assert!(sign_in(&server, &mut browser, &page, somebody("p-1")).await.sent("code").is_some());
        let mut late = Browser::new(&server);
        let away = late.open(&application.authorize("&scope=openid")).await;
        server.declare(&format!("[environment.standalone]\nlogin_uri = \"{DOCS_LOGIN}\"")).await.done();
        // A user who had signed in, and one who was on the way to the previous login.
        let moved = browser.open(&application.authorize("&scope=openid")).await;
        let moved_late = sign_in(&server, &mut late, &away, somebody("p-2")).await;
        for (browser, page, person) in [(&mut browser, moved, "p-1"), (&mut late, moved_late, "p-2")] {
            let answer = complete(&server, &sent_to(&page, DOCS_LOGIN), somebody(person)).await;
            let page = browser.open(&way_back(&server, answer)).await;
            assert_eq!(claims(&tokens(&server, &application, &page).await)["sub"], person);
        }
    }
}
