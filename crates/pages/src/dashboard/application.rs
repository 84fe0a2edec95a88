use askama::Template;

use super::{PictureField, ScopeOption, Shell};

/// A credential of an application.
#[derive(Clone, Debug)]
pub struct Secret {
    /// Its identifier.
    pub id: String,
    /// Its last characters.
    pub hint: String,
    /// Since when.
    pub created: String,
    /// When it was last used, in words.
    pub used: String,
}

/// Code to paste, with the real values filled in.
#[derive(Clone, Debug)]
pub struct Snippet {
    /// What for.
    pub label: &'static str,
    /// The code.
    pub code: String,
}

/// One application.
#[derive(Clone, Debug, Template)]
#[template(path = "dashboard/application.html")]
pub struct Application<'a> {
    /// What it stands in.
    pub shell: &'a Shell,
    /// What the form is drawn with.
    pub seen: &'a str,
    /// Its page.
    pub href: &'a str,
    /// What it is called.
    pub title: &'a str,
    /// Its name, as the field has it.
    pub name: &'a str,
    /// Its description.
    pub description: &'a str,
    /// What kind it is, in words.
    pub kind: &'a str,
    /// Its client id.
    pub client_id: &'a str,
    /// The organization it belongs to: name and page.
    pub organization: Option<(&'a str, &'a str)>,
    /// Whether people sign in to it.
    pub signs_people_in: bool,
    /// Whether it keeps secrets.
    pub keeps_secrets: bool,
    /// Whether its name and redirect URIs are said by its own document.
    pub by_document: bool,
    /// Its redirect URIs, one per line.
    pub redirect_uris: &'a str,
    /// Origins of browser pages, one per line.
    pub cors_origins: &'a str,
    /// Where it is told of sign-outs.
    pub backchannel_logout_uri: &'a str,
    /// Where its people sign in, where that is not where the environment says.
    pub login_uri: &'a str,
    /// Its logo, on light and on dark pages.
    pub pictures: &'a [PictureField],
    /// The permissions it may ask for.
    pub scopes: &'a [ScopeOption],
    /// Its credentials.
    pub secrets: &'a [Secret],
    /// How many it may have.
    pub most_secrets: usize,
    /// The value of the credential that was just made; shown this once.
    pub fresh_secret: Option<&'a str>,
    /// Where people begin to sign in to it; `None` where nobody can.
    pub try_it: Option<&'a str>,
    /// Code to paste.
    pub snippets: &'a [Snippet],
}
