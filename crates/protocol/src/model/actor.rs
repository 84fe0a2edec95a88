//! Who does things, and from where. What administrators do is kept in the audit log; what people do to their own accounts,
//! and what applications do, is told by events.

use crate::id::{EnvironmentApiKeyId, OrganizationId, UserId};

/// Longest part of a `User-Agent` header that is kept, in characters.
pub const LONGEST_USER_AGENT: usize = 500;

/// From where something was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// An address, or what stands for one.
    pub location: String,
    /// The `User-Agent` header, cut to [`LONGEST_USER_AGENT`].
    pub user_agent: Option<String>,
}

impl Place {
    /// A place on the network.
    pub fn new(address: std::net::IpAddr, user_agent: Option<&str>) -> Self {
        let user_agent =
            user_agent.map(|text| text.chars().filter(|c| !c.is_control()).take(LONGEST_USER_AGENT).collect());
        Self { location: address.to_string(), user_agent }
    }
}

/// Who performs an act. Made by what admits the call, and by nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// A key of the management API.
    ApiKey {
        /// Which.
        id: EnvironmentApiKeyId,
        /// What people read.
        name: String,
        /// From where it was used.
        from: Place,
    },
    /// A command on the server's own command line.
    CommandLine {
        /// The command, such as `apply`.
        command: String,
        /// The account of the operating system, if it is known. A note for people: whoever can run commands can choose it.
        account: Option<String>,
    },
    /// A member of the staff, in the dashboard.
    Staff {
        /// The identifier of the member.
        id: String,
        /// What people read, such as a mail address.
        name: String,
        /// From where.
        from: Place,
    },
    /// Somebody on an organization's own page.
    Portal {
        /// The member who has signed in; `None` for who has come by a link. Nothing else about them is kept.
        member: Option<UserId>,
        /// Whose page it is.
        organization_id: OrganizationId,
        /// From where.
        from: Place,
    },
    /// The server itself: a job.
    System {
        /// Which, such as `key_rotation`.
        job: &'static str,
    },
    /// Somebody at the pages or the OAuth endpoints. Who it is turns out step by step; events tell it.
    Visitor,
}

impl Actor {
    /// A command, run by an account of the operating system.
    pub fn command(command: &str, account: Option<String>) -> Self {
        Self::CommandLine { command: command.to_owned(), account }
    }

    /// Whether what this actor changes is kept in the audit log.
    pub const fn is_audited(&self) -> bool {
        !matches!(self, Self::Visitor)
    }

    /// The word for its kind.
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

    /// What it is found by.
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

    /// What people read.
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::ApiKey { name, .. } | Self::Staff { name, .. } => Some(name),
            Self::CommandLine { account, .. } => account.as_deref(),
            Self::Portal { .. } | Self::System { .. } | Self::Visitor => None,
        }
    }

    /// From where it acts: for what runs on the server, that.
    pub fn place(&self) -> Place {
        match self {
            Self::ApiKey { from, .. } | Self::Staff { from, .. } | Self::Portal { from, .. } => from.clone(),
            Self::CommandLine { .. } | Self::System { .. } | Self::Visitor => {
                Place { location: "server".to_owned(), user_agent: None }
            }
        }
    }
}
