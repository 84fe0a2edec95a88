//! Clients that nobody registers by hand: those that register themselves (RFC 7591), and those whose name is the URL of
//! a document about them (draft-ietf-oauth-client-id-metadata-document).
//!
//! | Module | Rule |
//! |---|---|
//! | [`document_url`] | which URLs may name a client |
//! | [`document`] | what a metadata document says |
//! | [`freshness`] | how long it is good, and which of its changes a person is asked about again |
//! | [`dynamic`] | what a client says that registers itself |
//! | [`redirect_policy`] | what both have in common: names that are claims, redirect URIs, origins |

pub mod document;
pub mod document_url;
pub mod dynamic;
pub mod freshness;
pub mod redirect_policy;
