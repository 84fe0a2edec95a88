//! `Idempotency-Key`: SDKs put one on every POST and send the request again when an answer is lost. The same key with
//! the same request gets the same answer, and the change happens once, also when both arrive together: the reply is
//! kept in the transaction of the change, and of two such transactions the database lets one through.

use crate::domain::{Act, Failure};
use crate::http::reply::Reply;
use crate::keys::keyring::Keyring;
use countersign_protocol::management::error::ApiError;
use countersign_protocol::secret::Digest;
use countersign_store::idempotency::{KeptReply, find, keep};
use countersign_store::{Store, Tx, TxFuture};
use http::{Method, StatusCode};
use std::sync::Arc;

/// What an endpoint does in a transaction.
pub type Operation =
    Box<dyn for<'t> FnOnce(&'t mut Tx, Arc<Act>) -> TxFuture<'t, Result<Reply, ApiError>, Failure> + Send>;

/// How long a reply is kept, in seconds.
const KEPT: i64 = 24 * 3600;
/// How long one that shows a secret is kept.
const KEPT_WITH_SECRET: i64 = 10 * 60;
/// Longest key.
const MAX_LENGTH: usize = 255;

/// A request that came with an idempotency key.
#[derive(Debug, Clone, Copy)]
pub struct Request {
    key: Digest,
    request: Digest,
}

impl Request {
    /// Reads the key of a POST; other methods are idempotent by themselves.
    ///
    /// # Errors
    /// 422 for a key that is too long or not ASCII.
    pub fn read(parts: &http::request::Parts, body: &[u8], keyring: &Keyring) -> Result<Option<Self>, ApiError> {
        if parts.method != Method::POST {
            return Ok(None);
        }
        let Some(value) = parts.headers.get("idempotency-key") else {
            return Ok(None);
        };
        let key = value.to_str().ok().filter(|key| (1..=MAX_LENGTH).contains(&key.len())).ok_or_else(|| {
            ApiError::invalid(
                "Idempotency-Key",
                "invalid",
                format!("Idempotency-Key must have 1 to {MAX_LENGTH} ASCII characters."),
            )
        })?;
        let path = parts.uri.path();
        let body = String::from_utf8_lossy(body);
        Ok(Some(Self {
            key: keyring.idempotency.digest(&format!("key\n{path}\n{key}")),
            request: keyring.idempotency.digest(&format!("request\n{path}\n{body}")),
        }))
    }
}

impl Request {
    /// A request that is identified by its content, and by its key if it has one: with other content it is another request.
    pub fn of_content(with_key: Option<Self>, request: &str, body: &[u8], keyring: &Keyring) -> Self {
        let body = String::from_utf8_lossy(body);
        let key = with_key.map(|request| request.key.to_base64url()).unwrap_or_default();
        let digest = keyring.idempotency.digest(&format!("content\n{request}\n{key}\n{body}"));
        Self { key: digest, request: digest }
    }
}

/// Raised inside the transaction when another one has kept a reply under the key meanwhile.
enum Outcome {
    Failed(Failure),
    Overtaken,
}

impl From<countersign_store::Error> for Outcome {
    fn from(error: countersign_store::Error) -> Self {
        Self::Failed(error.into())
    }
}

/// Performs an act once per key: gives the kept reply, or acts and keeps the reply.
///
/// # Errors
/// What the act says; 422 `idempotency_key_reused` when the key came with another request before.
pub async fn perform(
    store: &Store,
    request: &Request,
    context: Arc<Act>,
    deed: Operation,
) -> Result<Result<Reply, ApiError>, Failure> {
    if let Some(reply) = stored_reply(store, request, &context).await? {
        return Ok(Ok(reply));
    }
    let (request_copy, act_context) = (*request, Arc::clone(&context));
    let outcome = store
        .write::<Result<Reply, ApiError>, Outcome, _>(move |tx| {
            Box::pin(async move {
                let settled = deed(tx, Arc::clone(&act_context)).await.map_err(Outcome::Failed)?;
                let Ok(reply) = &settled else { return Ok(settled) };
                if keep_reply(tx, &request_copy, &act_context, reply).await.map_err(Outcome::Failed)? {
                    Ok(settled)
                } else {
                    Err(Outcome::Overtaken)
                }
            })
        })
        .await;
    // The other request may have made the very thing that this one now collides with.
    match outcome {
        Ok(Ok(reply)) => Ok(Ok(reply)),
        Ok(Err(refused)) => Ok(stored_reply(store, request, &context).await?.ok_or(refused)),
        Err(Outcome::Failed(failure)) => match stored_reply(store, request, &context).await? {
            Some(reply) => Ok(Ok(reply)),
            None => Err(failure),
        },
        Err(Outcome::Overtaken) => {
            let reply = stored_reply(store, request, &context).await?;
            reply.map(Ok).ok_or_else(|| Failure::internal("a kept reply has vanished"))
        }
    }
}

fn context_of(act: &Act, key: &Digest) -> [String; 3] {
    let key: String = key.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    ["kept-reply".to_owned(), act.environment_id.to_string(), key]
}

async fn keep_reply(tx: &mut Tx, request: &Request, act: &Act, reply: &Reply) -> Result<bool, Failure> {
    let context = context_of(act, &request.key);
    let context: Vec<&str> = context.iter().map(String::as_str).collect();
    let sealed = act.keyring.kept_reply.seal(&context, &reply.body, act.entropy.bytes()?).map_err(Failure::internal)?;
    let until = act.now.plus_secs(if reply.shows_secret { KEPT_WITH_SECRET } else { KEPT });
    let reply = KeptReply { request_digest: request.request, status: reply.status.as_u16(), sealed_reply: sealed };
    Ok(keep(tx, act.environment_id, &request.key, &reply, until, act.now).await?)
}

async fn stored_reply(store: &Store, request: &Request, act: &Act) -> Result<Option<Reply>, Failure> {
    let mut reader = store.reader().await?;
    let Some(kept) = find(&mut reader, act.environment_id, &request.key, act.now).await? else {
        return Ok(None);
    };
    if !kept.request_digest.matches(&request.request) {
        return Err(Failure::Refused(ApiError::invalid(
            "Idempotency-Key",
            "idempotency_key_reused",
            "This Idempotency-Key was used with a different request.",
        )));
    }
    let context = context_of(act, &request.key);
    let context: Vec<&str> = context.iter().map(String::as_str).collect();
    let body = act.keyring.kept_reply.open(&context, &kept.sealed_reply).map_err(Failure::internal)?;
    let status = StatusCode::from_u16(kept.status).map_err(Failure::internal)?;
    Ok(Some(if body.is_empty() { Reply::empty(status) } else { Reply::json_bytes(status, body.to_vec().into()) }))
}
