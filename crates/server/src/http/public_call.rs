//! Calls of public documents: no credential, an environment by host.

use crate::app::App;
use crate::cache::environments::{EnvironmentState, Host};
use crate::http::peer::Peer;
use countersign_protocol::management::error::ApiError;
use http::header::HOST;
use std::sync::Arc;

/// A call without credentials.
#[derive(Debug)]
pub struct PublicCall {
    /// The server.
    pub app: Arc<App>,
    /// The caller.
    pub peer: Peer,
    /// What the path names.
    pub path: PathParams,
    host: Option<Host>,
}

/// What the variable parts of a path are, decoded.
#[derive(Debug, Clone, Default)]
pub struct PathParams(pub Vec<(String, String)>);

impl PathParams {
    /// A part by name; empty when the route has none such.
    pub fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }
}

/// The host that is asked.
fn authority(request: &http::request::Parts) -> Option<&str> {
    // HTTP/2 has it in the URI, HTTP/1.1 in the header.
    match request.uri.authority() {
        Some(authority) => Some(authority.as_str()),
        None => {
            // Reject duplicate Host headers: a proxy in between may have gone by the other one (RFC 9112 §3.2).
            let mut values = request.headers.get_all(HOST).iter();
            values.next().filter(|_| values.next().is_none())?.to_str().ok()
        }
    }
}

/// What the request's host stands for.
pub fn host(app: &App, request: &http::request::Parts) -> Option<Host> {
    app.environments().host(authority(request)?)
}

/// The built-in environment, when the host is the API's own: an issuer elsewhere has no dashboard.
///
/// # Errors
/// 421 for a host that is not ours, 404 for one that is no place for it.
pub fn staff(app: &App, request: &http::request::Parts) -> Result<Arc<EnvironmentState>, ApiError> {
    let environments = app.environments();
    let authority = authority(request).ok_or(ApiError::MisdirectedRequest)?;
    match environments.staff_at(authority) {
        Some(staff) => Ok(Arc::clone(staff)),
        None if environments.host(authority).is_some() => Err(ApiError::NoSuchPath),
        None => Err(ApiError::MisdirectedRequest),
    }
}

impl PublicCall {
    /// A call.
    pub fn new(app: Arc<App>, peer: Peer, path: PathParams, request: &http::request::Parts) -> Self {
        let host = host(&app, request);
        Self { app, peer, path, host }
    }

    /// Whether the host is one of ours at all.
    pub fn is_for_us(&self) -> bool {
        self.host.is_some()
    }

    /// The environment whose issuer the host is.
    ///
    /// # Errors
    /// 421 for a host that is not ours, 404 for the API's own host, which is no issuer.
    pub fn environment(&self) -> Result<&Arc<EnvironmentState>, ApiError> {
        match &self.host {
            Some(Host::Issuer(state)) => Ok(state),
            Some(Host::Api) => Err(ApiError::NoSuchPath),
            Some(Host::Unreadable) => Err(ApiError::Unavailable),
            None => Err(ApiError::MisdirectedRequest),
        }
    }
}
