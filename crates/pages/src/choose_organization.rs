use askama::Template;

use crate::{Application, Form, Frame, Organization};

/// The choice of an organization to sign in to. Posts `organization_id`, with one button per organization.
#[derive(Clone, Copy, Debug, Template)]
#[template(path = "choose_organization.html")]
pub struct ChooseOrganization<'a> {
    /// The page frame.
    pub frame: Frame<'a>,
    /// The form.
    pub form: Form<'a>,
    /// The application that the user came from.
    pub application: Option<Application<'a>>,
    /// The user's organizations, or those found by the search.
    pub organizations: &'a [Organization<'a>],
    /// The search text (may be empty) if there are more organizations than the page shows. Posts `search`.
    pub search: Option<&'a str>,
}
