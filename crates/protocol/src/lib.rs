//! Countersign's core rules.
//!
//! Everything in this crate is a pure function over plain values: no I/O, no clock, no randomness. Time and random
//! bytes are passed in as arguments, so every rule can be property-tested and fuzzed in isolation. The one exception is
//! the entropy ECDSA needs for signing, which the cryptographic library draws itself.
//!
//! | Module | Owns |
//! |---|---|
//! | [`audit`] | audit logs: events, hash chain, CSV export |
//! | [`id`] | typed identifiers, `<prefix>_<ulid>` |
//! | [`time`] | [`time::Timestamp`], UTC milliseconds, and its wire format |
//! | [`secret`] | secrets that cannot be printed, issued credentials, keyed digests |
//! | [`seal`] | authenticated encryption of values that must be readable later |
//! | [`jose`] | JSON Web Keys and signed tokens |
//! | [`jwt_template`] | an environment's additions to access token claims |
//! | [`oauth`] | the OAuth rules: client authentication, grants, scopes, metadata, introspection |
//! | [`mcp`] | what Model Context Protocol clients require of a server and of its authorization server |
//! | [`model`] | the domain model: environments, organizations, applications, permissions, keys |
//! | [`management`] | the input rules of the management API: pagination, names, metadata, domains |
//! | [`form_data`] | multipart forms with files, as browsers send them |
//! | [`outbound`] | allowed destinations for outbound requests |
//! | [`user_management`] | sign-ins to an environment's own application, and their sessions |
//! | [`webhook`] | webhooks: signatures, retry schedule, subscriptions |
//! | [`second_factor`] | authenticator app codes |
//! | [`password`] | stored passwords, in our own format and in those of other systems |

pub mod audit;
pub mod form_data;
pub mod id;
pub mod jose;
pub mod jwt_template;
pub mod management;
pub mod mcp;
pub mod model;
pub mod oauth;
pub mod outbound;
pub mod password;
pub mod seal;
pub mod second_factor;
pub mod secret;
pub mod time;
pub mod user_management;
pub mod webhook;
