//! Who may see and do what. The route table defines it, and these tests read the table.

use crate::harness::{Browser, TestServer, on_both_databases};
use countersign::http::routes::Policy;
use countersign::router;
use countersign_protocol::model::StaffRole;
use reqwest::Method;
use std::collections::BTreeMap;

/// Returns the dashboard's pages and forms: method, path with its parameters filled in, and required role.
fn routes() -> Vec<(Method, String, StaffRole)> {
    let table = router::routes().table().to_vec();
    let routes: Vec<_> = table
        .into_iter()
        .filter_map(|route| match route.policy {
            Policy::Staff(role) => {
                let path = route.path.replace("{environment}", "default").replace("{id}", "x");
                let path = path.replace("{membership}", "x").replace("{slug}", "x");
                let path = path.replace("{event}", "x").replace("{export}", "x");
                Some((route.method, path, role))
            }
            _ => None,
        })
        .collect();
    assert!(routes.len() > 5);
    routes
}

/// Returns the CSRF field of this browser, taken from a form that everybody has.
async fn csrf(browser: &mut Browser) -> BTreeMap<String, String> {
    let page = browser.open("/dashboard/sign-out").await;
    let csrf = page.form("/dashboard/sign-out").fields.remove("csrf").unwrap();
    BTreeMap::from([("csrf".to_owned(), csrf)])
}

on_both_databases! {
    async fn threat_42_who_is_less_than_a_route_needs_is_refused_everywhere(server: TestServer) {
        for role in [StaffRole::ReadOnly, StaffRole::Developer, StaffRole::Admin] {
            let mut browser = server.staff(role).await;
            let forged = csrf(&mut browser).await;
            for (method, path, needed) in routes() {
                if role.allows(needed) {
                    continue;
                }
                let page = if method == Method::POST { browser.post(&path, &forged).await } else { browser.open(&path).await };
                assert_eq!(page.status, 403, "{} {method} {path}", role.as_str());
                assert!(page.html.contains("Not allowed"), "{}", page.html);
            }
        }
    }

    async fn who_is_not_signed_in_is_sent_to_sign_in_and_nothing_happens(server: TestServer) {
        let mut browser = Browser::new(&server);
        let page = browser.open("/dashboard/sign-in").await;
        let forged = BTreeMap::from([("csrf".to_owned(), page.form("/dashboard/sign-in").fields["csrf"].clone())]);
        for (method, path, _) in routes() {
            let page = if method == Method::POST { browser.post(&path, &forged).await } else { browser.open(&path).await };
            assert_eq!(page.path.split('?').next(), Some("/dashboard/sign-in"), "{method} {path}: {}", page.status);
        }
    }

    async fn threat_30_a_form_from_elsewhere_does_nothing_even_for_an_owner(server: TestServer) {
        let mut owner = server.staff(StaffRole::Owner).await;
        let mut other = server.staff(StaffRole::Owner).await;
        let of_another_browser = csrf(&mut other).await;
        let of_the_product = Browser::new(&server).open("/sign-in").await.form("/sign-in").fields["csrf"].clone();
        let forged = [BTreeMap::new(), of_another_browser, BTreeMap::from([("csrf".to_owned(), of_the_product)])];
        for (method, path, _) in routes() {
            if method != Method::POST {
                continue;
            }
            for fields in &forged {
                assert_eq!(owner.post(&path, fields).await.status, 403, "{path}");
            }
        }
    }

    async fn threat_16_a_session_with_the_product_is_none_here_and_the_other_way_round(server: TestServer) {
        // A user of the product with the same email address as a staff member.
        server.person("ada@example.com").await;
        let mut person = Browser::new(&server);
        let page = person.open("/sign-in").await;
        server.sign_in(&mut person, &page, "ada@example.com").await;
        assert_eq!(person.open("/account").await.status, 200);
        assert_eq!(person.open("/dashboard").await.path.split('?').next(), Some("/dashboard/sign-in"));
        let mut owner = server.staff(StaffRole::Owner).await;
        assert_eq!(owner.open("/account").await.path.split('?').next(), Some("/sign-in"));
        // Not even when the cookie is renamed to the other's name.
        let mut thief = Browser::new(&server);
        thief.steal_as(&person, "cs_session", "cs_staff_session");
        assert_eq!(thief.open("/dashboard").await.path.split('?').next(), Some("/dashboard/sign-in"));
        let mut thief = Browser::new(&server);
        thief.steal_as(&owner, "cs_staff_session", "cs_session");
        assert_eq!(thief.open("/account").await.path.split('?').next(), Some("/sign-in"));
    }

    async fn threat_17_the_dashboard_is_on_the_host_of_the_api_only(server: TestServer) {
        let another = server.another_environment().await;
        let client = server.anonymous();
        for path in ["/dashboard", "/dashboard/sign-in", "/dashboard/env/default"] {
            let request = client.request(Method::GET, path).header("host", &another.authority);
            assert_eq!(client.send(request).await.status, 404, "{path}");
            let request = client.request(Method::GET, path).header("host", "evil.example");
            assert_eq!(client.send(request).await.status, 421, "{path}");
        }
    }

    async fn the_built_in_environment_is_nobodys_environment(server: TestServer) {
        let mut owner = server.staff(StaffRole::Owner).await;
        for name in ["Countersign", "countersign", "staff", "nope"] {
            assert_eq!(owner.open(&format!("/dashboard/env/{name}")).await.status, 404, "{name}");
        }
        assert!(!owner.open("/dashboard").await.html.contains("/dashboard/env/Countersign"));
        // Its users and organizations are not the product's.
        assert!(server.management().get("/user_management/users").await.expect_list().is_empty());
        assert!(server.management().get("/organizations").await.expect_list().is_empty());
        assert!(server.management().get("/events").await.expect_list().is_empty());
    }

    async fn staff_sign_in_again_after_half_a_day_away_and_after_a_week(server: TestServer) {
        let mut idle = server.staff(StaffRole::Developer).await;
        server.clock.advance_seconds(43_201);
        assert_eq!(idle.open("/dashboard/env/default").await.path.split('?').next(), Some("/dashboard/sign-in"));
        let mut busy = server.staff(StaffRole::Developer).await;
        for _ in 0..14 {
            assert_eq!(busy.open("/dashboard/env/default").await.status, 200);
            server.clock.advance_seconds(43_199);
        }
        server.clock.advance_seconds(15);
        assert_eq!(busy.open("/dashboard/env/default").await.path.split('?').next(), Some("/dashboard/sign-in"));
    }

    async fn who_loses_the_role_is_out_at_once(server: TestServer) {
        let mut developer = server.staff(StaffRole::Developer).await;
        assert_eq!(developer.open("/dashboard/env/default").await.status, 200);
        server.dismiss_staff().await;
        let page = developer.open("/dashboard/env/default").await;
        assert_eq!(page.status, 403, "{}", page.html);
    }
}
