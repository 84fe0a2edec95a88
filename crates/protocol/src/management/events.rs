//! The query parameters of `GET /events`, and its response objects.

use super::error::{ApiError, FieldError};
use super::page::PageRequest;
use super::query::Query;
use crate::id::{EventId, OrganizationId};
use crate::time::Timestamp;
use crate::webhook::event_types::OURS;
use serde_json::{Value, json};

/// The maximum number of event names in one query. About a hundred exist.
const MAX_NAMES: usize = 200;
/// Longer than any event name.
const MAX_NAME_LENGTH: usize = 100;

/// The names of the events written here, for selection by a user.
pub const NAMES: &[&str] = &[
    "api_key.created",
    "api_key.revoked",
    "api_key.updated",
    "authentication.email_verification_failed",
    "authentication.email_verification_succeeded",
    "authentication.magic_auth_failed",
    "authentication.magic_auth_succeeded",
    "authentication.mfa_failed",
    "authentication.mfa_succeeded",
    "authentication.password_failed",
    "authentication.password_succeeded",
    "email_verification.created",
    "invitation.accepted",
    "invitation.created",
    "invitation.resent",
    "invitation.revoked",
    "magic_auth.created",
    "oauth.authorization_code_reused",
    "oauth.refresh_token_reused",
    "organization.created",
    "organization.deleted",
    "organization.updated",
    "organization_domain.created",
    "organization_domain.deleted",
    "organization_domain.updated",
    "organization_domain.verification_failed",
    "organization_domain.verified",
    "organization_membership.created",
    "organization_membership.deleted",
    "organization_membership.updated",
    "password_reset.created",
    "password_reset.succeeded",
    "permission.created",
    "permission.deleted",
    "permission.updated",
    "role.created",
    "role.deleted",
    "role.updated",
    "session.authorization_code_reused",
    "session.created",
    "session.refresh_token_reused",
    "session.revoked",
    "user.created",
    "user.deleted",
    "user.updated",
    "webhook_endpoint.disabled",
];

/// An event, as readers see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// The event's identifier.
    pub id: EventId,
    /// The event's name, such as `organization.created`.
    pub event: String,
    /// The object the event is about, as it was at the time.
    pub data: Value,
    /// When it happened.
    pub created_at: Timestamp,
}

/// `event`.
pub fn event_view(event: &Event) -> Value {
    json!({
        "object": "event",
        "id": event.id,
        "event": event.event,
        "data": event.data,
        "created_at": event.created_at,
    })
}

/// Returns the subject of an event; consumers see events with the same subject in order. It is the object's identifier;
/// for an event about a user's action, the user's; for an event that wraps another object, that object's.
pub fn subject(event: &str, data: &Value) -> String {
    let text = |value: &Value, name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
    let within = |name: &str| data.get(name).and_then(|object| text(object, "id"));
    let kind = event.rsplit_once('.').map_or(event, |(kind, _)| kind);
    text(data, "id")
        .or_else(|| within("organization_domain"))
        .or_else(|| text(data, "user_id"))
        // If no user has the email address that was tried, the address stands for whoever tried it.
        .or_else(|| text(data, "email"))
        .or_else(|| text(data, "slug").map(|slug| format!("{kind}:{slug}")))
        .unwrap_or_else(|| kind.to_owned())
}

/// Which events to return.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Filter {
    /// Events with one of these names, without duplicates; all events if empty.
    pub names: Vec<String>,
    /// Events about objects of this organization.
    pub organization_id: Option<OrganizationId>,
    /// Events at or after this moment.
    pub start: Option<Timestamp>,
    /// Events before this moment.
    pub end: Option<Timestamp>,
}

/// Reads the query of `GET /events`. By default the oldest events come first: a consumer that passes the last event it
/// has seen as `after` receives the next ones. An unknown name is not an error, because clients may know events that do
/// not exist here; it simply matches nothing.
///
/// # Errors
/// 422 for malformed values, and for `after` together with `range_start`; 400 for an organization that cannot exist.
pub fn parse(query: &Query) -> Result<(PageRequest<EventId>, Filter), ApiError> {
    let page = PageRequest::oldest_first(query, |text| EventId::parse(text).ok());
    let mut errors = match &page {
        Err(ApiError::Validation(errors)) => errors.clone(),
        Err(other) => return Err(other.clone()),
        Ok(_) => Vec::new(),
    };
    let mut names: Vec<String> = query.list("events").unwrap_or_default().into_iter().map(str::to_owned).collect();
    names.sort_unstable();
    names.dedup();
    if names.len() > MAX_NAMES {
        errors.push(FieldError::new("events", "invalid", format!("At most {MAX_NAMES} names of events can be given.")));
    } else if let Some(bad) = names.iter().find(|name| !is_name(name)) {
        let shown: String = bad.chars().take(MAX_NAME_LENGTH).collect();
        errors.push(FieldError::new("events", "invalid", format!("'{shown}' is not the name of an event.")));
    }
    // Unknown names match nothing. If all are unknown, one is kept: an empty list would match every event.
    if names.iter().any(|name| is_ours(name)) {
        names.retain(|name| is_ours(name));
    } else {
        names.truncate(1);
    }
    let mut moment = |field: &str| -> Result<Option<Timestamp>, ApiError> {
        let Some(text) = query.get(field)? else { return Ok(None) };
        let parsed = read_moment(text);
        if parsed.is_none() {
            let message = format!("{field} must be a moment such as 2026-01-31T12:00:00Z.");
            errors.push(FieldError::new(field, "invalid", message));
        }
        Ok(parsed)
    };
    let (start, end) = (moment("range_start")?, moment("range_end")?);
    if start.is_some() && query.get("after")?.is_some() {
        errors.push(FieldError::new("range_start", "invalid", "Use after or range_start, not both."));
    }
    if let (Some(start), Some(end)) = (start, end)
        && end < start
    {
        errors.push(FieldError::new("range_end", "invalid", "range_end must not be before range_start."));
    }
    if !errors.is_empty() {
        return Err(ApiError::Validation(errors));
    }
    let organization_id = match query.get("organization_id")? {
        None => None,
        Some(text) => Some(OrganizationId::parse(text).map_err(|_| organization_not_found(text))?),
    };
    Ok((page?, Filter { names, organization_id, start, end }))
}

/// The error for an unknown organization.
pub fn organization_not_found(id: &str) -> ApiError {
    let shown: String = id.chars().take(MAX_NAME_LENGTH).collect();
    ApiError::bad_request("organization_not_found", format!("Organization not found: '{shown}'."))
}

/// The error for an unknown `after` cursor.
pub fn cursor_not_found(id: EventId) -> ApiError {
    let message = format!("There is no event '{id}' to go on from. Events are kept for 90 days.");
    ApiError::bad_request("event_not_found", message)
}

/// Parses a moment, even if the `+` of its offset was not percent-encoded and has become a space.
fn read_moment(text: &str) -> Option<Timestamp> {
    let spaced = text.rsplit_once(' ').filter(|(moment, offset)| moment.contains(':') && offset.len() == 5);
    match spaced {
        Some((moment, offset)) => Timestamp::parse(&format!("{moment}+{offset}")).ok(),
        None => Timestamp::parse_or_utc(text).ok(),
    }
}

fn is_ours(name: &str) -> bool {
    NAMES.contains(&name) || OURS.contains(&name)
}

fn is_name(text: &str) -> bool {
    text.len() <= MAX_NAME_LENGTH
        && text.contains('.')
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::Id;
    use proptest::prelude::*;

    fn check(query: &str) -> Result<Filter, ApiError> {
        parse(&Query::parse(query).unwrap()).map(|(_, filter)| filter)
    }

    fn names(query: &str) -> Vec<String> {
        check(query).unwrap().names
    }

    #[test]
    fn an_event_is_about_its_object() {
        for (event, data, expected) in [
            ("user.updated", json!({"object": "user", "id": "user_1", "email": "a@b.c"}), "user_1"),
            ("organization_domain.verified", json!({"id": "org_domain_1", "organization_id": "org_1"}), "org_domain_1"),
            (
                "organization_domain.verification_failed",
                json!({"reason": "x", "organization_domain": {"id": "org_domain_1"}}),
                "org_domain_1",
            ),
            ("authentication.password_succeeded", json!({"user_id": "user_1", "email": "a@b.c"}), "user_1"),
            ("authentication.password_failed", json!({"user_id": null, "email": "a@b.c"}), "a@b.c"),
            ("authentication.password_failed", json!({"user_id": null, "email": null}), "authentication"),
            ("session.created", json!({"id": "session_1", "user_id": "user_1"}), "session_1"),
            ("oauth.refresh_token_reused", json!({"id": "grant_1", "user_id": "user_1"}), "grant_1"),
            ("role.created", json!({"object": "role", "slug": "admin"}), "role:admin"),
            ("role.deleted", json!({"object": "role", "slug": "admin"}), "role:admin"),
        ] {
            assert_eq!(subject(event, &data), expected, "{event}");
        }
    }

    #[test]
    fn names_come_in_every_spelling_and_count_once() {
        for spelling in [
            "events=user.created,user.deleted",
            "events=user.deleted&events=user.created&events=user.created",
            "events[]=user.created&events[]=user.deleted",
            "events[0]=user.created&events[1]=user.deleted",
        ] {
            assert_eq!(names(spelling), ["user.created", "user.deleted"], "{spelling}");
        }
        assert_eq!(names(""), Vec::<String>::new());
        assert_eq!(names("events="), Vec::<String>::new());
        assert_eq!(names("events=not.known_2"), ["not.known_2"]);
        assert_eq!(names("events=not.known_2,user.created,zebra.seen"), ["user.created"], "nothing has the others");
        assert_eq!(names("events=not.known_2,not.known_1"), ["not.known_1"], "one is enough to find nothing");
    }

    #[test]
    fn a_range_is_two_moments() {
        let range = check("range_start=2026-01-31T12:00:00Z&range_end=2026-02-01T12:00:00+02:00").unwrap();
        assert_eq!(range.start, Timestamp::parse("2026-01-31T12:00:00Z").ok());
        assert_eq!(range.end, Timestamp::parse("2026-02-01T10:00:00Z").ok());
        assert_eq!(
            check("range_end=2026-02-01T10:00:00.000%2B00:00").unwrap().end,
            Timestamp::parse("2026-02-01T10:00:00Z").ok()
        );
    }

    #[test]
    fn what_has_not_its_form_is_refused() {
        let cursor = EventId::from_ulid(1);
        for (query, field) in [
            ("events=created".to_owned(), "events"),
            ("events=User.created".to_owned(), "events"),
            ("events=user.created;drop".to_owned(), "events"),
            (format!("events={}", (0..201).map(|n| format!("a.b{n}")).collect::<Vec<_>>().join(",")), "events"),
            ("range_start=yesterday".to_owned(), "range_start"),
            ("range_end=5".to_owned(), "range_end"),
            ("range_start=2026-01-31T12:00:00Z&range_end=2026-01-31T11:59:59Z".to_owned(), "range_end"),
            (format!("range_start=2026-01-31T12:00:00Z&after={cursor}"), "range_start"),
            ("after=user_1".to_owned(), "after"),
            ("limit=0".to_owned(), "limit"),
            ("order=newest".to_owned(), "order"),
        ] {
            match check(&query) {
                Err(ApiError::Validation(errors)) => assert_eq!(errors[0].field, field, "{query}"),
                other => panic!("{query}: {other:?}"),
            }
        }
        assert!(matches!(
            check("organization_id=acme"),
            Err(ApiError::BadRequest { code: "organization_not_found", .. })
        ));
    }

    proptest! {
        #[test]
        fn parsing_never_panics(text in "((events|after|range_start|range_end|organization_id|order)(=|%)\\PC{0,20}&?){0,6}") {
            if let Ok(query) = Query::parse(&text) {
                let _ = parse(&query);
            }
        }
    }
}
