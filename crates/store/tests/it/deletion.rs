//! Deletion includes what belongs to the deleted object, and nothing else.

use crate::harness::{Database, at};
use crate::sample::{
    SLUG, an_api_key, an_application, everything, fresh_digest, insert_application, plant, plant_organization,
};
use countersign_protocol::id::EnvironmentId;
use countersign_protocol::model::{ApplicationKind, ClientType, Ownership};
use countersign_store::{
    Store, api_key, application, client_secret, event, idempotency, membership, organization, permission,
    revoked_token, role, user,
};

/// Returns the number of rows of an environment in every table.
async fn counts(database: &Database, environment_id: EnvironmentId) -> Vec<(&'static str, String)> {
    let tables = [
        "organization",
        "organization_domain",
        "connect_application",
        "connect_application_scope",
        "client_secret",
        "api_key",
        "api_key_permission",
        "permission",
        "environment_api_key",
        "signing_key",
        "user_account",
        "user_password",
        "role",
        "role_permission",
        "organization_membership",
        "membership_role",
        "invitation",
    ];
    let mut found = Vec::new();
    for table in tables {
        let query = format!("SELECT count(*) FROM {table} WHERE environment_id = '{environment_id}'");
        found.push((table, database.rows(&query).await[0][0].clone()));
    }
    found.retain(|(_, count)| count != "0");
    found
}

fn counted(expected: &[(&'static str, i64)]) -> Vec<(&'static str, String)> {
    expected.iter().map(|(table, count)| (*table, count.to_string())).collect()
}

const FULL: &[(&str, i64)] = &[
    ("organization", 1),
    ("organization_domain", 1),
    ("connect_application", 1),
    ("connect_application_scope", 2),
    ("client_secret", 1),
    ("api_key", 1),
    ("api_key_permission", 2),
    ("permission", 1),
    ("environment_api_key", 1),
    ("signing_key", 1),
    ("user_account", 1),
    ("user_password", 1),
    ("role", 1),
    ("role_permission", 2),
    ("organization_membership", 1),
    ("membership_role", 2),
    ("invitation", 1),
];

on_both_databases! {
    async fn an_organization_goes_with_all_that_belongs_to_it(database: Database) {
        let store = database.migrated().await;
        let (world, other) = (plant(&store).await, plant(&store).await);
        let (id, organization_id) = (world.environment.id, world.organization.id);
        assert_eq!(counts(&database, id).await, counted(FULL));
        assert!(transaction!(store, |tx| organization::delete(tx, id, organization_id).await).unwrap());
        let left = [
            ("permission", 1),
            ("environment_api_key", 1),
            ("signing_key", 1),
            ("user_account", 1),
            ("user_password", 1),
            ("role", 1),
            ("role_permission", 2),
        ];
        assert_eq!(counts(&database, id).await, counted(&left));
        assert_eq!(counts(&database, other.environment.id).await, counted(FULL));
        let mut reader = store.reader().await.unwrap();
        assert!(application::load_client(&mut reader, id, world.application.client_id).await.unwrap().is_none());
        assert!(!transaction!(store, |tx| organization::delete(tx, id, organization_id).await).unwrap());
    }

    async fn an_organization_leaves_its_neighbours_alone(store: Store) {
        let world = plant(&store).await;
        let id = world.environment.id;
        let neighbour = plant_organization(&store, id).await;
        let key = an_api_key(neighbour.id, &[SLUG]);
        let (inserted, digest) = (key.clone(), fresh_digest());
        transaction!(store, |tx| api_key::insert(tx, id, &inserted, &digest).await).unwrap();
        let own = ApplicationKind::OAuth {
            ownership: Ownership::FirstParty,
            client_type: ClientType::Public,
            redirect_uris: Vec::new(),
            cors_origins: Vec::new(),
            backchannel_logout_uri: None,
        };
        let own = an_application(own, &[SLUG]);
        insert_application(&store, id, &own).await.unwrap();
        let gone = world.organization.id;
        assert!(transaction!(store, |tx| organization::delete(tx, id, gone).await).unwrap());
        let mut reader = store.reader().await.unwrap();
        assert_eq!(organization::find(&mut reader, id, neighbour.id).await.unwrap(), Some(neighbour));
        assert_eq!(api_key::find(&mut reader, id, key.id).await.unwrap(), Some(key));
        assert_eq!(application::find(&mut reader, id, own.id).await.unwrap(), Some(own));
    }

    async fn an_application_goes_with_its_secrets_and_scopes(database: Database) {
        let store = database.migrated().await;
        let world = plant(&store).await;
        let (id, application_id, secret_id) = (world.environment.id, world.application.id, world.secret.id);
        assert!(transaction!(store, |tx| application::delete(tx, id, application_id).await).unwrap());
        let mut left = counted(FULL);
        left.retain(|(table, _)| !table.starts_with("connect_application") && *table != "client_secret");
        assert_eq!(counts(&database, id).await, left);
        assert_eq!(transaction!(store, |tx| client_secret::delete(tx, id, secret_id).await).unwrap(), None);
        assert!(!transaction!(store, |tx| application::delete(tx, id, application_id).await).unwrap());
    }

    async fn a_person_goes_with_password_and_memberships(database: Database) {
        let store = database.migrated().await;
        let (world, other) = (plant(&store).await, plant(&store).await);
        let (id, user_id) = (world.environment.id, world.user.id);
        assert!(transaction!(store, |tx| user::delete(tx, id, user_id).await).unwrap());
        let mut left = counted(FULL);
        left.retain(|(table, _)| !table.starts_with("user_") && !table.contains("membership"));
        assert_eq!(counts(&database, id).await, left);
        assert_eq!(counts(&database, other.environment.id).await, counted(FULL));
        assert!(!transaction!(store, |tx| user::delete(tx, id, user_id).await).unwrap());
    }

    async fn a_membership_goes_with_its_roles_and_a_role_with_its_permissions(database: Database) {
        let store = database.migrated().await;
        let world = plant(&store).await;
        let (id, membership_id, role_id) = (world.environment.id, world.membership.id, world.role.id);
        assert!(transaction!(store, |tx| role::is_assigned(tx, id, "admin").await).unwrap());
        assert!(transaction!(store, |tx| membership::delete(tx, id, membership_id).await).unwrap());
        assert!(!transaction!(store, |tx| role::is_assigned(tx, id, "admin").await).unwrap());
        assert!(transaction!(store, |tx| role::delete(tx, id, role_id).await).unwrap());
        let mut left = counted(FULL);
        left.retain(|(table, _)| !table.contains("role") && !table.contains("membership"));
        assert_eq!(counts(&database, id).await, left);
        assert!(!transaction!(store, |tx| membership::delete(tx, id, membership_id).await).unwrap());
    }

    async fn an_api_key_goes_with_its_permissions(database: Database) {
        let store = database.migrated().await;
        let world = plant(&store).await;
        let (id, api_key_id) = (world.environment.id, world.api_key.id);
        assert!(transaction!(store, |tx| api_key::delete(tx, id, api_key_id).await).unwrap());
        let mut left = counted(FULL);
        left.retain(|(table, _)| !table.starts_with("api_key"));
        assert_eq!(counts(&database, id).await, left);
        assert!(!transaction!(store, |tx| api_key::delete(tx, id, api_key_id).await).unwrap());
    }

    async fn a_permission_is_taken_from_all_who_had_it(store: Store) {
        let (world, other) = (plant(&store).await, plant(&store).await);
        let (id, deleted) = (world.environment.id, world.permission.clone());
        transaction!(store, |tx| permission::delete(tx, id, &deleted).await).unwrap();
        let mut reader = store.reader().await.unwrap();
        assert_eq!(permission::find(&mut reader, id, SLUG).await.unwrap(), None);
        let application = application::find(&mut reader, id, world.application.id).await.unwrap().unwrap();
        assert_eq!(application.scopes, ["posts:write"]);
        let key = api_key::find(&mut reader, id, world.api_key.id).await.unwrap().unwrap();
        assert_eq!(key.permissions, ["posts:write"]);
        // A permission with the same slug in another environment is a different permission.
        let id = other.environment.id;
        assert_eq!(permission::find(&mut reader, id, SLUG).await.unwrap(), Some(other.permission));
        assert_eq!(application::find(&mut reader, id, other.application.id).await.unwrap(), Some(other.application));
        assert_eq!(api_key::find(&mut reader, id, other.api_key.id).await.unwrap(), Some(other.api_key));
    }

    async fn an_environments_rows_are_all_below_it(database: Database) {
        let store = database.migrated().await;
        let (world, other) = (plant(&store).await, plant(&store).await);
        // There is no function for this yet, but the foreign keys must be ready for one.
        let statement = format!("DELETE FROM environment WHERE id = '{}'", world.environment.id);
        let pragma = if store.engine_name() == "SQLite" { "PRAGMA foreign_keys = ON;" } else { "" };
        database.execute(&format!("{pragma}{statement}")).await;
        assert_eq!(counts(&database, world.environment.id).await, []);
        assert_eq!(counts(&database, other.environment.id).await, counted(FULL));
    }

    async fn pruning_goes_in_small_steps(store: Store) {
        let id = plant(&store).await.environment.id;
        transaction!(store, |tx| {
            for _ in 0..1005 {
                revoked_token::insert(tx, id, crate::sample::fresh_token(), at(100)).await?;
            }
            Ok(())
        })
        .unwrap();
        for expected in [1000, 5, 0] {
            assert_eq!(transaction!(store, |tx| revoked_token::prune(tx, at(200)).await).unwrap(), expected);
        }
    }

    async fn what_has_had_its_time_is_pruned_and_nothing_else(database: Database) {
        let store = database.migrated().await;
        let id = plant(&store).await.environment.id;
        let (token, later_token) = (crate::sample::fresh_token(), crate::sample::fresh_token());
        let (key, later_key) = (fresh_digest(), fresh_digest());
        transaction!(store, |tx| {
            for (jti, key, moment) in [(token, key, at(100)), (later_token, later_key, at(300))] {
                revoked_token::insert(tx, id, jti, moment).await?;
                let reply = idempotency::KeptReply { request_digest: key, status: 200, sealed_reply: vec![] };
                idempotency::keep(tx, id, &key, &reply, moment, at(0)).await?;
                let data = serde_json::json!({"object": "organization"});
                let new = event::NewEvent {
                    id: crate::sample::fresh(),
                    event: "organization.created",
                    organization_id: None,
                    subject: "it",
                    data: &data,
                    created_at: moment,
                };
                event::append(tx, id, &new).await?;
            }
            Ok(())
        })
        .unwrap();
        let pruned = transaction!(store, |tx| {
            Ok([revoked_token::prune(tx, at(200)).await?, idempotency::prune(tx, at(200)).await?, event::prune(tx, at(200)).await?])
        });
        assert_eq!(pruned.unwrap(), [1, 1, 1]);
        let mut reader = store.reader().await.unwrap();
        assert!(!revoked_token::exists(&mut reader, id, token).await.unwrap());
        assert!(revoked_token::exists(&mut reader, id, later_token).await.unwrap());
        assert!(idempotency::find(&mut reader, id, &key, at(0)).await.unwrap().is_none());
        assert!(idempotency::find(&mut reader, id, &later_key, at(0)).await.unwrap().is_some());
        let left = database.rows("SELECT created_at FROM event").await;
        assert_eq!(left, [[at(300).as_millis().to_string()]]);
        assert_eq!(api_key::list(&mut reader, id, crate::sample::fresh(), &everything()).await.unwrap(), []);
    }
}
