//! Typed identifiers.
//!
//! Every identifier on the wire is `<prefix>_<ulid>`: a prefix that names the kind of object, and a ULID (26 characters
//! of Crockford base32, upper case) whose first 48 bits are its creation time. Each kind has its own Rust type, so that
//! identifiers of different kinds cannot be mixed up.

use std::fmt;

/// The text is not an identifier of the expected kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an identifier of this kind")]
pub struct ParseIdError;

/// The interface common to all typed identifiers.
pub trait Id: Copy + fmt::Display {
    /// The prefix on the wire, without the underscore.
    const PREFIX: &'static str;
    /// Wraps the 128 bits of a ULID.
    fn from_ulid(ulid: u128) -> Self;
}

/// Decodes the 26 characters of a ULID, strictly: upper case, no overflow.
fn decode_ulid(text: &str) -> Result<u128, ParseIdError> {
    if text.len() != 26 || text.bytes().any(|b| b.is_ascii_lowercase()) {
        return Err(ParseIdError);
    }
    let ulid = ulid::Ulid::from_string(text).map_err(|_| ParseIdError)?;
    // The decoder also accepts the look-alikes I, L and O, and a first character beyond 7, but each identifier has only
    // one text.
    if ulid.to_string() != text {
        return Err(ParseIdError);
    }
    Ok(ulid.0)
}

/// Deserializes an identifier from JSON without copying its text.
struct ParseVisitor<T>(fn(&str) -> Result<T, ParseIdError>);

impl<T> serde::de::Visitor<'_> for ParseVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an identifier")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<T, E> {
        (self.0)(text).map_err(E::custom)
    }
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal $(or $alias:literal)*;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(u128);

        impl Id for $name {
            const PREFIX: &'static str = $prefix;
            fn from_ulid(ulid: u128) -> Self {
                Self(ulid)
            }
        }

        impl $name {
            /// Parses the wire format. Only the exact, canonical text is accepted.
            pub fn parse(text: &str) -> Result<Self, ParseIdError> {
                for prefix in [$prefix $(, $alias)*] {
                    if let Some(rest) = text.strip_prefix(prefix).and_then(|rest| rest.strip_prefix('_'))
                        && let Ok(ulid) = decode_ulid(rest)
                    {
                        return Ok(Self(ulid));
                    }
                }
                Err(ParseIdError)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let mut buffer = [0_u8; ulid::ULID_LEN];
                f.write_str(concat!($prefix, "_"))?;
                f.write_str(ulid::Ulid(self.0).array_to_str(&mut buffer))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_str(ParseVisitor(Self::parse))
            }
        }

        impl std::str::FromStr for $name {
            type Err = ParseIdError;
            fn from_str(text: &str) -> Result<Self, ParseIdError> {
                Self::parse(text)
            }
        }
    )*};
}

ids! {
    /// An environment: the tenant. Nothing is read or written without one.
    EnvironmentId = "environment";
    /// An organization: a customer of the company that runs this server.
    OrganizationId = "org";
    /// A domain that an organization claims.
    OrganizationDomainId = "org_domain";
    /// A permission; its slug is a custom OAuth scope.
    PermissionId = "perm";
    /// A Connect application: a client of `/oauth2/*`.
    ApplicationId = "app" or "conn_app";
    /// The public identifier of an OAuth client, or of an environment's own application.
    ClientId = "client";
    /// One of an application's client secrets (the record, not the value).
    ClientSecretId = "secret";
    /// An API key that a customer uses with the company's own API (the record, not the value).
    ApiKeyId = "api_key";
    /// An environment's own API key for the management API (the record, not the value).
    EnvironmentApiKeyId = "environment_api_key";
    /// A signing key; the `kid` in a token's header.
    SigningKeyId = "sso_oidc_key_pair";
    /// An event in the ordered log.
    EventId = "event";
    /// A user's account.
    UserId = "user";
    /// A second factor: an authenticator app.
    AuthFactorId = "auth_factor";
    /// A request for a second factor's code.
    AuthChallengeId = "auth_challenge";
    /// A user's membership in an organization.
    MembershipId = "om";
    /// A role of organization members.
    RoleId = "role";
    /// An invitation.
    InvitationId = "invitation";
    /// A password reset (the record, not its token).
    PasswordResetId = "password_reset";
    /// A sign-in code that replaces the password (the record, not its digits).
    MagicAuthId = "magic_auth";
    /// A code that verifies an email address.
    EmailVerificationId = "email_verification";
    /// A code that verifies an account's new email address.
    EmailChangeId = "email_change";
    /// A user's session.
    SessionId = "session";
    /// A user's consent for an application; the `sid` of its tokens.
    ConsentId = "app_consent";
    /// A consent, as named by the management API.
    AuthorizedApplicationId = "authorized_connect_app";
    /// The token family of one authorization.
    TokenFamilyId = "grant";
    /// The token family of one sign-in to the environment's own application.
    SessionFamilyId = "session_family";
    /// A redirect URI of the environment's own application.
    RedirectUriId = "redir";
    /// An origin whose pages may call the endpoints that browsers may call.
    CorsOriginId = "cors_origin";
    /// A resource that access tokens can be issued for.
    OAuthResourceId = "authkit_oauth_resource";
    /// A redirect of a user to an external login.
    ExternalAuthenticationId = "ext_auth";
    /// An outgoing email.
    MailId = "mail";
    /// A webhook endpoint.
    WebhookEndpointId = "we";
    /// An event of an audit log; delivered as a bare ULID.
    AuditEventId = "audit_log_event";
    /// An action of audit log events.
    AuditActionId = "ala";
    /// A version of the schema for an action's events.
    AuditSchemaId = "als";
    /// An export of an audit log, as CSV.
    AuditExportId = "audit_log_export";
    /// A stream that audit log events are sent to as they occur.
    AuditStreamId = "als";
}

impl AuditEventId {
    /// The bare ULID without the prefix, as delivered.
    pub fn bare(self) -> String {
        ulid::Ulid(self.0).to_string()
    }
}

impl From<ConsentId> for AuthorizedApplicationId {
    fn from(id: ConsentId) -> Self {
        Self(id.0)
    }
}

impl From<AuthorizedApplicationId> for ConsentId {
    fn from(id: AuthorizedApplicationId) -> Self {
        Self(id.0)
    }
}

/// The `jti` of a token: a bare ULID (RFC 7519 §4.1.7).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TokenId(u128);

impl TokenId {
    /// Wraps the 128 bits of a ULID.
    pub fn from_ulid(ulid: u128) -> Self {
        Self(ulid)
    }

    /// Parses the wire format.
    pub fn parse(text: &str) -> Result<Self, ParseIdError> {
        decode_ulid(text).map(Self)
    }
}

impl fmt::Display for TokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut buffer = [0_u8; ulid::ULID_LEN];
        f.write_str(ulid::Ulid(self.0).array_to_str(&mut buffer))
    }
}

impl fmt::Debug for TokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl serde::Serialize for TokenId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for TokenId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(ParseVisitor(Self::parse))
    }
}

/// Composes a ULID from a time and ten random bytes.
pub fn compose_ulid(now: crate::time::Timestamp, random: [u8; 10]) -> u128 {
    let mut low = [0_u8; 16];
    low[6..].copy_from_slice(&random);
    let milliseconds = u128::try_from(now.as_millis().max(0)).unwrap_or(0) & 0xFFFF_FFFF_FFFF;
    (milliseconds << 80) | u128::from_be_bytes(low)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(text: &str, expected: bool) {
        assert_eq!(OrganizationId::parse(text).is_ok(), expected, "{text}");
    }

    #[test]
    fn only_the_canonical_text_is_an_identifier() {
        check("org_01EHZNVPK3SFK441A1RGBFSHRT", true);
        check("org_01ehznvpk3sfk441a1rgbfshrt", false);
        check("org_01EHZNVPK3SFK441A1RGBFSHR", false);
        check("org_01EHZNVPK3SFK441A1RGBFSHRTT", false);
        check("org_01EHZNVPK3SFK441A1RGBFSHRI", false);
        check("org_81EHZNVPK3SFK441A1RGBFSHRT", false);
        check("user_01EHZNVPK3SFK441A1RGBFSHRT", false);
        check("org01EHZNVPK3SFK441A1RGBFSHRT", false);
        check("", false);
        check("org_domain_01EHZNVPK3SFK441A1RGBFSHRT", false);
    }

    #[test]
    fn an_application_may_come_under_either_of_its_prefixes() {
        let id = ApplicationId::parse("conn_app_01EHZNVPK3SFK441A1RGBFSHRT").unwrap();
        assert_eq!(id.to_string(), "app_01EHZNVPK3SFK441A1RGBFSHRT");
    }

    proptest! {
        #[test]
        fn printing_then_parsing_is_identity(bits: u128) {
            let id = ClientId::from_ulid(bits);
            prop_assert_eq!(ClientId::parse(&id.to_string()), Ok(id));
            let jti = TokenId::from_ulid(bits);
            prop_assert_eq!(TokenId::parse(&jti.to_string()), Ok(jti));
        }

        #[test]
        fn parsing_never_panics_and_accepts_only_what_it_prints(text in "\\PC*") {
            if let Ok(id) = ClientSecretId::parse(&text) {
                prop_assert_eq!(id.to_string(), text);
            }
        }

        #[test]
        fn identifiers_sort_by_the_time_they_were_made(a in 0_i64..1 << 47, b in 0_i64..1 << 47, r: [u8; 10]) {
            let make = |ms| compose_ulid(crate::time::Timestamp::from_millis(ms), r);
            prop_assert_eq!(a.cmp(&b), make(a).cmp(&make(b)));
        }
    }
}
