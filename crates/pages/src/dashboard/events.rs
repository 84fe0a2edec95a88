use askama::Template;

use super::{Pager, Shell};

/// An event in the list.
#[derive(Clone, Debug)]
pub struct EventRow {
    /// Its ID.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The name or ID of its object.
    pub about: String,
    /// When it happened, in words.
    pub time: String,
    /// The same, machine-readable.
    pub moment: String,
    /// The whole event.
    pub json: String,
}

/// An event name to filter by.
#[derive(Clone, Copy, Debug)]
pub struct EventName {
    /// The name.
    pub name: &'static str,
    /// Whether it is chosen.
    pub chosen: bool,
}

/// The events of an environment.
#[derive(Clone, Debug, Template)]
#[template(path = "dashboard/events.html")]
pub struct Events<'a> {
    /// The page shell.
    pub shell: &'a Shell,
    /// The rows shown, newest first.
    pub rows: &'a [EventRow],
    /// All event names.
    pub names: &'a [EventName],
    /// The organization ID to filter by.
    pub organization_id: &'a str,
    /// The start of the time range.
    pub from: &'a str,
    /// The end of the time range.
    pub to: &'a str,
    /// Whether the list is filtered.
    pub filtered: bool,
    /// Whether the page updates itself.
    pub live: bool,
    /// Whether updates are paused.
    pub paused: bool,
    /// The link that pauses or resumes updates.
    pub other: &'a str,
    /// Links to adjacent pages.
    pub pager: &'a Pager,
}
