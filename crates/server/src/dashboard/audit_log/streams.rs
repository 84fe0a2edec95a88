//! `/dashboard/env/{environment}/audit-log/organizations/{id}/stream`.

use super::detail::{Typed, find, settle, show};
use crate::dashboard::call::DashboardCall;
use crate::dashboard::field;
use crate::domain::audit_log::streams::{NewStream, end as end_stream, set as set_stream};
use crate::hosted::page::PageError;
use crate::http::reply::Reply;
use countersign_protocol::audit::export::StreamFormat;
use std::collections::BTreeMap;

/// Sets where an organization's events are streamed.
///
/// # Errors
/// 404.
pub async fn set(call: &DashboardCall) -> Result<Reply, PageError> {
    let found = find(call).await?;
    let form = call.page.form()?;
    let (url, format) = (field::text(&form, "url").to_owned(), field::text(&form, "format").to_owned());
    let typed = Typed { url: Some(url.clone()), format: Some(format.clone()), ..Typed::default() };
    let format = StreamFormat::parse(&format).ok_or_else(PageError::flow)?;
    let mut headers = BTreeMap::new();
    for line in field::lines(&form, "headers") {
        let Some((name, value)) = line.split_once(':') else {
            // Does not quote the line: it may be a secret.
            let problem = Some("Write each header as a line such as “Authorization: Bearer …”.".to_owned());
            return show(call, &found, Typed { problem, ..typed }).await;
        };
        headers.insert(name.trim().to_owned(), value.trim().to_owned());
    }
    let (act, id) = (call.act(), found.id.to_string());
    let new = NewStream { url, format, headers };
    let done = call.commit(move |tx| Box::pin(async move { set_stream(tx, &act, &id, new).await.map(drop) })).await;
    settle(call, &found, done, "streaming", typed).await
}

/// Stops or removes the stream.
///
/// # Errors
/// 404.
pub async fn end(call: &DashboardCall) -> Result<Reply, PageError> {
    let found = find(call).await?;
    let forget = match field::text(&call.page.form()?, "how") {
        "forget" => true,
        "stop" => false,
        _ => return Err(PageError::flow()),
    };
    let (act, id) = (call.act(), found.id.to_string());
    let done = call.commit(move |tx| Box::pin(async move { end_stream(tx, &act, &id, forget).await })).await;
    settle(call, &found, done, "stopped", Typed::default()).await
}
