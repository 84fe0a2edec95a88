//! Choices that users make when they consent to an application: shown, validated, and included in every token.

use super::{claims, complete_with, sent_away, somebody, standalone, tokens, user_id, way_back};
use crate::harness::{Application, Browser, Page, TestServer, on_both_databases};
use serde_json::{Value, json};

pub const WORKSPACE: &str = "urn:example:workspace";
pub const FIELD: &str = "choice:urn:example:workspace";

pub fn workspaces(values: &[&str]) -> Value {
    let choices: Vec<Value> =
        values.iter().map(|value| json!({"value": value, "label": format!("Space {value}")})).collect();
    json!([{"claim": WORKSPACE, "type": "enum", "label": "Your workspace", "choices": choices}])
}

fn grouped() -> Value {
    json!([
        {"claim": WORKSPACE, "type": "enum", "label": "Your workspace", "choices": [
            {"group": "Acme & Co", "choices": [{"value": "w1", "label": "Marketing"}, {"value": "w2", "label": "Research"}]},
            {"group": "Globex", "choices": [{"value": "w3", "label": "<Sales>"}]},
        ]},
        {"claim": "tos", "type": "enum", "label": "Terms", "choices": [{"value": "accepted", "label": "I accept"}]},
    ])
}

/// Goes to an application and signs in at the company's login, which offers these options.
async fn arrive(server: &TestServer, browser: &mut Browser, path: &str, options: Value) -> Page {
    let page = browser.open(path).await;
    let answer = complete_with(server, &sent_away(&page), somebody("p-1"), options).await;
    browser.open(&way_back(server, answer)).await
}

async fn allow(browser: &mut Browser, page: &Page, chosen: &str) -> Page {
    browser.submit(page, "/consent", &[("decision", "allow"), (FIELD, chosen)]).await
}

fn chosen_in(tokens: &Value) -> Value {
    claims(tokens)[WORKSPACE].clone()
}

async fn refreshed(server: &TestServer, application: &Application, tokens: &Value) -> Value {
    server.refresh(application, tokens["refresh_token"].as_str().unwrap()).await.expect(200).json()
}

const ASKED: &str = "&scope=openid+offline_access";
const AGAIN: &str = "&scope=openid+offline_access&prompt=login";

on_both_databases! {
    async fn what_was_chosen_is_in_every_token_of_the_grant(server: TestServer) {
        standalone(&server).await;
        let application = server.application("third", false, &[]).await;
        let introspector = server.introspector().await;
        let mut browser = Browser::new(&server);
        let page = arrive(&server, &mut browser, &application.authorize(ASKED), grouped()).await;
        for shown in ["Your workspace", "<optgroup label=\"Acme &#38; Co\">", "Marketing", "&#60;Sales&#62;", "I accept"] {
            assert!(page.html.contains(shown), "{shown}: {}", page.html);
        }
        assert_eq!(page.form("/consent").fields["choice:tos"], "accepted", "of one there is no choice");
        let done = allow(&mut browser, &page, "w2").await;
        let first = tokens(&server, &application, &done).await;
        assert_eq!((chosen_in(&first), claims(&first)["tos"].clone()), (json!("w2"), json!("accepted")));
        let second = refreshed(&server, &application, &first).await;
        let third = refreshed(&server, &application, &second).await;
        assert_eq!((chosen_in(&second), chosen_in(&third)), (json!("w2"), json!("w2")));
        let seen = server.introspected(&introspector, third["access_token"].as_str().unwrap()).await;
        assert_eq!((&seen["active"], &seen[WORKSPACE], &seen["tos"]), (&json!(true), &json!("w2"), &json!("accepted")));
        let told = crate::hosted::authorization_code::claims(third["id_token"].as_str().unwrap());
        assert_eq!(told.get(WORKSPACE), None, "the ID token says who it is, and not what they may do");
    }

    async fn only_what_was_offered_can_be_chosen(server: TestServer) {
        standalone(&server).await;
        let application = server.application("third", false, &[]).await;
        let mut browser = Browser::new(&server);
        let page = arrive(&server, &mut browser, &application.authorize(ASKED), grouped()).await;
        for wrong in ["", "w4", "accepted", "W1", "Marketing"] {
            let again = allow(&mut browser, &page, wrong).await;
            assert!(again.html.contains("Please choose one of the options offered."), "{wrong}: {}", again.html);
            assert!(again.html.contains("aria-invalid=\"true\" aria-describedby=\"problem\""));
        }
        let missing = browser.submit(&page, "/consent", &[("decision", "allow")]).await;
        assert!(missing.html.contains("Please choose one of the options offered."));
        let mut others = page.form("/consent").fields;
        others.insert("decision".into(), "allow".into());
        others.insert(FIELD.into(), "w1".into());
        others.insert("choice:sub".into(), "somebody-else".into());
        others.insert("choice:role".into(), "admin".into());
        let done = browser.post("/consent", &others).await;
        let issued = tokens(&server, &application, &done).await;
        assert_eq!((chosen_in(&issued), claims(&issued)["sub"].clone()), (json!("w1"), json!("p-1")));
        assert_eq!(claims(&issued).get("role"), None);
        // No choice is needed to deny consent.
        let page = browser.open(&application.authorize("&scope=openid&prompt=consent")).await;
        assert!(page.html.contains("value=\"deny\" formnovalidate"), "{}", page.html);
        let denied = browser.submit(&page, "/consent", &[("decision", "deny")]).await;
        assert_eq!(denied.sent("error").as_deref(), Some("access_denied"));
    }

    async fn a_choice_is_remembered_while_it_is_offered(server: TestServer) {
        standalone(&server).await;
        let application = server.application("third", false, &[]).await;
        let mut browser = Browser::new(&server);
        let page = arrive(&server, &mut browser, &application.authorize(ASKED), workspaces(&["w1", "w2"])).await;
        let first = tokens(&server, &application, &allow(&mut browser, &page, "w2").await).await;
        assert_eq!(chosen_in(&first), "w2");

        let quiet = browser.open(&application.authorize("&scope=openid&prompt=none")).await;
        assert_eq!(chosen_in(&tokens(&server, &application, &quiet).await), "w2", "in the same session");
        let page = arrive(&server, &mut browser, &application.authorize(AGAIN), workspaces(&["w2", "w3"])).await;
        assert_eq!(chosen_in(&tokens(&server, &application, &page).await), "w2", "not asked: it is offered still");
        let page = browser.open(&application.authorize("&scope=openid&prompt=consent")).await;
        assert_eq!(page.form("/consent").fields[FIELD], "w2", "chosen beforehand");

        let page = arrive(&server, &mut browser, &application.authorize(AGAIN), workspaces(&["w3", "w4"])).await;
        assert!(page.html.contains("Space w4") && !page.form("/consent").fields.contains_key(FIELD), "{}", page.html);
        let quiet = browser.open(&application.authorize("&scope=openid&prompt=none")).await;
        assert_eq!(quiet.sent("error").as_deref(), Some("consent_required"));
        let second = tokens(&server, &application, &allow(&mut browser, &page, "w4").await).await;
        assert_eq!(chosen_in(&second), "w4");
        let kept = refreshed(&server, &application, &first).await;
        assert_eq!(chosen_in(&kept), "w2", "what was authorized before is as it was");

        let page = arrive(&server, &mut browser, &application.authorize(AGAIN), Value::Null).await;
        let third = tokens(&server, &application, &page).await;
        assert_eq!(claims(&third).get(WORKSPACE), None, "nothing is offered, nothing is told");
    }

    async fn another_application_of_the_session_asks_as_well(server: TestServer) {
        standalone(&server).await;
        let (one, two) = (server.application("third", false, &[]).await, server.application("third", false, &[]).await);
        let own = server.application("forum", false, &[]).await;
        let mut browser = Browser::new(&server);
        let page = arrive(&server, &mut browser, &one.authorize(ASKED), workspaces(&["w1", "w2"])).await;
        allow(&mut browser, &page, "w2").await;
        let page = browser.open(&two.authorize(ASKED)).await;
        assert!(page.html.contains("Your workspace"), "{}", page.html);
        let done = allow(&mut browser, &page, "w1").await;
        assert_eq!(chosen_in(&tokens(&server, &two, &done).await), "w1");
        let page = browser.open(&own.authorize(ASKED)).await;
        assert_eq!(claims(&tokens(&server, &own, &page).await).get(WORKSPACE), None, "first-party: nobody is asked");
    }

    async fn a_first_party_sign_in_takes_no_choice_away(server: TestServer) {
        standalone(&server).await;
        let (one, two) = (server.application("third", false, &[]).await, server.application("third", false, &[]).await);
        let own = server.application("forum", false, &[]).await;
        let mut browser = Browser::new(&server);
        let page = arrive(&server, &mut browser, &one.authorize(ASKED), workspaces(&["w1", "w2"])).await;
        allow(&mut browser, &page, "w2").await;
        // A first-party application requests a fresh sign-in, for which no choices can be offered.
        for nothing in [Value::Null, json!([])] {
            server.clock.advance_seconds(5);
            let page = arrive(&server, &mut browser, &own.authorize(AGAIN), nothing).await;
            assert!(page.sent("code").is_some());
            let quiet = browser.open(&one.authorize("&scope=openid&prompt=none")).await;
            assert_eq!(chosen_in(&tokens(&server, &one, &quiet).await), "w2");
        }
        let page = browser.open(&two.authorize(ASKED)).await;
        let unchosen = browser.submit(&page, "/consent", &[("decision", "allow")]).await;
        assert!(unchosen.html.contains("Please choose one of the options offered."), "{}", unchosen.html);
        let done = allow(&mut browser, &unchosen, "w1").await;
        assert_eq!(chosen_in(&tokens(&server, &two, &done).await), "w1");
    }

    async fn a_first_party_sign_in_says_nothing_of_what_others_have_to_ask(server: TestServer) {
        standalone(&server).await;
        let (one, two) = (server.application("third", false, &[]).await, server.application("third", false, &[]).await);
        let own = server.application("forum", false, &[]).await;
        let mut browser = Browser::new(&server);
        let page = arrive(&server, &mut browser, &own.authorize(ASKED), Value::Null).await;
        assert!(page.sent("code").is_some());
        let quiet = browser.open(&one.authorize("&scope=openid&prompt=none")).await;
        assert_eq!(quiet.sent("error").as_deref(), Some("login_required"));
        let page = arrive(&server, &mut browser, &one.authorize(ASKED), workspaces(&["w1", "w2"])).await;
        let done = allow(&mut browser, &page, "w2").await;
        assert_eq!(chosen_in(&tokens(&server, &one, &done).await), "w2");
        assert!(browser.open(&own.authorize(ASKED)).await.sent("code").is_some());

        // That there is nothing to choose is also recorded, once for all applications.
        let mut other = Browser::new(&server);
        let page = arrive(&server, &mut other, &own.authorize(ASKED), Value::Null).await;
        assert!(page.sent("code").is_some());
        let page = arrive(&server, &mut other, &two.authorize(ASKED), Value::Null).await;
        let done = other.submit(&page, "/consent", &[("decision", "allow")]).await;
        assert_eq!(claims(&tokens(&server, &two, &done).await).get(WORKSPACE), None);
        let page = other.open(&two.authorize("&scope=openid&prompt=consent")).await;
        assert!(page.html.contains("value=\"allow\""), "{}", page.html);
    }

    async fn a_device_of_a_partner_is_not_connected_by_a_first_party_sign_in(server: TestServer) {
        standalone(&server).await;
        let (partner, own) = (server.application("third", true, &[]).await, server.application("forum", false, &[]).await);
        let mut browser = Browser::new(&server);
        arrive(&server, &mut browser, &own.authorize(ASKED), Value::Null).await;
        let ask = [("client_id", partner.client_id.as_str()), ("scope", "openid")];
        let device = server.anonymous().form("/oauth2/device_authorization", &ask).await.expect(200).json();
        let code = device["user_code"].as_str().unwrap();
        let page = browser.open("/device").await;
        let page = browser.submit(&page, "/device", &[("user_code", code)]).await;
        let answer = complete_with(&server, &sent_away(&page), somebody("p-1"), workspaces(&["w1", "w2"])).await;
        let page = browser.open(&way_back(&server, answer)).await;
        let page = browser.submit(&page, "/device/confirm", &[("decision", "allow")]).await;
        let done = browser.submit(&page, "/device/consent", &[("decision", "allow"), (FIELD, "w2")]).await;
        assert_eq!(done.status, 200);
        let poll = [
            ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
            ("device_code", device["device_code"].as_str().unwrap()),
            ("client_id", &partner.client_id),
        ];
        let issued = server.anonymous().form("/oauth2/token", &poll).await.expect(200).json();
        assert_eq!(chosen_in(&issued), "w2");
    }

    async fn a_template_does_not_speak_for_the_person(server: TestServer) {
        standalone(&server).await;
        let content = "{\"urn:example:workspace\": \"w1\", \"tier\": \"gold\"}";
        server.management().put("/user_management/jwt_template", json!({"content": content})).await.expect(200);
        let application = server.application("third", false, &[]).await;
        let mut browser = Browser::new(&server);
        let page = arrive(&server, &mut browser, &application.authorize(ASKED), workspaces(&["w1", "w2"])).await;
        let issued = tokens(&server, &application, &allow(&mut browser, &page, "w2").await).await;
        assert_eq!((chosen_in(&issued), claims(&issued)["tier"].clone()), (json!("w2"), json!("gold")));
        let refreshed = refreshed(&server, &application, &issued).await;
        assert_eq!((chosen_in(&refreshed), claims(&refreshed)["tier"].clone()), (json!("w2"), json!("gold")));
    }

    async fn organization_and_choice_are_asked_on_one_page(server: TestServer) {
        standalone(&server).await;
        let application = server.application("third", false, &[]).await;
        let management = server.management();
        let mut browser = Browser::new(&server);
        // The user already exists and belongs to two organizations.
        let page = arrive(&server, &mut browser, &application.authorize(ASKED), Value::Null).await;
        assert!(page.html.contains("value=\"allow\""));
        let user = user_id(&server, "p-1").await;
        let mut organizations = Vec::new();
        for name in ["Acme", "Globex"] {
            organizations.push(management.organization(name).await);
            server.member(user, organizations.last().unwrap()).await;
        }
        let page = arrive(&server, &mut browser, &application.authorize(AGAIN), workspaces(&["w1", "w2"])).await;
        let fields = [("decision", "allow"), ("organization_id", organizations[1].as_str())];
        let again = browser.submit(&page, "/consent", &fields).await;
        assert!(again.html.contains("Please choose one of the options offered."), "{}", again.html);
        let kept = &again.form("/consent").fields["organization_id"];
        assert_eq!(kept, &organizations[1], "the organization stays chosen");
        let done = browser.submit(&again, "/consent", &[&fields[..], &[(FIELD, "w2")]].concat()).await;
        let issued = tokens(&server, &application, &done).await;
        assert_eq!((chosen_in(&issued), claims(&issued)["org_id"].clone()), (json!("w2"), json!(organizations[1])));
    }

    async fn who_forgets_the_organization_for_a_device_is_told_so_and_keeps_the_rest(server: TestServer) {
        standalone(&server).await;
        let application = server.application("third", true, &[]).await;
        let management = server.management();
        let mut browser = Browser::new(&server);
        arrive(&server, &mut browser, &application.authorize(ASKED), Value::Null).await;
        let user = user_id(&server, "p-1").await;
        for name in ["Acme", "Globex"] {
            server.member(user, &management.organization(name).await).await;
        }
        arrive(&server, &mut browser, &application.authorize(AGAIN), workspaces(&["w1", "w2"])).await;
        let ask = [("client_id", application.client_id.as_str()), ("scope", "openid")];
        let device = server.anonymous().form("/oauth2/device_authorization", &ask).await.expect(200).json();
        let page = browser.open("/device").await;
        let page = browser.submit(&page, "/device", &[("user_code", device["user_code"].as_str().unwrap())]).await;
        let page = browser.submit(&page, "/device/confirm", &[("decision", "allow")]).await;
        for organization in [&[][..], &[("organization_id", "")]] {
            let allowed = [&[("decision", "allow"), (FIELD, "w2")], organization].concat();
            let again = browser.submit(&page, "/device/consent", &allowed).await;
            assert!(again.html.contains("Please choose an organization."), "{}", again.html);
            assert_eq!(again.form("/device/consent").fields[FIELD], "w2", "what else was chosen stays chosen");
        }
    }

    async fn a_device_gets_what_was_chosen_on_another_node(server: TestServer) {
        standalone(&server).await;
        let application = server.application("third", true, &[]).await;
        let other = server.another_node().await;
        let ask = async || {
            let ask = [("client_id", application.client_id.as_str()), ("scope", "openid offline_access")];
            server.anonymous().form("/oauth2/device_authorization", &ask).await.expect(200).json()
        };
        let poll = async |device: &Value| {
            let poll = [
                ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
                ("device_code", device["device_code"].as_str().unwrap()),
                ("client_id", &application.client_id),
            ];
            other.anonymous().form("/oauth2/token", &poll).await
        };
        let device = ask().await;
        let mut browser = Browser::new(&server);
        let page = browser.open("/device").await;
        let page = browser.submit(&page, "/device", &[("user_code", device["user_code"].as_str().unwrap())]).await;
        browser.move_to(&other);
        let answer = complete_with(&other, &sent_away(&page), somebody("p-1"), grouped()).await;
        let page = browser.open(&way_back(&server, answer)).await;
        let page = browser.submit(&page, "/device/confirm", &[("decision", "allow")]).await;
        browser.move_to(&server);
        let again = browser.submit(&page, "/device/consent", &[("decision", "allow"), (FIELD, "w9")]).await;
        assert!(again.html.contains("Please choose one of the options offered."), "{}", again.html);
        assert_eq!(poll(&device).await.expect(400).text_at("error"), "authorization_pending");
        server.clock.advance_seconds(6);
        other.clock.advance_seconds(6);
        let done = browser.submit(&again, "/device/consent", &[("decision", "allow"), (FIELD, "w3")]).await;
        assert_eq!(done.status, 200);
        let issued = poll(&device).await.expect(200).json();
        assert_eq!((chosen_in(&issued), claims(&issued)["sub"].clone()), (json!("w3"), json!("p-1")));
        assert_eq!(chosen_in(&refreshed(&server, &application, &issued).await), "w3");

        // Anybody can start a device flow in the name of a public client, so each one asks for consent; the earlier
        // choice is preselected.
        let device = ask().await;
        let page = browser.open("/device").await;
        let page = browser.submit(&page, "/device", &[("user_code", device["user_code"].as_str().unwrap())]).await;
        let page = browser.submit(&page, "/device/confirm", &[("decision", "allow")]).await;
        assert_eq!(poll(&device).await.expect(400).text_at("error"), "authorization_pending");
        server.clock.advance_seconds(6);
        other.clock.advance_seconds(6);
        assert!(page.html.contains("<option value=\"w3\" selected>"), "{}", page.html);
        browser.submit(&page, "/device/consent", &[("decision", "allow"), (FIELD, "w3")]).await;
        assert_eq!(chosen_in(&poll(&device).await.expect(200).json()), "w3");
    }

    async fn what_was_offered_to_one_is_not_asked_of_another(server: TestServer) {
        standalone(&server).await;
        let application = server.application("third", false, &[]).await;
        let mut browser = Browser::new(&server);
        let first = arrive(&server, &mut browser, &application.authorize(ASKED), workspaces(&["w1", "w2"])).await;
        // In another tab of this browser, a different user signs in and is offered other options.
        let page = browser.open(&application.authorize(AGAIN)).await;
        let answer = complete_with(&server, &sent_away(&page), somebody("p-2"), workspaces(&["x1", "x2"])).await;
        browser.open(&way_back(&server, answer)).await;
        let page = allow(&mut browser, &first, "w2").await;
        assert!(page.html.contains("p-2@example.com") && page.html.contains("Space x1"), "{}", page.html);
        assert!(!page.html.contains("Space w1"));
        let issued = tokens(&server, &application, &allow(&mut browser, &page, "x2").await).await;
        assert_eq!((chosen_in(&issued), claims(&issued)["sub"].clone()), (json!("x2"), json!("p-2")));
    }
}
