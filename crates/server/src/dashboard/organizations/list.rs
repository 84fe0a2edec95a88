//! `GET /dashboard/env/{environment}/organizations`.

use crate::dashboard::call::DashboardCall;
use crate::dashboard::page::{pager, shown, when};
use crate::domain::Failure;
use crate::hosted::page::PageError;
use crate::http::reply::Reply;
use countersign_pages::dashboard::{OrganizationRow, Organizations, Section};
use countersign_protocol::id::OrganizationId;
use countersign_protocol::management::fields::MAX_NAME_LENGTH;
use countersign_protocol::management::page::PageRequest;
use countersign_protocol::management::query::Query;
use countersign_protocol::model::DomainState;
use countersign_store::organization;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

/// The list, paginated, newest first; with a search, only organizations whose name contains the search text.
///
/// # Errors
/// Database errors.
pub async fn get(call: &DashboardCall) -> Result<Reply, PageError> {
    let query = Query::parse(call.page.uri.query().unwrap_or("")).map_err(Failure::from)?;
    let request = PageRequest::parse(&query, |text| OrganizationId::parse(text).ok()).map_err(Failure::from)?;
    let search: String =
        query.get("search").map_err(Failure::from)?.unwrap_or("").trim().chars().take(MAX_NAME_LENGTH).collect();
    let wanted = Some(search.as_str()).filter(|text| !text.is_empty());
    let mut reader = call.page.app.store.reader().await?;
    let rows = organization::list(&mut reader, call.environment.id(), &request.slice(), wanted).await?;
    drop(reader);
    let page = request.page(rows, |row| row.id);
    let shell = call.shell(Section::Organizations);
    let shown_rows: Vec<OrganizationRow> = page
        .data
        .iter()
        .map(|row| OrganizationRow {
            href: shell.at(&format!("/organizations/{}", row.id)),
            name: row.name.clone(),
            id: row.id.to_string(),
            domains: row
                .domains
                .iter()
                .map(|domain| (domain.domain.clone(), domain.state == DomainState::Verified))
                .collect(),
            created: when(row.created_at),
        })
        .collect();
    let keeps = wanted.map(|text| format!("search={}", utf8_percent_encode(text, NON_ALPHANUMERIC)));
    let pager = pager(&shell.at("/organizations"), keeps.as_deref().unwrap_or(""), page.before, page.after);
    Ok(shown(&Organizations { shell: &shell, rows: &shown_rows, search: &search, pager: &pager }))
}
