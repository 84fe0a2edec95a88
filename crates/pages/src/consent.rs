use askama::Template;

use crate::web_link::web_link;
use crate::{Form, Frame, Logo, Organization, Problem};

/// Whether an application may have what it asks for. Posts `decision` with `allow` or `deny`, and `organization_id` if there
/// are organizations, and a field for everything that there is to choose.
#[derive(Clone, Copy, Debug, Template)]
#[template(path = "consent.html")]
pub struct Consent<'a> {
    /// What it stands in.
    pub frame: Frame<'a>,
    /// What it posts.
    pub form: Form<'a>,
    /// The application that asks.
    pub application: &'a str,
    /// Its logo; may be empty.
    pub application_logo: &'a Logo,
    /// What is known of who it is.
    pub identity: Identity<'a>,
    /// Whether any program on the person's device could receive what is allowed.
    pub on_this_device: bool,
    /// The organization that publishes it.
    pub publisher: Option<&'a str>,
    /// The email address of the person.
    pub account: &'a str,
    /// The link "use another account".
    pub other_account: &'a str,
    /// What it asks for.
    pub access: &'a [Access<'a>],
    /// For which organizations it can be allowed: none, one, or one to choose.
    pub organizations: &'a [Organization<'a>],
    /// The one that is chosen already.
    pub organization_id: Option<&'a str>,
    /// What there is to choose besides.
    pub choosing: &'a [Choosing<'a>],
    /// The host that the person is sent to afterwards; empty where a device goes on.
    pub redirect_host: &'a str,
    /// The terms of the application.
    pub terms_url: Option<&'a str>,
    /// The privacy policy of the application.
    pub privacy_url: Option<&'a str>,
}

/// One thing to choose.
#[derive(Clone, Copy, Debug)]
pub struct Choosing<'a> {
    /// The field that the chosen value is posted as.
    pub name: &'a str,
    /// What it is about.
    pub label: &'a str,
    /// What there is to choose from.
    pub groups: &'a [ChoiceGroup<'a>],
    /// What is chosen already.
    pub chosen: Option<&'a str>,
}

/// Choices that belong together.
#[derive(Clone, Debug)]
pub struct ChoiceGroup<'a> {
    /// What they have in common; `None` for those that stand by themselves.
    pub name: Option<&'a str>,
    /// Them: what is posted, and what people read.
    pub choices: Vec<(&'a str, &'a str)>,
}

impl Choosing<'_> {
    /// The choices, where they are few and in no groups.
    fn few(&self) -> Option<&[(&str, &str)]> {
        match self.groups {
            [ChoiceGroup { name: None, choices }] if choices.len() <= Consent::MOST_RADIOS => Some(choices),
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

/// What is known of who an application is, besides what it calls itself.
#[derive(Clone, Copy, Debug, Default)]
pub enum Identity<'a> {
    /// Somebody here has registered it.
    #[default]
    Registered,
    /// It has registered itself.
    Nobody,
    /// It is what this host says.
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

/// One thing that is asked for, in words.
#[derive(Clone, Copy, Debug)]
pub struct Access<'a> {
    /// In a few words.
    pub name: &'a str,
    /// In a sentence; may be empty.
    pub description: &'a str,
}

impl Consent<'_> {
    /// More than these are a drop-down list.
    const MOST_RADIOS: usize = 4;

    /// The first thing that was to be chosen and was not: what is told once stands beside it.
    fn first_missing(&self) -> Option<&str> {
        self.choosing.iter().find(|option| option.wrong(&self.form)).map(|option| option.name)
    }

    /// The fields that a problem can stand beside.
    fn fields(&self) -> &'static str {
        if self.organizations.len() > 1 { "organization_id" } else { "" }
    }

    /// Whether what is allowed goes to a device, of an application that anybody can have registered. Whoever holds the device
    /// could have asked.
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
        self.organizations.len() <= Self::MOST_RADIOS
    }

    fn chosen(&self, organization: &Organization<'_>) -> bool {
        self.organization_id == Some(organization.id)
    }
}
