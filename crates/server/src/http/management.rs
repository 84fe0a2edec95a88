//! Calls of the management API: the environment's key opens its environment and nothing else.

use crate::app::App;
use crate::cache::environments::EnvironmentState;
use crate::domain::{Act, Failure, audit_log};
use crate::http::body::{self, BodyError, IncomingBody};
use crate::http::idempotency::{self, Operation};
use crate::http::peer::Peer;
use crate::http::public_call::PathParams;
use crate::http::reply::Reply;
use crate::jobs::last_used::Subject;
use bytes::Bytes;
use countersign_protocol::management::error::ApiError;
use countersign_protocol::management::fields::Fields;
use countersign_protocol::management::query::Query;
use countersign_protocol::model::{Actor, Place};
use countersign_protocol::secret::SecretKind;
use countersign_store::{Reader, Tx, TxFuture};
use http::header::{AUTHORIZATION, CONTENT_TYPE, USER_AGENT};
use std::sync::Arc;

/// How much of a method and a path is kept, in characters.
const MAX_REQUEST_LENGTH: usize = 300;

/// A call with a good key. Only [`ManagementCall::admit`] makes one.
#[derive(Debug)]
pub struct ManagementCall {
    /// The server.
    pub app: Arc<App>,
    /// The environment that the key opens.
    pub environment: Arc<EnvironmentState>,
    /// What the path names.
    pub path: PathParams,
    /// What the query says.
    pub query: Query,
    body: Bytes,
    actor: Arc<Actor>,
    /// What the audit log says of a change that has no name of its own.
    request: String,
    idempotency: Option<idempotency::Request>,
}

impl ManagementCall {
    /// Checks the key, the rate and the form of a request, in this order, and reads its body.
    ///
    /// # Errors
    /// 401, 429, 413, 415, 422.
    pub async fn admit(
        app: Arc<App>,
        peer: Peer,
        path: PathParams,
        parts: http::request::Parts,
        body: IncomingBody,
    ) -> Result<Self, ApiError> {
        let refused = || match app.limits.failure(peer.limit_key()) {
            Ok(()) => ApiError::Unauthorized,
            Err(exceeded) => exceeded.into(),
        };
        let mut authorization = parts.headers.get_all(AUTHORIZATION).iter();
        let value = authorization.next().and_then(bearer).ok_or_else(refused)?;
        if authorization.next().is_some()
            || SecretKind::recognise(value).is_some_and(|kind| kind != SecretKind::EnvironmentApiKey)
        {
            return Err(refused());
        }
        let digest = app.keyring.environment_api_key.digest(value);
        if app.caches.environment_api_keys.get(&digest).is_none() {
            app.limits.lookup(peer.limit_key())?;
        }
        let key = app.environment_api_key(&digest).await.map_err(Failure::into_api_error)?.ok_or_else(refused)?;
        app.limits.management(key.id).map_err(ApiError::from)?;
        app.last_used.note(key.environment_id, Subject::EnvironmentApiKey(key.id), app.clock.now());

        let query = Query::parse(parts.uri.query().unwrap_or(""))?;
        let body = body::read(body, body::MANAGEMENT_LIMIT).await.map_err(|error| match error {
            BodyError::TooLarge => ApiError::TooLarge,
            BodyError::Incomplete => ApiError::BadRequest {
                code: "incomplete_body",
                message: "The request body did not arrive completely.".to_owned(),
            },
        })?;
        if !body.is_empty() && !declares_json(&parts.headers) {
            return Err(ApiError::UnsupportedMediaType);
        }
        // A body may take its time. What is true now is what counts: the key and the environment are looked up again.
        app.ensure_current().await.map_err(Failure::into_api_error)?;
        let key = app.environment_api_key(&digest).await.map_err(Failure::into_api_error)?.ok_or_else(refused)?;
        let environment = app.environments().get(key.environment_id).cloned().ok_or(ApiError::Unavailable)?;
        let idempotency = idempotency::Request::read(&parts, &body, &app.keyring)?;
        let user_agent = parts.headers.get(USER_AGENT).and_then(|value| value.to_str().ok());
        let actor = Actor::ApiKey { id: key.id, name: key.name.clone(), from: Place::new(peer.address, user_agent) };
        let request = format!("{} {}", parts.method, parts.uri.path()).chars().take(MAX_REQUEST_LENGTH).collect();
        Ok(Self { app, environment, path, query, body, actor: Arc::new(actor), request, idempotency })
    }

    /// The body, as fields to be read.
    ///
    /// # Errors
    /// 400 and 422.
    pub fn fields(&self) -> Result<Fields, ApiError> {
        Fields::parse(&self.body)
    }

    /// The same call, whose answer is kept under its content: what is sent again with the same key, or again without one,
    /// happens once.
    #[must_use]
    pub fn once_per_content(mut self) -> Self {
        let keyring = &self.app.keyring;
        self.idempotency = Some(idempotency::Request::of_content(self.idempotency, &self.request, &self.body, keyring));
        self
    }

    /// What acts in this environment need.
    pub fn act(&self) -> Act {
        Act::new(
            &self.environment.environment,
            Arc::clone(&self.actor),
            &self.app.clock,
            &self.app.entropy,
            &self.app.keyring,
        )
    }

    /// Reads outside a transaction.
    ///
    /// # Errors
    /// Database errors.
    pub async fn reader(&self) -> Result<Reader, Failure> {
        Ok(self.app.store.reader().await?)
    }

    /// Performs a change: one transaction that holds the change, its events and, when the caller sent an idempotency
    /// key, the reply kept under it. Before the answer goes out this node's memory has followed.
    ///
    /// # Errors
    /// What the act says.
    pub async fn commit<F>(&self, act: F) -> Result<Reply, Failure>
    where
        F: for<'t> FnOnce(&'t mut Tx, Arc<Act>) -> TxFuture<'t, Reply, Failure> + Send + 'static,
    {
        self.settle(|tx, context| {
            let acting = act(tx, context);
            Box::pin(async move { acting.await.map(Ok) })
        })
        .await
    }

    /// The same for an act whose refusal has to be remembered: what it has counted is committed, and no reply is kept.
    ///
    /// # Errors
    /// What the act says, and its refusal.
    pub async fn settle<F>(&self, act: F) -> Result<Reply, Failure>
    where
        F: for<'t> FnOnce(&'t mut Tx, Arc<Act>) -> TxFuture<'t, Result<Reply, ApiError>, Failure> + Send + 'static,
    {
        self.settle_deed(Box::new(act)).await
    }

    /// The same, compiled once for all acts.
    async fn settle_deed(&self, deed: Operation) -> Result<Reply, Failure> {
        let context = Arc::new(self.act());
        let deed = audited(deed, self.request.clone());
        let settled = match &self.idempotency {
            None => self.app.store.write(move |tx| deed(tx, context)).await?,
            Some(request) => idempotency::perform(&self.app.store, request, context, deed).await?,
        };
        self.app.catch_up().await;
        Ok(settled?)
    }
}

/// The same deed, with a trace in the audit log whatever it did.
fn audited(deed: Operation, request: String) -> Operation {
    Box::new(move |tx, context| {
        Box::pin(async move {
            let settled = deed(tx, Arc::clone(&context)).await?;
            if settled.is_ok() {
                audit_log::ensure(tx, &context, &request).await?;
            }
            Ok(settled)
        })
    })
}

fn bearer(value: &http::HeaderValue) -> Option<&str> {
    let (scheme, value) = value.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| value.trim())
}

fn declares_json(headers: &http::HeaderMap) -> bool {
    headers.get(CONTENT_TYPE).is_none_or(|value| {
        let kind = value.to_str().unwrap_or("").split(';').next().unwrap_or("").trim();
        kind.eq_ignore_ascii_case("application/json")
    })
}
