//! `/organization_domains`, and the domains inside organizations.

use crate::harness::{Client, TestServer, assert_id, assert_keys, assert_moment, on_both_databases};
use serde_json::{Value, json};

const KEYS: [&str; 9] = [
    "created_at",
    "domain",
    "id",
    "object",
    "organization_id",
    "state",
    "updated_at",
    "verification_strategy",
    "verification_token",
];

/// Creates an organization with a domain in a state; returns the organization.
async fn with_domain(management: &Client, domain: &str, state: &str) -> Value {
    let body = json!({"name": domain, "domain_data": [{"domain": domain, "state": state}]});
    management.post("/organizations", body).await.expect(201).json()
}

/// Returns the domains of an organization, each with its state.
fn states(organization: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    organization["domains"].as_array().unwrap().iter().map(|d| (text(&d["domain"]), text(&d["state"]))).collect()
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(domain, state)| ((*domain).to_owned(), (*state).to_owned())).collect()
}

on_both_databases! {
    async fn a_domain_is_added_pending_with_a_token_to_prove_it(server: TestServer) {
        let management = server.management();
        let organization = management.organization("Acme").await;
        let body = json!({"domain": "Sub.Acme.com", "organization_id": organization});
        let made = management.post("/organization_domains", body).await.expect(201).expect_json();
        assert_keys(&made, &KEYS);
        assert_eq!(made["object"], "organization_domain");
        assert_id(&made["id"], "org_domain");
        assert_eq!(made["organization_id"], organization.as_str());
        assert_eq!(made["domain"], "sub.acme.com");
        assert_eq!(made["state"], "pending");
        assert_eq!(made["verification_strategy"], "dns");
        assert_eq!(made["verification_token"].as_str().unwrap().len(), 25);
        assert_moment(&made["created_at"]);
        assert_moment(&made["updated_at"]);
        let path = format!("/organization_domains/{}", made["id"].as_str().unwrap());
        assert_eq!(management.get(&path).await.expect(200).json(), made);
        let holder = management.get(&format!("/organizations/{organization}")).await.expect(200).json();
        assert_eq!(holder["domains"], json!([made]));
    }

    async fn a_domain_given_as_verified_counts_as_proven_by_hand(server: TestServer) {
        let made = with_domain(&server.management(), "acme.com", "verified").await;
        assert_keys(&made["domains"][0], &KEYS);
        assert_eq!(made["domains"][0]["state"], "verified");
        assert_eq!(made["domains"][0]["verification_strategy"], "manual");
        assert_eq!(made["domains"][0]["organization_id"], made["id"]);
    }

    async fn the_older_list_of_domains_means_pending(server: TestServer) {
        let management = server.management();
        let made = management.post("/organizations", json!({"name": "A", "domains": ["a.com", "B.com"]})).await.expect(201).json();
        assert_eq!(states(&made), pairs(&[("a.com", "pending"), ("b.com", "pending")]));
        let both = json!({"name": "B", "domains": ["c.com"], "domain_data": [{"domain": "d.com", "state": "verified"}]});
        assert_eq!(states(&management.post("/organizations", both).await.expect(201).json()), pairs(&[("d.com", "verified")]));
    }

    async fn what_no_organization_can_own_is_refused(server: TestServer) {
        let management = server.management();
        let organization = management.organization("Acme").await;
        for bad in [
            "com", "co.uk", "github.io", "gmail.com", "Outlook.com", "localhost", "127.0.0.1", "[::1]", "acme", "acme..com",
            "-acme.com", "acme.com.", "acme.com/x", "a@acme.com", "https://acme.com", "acme.com:443", "a b.com", "*.acme.com",
            "acme.com\u{0}", "acme_.com",
        ] {
            management.post("/organizations", json!({"name": "A", "domain_data": [{"domain": bad, "state": "pending"}]})).await
                .expect_invalid(&[("domain_data.0.domain", "invalid")]);
            management.post("/organization_domains", json!({"domain": bad, "organization_id": organization})).await
                .expect_invalid(&[("domain", "invalid")]);
        }
        let long = format!("{}.com", "a".repeat(64));
        management.post("/organization_domains", json!({"domain": long, "organization_id": organization})).await
            .expect_invalid(&[("domain", "invalid")]);
        assert_eq!(management.get("/organizations").await.expect_list().len(), 1);
    }

    async fn a_body_of_the_wrong_form_is_refused(server: TestServer) {
        let management = server.management();
        let post = async |domain_data: Value| management.post("/organizations", json!({"name": "A", "domain_data": domain_data})).await;
        post(json!("a.com")).await.expect_invalid(&[("domain_data", "invalid_type")]);
        post(json!(["a.com"])).await.expect_invalid(&[("domain_data.0.domain", "required")]);
        post(json!([{"state": "pending"}])).await.expect_invalid(&[("domain_data.0.domain", "required")]);
        post(json!([{"domain": 1, "state": "pending"}])).await.expect_invalid(&[("domain_data.0.domain", "required")]);
        for state in [json!("failed"), json!("legacy_verified"), json!("VERIFIED"), json!(1), json!("")] {
            post(json!([{"domain": "a.com", "state": state}])).await.expect_invalid(&[("domain_data.0.state", "invalid")]);
        }
        post(json!([{"domain": "a.com"}, {"domain": "A.com"}])).await.expect_invalid(&[("domain_data.1.domain", "duplicate")]);
        post(json!((0..201).map(|n| json!({"domain": format!("a{n}.com")})).collect::<Vec<_>>())).await
            .expect_invalid(&[("domain_data", "too_many")]);
        management.post("/organizations", json!({"name": "A", "domains": [1]})).await.expect_invalid(&[("domains.0", "invalid_type")]);
        management.post("/organization_domains", json!({})).await
            .expect_invalid(&[("domain", "required"), ("organization_id", "required")]);
        management.post("/organization_domains", json!({"domain": [], "organization_id": {}})).await
            .expect_invalid(&[("domain", "invalid_type"), ("organization_id", "invalid_type")]);
        let nobody = "org_01EHZNVPK3SFK441A1RGBFSHRT";
        management.post("/organization_domains", json!({"domain": "a.com", "organization_id": nobody})).await
            .expect_not_found("Organization", nobody);
        assert_eq!(management.get("/organizations").await.expect_list(), Vec::<Value>::new());
    }

    async fn a_proven_domain_belongs_to_one_organization(server: TestServer) {
        let management = server.management();
        let owner = with_domain(&management, "acme.com", "verified").await;
        let other = management.organization("Other").await;
        for state in ["verified", "pending"] {
            let body = json!({"name": "Third", "domain_data": [{"domain": "ACME.com", "state": state}]});
            management.post("/organizations", body.clone()).await.expect_code(409, "domain_already_exists");
            management.put(&format!("/organizations/{other}"), body).await.expect_code(409, "domain_already_exists");
        }
        management.post("/organization_domains", json!({"domain": "acme.com", "organization_id": other})).await
            .expect_code(409, "domain_already_exists");
        assert_eq!(management.get("/organizations").await.expect_list().len(), 2, "a refused creation leaves nothing");
        let untouched = management.get(&format!("/organizations/{other}")).await.expect(200).json();
        assert_eq!((untouched["name"].as_str(), states(&untouched)), (Some("Other"), vec![]));
        // Once its owner has released it, it can be claimed.
        management.delete(&format!("/organization_domains/{}", owner["domains"][0]["id"].as_str().unwrap())).await.expect(204);
        management.post("/organization_domains", json!({"domain": "acme.com", "organization_id": other})).await.expect(201);
    }

    async fn an_organization_has_a_domain_once(server: TestServer) {
        let management = server.management();
        for state in ["pending", "verified"] {
            let organization = with_domain(&management, &format!("{state}.com"), state).await;
            let body = json!({"domain": format!("{state}.com"), "organization_id": organization["id"]});
            management.post("/organization_domains", body).await.expect_code(409, "domain_already_exists");
            let path = format!("/organizations/{}", organization["id"].as_str().unwrap());
            assert_eq!(management.get(&path).await.expect(200).json()["domains"], organization["domains"]);
        }
    }

    async fn of_two_that_claim_a_domain_one_can_prove_it(server: TestServer) {
        let management = server.management();
        let (first, second) = (with_domain(&management, "acme.com", "pending").await, with_domain(&management, "acme.com", "pending").await);
        let verified = json!({"domain_data": [{"domain": "acme.com", "state": "verified"}]});
        let path = |organization: &Value| format!("/organizations/{}", organization["id"].as_str().unwrap());
        let winner = management.put(&path(&first), verified.clone()).await.expect(200).json();
        assert_eq!(states(&winner), pairs(&[("acme.com", "verified")]));
        assert_eq!(winner["domains"][0]["id"], first["domains"][0]["id"], "the same claim, now proven");
        assert_eq!(winner["domains"][0]["verification_strategy"], "manual");
        management.put(&path(&second), verified).await.expect_code(409, "domain_already_exists");
        assert_eq!(states(&management.get(&path(&second)).await.json()), pairs(&[("acme.com", "pending")]));
    }

    async fn an_update_replaces_the_set(server: TestServer) {
        let management = server.management();
        let body = json!({"name": "A", "domain_data": [{"domain": "keep.com", "state": "verified"}, {"domain": "go.com", "state": "pending"}]});
        let made = management.post("/organizations", body).await.expect(201).json();
        let path = format!("/organizations/{}", made["id"].as_str().unwrap());
        let new_set = json!({"domain_data": [{"domain": "keep.com", "state": "pending"}, {"domain": "come.com", "state": "verified"}]});
        let changed = management.put(&path, new_set).await.expect(200).json();
        assert_eq!(states(&changed), pairs(&[("keep.com", "verified"), ("come.com", "verified")]), "what is proven stays proven");
        assert_eq!(changed["domains"][0]["id"], made["domains"][0]["id"]);
        assert_eq!(management.get(&path).await.expect(200).json(), changed);
        let gone = made["domains"][1]["id"].as_str().unwrap();
        management.get(&format!("/organization_domains/{gone}")).await.expect_not_found("Organization domain", gone);
        let untouched = management.put(&path, json!({"name": "B"})).await.expect(200).json();
        assert_eq!(untouched["domains"], changed["domains"]);
        let cleared = management.put(&path, json!({"domain_data": []})).await.expect(200).json();
        assert_eq!(cleared["domains"], json!([]));
    }

    async fn a_domain_is_deleted_by_itself(server: TestServer) {
        let management = server.management();
        let made = with_domain(&management, "acme.com", "verified").await;
        let id = made["domains"][0]["id"].as_str().unwrap();
        let path = format!("/organization_domains/{id}");
        management.delete(&path).await.expect(204);
        management.get(&path).await.expect_not_found("Organization domain", id);
        management.delete(&path).await.expect_not_found("Organization domain", id);
        let holder = management.get(&format!("/organizations/{}", made["id"].as_str().unwrap())).await.expect(200).json();
        assert_eq!(holder["domains"], json!([]));
        for id in ["org_domain_01EHZNVPK3SFK441A1RGBFSHRT", "org_domain_x", "acme.com", made["id"].as_str().unwrap()] {
            management.get(&format!("/organization_domains/{id}")).await.expect_not_found("Organization domain", id);
        }
    }

    async fn of_two_deletions_at_once_one_finds_nothing(server: TestServer) {
        let management = server.management();
        for round in 0..10 {
            let made = with_domain(&management, &format!("acme{round}.com"), "verified").await;
            let path = format!("/organization_domains/{}", made["domains"][0]["id"].as_str().unwrap());
            let (first, second) = tokio::join!(management.delete(&path), management.delete(&path));
            let mut statuses = [first.status, second.status];
            statuses.sort_unstable();
            assert_eq!(statuses, [204, 404]);
        }
    }

    async fn many_at_once_prove_a_domain_once(server: TestServer) {
        let management = server.management();
        let mut tasks = tokio::task::JoinSet::new();
        for n in 0..12 {
            let management = management.clone();
            tasks.spawn(async move {
                let body = json!({"name": format!("O{n}"), "domain_data": [{"domain": "acme.com", "state": "verified"}]});
                management.post("/organizations", body).await
            });
        }
        let mut made = 0;
        for answer in tasks.join_all().await {
            if answer.status == 201 {
                made += 1;
            } else {
                answer.expect_code(409, "domain_already_exists");
            }
        }
        assert_eq!(made, 1);
        assert_eq!(management.get("/organizations?limit=100").await.expect_list().len(), 1);
    }
}
