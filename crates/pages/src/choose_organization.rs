use askama::Template;

use crate::{Application, Form, Frame, Organization};

/// Which organization to sign in to. Posts `organization_id`, by one button each.
#[derive(Clone, Copy, Debug, Template)]
#[template(path = "choose_organization.html")]
pub struct ChooseOrganization<'a> {
    /// What it stands in.
    pub frame: Frame<'a>,
    /// What it posts.
    pub form: Form<'a>,
    /// The application that people come from.
    pub application: Option<Application<'a>>,
    /// Those that the person is a member of, or those found.
    pub organizations: &'a [Organization<'a>],
    /// There are more than the page shows: what was searched for, which may be nothing yet. Posts `search`.
    pub search: Option<&'a str>,
}
