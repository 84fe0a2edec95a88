//! The rules of Countersign.
//!
//! Everything in this crate is a pure function over plain values: no I/O, no clock, no randomness. Time and random
//! bytes come in as arguments, so every rule can be tested by property and fuzzed on its own. The one exception is
//! the entropy that ECDSA needs while signing, which the cryptographic library draws for itself.
//!
//! | Module | Owns |
//! |---|---|
//! | [`audit`] | audit logs: their events, their chain, their CSV |
//! | [`id`] | typed identifiers, `<prefix>_<ulid>` |
//! | [`time`] | [`time::Timestamp`], UTC milliseconds, and its wire form |
//! | [`secret`] | secrets that cannot be printed, the values we issue, keyed digests |
//! | [`seal`] | authenticated encryption of what we must be able to read back |
//! | [`jose`] | JSON Web Keys and signed tokens |
//! | [`jwt_template`] | what an environment adds to the claims of access tokens |
//! | [`oauth`] | the OAuth rules: client authentication, grants, scopes, metadata, introspection |
//! | [`mcp`] | what clients of the Model Context Protocol ask of a server and of its authorization server |
//! | [`model`] | the things that exist: environments, organizations, applications, permissions, keys |
//! | [`management`] | what the management API accepts: paging, names, metadata, domains |
//! | [`form_data`] | forms with files, as browsers send them |
//! | [`outbound`] | where requests of ours may go |
//! | [`user_management`] | sign-ins to an environment's own application, and their sessions |
//! | [`webhook`] | webhooks: signatures, the times of tries, subscriptions |
//! | [`second_factor`] | codes of authenticator applications |
//! | [`password`] | passwords as they are stored, our own form and those of other systems |

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
