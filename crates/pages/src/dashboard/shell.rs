//! What every page of the dashboard stands in.

/// A part of the dashboard, as the navigation lists it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    /// The first page of an environment.
    Overview,
    /// Applications.
    Applications,
    /// Organizations.
    Organizations,
    /// People.
    Users,
    /// Roles and permissions.
    Roles,
    /// How pages and mails look.
    Branding,
    /// Where people may be sent, and whose pages may call.
    Redirects,
    /// Login URI, clients nobody registers by hand, resources.
    Connect,
    /// What has happened.
    Events,
    /// Who is told of it.
    Webhooks,
    /// Who did what here.
    AuditLog,
    /// Keys of the management API.
    ApiKeys,
    /// What tokens are signed with.
    SigningKeys,
    /// Environments of the installation.
    Environments,
    /// Who may use the dashboard.
    Staff,
}

impl Section {
    /// What people read.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Overview => "Overview",
            Self::Applications => "Applications",
            Self::Organizations => "Organizations",
            Self::Users => "Users",
            Self::Roles => "Roles & permissions",
            Self::Branding => "Branding",
            Self::Redirects => "Redirects",
            Self::Connect => "Connect",
            Self::Events => "Events",
            Self::Webhooks => "Webhooks",
            Self::AuditLog => "Audit log",
            Self::ApiKeys => "API keys",
            Self::SigningKeys => "Signing keys",
            Self::Environments => "Environments",
            Self::Staff => "Staff",
        }
    }

    /// Its path below the environment's, or below the dashboard's own where it is not of one environment.
    pub const fn path(self) -> &'static str {
        match self {
            Self::Overview => "",
            Self::Applications => "/applications",
            Self::Organizations => "/organizations",
            Self::Users => "/users",
            Self::Roles => "/roles",
            Self::Branding => "/branding",
            Self::Redirects => "/redirects",
            Self::Connect => "/connect",
            Self::Events => "/events",
            Self::Webhooks => "/webhooks",
            Self::AuditLog => "/audit-log",
            Self::ApiKeys => "/api-keys",
            Self::SigningKeys => "/signing-keys",
            Self::Environments => "/environments",
            Self::Staff => "/staff",
        }
    }

    /// Whether it is the installation's, and not one environment's.
    pub const fn of_installation(self) -> bool {
        matches!(self, Self::Environments | Self::Staff)
    }
}

/// The navigation: groups with a heading, in order. Only what is there.
pub const SECTIONS: &[(&str, &[Section])] = &[
    ("", &[Section::Overview]),
    ("Build", &[Section::Applications, Section::Connect, Section::Redirects, Section::Branding]),
    ("People", &[Section::Organizations, Section::Users, Section::Roles]),
    ("Watch", &[Section::Events, Section::Webhooks, Section::AuditLog]),
    ("Settings", &[Section::ApiKeys, Section::SigningKeys, Section::Environments, Section::Staff]),
];

/// Another environment, in the menu.
#[derive(Clone, Debug)]
pub struct EnvironmentLink {
    /// Its name.
    pub name: String,
    /// Whether it is for real users.
    pub production: bool,
    /// Its page.
    pub href: String,
}

/// How a message sounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// It went well.
    Good,
    /// It did not.
    Bad,
}

/// What every page of the dashboard stands in.
#[derive(Clone, Debug)]
pub struct Shell {
    /// The environment that is looked at; empty for pages of the whole installation.
    pub environment: String,
    /// Whether it is for real users.
    pub production: bool,
    /// Every environment.
    pub environments: Vec<EnvironmentLink>,
    /// The part that the page belongs to.
    pub section: Option<Section>,
    /// Who is signed in.
    pub email: String,
    /// What they are here, in words.
    pub role: &'static str,
    /// Whether they may change what the product is made of.
    pub may_develop: bool,
    /// Whether they may change environments, keys and staff.
    pub may_administer: bool,
    /// The hidden field `csrf` of every form.
    pub csrf: String,
    /// What has just been done, or could not be.
    pub message: Option<(Tone, String)>,
}

impl Shell {
    /// The address of a part for the environment that is looked at.
    pub fn href(&self, section: &Section) -> String {
        if section.of_installation() {
            return format!("/dashboard{}", section.path());
        }
        let environment = if self.environment.is_empty() {
            self.environments.first().map_or("", |first| first.name.as_str())
        } else {
            &self.environment
        };
        format!("/dashboard/env/{environment}{}", section.path())
    }

    /// The address of a page of this environment.
    pub fn at(&self, path: &str) -> String {
        format!("/dashboard/env/{}{path}", self.environment)
    }

    pub(crate) fn is_here(&self, section: &Section) -> bool {
        self.section.as_ref() == Some(section)
    }

    pub(crate) fn sections(&self) -> &'static [(&'static str, &'static [Section])] {
        SECTIONS
    }
}

/// The ways from a page of a list to the next ones.
#[derive(Clone, Debug, Default)]
pub struct Pager {
    /// Which list it is, where a page has several.
    pub of: &'static str,
    /// Towards the beginning.
    pub newer: Option<String>,
    /// Towards the end.
    pub older: Option<String>,
}
