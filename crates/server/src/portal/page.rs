//! The shell of every page of an organization, its headers, and notice pages.

use super::call::{PortalCall, Visitor};
use crate::dashboard::page as dashboard;
use crate::domain::{Failure, product_name};
use crate::hosted::flow::{Flow, Target};
use crate::hosted::page::{Carried, PageError, branding, frame, moment, reply as hosted_reply, stopped};
use crate::http::cookies::Cookie;
use crate::http::page_call::PageCall;
use crate::http::reply::Reply;
use countersign_pages::portal::{Notice, Pager, Shell, Tab};
use countersign_pages::{Branding, ChooseOrganization, Form, Language, Organization, Page, Trouble};
use countersign_protocol::management::error::ApiError;
use countersign_protocol::model::{Membership, PortalCredentials, PortalIntent};
use countersign_protocol::time::Timestamp;
use http::StatusCode;
use http::header::SET_COOKIE;

/// How long a chosen language is remembered, in seconds.
const LANGUAGE_LIFETIME: i64 = 400 * 86_400;

/// A section of the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Applications and their secrets.
    Machines,
    /// API keys.
    Keys,
    /// Applications that members have authorized.
    Connections,
    /// Domains.
    Domains,
}

impl Part {
    const ALL: [Self; 4] = [Self::Machines, Self::Keys, Self::Connections, Self::Domains];

    /// The intent that gives access to it.
    const fn intent(self) -> PortalIntent {
        match self {
            Self::Machines | Self::Keys | Self::Connections => PortalIntent::ApiCredentials,
            Self::Domains => PortalIntent::DomainVerification,
        }
    }

    /// Its path.
    pub const fn path(self) -> &'static str {
        match self {
            Self::Machines => "/portal/machines",
            Self::Keys => "/portal/api-keys",
            Self::Connections => "/portal/connections",
            Self::Domains => "/portal/domains",
        }
    }

    fn label(self, language: Language) -> &'static str {
        let t = language.texts();
        match self {
            Self::Machines => t.portal_machines(),
            Self::Keys => t.portal_keys(),
            Self::Connections => t.portal_connections(),
            Self::Domains => t.portal_domains(),
        }
    }

    /// The parts that these intents give access to.
    pub fn open(intents: &[PortalIntent]) -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(|part| intents.contains(&part.intent()))
    }
}

/// The outcome of an action, for display.
#[derive(Debug, Clone, Default)]
pub struct Told {
    /// What was done.
    pub done: Option<String>,
    /// What went wrong.
    pub problem: Option<String>,
}

impl Told {
    /// Reports what was done.
    pub fn done(text: String) -> Self {
        Self { done: Some(text), problem: None }
    }

    /// Reports what could not be done.
    pub fn problem(text: impl Into<String>) -> Self {
        Self { done: None, problem: Some(text.into()) }
    }
}

impl PortalCall {
    /// The shell of a page.
    pub fn shell<'s>(&'s self, branding: &'s Branding, part: Part, told: Told) -> Shell<'s> {
        let language = self.language();
        let tabs = Part::open(&self.intents).map(|known| Tab {
            label: known.label(language),
            href: known.path(),
            here: known == part,
        });
        let (email, return_url, success_url) = match &self.visitor {
            Visitor::Link { return_url, success_url } => ("", return_url.as_deref(), success_url.as_deref()),
            Visitor::Member(user) => (user.email.as_str(), None, None),
        };
        let allowed = self.settings().credentials;
        Shell {
            frame: frame(&self.page, branding),
            organization: &self.organization.name,
            organization_id: self.organization.id.to_string(),
            email,
            tabs: tabs.collect(),
            csrf: self.page.csrf(),
            return_url,
            success_url,
            done: told.done,
            problem: told.problem,
            may_revoke: allowed >= PortalCredentials::Revoke,
            may_create: allowed >= PortalCredentials::Create,
        }
    }

    /// A page reply, which also remembers the language if the request chose one.
    pub fn reply(&self, status: StatusCode, page: &impl Page) -> Reply {
        self.in_its_language(dashboard::reply(status, page))
    }

    fn in_its_language(&self, reply: Reply) -> Reply {
        let asked = self.page.query().ok().and_then(|query| query.get("lang").and_then(Language::parse));
        let issuer = &self.page.environment.environment.issuer;
        match asked.and_then(|language| Cookie::Language.set(language.tag(), LANGUAGE_LIFETIME, issuer)) {
            Some(cookie) => reply.with(SET_COOKIE, cookie),
            None => reply,
        }
    }

    /// The page shown when something cannot be displayed or done.
    pub fn stopped(&self, stop: PageError) -> Reply {
        stopped(
            &self.page,
            match stop {
                PageError::Failure(Failure::Refused(ApiError::NotFound { .. })) => {
                    PageError::Trouble(StatusCode::NOT_FOUND, Trouble::Address)
                }
                PageError::Failure(Failure::Refused(error)) if error.status() < 500 => {
                    PageError::Trouble(StatusCode::BAD_REQUEST, Trouble::Address)
                }
                stop => stop,
            },
        )
    }

    /// Formats a timestamp in words.
    pub fn when(&self, at: Timestamp) -> String {
        moment(at, self.language())
    }

    /// Formats an optional timestamp in words ("Never" if `None`).
    pub fn used(&self, at: Option<Timestamp>) -> String {
        at.map_or_else(|| self.language().texts().portal_never().to_owned(), |at| self.when(at))
    }
}

/// The links to adjacent pages of a list.
pub fn pager<T: std::fmt::Display>(path: &str, before: Option<T>, after: Option<T>) -> Pager {
    Pager { newer: before.map(|id| format!("{path}?before={id}")), older: after.map(|id| format!("{path}?after={id}")) }
}

/// A page with a single message.
pub fn notice(
    call: &PageCall,
    status: StatusCode,
    texts: (&str, &str),
    form: Option<Form<'_>>,
    link: Option<(&str, &str)>,
) -> Reply {
    let branding = branding(call);
    let (title, text) = texts;
    let good = status.is_success() && form.is_none();
    hosted_reply(call, status, &Notice { frame: frame(call, &branding), title, text, good, form, link }, None)
}

fn texts(call: &PageCall) -> (countersign_pages::Texts, String) {
    (crate::hosted::page::language(call).texts(), product_name(&call.environment.environment))
}

/// The page for an expired visit.
pub fn over(call: &PageCall) -> Reply {
    let (t, product) = texts(call);
    let text = t.portal_over_text(&product);
    notice(call, StatusCode::FORBIDDEN, (t.portal_over_title(), &text), None, Some((t.sign_in(), "/sign-in")))
}

/// The page for a signed-in user without a role that gives access to anything.
pub fn no_role(call: &PageCall) -> Reply {
    let (t, _) = texts(call);
    let link = Some((t.your_account(), "/account"));
    notice(call, StatusCode::FORBIDDEN, (t.portal_refused_title(), t.portal_refused_text()), None, link)
}

/// The page for a part that the visitor may not access.
pub fn not_opened(call: &PageCall) -> Reply {
    let (t, product) = texts(call);
    let text = t.portal_intent_text(&product);
    notice(call, StatusCode::FORBIDDEN, (t.portal_refused_title(), &text), None, None)
}

/// The page for a form from another organization's page: two links were opened in two tabs, or the visit has ended
/// while the user is signed in as a member of another organization.
pub fn of_another(call: &PageCall, organization: &str) -> Reply {
    let (t, _) = texts(call);
    let text = t.portal_other_text(organization);
    notice(call, StatusCode::CONFLICT, (t.portal_other_title(), &text), None, Some((t.go_on(), "/portal")))
}

/// The page for a link that is used, expired, or unknown.
pub fn no_link(call: &PageCall) -> Reply {
    let (t, product) = texts(call);
    let text = t.portal_link_text(&product);
    notice(call, StatusCode::BAD_REQUEST, (t.portal_link_title(), &text), None, None)
}

/// The page where a member of several organizations chooses one.
pub fn choose(call: &PageCall, memberships: &[Membership]) -> Reply {
    let branding = branding(call);
    let ids: Vec<String> = memberships.iter().map(|one| one.organization_id.to_string()).collect();
    let organizations: Vec<Organization<'_>> =
        memberships.iter().zip(&ids).map(|(one, id)| Organization { id, name: &one.organization_name }).collect();
    let flow = Flow::begin(call, Target::Portal);
    let carried = Carried::new(call, Some(&flow));
    let page = ChooseOrganization {
        frame: frame(call, &branding),
        form: carried.form("/portal/organization", None),
        application: None,
        organizations: &organizations,
        search: None,
    };
    hosted_reply(call, StatusCode::OK, &page, None)
}
