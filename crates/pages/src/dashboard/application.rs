use askama::Template;

use super::{PictureField, ScopeOption, Shell};

/// A credential of an application.
#[derive(Clone, Debug)]
pub struct Secret {
    /// Its ID.
    pub id: String,
    /// Its last characters.
    pub hint: String,
    /// When it was created, in words.
    pub created: String,
    /// When it was last used, in words.
    pub used: String,
}

/// Code to paste, with actual values filled in.
#[derive(Clone, Debug)]
pub struct Snippet {
    /// Its label.
    pub label: &'static str,
    /// The code.
    pub code: String,
}

/// An application's page.
#[derive(Clone, Debug, Template)]
#[template(path = "dashboard/application.html")]
pub struct Application<'a> {
    /// The page shell.
    pub shell: &'a Shell,
    /// The version of the state that the form is drawn from.
    pub seen: &'a str,
    /// The URL of its page.
    pub href: &'a str,
    /// Its name, as the title.
    pub title: &'a str,
    /// Its name, as the form shows it.
    pub name: &'a str,
    /// Its description.
    pub description: &'a str,
    /// Its kind, in words.
    pub kind: &'a str,
    /// Its client ID.
    pub client_id: &'a str,
    /// The organization it belongs to: name and URL of its page.
    pub organization: Option<(&'a str, &'a str)>,
    /// Whether users sign in to it.
    pub signs_people_in: bool,
    /// Whether it is confidential.
    pub keeps_secrets: bool,
    /// Whether its name and redirect URIs come from its own metadata document.
    pub by_document: bool,
    /// Its redirect URIs, one per line.
    pub redirect_uris: &'a str,
    /// CORS origins, one per line.
    pub cors_origins: &'a str,
    /// Where it is notified of sign-outs.
    pub backchannel_logout_uri: &'a str,
    /// Its own login URI, if it differs from the environment's.
    pub login_uri: &'a str,
    /// Its logos for light and dark pages.
    pub pictures: &'a [PictureField],
    /// The permissions it may request.
    pub scopes: &'a [ScopeOption],
    /// Its credentials.
    pub secrets: &'a [Secret],
    /// The maximum number of credentials.
    pub most_secrets: usize,
    /// The value of the newly created credential; shown only once.
    pub fresh_secret: Option<&'a str>,
    /// The URL that starts a sign-in to it; `None` if nobody can sign in.
    pub try_it: Option<&'a str>,
    /// Code to paste.
    pub snippets: &'a [Snippet],
}
