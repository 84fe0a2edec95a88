//! `GET /dashboard/env/{environment}/applications`.

use super::kind_in_words;
use crate::dashboard::call::DashboardCall;
use crate::dashboard::page::{pager, shown, when};
use crate::domain::Failure;
use crate::hosted::page::PageError;
use crate::http::reply::Reply;
use countersign_pages::dashboard::{ApplicationRow, Applications, Section};
use countersign_protocol::id::ApplicationId;
use countersign_protocol::management::page::PageRequest;
use countersign_protocol::management::query::Query;
use countersign_protocol::model::{ApplicationKind, Ownership};
use countersign_store::application::{self, Filter};
use countersign_store::organization;

/// The list, paginated, newest first.
///
/// # Errors
/// Database errors.
pub async fn get(call: &DashboardCall) -> Result<Reply, PageError> {
    let query = Query::parse(call.page.uri.query().unwrap_or("")).map_err(Failure::from)?;
    let request = PageRequest::parse(&query, |text| ApplicationId::parse(text).ok()).map_err(Failure::from)?;
    let registered = query.get("registered").map_err(Failure::from)?.is_some();
    let filter = Filter { authenticated: !registered, dynamic: registered, ..Filter::default() };
    let mut reader = call.page.app.store.reader().await?;
    let rows = application::list(&mut reader, call.environment.id(), filter, &request.slice()).await?;
    let page = request.page(rows, |row| row.id);
    let shell = call.shell(Section::Applications);
    let mut shown_rows = Vec::with_capacity(page.data.len());
    for row in &page.data {
        let owner = match row.organization_id() {
            Some(id) => organization::find(&mut reader, call.environment.id(), id).await?.map(|found| found.name),
            None => None,
        };
        let ours = matches!(row.kind, ApplicationKind::OAuth { ownership: Ownership::FirstParty, .. });
        shown_rows.push(ApplicationRow {
            href: shell.at(&format!("/applications/{}", row.id)),
            name: row.name.clone(),
            client_id: row.client_name().to_string(),
            kind: kind_in_words(&row.kind),
            owner: owner.unwrap_or_else(|| if ours { "Us" } else { "Unknown" }.to_owned()),
            created: when(row.created_at),
        });
    }
    drop(reader);
    let keeps = if registered { "registered=yes" } else { "" };
    let pager = pager(&shell.at("/applications"), keeps, page.before, page.after);
    Ok(shown(&Applications { shell: &shell, rows: &shown_rows, registered, pager: &pager }))
}
