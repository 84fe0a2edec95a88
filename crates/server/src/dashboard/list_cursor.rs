//! One of several lists on a page. Its cursors stand in the query with its name in front of them, which is also the place on
//! the page to which its links lead. One list is turned over at a time: the others begin at their newest.

use super::call::DashboardCall;
use super::page::kept;
use crate::domain::Failure;
use crate::hosted::page::PageError;
use countersign_pages::dashboard::Pager;
use countersign_protocol::management::page::{PageRequest, Slice};
use countersign_protocol::management::query::Query;
use std::fmt::Display;

/// The part of the list that is asked for, where rows have identifiers of type `I`.
#[derive(Debug)]
pub struct ListCursor<I> {
    name: &'static str,
    request: PageRequest<I>,
}

impl<I: Copy + Display> ListCursor<I> {
    /// Reads what is asked for of the list of this name.
    ///
    /// # Errors
    /// 422 for a cursor that is no identifier of such a row.
    pub fn of(
        call: &DashboardCall,
        name: &'static str,
        parse_id: impl Fn(&str) -> Option<I>,
    ) -> Result<Self, PageError> {
        let asked = Query::parse(call.page.uri.query().unwrap_or("")).map_err(Failure::from)?;
        let cursor = |word: &str| asked.get(&format!("{name}_{word}")).map(Option::unwrap_or_default);
        let cursors =
            [("before", cursor("before").map_err(Failure::from)?), ("after", cursor("after").map_err(Failure::from)?)];
        let own = Query::parse(&kept(&cursors)).map_err(Failure::from)?;
        let request = PageRequest::parse(&own, parse_id).map_err(Failure::from)?;
        Ok(Self { name, request })
    }

    /// What to read from the store.
    pub fn slice(&self) -> Slice<I> {
        self.request.slice()
    }

    /// The rows to show, of those that were found, and the ways from there; `path` is that of the page, with
    /// the parameters that are to be kept.
    pub fn page<T>(&self, path: &str, rows: Vec<T>, id: impl Fn(&T) -> I) -> (Vec<T>, Pager) {
        let page = self.request.page(rows, id);
        let and = if path.contains('?') { '&' } else { '?' };
        let link = |word: &str, id: String| format!("{path}{and}{}_{word}={id}#{}", self.name, self.name);
        let newer = page.before.map(|id| link("before", id));
        let older = page.after.map(|id| link("after", id));
        (page.data, Pager { of: self.name, newer, older })
    }
}
