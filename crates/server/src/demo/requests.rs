//! HTTP requests to others, and validation of the tokens they return.

use super::DemoError;
use crate::app::App;
use crate::outbound::Limits;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use countersign_protocol::id::SigningKeyId;
use countersign_protocol::jose::{Algorithm, UnverifiedToken, VerifyingKey};
use countersign_protocol::outbound::{Reach, Target};
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{Method, Request, StatusCode};
use http_body_util::Full;
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;

const LIMITS: Limits = Limits { time: Duration::from_secs(5), bytes: 256 * 1024 };

/// Sends requests.
#[derive(Debug, Clone)]
pub struct Requests {
    app: Arc<App>,
}

/// A response.
#[derive(Debug)]
pub struct Answered {
    /// The status.
    pub status: StatusCode,
    /// The body, if it is JSON.
    pub body: Value,
}

impl Answered {
    /// Returns the body of a successful response.
    ///
    /// # Errors
    /// The unsuccessful response.
    pub fn good(self) -> Result<Value, DemoError> {
        if self.status.is_success() {
            return Ok(self.body);
        }
        Err(DemoError(format!("{}: {}", self.status, self.body)))
    }
}

impl Requests {
    /// Uses the HTTP client, the clock, and the random source of the running server.
    pub fn new(app: Arc<App>) -> Self {
        Self { app }
    }

    /// Returns a random string for a state, verifier, or cookie.
    ///
    /// # Errors
    /// When random bytes cannot be obtained.
    pub fn random(&self) -> Result<String, DemoError> {
        Ok(URL_SAFE_NO_PAD.encode(self.app.entropy.bytes::<32>().map_err(DemoError::because)?))
    }

    /// Returns the current time in seconds since 1970.
    pub fn now(&self) -> i64 {
        self.app.clock.now().as_secs()
    }

    /// Returns the time of day, in UTC.
    pub fn time_of_day(&self) -> String {
        self.app.clock.now().to_string().get(11..19).unwrap_or_default().to_owned()
    }

    async fn send(
        &self,
        method: Method,
        url: &str,
        bearer: Option<&str>,
        body: Option<(&'static str, String)>,
    ) -> Result<Answered, DemoError> {
        let reach = Reach::PublicAndThisMachine;
        let target = Target::parse(url, reach).map_err(DemoError::because)?;
        let mut request = Request::builder().method(method);
        if let Some(bearer) = bearer {
            request = request.header(AUTHORIZATION, format!("Bearer {bearer}"));
        }
        if let Some((content_type, _)) = &body {
            request = request.header(CONTENT_TYPE, *content_type);
        }
        let body = body.map(|(_, body)| Bytes::from(body)).unwrap_or_default();
        let request = request.body(Full::new(body)).map_err(DemoError::because)?;
        let answer = self.app.outbound.send(&target, reach, request, LIMITS).await.map_err(DemoError::because)?;
        let (parts, body) = answer.into_parts();
        Ok(Answered { status: parts.status, body: serde_json::from_slice(&body).unwrap_or_default() })
    }

    /// Fetches JSON.
    ///
    /// # Errors
    /// When there is no response.
    pub async fn get(&self, url: &str, bearer: Option<&str>) -> Result<Answered, DemoError> {
        self.send(Method::GET, url, bearer, None).await
    }

    /// Posts JSON with a bearer token.
    ///
    /// # Errors
    /// When there is no response.
    pub async fn post(&self, url: &str, bearer: &str, body: &Value) -> Result<Answered, DemoError> {
        self.send(Method::POST, url, Some(bearer), Some(("application/json", body.to_string()))).await
    }

    /// Posts a form.
    ///
    /// # Errors
    /// When there is no response.
    pub async fn form(&self, url: &str, fields: &[(&str, &str)]) -> Result<Answered, DemoError> {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        self.send(Method::POST, url, None, Some(("application/x-www-form-urlencoded", body))).await
    }

    /// Validates a token as any verifier does: by the published keys, the issuer, and the validity period. Returns its
    /// claims.
    ///
    /// # Errors
    /// Why the token is invalid.
    pub async fn verify(&self, issuer: &str, token: &str) -> Result<Value, DemoError> {
        let unverified = UnverifiedToken::decode(token).map_err(DemoError::because)?;
        let keys = self.get(&format!("{issuer}/oauth2/jwks"), None).await?.good()?;
        let kid = unverified.kid().to_string();
        let all = keys["keys"].as_array().map(Vec::as_slice).unwrap_or_default();
        let jwk = all.iter().find(|key| key["kid"] == kid.as_str());
        let key =
            jwk.and_then(verifying_key).ok_or_else(|| DemoError("signed by a key that is not published".to_owned()))?;
        let claims: Value = key.verify(&unverified).map_err(DemoError::because)?;
        if claims["iss"] != issuer {
            return Err(DemoError("of another issuer".to_owned()));
        }
        if claims["exp"].as_i64().is_none_or(|exp| exp <= self.now()) {
            return Err(DemoError("expired".to_owned()));
        }
        Ok(claims)
    }
}

/// Returns the key of a P-256 JWK, the type that the demo's environment signs with (RFC 7518 §6.2.1).
fn verifying_key(jwk: &Value) -> Option<VerifyingKey> {
    let kid = SigningKeyId::parse(jwk["kid"].as_str()?).ok()?;
    let algorithm = Algorithm::parse(jwk["alg"].as_str()?).filter(|algorithm| *algorithm == Algorithm::Es256)?;
    let mut point = vec![4];
    for coordinate in ["x", "y"] {
        point.extend(URL_SAFE_NO_PAD.decode(jwk[coordinate].as_str()?).ok()?);
    }
    VerifyingKey::new(kid, algorithm, &point).ok()
}
