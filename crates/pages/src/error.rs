use askama::Template;

use crate::web_link::web_link;
use crate::{Frame, Language};

/// A page for what cannot go on.
#[derive(Clone, Copy, Debug, Template)]
#[template(path = "error.html")]
pub struct ErrorPage<'a> {
    /// What it stands in.
    pub frame: Frame<'a>,
    /// In a few words.
    pub title: &'a str,
    /// What happened.
    pub happened: &'a str,
    /// What to do.
    pub advice: &'a str,
    /// What support can find it by.
    pub request_id: Option<&'a str>,
    /// Where to go from here: a label and an address.
    pub link: Option<(&'a str, &'a str)>,
}

impl<'a> ErrorPage<'a> {
    /// The page for one of the usual troubles.
    pub fn of(frame: Frame<'a>, trouble: Trouble) -> Self {
        let [title, happened, advice] = trouble.texts(frame.language);
        let link = (trouble == Trouble::NoRole).then(|| (frame.texts().sign_out(), "/sign-out"));
        Self { frame, title, happened, advice, request_id: None, link }
    }

    /// What stands before an address: paths are those of the pages that this one is of.
    fn base(&self, address: &str) -> &str {
        if address.starts_with('/') { self.frame.base } else { "" }
    }

    fn onward(&self) -> Option<(&str, &str)> {
        self.link.filter(|(_, address)| web_link(address).is_some())
    }
}

/// The usual troubles, for which there are texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// There is no such page.
    Address,
    /// A link from a mail is used or too old.
    Link,
    /// What a sign-in carries along is too old.
    Flow,
    /// The account has changed since a sign-in began.
    Changed,
    /// A form is not of this visit.
    Form,
    /// The application asked for something wrong, and cannot be told by a redirect.
    Application,
    /// The application names itself by a document that cannot be used.
    Client,
    /// The invitation is for another person than the one who is signed in.
    Access,
    /// An account of staff that has no role any more.
    NoRole,
    /// Too many requests.
    Attempts,
    /// Our fault.
    Server,
    /// A sign-in elsewhere took too long, or was never completed.
    SignInOver,
    /// A sign-in elsewhere was gone on with already.
    SignInUsed,
    /// A sign-in elsewhere began in another browser.
    OtherBrowser,
}

impl Trouble {
    /// All of them.
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

    /// What the way on is called, where there is one.
    pub fn way_on(self, language: Language) -> &'static str {
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
