//! The rules of OAuth 2.1 and OpenID Connect as we apply them. All pure: a handler loads data, calls a rule here, and
//! writes.
//!
//! | Module | Rule |
//! |---|---|
//! | [`params`] | request parameters: form or JSON, each at most once |
//! | [`error`] | every error code with the status its specification assigns |
//! | [`client`], [`client_auth`] | what a client is, and how it authenticates |
//! | [`client_name`], [`registration`] | client names, and self-registered clients |
//! | [`token`], [`grant`] | the token request, one variant and one file per grant |
//! | [`authorize`] | the authorization request, where its response may go, and the steps before it |
//! | [`pkce`] | proof that a code is redeemed by the client that requested it |
//! | [`scope`] | scope strings |
//! | [`resource`] | resource indicators: the API a token is for |
//! | [`redirect_uri`] | which redirect URIs may be registered |
//! | [`access_token`], [`id_token`], [`refresh_token`] | token contents |
//! | [`logout_token`] | notifies an application that a user has signed out |
//! | [`introspection`], [`revocation`] | what is disclosed about a token, and how a token is revoked |
//! | [`metadata`] | the discovery documents |

pub mod access_token;
pub mod authorize;
pub mod client;
pub mod client_auth;
pub mod client_name;
pub mod error;
pub mod grant;
pub mod id_token;
pub mod introspection;
pub mod logout_token;
pub mod metadata;
pub mod params;
pub mod pkce;
pub mod redirect_uri;
pub mod refresh_token;
pub mod registration;
pub mod resource;
pub mod revocation;
pub mod scope;
pub mod token;
