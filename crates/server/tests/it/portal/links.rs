//! Portal links: what can be requested, and that each opens one organization's portal, once, and not for long.

use crate::harness::{Browser, TestServer, assert_keys, navigation, on_both_databases};
use reqwest::Method;
use serde_json::json;

on_both_databases! {
    async fn a_link_is_made_for_an_intent_there_is_a_page_for(server: TestServer) {
        let management = server.management();
        let organization = management.organization("Acme").await;
        let made = management.post("/portal/generate_link", json!({"organization": organization, "intent": "domain_verification"}));
        let made = made.await.expect(201).json();
        assert_keys(&made, &["link"]);
        assert!(made["link"].as_str().unwrap().starts_with(&format!("{}/portal/open?token=", server.base_url)));
        let ask = async |body: serde_json::Value| management.post("/portal/generate_link", body).await;
        for intent in ["sso", "dsync", "audit_logs", "log_streams", "certificate_renewal", "bring_your_own_key"] {
            let answer = ask(json!({"organization": organization, "intent": intent})).await.expect(422);
            assert_eq!(answer.text_at("code"), "portal_intent_not_supported", "{intent}");
        }
        for body in [
            json!({"organization": organization, "intent": "nonsense"}),
            json!({"organization": organization, "intent": 7}),
            json!({"intent": "api_credentials"}),
            json!({"organization": organization, "return_url": "javascript:alert(1)"}),
            json!({"organization": organization, "success_url": "//evil.example"}),
            json!({"organization": organization, "return_url": "https://a:b@evil.example"}),
        ] {
            ask(body).await.expect(422);
        }
        ask(json!({"organization": "org_01EHZNVPK3SFK441A1RGBFSHRT"})).await.expect(404);
        ask(json!({"organization": "nonsense"})).await.expect(404);
        let other = server.another_environment().await;
        other.management.post("/portal/generate_link", json!({"organization": organization})).await.expect(404);
        server.anonymous().post("/portal/generate_link", json!({"organization": organization})).await.expect(401);
    }

    async fn a_browser_on_its_way_is_let_in_at_once_and_only_the_first(server: TestServer) {
        let organization = server.management().organization("Acme <b>& Sons</b>").await;
        let link = server.portal_link(&organization, None).await;
        let mut browser = Browser::new(&server);
        browser.headers = navigation();
        let page = browser.open(&link).await;
        assert_eq!((page.status, page.path.as_str()), (200, "/portal/machines"), "{}", page.html);
        assert!(page.html.contains("Acme &#60;b&#62;&#38; Sons&#60;/b&#62;") && !page.html.contains("<b>&"), "{}", page.html);
        // The visit continues, but the link does not work again.
        assert_eq!(browser.open("/portal/domains").await.status, 200);
        let mut second = Browser::new(&server);
        for headers in [navigation(), Vec::new()] {
            second.headers = headers;
            let page = second.open(&link).await;
            assert_eq!(page.status, 400);
            assert!(page.html.contains("no longer works") && !page.html.contains("Acme"), "{}", page.html);
        }
        assert!(!second.has_cookie("cs_portal"));
        // Not even with an invented cookie, or with the link's own token as a cookie.
        let token = link.split("token=").nth(1).unwrap();
        for made_up in [token, "x", &"A".repeat(43)] {
            let request = server.anonymous().request(Method::GET, "/portal/machines").header("cookie", format!("cs_portal={made_up}"));
            assert_eq!(server.anonymous().send(request).await.status, 403, "{made_up}");
        }
    }

    async fn who_has_another_organizations_page_open_is_asked_first(server: TestServer) {
        let management = server.management();
        let (acme, bravo) = (management.organization("Acme").await, management.organization("Bravo").await);
        let mut browser = server.visitor(&acme, None).await;
        let tab = browser.open("/portal/domains").await;
        let link = server.portal_link(&bravo, None).await;
        let asked = browser.open(&link).await;
        assert!(asked.status == 200 && asked.html.contains("opens the administration of Bravo"), "{} {}", asked.path, asked.html);
        assert!(browser.open("/portal").await.html.contains("Acme"), "nothing has changed");
        let page = browser.submit(&asked, "/portal/open", &[]).await;
        assert!(page.path == "/portal/machines" && page.html.contains("Bravo"), "{}", page.html);
        // The other tab still shows the first organization.
        let refused = browser.submit(&tab, "/portal/domains", &[("domain", "acme.example")]).await;
        assert!(refused.status == 409 && refused.html.contains("Bravo"), "{}", refused.html);
        assert_eq!(browser.submit(&tab, "/portal/leave", &[]).await.status, 409);
        assert_eq!(management.get(&format!("/organizations/{bravo}")).await.json()["domains"], json!([]));
        // Another link of the same organization does not ask.
        let link = server.portal_link(&bravo, None).await;
        assert_eq!(browser.open(&link).await.path, "/portal/machines");
        // Nor does a link of the organization that the user is signed in to; one of another organization does.
        server.open_portal_to_members().await;
        let ada = server.person("ada@example.com").await;
        server.member(ada, &acme).await;
        let mut member = Browser::new(&server);
        member.headers = navigation();
        let page = member.open("/portal").await;
        server.sign_in(&mut member, &page, "ada@example.com").await;
        assert!(member.open(&server.portal_link(&bravo, None).await).await.html.contains("opens the administration of Bravo"));
        assert_eq!(member.open(&server.portal_link(&acme, None).await).await.path, "/portal/machines");
    }

    async fn what_only_looks_at_a_link_does_not_use_it_up(server: TestServer) {
        let organization = server.management().organization("Acme").await;
        let link = server.portal_link(&organization, None).await;
        let ahead = [navigation(), vec![("sec-purpose", "prefetch".to_owned())]].concat();
        let framed = vec![("sec-fetch-mode", "navigate".to_owned()), ("sec-fetch-dest", "iframe".to_owned())];
        for headers in [Vec::new(), ahead, framed] {
            let mut scanner = Browser::new(&server);
            scanner.headers = headers;
            let page = scanner.open(&link).await;
            assert_eq!(page.status, 200);
            assert!(!page.html.contains("Acme") && !scanner.has_cookie("cs_portal"), "{}", page.html);
        }
        // The button is for browsers that send no fetch metadata.
        let mut old = Browser::new(&server);
        let page = old.open(&link).await;
        let page = old.submit(&page, "/portal/open", &[]).await;
        assert_eq!((page.status, page.path.as_str()), (200, "/portal/machines"), "{}", page.html);
        // Pressing the button also consumes the link, and a form from another site opens nothing.
        let link = server.portal_link(&organization, None).await;
        let fields = std::collections::BTreeMap::from([("flow".to_owned(), link.split("token=").nth(1).unwrap().to_owned())]);
        let mut stranger = Browser::new(&server);
        assert_eq!(stranger.post("/portal/open", &fields).await.status, 403);
        assert_eq!(stranger.open(&link).await.status, 200, "it is still good");
    }

    async fn a_link_is_good_for_five_minutes(server: TestServer) {
        let organization = server.management().organization("Acme").await;
        let (early, late) = (server.portal_link(&organization, None).await, server.portal_link(&organization, None).await);
        let mut browser = Browser::new(&server);
        browser.headers = navigation();
        server.clock.advance_seconds(299);
        assert_eq!(browser.open(&early).await.status, 200);
        server.clock.advance_seconds(1);
        assert_eq!(browser.open(&late).await.status, 400);
    }

    async fn of_two_at_once_one_is_let_in(server: TestServer) {
        let organization = server.management().organization("Acme").await;
        let link = server.portal_link(&organization, None).await;
        let other = server.another_node().await;
        let tries = [&server, &other, &server, &other].map(|node| {
            let (client, link) = (node.anonymous(), link.clone());
            tokio::spawn(async move {
                let request = client.request(Method::GET, &link).header("sec-fetch-mode", "navigate").header("sec-fetch-dest", "document");
                client.send(request).await.status
            })
        });
        let mut seen = Vec::new();
        for one in tries {
            seen.push(one.await.unwrap());
        }
        seen.sort_unstable();
        assert_eq!(seen, [303, 400, 400, 400]);
    }

    async fn a_visit_ends_unused_at_the_latest_after_hours_when_left_and_with_its_organization(server: TestServer) {
        let management = server.management();
        let organization = management.organization("Acme").await;
        let mut idle = server.visitor(&organization, None).await;
        server.clock.advance_seconds(3599);
        assert_eq!(idle.open("/portal/machines").await.status, 200);
        server.clock.advance_seconds(3600);
        let page = idle.open("/portal/machines").await;
        assert_eq!(page.status, 403);
        assert!(page.html.contains("This visit is over") && !page.html.contains("Acme"), "{}", page.html);

        let mut busy = server.visitor(&organization, None).await;
        for _ in 0..15 {
            server.clock.advance_seconds(1800);
            assert_eq!(busy.open("/portal/api-keys").await.status, 200);
        }
        server.clock.advance_seconds(1800);
        assert_eq!(busy.open("/portal/api-keys").await.status, 403);

        let mut leaving = server.visitor(&organization, None).await;
        let mut copy = Browser::new(&server);
        copy.steal(&leaving, "cs_portal");
        assert_eq!(copy.open("/portal/machines").await.status, 200);
        let page = leaving.open("/portal/machines").await;
        let page = leaving.submit(&page, "/portal/leave", &[]).await;
        assert!(page.html.contains("You have left") && !leaving.has_cookie("cs_portal"), "{}", page.html);
        assert_eq!(copy.open("/portal/machines").await.status, 403, "it has ended, not only been forgotten");

        let mut visitor = server.visitor(&organization, None).await;
        let unused = server.portal_link(&organization, None).await;
        management.delete(&format!("/organizations/{organization}")).await.expect(200);
        assert_eq!(visitor.open("/portal/machines").await.status, 403);
        assert_eq!(Browser::new(&server).open(&unused).await.status, 400);
    }

    async fn people_go_back_where_they_came_from_by_a_link(server: TestServer) {
        let organization = server.management().organization("Acme").await;
        let body = json!({"organization": organization, "return_url": "https://app.example.com/a?b=1&c=2", "success_url": "https://app.example.com/done"});
        let link = server.management().post("/portal/generate_link", body).await.expect(201).text_at("link");
        let mut browser = Browser::new(&server);
        browser.headers = navigation();
        let page = browser.open(&server.path_of(&link)).await;
        assert!(page.html.contains("href=\"https://app.example.com/a?b=1&#38;c=2\""), "{}", page.html);
        assert!(!browser.open("/portal/domains").await.html.contains("https://app.example.com/done"), "nothing is finished");
        let page = browser.submit(&page, "/portal/leave", &[]).await;
        assert!(page.html.contains("href=\"https://app.example.com/a?b=1&#38;c=2\""), "{}", page.html);
    }

    async fn the_page_speaks_german_when_asked(server: TestServer) {
        let organization = server.management().organization("Acme").await;
        let mut browser = server.visitor(&organization, None).await;
        let page = browser.open("/portal/machines?lang=de").await;
        assert!(page.html.contains("<html lang=\"de\">") && page.html.contains("Noch keine Anwendungen"), "{}", page.html);
        assert!(browser.open("/portal/api-keys").await.html.contains("Noch keine API-Schlüssel"), "remembered");
    }
}
