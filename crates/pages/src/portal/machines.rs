use askama::Template;

use super::{Pager, Shell};

/// A secret of an application.
#[derive(Clone, Debug)]
pub struct MachineSecret {
    /// The value of the field `secret_id`.
    pub id: String,
    /// Its last characters.
    pub hint: String,
    /// When it was created, in words.
    pub created: String,
    /// Its creator, in words.
    pub by: String,
    /// When it was last used, in words.
    pub used: String,
}

/// An application of the organization.
#[derive(Clone, Debug)]
pub struct Machine {
    /// Its ID, which is part of its forms' paths.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its client ID.
    pub client_id: String,
    /// Whether users sign in to it.
    pub signs_people_in: bool,
    /// Whether it is a confidential client.
    pub keeps_secrets: bool,
    /// Whether all of its permissions are among those offered here; other applications get no secrets here.
    pub offered: bool,
    /// Its permissions, in words.
    pub access: Vec<String>,
    /// When it was created, in words.
    pub created: String,
    /// Its secrets.
    pub secrets: Vec<MachineSecret>,
    /// Whether it may have another secret.
    pub room: bool,
}

/// The applications of an organization, with their secrets.
#[derive(Clone, Debug, Template)]
#[template(path = "portal/machines.html")]
pub struct Machines<'a> {
    /// The page shell.
    pub shell: &'a Shell<'a>,
    /// The applications.
    pub machines: &'a [Machine],
    /// The maximum number of secrets per application.
    pub most_secrets: u32,
    /// The client ID and the newly created secret; shown only once.
    pub fresh: Option<(&'a str, &'a str)>,
    /// Links to adjacent pages.
    pub pager: &'a Pager,
}
