//! Pagination of one of several lists on a page. Its cursors are query parameters prefixed with its name, which is also
//! the fragment that its links point to. Only one list is paged at a time: the others start at their newest row.

use super::call::DashboardCall;
use super::page::filter_query;
use crate::domain::Failure;
use crate::hosted::page::PageError;
use countersign_pages::dashboard::Pager;
use countersign_protocol::management::page::{PageRequest, Slice};
use countersign_protocol::management::query::Query;
use std::fmt::Display;

/// The requested page of the list, whose rows have IDs of type `I`.
#[derive(Debug)]
pub struct ListCursor<I> {
    name: &'static str,
    request: PageRequest<I>,
}

impl<I: Copy + Display> ListCursor<I> {
    /// Reads the request for the list of this name.
    ///
    /// # Errors
    /// 422 if a cursor is not an ID of such a row.
    pub fn of(
        call: &DashboardCall,
        name: &'static str,
        parse_id: impl Fn(&str) -> Option<I>,
    ) -> Result<Self, PageError> {
        let asked = Query::parse(call.page.uri.query().unwrap_or("")).map_err(Failure::from)?;
        let cursor = |word: &str| asked.get(&format!("{name}_{word}")).map(Option::unwrap_or_default);
        let cursors =
            [("before", cursor("before").map_err(Failure::from)?), ("after", cursor("after").map_err(Failure::from)?)];
        let own = Query::parse(&filter_query(&cursors)).map_err(Failure::from)?;
        let request = PageRequest::parse(&own, parse_id).map_err(Failure::from)?;
        Ok(Self { name, request })
    }

    /// The range to read from the store.
    pub fn slice(&self) -> Slice<I> {
        self.request.slice()
    }

    /// The rows to show, out of those found, and the links to adjacent pages; `path` is that of the page, with the
    /// parameters to keep.
    pub fn page<T>(&self, path: &str, rows: Vec<T>, id: impl Fn(&T) -> I) -> (Vec<T>, Pager) {
        let page = self.request.page(rows, id);
        let and = if path.contains('?') { '&' } else { '?' };
        let link = |word: &str, id: String| format!("{path}{and}{}_{word}={id}#{}", self.name, self.name);
        let newer = page.before.map(|id| link("before", id));
        let older = page.after.map(|id| link("after", id));
        (page.data, Pager { of: self.name, newer, older })
    }
}
