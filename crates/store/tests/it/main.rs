//! Tests of the store against real databases: every test runs on SQLite, and on PostgreSQL if
//! `COUNTERSIGN_TEST_POSTGRES` names a server (see `scripts/with-postgres`).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

/// Runs one body on both engines: `mod name { fn sqlite(); fn postgres(); }`. The body takes an open and migrated
/// `Store`, or an empty `Database`.
macro_rules! on_both_databases {
    ($(async fn $name:ident($argument:ident: $fixture:ident) $body:block)*) => {$(
        mod $name {
            #[allow(unused_imports, reason = "a body need not use everything around it")]
            use super::*;

            async fn body($argument: $fixture) $body

            #[test]
            fn sqlite() {
                crate::harness::on_sqlite(body);
            }

            #[test]
            fn postgres() {
                crate::harness::on_postgres(body);
            }
        }
    )*};
}

/// Runs a transaction and waits for its outcome, a `countersign_store::Result`.
macro_rules! transaction {
    ($store:expr, |$tx:ident| $body:expr) => {
        $store
            .write(move |$tx| {
                Box::pin(async move {
                    let outcome: countersign_store::Result<_> = $body;
                    outcome
                })
            })
            .await
    };
}

mod backup;
mod change_feed;
mod deletion;
mod environment_isolation;
mod events;
mod external_authentications;
mod harness;
mod looks;
mod mail;
mod mailed_proofs;
mod migrations;
mod paging;
mod past_signing_key;
mod people;
mod portal;
mod queues;
mod races;
mod round_trip;
mod sample;
mod schema;
mod second_factors;
mod self_registration;
mod servers;
mod session_tokens;
mod sessions;
mod statements;
mod transactions;
mod uniqueness;
mod webhooks;
mod writer;
