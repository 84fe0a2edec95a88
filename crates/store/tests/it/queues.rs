//! Due work that nodes pick up: everybody gets a turn.

use crate::harness::{Database, at};
use crate::sample::{fresh, plant, plant_environment, plant_organization};
use countersign_protocol::audit::export::{AuditStream, StreamFormat, StreamState};
use countersign_protocol::id::{ApplicationId, EnvironmentId, Id, OrganizationDomainId, OrganizationId, SessionId};
use countersign_store::{Store, audit_log_stream, domain_check, logout_notice, organization};

async fn plant_stream(store: &Store, environment_id: EnvironmentId, organization_id: OrganizationId) -> AuditStream {
    let stream = AuditStream {
        id: fresh(),
        organization_id,
        url: "https://logs.example.com/".to_owned(),
        format: StreamFormat::Json,
        sealed_headers: vec![1],
        state: StreamState::Active,
        sequence: 0,
        attempts: 0,
        next_at: Some(at(0)),
        last_synced_at: None,
        created_at: at(0),
        updated_at: at(0),
    };
    let planted = stream.clone();
    transaction!(store, |tx| audit_log_stream::set(tx, environment_id, &planted).await).unwrap();
    stream
}

/// Writes an organization's events with positions, behind the store's back.
async fn tell(
    database: &Database,
    environment_id: EnvironmentId,
    organization_id: OrganizationId,
    sequences: std::ops::Range<i64>,
) {
    for sequence in sequences {
        let id = format!("audit_{sequence}_{organization_id}");
        let hash = if matches!(database, Database::Sqlite { .. }) { "x'00'" } else { "'\\x00'" };
        database
            .execute(&format!(
                "INSERT INTO audit_log_event (environment_id, id, kind, organization_id, occurred_at, recorded_at, content, \
                 content_hash, seal, sequence, hash) VALUES ('{environment_id}', '{id}', 'organization', '{organization_id}', \
                 0, 0, '{{}}', {hash}, {hash}, {sequence}, {hash})"
            ))
            .await;
    }
}

on_both_databases! {
    async fn a_stream_that_has_nothing_to_send_takes_nobodys_turn(database: Database) {
        let store = database.migrated().await;
        let (here, there) = (plant_environment(&store).await, plant_environment(&store).await);
        let mut busy = Vec::new();
        for number in 0..3 {
            plant_stream(&store, here, plant_organization(&store, here).await.id).await;
            let organization_id = plant_organization(&store, here).await.id;
            busy.push(plant_stream(&store, here, organization_id).await);
            tell(&database, here, organization_id, number * 10 + 1..number * 10 + 3).await;
        }
        let organization_id = plant_organization(&store, there).await.id;
        let other = plant_stream(&store, there, organization_id).await;
        let due = async || -> Vec<_> {
            let found = audit_log_stream::due(&mut store.reader().await.unwrap(), at(5)).await.unwrap();
            found.into_iter().map(|(_, stream)| stream.id).collect()
        };
        let found = due().await;
        assert_eq!(found.len(), 3);
        assert!(busy.iter().all(|stream| found.contains(&stream.id)), "{found:?}");
        tell(&database, there, organization_id, 1..2).await;
        let found = due().await;
        assert!(found.len() == 4 && found[..2].contains(&other.id), "one of each first: {found:?}");
        // A stream whose events have been sent is not due again.
        let mut sent = other.clone();
        sent.sequence = 1;
        transaction!(store, |tx| audit_log_stream::settle(tx, there, &sent, at(0)).await).unwrap();
        assert!(!due().await.contains(&other.id));
    }

    async fn a_stream_whose_organization_is_gone_ends_when_it_has_sent_everything_or_its_time_is_over(database: Database) {
        let store = database.migrated().await;
        let (here, there) = (plant_environment(&store).await, plant_environment(&store).await);
        let stream = async |sequences: std::ops::Range<i64>| {
            let organization_id = plant_organization(&store, here).await.id;
            tell(&database, here, organization_id, sequences).await;
            plant_stream(&store, here, organization_id).await
        };
        let (alive, sent, behind, off) = (stream(0..0).await, stream(0..0).await, stream(1..3).await, stream(3..5).await);
        let unplaced = stream(5..6).await;
        database.execute("UPDATE audit_log_event SET sequence = NULL WHERE sequence = 5").await;
        // Another environment's events do not count, not even for the same organization.
        tell(&database, there, sent.organization_id, 1..2).await;
        let gone = off.organization_id;
        transaction!(store, |tx| audit_log_stream::switch_off(tx, here, gone, at(0)).await).unwrap();
        let left = async || -> Vec<_> {
            audit_log_stream::all(&mut store.reader().await.unwrap(), here).await.unwrap().into_iter().map(|stream| stream.id).collect()
        };
        assert_eq!(transaction!(store, |tx| audit_log_stream::close(tx, at(100)).await).unwrap(), 0);
        for gone in [&sent, &behind, &off, &unplaced] {
            let id = gone.organization_id;
            assert!(transaction!(store, |tx| organization::delete(tx, here, id).await).unwrap());
        }
        assert_eq!(transaction!(store, |tx| audit_log_stream::prune(tx, at(999)).await).unwrap(), 0, "none has an end yet");
        assert_eq!(transaction!(store, |tx| audit_log_stream::close(tx, at(100)).await).unwrap(), 4);
        assert_eq!(transaction!(store, |tx| audit_log_stream::close(tx, at(900)).await).unwrap(), 0, "once");
        assert_eq!(transaction!(store, |tx| audit_log_stream::prune(tx, at(99)).await).unwrap(), 2);
        assert_eq!(left().await, [alive.id, behind.id, unplaced.id]);
        let due = audit_log_stream::due(&mut store.reader().await.unwrap(), at(5)).await.unwrap();
        assert_eq!(due.into_iter().map(|(_, stream)| stream.id).collect::<Vec<_>>(), [behind.id]);
        assert_eq!(transaction!(store, |tx| audit_log_stream::prune(tx, at(100)).await).unwrap(), 2);
        assert_eq!(left().await, [alive.id]);
    }

    async fn an_environment_with_many_claims_keeps_no_other_waiting(database: Database) {
        let store = database.migrated().await;
        let (many, one) = (plant(&store).await, plant(&store).await);
        database.execute("UPDATE organization_domain SET check_at = NULL, checked_since = NULL").await;
        for number in 0..30 {
            let (environment, organization, id): (_, _, OrganizationDomainId) = (many.environment.id, many.organization.id, fresh());
            database.execute(&format!(
                "INSERT INTO organization_domain (environment_id, id, organization_id, domain, state, verification_strategy, \
                 verification_token, checked_since, check_at, created_at, updated_at) VALUES ('{environment}', '{id}', \
                 '{organization}', 'd{number}.example', 'pending', 'dns', 'x', 0, {number}, 0, 0)"
            )).await;
        }
        let environment = one.environment.id;
        database.execute(&format!(
            "UPDATE organization_domain SET checked_since = 0, check_at = 1000 WHERE environment_id = '{environment}'"
        )).await;
        let due = domain_check::due(&mut store.reader().await.unwrap(), at(0)).await.unwrap();
        assert_eq!(due.len(), 20);
        assert!(due[..2].iter().any(|due| due.environment_id == environment), "the first of each comes first");
        let due = &due.iter().filter(|due| due.environment_id != environment).collect::<Vec<_>>();
        assert_eq!((due.len(), due[0].domain.domain.as_str(), due[18].domain.domain.as_str()), (19, "d0.example", "d18.example"));
    }

    async fn applications_with_notices_are_found_however_many_another_has(database: Database) {
        let store = database.migrated().await;
        let world = plant(&store).await;
        let other = plant(&store).await;
        let key = (world.environment.id, world.application.id);
        let note = async |(environment_id, application_id): (EnvironmentId, ApplicationId), session: u128, next_at: i64| {
            let session_id = SessionId::from_ulid(session);
            database.execute(&format!(
                "INSERT INTO logout_notice (environment_id, session_id, application_id, user_id, subject, attempts, next_at, created_at) \
                 VALUES ('{environment_id}', '{session_id}', '{application_id}', '{}', 'ada', 0, {next_at}, {next_at})",
                world.user.id
            )).await;
        };
        for session in 0..50 {
            note(key, session, 1).await;
        }
        let theirs = (other.environment.id, other.application.id);
        note(theirs, 1, at(5).as_millis()).await;
        let reader = &mut store.reader().await.unwrap();
        assert_eq!(logout_notice::due_applications(reader, at(4)).await.unwrap(), [key]);
        let mut both = [key, theirs];
        both.sort_unstable();
        assert_eq!(logout_notice::due_applications(reader, at(5)).await.unwrap(), both);
        assert_eq!(logout_notice::due(reader, key, at(5), 4).await.unwrap().len(), 4);
        assert_eq!(logout_notice::due(reader, theirs, at(5), 4).await.unwrap().len(), 1);
        assert_eq!(logout_notice::due(reader, (key.0, theirs.1), at(5), 4).await.unwrap(), []);
        assert_eq!(transaction!(store, |tx| logout_notice::prune(tx, at(5)).await).unwrap(), 50);
        assert_eq!(logout_notice::due_applications(reader, at(5)).await.unwrap(), [theirs]);
    }
}
