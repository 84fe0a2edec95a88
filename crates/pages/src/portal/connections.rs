use askama::Template;

use super::{Pager, Shell};

/// An application that a member has authorized.
#[derive(Clone, Debug)]
pub struct Connection {
    /// The value of the field `consent_id`.
    pub id: String,
    /// Its name.
    pub application: String,
    /// The email address of the member who authorized it.
    pub member: String,
    /// Its permissions, in words.
    pub access: Vec<String>,
    /// When it was authorized, in words.
    pub since: String,
}

/// The applications that members have authorized.
#[derive(Clone, Debug, Template)]
#[template(path = "portal/connections.html")]
pub struct Connections<'a> {
    /// The page shell.
    pub shell: &'a Shell<'a>,
    /// The authorized applications.
    pub connections: &'a [Connection],
    /// Links to adjacent pages.
    pub pager: &'a Pager,
}
