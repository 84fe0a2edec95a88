//! `/dashboard/env/{environment}/audit-log/organizations/{id}/exports`.

use super::detail::{Typed, find, settle, show};
use crate::dashboard::call::DashboardCall;
use crate::dashboard::field;
use crate::domain::Failure;
use crate::domain::audit_log::exports;
use crate::hosted::page::{PageError, redirect};
use crate::http::reply::Reply;
use countersign_protocol::audit::export::Wanted;

/// Requests an export of an organization's events within a time range.
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
            let problem = Some("Enter both dates: “From” and “To”.".to_owned());
            return show(call, &found, Typed { problem, ..typed }).await;
        }
        Err(problem) => return show(call, &found, Typed { problem: Some(problem), ..typed }).await,
    };
    // Include events that were sent just before this request.
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

/// Redirects to an export through a URL that is valid for ten minutes.
///
/// # Errors
/// 404 if the export belongs to another organization or is not available.
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
