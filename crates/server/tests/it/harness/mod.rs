//! The foundation of all tests: databases, servers, a client.

mod answers;
mod browser;
mod client;
mod database;
mod declaration;
mod environments;
mod name_server;
mod own_application;
mod people;
mod portal;
mod process;
mod receiver;
mod server;
mod staff;
mod website;

pub use answers::{assert_id, assert_keys, assert_moment, ids};
pub use browser::{Browser, FilePart, Page};
pub use client::{Answer, Client};
pub use database::{Backend, Database, skip, variable};
pub use declaration::picture;
pub use environments::Environment;
pub use name_server::NameServer;
pub use own_application::REDIRECT_URI;
pub use people::{Application, PASSWORD, VERIFIER};
pub use portal::{navigation, portal_csrf};
pub use process::{Process, binary};
pub use receiver::{Received, Receiver};
pub use server::TestServer;
pub use website::Website;

/// How long to wait for what would be immediate on an idle machine: tests check whether it happens, not when.
pub const TIMEOUT: std::time::Duration = std::time::Duration::from_secs(60);

/// Runs a test's body to completion.
pub fn run<F: Future<Output = ()>>(body: F) {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap().block_on(body);
}

/// Generates a SQLite and a PostgreSQL test for each body.
macro_rules! on_both_databases {
    ($($(#[$meta:meta])* async fn $name:ident($server:ident: $kind:ty) $body:block)*) => {$(
        $(#[$meta])*
        mod $name {
            #[allow(unused_imports, reason = "what one body does not use another does")]
            use super::*;

            async fn body($server: $kind) $body

            #[test]
            fn sqlite() {
                $crate::harness::run(async {
                    body($crate::harness::TestServer::start($crate::harness::Backend::Sqlite).await.unwrap()).await;
                });
            }

            #[test]
            fn postgres() {
                $crate::harness::run(async {
                    if let Some(server) = $crate::harness::TestServer::start($crate::harness::Backend::Postgres).await {
                        body(server).await;
                    }
                });
            }
        }
    )*};
}
pub(crate) use on_both_databases;
