use askama::Template;

use super::Shell;

/// One environment of the list.
#[derive(Clone, Debug)]
pub struct EnvironmentRow {
    /// Its first page.
    pub href: String,
    /// Its settings.
    pub settings: String,
    /// Its name.
    pub name: String,
    /// Whether it is for real users.
    pub production: bool,
    /// Its issuer.
    pub issuer: String,
    /// The client id of its own application.
    pub client_id: String,
}

/// The environments of the installation.
#[derive(Clone, Debug, Template)]
#[template(path = "dashboard/environments.html")]
pub struct Environments<'a> {
    /// What it stands in.
    pub shell: &'a Shell,
    /// What is shown.
    pub rows: &'a [EnvironmentRow],
}

/// Making an environment.
#[derive(Clone, Debug, Template)]
#[template(path = "dashboard/new_environment.html")]
pub struct NewEnvironment<'a> {
    /// What it stands in.
    pub shell: &'a Shell,
    /// What was typed as name.
    pub name: &'a str,
    /// `staging` or `production`.
    pub kind: &'a str,
    /// What was typed as issuer.
    pub issuer: &'a str,
}

/// An environment that was just made.
#[derive(Clone, Debug, Template)]
#[template(path = "dashboard/environment_made.html")]
pub struct EnvironmentMade<'a> {
    /// What it stands in.
    pub shell: &'a Shell,
    /// Its name.
    pub name: &'a str,
    /// Its first page.
    pub href: &'a str,
    /// Its issuer.
    pub issuer: &'a str,
    /// The host that has to lead here.
    pub host: &'a str,
    /// The client id of its own application.
    pub client_id: &'a str,
    /// Its first API key; shown this once.
    pub api_key: &'a str,
    /// Whether the issuer is on this machine, so that nothing has to be pointed anywhere.
    pub local: bool,
}

/// The settings of an environment.
#[derive(Clone, Debug, Template)]
#[template(path = "dashboard/settings.html")]
pub struct Settings<'a> {
    /// What it stands in.
    pub shell: &'a Shell,
    /// What the form is drawn with.
    pub seen: &'a str,
    /// Its issuer.
    pub issuer: &'a str,
    /// The client id of its own application.
    pub client_id: &'a str,
    /// Its identifier.
    pub id: &'a str,
    /// `staging` or `production`.
    pub kind: &'a str,
    /// Whether passwords count.
    pub password: bool,
    /// Whether mailed codes do.
    pub magic_auth: bool,
    /// Whether everybody needs a second factor.
    pub mfa_required: bool,
    /// Whether people make accounts by themselves.
    pub sign_up: bool,
    /// Pages of the product by name, each with its address; empty for none.
    pub pages: &'a [(&'static str, String)],
    /// Whether invitations are mailed from here.
    pub mail_invitation: bool,
    /// Whether codes to sign in with are.
    pub mail_magic_auth: bool,
    /// Whether codes that prove an address are.
    pub mail_email_verification: bool,
    /// Whether links that set a password are.
    pub mail_password_reset: bool,
    /// How long access tokens live.
    pub access_token_lifetime: &'a str,
    /// How long people stay signed in at most.
    pub maximum_length: &'a str,
    /// How long they stay when they do nothing.
    pub inactivity_timeout: &'a str,
    /// The issuer that sessions with the product name; empty for the usual one.
    pub session_issuer: &'a str,
    /// The algorithm of new signing keys.
    pub algorithm: &'a str,
    /// The algorithms that there are.
    pub algorithms: &'a [&'static str],
}

impl Settings<'_> {
    /// What a page of the product is called, and what it is for.
    fn page(&self, name: &str) -> (&'static str, &'static str) {
        match name {
            "sign_in" => (
                "Sign-in page of your product",
                "Where a sign-in begins: it sends people on to /user_management/authorize. Who comes to this server by a bookmark or an \
                 invitation is sent there first, with invitation_token and organization_id where they are known.",
            ),
            "home" => (
                "Home page of your product",
                "Where people go after signing out and after following an invitation, where nothing else is said.",
            ),
            "invitation" => (
                "Invitation page of your product",
                "Where links of invitations lead instead of a page of this server. It gets invitation_token.",
            ),
            _ => (
                "Password page of your product",
                "Where links to a new password lead instead of a page of this server. It gets token, which sets the password.",
            ),
        }
    }
}
