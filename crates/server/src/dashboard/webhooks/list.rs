//! `GET /dashboard/env/{environment}/webhooks`.

use super::{delivery_row, events_in_words, page_of};
use crate::dashboard::call::DashboardCall;
use crate::dashboard::page::{pager, shown};
use crate::domain::Failure;
use crate::hosted::page::PageError;
use crate::http::reply::Reply;
use countersign_pages::dashboard::{Section, WebhookRow, Webhooks};
use countersign_protocol::id::WebhookEndpointId;
use countersign_protocol::management::page::{PageRequest, Scan};
use countersign_protocol::management::query::Query;
use countersign_protocol::model::WebhookStatus;
use countersign_store::{webhook_delivery, webhook_endpoint};

/// The list, paginated, newest first.
///
/// # Errors
/// Database errors.
pub async fn get(call: &DashboardCall) -> Result<Reply, PageError> {
    let query = Query::parse(call.page.uri.query().unwrap_or("")).map_err(Failure::from)?;
    let request = PageRequest::parse(&query, |text| WebhookEndpointId::parse(text).ok()).map_err(Failure::from)?;
    let mut reader = call.page.app.store.reader().await?;
    let environment_id = call.environment.id();
    let found = webhook_endpoint::list(&mut reader, environment_id, &request.slice()).await?;
    let page = request.page(found, |row| row.id);
    let mut rows = Vec::with_capacity(page.data.len());
    for endpoint in &page.data {
        let newest = (Scan::Descending, None, 1);
        let last = webhook_delivery::list(&mut reader, (environment_id, endpoint.id), newest, None).await?;
        let href = page_of(call, endpoint);
        rows.push(WebhookRow {
            url: endpoint.endpoint_url.clone(),
            enabled: endpoint.status == WebhookStatus::Enabled,
            given_up: matches!(endpoint.status, WebhookStatus::Disabled { reason: Some(_) }),
            events: events_in_words(endpoint),
            last: last.first().map(|last| delivery_row(&href, last)),
            href,
        });
    }
    drop(reader);
    let shell = call.shell(Section::Webhooks);
    let pager = pager(&shell.at("/webhooks"), "", page.before, page.after);
    Ok(shown(&Webhooks { shell: &shell, rows: &rows, pager: &pager }))
}
