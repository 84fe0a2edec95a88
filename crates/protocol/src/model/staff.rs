//! The company's own staff: who may use the dashboard, and for what.

/// A staff member's role; each role includes the permissions of the previous ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StaffRole {
    /// May view everything that is not secret, but change nothing.
    ReadOnly,
    /// May also change the product's configuration: applications, organizations, users, branding.
    Developer,
    /// May also change environments, API keys, signing keys and staff.
    Admin,
    /// May also change who is an owner.
    Owner,
}

impl StaffRole {
    /// Every role, from the least to the most privileged.
    pub const ALL: [Self; 4] = [Self::ReadOnly, Self::Developer, Self::Admin, Self::Owner];

    /// The slug of the role in the built-in environment.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ReadOnly => "read-only",
            Self::Developer => "developer",
            Self::Admin => "admin",
            Self::Owner => "owner",
        }
    }

    /// The display name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ReadOnly => "Read-only",
            Self::Developer => "Developer",
            Self::Admin => "Admin",
            Self::Owner => "Owner",
        }
    }

    /// Parses a slug.
    pub fn parse(slug: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == slug)
    }

    /// Returns the most privileged of these roles. Unknown slugs are ignored.
    pub fn most<'a>(slugs: impl IntoIterator<Item = &'a String>) -> Option<Self> {
        slugs.into_iter().filter_map(|slug| Self::parse(slug)).max()
    }

    /// Whether this role permits what requires the other.
    pub fn allows(self, needed: Self) -> bool {
        self >= needed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_role_may_what_the_lesser_ones_may() {
        for (at, role) in StaffRole::ALL.into_iter().enumerate() {
            assert_eq!(StaffRole::parse(role.as_str()), Some(role));
            for (other_at, other) in StaffRole::ALL.into_iter().enumerate() {
                assert_eq!(role.allows(other), at >= other_at);
            }
        }
    }

    #[test]
    fn unknown_slugs_allow_nothing() {
        let slugs = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        assert_eq!(StaffRole::most(&slugs(&["member", "Owner", ""])), None);
        assert_eq!(StaffRole::most(&slugs(&["read-only", "admin", "member"])), Some(StaffRole::Admin));
        assert_eq!(StaffRole::most(&[]), None);
    }
}
