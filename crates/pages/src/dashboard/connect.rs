use askama::Template;

use super::{Shell, Snippet};

/// A metadata document that awaits a decision or has been decided about.
#[derive(Clone, Debug)]
pub struct DocumentRow {
    /// Its URL.
    pub url: String,
    /// The host in the URL.
    pub host: String,
    /// Whether it awaits a decision.
    pub waits: bool,
    /// Whether it is allowed as a client.
    pub allowed: bool,
    /// When it reached this state, in words.
    pub since: String,
}

/// A resource that access tokens may be issued for.
#[derive(Clone, Debug)]
pub struct ResourceRow {
    /// Its ID.
    pub id: String,
    /// Its URI.
    pub uri: String,
    /// Whether it is the default.
    pub default: bool,
}

/// How third-party applications get access to users: external login, clients that register themselves, and the
/// resources that tokens are issued for.
#[derive(Clone, Debug, Template)]
#[template(path = "dashboard/connect.html")]
pub struct Connect<'a> {
    /// The page shell.
    pub shell: &'a Shell,
    /// The version of the settings that the login form is drawn from.
    pub login_seen: &'a str,
    /// The version of the policy that the clients form is drawn from.
    pub clients_seen: &'a str,
    /// The external login URI, if any.
    pub login_uri: &'a str,
    /// `external_id` or `user_id`.
    pub subject: &'a str,
    /// `off`, `any`, `listed` or `ask`.
    pub documents: &'a str,
    /// The allowed hosts, one per line.
    pub hosts: &'a str,
    /// Whether clients may register themselves.
    pub dynamic: bool,
    /// Documents awaiting a decision, then those decided about.
    pub known: &'a [DocumentRow],
    /// The typed document URL that was refused.
    pub typed_document: &'a str,
    /// The resources.
    pub resources: &'a [ResourceRow],
    /// The typed resource that was refused.
    pub typed_resource: &'a str,
    /// Code for an MCP server.
    pub snippets: &'a [Snippet],
}
