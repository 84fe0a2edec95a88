//! Clients that register themselves, and decisions about their metadata documents.

use super::{Typed, settle};
use crate::dashboard::call::DashboardCall;
use crate::dashboard::field;
use crate::dashboard::form_version;
use crate::domain::connect::self_registration::{decide, set_policy};
use crate::hosted::page::PageError;
use crate::http::reply::Reply;
use countersign_protocol::model::{Decision, DocumentPolicy, SelfRegistration};

/// The version of the policy that the form is drawn from.
pub(super) fn version_of(policy: &SelfRegistration) -> String {
    form_version::of(&(policy.documents.as_str(), policy.documents.hosts(), policy.dynamic))
}

/// Saves which clients may register themselves.
///
/// # Errors
/// Database errors.
pub async fn post(call: &DashboardCall) -> Result<Reply, PageError> {
    let form = call.page.form()?;
    let word = field::text(&form, "documents");
    let (hosts, dynamic) = (field::lines(&form, "hosts"), field::ticked(&form, "dynamic"));
    let documents = DocumentPolicy::parse(word, hosts.clone()).ok_or_else(PageError::flow)?;
    let typed = Typed { clients: Some((word.to_owned(), hosts.join("\n"), dynamic)), ..Typed::default() };
    let (act, wanted) = (call.act(), SelfRegistration { documents, dynamic });
    let before = field::text(&form, "seen").to_owned();
    let unchanged = move |kept: &SelfRegistration| form_version::unchanged(&before, &version_of(kept));
    let done = call.commit(move |tx| Box::pin(async move { set_policy(tx, &act, wanted, unchanged).await })).await;
    settle(call, done, "saved", typed).await
}

async fn decided(call: &DashboardCall, decision: Decision) -> Result<Reply, PageError> {
    let url = field::text(&call.page.form()?, "url").to_owned();
    let typed = Typed { document: url.clone(), ..Typed::default() };
    let act = call.act();
    let done = call.commit(move |tx| Box::pin(async move { decide(tx, &act, &url, decision).await })).await;
    settle(call, done, "saved", typed).await
}

/// Allows a metadata document to act as a client.
///
/// # Errors
/// Database errors.
pub async fn allow(call: &DashboardCall) -> Result<Reply, PageError> {
    decided(call, Decision::Allowed).await
}

/// Refuses a metadata document as a client, and deletes the client with everything that users have granted it.
///
/// # Errors
/// Database errors.
pub async fn refuse(call: &DashboardCall) -> Result<Reply, PageError> {
    decided(call, Decision::Refused).await
}
