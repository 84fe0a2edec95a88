//! Calls of the OAuth endpoints: parameters in a form or in JSON, and the client that proves itself.

use crate::app::App;
use crate::cache::environments::EnvironmentState;
use crate::domain::Failure;
use crate::http::peer::Peer;
use crate::jobs::last_used::Subject;
use bytes::Bytes;
use countersign_protocol::oauth::client::Client;
use countersign_protocol::oauth::client_auth::{self, AuthenticatedClient};
use countersign_protocol::oauth::error::{OAuthError, OAuthErrorCode};
use countersign_protocol::oauth::params::Params;
use http::HeaderValue;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use std::sync::Arc;

/// A call of an OAuth endpoint.
#[derive(Debug)]
pub struct OAuthCall {
    /// The server.
    pub app: Arc<App>,
    /// The environment whose issuer was called.
    pub environment: Arc<EnvironmentState>,
    /// The caller.
    pub peer: Peer,
    /// The headers.
    pub headers: http::HeaderMap,
    /// The body.
    pub body: Bytes,
    /// What the request is called in the log.
    pub request_id: HeaderValue,
}

/// Turns a failure of ours into the OAuth shape.
pub fn oauth_error(failure: Failure) -> OAuthError {
    use countersign_protocol::management::error::ApiError;
    match failure.into_api_error() {
        ApiError::Unavailable => OAuthError::new(
            OAuthErrorCode::TemporarilyUnavailable,
            "The server cannot answer this right now. Try again.",
        ),
        _ => OAuthError::new(OAuthErrorCode::ServerError, "Something went wrong on our side."),
    }
}

impl OAuthCall {
    /// The parameters: a form, or JSON when the content type says so.
    ///
    /// # Errors
    /// `invalid_request`.
    pub fn params(&self) -> Result<Params<'_>, OAuthError> {
        self.read(Params::from_json)
    }

    /// The same; members of JSON that are no texts are nothing we know, and passed over.
    ///
    /// # Errors
    /// `invalid_request`.
    pub fn params_and_more(&self) -> Result<Params<'_>, OAuthError> {
        self.read(Params::from_json_and_more)
    }

    fn read<'a>(
        &'a self,
        from_json: impl Fn(&'a [u8]) -> Result<Params<'a>, OAuthError>,
    ) -> Result<Params<'a>, OAuthError> {
        let content_type = self.headers.get(CONTENT_TYPE).map_or("", |value| value.to_str().unwrap_or("invalid"));
        let kind = content_type.split(';').next().unwrap_or("").trim();
        if kind.eq_ignore_ascii_case("application/json") {
            from_json(&self.body)
        } else if kind.eq_ignore_ascii_case("application/x-www-form-urlencoded")
            || (kind.is_empty() && self.body.is_empty())
        {
            Params::from_form(&self.body)
        } else {
            Err(OAuthError::invalid_request(
                "Send the parameters as application/x-www-form-urlencoded or application/json.",
            ))
        }
    }

    /// Loads the client that the request names.
    ///
    /// # Errors
    /// `invalid_client` and `invalid_request` as [`client_auth::present`]; an unknown client is `invalid_client`.
    pub async fn load_client(&self, params: &Params<'_>) -> Result<Presenting, OAuthError> {
        let authorization = self.headers.get_all(AUTHORIZATION);
        let mut values = authorization.iter();
        let first = values.next().map(HeaderValue::as_bytes);
        if values.next().is_some() {
            return Err(OAuthError::invalid_request("The request has more than one Authorization header."));
        }
        let presented = client_auth::present(first, params).map_err(|error| self.refused(error))?;
        // The digest is made for unknown clients too: the answer takes the same work.
        let digest = presented.secret.map(|secret| self.app.keyring.client_secret.digest(secret.expose()));
        let id = presented.client.id(self.environment.id());
        if self.app.caches.clients.get(self.environment.id(), id).is_none() {
            self.app.limits.lookup(self.peer.limit_key())?;
        }
        let load = || self.app.client_named(&self.environment, &presented.client);
        let mut client = load().await.map_err(oauth_error)?;
        let fails = |client: &Client| client_auth::authenticate(client, digest.as_ref()).is_err();
        if digest.is_some() && client.as_deref().is_some_and(fails) {
            // The secret may have been made on another node a moment ago: ask for changes before refusing it.
            self.app.catch_up().await;
            client = load().await.map_err(oauth_error)?;
        }
        match client {
            Some(client) => Ok(Presenting { client, digest }),
            None => Err(self.refused(OAuthError::invalid_client())),
        }
    }

    /// Checks that the client is who it says it is, and counts it.
    ///
    /// # Errors
    /// `invalid_client`, or too many requests.
    pub fn authenticate<'a>(&self, presenting: &'a Presenting) -> Result<AuthenticatedClient<'a>, OAuthError> {
        let proven = client_auth::authenticate(&presenting.client, presenting.digest.as_ref())
            .map_err(|error| self.refused(error))?;
        // A public client proves nothing: who uses its name from elsewhere must not use up what it may ask.
        let from = if proven.secret_id().is_some() { None } else { Some(self.peer.limit_key()) };
        self.app.limits.client(presenting.client.application.client_id, from).map_err(OAuthError::from)?;
        if let Some(secret_id) = proven.secret_id() {
            self.app.last_used.note(self.environment.id(), Subject::ClientSecret(secret_id), self.app.clock.now());
        }
        Ok(proven)
    }

    fn refused(&self, error: OAuthError) -> OAuthError {
        if error.code != OAuthErrorCode::InvalidClient {
            return error;
        }
        match self.app.limits.failure(self.peer.limit_key()) {
            Ok(()) => error,
            Err(exceeded) => exceeded.into(),
        }
    }
}

/// A client that was loaded and has yet to prove itself.
#[derive(Debug)]
pub struct Presenting {
    client: Arc<Client>,
    digest: Option<countersign_protocol::secret::Digest>,
}

impl Presenting {
    /// The client that the request names. Nothing is proven by that.
    pub fn client(&self) -> &Client {
        &self.client
    }
}
