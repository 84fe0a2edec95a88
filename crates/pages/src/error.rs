use askama::Template;

use crate::web_link::web_link;
use crate::{Frame, Language};

/// An error page.
#[derive(Clone, Copy, Debug, Template)]
#[template(path = "error.html")]
pub struct ErrorPage<'a> {
    /// The page frame.
    pub frame: Frame<'a>,
    /// A short title.
    pub title: &'a str,
    /// What happened.
    pub happened: &'a str,
    /// What to do.
    pub advice: &'a str,
    /// The ID that support can find it by.
    pub request_id: Option<&'a str>,
    /// A link onward: its label and URL.
    pub link: Option<(&'a str, &'a str)>,
}

impl<'a> ErrorPage<'a> {
    /// The page for a common error.
    pub fn of(frame: Frame<'a>, trouble: Trouble) -> Self {
        let [title, happened, advice] = trouble.texts(frame.language);
        let link = (trouble == Trouble::NoRole).then(|| (frame.texts().sign_out(), "/sign-out"));
        Self { frame, title, happened, advice, request_id: None, link }
    }

    /// The prefix of a link: our own paths are below the frame's base path.
    fn base(&self, address: &str) -> &str {
        if address.starts_with('/') { self.frame.base } else { "" }
    }

    fn onward(&self) -> Option<(&str, &str)> {
        self.link.filter(|(_, address)| web_link(address).is_some())
    }
}

/// Common errors, which have predefined texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// The page does not exist.
    Address,
    /// A link from an email was used before or has expired.
    Link,
    /// The state of a sign-in has expired.
    Flow,
    /// The account has changed since the sign-in began.
    Changed,
    /// The form belongs to a different visit.
    Form,
    /// The application's request was invalid, and the error cannot be returned by a redirect.
    Application,
    /// The application's client ID is a metadata document that cannot be used.
    Client,
    /// The invitation is for a different person than the one signed in.
    Access,
    /// A staff account that no longer has a role.
    NoRole,
    /// Too many requests.
    Attempts,
    /// A server error.
    Server,
    /// An external sign-in took too long, or was never completed.
    SignInOver,
    /// An external sign-in was already continued.
    SignInUsed,
    /// An external sign-in began in a different browser.
    OtherBrowser,
}

impl Trouble {
    /// All values.
    pub const ALL: [Self; 14] = [
        Self::Address,
        Self::Link,
        Self::Flow,
        Self::Changed,
        Self::Form,
        Self::Application,
        Self::Client,
        Self::Access,
        Self::NoRole,
        Self::Attempts,
        Self::Server,
        Self::SignInOver,
        Self::SignInUsed,
        Self::OtherBrowser,
    ];

    /// The label of the link onward, if there is one.
    pub fn onward_label(self, language: Language) -> &'static str {
        let t = language.texts();
        if self == Self::Access { t.use_another_account() } else { t.start_again() }
    }

    /// Title, what happened, and what to do.
    pub fn texts(self, language: Language) -> [&'static str; 3] {
        let t = language.texts();
        match self {
            Self::Address => [t.trouble_address(), t.trouble_address_what(), t.trouble_address_advice()],
            Self::Link => [t.trouble_link(), t.trouble_link_what(), t.trouble_link_advice()],
            Self::Flow => [t.trouble_flow(), t.trouble_flow_what(), t.trouble_flow_advice()],
            Self::Changed => [t.trouble_changed(), t.trouble_changed_what(), t.trouble_flow_advice()],
            Self::Form => [t.trouble_form(), t.trouble_form_what(), t.trouble_form_advice()],
            Self::Application => {
                [t.trouble_application(), t.trouble_application_what(), t.trouble_application_advice()]
            }
            Self::Client => [t.trouble_client(), t.trouble_client_what(), t.trouble_client_advice()],
            Self::Access => [t.trouble_access(), t.trouble_access_what(), t.trouble_access_advice()],
            Self::NoRole => [t.trouble_no_role(), t.trouble_no_role_what(), t.trouble_no_role_advice()],
            Self::Attempts => [t.trouble_attempts(), t.trouble_attempts_what(), t.trouble_attempts_advice()],
            Self::Server => [t.trouble_server(), t.trouble_server_what(), t.trouble_server_advice()],
            Self::SignInOver => [t.sign_in_over(), t.sign_in_over_what(), t.sign_in_again_advice()],
            Self::SignInUsed => [t.sign_in_used(), t.sign_in_used_what(), t.sign_in_used_advice()],
            Self::OtherBrowser => [t.other_browser(), t.other_browser_what(), t.other_browser_advice()],
        }
    }
}
