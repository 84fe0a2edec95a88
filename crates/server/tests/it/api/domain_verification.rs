//! Domain verification by TXT record.

use crate::harness::{Backend, Client, NameServer, TestServer, assert_keys, on_both_databases, run};
use countersign::domain::Failure;
use countersign::domain::organizations::domain_verification::settle;
use countersign::jobs::domain_verification;
use countersign_protocol::id::OrganizationDomainId;
use countersign_protocol::model::OrganizationDomain;
use countersign_store::organization;
use serde_json::{Value, json};
use std::sync::Arc;

async fn claim(management: &Client, domain: &str) -> Value {
    let organization = management.organization(domain).await;
    let body = json!({"domain": domain, "organization_id": organization});
    management.post("/organization_domains", body).await.expect(201).json()
}

async fn state(management: &Client, domain: &Value) -> String {
    let path = format!("/organization_domains/{}", domain["id"].as_str().unwrap());
    management.get(&path).await.expect(200).text_at("state")
}

async fn verify(management: &Client, domain: &Value) -> crate::harness::Answer {
    management.post(&format!("/organization_domains/{}/verify", domain["id"].as_str().unwrap()), json!({})).await
}

fn proof(domain: &Value) -> String {
    format!("verification_token={}", domain["verification_token"].as_str().unwrap())
}

async fn look(server: &TestServer) {
    domain_verification::run(Arc::clone(&server.app)).await;
}

/// Checks until a domain is in a state; the server's own job may be checking at the same time.
async fn becomes(server: &TestServer, domain: &Value, wanted: &str) {
    let began = std::time::Instant::now();
    loop {
        look(server).await;
        let state = state(&server.management(), domain).await;
        if state == wanted {
            return;
        }
        assert!(began.elapsed() < std::time::Duration::from_secs(10), "it is {state}, not {wanted}");
        tokio::task::yield_now().await;
    }
}

/// Starts a server that uses the test's own name server.
async fn asking(backend: Backend) -> Option<(TestServer, NameServer)> {
    let names = NameServer::start().await;
    let server = TestServer::start_with(backend, &[("dns_servers", &names.address.to_string())]).await?;
    Some((server, names))
}

async fn proves_itself(server: TestServer, names: NameServer) {
    let management = server.management();
    let domain = claim(&management, "acme.com").await;
    look(&server).await;
    assert_eq!(state(&management, &domain).await, "pending");

    // Another claim's token, or a token with something appended, proves nothing.
    let other = claim(&management, "other.com").await;
    names.publish("acme.com", &proof(&other));
    names.publish("acme.com", &format!("{}x", proof(&domain)));
    let again = verify(&management, &domain).await.expect(201).json();
    assert_eq!((&again["id"], &again["state"]), (&domain["id"], &json!("pending")));
    look(&server).await;
    assert_eq!(state(&management, &domain).await, "pending");

    names.publish("acme.com", &proof(&domain));
    verify(&management, &domain).await.expect(201);
    becomes(&server, &domain, "verified").await;
    let refused = verify(&management, &domain).await.expect(400).json();
    assert_eq!(refused["code"], "domain_already_verified");

    names.publish("_acme-challenge.other.com", &proof(&other));
    verify(&management, &other).await.expect(201);
    // The record name used by older guides.
    becomes(&server, &other, "verified").await;
}

on_both_databases! {
    async fn who_asks_to_look_again_does_not_undo_what_was_just_proven(server: TestServer) {
        let management = server.management();
        let domain = claim(&management, "acme.com").await;
        let seen = stored(&server, &domain).await;
        let (found, is_found) = tokio::sync::oneshot::channel();
        let (go_on, may_go_on) = tokio::sync::oneshot::channel::<()>();
        let (app, act) = (Arc::clone(&server.app), server.act());
        // SQLite has a single writer, so the writing transaction must not wait there.
        let waits = server.database.url.starts_with("postgres");
        let proving = tokio::spawn(async move {
            let proven = app.store.write::<(), Failure, _>(move |tx| {
                Box::pin(async move {
                    settle(tx, &act, &seen, act.now, true).await?;
                    found.send(()).unwrap();
                    if waits {
                        may_go_on.await.unwrap();
                    }
                    Ok(())
                })
            });
            proven.await.unwrap();
        });
        is_found.await.unwrap();
        let asking = {
            let (management, domain) = (management.clone(), domain.clone());
            tokio::spawn(async move { verify(&management, &domain).await })
        };
        let began = std::time::Instant::now();
        while !server.database.somebody_waits().await {
            assert!(began.elapsed() < std::time::Duration::from_secs(10), "it does not wait");
        }
        // Nobody receives it on SQLite.
        let _ = go_on.send(());
        proving.await.unwrap();
        assert_eq!(asking.await.unwrap().expect(400).text_at("code"), "domain_already_verified");
        assert_eq!(state(&management, &domain).await, "verified");
    }

    async fn a_look_that_began_before_it_was_asked_for_anew_does_not_give_up(server: TestServer) {
        let management = server.management();
        let domain = claim(&management, "acme.com").await;
        let before = stored(&server, &domain).await;
        server.clock.advance_seconds(1);
        verify(&management, &domain).await.expect(201);
        let long_ago = server.act().now.plus_secs(-40 * 86_400);
        let finds_nothing = async |seen: OrganizationDomain| {
            let act = server.act();
            let settled = server.app.store.write::<(), Failure, _>(move |tx| {
                Box::pin(async move { settle(tx, &act, &seen, long_ago, false).await })
            });
            settled.await.unwrap();
            state(&management, &domain).await
        };
        assert_eq!(finds_nothing(before).await, "pending");
        assert_eq!(finds_nothing(stored(&server, &domain).await).await, "failed");
    }
}

/// Returns a domain as stored in the database.
async fn stored(server: &TestServer, domain: &Value) -> OrganizationDomain {
    let id = OrganizationDomainId::parse(domain["id"].as_str().unwrap()).unwrap();
    let mut reader = server.app.store.reader().await.unwrap();
    organization::find_domain(&mut reader, server.environment_id(), id).await.unwrap().unwrap()
}

async fn is_looked_for_again(server: TestServer, names: NameServer) {
    let management = server.management();
    let domain = claim(&management, "acme.com").await;
    look(&server).await;
    names.publish("acme.com", &proof(&domain));
    server.clock.advance_seconds(31);
    becomes(&server, &domain, "verified").await;
}

async fn fails(server: TestServer, names: NameServer) {
    let management = server.management();
    let (first, second) = (claim(&management, "acme.com").await, claim(&management, "acme.com").await);
    let late = claim(&management, "late.com").await;
    look(&server).await;
    names.publish("acme.com", &proof(&first));
    verify(&management, &first).await.expect(201);
    becomes(&server, &first, "verified").await;
    names.publish("acme.com", &proof(&second));
    verify(&management, &second).await.expect(201);
    // A domain belongs to one organization only.
    becomes(&server, &second, "failed").await;
    assert_eq!(state(&management, &first).await, "verified");

    server.clock.advance_seconds(31 * 86_400);
    becomes(&server, &late, "failed").await;
    verify(&management, &late).await.expect(201);
    assert_eq!(state(&management, &late).await, "pending", "and may be tried again");

    let of = async |name: &str| {
        let told = management.get(&format!("/events?events=organization_domain.{name}")).await.expect_list();
        told.into_iter().map(|event| event["data"].clone()).collect::<Vec<_>>()
    };
    let failures = of("verification_failed").await;
    for (told, domain, reason) in [
        (&failures[0], &second, "domain_verified_by_other_organization"),
        (&failures[1], &late, "domain_verification_period_expired"),
    ] {
        assert_keys(told, &["organization_domain", "reason"]);
        assert_eq!((&told["organization_domain"]["id"], &told["reason"]), (&domain["id"], &json!(reason)));
        assert_eq!(told["organization_domain"]["state"], "failed");
    }
    assert_eq!(failures.len(), 2);
    let verified = of("verified").await;
    assert_eq!(verified.len(), 1);
    assert_keys(&verified[0], &first.as_object().unwrap().keys().map(String::as_str).collect::<Vec<_>>());
    assert!(of("updated").await.contains(&verified[0]));
}

macro_rules! with_a_name_server {
    ($($name:ident: $body:ident;)*) => {$(
        mod $name {
            #[test]
            fn sqlite() {
                super::run(async {
                    let (server, names) = super::asking(super::Backend::Sqlite).await.unwrap();
                    super::$body(server, names).await;
                });
            }

            #[test]
            fn postgres() {
                super::run(async {
                    if let Some((server, names)) = super::asking(super::Backend::Postgres).await {
                        super::$body(server, names).await;
                    }
                });
            }
        }
    )*};
}

with_a_name_server! {
    a_domain_with_its_record_is_verified: proves_itself;
    a_record_that_comes_later_is_found: is_looked_for_again;
    a_domain_of_another_or_without_a_record_fails: fails;
}

on_both_databases! {
    async fn another_tenants_domain_is_not_there_to_verify(server: TestServer) {
        let management = server.management();
        let missing = json!({"id": "org_domain_01ARZ3NDEKTSV4RRFFQ69G5FAV"});
        verify(&management, &missing).await.expect(404);
        verify(&management, &json!({"id": "nonsense"})).await.expect(404);
    }
}
