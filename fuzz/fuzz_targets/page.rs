//! A request for a page of a list, served from a table of 25 rows.
#![no_main]

use countersign_protocol::id::{Id, OrganizationId};
use countersign_protocol::management::page::{MAX_LIMIT, PageRequest, Scan};
use countersign_protocol::management::query::Query;
use libfuzzer_sys::fuzz_target;

fn request(text: &str) -> Option<PageRequest<OrganizationId>> {
    PageRequest::parse(&Query::parse(text).ok()?, |text| OrganizationId::parse(text).ok()).ok()
}

/// Returns the rows that the store would find.
fn find(request: &PageRequest<OrganizationId>) -> Vec<OrganizationId> {
    let slice = request.slice();
    assert!((2..=MAX_LIMIT + 1).contains(&slice.limit));
    let mut rows: Vec<OrganizationId> = (1..=25).map(OrganizationId::from_ulid).collect();
    if slice.scan == Scan::Descending {
        rows.reverse();
    }
    rows.retain(|row| {
        slice.from.is_none_or(|from| if slice.scan == Scan::Ascending { *row > from } else { *row < from })
    });
    rows.truncate(slice.limit);
    rows
}

fuzz_target!(|text: &str| {
    let Some(request) = request(text) else { return };
    let page = request.page(find(&request), |row| *row);
    assert!(page.data.len() < request.slice().limit);
    let ascending = page.data.is_sorted();
    assert!(ascending || page.data.iter().rev().is_sorted(), "a page has an order");
    for cursor in [&page.before, &page.after].into_iter().flatten() {
        let row = OrganizationId::parse(cursor).unwrap();
        assert!(page.data.first() == Some(&row) || page.data.last() == Some(&row), "a cursor is at an end of the page");
    }
    let _ = page.map(|row| row.to_string()).envelope().to_string();
});
