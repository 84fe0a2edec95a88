//! `/dashboard/env/{environment}/applications/{id}/logo`.

use super::detail::{find, show};
use crate::dashboard::call::DashboardCall;
use crate::dashboard::page::refused;
use crate::domain::Failure;
use crate::domain::environments::branding::{Choice, change_application_logo};
use crate::hosted::page::PageError;
use crate::http::reply::Reply;
use crate::images::{Purpose, Upload};
use countersign_protocol::model::{ApplicationKind, ConnectApplication};
use http::StatusCode;

async fn change(call: &DashboardCall, found: &ConnectApplication) -> Result<(), Failure> {
    if matches!(found.kind, ApplicationKind::Machine { .. }) {
        return Err(Failure::invalid("logo", "not_allowed", "A machine has no logo, because nobody would see it."));
    }
    let wrong = |_| Failure::bad_request("invalid_form", "The form did not arrive completely. Please try again.");
    let form = call.page.form().map_err(wrong)?;
    let light: Choice<Upload> = call.chosen_picture(&form, "logo", Purpose::Logo).await?;
    let dark = call.chosen_picture(&form, "logo_dark", Purpose::Logo).await?;
    let (act, application) = (call.act(), found.clone());
    call.commit(move |tx| {
        Box::pin(async move { change_application_logo(tx, &act, &application, light, dark).await.map(drop) })
    })
    .await
}

/// Saves or removes the logos for light and dark pages.
///
/// # Errors
/// 404.
pub async fn post(call: &DashboardCall) -> Result<Reply, PageError> {
    let found = find(call).await?;
    match change(call, &found).await {
        Ok(()) => call.to(&format!("/applications/{}?done=saved", found.id)),
        Err(failure) => show(call, &found, None, Some(refused(failure)?), StatusCode::UNPROCESSABLE_ENTITY).await,
    }
}
