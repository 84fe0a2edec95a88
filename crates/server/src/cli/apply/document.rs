//! The schema of the declarative file.

use countersign_protocol::secret::Secret;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The whole file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Document {
    #[serde(default, rename = "environment")]
    pub environments: Vec<EnvironmentEntry>,
}

/// Parses a file.
///
/// # Errors
/// A message about what is wrong with it.
pub(super) fn read(text: &str) -> Result<Document, String> {
    toml::from_str(text).map_err(|error| {
        // A table where a list belongs: the parser's own message does not say what is missing.
        let table = text.parse::<toml::Table>().ok();
        match table.as_ref().and_then(|table| table.get("environment")).and_then(toml::Value::as_table) {
            Some(lone) if lone.contains_key("name") => {
                "[environment] must be [[environment]], in two brackets: a file may have several.".to_owned()
            }
            Some(lone) => {
                let part = lone.keys().next().map_or("environment", String::as_str);
                format!(
                    "'environment.{part}' must follow the environment it belongs to: put [[environment]] and a line such as \
                     name = \"default\" above it."
                )
            }
            None => error.to_string(),
        }
    })
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EnvironmentEntry {
    pub name: String,
    pub issuer: Option<String>,
    pub kind: Option<String>,
    pub client_id: Option<String>,
    pub signing_algorithm: Option<String>,
    pub session_issuer: Option<String>,
    pub access_token_lifetime: Option<i64>,
    pub jwt_template: Option<String>,
    pub redirect_uris: Option<Vec<String>>,
    pub sign_out_uris: Option<Vec<String>>,
    pub cors_origins: Option<Vec<String>>,
    pub resources: Option<Vec<String>>,
    pub default_resource: Option<String>,
    #[serde(default)]
    pub sessions: SessionsEntry,
    #[serde(default)]
    pub authentication: AuthenticationEntry,
    #[serde(default)]
    pub pages: BTreeMap<String, String>,
    #[serde(default)]
    pub mails: MailsEntry,
    #[serde(default)]
    pub standalone: StandaloneEntry,
    #[serde(default)]
    pub clients: ClientsEntry,
    #[serde(default)]
    pub portal: PortalEntry,
    #[serde(default)]
    pub branding: BrandingEntry,
    #[serde(default, rename = "api_key")]
    pub api_keys: Vec<ApiKeyEntry>,
    #[serde(default, rename = "permission")]
    pub permissions: Vec<PermissionEntry>,
    #[serde(default, rename = "organization")]
    pub organizations: Vec<OrganizationEntry>,
    #[serde(default, rename = "log_stream")]
    pub log_streams: Vec<LogStreamEntry>,
    #[serde(default, rename = "user")]
    pub users: Vec<UserEntry>,
    #[serde(default, rename = "application")]
    pub applications: Vec<ApplicationEntry>,
    #[serde(default, rename = "webhook_endpoint")]
    pub webhook_endpoints: Vec<WebhookEndpointEntry>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SessionsEntry {
    pub maximum_length: Option<i64>,
    pub inactivity_timeout: Option<i64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AuthenticationEntry {
    pub sign_up: Option<bool>,
    pub password: Option<bool>,
    pub magic_auth: Option<bool>,
    pub mfa_required: Option<bool>,
}

/// Which emails the server sends itself.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MailsEntry {
    pub invitation: Option<bool>,
    pub magic_auth: Option<bool>,
    pub email_verification: Option<bool>,
    pub password_reset: Option<bool>,
}

/// Where users sign in when the company keeps its own login. An empty string clears a value.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StandaloneEntry {
    pub login_uri: Option<String>,
    pub subject: Option<String>,
}

/// Clients that register themselves.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ClientsEntry {
    pub client_id_metadata: Option<String>,
    pub client_id_metadata_hosts: Option<Vec<String>>,
    pub dynamic_client_registration: Option<String>,
}

/// What organizations may do in the portal.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PortalEntry {
    pub credentials: Option<String>,
    pub permissions: Option<Vec<String>>,
}

/// Branding. An empty string clears a value. Images are given as file paths.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BrandingEntry {
    pub name: Option<String>,
    pub logo: Option<String>,
    pub logo_dark: Option<String>,
    pub icon: Option<String>,
    pub primary: Option<String>,
    pub primary_dark: Option<String>,
    pub background: Option<String>,
    pub background_dark: Option<String>,
    pub corners: Option<String>,
    pub font: Option<String>,
    pub terms_url: Option<String>,
    pub privacy_url: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ApiKeyEntry {
    pub name: String,
    pub value: SecretReference,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PermissionEntry {
    pub slug: String,
    pub name: String,
    pub description: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OrganizationEntry {
    pub external_id: String,
    pub name: String,
    pub metadata: Option<BTreeMap<String, String>>,
    pub domains: Option<Vec<DomainEntry>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DomainEntry {
    pub domain: String,
    #[serde(default = "pending")]
    pub state: String,
}

fn pending() -> String {
    "pending".to_owned()
}

/// Where an organization's audit log events are sent.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LogStreamEntry {
    pub organization: String,
    pub url: String,
    pub format: Option<String>,
    #[serde(default)]
    pub headers: BTreeMap<String, HeaderEntry>,
}

/// A header's value: the contents of a variable or a file, preceded by a scheme such as `Bearer` if one is given.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct HeaderEntry {
    pub env: Option<String>,
    pub file: Option<PathBuf>,
    pub scheme: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct UserEntry {
    pub email: String,
    pub email_verified: Option<bool>,
    pub first_name: Option<String>,
    pub last_name: Option<String>,
    pub external_id: Option<String>,
    pub password_hash: Option<SecretReference>,
    pub password_hash_type: Option<String>,
    pub password_salt_position: Option<String>,
    #[serde(default)]
    pub memberships: Vec<MembershipEntry>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MembershipEntry {
    pub organization: String,
    pub roles: Option<Vec<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ApplicationEntry {
    pub name: String,
    pub application_type: String,
    pub client_id: Option<String>,
    pub description: Option<String>,
    pub organization: Option<String>,
    pub is_first_party: Option<bool>,
    pub uses_pkce: Option<bool>,
    pub scopes: Option<Vec<String>>,
    pub redirect_uris: Option<Vec<RedirectUriEntry>>,
    pub cors_origins: Option<Vec<String>>,
    pub logo: Option<String>,
    pub logo_dark: Option<String>,
    pub backchannel_logout_uri: Option<String>,
    pub login_uri: Option<String>,
    #[serde(default)]
    pub secrets: Vec<SecretReference>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RedirectUriEntry {
    pub uri: String,
    #[serde(default)]
    pub default: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WebhookEndpointEntry {
    pub endpoint_url: String,
    pub events: Vec<String>,
    pub status: Option<String>,
    pub secret: Option<SecretReference>,
}

/// Where to find a secret. The declarative file itself contains none, so that it can be kept in version control.
#[derive(Debug, Deserialize)]
#[serde(
    untagged,
    expecting = "give a secret as { env = \"VARIABLE\" } or { file = \"PATH\" }, never in the file itself"
)]
pub(super) enum SecretReference {
    Variable(VariableReference),
    File(FileReference),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct VariableReference {
    pub env: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FileReference {
    pub file: PathBuf,
}

/// The minimum length of a secret supplied by the operator.
const MIN_LENGTH: usize = 32;

impl SecretReference {
    /// Returns the secret. Paths are relative to the declarative file.
    pub(super) fn resolve(&self, base: &Path) -> Result<Secret, String> {
        let (secret, from) = self.read(base)?;
        if secret.expose().len() < MIN_LENGTH || secret.expose().chars().any(char::is_control) {
            return Err(format!(
                "{from} is not a usable secret: it must have at least {MIN_LENGTH} characters, on one line."
            ));
        }
        Ok(secret)
    }

    /// Returns the contents, and a description of where they come from.
    fn read(&self, base: &Path) -> Result<(Secret, String), String> {
        let (text, from) = match self {
            Self::Variable(VariableReference { env }) => {
                let text =
                    crate::config::source::variable(env).ok_or_else(|| format!("The variable {env} is not set."))?;
                (text, format!("The variable {env}"))
            }
            Self::File(FileReference { file }) => {
                let path = base.join(file);
                let text = std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}.", path.display()))?;
                (text, format!("The file {}", path.display()))
            }
        };
        Ok((Secret::new(text.trim().to_owned()), from))
    }
}

impl HeaderEntry {
    /// Returns the header's value. There is no minimum length, because the receiver chose it.
    pub(super) fn resolve(&self, base: &Path) -> Result<Secret, String> {
        let reference = match (self.env.clone(), self.file.clone()) {
            (Some(env), None) => SecretReference::Variable(VariableReference { env }),
            (None, Some(file)) => SecretReference::File(FileReference { file }),
            _ => {
                return Err(
                    "Give it as { env = \"VARIABLE\" } or { file = \"PATH\" }, never in the file itself.".to_owned()
                );
            }
        };
        let (value, from) = reference.read(base)?;
        if value.expose().is_empty() || value.expose().chars().any(char::is_control) {
            return Err(format!("{from} must be one line of text."));
        }
        Ok(match &self.scheme {
            Some(scheme) => Secret::new(format!("{scheme} {}", value.expose())),
            None => value,
        })
    }
}
