//! `/dashboard/env/{environment}/audit-log/organizations/{id}/exports`.

use super::detail::{Typed, find, settle, show};
use crate::dashboard::call::DashboardCall;
use crate::dashboard::field;
use crate::domain::Failure;
use crate::domain::audit_log::exports;
use crate::hosted::page::{PageError, redirect};
use crate::http::reply::Reply;
use countersign_protocol::audit::export::Wanted;

/// Asks for a copy of what was told of an organization in a range.
///
/// # Errors
/// 404.
pub async fn create(call: &DashboardCall) -> Result<Reply, PageError> {
    let found = find(call).await?;
    let form = call.page.form()?;
    let typed = Typed {
        from: field::text(&form, "from").to_owned(),
        to: field::text(&form, "to").to_owned(),
        ..Typed::default()
    };
    let (range_start, range_end) = match field::range(&typed.from, &typed.to) {
        Ok((Some(start), Some(end))) => (start, end),
        Ok(_) => {
            let problem = Some("A copy needs both: from when, and to when.".to_owned());
            return show(call, &found, Typed { problem, ..typed }).await;
        }
        Err(problem) => return show(call, &found, Typed { problem: Some(problem), ..typed }).await,
    };
    // Events that were sent just before this call are to be in the copy.
    exports::settle(&call.page.app, call.environment.id()).await?;
    let wanted = Wanted {
        range_start,
        range_end,
        actions: Vec::new(),
        actor_names: Vec::new(),
        actor_ids: Vec::new(),
        targets: Vec::new(),
    };
    let (act, id) = (call.act(), found.id.to_string());
    let done =
        call.commit(move |tx| Box::pin(async move { exports::create(tx, &act, &id, wanted).await.map(drop) })).await;
    settle(call, &found, done, "exported", typed).await
}

/// Leads to a copy, by an address that is good for ten minutes.
///
/// # Errors
/// 404 for one that is not this organization's, or is not to be had.
pub async fn download(call: &DashboardCall) -> Result<Reply, PageError> {
    let found = find(call).await?;
    let (act, id) = (call.act(), call.page.path.get("export"));
    let export = exports::find(&mut call.page.app.store.reader().await?, &act, id).await?;
    let missing = || Failure::not_found("Audit Log Export", id);
    if export.organization_id != found.id {
        return Err(missing().into());
    }
    redirect(&exports::address(&act, &export).ok_or_else(missing)?)
}
