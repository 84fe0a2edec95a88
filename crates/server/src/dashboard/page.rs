//! The shell of every page of the dashboard, its headers, messages, and pages for what cannot be done.

use super::call::DashboardCall;
use crate::domain::Failure;
use crate::hosted::page::{PageError, moment};
use crate::http::reply::Reply;
use bytes::Bytes;
use countersign_pages::dashboard::{EnvironmentLink, Pager, Refused, Section, Shell, Tone};
use countersign_pages::{Language, Page, Trouble};
use countersign_protocol::management::error::ApiError;
use countersign_protocol::model::{EnvironmentKind, STAFF_BASE, StaffRole};
use countersign_protocol::time::Timestamp;
use http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_FRAME_OPTIONS};
use http::{HeaderValue, StatusCode};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

/// Scripts of ours only, and nothing but enhancement: every page works without.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; \
     frame-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
);

/// What was just done, as the address of the next page says it: one of these words.
const DONE: &[(&str, &str)] = &[
    ("created", "Created."),
    ("saved", "Saved."),
    ("deleted", "Deleted."),
    ("moved", "Moved. It counts for tokens that are issued from now on."),
    ("revoked", "Revoked. It stopped working at once, on every node."),
    ("invited", "Invited. The mail is on its way."),
    (
        "invited-unsent",
        "Invited, but no mail was sent: this server has no mail server. Your program finds the link in the API.",
    ),
    ("unsent", "No mail was sent: this server has no mail server. Set one up, and try again."),
    ("added", "Added."),
    ("removed", "Removed, at once and on every node."),
    ("sent", "The mail is on its way."),
    ("checking", "Looking for the TXT record from now on. This page says when it is found."),
    ("signed-out", "Signed out."),
    ("factor-removed", "The second factor is gone. They were told by mail."),
    ("rotating", "The next keys are published. They start signing in 15 minutes."),
    ("rotated", "New keys sign from now on."),
    ("burnt", "The key is gone: every token it signed is void."),
    ("enabled", "Enabled. New events will be sent to it."),
    ("disabled", "Disabled. No events will be sent to it."),
    ("resent", "On its way again."),
    ("replayed", "The events are on their way again."),
    ("secret-ready", "A new secret is ready. Give it to your receiver before it takes over."),
    ("replaced", "The new secret signs from now on."),
    ("exported", "The copy is being made."),
    ("streaming", "Set. Events are sent there from now on."),
    ("stopped", "Nothing is sent there any more."),
];

impl DashboardCall {
    /// The shell of a page of this part.
    pub fn shell(&self, section: Section) -> Shell {
        let done = self.page.query().ok().and_then(|query| {
            let word = query.get("done")?;
            DONE.iter().find(|(known, _)| *known == word).map(|(_, text)| (Tone::Good, (*text).to_owned()))
        });
        self.shell_of(Some(section), done)
    }

    /// The same for a page that says what could not be done, if anything.
    pub fn shell_with(&self, section: Section, problem: Option<String>) -> Shell {
        match problem {
            Some(text) => self.shell_of(Some(section), Some((Tone::Bad, text))),
            None => self.shell(section),
        }
    }

    fn shell_of(&self, section: Option<Section>, message: Option<(Tone, String)>) -> Shell {
        let environments = self.page.app.environments();
        let links = environments.products().into_iter().map(|state| EnvironmentLink {
            name: state.environment.name.clone(),
            production: state.environment.kind == EnvironmentKind::Production,
            href: format!("{STAFF_BASE}/env/{}", state.environment.name),
        });
        Shell {
            environment: if self.names_environment { self.environment.environment.name.clone() } else { String::new() },
            production: self.names_environment && self.environment.environment.kind == EnvironmentKind::Production,
            environments: links.collect(),
            section,
            email: self.user.email.clone(),
            role: self.role.name(),
            may_develop: self.role.allows(StaffRole::Developer),
            may_administer: self.role.allows(StaffRole::Admin),
            csrf: self.page.csrf(),
            message,
        }
    }

    /// The page for a role that does not reach.
    pub(super) fn not_allowed(&self, needed: StaffRole) -> Reply {
        let text = format!(
            "You need the role {} or a higher one; yours is {}. An owner of the dashboard can change that under Staff.",
            needed.name(),
            self.role.name()
        );
        let shell = self.shell_of(None, None);
        reply(StatusCode::FORBIDDEN, &Refused { shell: &shell, title: "Not allowed", text: &text, request_id: None })
    }

    /// The page for what cannot be shown or done.
    pub fn stopped(&self, stop: PageError) -> Reply {
        let request_id = self.page.request_id.to_str().ok();
        let (status, title, text, request_id) = match stop {
            PageError::Trouble(status, Trouble::Address) => {
                (status, "Not found", "There is no such page, or what it was about is gone.".to_owned(), None)
            }
            PageError::Failure(failure) => match failure.into_api_error() {
                ApiError::NotFound { .. } | ApiError::NoSuchPath => {
                    (StatusCode::NOT_FOUND, "Not found", "What this page was about is gone.".to_owned(), None)
                }
                error => {
                    let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
                    let id = request_id.filter(|_| status.is_server_error());
                    (status, "That did not work", told(&error), id)
                }
            },
            PageError::Trouble(status, _) | PageError::WithWayOn(status, ..) => {
                (status, "That did not work", "What the page carried along is too old. Open it again.".to_owned(), None)
            }
            PageError::AskFirst(_) => {
                (StatusCode::FORBIDDEN, "Not allowed", "An administrator has to allow this.".to_owned(), None)
            }
        };
        let shell = self.shell_of(None, None);
        reply(status, &Refused { shell: &shell, title, text: &text, request_id })
    }
}

/// The answer that shows this page.
pub fn reply(status: StatusCode, page: &impl Page) -> Reply {
    reply_with(status, page.html())
}

fn reply_with(status: StatusCode, html: String) -> Reply {
    let mut reply = Reply::empty(status)
        .with(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"))
        .with(REFERRER_POLICY, HeaderValue::from_static("no-referrer"))
        .with(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"))
        .with(CONTENT_SECURITY_POLICY, POLICY)
        .no_store();
    reply.body = Bytes::from(html);
    reply
}

/// A page.
pub fn shown(page: &impl Page) -> Reply {
    reply(StatusCode::OK, page)
}

/// Names of fields in the API, and what the forms call them.
const FIELDS: &[(&str, &str)] = &[
    ("external_id", "external ID"),
    ("endpoint_url", "URL"),
    ("first_name", "first name"),
    ("last_name", "last name"),
    ("login_uri", "login URI"),
    ("redirect_uris", "redirect URIs"),
    ("cors_origins", "origins"),
    ("backchannel_logout_uri", "back-channel logout URI"),
    ("session_issuer", "issuer of session tokens"),
    ("access_token_lifetime", "life of access tokens"),
    ("terms_url", "terms of service"),
    ("privacy_url", "privacy policy"),
];

/// A sentence about fields as people read it who have the form before them.
fn sentence(text: &str) -> String {
    let known = |word: &str| FIELDS.iter().find(|(name, _)| *name == word).map(|(_, called)| *called);
    let words: Vec<&str> = text.split(' ').map(|word| known(word).unwrap_or(word)).collect();
    let named = words.join(" ").replacen("uri ", "URI ", usize::from(text.starts_with("uri ")));
    let mut letters = named.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// What is wrong with a field; a message that leaves the field out is told with it.
fn about(field: &str, message: &str) -> String {
    match message.strip_prefix("Must ") {
        Some(rest) if !field.is_empty() => sentence(&format!("{field} must {rest}")),
        _ => sentence(message),
    }
}

/// What a refusal says to people.
pub fn told(error: &ApiError) -> String {
    let body = error.body();
    let text = |value: &serde_json::Value| value.as_str().map(str::to_owned);
    let reasons: Vec<String> = body["errors"]
        .as_array()
        .map(|errors| {
            errors
                .iter()
                .filter_map(|one| Some(about(one["field"].as_str().unwrap_or_default(), one["message"].as_str()?)))
                .collect()
        })
        .unwrap_or_default();
    if !reasons.is_empty() {
        return reasons.join(" ");
    }
    text(&body["message"])
        .or_else(|| text(&body["error_description"]))
        .map_or_else(|| "That is not possible.".to_owned(), |text| sentence(&text))
}

/// What was refused, in words, where the page can be shown again with them; everything else goes on as a failure.
///
/// # Errors
/// What is no refusal of something that was typed.
pub fn refused(failure: Failure) -> Result<String, PageError> {
    match failure {
        Failure::Refused(error @ (ApiError::NotFound { .. } | ApiError::Unavailable | ApiError::Internal)) => {
            Err(PageError::Failure(Failure::Refused(error)))
        }
        Failure::Refused(error) => Ok(told(&error)),
        failure => Err(PageError::Failure(failure)),
    }
}

/// The same, where what is missing was typed and is no page of its own.
///
/// # Errors
/// What is no refusal of something that was typed.
pub fn refused_here(failure: Failure) -> Result<String, PageError> {
    match failure {
        Failure::Refused(error @ ApiError::NotFound { .. }) => Ok(told(&error)),
        failure => refused(failure),
    }
}

/// A moment in words.
pub fn when(at: Timestamp) -> String {
    moment(at, Language::English)
}

/// A moment in words, to the second: of two events, one was first.
pub fn with_seconds(at: Timestamp) -> String {
    let seconds = at.to_string().get(16..19).unwrap_or("").to_owned();
    when(at).replace("\u{a0}UTC", &format!("{seconds}\u{a0}UTC"))
}

/// What links to other pages of a list keep of its query: what was asked for.
pub fn kept(asked: &[(&str, &str)]) -> String {
    let asked = asked.iter().filter(|(_, value)| !value.is_empty());
    let encoded = asked.map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC)));
    encoded.collect::<Vec<_>>().join("&")
}

/// The ways from this page of a list to others: `path` is that of the list, with what else its query has.
pub fn pager<T: std::fmt::Display>(path: &str, query: &str, before: Option<T>, after: Option<T>) -> Pager {
    let link = |word: &str, id: T| {
        let rest = if query.is_empty() { String::new() } else { format!("&{query}") };
        format!("{path}?{word}={id}{rest}")
    };
    Pager { of: "", newer: before.map(|id| link("before", id)), older: after.map(|id| link("after", id)) }
}

#[cfg(test)]
mod tests {
    use super::{about, sentence};

    #[test]
    fn fields_are_called_what_the_forms_call_them() {
        let check = |text: &str, expected: &str| assert_eq!(sentence(text), expected);
        check("name is required.", "Name is required.");
        check("endpoint_url must be an absolute URL.", "URL must be an absolute URL.");
        check("The external_id is already used.", "The external ID is already used.");
        check("uri must be an absolute URI without a fragment.", "URI must be an absolute URI without a fragment.");
        check("Nobody has an account with this address.", "Nobody has an account with this address.");
        check("", "");
    }

    #[test]
    fn a_message_without_its_field_is_told_with_it() {
        assert_eq!(
            about("access_token_lifetime", "Must be 30 to 86400 seconds."),
            "Life of access tokens must be 30 to 86400 seconds."
        );
        assert_eq!(about("name", "name is required."), "Name is required.");
        assert_eq!(about("", "Must be a JSON object."), "Must be a JSON object.");
    }
}
