//! Client metadata documents: resolves a URL to a client. A fresh document comes from the cache or the database.
//! Otherwise it is fetched, by one request at a time per document and with a limit on concurrent fetches overall, and a
//! failed fetch is not retried for a while. The reason for a failure goes to the operator's log only.

use crate::app::App;
use crate::cache::environments::EnvironmentState;
use crate::domain::attempts::{self, DOCUMENTS_AT, DOCUMENTS_FROM};
use crate::domain::connect::self_registration;
use crate::domain::{Act, Failure};
use crate::outbound::{Limits, OutboundError};
use countersign_protocol::id::{ClientId, EnvironmentId};
use countersign_protocol::model::{Actor, Admission, DocumentPolicy};
use countersign_protocol::oauth::client::Client;
use countersign_protocol::oauth::client_name::ClientName;
use countersign_protocol::oauth::registration::document::{self, Document, MAX_SIZE};
use countersign_protocol::oauth::registration::document_url::host;
use countersign_protocol::oauth::registration::freshness::{fresh_until, is_still_believed};
use countersign_protocol::outbound::{Reach, Target};
use countersign_protocol::time::Timestamp;
use countersign_store::client_document;
use http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE, EXPIRES, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue, Request, StatusCode};
use http_body_util::Full;
use quick_cache::sync::Cache;
use std::borrow::Cow;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;
use tokio::sync::Semaphore;

/// The limits on fetching a document.
const LIMITS: Limits = Limits { time: Duration::from_secs(5), bytes: MAX_SIZE };
/// The maximum number of concurrent fetches.
const AT_A_TIME: usize = 32;
/// How long a document that could not be used is not retried, in seconds.
const PAUSE: i64 = 60;
/// How many failures are remembered.
const FAILURES: usize = 10_000;

type Key = (EnvironmentId, ClientId);

/// The documents that are being fetched or could not be used.
#[derive(Debug)]
pub struct ClientDocuments {
    /// Held while a document is fetched, so that concurrent requests wait for the result.
    fetching: Mutex<HashMap<Key, Weak<tokio::sync::Mutex<()>>>>,
    room: Semaphore,
    failures: Cache<Key, Failed>,
}

impl Default for ClientDocuments {
    fn default() -> Self {
        Self { fetching: Mutex::default(), room: Semaphore::new(AT_A_TIME), failures: Cache::new(FAILURES) }
    }
}

impl ClientDocuments {
    fn lock(&self, key: Key) -> Arc<tokio::sync::Mutex<()>> {
        let mut fetching = self.fetching.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(lock) = fetching.get(&key).and_then(Weak::upgrade) {
            return lock;
        }
        fetching.retain(|_, lock| lock.strong_count() > 0);
        let lock = Arc::new(tokio::sync::Mutex::new(()));
        fetching.insert(key, Arc::downgrade(&lock));
        lock
    }
}

#[derive(Debug, Clone, Copy)]
struct Failed {
    until: Timestamp,
    passing: bool,
}

/// The origin of a request to use a document.
#[derive(Debug)]
pub struct Asker<'a> {
    /// The address that rate limits count by.
    pub from: IpAddr,
    /// The request identifier used in the log.
    pub request_id: &'a HeaderValue,
}

/// Why a document does not yield a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unresolved {
    /// The environment does not allow it.
    NotAllowed,
    /// An administrator must allow it first.
    AskFirst,
    /// Too many documents have been requested.
    TooMany,
    /// It cannot be fetched or is not valid.
    Unusable,
}

/// Why a document was not fetched or is not valid.
#[derive(Debug, thiserror::Error)]
enum Wrong {
    #[error("{0}")]
    Outbound(#[from] OutboundError),
    #[error("the answer's status is {0}")]
    Status(StatusCode),
    #[error("the answer is no JSON by its content type")]
    ContentType,
    #[error("{0}")]
    Document(#[from] document::DocumentError),
    #[error("{0}")]
    Target(#[from] countersign_protocol::outbound::TargetError),
    #[error("too many documents are being fetched")]
    Busy,
}

impl Wrong {
    /// Whether the failure is transient: the server could not be asked, so it says nothing about the document.
    fn is_passing(&self) -> bool {
        match self {
            Self::Outbound(error) => !matches!(error, OutboundError::Forbidden(_) | OutboundError::TooLong),
            Self::Status(status) => status.is_server_error() || *status == StatusCode::TOO_MANY_REQUESTS,
            Self::Busy => true,
            Self::ContentType | Self::Document(_) | Self::Target(_) => false,
        }
    }
}

/// Returns the client with a metadata document, fetching the document if necessary.
///
/// # Errors
/// Database errors.
pub async fn resolve(
    app: &App,
    environment: &EnvironmentState,
    url: &str,
    asker: &Asker<'_>,
) -> Result<Result<Arc<Client>, Unresolved>, Failure> {
    let policy = &environment.environment.self_registration.documents;
    if *policy == DocumentPolicy::Off {
        return Ok(Err(Unresolved::NotAllowed));
    }
    let key = (environment.id(), ClientName::Document(Cow::Borrowed(url)).id(environment.id()));
    let known = known(app, key, url).await?;
    let decision = match known.as_ref().and_then(|client| client.registered) {
        Some(registered) => registered.decision,
        None => {
            let found = client_document::find(&mut app.store.reader().await?, environment.id(), url).await?;
            found.and_then(|found| found.decision)
        }
    };
    match policy.admits(url, decision) {
        Admission::Yes => {}
        Admission::No => {
            tracing::info!(request_id = ?asker.request_id, client_id = url, "a client's metadata document is not allowed here");
            return Ok(Err(Unresolved::NotAllowed));
        }
        Admission::AskFirst => return ask(app, environment, url, asker).await.map(Err),
    }
    if let Some(client) = known.filter(|client| is_fresh(client, app.clock.now())) {
        return Ok(Ok(client));
    }
    let lock = app.documents.lock(key);
    let _only_one = lock.lock().await;
    Box::pin(fetch_once(app, environment, url, key, asker)).await
}

async fn known(app: &App, (environment_id, id): Key, url: &str) -> Result<Option<Arc<Client>>, Failure> {
    let client = app.client(environment_id, id).await?;
    Ok(client.filter(|client| client.application.metadata_url.as_deref() == Some(url)))
}

fn is_fresh(client: &Client, now: Timestamp) -> bool {
    client.registered.and_then(|registered| registered.fresh_until).is_some_and(|until| now < until)
}

/// Returns the client from a recently valid document, if its server cannot be reached at the moment.
fn stale(known: Option<Arc<Client>>, passing: bool, now: Timestamp) -> Option<Arc<Client>> {
    known.filter(|client| {
        let until = client.registered.and_then(|registered| registered.fresh_until);
        passing && until.is_some_and(|until| is_still_believed(until, now))
    })
}

async fn fetch_once(
    app: &App,
    environment: &EnvironmentState,
    url: &str,
    key: Key,
    asker: &Asker<'_>,
) -> Result<Result<Arc<Client>, Unresolved>, Failure> {
    // Another request may have fetched it, or tried to, while this one waited.
    let found = known(app, key, url).await?;
    let now = app.clock.now();
    if found.as_ref().is_some_and(|client| is_fresh(client, now)) {
        return Ok(found.ok_or(Unresolved::Unusable));
    }
    if let Some(failed) = app.documents.failures.get(&key).filter(|failed| now < failed.until) {
        return Ok(stale(found, failed.passing, now).ok_or(Unresolved::Unusable));
    }
    if !may_fetch(app, environment, url, asker).await? {
        return Ok(stale(found, true, now).ok_or(Unresolved::TooMany));
    }
    let fetched = match app.documents.room.try_acquire() {
        Ok(_room) => fetch(app, url).await,
        Err(_) => Err(Wrong::Busy),
    };
    let (document, until) = match fetched {
        Ok(fetched) => fetched,
        Err(wrong) => {
            let (passing, now) = (wrong.is_passing(), app.clock.now());
            if !passing && let Some(known) = stale(found.clone(), true, now) {
                // The server has answered, so the previous document is no longer trusted on any node.
                give_up(app, environment, &known).await?;
            }
            let stale = stale(found, passing, now);
            tracing::warn!(
                request_id = ?asker.request_id, client_id = url, reason = %wrong, goes_on_with_the_last = stale.is_some(),
                "a client's metadata document cannot be used"
            );
            // Do not cache "busy" as a failure of this document.
            if !matches!(wrong, Wrong::Busy) {
                app.documents.failures.insert(key, Failed { until: now.plus_secs(PAUSE), passing });
            }
            return Ok(stale.ok_or(Unresolved::Unusable));
        }
    };
    let act = Act::new(&environment.environment, Actor::Visitor, &app.clock, &app.entropy, &app.keyring);
    let kept_url = url.to_owned();
    let kept = app.store.write::<(), Failure, _>(move |tx| {
        Box::pin(async move { self_registration::keep_document(tx, &act, &kept_url, &document, until).await })
    });
    match kept.await {
        // Another node stored the same document first.
        Ok(()) | Err(Failure::Store(countersign_store::Error::Unique { .. })) => {}
        Err(failure) => return Err(failure),
    }
    app.catch_up().await;
    Ok(known(app, key, url).await?.ok_or(Unresolved::Unusable))
}

/// Records for all nodes that a document is no longer valid.
async fn give_up(app: &App, environment: &EnvironmentState, known: &Client) -> Result<(), Failure> {
    let act = Act::new(&environment.environment, Actor::Visitor, &app.clock, &app.entropy, &app.keyring);
    let (application_id, client_id) = (known.application.id, known.application.client_id);
    let Some(seen) = known.registered.and_then(|registered| registered.fresh_until) else { return Ok(()) };
    let gone = app.store.write::<(), Failure, _>(move |tx| {
        Box::pin(async move { self_registration::give_up(tx, &act, (application_id, client_id), seen).await })
    });
    gone.await?;
    app.catch_up().await;
    Ok(())
}

/// Counts a fetch against both its requester and its target host, so that this server cannot be used to flood others.
async fn may_fetch(app: &App, environment: &EnvironmentState, url: &str, asker: &Asker<'_>) -> Result<bool, Failure> {
    let act = Act::new(&environment.environment, Actor::Visitor, &app.clock, &app.entropy, &app.keyring);
    let (from, at) = (asker.from.to_string(), host(url).to_owned());
    let counted = app.store.write::<bool, Failure, _>(move |tx| {
        Box::pin(async move {
            let from = attempts::count(tx, &act, DOCUMENTS_FROM, &from).await?;
            if from.is_err() {
                return Ok(false);
            }
            Ok(attempts::count(tx, &act, DOCUMENTS_AT, &at).await?.is_ok())
        })
    });
    let may = counted.await?;
    if !may {
        tracing::warn!(request_id = ?asker.request_id, client_id = url, "too many metadata documents are asked for");
    }
    Ok(may)
}

async fn fetch(app: &App, url: &str) -> Result<(Document, Timestamp), Wrong> {
    let target = Target::parse(url, Reach::Public)?;
    let mut request = Request::new(Full::default());
    request.headers_mut().insert(ACCEPT, HeaderValue::from_static("application/json"));
    request.headers_mut().insert(USER_AGENT, HeaderValue::from_static("Countersign"));
    let answer = app.outbound.send(&target, Reach::Public, request, LIMITS).await?;
    if answer.status() != StatusCode::OK {
        return Err(Wrong::Status(answer.status()));
    }
    if !is_json(text(answer.headers(), CONTENT_TYPE).unwrap_or_default()) {
        return Err(Wrong::ContentType);
    }
    let document = document::read(url, answer.body())?;
    let headers = answer.headers();
    // Multiple lines of one header field form one list (RFC 9110 §5.3).
    let cache_control: Vec<&str> =
        headers.get_all(CACHE_CONTROL).iter().filter_map(|value| value.to_str().ok()).collect();
    let cache_control = (!cache_control.is_empty()).then(|| cache_control.join(","));
    Ok((document, fresh_until(cache_control.as_deref(), text(headers, EXPIRES), app.clock.now())))
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

fn is_json(content_type: &str) -> bool {
    let kind = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    kind == "application/json" || (kind.starts_with("application/") && kind.ends_with("+json"))
}

/// Records for an administrator that somebody wants to use a document. Fetches nothing.
async fn ask(app: &App, environment: &EnvironmentState, url: &str, asker: &Asker<'_>) -> Result<Unresolved, Failure> {
    let act = Act::new(&environment.environment, Actor::Visitor, &app.clock, &app.entropy, &app.keyring);
    let (from, asked_for) = (asker.from.to_string(), url.to_owned());
    let noted = app.store.write::<bool, Failure, _>(move |tx| {
        Box::pin(async move {
            if attempts::count(tx, &act, DOCUMENTS_FROM, &from).await?.is_err() {
                return Ok(false);
            }
            self_registration::ask_for(tx, &act, &asked_for).await
        })
    });
    if noted.await? {
        tracing::info!(
            request_id = ?asker.request_id, client_id = url,
            "a client waits to be allowed: see 'countersign applications list'"
        );
    }
    Ok(Unresolved::AskFirst)
}
