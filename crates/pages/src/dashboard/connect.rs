use askama::Template;

use super::{Shell, Snippet};

/// A metadata document that waits, or was decided about.
#[derive(Clone, Debug)]
pub struct DocumentRow {
    /// Its URL.
    pub url: String,
    /// The host in it.
    pub host: String,
    /// Nobody has decided yet.
    pub waits: bool,
    /// It may sign people in.
    pub allowed: bool,
    /// Since when it is so.
    pub since: String,
}

/// Something that access tokens may be for.
#[derive(Clone, Debug)]
pub struct ResourceRow {
    /// Its identifier.
    pub id: String,
    /// Its URI.
    pub uri: String,
    /// Whether it is meant where none is asked for.
    pub default: bool,
}

/// How applications that nobody here has written come to people: sign-in elsewhere, clients that introduce themselves, and
/// what their tokens are for.
#[derive(Clone, Debug, Template)]
#[template(path = "dashboard/connect.html")]
pub struct Connect<'a> {
    /// What it stands in.
    pub shell: &'a Shell,
    /// What the form about sign-in was drawn with, in a few letters.
    pub login_seen: &'a str,
    /// What the form about clients was drawn with.
    pub clients_seen: &'a str,
    /// Where people sign in, if not here.
    pub login_uri: &'a str,
    /// `external_id` or `user_id`.
    pub subject: &'a str,
    /// `off`, `any`, `listed` or `ask`.
    pub documents: &'a str,
    /// The hosts that are listed, one per line.
    pub hosts: &'a str,
    /// Whether clients may register themselves.
    pub dynamic: bool,
    /// Documents that wait, and others that were decided about.
    pub known: &'a [DocumentRow],
    /// What was typed as the URL of a document and not taken.
    pub typed_document: &'a str,
    /// What tokens may be for.
    pub resources: &'a [ResourceRow],
    /// What was typed as resource and not taken.
    pub typed_resource: &'a str,
    /// What an MCP server needs.
    pub snippets: &'a [Snippet],
}
