//! `GET /dashboard/env/{environment}/users`.

use super::MAX_EMAIL_LENGTH;
use crate::dashboard::call::DashboardCall;
use crate::dashboard::page::{pager, shown, when};
use crate::domain::Failure;
use crate::hosted::page::PageError;
use crate::http::reply::Reply;
use countersign_pages::dashboard::{Section, UserRow, Users};
use countersign_protocol::id::UserId;
use countersign_protocol::management::page::PageRequest;
use countersign_protocol::management::query::Query;
use countersign_store::user;

/// Maximum number of search results.
const FOUND: usize = 50;

/// The list, paginated, newest first; or, with a search, the users whose address starts with the search text.
///
/// # Errors
/// Database errors.
pub async fn get(call: &DashboardCall) -> Result<Reply, PageError> {
    let query = Query::parse(call.page.uri.query().unwrap_or("")).map_err(Failure::from)?;
    let request = PageRequest::parse(&query, |text| UserId::parse(text).ok()).map_err(Failure::from)?;
    let search: String =
        query.get("email").map_err(Failure::from)?.unwrap_or("").trim().chars().take(MAX_EMAIL_LENGTH).collect();
    let mut reader = call.page.app.store.reader().await?;
    let (rows, more, newer, older) = if search.is_empty() {
        let rows = user::list(&mut reader, call.environment.id(), &request.slice(), None).await?;
        let page = request.page(rows, |row| row.id);
        (page.data, false, page.before, page.after)
    } else {
        let most = i64::try_from(FOUND + 1).unwrap_or(i64::MAX);
        let mut rows = user::with_address_beginning(&mut reader, call.environment.id(), &search, most).await?;
        let more = rows.len() > FOUND;
        rows.truncate(FOUND);
        (rows, more, None, None)
    };
    drop(reader);
    let shell = call.shell(Section::Users);
    let shown_rows: Vec<UserRow> = rows
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
    let pager = pager(&shell.at("/users"), "", newer, older);
    Ok(shown(&Users { shell: &shell, rows: &shown_rows, search: &search, more, pager: &pager }))
}
