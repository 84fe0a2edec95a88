//! The rules of OAuth 2.1 and OpenID Connect as we apply them. Pure: a handler loads, asks a rule here, and writes.
//!
//! | Module | Rule |
//! |---|---|
//! | [`params`] | request parameters: form or JSON, each at most once |
//! | [`error`] | every error code with the status its specification gives it |
//! | [`client`], [`client_auth`] | what a client is, and how it proves itself |
//! | [`client_name`], [`registration`] | what a client is called, and clients that nobody registers by hand |
//! | [`token`], [`grant`] | the token request, one variant and one file per grant |
//! | [`authorize`] | the authorization request, where its answer may go, what happens before there is one |
//! | [`pkce`] | proof that who redeems a code has asked for it |
//! | [`scope`] | scope strings |
//! | [`resource`] | resource indicators: for which API a token is |
//! | [`redirect_uri`] | which redirect URIs may be registered |
//! | [`access_token`], [`id_token`], [`refresh_token`] | what the tokens say |
//! | [`logout_token`] | what tells an application that somebody has signed out |
//! | [`introspection`], [`revocation`] | what is said of a token, and how one is ended |
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
