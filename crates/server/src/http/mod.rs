//! HTTP: listening, who calls, what is allowed, and how answers look. Of the features it knows how their calls begin ([`routes`],
//! [`pages`]).
//!
//! | Module | Owns |
//! |---|---|
//! | [`server`] | the accept loop: TLS, limits, graceful shutdown |
//! | [`routes`] | the route table: every route declares who may call it, or it cannot be registered |
//! | [`dispatch`] | from a path and a method to its endpoint |
//! | [`connections`] | how many connections may be open, in all and from one address |
//! | [`connection_activity`], [`write_timeout`] | what is going on on a connection, and when it ends because nothing is taken or asked any more |
//! | [`management`] | calls of the management API: the key, the body, the query, the transaction |
//! | [`oauth_call`], [`public_call`] | calls of the OAuth endpoints; calls of public documents |
//! | [`idempotency`] | the same key gives the same answer |
//! | [`peer`] | the address and scheme of the caller, behind trusted proxies or not |
//! | [`rate_limit`] | how much anyone may ask |
//! | [`page_call`], [`pages`], [`cookies`] | calls from browsers, and how their pages are answered |
//! | [`cors`] | which browser pages may read an answer |
//! | [`reply`], [`error`] | answers and their shapes |
//! | [`streamed`] | bodies of answers that are not in memory as a whole |
//! | [`downloads`] | how many readers one large answer may have at once |
//! | [`body`], [`request_id`] | reading bodies within bounds; naming requests |

pub mod body;
pub mod connection_activity;
pub mod connections;
pub mod cookies;
pub mod cors;
pub mod dispatch;
pub mod downloads;
pub mod error;
pub mod idempotency;
pub mod management;
pub mod oauth_call;
pub mod page_call;
pub mod pages;
pub mod peer;
pub mod public_call;
pub mod rate_limit;
pub mod reply;
pub mod request_id;
pub mod routes;
pub mod server;
pub mod streamed;
pub mod write_timeout;
