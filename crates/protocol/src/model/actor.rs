//! Who performs an action, and from where. Administrators' actions are recorded in the audit log; users' actions on
//! their own accounts, and those of applications, are reported as events.

use crate::id::{EnvironmentApiKeyId, OrganizationId, UserId};

/// The maximum stored length of a `User-Agent` header, in characters.
pub const MAX_USER_AGENT_LENGTH: usize = 500;

/// Where an action was performed from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// A network address, or a stand-in for one.
    pub location: String,
    /// The `User-Agent` header, truncated to [`MAX_USER_AGENT_LENGTH`].
    pub user_agent: Option<String>,
}

impl Place {
    /// Creates a place from a network address.
    pub fn new(address: std::net::IpAddr, user_agent: Option<&str>) -> Self {
        let user_agent =
            user_agent.map(|text| text.chars().filter(|c| !c.is_control()).take(MAX_USER_AGENT_LENGTH).collect());
        Self { location: address.to_string(), user_agent }
    }
}

/// Who performs an action. Created only by the code that admits the call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// An API key of the management API.
    ApiKey {
        /// The key's identifier.
        id: EnvironmentApiKeyId,
        /// The key's display name.
        name: String,
        /// Where it was used from.
        from: Place,
    },
    /// A command on the server's own command line.
    CommandLine {
        /// The command, such as `apply`.
        command: String,
        /// The operating system account, if known. Informational only: anyone who can run commands can choose it.
        account: Option<String>,
    },
    /// A member of the staff, in the dashboard.
    Staff {
        /// The member's identifier.
        id: String,
        /// The member's display name, such as an email address.
        name: String,
        /// Where the member acted from.
        from: Place,
    },
    /// A visitor to an organization's portal.
    Portal {
        /// The signed-in member; `None` for a visitor who came through a link, about whom nothing else is recorded.
        member: Option<UserId>,
        /// The organization whose portal it is.
        organization_id: OrganizationId,
        /// Where the visitor acted from.
        from: Place,
    },
    /// A job of the server itself.
    System {
        /// The job's name, such as `key_rotation`.
        job: &'static str,
    },
    /// A visitor to the hosted pages or the OAuth endpoints. Their identity emerges during the flow; events record it.
    Visitor,
}

impl Actor {
    /// Creates the actor for a command run by an operating system account.
    pub fn command(command: &str, account: Option<String>) -> Self {
        Self::CommandLine { command: command.to_owned(), account }
    }

    /// Whether this actor's changes are recorded in the audit log.
    pub const fn is_audited(&self) -> bool {
        !matches!(self, Self::Visitor)
    }

    /// The actor's kind, as a word.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::ApiKey { .. } => "api_key",
            Self::CommandLine { .. } => "cli",
            Self::Staff { .. } => "staff",
            Self::Portal { .. } => "portal",
            Self::System { .. } => "system",
            Self::Visitor => "user",
        }
    }

    /// The actor's identifier.
    pub fn id(&self) -> String {
        match self {
            Self::ApiKey { id, .. } => id.to_string(),
            Self::CommandLine { command, .. } => format!("countersign {command}"),
            Self::Staff { id, .. } => id.clone(),
            Self::Portal { member: Some(id), .. } => id.to_string(),
            Self::Portal { member: None, organization_id, .. } => organization_id.to_string(),
            Self::System { job } => (*job).to_owned(),
            Self::Visitor => String::new(),
        }
    }

    /// The actor's display name.
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::ApiKey { name, .. } | Self::Staff { name, .. } => Some(name),
            Self::CommandLine { account, .. } => account.as_deref(),
            Self::Portal { .. } | Self::System { .. } | Self::Visitor => None,
        }
    }

    /// Where the actor acted from; `server` for whatever runs on the server.
    pub fn place(&self) -> Place {
        match self {
            Self::ApiKey { from, .. } | Self::Staff { from, .. } | Self::Portal { from, .. } => from.clone(),
            Self::CommandLine { .. } | Self::System { .. } | Self::Visitor => {
                Place { location: "server".to_owned(), user_agent: None }
            }
        }
    }
}
