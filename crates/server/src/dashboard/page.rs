//! The shell of every dashboard page, its headers, messages, and error pages.

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

/// Allows only our own scripts. They are enhancements; every page works without them.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; \
     frame-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
);

/// What was just done: the values of the next page's `done` query parameter and their messages.
const DONE: &[(&str, &str)] = &[
    ("created", "Created."),
    ("saved", "Saved."),
    ("deleted", "Deleted."),
    ("moved", "Moved. This applies to tokens issued from now on."),
    ("revoked", "Revoked. It no longer works, on any node."),
    ("invited", "Invited. The email is on its way."),
    (
        "invited-unsent",
        "Invited, but no email was sent, because no mail server is configured. Your program can get the link from the API.",
    ),
    ("unsent", "No email was sent, because no mail server is configured. Set one up and try again."),
    ("added", "Added."),
    ("removed", "Removed. This took effect at once, on every node."),
    ("sent", "The email is on its way."),
    ("checking", "We are looking for the TXT record. This page will show when it is found."),
    ("signed-out", "Signed out."),
    ("factor-removed", "The second factor was removed. The user was informed by email."),
    ("rotating", "The next keys are published. They start signing in 15 minutes."),
    ("rotated", "New keys sign from now on."),
    ("burnt", "The key was removed. Every token it signed is invalid."),
    ("enabled", "Enabled. New events will be sent to it."),
    ("disabled", "Disabled. No events will be sent to it."),
    ("resent", "It is being sent again."),
    ("replayed", "The events are being sent again."),
    ("secret-ready", "A new secret is ready. Give it to your receiver before it takes over."),
    ("replaced", "The new secret signs from now on."),
    ("exported", "The copy is being prepared."),
    ("streaming", "Saved. Events are sent there from now on."),
    ("stopped", "The stream was removed. Nothing is sent there anymore."),
];

impl DashboardCall {
    /// The shell of a page in this section.
    pub fn shell(&self, section: Section) -> Shell {
        let done = self.page.query().ok().and_then(|query| {
            let word = query.get("done")?;
            DONE.iter().find(|(known, _)| *known == word).map(|(_, text)| (Tone::Good, (*text).to_owned()))
        });
        self.shell_of(Some(section), done)
    }

    /// Like [`shell`](Self::shell), but shows the problem, if any.
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

    /// The page shown when the caller's role is insufficient.
    pub(super) fn not_allowed(&self, needed: StaffRole) -> Reply {
        let text = format!(
            "You need the role {} or a higher one; yours is {}. An owner of the dashboard can change that under Staff.",
            needed.name(),
            self.role.name()
        );
        let shell = self.shell_of(None, None);
        reply(StatusCode::FORBIDDEN, &Refused { shell: &shell, title: "Not allowed", text: &text, request_id: None })
    }

    /// The page shown when something cannot be displayed or done.
    pub fn stopped(&self, stop: PageError) -> Reply {
        let request_id = self.page.request_id.to_str().ok();
        let (status, title, text, request_id) = match stop {
            PageError::Trouble(status, Trouble::Address) => {
                (status, "Not found", "This page does not exist, or what it showed was deleted.".to_owned(), None)
            }
            PageError::Failure(failure) => match failure.into_api_error() {
                ApiError::NotFound { .. } | ApiError::NoSuchPath => {
                    (StatusCode::NOT_FOUND, "Not found", "What this page showed was deleted.".to_owned(), None)
                }
                error => {
                    let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
                    let id = request_id.filter(|_| status.is_server_error());
                    (status, "That did not work", error_text(&error), id)
                }
            },
            PageError::Trouble(status, _) | PageError::WithWayOn(status, ..) => (
                status,
                "That did not work",
                "This page was open for too long. Reload it and try again.".to_owned(),
                None,
            ),
            PageError::AskFirst(_) => {
                (StatusCode::FORBIDDEN, "Not allowed", "An administrator has to allow this.".to_owned(), None)
            }
        };
        let shell = self.shell_of(None, None);
        reply(status, &Refused { shell: &shell, title, text: &text, request_id })
    }
}

/// The response that shows this page.
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

/// A 200 response that shows this page.
pub fn shown(page: &impl Page) -> Reply {
    reply(StatusCode::OK, page)
}

/// API field names and their labels in the forms.
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
    ("access_token_lifetime", "lifetime of access tokens"),
    ("terms_url", "terms of service"),
    ("privacy_url", "privacy policy"),
];

/// Turns an API message into a sentence that uses the form's labels.
fn sentence(text: &str) -> String {
    let known = |word: &str| FIELDS.iter().find(|(name, _)| *name == word).map(|(_, called)| *called);
    let words: Vec<&str> = text.split(' ').map(|word| known(word).unwrap_or(word)).collect();
    let named = words.join(" ").replacen("uri ", "URI ", usize::from(text.starts_with("uri ")));
    let mut letters = named.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// The message about a field; a message that omits the field's name is prefixed with it.
fn about(field: &str, message: &str) -> String {
    match message.strip_prefix("Must ") {
        Some(rest) if !field.is_empty() => sentence(&format!("{field} must {rest}")),
        _ => sentence(message),
    }
}

/// The user-facing text of a refusal.
pub fn error_text(error: &ApiError) -> String {
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

/// The user-facing text of a refusal, for showing the page again; every other failure is passed on.
///
/// # Errors
/// Failures that are not refusals of user input.
pub fn refused(failure: Failure) -> Result<String, PageError> {
    match failure {
        Failure::Refused(error @ (ApiError::NotFound { .. } | ApiError::Unavailable | ApiError::Internal)) => {
            Err(PageError::Failure(Failure::Refused(error)))
        }
        Failure::Refused(error) => Ok(error_text(&error)),
        failure => Err(PageError::Failure(failure)),
    }
}

/// Like [`refused`], but for a missing object whose identifier was typed into the form rather than named by the path.
///
/// # Errors
/// Failures that are not refusals of user input.
pub fn refused_here(failure: Failure) -> Result<String, PageError> {
    match failure {
        Failure::Refused(error @ ApiError::NotFound { .. }) => Ok(error_text(&error)),
        failure => refused(failure),
    }
}

/// Formats a timestamp in words.
pub fn when(at: Timestamp) -> String {
    moment(at, Language::English)
}

/// Formats a timestamp in words, to the second, so that the order of two events is visible.
pub fn with_seconds(at: Timestamp) -> String {
    let seconds = at.to_string().get(16..19).unwrap_or("").to_owned();
    when(at).replace("\u{a0}UTC", &format!("{seconds}\u{a0}UTC"))
}

/// The query parameters that links to other pages of a list keep: the filters.
pub fn filter_query(asked: &[(&str, &str)]) -> String {
    let asked = asked.iter().filter(|(_, value)| !value.is_empty());
    let encoded = asked.map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC)));
    encoded.collect::<Vec<_>>().join("&")
}

/// The links to adjacent pages of a list: `path` is the list's, `query` its other parameters.
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
        check("No account has this address.", "No account has this address.");
        check("", "");
    }

    #[test]
    fn a_message_without_its_field_is_told_with_it() {
        assert_eq!(
            about("access_token_lifetime", "Must be 30 to 86400 seconds."),
            "Lifetime of access tokens must be 30 to 86400 seconds."
        );
        assert_eq!(about("name", "name is required."), "Name is required.");
        assert_eq!(about("", "Must be a JSON object."), "Must be a JSON object.");
    }
}
