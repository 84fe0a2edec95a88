//! The company's API: it verifies access tokens with the published keys and then introspects them, so that a revoked
//! credential stops working at once rather than when its tokens expire.

use super::Places;
use super::company::Credential;
use super::requests::Requests;
use super::website::{Answer, Asked, Website, json, not_found};
use http::StatusCode;
use http::header::WWW_AUTHENTICATE;
use serde_json::{Value, json};

/// The scope that a token needs.
const SCOPE: &str = "reports:read";

/// The API.
#[derive(Debug)]
pub struct Api {
    requests: Requests,
    issuer: String,
    own: Credential,
}

impl Api {
    /// Creates the API, with its own credential for introspection.
    pub fn new(requests: Requests, places: &Places, own: Credential) -> Self {
        Self { requests, issuer: places.countersign.clone(), own }
    }

    /// Returns the claims of a token that is valid for this API and active.
    async fn admit(&self, asked: &Asked) -> Result<Value, (StatusCode, &'static str)> {
        let token = asked.authorization.as_deref().and_then(|value| value.strip_prefix("Bearer "));
        let token = token.ok_or((StatusCode::UNAUTHORIZED, "a bearer token is needed"))?;
        let verified = self.requests.verify(&self.issuer, token).await;
        let claims = verified.map_err(|_| (StatusCode::UNAUTHORIZED, "the token is not valid"))?;
        let scopes = claims["scope"].as_str().unwrap_or("");
        if !scopes.split(' ').any(|scope| scope == SCOPE) {
            return Err((StatusCode::FORBIDDEN, "the token does not allow reading reports"));
        }
        let fields =
            [("token", token), ("client_id", &self.own.client_id), ("client_secret", self.own.secret.expose())];
        let alive = self.requests.form(&format!("{}/oauth2/introspection", self.issuer), &fields).await;
        match alive.ok().filter(|answer| answer.status.is_success()) {
            Some(answer) if answer.body["active"] == true => Ok(claims),
            Some(_) => Err((StatusCode::UNAUTHORIZED, "the token was revoked")),
            None => Err((StatusCode::SERVICE_UNAVAILABLE, "cannot check whether the token is active")),
        }
    }
}

impl Website for Api {
    async fn answer(&self, asked: Asked) -> Answer {
        if asked.path != "/reports" {
            return not_found();
        }
        match self.admit(&asked).await {
            Ok(claims) => json(
                StatusCode::OK,
                &json!({
                    "organization": claims["org_id"],
                    "asked_by": claims["sub"],
                    "reports": [{"title": "Signups", "value": 1204}, {"title": "Churn", "value": 0.012}],
                }),
            ),
            Err((status, why)) => {
                let mut answer = json(status, &json!({"error": why}));
                if status == StatusCode::UNAUTHORIZED {
                    let challenge = http::HeaderValue::from_static("Bearer error=\"invalid_token\"");
                    answer.headers_mut().insert(WWW_AUTHENTICATE, challenge);
                }
                answer
            }
        }
    }
}
