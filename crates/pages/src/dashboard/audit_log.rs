use askama::Template;

use super::{Pager, Shell};

/// An action of an administrator.
#[derive(Clone, Debug)]
pub struct TrailRow {
    /// Its ID.
    pub id: String,
    /// The action.
    pub action: String,
    /// The actor, in words.
    pub who: String,
    /// The target, in words.
    pub what: String,
    /// When it happened, in words.
    pub time: String,
    /// The same, machine-readable.
    pub moment: String,
    /// Where it came from: an IP address or the server itself, in words.
    pub place: String,
    /// The user agent, if known.
    pub program: Option<String>,
    /// The organization that it concerns.
    pub organization_id: Option<String>,
    /// Its sequence number in the log.
    pub sequence: i64,
    /// The link to all actions of this actor.
    pub same_actor: String,
    /// The link to all actions on this target.
    pub same_target: String,
    /// The whole record.
    pub json: String,
}

/// The filters as typed.
#[derive(Clone, Debug, Default)]
pub struct TrailFields<'a> {
    /// The actor.
    pub actor: &'a str,
    /// The action.
    pub action: &'a str,
    /// The target.
    pub target: &'a str,
    /// The organization ID.
    pub organization_id: &'a str,
    /// The start of the time range.
    pub from: &'a str,
    /// The end of the time range.
    pub to: &'a str,
}

/// The actions of administrators.
#[derive(Clone, Debug, Template)]
#[template(path = "dashboard/audit_log.html")]
pub struct AuditLog<'a> {
    /// The page shell.
    pub shell: &'a Shell,
    /// The rows shown, newest first.
    pub rows: &'a [TrailRow],
    /// The filters.
    pub fields: TrailFields<'a>,
    /// Whether the list is filtered.
    pub filtered: bool,
    /// Whether the page updates itself.
    pub live: bool,
    /// The link to the first page, unless this is it.
    pub newest: Option<&'a str>,
    /// The link to older entries.
    pub older: Option<&'a str>,
}

/// An organization in the list.
#[derive(Clone, Debug)]
pub struct LogRow {
    /// The URL of its page.
    pub href: String,
    /// Its name.
    pub name: String,
    /// Its retention period, in words.
    pub kept: String,
    /// The tone of its stream's state: `good`, `bad` or empty.
    pub tone: &'static str,
    /// The state of its stream, in words.
    pub stream: &'static str,
}

/// The organizations, each with its log.
#[derive(Clone, Debug, Template)]
#[template(path = "dashboard/audit_organizations.html")]
pub struct AuditOrganizations<'a> {
    /// The page shell.
    pub shell: &'a Shell,
    /// The rows shown.
    pub rows: &'a [LogRow],
    /// The search text.
    pub search: &'a str,
    /// Links to adjacent pages.
    pub pager: &'a Pager,
}

/// An export of an organization's log.
#[derive(Clone, Debug)]
pub struct ExportRow {
    /// When it was requested.
    pub created: String,
    /// Its contents, in words.
    pub range: String,
    /// The tone of its state: `good`, `bad` or empty.
    pub tone: &'static str,
    /// Its state, in words.
    pub state: &'static str,
    /// The number of events exported so far.
    pub lines: i64,
    /// The download link, if it is available.
    pub download: Option<String>,
}

/// The stream of an organization's events.
#[derive(Clone, Debug)]
pub struct StreamFacts {
    /// The URL.
    pub url: String,
    /// The name of the format.
    pub format: &'static str,
    /// The tone of its state: `good`, `bad` or empty.
    pub tone: &'static str,
    /// Its state, in words.
    pub state: &'static str,
    /// What the state means, and what to do.
    pub meaning: &'static str,
    /// When events were last accepted.
    pub synced: String,
    /// Whether it is running.
    pub runs: bool,
}

/// A retention period.
#[derive(Clone, Debug)]
pub struct Period {
    /// Its length in days.
    pub days: i64,
    /// Its length in words.
    pub name: String,
    /// Whether it is the chosen one.
    pub chosen: bool,
}

/// The log of an organization.
#[derive(Clone, Debug, Template)]
#[template(path = "dashboard/audit_organization.html")]
pub struct AuditOrganization<'a> {
    /// The page shell.
    pub shell: &'a Shell,
    /// The URL of its page.
    pub href: &'a str,
    /// Its name.
    pub name: &'a str,
    /// Whether the organization was deleted; its log remains, but can no longer be configured.
    pub gone: bool,
    /// Its ID.
    pub id: &'a str,
    /// The exports, newest first.
    pub exports: &'a [ExportRow],
    /// Whether an export is in progress.
    pub live: bool,
    /// The typed start of the time range.
    pub from: &'a str,
    /// The typed end of the time range.
    pub to: &'a str,
    /// The available retention periods.
    pub periods: &'a [Period],
    /// The current retention period, in words.
    pub kept: &'a str,
    /// A shorter retention period awaiting confirmation: in days, in words, and the time before which events would be
    /// deleted.
    pub shorter: Option<(i64, &'a str, &'a str)>,
    /// The stream, if there is one.
    pub stream: Option<&'a StreamFacts>,
    /// The typed URL of the stream.
    pub url: &'a str,
    /// The typed format of the stream.
    pub format: &'a str,
}

/// The state of the hash chain.
#[derive(Clone, Debug, Template)]
#[template(path = "dashboard/audit_chain.html")]
pub struct AuditChain<'a> {
    /// The page shell.
    pub shell: &'a Shell,
    /// The last sequence number.
    pub sequence: i64,
    /// The hash there; `None` if the log is empty.
    pub hash: Option<&'a str>,
    /// When the last entry was recorded.
    pub last: Option<&'a str>,
    /// The last sequence number whose entry has been deleted.
    pub pruned_through: i64,
    /// Whether linking has stopped.
    pub stopped: bool,
}
