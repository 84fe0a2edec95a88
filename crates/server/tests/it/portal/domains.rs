//! Domain verification in the portal.

use super::between;
use crate::harness::{Backend, NameServer, TestServer, navigation, on_both_databases, run};
use countersign::jobs::domain_verification;
use serde_json::json;
use std::sync::Arc;

on_both_databases! {
    async fn what_is_no_domain_or_is_there_already_is_refused(server: TestServer) {
        let management = server.management();
        let (organization, other) = (management.organization("Acme").await, management.organization("Other").await);
        let verified = json!([{"domain": "taken.example.com", "state": "verified"}]);
        management.put(&format!("/organizations/{other}"), json!({"domain_data": verified})).await.expect(200);
        let mut browser = server.visitor(&organization, Some("domain_verification")).await;
        let page = browser.open("/portal").await;
        assert_eq!(page.path, "/portal/domains");
        assert!(!page.html.contains("/portal/machines"), "only what is open is shown");
        for (typed, told) in [("", "cannot own that domain"), ("<b>x</b>", "cannot own that domain"), ("gmail.com", "cannot own that domain"), ("taken.example.com", "belongs to another")] {
            let answer = browser.submit(&page, "/portal/domains", &[("domain", typed)]).await;
            assert_eq!(answer.status, 422, "{typed}: {}", answer.html);
            assert!(answer.html.contains(told) && !answer.html.contains("<b>x"), "{typed}: {}", answer.html);
            assert_eq!(answer.form("/portal/domains").fields["domain"], typed);
        }
        assert_eq!(browser.submit(&page, "/portal/domains", &[("domain", "Acme.Example.com")]).await.status, 201);
        assert_eq!(browser.submit(&page, "/portal/domains", &[("domain", "acme.example.com")]).await.status, 422);
    }

    async fn what_was_mistyped_is_removed_and_what_is_proven_is_not(server: TestServer) {
        let management = server.management();
        let organization = management.organization("Acme").await;
        let path = format!("/organizations/{organization}");
        let domains = json!([{"domain": "proven.example.com", "state": "verified"}, {"domain": "mistyped.example.com"}]);
        let known = management.put(&path, json!({"domain_data": domains})).await.expect(200).json();
        let mut browser = server.visitor(&organization, Some("domain_verification")).await;
        let page = browser.open("/portal/domains").await;
        let forms = page.forms().into_iter().filter(|form| form.action == "/portal/domains/delete");
        assert_eq!(forms.count(), 1, "{}", page.html);
        assert!(page.html.contains("aria-label=\"Remove: mistyped.example.com\""), "{}", page.html);
        let gone = browser.submit(&page, "/portal/domains/delete", &[]).await;
        assert!(gone.status == 200 && gone.html.contains("mistyped.example.com was removed."), "{}", gone.html);
        assert_eq!(browser.submit(&page, "/portal/domains/delete", &[]).await.status, 404, "it is gone");
        let listed = known["domains"].as_array().unwrap();
        let proven = listed.iter().find(|one| one["state"] == "verified").unwrap()["id"].as_str().unwrap();
        assert_eq!(browser.submit(&page, "/portal/domains/delete", &[("domain_id", proven)]).await.status, 404);
        let kept = management.get(&path).await.json();
        assert_eq!((kept["domains"].as_array().unwrap().len(), &kept["domains"][0]["domain"]), (1, &json!("proven.example.com")));
    }
}

/// Starts a server that uses the test's own name server.
async fn asking(backend: Backend) -> Option<(TestServer, NameServer)> {
    let names = NameServer::start().await;
    let server = TestServer::start_with(backend, &[("dns_servers", &names.address.to_string())]).await?;
    Some((server, names))
}

async fn is_proven_by_the_record_that_the_page_shows(server: TestServer, names: NameServer) {
    let organization = server.management().organization("Acme").await;
    let body = json!({"organization": organization, "intent": "domain_verification", "success_url": "https://app.example.com/done"});
    let link = server.management().post("/portal/generate_link", body).await.expect(201).text_at("link");
    let mut browser = crate::harness::Browser::new(&server);
    browser.headers = navigation();
    let page = browser.open(&server.path_of(&link)).await;
    let page = browser.submit(&page, "/portal/domains", &[("domain", "acme.com")]).await;
    assert_eq!(page.status, 201, "{}", page.html);
    assert!(page.html.contains("Waiting for the record"), "{}", page.html);
    let record = between(&page.html, "<code>verification_token=", "<").to_owned();
    names.publish("acme.com", &format!("verification_token={record}"));
    let page = browser.submit(&page, "/portal/domains/verify", &[]).await;
    assert!(page.html.contains("looking for the record of acme.com again"), "{}", page.html);
    let began = std::time::Instant::now();
    let page = loop {
        domain_verification::run(Arc::clone(&server.app)).await;
        let page = browser.open("/portal/domains").await;
        if page.html.contains(">Verified<") {
            break page;
        }
        assert!(began.elapsed() < std::time::Duration::from_secs(10), "{}", page.html);
        tokio::task::yield_now().await;
    };
    assert!(
        page.html.contains("https://app.example.com/done") && !page.html.contains("verification_token"),
        "{}",
        page.html
    );
    assert_eq!(server.events("organization_domain.verified").await.len(), 1);
}

mod a_domain_is_proven_by_the_record_that_the_page_shows {
    #[test]
    fn sqlite() {
        super::run(async {
            let (server, names) = super::asking(super::Backend::Sqlite).await.unwrap();
            super::is_proven_by_the_record_that_the_page_shows(server, names).await;
        });
    }

    #[test]
    fn postgres() {
        super::run(async {
            if let Some((server, names)) = super::asking(super::Backend::Postgres).await {
                super::is_proven_by_the_record_that_the_page_shows(server, names).await;
            }
        });
    }
}
