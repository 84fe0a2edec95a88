//! Sign-in at the company's own login.

use super::{Typed, settle};
use crate::dashboard::call::DashboardCall;
use crate::dashboard::field;
use crate::domain::standalone::{StandaloneChange, change};
use crate::hosted::page::Stop;
use crate::http::reply::Reply;
use countersign_protocol::model::StandaloneSubject;

/// Saves where people sign in, and whom their tokens name.
///
/// # Errors
/// Database errors.
pub async fn post(call: &DashboardCall) -> Result<Reply, Stop> {
    let form = call.page.form()?;
    let (login_uri, word) = (field::text(&form, "login_uri").to_owned(), field::text(&form, "subject").to_owned());
    let subject = Some(StandaloneSubject::parse(&word).ok_or_else(Stop::flow)?);
    let typed = Typed { login: Some((login_uri.clone(), word)), ..Typed::default() };
    let (act, wanted) = (call.act(), StandaloneChange { login_uri: Some(login_uri), subject });
    let done = call.commit(move |tx| Box::pin(async move { change(tx, &act, wanted).await.map(drop) })).await;
    settle(call, done, "saved", typed).await
}
