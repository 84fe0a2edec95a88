//! List pagination: `limit`, `order`, `before`, `after`.
//!
//! Identifiers are created in time order, so a list is ordered by identifier and a cursor is a position in that order.
//! A cursor whose row has since been deleted is still a valid position: a client that deletes rows while paging misses
//! nothing.

use super::error::{ApiError, FieldError};
use super::query::Query;
use serde::Serialize;
use serde_json::Value;

/// The default page size.
pub const DEFAULT_LIMIT: usize = 10;
/// The maximum page size.
pub const MAX_LIMIT: usize = 100;

/// The direction in which rows are read from the index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scan {
    /// From newer to older.
    Descending,
    /// From older to newer.
    Ascending,
}

/// The order of the rows on a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    Descending,
    Ascending,
    /// Newest first, with `before` leading to older rows and `after` to newer ones.
    Normal,
}

/// A request for a page of rows with identifiers of type `I`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageRequest<I> {
    limit: usize,
    order: Order,
    cursor: Option<Cursor<I>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cursor<I> {
    Before(I),
    After(I),
}

/// The rows to read: up to `limit` in the direction of `scan`, starting beyond `from` if given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slice<I> {
    /// The direction to read in.
    pub scan: Scan,
    /// Where to start, exclusive.
    pub from: Option<I>,
    /// The number of rows: one more than the page shows, to tell whether there are more.
    pub limit: usize,
}

/// A page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// The rows, in the requested order.
    pub data: Vec<T>,
    /// The cursor for the rows before these, if any.
    pub before: Option<String>,
    /// The cursor for the rows after these, if any.
    pub after: Option<String>,
}

impl<I: Copy + std::fmt::Display> PageRequest<I> {
    /// Reads the pagination parameters.
    ///
    /// # Errors
    /// 422 for a limit outside 1 to 100, an unknown order, a cursor that is not an identifier of this kind of row, or
    /// two cursors.
    pub fn parse(query: &Query, parse_id: impl Fn(&str) -> Option<I>) -> Result<Self, ApiError> {
        Self::parse_or(query, parse_id, Order::Descending)
    }

    /// Like [`PageRequest::parse`], but for a list whose default order is oldest first.
    ///
    /// # Errors
    /// As in [`PageRequest::parse`].
    pub fn oldest_first(query: &Query, parse_id: impl Fn(&str) -> Option<I>) -> Result<Self, ApiError> {
        Self::parse_or(query, parse_id, Order::Ascending)
    }

    fn parse_or(query: &Query, parse_id: impl Fn(&str) -> Option<I>, without: Order) -> Result<Self, ApiError> {
        let mut errors = Vec::new();
        let limit = match query.get("limit")? {
            None => DEFAULT_LIMIT,
            Some(text) => match text.parse::<usize>() {
                Ok(limit) if (1..=MAX_LIMIT).contains(&limit) && text.bytes().all(|b| b.is_ascii_digit()) => limit,
                _ => {
                    errors.push(FieldError::new(
                        "limit",
                        "invalid",
                        format!("limit must be a number from 1 to {MAX_LIMIT}."),
                    ));
                    DEFAULT_LIMIT
                }
            },
        };
        let order = match query.get("order")? {
            None => without,
            Some("desc") => Order::Descending,
            Some("asc") => Order::Ascending,
            Some("normal") => Order::Normal,
            Some(_) => {
                errors.push(FieldError::new("order", "invalid", "order must be 'asc', 'desc' or 'normal'."));
                Order::Descending
            }
        };
        let (before, after) = (query.get("before")?, query.get("after")?);
        let mut cursor = |name: &str, text: &str| {
            let id = parse_id(text);
            if id.is_none() {
                errors.push(FieldError::new(
                    name,
                    "invalid",
                    format!("{name} must be the identifier of a row of this list."),
                ));
            }
            id
        };
        let cursor = match (before, after) {
            (Some(_), Some(_)) => {
                errors.push(FieldError::new("after", "invalid", "Use before or after, not both."));
                None
            }
            (Some(text), None) => cursor("before", text).map(Cursor::Before),
            (None, Some(text)) => cursor("after", text).map(Cursor::After),
            (None, None) => None,
        };
        if errors.is_empty() { Ok(Self { limit, order, cursor }) } else { Err(ApiError::Validation(errors)) }
    }

    /// Returns the same request with this page size, whatever was requested.
    #[must_use]
    pub fn of(self, limit: usize) -> Self {
        Self { limit, ..self }
    }

    /// The rows to read from the store.
    pub fn slice(&self) -> Slice<I> {
        let shown = match self.order {
            Order::Descending | Order::Normal => Scan::Descending,
            Order::Ascending => Scan::Ascending,
        };
        let (scan, from) = match self.cursor {
            None => (shown, None),
            Some(cursor) => {
                let (forward, id) = match cursor {
                    Cursor::After(id) => (self.order != Order::Normal, id),
                    Cursor::Before(id) => (self.order == Order::Normal, id),
                };
                (if forward { shown } else { shown.reversed() }, Some(id))
            }
        };
        Slice { scan, from, limit: self.limit + 1 }
    }

    /// Builds the page from the rows found for [`PageRequest::slice`].
    pub fn page<T>(&self, mut rows: Vec<T>, id: impl Fn(&T) -> I) -> Page<T> {
        let more = rows.len() > self.limit;
        rows.truncate(self.limit);
        let slice = self.slice();
        let backward = slice.scan
            != match self.order {
                Order::Descending | Order::Normal => Scan::Descending,
                Order::Ascending => Scan::Ascending,
            };
        if backward {
            rows.reverse();
        }
        let came_from_somewhere = slice.from.is_some();
        let (earlier, later) = if backward { (more, came_from_somewhere) } else { (came_from_somewhere, more) };
        let first = rows.first().filter(|_| earlier).map(|row| id(row).to_string());
        let last = rows.last().filter(|_| later).map(|row| id(row).to_string());
        match self.order {
            Order::Normal => Page { data: rows, before: last, after: first },
            Order::Descending | Order::Ascending => Page { data: rows, before: first, after: last },
        }
    }
}

impl Scan {
    const fn reversed(self) -> Self {
        match self {
            Self::Descending => Self::Ascending,
            Self::Ascending => Self::Descending,
        }
    }
}

impl<T: Serialize> Page<T> {
    /// The list envelope.
    pub fn envelope(&self) -> Value {
        serde_json::json!({
            "object": "list",
            "data": self.data.iter().map(|row| serde_json::to_value(row).unwrap_or_default()).collect::<Vec<_>>(),
            "list_metadata": {"before": self.before, "after": self.after},
        })
    }
}

impl<T> Page<T> {
    /// Returns the same page with each row converted.
    pub fn map<U>(self, turn: impl FnMut(T) -> U) -> Page<U> {
        Page { data: self.data.into_iter().map(turn).collect(), before: self.before, after: self.after }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn request(query: &str) -> Result<PageRequest<u32>, ApiError> {
        PageRequest::parse(&Query::parse(query).unwrap(), |text| text.parse().ok())
    }

    /// Reads from a list of rows 1 to `count`, where row n was created at time n.
    fn read(count: u32, query: &str) -> Page<u32> {
        let request = request(query).unwrap();
        let slice = request.slice();
        let mut rows: Vec<u32> = match (slice.scan, slice.from) {
            (Scan::Ascending, from) => (1..=count).filter(|n| from.is_none_or(|f| *n > f)).collect(),
            (Scan::Descending, from) => (1..=count).rev().filter(|n| from.is_none_or(|f| *n < f)).collect(),
        };
        rows.truncate(slice.limit);
        request.page(rows, |row| *row)
    }

    fn check(query: &str, data: &[u32], before: Option<&str>, after: Option<&str>) {
        let page = read(5, query);
        assert_eq!(
            (page.data.as_slice(), page.before.as_deref(), page.after.as_deref()),
            (data, before, after),
            "{query}"
        );
    }

    #[test]
    fn pages() {
        check("", &[5, 4, 3, 2, 1], None, None);
        check("limit=2", &[5, 4], None, Some("4"));
        check("limit=2&after=4", &[3, 2], Some("3"), Some("2"));
        check("limit=2&after=2", &[1], Some("1"), None);
        check("limit=2&after=1", &[], None, None);
        check("limit=2&before=1", &[3, 2], Some("3"), Some("2"));
        check("limit=2&before=4", &[5], None, Some("5"));
        check("limit=2&order=asc", &[1, 2], None, Some("2"));
        check("limit=2&order=asc&after=2", &[3, 4], Some("3"), Some("4"));
        check("limit=2&order=asc&before=3", &[1, 2], None, Some("2"));
        check("limit=2&order=normal", &[5, 4], Some("4"), None);
        check("limit=2&order=normal&before=4", &[3, 2], Some("2"), Some("3"));
        check("limit=2&order=normal&after=1", &[3, 2], Some("2"), Some("3"));
        check("limit=5", &[5, 4, 3, 2, 1], None, None);
    }

    #[test]
    fn threat_45_page_parameters_are_bounded() {
        for bad in [
            "limit=0",
            "limit=101",
            "limit=-1",
            "limit=+5",
            "limit=ten",
            "limit=1e2",
            "limit=99999999999999999999",
            "order=up",
            "before=x",
            "after=x",
            "before=1&after=2",
        ] {
            assert!(matches!(request(bad), Err(ApiError::Validation(_))), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn following_after_sees_every_row_once(count in 0_u32..60, limit in 1_usize..12, order in prop_oneof!["asc", "desc"]) {
            let mut seen = Vec::new();
            let mut after: Option<String> = None;
            loop {
                let cursor = after.map(|id| format!("&after={id}")).unwrap_or_default();
                let page = read(count, &format!("limit={limit}&order={order}{cursor}"));
                seen.extend(page.data);
                after = page.after;
                if after.is_none() { break; }
                prop_assert!(seen.len() <= count as usize);
            }
            let mut expected: Vec<u32> = (1..=count).collect();
            if order == "desc" { expected.reverse(); }
            prop_assert_eq!(seen, expected);
        }

        #[test]
        fn following_before_in_normal_order_sees_every_row_once(count in 0_u32..60, limit in 1_usize..12) {
            let mut seen = Vec::new();
            let mut before: Option<String> = None;
            loop {
                let cursor = before.map(|id| format!("&before={id}")).unwrap_or_default();
                let page = read(count, &format!("limit={limit}&order=normal{cursor}"));
                seen.extend(page.data);
                before = page.before;
                if before.is_none() { break; }
                prop_assert!(seen.len() <= count as usize);
            }
            prop_assert_eq!(seen, (1..=count).rev().collect::<Vec<_>>());
        }
    }
}
