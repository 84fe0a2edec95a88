//! Sign-in through the company's own login.

use super::{Typed, settle};
use crate::dashboard::call::DashboardCall;
use crate::dashboard::field;
use crate::dashboard::form_version;
use crate::domain::environments::standalone::{StandaloneChange, change};
use crate::hosted::page::PageError;
use crate::http::reply::Reply;
use countersign_protocol::model::{Standalone, StandaloneSubject};
use countersign_store::{signing_key, standalone};

/// The version of the settings that the form is drawn from.
pub(super) fn version_of(kept: &Standalone) -> String {
    form_version::of(&(kept.login_uri.as_ref().map(|uri| uri.as_str()), kept.subject))
}

/// Saves the login URI and what the `sub` claim of tokens is.
///
/// # Errors
/// Database errors.
pub async fn post(call: &DashboardCall) -> Result<Reply, PageError> {
    let form = call.page.form()?;
    let (login_uri, word) = (field::text(&form, "login_uri").to_owned(), field::text(&form, "subject").to_owned());
    let subject = Some(StandaloneSubject::parse(&word).ok_or_else(PageError::flow)?);
    let typed = Typed { login: Some((login_uri.clone(), word)), ..Typed::default() };
    let (act, wanted) = (call.act(), StandaloneChange { login_uri: Some(login_uri), subject });
    let before = field::text(&form, "seen").to_owned();
    let done = call.commit(move |tx| {
        Box::pin(async move {
            signing_key::lock(tx, act.environment_id).await?;
            form_version::unchanged(&before, &version_of(&standalone::find(tx, act.environment_id).await?))?;
            change(tx, &act, wanted).await.map(drop)
        })
    });
    let done = done.await;
    settle(call, done, "saved", typed).await
}
