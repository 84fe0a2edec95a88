use askama::Template;

use super::Shell;

/// An environment in the list.
#[derive(Clone, Debug)]
pub struct EnvironmentRow {
    /// The URL of its overview.
    pub href: String,
    /// The URL of its settings.
    pub settings: String,
    /// Its name.
    pub name: String,
    /// Whether it is a production environment.
    pub production: bool,
    /// Its issuer.
    pub issuer: String,
    /// The client ID of its own application.
    pub client_id: String,
}

/// The environments of the installation.
#[derive(Clone, Debug, Template)]
#[template(path = "dashboard/environments.html")]
pub struct Environments<'a> {
    /// The page shell.
    pub shell: &'a Shell,
    /// The rows shown.
    pub rows: &'a [EnvironmentRow],
}

/// The creation of an environment.
#[derive(Clone, Debug, Template)]
#[template(path = "dashboard/new_environment.html")]
pub struct NewEnvironment<'a> {
    /// The page shell.
    pub shell: &'a Shell,
    /// The typed name.
    pub name: &'a str,
    /// `staging` or `production`.
    pub kind: &'a str,
    /// The typed issuer.
    pub issuer: &'a str,
}

/// A newly created environment.
#[derive(Clone, Debug, Template)]
#[template(path = "dashboard/environment_made.html")]
pub struct EnvironmentMade<'a> {
    /// The page shell.
    pub shell: &'a Shell,
    /// Its name.
    pub name: &'a str,
    /// The URL of its overview.
    pub href: &'a str,
    /// Its issuer.
    pub issuer: &'a str,
    /// The host name that must point to this server.
    pub host: &'a str,
    /// The client ID of its own application.
    pub client_id: &'a str,
    /// Its first API key; shown only once.
    pub api_key: &'a str,
    /// Whether the issuer is on this machine, so that no DNS record is needed.
    pub local: bool,
}

/// The settings of an environment.
#[derive(Clone, Debug, Template)]
#[template(path = "dashboard/settings.html")]
pub struct Settings<'a> {
    /// The page shell.
    pub shell: &'a Shell,
    /// The version of the state that the form is drawn from.
    pub seen: &'a str,
    /// Its issuer.
    pub issuer: &'a str,
    /// The client ID of its own application.
    pub client_id: &'a str,
    /// Its ID.
    pub id: &'a str,
    /// `staging` or `production`.
    pub kind: &'a str,
    /// Whether passwords are enabled.
    pub password: bool,
    /// Whether emailed sign-in codes are enabled.
    pub magic_auth: bool,
    /// Whether a second factor is required for everybody.
    pub mfa_required: bool,
    /// Whether users may sign up themselves.
    pub sign_up: bool,
    /// Pages of the product: name and URL, which is empty if not set.
    pub pages: &'a [(&'static str, String)],
    /// Whether this server emails invitations.
    pub mail_invitation: bool,
    /// Whether this server emails sign-in codes.
    pub mail_magic_auth: bool,
    /// Whether this server emails codes that verify an address.
    pub mail_email_verification: bool,
    /// Whether this server emails password reset links.
    pub mail_password_reset: bool,
    /// The lifetime of access tokens.
    pub access_token_lifetime: &'a str,
    /// The maximum length of a session.
    pub maximum_length: &'a str,
    /// The inactivity timeout of a session.
    pub inactivity_timeout: &'a str,
    /// The issuer in session tokens for the product; empty for the default.
    pub session_issuer: &'a str,
    /// The algorithm of new signing keys.
    pub algorithm: &'a str,
    /// The supported algorithms.
    pub algorithms: &'a [&'static str],
}

impl Settings<'_> {
    /// The label of a page of the product and its description.
    fn page(&self, name: &str) -> (&'static str, &'static str) {
        match name {
            "sign_in" => (
                "Sign-in page of your product",
                "Where a sign-in begins: this page redirects to /user_management/authorize. People who open this server from a bookmark or \
                 an invitation are sent there first, with invitation_token and organization_id if known.",
            ),
            "home" => (
                "Home page of your product",
                "Where people go after signing out or accepting an invitation, unless the request says otherwise.",
            ),
            "invitation" => (
                "Invitation page of your product",
                "Where invitation links lead instead of a page of this server. It receives invitation_token.",
            ),
            _ => (
                "Password reset page of your product",
                "Where password reset links lead instead of a page of this server. It receives token, which sets the new password.",
            ),
        }
    }
}
