//! The grants that a self-registered client has announced it will use at the token endpoint.

/// A grant that such a client can register.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RegisteredGrant {
    /// Authorization codes.
    Code,
    /// Refresh tokens.
    Refresh,
    /// Device authorizations.
    Device,
}

/// The grants that a client has registered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RegisteredGrants(u8);

impl RegisteredGrant {
    /// All grants, in the order in which they are listed.
    pub const ALL: [Self; 3] = [Self::Code, Self::Refresh, Self::Device];

    /// The value on the wire (RFC 7591 §2) and in storage.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Code => "authorization_code",
            Self::Refresh => "refresh_token",
            Self::Device => "urn:ietf:params:oauth:grant-type:device_code",
        }
    }

    const fn bit(self) -> u8 {
        match self {
            Self::Code => 1,
            Self::Refresh => 2,
            Self::Device => 4,
        }
    }
}

impl RegisteredGrants {
    /// The default for a client that does not specify any. RFC 7591 §2 defaults to codes alone but lets a server decide
    /// otherwise (§3.2.1): many clients that omit the member want to refresh.
    pub const UNSAID: Self = Self(RegisteredGrant::Code.bit() | RegisteredGrant::Refresh.bit());

    /// The known grants among these values; others are ignored.
    pub fn listed(words: &[String]) -> Self {
        let bits = RegisteredGrant::ALL.iter().filter(|grant| words.iter().any(|word| word == grant.as_str()));
        Self(bits.fold(0, |bits, grant| bits | grant.bit()))
    }

    /// Whether this grant is included.
    pub const fn has(self, grant: RegisteredGrant) -> bool {
        self.0 & grant.bit() != 0
    }

    /// The union of both sets.
    #[must_use]
    pub const fn and(self, others: Self) -> Self {
        Self(self.0 | others.0)
    }

    /// The grants' values.
    pub fn words(self) -> Vec<&'static str> {
        RegisteredGrant::ALL.into_iter().filter(|grant| self.has(*grant)).map(RegisteredGrant::as_str).collect()
    }

    /// The storage format.
    pub fn written(self) -> String {
        self.words().join(" ")
    }

    /// Parses the storage format.
    pub fn parse(text: &str) -> Option<Self> {
        text.split_ascii_whitespace().try_fold(Self::default(), |all, word| {
            let grant = RegisteredGrant::ALL.into_iter().find(|grant| grant.as_str() == word)?;
            Some(Self(all.0 | grant.bit()))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        for bits in 0..8 {
            let grants = RegisteredGrants(bits);
            assert_eq!(RegisteredGrants::parse(&grants.written()), Some(grants));
            let words: Vec<String> = grants.words().into_iter().map(str::to_owned).collect();
            assert_eq!(RegisteredGrants::listed(&words), grants);
        }
        assert_eq!(RegisteredGrants::parse("authorization_code password"), None);
        assert!(!RegisteredGrants::UNSAID.has(RegisteredGrant::Device));
    }
}
