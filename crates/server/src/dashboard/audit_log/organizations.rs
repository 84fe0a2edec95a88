//! `GET /dashboard/env/{environment}/audit-log/organizations`.

use super::{kept_in_words, stream_in_words};
use crate::dashboard::call::DashboardCall;
use crate::dashboard::page::{filter_query, pager, shown};
use crate::domain::Failure;
use crate::domain::audit_log::subject;
use crate::hosted::page::PageError;
use crate::http::reply::Reply;
use countersign_pages::dashboard::{AuditOrganizations, LogRow, Section};
use countersign_protocol::id::OrganizationId;
use countersign_protocol::management::page::PageRequest;
use countersign_protocol::management::query::Query;
use countersign_store::{audit_log_retention, audit_log_stream, organization};

/// Organizations per page.
const SHOWN: usize = 25;

/// The list, paginated, newest first.
///
/// # Errors
/// Database errors.
pub async fn get(call: &DashboardCall) -> Result<Reply, PageError> {
    let query = Query::parse(call.page.uri.query().unwrap_or("")).map_err(Failure::from)?;
    let request = PageRequest::parse(&query, |text| OrganizationId::parse(text).ok()).map_err(Failure::from)?;
    let request = request.of(SHOWN);
    let search = query.get("search").map_err(Failure::from)?.unwrap_or("").trim();
    let (mut reader, environment_id) = (call.page.app.store.reader().await?, call.environment.id());
    let text = Some(search).filter(|text| !text.is_empty());
    let found = organization::list(&mut reader, environment_id, &request.slice(), text).await?;
    let page = request.page(found, |row| row.id);
    // A deleted organization is on no list and has no name, but its ID still leads to its log.
    if let Ok(known) = subject(&mut reader, &call.act(), search).await {
        return call.to(&format!("/audit-log/organizations/{}", known.id));
    }
    let shell = call.shell(Section::AuditLog);
    let here = shell.at("/audit-log/organizations");
    let mut rows = Vec::with_capacity(page.data.len());
    for organization in &page.data {
        let days = audit_log_retention::find(&mut reader, environment_id, organization.id).await?;
        let stream = audit_log_stream::find(&mut reader, environment_id, organization.id).await?;
        let (tone, stream, _) = stream_in_words(stream.as_ref());
        rows.push(LogRow {
            href: format!("{here}/{}", organization.id),
            name: organization.name.clone(),
            kept: kept_in_words(days),
            tone,
            stream,
        });
    }
    drop(reader);
    let pager = pager(&here, &filter_query(&[("search", search)]), page.before, page.after);
    Ok(shown(&AuditOrganizations { shell: &shell, rows: &rows, search, pager: &pager }))
}
