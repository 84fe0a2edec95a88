use askama::Template;

use super::{Pager, Shell};

/// A secret of an application.
#[derive(Clone, Debug)]
pub struct MachineSecret {
    /// The value of the field `secret_id`.
    pub id: String,
    /// Its last characters.
    pub hint: String,
    /// Since when.
    pub created: String,
    /// Who has made it, in words.
    pub by: String,
    /// When it was last used, in words.
    pub used: String,
}

/// An application of the organization.
#[derive(Clone, Debug)]
pub struct Machine {
    /// Its identifier: part of the paths of its forms.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its client id.
    pub client_id: String,
    /// Whether people sign in to it.
    pub signs_people_in: bool,
    /// Whether it keeps secrets.
    pub keeps_secrets: bool,
    /// Whether it may do nothing beyond what is offered here: only such get secrets here.
    pub offered: bool,
    /// What it may do, in words.
    pub access: Vec<String>,
    /// Since when.
    pub created: String,
    /// Its secrets.
    pub secrets: Vec<MachineSecret>,
    /// Whether it can have another one.
    pub room: bool,
}

/// The applications of an organization, with their secrets.
#[derive(Clone, Debug, Template)]
#[template(path = "portal/machines.html")]
pub struct Machines<'a> {
    /// What it stands in.
    pub shell: &'a Shell<'a>,
    /// Them.
    pub machines: &'a [Machine],
    /// How many secrets each may have.
    pub most_secrets: u32,
    /// The client id and the value of the secret that was just made; shown this once.
    pub fresh: Option<(&'a str, &'a str)>,
    /// Where to go from here.
    pub pager: &'a Pager,
}
