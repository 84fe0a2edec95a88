//! The Countersign server: see ARCHITECTURE.md for the map.
//!
//! `http`, `domain` and `cache` serve the feature folders (`oauth`, `api`, `operations`, `jobs`), which never import
//! one another; [`router`] lists every URL, [`app`] holds the state of a running server, and [`cli`] is the operator's
//! command line.

pub mod api;
pub mod app;
pub mod cache;
pub mod cli;
pub mod client_documents;
pub mod clock;
pub mod config;
pub mod dashboard;
pub mod date_time;
pub mod demo;
pub mod dns;
pub mod domain;
pub mod entropy;
pub mod hosted;
pub mod http;
pub mod images;
pub mod installation;
pub mod jobs;
pub mod keys;
pub mod logging;
pub mod mailer;
pub mod oauth;
pub mod operations;
pub mod outbound;
pub mod passwords;
pub mod portal;
pub mod router;
pub mod user_management;
