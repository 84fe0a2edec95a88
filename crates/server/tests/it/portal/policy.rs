//! Who may see and do what. The route table defines it, and these tests read the table.

use crate::harness::{Browser, TestServer, on_both_databases, portal_csrf};
use countersign::http::routes::Policy;
use countersign::router;
use countersign_protocol::model::PortalIntent;
use reqwest::Method;
use std::collections::BTreeMap;

/// Returns the portal's pages and forms: method, path with its parameters filled in, and the required intent.
fn routes() -> Vec<(Method, String, Option<PortalIntent>)> {
    let table = router::routes().table().to_vec();
    let routes: Vec<_> = table
        .into_iter()
        .filter_map(|route| match route.policy {
            Policy::Portal(intent) => Some((route.method, route.path.replace("{id}", "x"), intent)),
            _ => None,
        })
        .collect();
    assert!(routes.len() > 10);
    routes
}

async fn go(
    browser: &mut Browser,
    method: &Method,
    path: &str,
    fields: &BTreeMap<String, String>,
) -> crate::harness::Page {
    if method == Method::POST { browser.post(path, fields).await } else { browser.open(path).await }
}

on_both_databases! {
    async fn threat_48_a_link_opens_its_intent_and_nothing_else(server: TestServer) {
        let organization = server.management().organization("Acme").await;
        server.declare("[environment.portal]\ncredentials = \"create\"\n").await.done();
        for mine in PortalIntent::ALL {
            let mut browser = server.visitor(&organization, Some(mine.as_str())).await;
            let csrf = portal_csrf(&mut browser).await;
            let mut refused = 0;
            for (method, path, needed) in routes() {
                if needed.is_none_or(|needed| needed == mine) {
                    continue;
                }
                let page = go(&mut browser, &method, &path, &csrf).await;
                assert_eq!(page.status, 403, "{mine:?} {method} {path}");
                assert!(!page.html.contains("Acme"), "{}", page.html);
                refused += 1;
            }
            assert!(refused >= 3);
        }
    }

    async fn what_the_company_does_not_allow_is_refused_everywhere(server: TestServer) {
        let organization = server.management().organization("Acme").await;
        for (wrong, told) in [("credentials = \"all\"", "'see', 'revoke' or 'create'"), ("permissions = [\"Not One\"]", "Not One")] {
            let declared = server.declare(&format!("[environment.portal]\n{wrong}\n")).await;
            assert!(declared.code != 0 && declared.err.contains(told), "{declared:?}");
        }
        let makes = |path: &str| path.ends_with("/new") || path.ends_with("/secrets");
        let ends = |path: &str| path.ends_with("/revoke");
        for (word, may_end, may_make) in [("see", false, false), ("revoke", true, false), ("create", true, true)] {
            server.declare(&format!("[environment.portal]\ncredentials = \"{word}\"\n")).await;
            let mut browser = server.visitor(&organization, None).await;
            let csrf = portal_csrf(&mut browser).await;
            let page = browser.open("/portal/machines").await;
            assert_eq!(page.html.contains("/portal/machines/new"), may_make, "{word}");
            let (mut ending, mut making) = (0, 0);
            for (method, path, _) in routes() {
                let allowed = match () {
                    () if ends(&path) => { ending += 1; may_end }
                    () if makes(&path) => { making += 1; may_make }
                    () => continue,
                };
                let page = go(&mut browser, &method, &path, &csrf).await;
                assert_eq!(page.status != 403, allowed, "{word} {method} {path}: {}", page.status);
            }
            assert!(ending >= 3 && making >= 5, "{ending} {making}");
        }
    }

    async fn who_is_nobody_is_sent_to_sign_in_and_nothing_happens(server: TestServer) {
        let mut browser = Browser::new(&server);
        let page = browser.open("/sign-in").await;
        let csrf = BTreeMap::from([("csrf".to_owned(), page.form("/sign-in").fields["csrf"].clone())]);
        for (method, path, _) in routes() {
            let page = go(&mut browser, &method, &path, &csrf).await;
            assert_eq!(page.path.split('?').next(), Some("/sign-in"), "{method} {path}: {}", page.status);
        }
    }

    async fn a_visit_that_is_over_opens_nothing(server: TestServer) {
        let organization = server.management().organization("Acme").await;
        let mut browser = server.visitor(&organization, None).await;
        let csrf = portal_csrf(&mut browser).await;
        server.clock.advance_seconds(3600);
        for (method, path, _) in routes() {
            let page = go(&mut browser, &method, &path, &csrf).await;
            assert_eq!(page.status, 403, "{method} {path}");
            assert!(page.html.contains("This visit is over") && !page.html.contains("Acme"), "{method} {path}");
        }
    }

    async fn threat_30_a_form_from_elsewhere_does_nothing(server: TestServer) {
        let organization = server.management().organization("Acme").await;
        let mut browser = server.visitor(&organization, None).await;
        let of_another = portal_csrf(&mut server.visitor(&organization, None).await).await;
        let own = portal_csrf(&mut browser).await;
        for (method, path, _) in routes() {
            if method != Method::POST {
                continue;
            }
            for fields in [&BTreeMap::new(), &of_another] {
                assert_eq!(browser.post(&path, fields).await.status, 403, "{path}");
            }
            browser.headers.push(("sec-fetch-site", "cross-site".to_owned()));
            assert_eq!(browser.post(&path, &own).await.status, 403, "{path}");
            browser.headers.pop();
        }
        assert_eq!(browser.open("/portal/machines").await.status, 200, "not even left");
    }

    async fn threat_16_34_what_is_of_another_organization_is_not_there(server: TestServer) {
        let management = server.management();
        server.declare("[environment.portal]\ncredentials = \"create\"\n").await.done();
        let (acme, theirs) = (management.organization("Acme").await, management.organization("Theirs").await);
        let machine = management.machine(&theirs, &[]).await;
        let (id, client_id) = (machine["id"].as_str().unwrap(), machine["client_id"].as_str().unwrap());
        let (secret_id, secret) = management.secret(id).await;
        let key = management.post(&format!("/organizations/{theirs}/api_keys"), serde_json::json!({"name": "Theirs"})).await.expect(201).json();
        let domain = serde_json::json!({"domain": "theirs.example.com", "organization_id": theirs});
        let domain = management.post("/organization_domains", domain).await.expect(201).text_at("id");
        let consent = {
            let third = server.application("third", true, &[]).await;
            let ada = server.person("ada@example.com").await;
            server.member(ada, &theirs).await;
            let mut browser = Browser::new(&server);
            let page = browser.open(&third.authorize("&scope=openid")).await;
            let page = server.sign_in(&mut browser, &page, "ada@example.com").await;
            browser.submit(&page, "/consent", &[("decision", "allow")]).await.sent("code").unwrap();
            let listed = management.get(&format!("/organizations/{theirs}/authorized_applications")).await.expect_list();
            listed[0]["id"].as_str().unwrap().replace("authorized_connect_app_", "app_consent_")
        };
        let mut browser = server.visitor(&acme, None).await;
        let csrf = portal_csrf(&mut browser).await;
        let key_id = key["id"].as_str().unwrap();
        let ours = management.machine(&acme, &[]).await["id"].as_str().unwrap().to_owned();
        for (path, field, value) in [
            (format!("/portal/machines/{id}/revoke"), "secret_id", secret_id.as_str()),
            (format!("/portal/machines/{client_id}/revoke"), "secret_id", secret_id.as_str()),
            (format!("/portal/machines/{ours}/revoke"), "secret_id", secret_id.as_str()),
            (format!("/portal/machines/{id}/secrets"), "x", ""),
            ("/portal/api-keys/revoke".to_owned(), "api_key_id", key_id),
            ("/portal/connections/revoke".to_owned(), "consent_id", consent.as_str()),
            ("/portal/domains/verify".to_owned(), "domain_id", domain.as_str()),
            ("/portal/domains/delete".to_owned(), "domain_id", domain.as_str()),
        ] {
            let mut fields = csrf.clone();
            fields.insert(field.to_owned(), value.to_owned());
            let page = browser.post(&path, &fields).await;
            assert_eq!(page.status, 404, "{path}: {}", page.html);
            assert!(!page.html.contains("Theirs"), "{path}");
        }
        for path in ["/portal/machines", "/portal/api-keys", "/portal/connections", "/portal/domains"] {
            let page = browser.open(path).await;
            assert!(!page.html.contains("heirs") && !page.html.contains(client_id) && !page.html.contains("ada@"), "{path}: {}", page.html);
        }
        // Nothing has changed.
        server.anonymous().token(client_id, &secret).await.expect(200);
        assert_eq!(management.get(&format!("/organizations/{theirs}/api_keys")).await.expect_list().len(), 1);
        assert_eq!(management.get(&format!("/organizations/{theirs}/authorized_applications")).await.expect_list().len(), 1);
        // The same requests from a legitimate visitor do have an effect.
        let mut browser = server.visitor(&theirs, None).await;
        let mut fields = portal_csrf(&mut browser).await;
        fields.insert("consent_id".to_owned(), consent);
        assert_eq!(browser.post("/portal/connections/revoke", &fields).await.status, 200);
    }

    async fn threat_17_a_visit_is_of_one_environment(server: TestServer) {
        let organization = server.management().organization("Acme").await;
        let another = server.another_environment().await;
        let link = server.portal_link(&organization, None).await;
        let client = server.anonymous();
        let on_the_way = |path: &str, cookie: &str| {
            client
                .request(Method::GET, path)
                .header("host", &another.authority)
                .header("sec-fetch-mode", "navigate")
                .header("sec-fetch-dest", "document")
                .header("cookie", cookie)
        };
        assert_eq!(client.send(on_the_way(&link, "x=y")).await.status, 400, "the link is no link there");
        let request = client.request(Method::GET, &link).header("sec-fetch-mode", "navigate").header("sec-fetch-dest", "document");
        let answer = client.send(request).await.expect(303);
        let cookies: Vec<_> = answer.headers.get_all("set-cookie").iter().map(|one| one.to_str().unwrap().split(';').next().unwrap()).collect();
        let cookie = cookies.iter().find(|one| one.starts_with("cs_portal=")).unwrap();
        let request = client.request(Method::GET, "/portal/machines").header("cookie", *cookie);
        client.send(request).await.expect(200);
        let page = client.send(on_the_way("/portal/machines", cookie)).await.expect(403);
        assert!(!page.text.contains("Acme"), "{}", page.text);
    }
}
