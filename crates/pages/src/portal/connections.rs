use askama::Template;

use super::{Pager, Shell};

/// An application that a member has allowed something.
#[derive(Clone, Debug)]
pub struct Connection {
    /// The value of the field `consent_id`.
    pub id: String,
    /// What it is called.
    pub application: String,
    /// Who has connected it.
    pub member: String,
    /// What it may do, in words.
    pub access: Vec<String>,
    /// Since when.
    pub since: String,
}

/// What members have connected.
#[derive(Clone, Debug, Template)]
#[template(path = "portal/connections.html")]
pub struct Connections<'a> {
    /// What it stands in.
    pub shell: &'a Shell<'a>,
    /// Them.
    pub connections: &'a [Connection],
    /// Where to go from here.
    pub pager: &'a Pager,
}
