//! Self-registered clients: those that register dynamically (RFC 7591), and those whose name is the URL of their own
//! metadata document (draft-ietf-oauth-client-id-metadata-document).
//!
//! | Module | Rule |
//! |---|---|
//! | [`document_url`] | which URLs may identify a client |
//! | [`document`] | the contents of a metadata document |
//! | [`freshness`] | how long a document is fresh, and which changes require new consent |
//! | [`dynamic`] | the contents of a dynamic registration request |
//! | [`redirect_policy`] | rules for both: unverified names, redirect URIs, origins |

pub mod document;
pub mod document_url;
pub mod dynamic;
pub mod freshness;
pub mod redirect_policy;
