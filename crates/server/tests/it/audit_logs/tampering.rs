//! An attacker with access to the database, but not to the master key, cannot change the log undetected.

use super::{event, told, trail, walked};
use crate::harness::{TestServer, on_both_databases};
use countersign::domain::audit_log::chain::place;
use countersign_protocol::audit::chain::Fault;

/// Returns a condition that matches the event with this number.
fn of(number: usize) -> String {
    format!("content LIKE '%\"team_{number}\"%'")
}

/// Runs statements on the database of a server with five events, and checks how the chain is then broken.
async fn check(server: &TestServer, statements: &str, expected: Fault) {
    told(server, 5).await;
    assert_eq!(walked(server, server.environment_id()).await.broken, None);
    server.database.tamper(statements).await;
    let broken = walked(server, server.environment_id()).await.broken;
    assert_eq!(broken.map(|broken| broken.fault), Some(expected), "{statements}");
}

on_both_databases! {
    async fn a_record_that_was_edited_is_found(server: TestServer) {
        check(&server, &format!("UPDATE audit_log_event SET content = replace(content, 'Ada', 'Eve') WHERE {}", of(2)), Fault::Changed).await;
    }

    async fn a_moment_that_was_moved_is_found(server: TestServer) {
        check(&server, &format!("UPDATE audit_log_event SET occurred_at = occurred_at + 1 WHERE {}", of(2)), Fault::Changed).await;
    }

    async fn a_record_that_was_given_to_another_organization_is_found(server: TestServer) {
        let other = server.management().organization("Other").await;
        check(&server, &format!("UPDATE audit_log_event SET organization_id = '{other}' WHERE {}", of(2)), Fault::Changed).await;
    }

    async fn a_record_that_was_deleted_is_found(server: TestServer) {
        check(&server, &format!("DELETE FROM audit_log_event WHERE {}", of(2)), Fault::Missing).await;
    }

    async fn records_that_were_swapped_are_found(server: TestServer) {
        let swap = format!(
            "UPDATE audit_log_event SET sequence = -1 WHERE {one};
             UPDATE audit_log_event SET sequence = (SELECT sequence + 1 FROM audit_log_event o WHERE o.{before}) WHERE {two};
             UPDATE audit_log_event SET sequence = (SELECT sequence - 1 FROM audit_log_event o WHERE o.{after}) WHERE {one};",
            one = of(2), two = of(3), before = of(1), after = of(4),
        );
        check(&server, &swap, Fault::Relinked).await;
    }

    async fn a_tail_that_was_cut_off_is_found(server: TestServer) {
        check(&server, &format!("DELETE FROM audit_log_event WHERE {}", of(4)), Fault::Missing).await;
    }

    async fn a_tail_that_was_cut_off_with_the_head_moved_back_is_found(server: TestServer) {
        let cut = format!(
            "UPDATE audit_log_head SET sequence = sequence - 1, hash = (SELECT hash FROM audit_log_event WHERE {});
             DELETE FROM audit_log_event WHERE {};", of(3), of(4));
        check(&server, &cut, Fault::Ends).await;
    }

    async fn content_that_was_taken_away_as_if_its_time_was_over_is_found(server: TestServer) {
        check(&server, &format!("UPDATE audit_log_event SET content = NULL, kind = 'pruned' WHERE {}", of(2)), Fault::Removed).await;
    }

    async fn a_head_that_is_gone_is_found(server: TestServer) {
        check(&server, "DELETE FROM audit_log_head", Fault::Ends).await;
    }

    async fn a_link_that_no_program_can_have_written_is_found(server: TestServer) {
        check(&server, &format!("UPDATE audit_log_event SET kind = 'organization', organization_id = 'x' WHERE {}", of(2)), Fault::Changed).await;
    }

    async fn a_record_that_was_put_in_front_is_found(server: TestServer) {
        check(&server, "INSERT INTO audit_log_event (environment_id, id, kind, organization_id, occurred_at, recorded_at, content, content_hash, seal, sequence, hash)
            SELECT environment_id, 'audit_log_event_01EHZNVPK3SFK441A1RGBFSHRT', kind, organization_id, occurred_at, recorded_at, content, content_hash, seal, -5, hash
            FROM audit_log_event WHERE sequence = 1", Fault::Outside).await;
    }

    async fn a_record_that_was_put_in_line_gets_no_place(server: TestServer) {
        check(&server, "INSERT INTO audit_log_event (environment_id, id, kind, organization_id, occurred_at, recorded_at, content, content_hash, seal)
            SELECT environment_id, 'audit_log_event_01EHZNVPK3SFK441A1RGBFSHRT', kind, organization_id, occurred_at, recorded_at, content, content_hash, seal
            FROM audit_log_event WHERE sequence = 1", Fault::Outside).await;
    }

    async fn what_was_tampered_with_is_never_sealed_over(server: TestServer) {
        let organization = told(&server, 3).await;
        walked(&server, server.environment_id()).await;
        server.database.tamper(&format!(
            "UPDATE audit_log_head SET sequence = sequence - 1, hash = (SELECT hash FROM audit_log_event WHERE {}); DELETE FROM audit_log_event WHERE {};",
            of(1), of(2))).await;
        // Events are still accepted, and wait.
        server.management().post("/audit_logs/events", event(&organization, "team.renamed", 9)).await.expect(200);
        // The linked events can still be read.
        assert!(!trail(&server).await.is_empty());
        assert!(place(&server.app.store, &server.app.keyring.audit_log, server.environment_id()).await.is_err());
        assert_eq!(walked(&server, server.environment_id()).await.broken.unwrap().fault, Fault::Ends);
    }
}
