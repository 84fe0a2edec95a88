use askama::Template;

use super::{Pager, Shell};

/// Something that an administrator has done.
#[derive(Clone, Debug)]
pub struct TrailRow {
    /// Its identifier.
    pub id: String,
    /// What was done.
    pub action: String,
    /// By whom, in words.
    pub who: String,
    /// To what, in words.
    pub what: String,
    /// When, in words.
    pub time: String,
    /// The same for programs.
    pub moment: String,
    /// From where, in words.
    pub place: String,
    /// With which program.
    pub program: Option<String>,
    /// The organization it is about.
    pub organization_id: Option<String>,
    /// Its place in the log.
    pub sequence: i64,
    /// Where the rest is that this actor has done.
    pub same_actor: String,
    /// Where the rest is that was done to this.
    pub same_target: String,
    /// The whole record.
    pub json: String,
}

/// What a reader of the trail asks for, as it was typed.
#[derive(Clone, Debug, Default)]
pub struct TrailFields<'a> {
    /// By whom.
    pub actor: &'a str,
    /// What.
    pub action: &'a str,
    /// To what.
    pub target: &'a str,
    /// About which organization.
    pub organization_id: &'a str,
    /// From when on.
    pub from: &'a str,
    /// Until when.
    pub to: &'a str,
}

/// What administrators have done.
#[derive(Clone, Debug, Template)]
#[template(path = "dashboard/audit_log.html")]
pub struct AuditLog<'a> {
    /// What it stands in.
    pub shell: &'a Shell,
    /// What is shown, newest first.
    pub rows: &'a [TrailRow],
    /// What was asked for.
    pub fields: TrailFields<'a>,
    /// Whether anything narrows the list.
    pub filtered: bool,
    /// Whether new ones appear by themselves.
    pub live: bool,
    /// The beginning of the list, where this page is not.
    pub newest: Option<&'a str>,
    /// What came before.
    pub older: Option<&'a str>,
}

/// An organization of the list.
#[derive(Clone, Debug)]
pub struct LogRow {
    /// Its page.
    pub href: String,
    /// Its name.
    pub name: String,
    /// How long its events are kept, in words.
    pub kept: String,
    /// How its stream looks: `good`, `bad` or nothing.
    pub tone: &'static str,
    /// How its stream is, in words.
    pub stream: &'static str,
}

/// The organizations, each with its log.
#[derive(Clone, Debug, Template)]
#[template(path = "dashboard/audit_organizations.html")]
pub struct AuditOrganizations<'a> {
    /// What it stands in.
    pub shell: &'a Shell,
    /// What is shown.
    pub rows: &'a [LogRow],
    /// What was searched for.
    pub search: &'a str,
    /// Where to go from here.
    pub pager: &'a Pager,
}

/// A copy of an organization's log.
#[derive(Clone, Debug)]
pub struct ExportRow {
    /// When it was asked for.
    pub created: String,
    /// What is in it, in words.
    pub range: String,
    /// How it looks: `good`, `bad` or nothing.
    pub tone: &'static str,
    /// How it is, in words.
    pub state: &'static str,
    /// How many events are in it by now.
    pub lines: i64,
    /// Where it can be had.
    pub download: Option<String>,
}

/// Where the events of an organization are sent.
#[derive(Clone, Debug)]
pub struct StreamFacts {
    /// The address.
    pub url: String,
    /// The format, as a word.
    pub format: &'static str,
    /// How it looks: `good`, `bad` or nothing.
    pub tone: &'static str,
    /// How it is, in words.
    pub state: &'static str,
    /// What that means, and what to do.
    pub meaning: &'static str,
    /// When events were taken last.
    pub synced: String,
    /// Whether anything is sent.
    pub runs: bool,
}

/// A period that events can be kept for.
#[derive(Clone, Debug)]
pub struct Period {
    /// In days.
    pub days: i64,
    /// In words.
    pub name: String,
    /// Whether it is chosen.
    pub chosen: bool,
}

/// The log of an organization.
#[derive(Clone, Debug, Template)]
#[template(path = "dashboard/audit_organization.html")]
pub struct AuditOrganization<'a> {
    /// What it stands in.
    pub shell: &'a Shell,
    /// Its page.
    pub href: &'a str,
    /// Its name.
    pub name: &'a str,
    /// Whether it is gone, and what was told of it is not: nothing is set for it any more.
    pub gone: bool,
    /// Its identifier.
    pub id: &'a str,
    /// The copies, newest first.
    pub exports: &'a [ExportRow],
    /// Whether one is being made.
    pub live: bool,
    /// What was typed: from when on.
    pub from: &'a str,
    /// What was typed: until when.
    pub to: &'a str,
    /// The periods that events can be kept for.
    pub periods: &'a [Period],
    /// The same for the one that is chosen, in words.
    pub kept: &'a str,
    /// A shorter one that is still to be confirmed: its days, it in words, and until when events would be lost.
    pub shorter: Option<(i64, &'a str, &'a str)>,
    /// Where events are sent.
    pub stream: Option<&'a StreamFacts>,
    /// What was typed: where to.
    pub url: &'a str,
    /// What was typed: the format.
    pub format: &'a str,
}

/// How the chain stands.
#[derive(Clone, Debug, Template)]
#[template(path = "dashboard/audit_chain.html")]
pub struct AuditChain<'a> {
    /// What it stands in.
    pub shell: &'a Shell,
    /// The last place.
    pub sequence: i64,
    /// The link there; none while the log is empty.
    pub hash: Option<&'a str>,
    /// When what stands there was recorded.
    pub last: Option<&'a str>,
    /// The last place of which nothing is kept.
    pub pruned_through: i64,
    /// Whether linking has stopped.
    pub stopped: bool,
}
