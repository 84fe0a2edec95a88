//! The organization's portal: the pages a company opens to its customers' administrators.

use super::environment::{EnvironmentKind, is_this_machine};
use super::{Actor, Issuer};
use crate::id::{OrganizationId, UserId};
use crate::time::Timestamp;

/// What a link, or a member's role, opens: these pages and nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PortalIntent {
    /// Machine credentials, API keys, and the applications connected by members.
    ApiCredentials,
    /// Domain verification.
    DomainVerification,
}

impl PortalIntent {
    /// All intents that have a page.
    pub const ALL: [Self; 2] = [Self::ApiCredentials, Self::DomainVerification];

    /// Intents of the public API that have no page here.
    pub const WITHOUT_PAGE: [&'static str; 6] =
        ["sso", "dsync", "audit_logs", "log_streams", "certificate_renewal", "bring_your_own_key"];

    /// The word used on the wire and in storage.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ApiCredentials => "api_credentials",
            Self::DomainVerification => "domain_verification",
        }
    }

    /// Parses the word.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|intent| intent.as_str() == text)
    }

    /// Parses the output of [`PortalIntent::written`].
    pub fn read(text: &str) -> Option<Vec<Self>> {
        text.split(' ').map(Self::parse).collect()
    }

    /// Several intents, in storage format.
    pub fn written(intents: &[Self]) -> String {
        intents.iter().map(|intent| intent.as_str()).collect::<Vec<_>>().join(" ")
    }

    /// The permission that opens the page to a member's role, without a link. The slugs are those by which the public
    /// API lets members manage the same things.
    pub const fn permission(self) -> &'static str {
        match self {
            Self::ApiCredentials => "widgets:api-keys:manage",
            Self::DomainVerification => "widgets:domain-verification:manage",
        }
    }

    /// The intents that these permissions open.
    pub fn opened_by<'p>(permissions: impl IntoIterator<Item = &'p str>) -> Vec<Self> {
        let known: Vec<&str> = permissions.into_iter().collect();
        Self::ALL.into_iter().filter(|intent| known.contains(&intent.permission())).collect()
    }
}

/// What an organization may do with its credentials; each level includes the previous ones.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum PortalCredentials {
    /// View them.
    See,
    /// Also revoke them, so that whoever learns of a leak can stop it without asking anyone.
    #[default]
    Revoke,
    /// Also create them.
    Create,
}

impl PortalCredentials {
    /// The word used in storage and in files.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::See => "see",
            Self::Revoke => "revoke",
            Self::Create => "create",
        }
    }

    /// Parses the word.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::See, Self::Revoke, Self::Create].into_iter().find(|known| known.as_str() == text)
    }
}

/// What an environment allows its organizations to do themselves.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PortalSettings {
    /// What they may do with credentials.
    pub credentials: PortalCredentials,
    /// The permissions they may assign to the credentials they create.
    pub permissions: Vec<String>,
}

/// A portal link, and the visit it becomes when opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortalVisit {
    /// The organization whose portal it opens.
    pub organization_id: OrganizationId,
    /// The pages it opens.
    pub intents: Vec<PortalIntent>,
    /// Where visitors come from and return to.
    pub return_url: Option<String>,
    /// Where visitors go when they have finished.
    pub success_url: Option<String>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last used.
    pub last_seen_at: Timestamp,
}

/// The lifetime of a link, in seconds.
pub const PORTAL_LINK_LIFETIME: i64 = 300;
/// The inactivity timeout of a visit, in seconds.
pub const PORTAL_VISIT_IDLE: i64 = 3600;
/// The maximum length of a visit, in seconds.
pub const PORTAL_VISIT_LONGEST: i64 = 8 * 3600;

impl PortalVisit {
    /// Whether the visit has not expired.
    pub fn is_live(&self, now: Timestamp) -> bool {
        now < self.last_seen_at.plus_secs(PORTAL_VISIT_IDLE) && now < self.created_at.plus_secs(PORTAL_VISIT_LONGEST)
    }
}

/// Who created a credential.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum MadeBy {
    /// A program of the company, through the management API.
    #[default]
    Api,
    /// The operator, through a declaration or a command.
    Operator,
    /// A member of the company's staff, in the dashboard.
    Staff,
    /// Someone without an account: a portal visitor who came through a link, or a client that registered itself.
    Visitor,
    /// A member of the organization, in its portal.
    Member(UserId),
}

impl MadeBy {
    /// Returns the creator for an actor.
    pub fn of(actor: &Actor) -> Self {
        match actor {
            Actor::ApiKey { .. } => Self::Api,
            Actor::CommandLine { .. } | Actor::System { .. } => Self::Operator,
            Actor::Staff { .. } => Self::Staff,
            Actor::Portal { member: Some(id), .. } => Self::Member(*id),
            Actor::Portal { member: None, .. } | Actor::Visitor => Self::Visitor,
        }
    }

    /// The storage format.
    pub fn written(self) -> String {
        match self {
            Self::Api => "api".to_owned(),
            Self::Operator => "operator".to_owned(),
            Self::Staff => "staff".to_owned(),
            Self::Visitor => "visitor".to_owned(),
            Self::Member(user_id) => user_id.to_string(),
        }
    }

    /// Parses the storage format.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "api" => Some(Self::Api),
            "operator" => Some(Self::Operator),
            "staff" => Some(Self::Staff),
            "visitor" => Some(Self::Visitor),
            id => UserId::parse(id).ok().map(Self::Member),
        }
    }
}

/// Returns a URL that the portal may link to, in the normalized form that browsers follow; `None` if it may not be
/// linked to. Plain http is allowed only for testing: to this machine, in staging, or if the issuer itself is on this
/// machine.
pub fn portal_onward(text: &str, kind: EnvironmentKind, issuer: &Issuer) -> Option<String> {
    let url = url::Url::parse(text).ok()?;
    let plain_is_fine = kind == EnvironmentKind::Staging || issuer.is_this_machine();
    let is_fine = match url.scheme() {
        "https" => true,
        "http" => plain_is_fine || is_this_machine(&url),
        _ => false,
    };
    (is_fine && url.username().is_empty() && url.password().is_none()).then(|| url.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::Id;

    #[test]
    fn words_are_read_as_they_are_written() {
        for intents in [&PortalIntent::ALL[..], &PortalIntent::ALL[1..]] {
            assert_eq!(PortalIntent::read(&PortalIntent::written(intents)).as_deref(), Some(intents));
        }
        assert_eq!(PortalIntent::read(""), None);
        assert_eq!(PortalIntent::read("api_credentials sso"), None);
        for known in PortalIntent::WITHOUT_PAGE {
            assert_eq!(PortalIntent::parse(known), None);
        }
        for by in [MadeBy::Api, MadeBy::Operator, MadeBy::Staff, MadeBy::Visitor, MadeBy::Member(UserId::from_ulid(7))]
        {
            assert_eq!(MadeBy::parse(&by.written()), Some(by));
        }
        assert_eq!(MadeBy::parse("nobody"), None);
    }

    #[test]
    fn each_step_allows_those_before_it_and_creating_is_off_by_default() {
        assert_eq!(PortalSettings::default().credentials, PortalCredentials::Revoke);
        assert!(
            PortalCredentials::See < PortalCredentials::Revoke && PortalCredentials::Revoke < PortalCredentials::Create
        );
        for known in [PortalCredentials::See, PortalCredentials::Revoke, PortalCredentials::Create] {
            assert_eq!(PortalCredentials::parse(known.as_str()), Some(known));
        }
    }

    #[test]
    fn a_permission_opens_its_own_page_and_no_other() {
        assert_eq!(PortalIntent::opened_by([]), []);
        assert_eq!(PortalIntent::opened_by(["reports:read", "widgets"]), []);
        assert_eq!(PortalIntent::opened_by(["widgets:api-keys:manage"]), [PortalIntent::ApiCredentials]);
        assert_eq!(PortalIntent::opened_by(PortalIntent::ALL.map(PortalIntent::permission)), PortalIntent::ALL);
    }

    #[test]
    fn a_visit_ends_when_nobody_uses_it_and_at_the_latest_after_hours() {
        let at = Timestamp::from_millis(1_000_000_000_000);
        let visit = |seen: i64| PortalVisit {
            organization_id: OrganizationId::from_ulid(1),
            intents: PortalIntent::ALL.to_vec(),
            return_url: None,
            success_url: None,
            created_at: at,
            last_seen_at: at.plus_secs(seen),
        };
        assert!(visit(0).is_live(at.plus_secs(PORTAL_VISIT_IDLE - 1)));
        assert!(!visit(0).is_live(at.plus_secs(PORTAL_VISIT_IDLE)));
        let late = PORTAL_VISIT_LONGEST - 1;
        assert!(visit(late).is_live(at.plus_secs(late)));
        assert!(!visit(late).is_live(at.plus_secs(late + 1)));
    }

    #[test]
    fn threat_31_an_address_is_linked_to_in_the_form_that_was_checked() {
        let issuer = Issuer::parse("https://id.example.com").unwrap();
        let check = |text: &str, kind, expected: Option<&str>| {
            assert_eq!(portal_onward(text, kind, &issuer).as_deref(), expected, "{text}");
        };
        use EnvironmentKind::{Production, Staging};
        check("https://app.example.com/settings?a=b", Production, Some("https://app.example.com/settings?a=b"));
        check("HTTPS:\\\\app.example.com", Production, Some("https://app.example.com/"));
        check("http://localhost:3000/x", Production, Some("http://localhost:3000/x"));
        check("http://app.example.com", Production, None);
        check("http://app.example.com", Staging, Some("http://app.example.com/"));
        for bad in [
            "javascript:alert(1)",
            "//evil.example",
            "/path",
            "",
            "data:text/html,x",
            "https://a@evil.example",
            "app://x",
        ] {
            check(bad, Staging, None);
        }
    }
}
