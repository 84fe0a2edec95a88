//! Asking others over HTTP, and checking the tokens they give.

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

/// Asks others.
#[derive(Debug, Clone)]
pub struct Requests {
    app: Arc<App>,
}

/// What somebody has answered.
#[derive(Debug)]
pub struct Answered {
    /// The status.
    pub status: StatusCode,
    /// The body, where it is JSON.
    pub body: Value,
}

impl Answered {
    /// The body of a good answer.
    ///
    /// # Errors
    /// What was answered instead.
    pub fn good(self) -> Result<Value, DemoError> {
        if self.status.is_success() {
            return Ok(self.body);
        }
        Err(DemoError(format!("{}: {}", self.status, self.body)))
    }
}

impl Requests {
    /// With the client and the clock of the running server.
    pub fn new(app: Arc<App>) -> Self {
        Self { app }
    }

    /// Random text for a state, a verifier, a cookie.
    ///
    /// # Errors
    /// When random bytes cannot be obtained.
    pub fn random(&self) -> Result<String, DemoError> {
        Ok(URL_SAFE_NO_PAD.encode(self.app.entropy.bytes::<32>().map_err(DemoError::because)?))
    }

    /// Seconds since 1970.
    pub fn now(&self) -> i64 {
        self.app.clock.now().as_secs()
    }

    /// The time of day, in UTC.
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

    /// Gets JSON.
    ///
    /// # Errors
    /// When nobody answers.
    pub async fn get(&self, url: &str, bearer: Option<&str>) -> Result<Answered, DemoError> {
        self.send(Method::GET, url, bearer, None).await
    }

    /// Posts JSON with a bearer token.
    ///
    /// # Errors
    /// When nobody answers.
    pub async fn post(&self, url: &str, bearer: &str, body: &Value) -> Result<Answered, DemoError> {
        self.send(Method::POST, url, Some(bearer), Some(("application/json", body.to_string()))).await
    }

    /// Posts a form.
    ///
    /// # Errors
    /// When nobody answers.
    pub async fn form(&self, url: &str, fields: &[(&str, &str)]) -> Result<Answered, DemoError> {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        self.send(Method::POST, url, None, Some(("application/x-www-form-urlencoded", body))).await
    }

    /// Checks a token as any verifier does: by the published keys, its issuer, and its time. Gives its claims.
    ///
    /// # Errors
    /// What is wrong with it.
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

/// The key that a JWK on the curve P-256 stands for: what the demo's environment signs with (RFC 7518 §6.2.1).
fn verifying_key(jwk: &Value) -> Option<VerifyingKey> {
    let kid = SigningKeyId::parse(jwk["kid"].as_str()?).ok()?;
    let algorithm = Algorithm::parse(jwk["alg"].as_str()?).filter(|algorithm| *algorithm == Algorithm::Es256)?;
    let mut point = vec![4];
    for coordinate in ["x", "y"] {
        point.extend(URL_SAFE_NO_PAD.decode(jwk[coordinate].as_str()?).ok()?);
    }
    VerifyingKey::new(kid, algorithm, &point).ok()
}
