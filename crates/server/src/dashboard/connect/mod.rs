//! `/dashboard/env/{environment}/connect`: how third-party applications get access to users.
//!
//! | Module | Owns |
//! |---|---|
//! | [`claims`] | custom claims in users' access tokens |
//! | [`login`] | sign-in through the company's own login |
//! | [`clients`] | clients that register themselves, and decisions about their metadata documents |
//! | [`resources`] | resources that access tokens may be issued for |
//! | [`snippets`] | code for an MCP server |

pub mod claims;
pub mod clients;
pub mod login;
pub mod resources;
pub mod snippets;

use super::call::DashboardCall;
use super::form_version;
use super::page::{reply, when};
use crate::domain::Failure;
use crate::hosted::page::PageError;
use crate::http::reply::Reply;
use countersign_pages::dashboard::{Connect, DocumentRow, ResourceRow, Section};
use countersign_protocol::model::{Decision, KnownDocument};
use countersign_store::{client_document, oauth_resource, standalone};
use http::StatusCode;

/// Refused input, and why it was refused.
#[derive(Default)]
struct Typed {
    /// Login URI and subject.
    login: Option<(String, String)>,
    /// Policy, hosts, and whether clients may register themselves.
    clients: Option<(String, String, bool)>,
    document: String,
    resource: String,
    problem: Option<(StatusCode, String)>,
}

fn document_row(known: &KnownDocument) -> DocumentRow {
    let host = url::Url::parse(&known.url).ok().and_then(|url| url.host_str().map(str::to_owned));
    DocumentRow {
        host: host.unwrap_or_default(),
        url: known.url.clone(),
        waits: known.decision.is_none(),
        allowed: known.decision == Some(Decision::Allowed),
        since: when(known.decided_at.unwrap_or(known.created_at)),
    }
}

async fn show(call: &DashboardCall, typed: Typed) -> Result<Reply, PageError> {
    let environment_id = call.environment.id();
    let mut reader = call.page.app.store.reader().await?;
    let standalone = standalone::find(&mut reader, environment_id).await?;
    let documents = client_document::all(&mut reader, environment_id).await?;
    let resources = oauth_resource::all(&mut reader, environment_id).await?;
    drop(reader);
    // Documents awaiting a decision come first: they are why people open this page.
    let (waiting, decided): (Vec<_>, Vec<_>) = documents.iter().partition(|known| known.decision.is_none());
    let known: Vec<DocumentRow> = waiting.into_iter().chain(decided).map(document_row).collect();
    let environment = &call.environment.environment;
    let snippets = snippets::of(environment.issuer.as_str(), &resources);
    let resources: Vec<ResourceRow> = resources
        .into_iter()
        .map(|known| ResourceRow { id: known.id.to_string(), uri: known.uri, default: known.default })
        .collect();
    let kept = || {
        let uri = standalone.login_uri.as_ref().map_or("", |uri| uri.as_str());
        (uri.to_owned(), standalone.subject.as_str().to_owned())
    };
    let (login_uri, subject) = typed.login.unwrap_or_else(kept);
    let policy = &environment.self_registration;
    let kept = || (policy.documents.as_str().to_owned(), policy.documents.hosts().join("\n"), policy.dynamic);
    let (documents, hosts, dynamic) = typed.clients.unwrap_or_else(kept);
    let (status, shell) = match typed.problem {
        Some((status, problem)) => (status, call.shell_with(Section::Connect, Some(problem))),
        None => (StatusCode::OK, call.shell(Section::Connect)),
    };
    let page = Connect {
        shell: &shell,
        login_seen: &login::version_of(&standalone),
        clients_seen: &clients::version_of(policy),
        login_uri: &login_uri,
        subject: &subject,
        documents: &documents,
        hosts: &hosts,
        dynamic,
        known: &known,
        typed_document: &typed.document,
        resources: &resources,
        typed_resource: &typed.resource,
        snippets: &snippets,
    };
    Ok(reply(status, &page))
}

/// The page.
///
/// # Errors
/// Database errors.
pub async fn get(call: &DashboardCall) -> Result<Reply, PageError> {
    show(call, Typed::default()).await
}

/// Redirects to the page, or shows it again with the refused input.
async fn settle(call: &DashboardCall, done: Result<(), Failure>, word: &str, typed: Typed) -> Result<Reply, PageError> {
    match done {
        Ok(()) => call.to(&format!("/connect?done={word}")),
        Err(failure) => show(call, Typed { problem: Some(form_version::refused_with(failure)?), ..typed }).await,
    }
}
