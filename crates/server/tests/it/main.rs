//! Black-box tests: every test starts its own server with a fresh database and talks to it over HTTP. Each runs on
//! SQLite and, if `COUNTERSIGN_TEST_POSTGRES` names a server, on PostgreSQL. Folders mirror the URL tree.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, unreachable_pub, reason = "tests")]

mod api;
mod audit_logs;
mod cli;
mod clients;
mod dashboard;
mod demo;
mod guides;
mod harness;
mod hosted;
mod http;
mod nodes;
mod oauth;
mod outbound;
mod portal;
mod standalone;
mod threats;
mod tidy;
mod user_management;
mod webhooks;
