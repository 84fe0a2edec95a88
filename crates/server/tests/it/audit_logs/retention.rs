//! How long events are kept, and that the chain remains valid when they are deleted.

use super::{event, told, walked};
use crate::harness::{TestServer, on_both_databases};
use countersign::domain::audit_log::chain::prune;
use countersign_protocol::audit::chain::Fault;
use countersign_store::audit_log_retention;
use serde_json::json;

const DAY: i64 = 86_400;

async fn pruned(server: &TestServer) -> Result<(), String> {
    let now = server.app.clock.now();
    let done = prune(&server.app.store, &server.app.keyring.audit_log, server.environment_id(), now).await;
    done.map_err(|failure| failure.to_string())
}

on_both_databases! {
    async fn the_period_of_an_organization(server: TestServer) {
        let management = server.management();
        let organization = management.organization("Acme").await;
        let (path, all) = (format!("/organizations/{organization}/audit_logs_retention"), format!("/organizations/{organization}/audit_log_configuration"));
        assert_eq!(management.get(&path).await.expect(200).json(), json!({"retention_period_in_days": null}));
        assert_eq!(management.get(&all).await.expect(200).json(), json!({"organization_id": organization, "retention_period_in_days": 365, "state": "active"}));
        for (days, code) in [(json!(null), "required"), (json!(31), "invalid"), (json!("30"), "invalid_type")] {
            management.put(&path, json!({"retention_period_in_days": days})).await.expect_invalid(&[("retention_period_in_days", code)]);
        }
        for days in [30, 365, 3650, 330, 30] {
            assert_eq!(management.put(&path, json!({"retention_period_in_days": days})).await.expect(200).json(), json!({"retention_period_in_days": days}));
        }
        assert_eq!(management.get(&path).await.expect(200).json(), json!({"retention_period_in_days": 30}));
        assert_eq!(management.put(&path, json!({"retention_period": "2_MONTHS"})).await.expect(200).json(), json!({"retention_period_in_days": 60}));
        assert_eq!(management.put(&path, json!({"retention_period": "10_YEARS"})).await.expect(200).json(), json!({"retention_period_in_days": 3650}));
        assert_eq!(management.get(&all).await.expect(200).json()["retention_period_in_days"], 3650);
        management.put(&path, json!({"retention_period": "11_YEARS"})).await.expect_invalid(&[("retention_period", "invalid")]);
        management.put(&path, json!({"retention_period": "1_YEAR", "retention_period_in_days": 30})).await.expect_invalid(&[("retention_period", "invalid")]);
        management.put(&path, json!({"retention_period": "1_MONTH"})).await.expect(200);
        assert_eq!(management.get(&all).await.expect(200).json()["retention_period_in_days"], 30);
        management.get("/organizations/org_01EHZNVPK3SFK441A1RGBFSHRT/audit_logs_retention").await.expect(404);
    }

    async fn what_has_had_its_time_goes_and_the_chain_stays_whole(server: TestServer) {
        let management = server.management();
        let (brief, long) = (told(&server, 3).await, management.organization("Long").await);
        management.put(&format!("/organizations/{brief}/audit_logs_retention"), json!({"retention_period_in_days": 30})).await.expect(200);
        for number in 0..3 {
            management.post("/audit_logs/events", event(&long, "team.renamed", number)).await.expect(200);
            management.post("/audit_logs/events", event(&brief, "team.renamed", 10 + number)).await.expect(200);
        }
        let before = walked(&server, server.environment_id()).await;
        assert_eq!((before.broken, before.pruned), (None, 0));
        pruned(&server).await.unwrap();
        assert_eq!(walked(&server, server.environment_id()).await.whole, before.whole, "nothing is old");

        server.clock.advance_seconds(31 * DAY);
        pruned(&server).await.unwrap();
        let now = walked(&server, server.environment_id()).await;
        assert_eq!((now.broken, now.whole, now.pruned), (None, before.whole - 6, 6));
        assert_eq!(now.ends, before.ends, "its links stay, for others stand before them");

        management.post("/audit_logs/events", event(&long, "team.renamed", 99)).await.expect(200);
        server.clock.advance_seconds(340 * DAY);
        pruned(&server).await.unwrap();
        let now = walked(&server, server.environment_id()).await;
        assert_eq!((now.broken, now.whole, now.pruned), (None, 1, 0));
        assert_eq!(now.ends.pruned_through, before.ends.sequence);
        // And it continues from there.
        management.post("/audit_logs/events", event(&long, "team.renamed", 100)).await.expect(200);
        let now = walked(&server, server.environment_id()).await;
        assert_eq!((now.broken, now.whole), (None, 2));
        server.clock.advance_seconds(400 * DAY);
        pruned(&server).await.unwrap();
        let empty = walked(&server, server.environment_id()).await;
        assert_eq!((empty.broken, empty.whole, empty.ends.sequence), (None, 0, now.ends.sequence));
    }

    async fn what_is_to_be_kept_for_ten_years_is_kept_for_ten_years(server: TestServer) {
        let management = server.management();
        let (ordinary, long) = (told(&server, 2).await, management.organization("Long").await);
        management.put(&format!("/organizations/{long}/audit_logs_retention"), json!({"retention_period": "10_YEARS"})).await.expect(200);
        for number in 0..3 {
            management.post("/audit_logs/events", event(&long, "team.renamed", number)).await.expect(200);
        }
        let before = walked(&server, server.environment_id()).await;
        server.clock.advance_seconds(366 * DAY);
        pruned(&server).await.unwrap();
        // The other organizations' events, and what administrators did to the organization itself, have expired.
        let now = walked(&server, server.environment_id()).await;
        assert_eq!((now.broken, now.whole), (None, 3));
        assert_eq!(now.ends.sequence, before.ends.sequence);
        server.clock.advance_seconds((3650 - 367) * DAY);
        pruned(&server).await.unwrap();
        assert_eq!(walked(&server, server.environment_id()).await.whole, 3);
        server.clock.advance_seconds(2 * DAY);
        pruned(&server).await.unwrap();
        let now = walked(&server, server.environment_id()).await;
        assert_eq!((now.broken, now.whole, now.pruned), (None, 0, 0));
        management.get(&format!("/organizations/{ordinary}/audit_logs_retention")).await.expect(200);
    }

    async fn a_period_counts_for_what_was_told_of_an_organization_that_is_gone(server: TestServer) {
        let management = server.management();
        let (brief, long) = (told(&server, 2).await, management.organization("Long").await);
        management.put(&format!("/organizations/{brief}/audit_logs_retention"), json!({"retention_period_in_days": 30})).await.expect(200);
        management.put(&format!("/organizations/{long}/audit_logs_retention"), json!({"retention_period": "2_YEARS"})).await.expect(200);
        management.post("/audit_logs/events", event(&long, "team.renamed", 7)).await.expect(200);
        for gone in [&brief, &long] {
            management.delete(&format!("/organizations/{gone}")).await.expect(200);
        }
        let before = walked(&server, server.environment_id()).await.whole;
        let said = async |organization: &str| {
            let mut reader = server.app.store.reader().await.unwrap();
            audit_log_retention::find(&mut reader, server.environment_id(), organization.parse().unwrap()).await.unwrap()
        };
        server.clock.advance_seconds(31 * DAY);
        pruned(&server).await.unwrap();
        assert_eq!(walked(&server, server.environment_id()).await.whole, before - 2);
        // The retention setting was deleted with the last of its events.
        assert_eq!((said(&brief).await, said(&long).await), (None, Some(730)));
        server.clock.advance_seconds((729 - 31) * DAY);
        pruned(&server).await.unwrap();
        assert_eq!(walked(&server, server.environment_id()).await.whole, 1);
        server.clock.advance_seconds(2 * DAY);
        pruned(&server).await.unwrap();
        assert_eq!((walked(&server, server.environment_id()).await.whole, said(&long).await), (0, None));
    }

    async fn evidence_is_not_pruned(server: TestServer) {
        told(&server, 3).await;
        walked(&server, server.environment_id()).await;
        server.database.tamper("UPDATE audit_log_event SET content = replace(content, 'Ada', 'Eve')").await;
        server.clock.advance_seconds(400 * DAY);
        assert!(pruned(&server).await.unwrap_err().contains("broken"));
        assert_eq!(walked(&server, server.environment_id()).await.broken.unwrap().fault, Fault::Changed);
    }

    async fn a_period_that_somebody_has_written_into_the_database_takes_nothing_that_is_young(server: TestServer) {
        let organization = told(&server, 3).await;
        let path = format!("/organizations/{organization}/audit_logs_retention");
        server.management().put(&path, json!({"retention_period_in_days": 30})).await.expect(200);
        let before = walked(&server, server.environment_id()).await;
        // The attacker removes the constraint that rules out such a row.
        let (rule, rule_again) = match server.database.url.as_str() {
            "sqlite" => ("PRAGMA ignore_check_constraints = 1", "PRAGMA ignore_check_constraints = 1"),
            _ => ("ALTER TABLE audit_log_retention DROP CONSTRAINT audit_log_retention_days_check", "SELECT 1"),
        };
        server.database.tamper(&format!("{rule}; UPDATE audit_log_retention SET days = -100000")).await;
        server.clock.advance_seconds(29 * DAY);
        pruned(&server).await.unwrap();
        let now = walked(&server, server.environment_id()).await;
        assert_eq!((now.broken, now.whole, now.pruned), (None, before.whole, 0));
        assert_eq!(server.management().get(&path).await.expect(200).json(), json!({"retention_period_in_days": 30}));
        server.clock.advance_seconds(2 * DAY);
        pruned(&server).await.unwrap();
        let now = walked(&server, server.environment_id()).await;
        assert_eq!((now.broken, now.whole, now.pruned), (None, before.whole - 3, 3));
        // Nor does it keep anything forever.
        server.management().post("/audit_logs/events", event(&organization, "team.renamed", 9)).await.expect(200);
        walked(&server, server.environment_id()).await;
        server.database.tamper(&format!("{rule_again}; UPDATE audit_log_retention SET days = 100000")).await;
        assert_eq!(server.management().get(&path).await.expect(200).json(), json!({"retention_period_in_days": 3650}));
        server.clock.advance_seconds(3651 * DAY);
        pruned(&server).await.unwrap();
        assert_eq!(walked(&server, server.environment_id()).await.whole, 0);
    }

    async fn what_was_told_of_an_organization_stays_when_it_goes(server: TestServer) {
        let organization = told(&server, 2).await;
        let before = walked(&server, server.environment_id()).await.whole;
        server.management().delete(&format!("/organizations/{organization}")).await.expect(200);
        let now = walked(&server, server.environment_id()).await;
        assert_eq!((now.broken, now.whole), (None, before + 1));
    }
}
