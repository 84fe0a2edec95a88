//! Answers.

use super::streamed::{AnswerBody, StreamedBody};
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, PRAGMA};
use http::{HeaderName, HeaderValue, Response, StatusCode};
use serde::Serialize;

/// An answer, before it is one of HTTP's.
#[derive(Debug)]
pub struct Reply {
    /// The status.
    pub status: StatusCode,
    /// The body; empty is none.
    pub body: Bytes,
    /// Whether the body shows a secret, which is then kept no longer than a retry needs.
    pub shows_secret: bool,
    headers: Vec<(HeaderName, HeaderValue)>,
    streamed: Option<StreamedBody>,
}

const JSON: HeaderValue = HeaderValue::from_static("application/json");

impl Reply {
    /// An answer without a body.
    pub fn empty(status: StatusCode) -> Self {
        Self { status, body: Bytes::new(), shows_secret: false, headers: Vec::new(), streamed: None }
    }

    /// An answer whose body is ready JSON text.
    pub fn json_bytes(status: StatusCode, body: Bytes) -> Self {
        let mut headers = Vec::with_capacity(4);
        headers.push((CONTENT_TYPE, JSON));
        Self { status, body, shows_secret: false, headers, streamed: None }
    }

    /// An answer in JSON.
    pub fn json(status: StatusCode, value: &impl Serialize) -> Self {
        match serde_json::to_vec(value) {
            Ok(body) => Self::json_bytes(status, body.into()),
            Err(error) => {
                tracing::error!(%error, "an answer could not be written as JSON");
                Self::empty(StatusCode::INTERNAL_SERVER_ERROR)
            }
        }
    }

    /// 200 with JSON.
    pub fn ok(value: &impl Serialize) -> Self {
        Self::json(StatusCode::OK, value)
    }

    /// The same with another status.
    #[must_use]
    pub fn with_status(self, status: StatusCode) -> Self {
        Self { status, ..self }
    }

    /// 201 with JSON.
    pub fn created(value: &impl Serialize) -> Self {
        Self::json(StatusCode::CREATED, value)
    }

    /// 200 with a body that comes in parts.
    pub fn streamed(body: StreamedBody) -> Self {
        Self { streamed: Some(body), ..Self::empty(StatusCode::OK) }
    }

    /// Whether the body comes in parts.
    pub fn is_streamed(&self) -> bool {
        self.streamed.is_some()
    }

    /// The values of a header.
    pub fn values(&self, name: &HeaderName) -> impl Iterator<Item = &HeaderValue> {
        self.headers.iter().filter(move |(known, _)| known == name).map(|(_, value)| value)
    }

    /// With other values of a header, where there are others.
    #[must_use]
    pub fn map(mut self, name: &HeaderName, other: impl Fn(&HeaderValue) -> Option<HeaderValue>) -> Self {
        for (_, value) in self.headers.iter_mut().filter(|(known, _)| known == name) {
            if let Some(other) = other(value) {
                *value = other;
            }
        }
        self
    }

    /// 204.
    pub fn no_content() -> Self {
        Self::empty(StatusCode::NO_CONTENT)
    }

    /// With another header.
    #[must_use]
    pub fn with(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// With a body that shows a secret.
    #[must_use]
    pub fn showing_secret(mut self) -> Self {
        self.shows_secret = true;
        self
    }

    /// Never to be stored by anyone (RFC 6749 §5.1).
    #[must_use]
    pub fn no_store(self) -> Self {
        self.with(CACHE_CONTROL, HeaderValue::from_static("no-store"))
            .with(PRAGMA, HeaderValue::from_static("no-cache"))
    }

    /// As an HTTP response.
    pub fn into_response(self) -> Response<AnswerBody> {
        let body = match self.streamed {
            Some(streamed) => AnswerBody::streamed(streamed),
            None => AnswerBody::whole(self.body),
        };
        let mut response = Response::new(body);
        *response.status_mut() = self.status;
        // These, and what every answer carries besides.
        response.headers_mut().reserve(self.headers.len() + 4);
        for (name, value) in self.headers {
            response.headers_mut().append(name, value);
        }
        response
    }
}
