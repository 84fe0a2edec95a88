use askama::Template;

use super::{Pager, Shell};

/// An event of the list.
#[derive(Clone, Debug)]
pub struct EventRow {
    /// Its identifier.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What it is about, in a few words.
    pub about: String,
    /// When it happened, in words.
    pub time: String,
    /// The same for programs.
    pub moment: String,
    /// The whole event.
    pub json: String,
}

/// A name that can be chosen.
#[derive(Clone, Copy, Debug)]
pub struct EventName {
    /// The name.
    pub name: &'static str,
    /// Whether it is chosen.
    pub chosen: bool,
}

/// What has happened in an environment.
#[derive(Clone, Debug, Template)]
#[template(path = "dashboard/events.html")]
pub struct Events<'a> {
    /// What it stands in.
    pub shell: &'a Shell,
    /// What is shown, newest first.
    pub rows: &'a [EventRow],
    /// The names there are.
    pub names: &'a [EventName],
    /// The organization that was asked for.
    pub organization_id: &'a str,
    /// From when on.
    pub from: &'a str,
    /// Until when.
    pub to: &'a str,
    /// Whether anything narrows the list.
    pub filtered: bool,
    /// Whether new events appear by themselves.
    pub live: bool,
    /// Whether they would, were the list not paused.
    pub paused: bool,
    /// Where the list is paused, or goes on.
    pub other: &'a str,
    /// Where to go from here.
    pub pager: &'a Pager,
}
