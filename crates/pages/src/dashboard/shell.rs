//! The shell of every dashboard page.

/// A section of the dashboard, as listed in the navigation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    /// The first page of an environment.
    Overview,
    /// Applications.
    Applications,
    /// Organizations.
    Organizations,
    /// Users.
    Users,
    /// Roles and permissions.
    Roles,
    /// The look of pages and emails.
    Branding,
    /// Redirect URIs and CORS origins.
    Redirects,
    /// Login URI, clients that register themselves, and resources.
    Connect,
    /// The event list.
    Events,
    /// Webhook endpoints.
    Webhooks,
    /// The audit log.
    AuditLog,
    /// API keys of the management API.
    ApiKeys,
    /// Token signing keys.
    SigningKeys,
    /// Environments of the installation.
    Environments,
    /// Dashboard access.
    Staff,
}

impl Section {
    /// Its label.
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

    /// Its path below the environment's path, or below the dashboard's if it does not belong to one environment.
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

    /// Whether it belongs to the installation rather than to one environment.
    pub const fn of_installation(self) -> bool {
        matches!(self, Self::Environments | Self::Staff)
    }
}

/// The navigation: groups with a heading, in order. Lists only sections that exist.
pub const SECTIONS: &[(&str, &[Section])] = &[
    ("", &[Section::Overview]),
    ("Build", &[Section::Applications, Section::Connect, Section::Redirects, Section::Branding]),
    ("People", &[Section::Organizations, Section::Users, Section::Roles]),
    ("Watch", &[Section::Events, Section::Webhooks, Section::AuditLog]),
    ("Settings", &[Section::ApiKeys, Section::SigningKeys, Section::Environments, Section::Staff]),
];

/// An environment, in the menu.
#[derive(Clone, Debug)]
pub struct EnvironmentLink {
    /// Its name.
    pub name: String,
    /// Whether it is a production environment.
    pub production: bool,
    /// The URL of its page.
    pub href: String,
}

/// The tone of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// A success.
    Good,
    /// A failure.
    Bad,
}

/// The shell of every dashboard page.
#[derive(Clone, Debug)]
pub struct Shell {
    /// The environment being looked at; empty for pages of the whole installation.
    pub environment: String,
    /// Whether it is a production environment.
    pub production: bool,
    /// All environments.
    pub environments: Vec<EnvironmentLink>,
    /// The section that the page belongs to.
    pub section: Option<Section>,
    /// The email address of the signed-in user.
    pub email: String,
    /// The name of their role.
    pub role: &'static str,
    /// Whether their role allows changing applications, organizations, users and branding.
    pub may_develop: bool,
    /// Whether their role allows changing environments, keys and staff.
    pub may_administer: bool,
    /// The hidden field `csrf` of every form.
    pub csrf: String,
    /// What has just been done, or could not be.
    pub message: Option<(Tone, String)>,
}

impl Shell {
    /// The URL of a section for the environment being looked at.
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

    /// The URL of a page of this environment.
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

/// Links to the adjacent pages of a list.
#[derive(Clone, Debug, Default)]
pub struct Pager {
    /// The name of the list, if a page has several.
    pub of: &'static str,
    /// The page of newer rows.
    pub newer: Option<String>,
    /// The page of older rows.
    pub older: Option<String>,
}
