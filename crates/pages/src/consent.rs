use askama::Template;

use crate::web_link::web_link;
use crate::{Form, Frame, Logo, Organization, Problem};

/// The consent page for an application. Posts `decision` with `allow` or `deny`, `organization_id` if there are
/// organizations, and a field for every other choice.
#[derive(Clone, Copy, Debug, Template)]
#[template(path = "consent.html")]
pub struct Consent<'a> {
    /// The page frame.
    pub frame: Frame<'a>,
    /// The form.
    pub form: Form<'a>,
    /// The application that requests access.
    pub application: &'a str,
    /// Its logo; may be empty.
    pub application_logo: &'a Logo,
    /// What is known about the application's identity.
    pub identity: Identity<'a>,
    /// Whether any program on the user's device could receive the granted access.
    pub on_this_device: bool,
    /// The organization that publishes it.
    pub publisher: Option<&'a str>,
    /// The user's email address.
    pub account: &'a str,
    /// The link "use another account".
    pub other_account: &'a str,
    /// The requested access.
    pub access: &'a [Access<'a>],
    /// The organizations that access can be granted for: none, one, or several to choose from.
    pub organizations: &'a [Organization<'a>],
    /// The preselected organization.
    pub organization_id: Option<&'a str>,
    /// Additional choices.
    pub choosing: &'a [Choosing<'a>],
    /// The host that the user is redirected to afterwards; empty if a device continues.
    pub redirect_host: &'a str,
    /// The URL of the application's terms.
    pub terms_url: Option<&'a str>,
    /// The URL of the application's privacy policy.
    pub privacy_url: Option<&'a str>,
}

/// An additional choice.
#[derive(Clone, Copy, Debug)]
pub struct Choosing<'a> {
    /// The name of the posted field.
    pub name: &'a str,
    /// Its label.
    pub label: &'a str,
    /// The choices.
    pub groups: &'a [ChoiceGroup<'a>],
    /// The preselected choice.
    pub chosen: Option<&'a str>,
}

/// A group of choices.
#[derive(Clone, Debug)]
pub struct ChoiceGroup<'a> {
    /// The group's name; `None` if the choices are not grouped.
    pub name: Option<&'a str>,
    /// The choices: the posted value and the label.
    pub choices: Vec<(&'a str, &'a str)>,
}

impl Choosing<'_> {
    /// The choices, if there are few and they are not grouped.
    fn few(&self) -> Option<&[(&str, &str)]> {
        match self.groups {
            [ChoiceGroup { name: None, choices }] if choices.len() <= Consent::MAX_RADIOS => Some(choices),
            _ => None,
        }
    }

    fn is_chosen(&self, value: &str) -> bool {
        self.chosen == Some(value)
    }

    fn wrong(&self, form: &Form<'_>) -> bool {
        form.problem == Some(Problem::ChoiceNeeded) && self.chosen.is_none()
    }
}

/// What is known about an application's identity, other than its own name for itself.
#[derive(Clone, Copy, Debug, Default)]
pub enum Identity<'a> {
    /// Registered here by a person.
    #[default]
    Registered,
    /// Registered by itself.
    Nobody,
    /// Identified by a metadata document on this host.
    Host(&'a str),
}

impl Identity<'_> {
    fn host(&self) -> Option<&str> {
        if let Self::Host(host) = self { Some(host) } else { None }
    }

    fn is_nobody(&self) -> bool {
        matches!(self, Self::Nobody)
    }
}

/// A requested permission, in words.
#[derive(Clone, Copy, Debug)]
pub struct Access<'a> {
    /// Its name.
    pub name: &'a str,
    /// A sentence of description; may be empty.
    pub description: &'a str,
}

impl Consent<'_> {
    /// More choices than this are shown as a drop-down list.
    const MAX_RADIOS: usize = 4;

    /// The first choice that is missing: the message, which appears once, is shown next to it.
    fn first_missing(&self) -> Option<&str> {
        self.choosing.iter().find(|option| option.wrong(&self.form)).map(|option| option.name)
    }

    /// The fields that a problem can be shown next to.
    fn fields(&self) -> &'static str {
        if self.organizations.len() > 1 { "organization_id" } else { "" }
    }

    /// Whether access is granted to a device, for an application that anybody could have registered. Whoever holds the
    /// device could have made the request.
    fn is_strangers_device(&self) -> bool {
        self.redirect_host.is_empty() && !matches!(self.identity, Identity::Registered)
    }

    fn terms(&self) -> Option<&str> {
        self.terms_url.and_then(web_link)
    }

    fn privacy(&self) -> Option<&str> {
        self.privacy_url.and_then(web_link)
    }

    fn has_terms(&self) -> bool {
        self.terms().is_some() || self.privacy().is_some()
    }

    fn only_organization(&self) -> Option<Organization<'_>> {
        match self.organizations {
            [only] => Some(*only),
            _ => None,
        }
    }

    fn few_organizations(&self) -> bool {
        self.organizations.len() <= Self::MAX_RADIOS
    }

    fn chosen(&self, organization: &Organization<'_>) -> bool {
        self.organization_id == Some(organization.id)
    }
}
