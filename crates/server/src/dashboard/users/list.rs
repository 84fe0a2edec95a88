//! `GET /dashboard/env/{environment}/users`.

use super::LONGEST_EMAIL;
use crate::dashboard::call::DashboardCall;
use crate::dashboard::page::{pager, shown, when};
use crate::domain::Failure;
use crate::hosted::page::Stop;
use crate::http::reply::Reply;
use countersign_pages::dashboard::{Section, UserRow, Users};
use countersign_protocol::id::UserId;
use countersign_protocol::management::page::PageRequest;
use countersign_protocol::management::query::Query;
use countersign_store::user;

/// The list, page by page, newest first; with an address, whose it is.
///
/// # Errors
/// Database errors.
pub async fn get(call: &DashboardCall) -> Result<Reply, Stop> {
    let query = Query::parse(call.page.uri.query().unwrap_or("")).map_err(Failure::from)?;
    let request = PageRequest::parse(&query, |text| UserId::parse(text).ok()).map_err(Failure::from)?;
    let search: String =
        query.get("email").map_err(Failure::from)?.unwrap_or("").trim().chars().take(LONGEST_EMAIL).collect();
    let mut reader = call.page.app.store.reader().await?;
    let rows = if search.is_empty() {
        user::list(&mut reader, call.environment.id(), &request.slice(), None).await?
    } else {
        user::find_by_email(&mut reader, call.environment.id(), &search).await?.into_iter().collect()
    };
    drop(reader);
    let page = request.page(rows, |row| row.id);
    let shell = call.shell(Section::Users);
    let shown_rows: Vec<UserRow> = page
        .data
        .iter()
        .map(|row| UserRow {
            href: shell.at(&format!("/users/{}", row.id)),
            email: row.email.clone(),
            verified: row.email_verified,
            name: row.full_name().unwrap_or_default(),
            last_sign_in: row.last_sign_in_at.map_or_else(|| "Never".to_owned(), when),
            created: when(row.created_at),
        })
        .collect();
    let pager = pager(&shell.at("/users"), "", page.before, page.after);
    Ok(shown(&Users { shell: &shell, rows: &shown_rows, search: &search, pager: &pager }))
}
