//! A user who belongs to more organizations than a page shows.

use super::authorization_code::claims;
use crate::harness::{Browser, Page, REDIRECT_URI, TestServer, on_both_databases};
use countersign_protocol::id::UserId;
use serde_json::json;

/// Makes a user a member of 205 organizations; returns the IDs of the first and of the last two.
async fn belongs_to_many(server: &TestServer, user: UserId) -> [String; 3] {
    let management = server.management();
    let mut ids = Vec::new();
    for number in 0..205 {
        let id = management.organization(&format!("Customer No. {number}")).await;
        server.member(user, &id).await;
        ids.push(id);
    }
    [ids[0].clone(), ids[203].clone(), ids[204].clone()]
}

/// Presses an organization's button, not the search, which posts to the same address.
async fn choose(browser: &mut Browser, page: &Page, action: &str, organization: &str) -> Page {
    let mut form = page.forms().into_iter().rfind(|form| form.action == action).unwrap();
    assert!(!form.fields.contains_key("search"), "{}", page.html);
    form.fields.insert("organization_id".to_owned(), organization.to_owned());
    browser.post(action, &form.fields).await
}

on_both_databases! {
    async fn the_product_itself_lets_any_of_them_be_chosen(server: TestServer) {
        let application = server.application("forum", true, &[]).await;
        let user = server.person("ada@example.com").await;
        let [first, other, last] = belongs_to_many(&server, user).await;
        let mut browser = Browser::new(&server);
        let page = browser.open(&application.authorize("&scope=openid+offline_access")).await;
        let page = server.sign_in(&mut browser, &page, "ada@example.com").await;
        assert!(page.html.contains(&first) && !page.html.contains(&last), "some, and a search for the others");
        let found = browser.submit(&page, "/choose-organization", &[("search", "NO. 204")]).await;
        assert!(found.html.contains(&last) && !found.html.contains(&first), "{}", found.html);
        let nothing = browser.submit(&found, "/choose-organization", &[("search", "100%")]).await;
        assert!(nothing.html.contains("None of your organizations"), "{}", nothing.html);
        let page = choose(&mut browser, &found, "/choose-organization", &last).await;
        let tokens = server.redeem(&application, &page.sent("code").unwrap()).await.expect(200).json();
        assert_eq!(claims(tokens["access_token"].as_str().unwrap())["org_id"], json!(last));
        let next = server.refresh(&application, tokens["refresh_token"].as_str().unwrap()).await.expect(200).json();
        assert_eq!(claims(next["access_token"].as_str().unwrap())["org_id"], json!(last));

        // The choice is remembered, and an application may name another organization.
        let page = browser.open(&application.authorize("&scope=openid&prompt=none")).await;
        let token = server.redeem(&application, &page.sent("code").unwrap()).await.expect(200).text_at("access_token");
        assert_eq!(claims(&token)["org_id"], json!(last));
        let page = browser.open(&application.authorize(&format!("&scope=openid&prompt=none&organization_id={other}"))).await;
        let token = server.redeem(&application, &page.sent("code").unwrap()).await.expect(200).text_at("access_token");
        assert_eq!(claims(&token)["org_id"], json!(other));
        let foreign = server.management().organization("Foreign").await;
        let page = browser.open(&application.authorize(&format!("&scope=openid&organization_id={foreign}"))).await;
        assert_eq!(page.sent("error").as_deref(), Some("access_denied"));
    }

    async fn a_partner_is_not_told_who_is_a_member_before_the_person_acts(server: TestServer) {
        let partner = server.application("third", true, &[]).await;
        let user = server.person("ada@example.com").await;
        server.person("grace@example.com").await;
        let management = server.management();
        let (acme, globex) = (management.organization("Acme").await, management.organization("Globex").await);
        server.member(user, &acme).await;
        let asks = |organization: &str, more: &str| partner.authorize(&format!("&scope=openid&organization_id={organization}{more}"));
        let mut browser = Browser::new(&server);
        let page = browser.open(&asks(&acme, "")).await;
        let page = server.sign_in(&mut browser, &page, "ada@example.com").await;
        browser.submit(&page, "/consent", &[("decision", "allow")]).await.sent("code").unwrap();
        let unknown = "org_00000000000000000000000001";
        for organization in [globex.as_str(), unknown] {
            let quiet = browser.open(&asks(organization, "&prompt=none")).await;
            assert_eq!(quiet.sent("error").as_deref(), Some("consent_required"), "as for a member who was not asked");
            let page = browser.open(&asks(organization, "")).await;
            assert_eq!(page.left_to, None);
            assert!(page.html.contains("This account is not a member") && !page.html.contains("Globex"), "{}", page.html);
            let back = browser.submit(&page, "/consent", &[("decision", "deny")]).await;
            assert_eq!((back.sent("error").as_deref(), back.sent("state").as_deref()), (Some("access_denied"), Some("s-1")));
        }
        // A user with another account can continue with that one.
        let page = browser.open(&asks(&globex, "")).await;
        let page = browser.open(&page.link_to("/use-another-account?")).await;
        let page = server.sign_in(&mut browser, &page, "grace@example.com").await;
        assert!(page.html.contains("grace@example.com") && page.html.contains("not a member"), "{}", page.html);
    }

    async fn what_a_partner_is_allowed_for_moves_nobody_in_the_product_and_is_asked_once(server: TestServer) {
        let (forum, partner) = (server.application("forum", true, &[]).await, server.application("third", true, &[]).await);
        let user = server.person("ada@example.com").await;
        let management = server.management();
        let (acme, globex) = (management.organization("Acme").await, management.organization("Globex").await);
        server.member(user, &acme).await;
        server.member(user, &globex).await;
        let mut browser = Browser::new(&server);
        let page = browser.open(&forum.authorize("&scope=openid")).await;
        let page = server.sign_in(&mut browser, &page, "ada@example.com").await;
        let page = choose(&mut browser, &page, "/choose-organization", &acme).await;
        let in_forum = async |page: &Page| {
            let token = server.redeem(&forum, &page.sent("code").unwrap()).await.expect(200).text_at("access_token");
            claims(&token)["org_id"].clone()
        };
        assert_eq!(in_forum(&page).await, json!(acme));
        let page = browser.open(&partner.authorize("&scope=openid")).await;
        let page = browser.submit(&page, "/consent", &[("decision", "allow"), ("organization_id", &globex)]).await;
        let at_partner = async |page: &Page| {
            let token = server.redeem(&partner, &page.sent("code").unwrap()).await.expect(200).text_at("access_token");
            claims(&token)["org_id"].clone()
        };
        assert_eq!(at_partner(&page).await, json!(globex));
        let page = browser.open(&forum.authorize("&scope=openid&prompt=none")).await;
        assert_eq!(in_forum(&page).await, json!(acme), "where they were");
        let page = browser.open(&partner.authorize("&scope=openid&prompt=none")).await;
        assert_eq!(at_partner(&page).await, json!(globex), "consent is asked for once");
    }

    async fn a_partner_is_allowed_one_that_was_searched_for(server: TestServer) {
        let application = server.application("third", true, &[]).await;
        let user = server.person("ada@example.com").await;
        let [_, other, last] = belongs_to_many(&server, user).await;
        let mut browser = Browser::new(&server);
        let page = browser.open(&application.authorize("&scope=openid+offline_access")).await;
        let page = server.sign_in(&mut browser, &page, "ada@example.com").await;
        let page = browser.submit(&page, "/choose-organization", &[("search", "204")]).await;
        let page = choose(&mut browser, &page, "/choose-organization", &last).await;
        assert!(page.html.contains("Customer No. 204") && !page.html.contains("Customer No. 0<"), "{}", page.html);
        let page = browser.submit(&page, "/consent", &[("decision", "allow")]).await;
        let tokens = server.redeem(&application, &page.sent("code").unwrap()).await.expect(200).json();
        assert_eq!(claims(tokens["access_token"].as_str().unwrap())["org_id"], json!(last));
        // Consent was given for that organization; for another one it is asked for again.
        let page = browser.open(&application.authorize(&format!("&scope=openid&organization_id={other}"))).await;
        assert!(page.html.contains("Customer No. 203") && page.html.contains("/consent"), "{}", page.html);
    }

    async fn the_environments_own_application_lets_any_be_chosen_too(server: TestServer) {
        server.register(REDIRECT_URI).await;
        let user = server.person("ada@example.com").await;
        let [first, _, last] = belongs_to_many(&server, user).await;
        let mut browser = Browser::new(&server);
        let page = browser.open(&server.ask_with_challenge("")).await;
        let page = server.sign_in(&mut browser, &page, "ada@example.com").await;
        let page = browser.submit(&page, "/choose-organization", &[("search", "customer no. 204")]).await;
        assert!(page.html.contains(&last) && !page.html.contains(&first), "{}", page.html);
        let page = choose(&mut browser, &page, "/choose-organization", &last).await;
        let answer = server.hand_in(&page.sent("code").unwrap()).await.expect(200).json();
        assert_eq!(answer["organization_id"], json!(last));
        server.renew(answer["refresh_token"].as_str().unwrap()).await.expect(200);
    }

    async fn a_device_too(server: TestServer) {
        let user = server.person("ada@example.com").await;
        let [_, other, last] = belongs_to_many(&server, user).await;
        let mut browser = Browser::new(&server);
        for (kind, chosen) in [("third", &last), ("cli", &other)] {
            let application = server.application(kind, true, &[]).await;
            let form = [("client_id", application.client_id.as_str()), ("scope", "openid")];
            let device = server.anonymous().form("/oauth2/device_authorization", &form).await.expect(200).json();
            let complete = device["verification_uri_complete"].as_str().unwrap();
            let page = browser.open(&complete[server.base_url.len()..]).await;
            let mut page = browser.submit(&page, "/device", &[]).await;
            if page.path.starts_with("/sign-in") {
                page = server.sign_in(&mut browser, &page, "ada@example.com").await;
            }
            let page = browser.submit(&page, "/device/confirm", &[("decision", "allow")]).await;
            let page = browser.submit(&page, "/device/consent", &[("search", "no. 20")]).await;
            assert!(page.html.contains(chosen.as_str()), "{}", page.html);
            let mut page = choose(&mut browser, &page, "/device/consent", chosen).await;
            if kind == "third" {
                assert!(page.html.contains("Customer No. 204") && page.html.contains("value=\"allow\""), "{}", page.html);
                page = browser.submit(&page, "/device/consent", &[("decision", "allow")]).await;
            }
            assert_eq!(page.status, 200);
            let form = [
                ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
                ("device_code", device["device_code"].as_str().unwrap()), ("client_id", &application.client_id),
            ];
            let tokens = server.anonymous().form("/oauth2/token", &form).await.expect(200).json();
            assert_eq!(claims(tokens["access_token"].as_str().unwrap())["org_id"], json!(chosen));
        }
    }
}
