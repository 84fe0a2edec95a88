//! An audit log event: who did what to what, when and from where.

use super::schema::MAX_NAME_LENGTH;
use crate::id::AuditEventId;
use crate::management::error::ApiError;
use crate::management::fields::{Fields, Patch};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// The maximum number of metadata entries.
const MAX_METADATA: usize = 50;
/// The maximum length of a metadata key, in characters.
const MAX_KEY_LENGTH: usize = 40;
/// The maximum length of a metadata text, in characters.
const MAX_VALUE_LENGTH: usize = 500;
/// The maximum length of an identifier, location or user agent, in characters.
const MAX_TEXT_LENGTH: usize = 500;
/// The maximum number of targets of an event.
const MAX_TARGETS: usize = 50;

/// An actor or a target.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Party {
    /// Its identifier.
    pub id: String,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its display name.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub name: Option<String>,
    /// Additional data about it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub metadata: Option<Map<String, Value>>,
}

/// Where an action was performed from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Context {
    /// A network address, or a stand-in for one.
    pub location: String,
    /// The user agent.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub user_agent: Option<String>,
}

/// An event. Its JSON form is what is stored and hashed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AuditEvent {
    /// The action.
    pub action: String,
    /// When it was performed.
    pub occurred_at: Timestamp,
    /// Who performed it.
    pub actor: Party,
    /// The objects it was performed on.
    pub targets: Vec<Party>,
    /// Where it was performed from.
    pub context: Context,
    /// Additional data about it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub metadata: Option<Map<String, Value>>,
    /// The version of the schema it was checked against.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub version: Option<i64>,
}

/// An event, in its delivery format.
pub fn delivered_view(id: AuditEventId, event: &AuditEvent) -> Value {
    let mut view = json!({
        "id": id.bare(),
        "action": event.action,
        "targets": event.targets,
        "actor": event.actor,
        "context": event.context,
        "occurred_at": event.occurred_at,
    });
    if let Some(metadata) = &event.metadata {
        view["metadata"] = Value::Object(metadata.clone());
    }
    view
}

/// Reads the body of a new event: the organization, as given, and the event.
///
/// # Errors
/// 422 for missing or malformed fields; 400 `invalid_audit_log_event` for metadata that no event may have.
pub fn parse(mut fields: Fields) -> Result<(String, AuditEvent), ApiError> {
    let organization_id = fields.required_text("organization_id", MAX_NAME_LENGTH);
    let mut inner = fields.required_object("event");
    let mut wrong = Vec::new();
    let action = inner.required_text("action", MAX_NAME_LENGTH);
    let occurred_at = match inner.timestamp_or_utc("occurred_at") {
        Patch::Value(at) => at,
        Patch::Absent | Patch::Null => {
            inner.require("occurred_at", "occurred_at is required.");
            Timestamp::from_millis(0)
        }
    };
    let mut person = inner.required_object("actor");
    let actor = party(&mut person, "/actor", &mut wrong);
    inner.join("actor", person);
    let mut targets = Vec::new();
    match inner.list("targets") {
        Patch::Value(entries) => {
            if entries.len() > MAX_TARGETS {
                inner.refuse("targets", "too_many", format!("An event has at most {MAX_TARGETS} targets."));
            }
            for (at, entry) in entries.into_iter().take(MAX_TARGETS).enumerate() {
                let name = format!("targets.{at}");
                let mut holder = Fields::of([(name.clone(), entry)]);
                let mut target = holder.required_object(&name);
                targets.push(party(&mut target, &format!("/targets/{at}"), &mut wrong));
                holder.join(&name, target);
                inner.take_over(holder);
            }
        }
        _ => inner.require("targets", "targets is required, a list."),
    }
    let mut place = inner.required_object("context");
    // Data that third parties sent about themselves: the event is not rejected because it is too long or malformed.
    let context = Context {
        location: cut(&place.required_string("location")),
        user_agent: place.optional_string("user_agent").map(|text| cut(&text)),
    };
    inner.join("context", place);
    let metadata = metadata(&mut inner, "/metadata", &mut wrong);
    let version = inner.integer("version").value();
    fields.join("event", inner);
    fields.finish()?;
    if !wrong.is_empty() {
        return Err(ApiError::InvalidAuditLogEvent(wrong));
    }
    Ok((organization_id, AuditEvent { action, occurred_at, actor, targets, context, metadata, version }))
}

/// Truncates a text to the stored length, on one line.
fn cut(text: &str) -> String {
    text.chars().take(MAX_TEXT_LENGTH).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

fn party(fields: &mut Fields, at: &str, wrong: &mut Vec<String>) -> Party {
    Party {
        id: fields.required_text("id", MAX_TEXT_LENGTH),
        kind: fields.required_text("type", MAX_NAME_LENGTH),
        name: fields.nullable_text("name", MAX_TEXT_LENGTH).value(),
        metadata: metadata(fields, &format!("{at}/metadata"), wrong),
    }
}

fn metadata(fields: &mut Fields, at: &str, wrong: &mut Vec<String>) -> Option<Map<String, Value>> {
    let members = fields.object("metadata").value()?;
    if members.len() > MAX_METADATA {
        wrong.push(at.to_owned());
    }
    for (key, value) in &members {
        let good_key =
            key.len() <= MAX_KEY_LENGTH && key.bytes().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'_' | b'-'));
        let good_value = match value {
            Value::String(text) => text.chars().count() <= MAX_VALUE_LENGTH && !text.contains('\0'),
            Value::Number(_) | Value::Bool(_) => true,
            Value::Null | Value::Array(_) | Value::Object(_) => false,
        };
        if !good_key {
            wrong.push(at.to_owned());
        } else if !good_value {
            wrong.push(format!("{at}/{key}"));
        }
    }
    Some(members)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A valid body.
    pub(crate) fn body() -> Value {
        json!({"organization_id": "org_1", "event": {
            "action": "team.renamed", "occurred_at": "2026-01-15T12:00:00.000Z",
            "actor": {"id": "user_1", "type": "user", "name": "Ada"},
            "targets": [{"id": "team_1", "type": "team"}], "context": {"location": "192.0.2.1", "user_agent": "curl"},
            "metadata": {"k": "v"}}})
    }

    fn read(body: &Value) -> Result<(String, AuditEvent), ApiError> {
        parse(Fields::parse(body.to_string().as_bytes()).unwrap())
    }

    #[test]
    fn what_is_missing_is_told_by_its_place() {
        for (path, field) in [
            ("/organization_id", "organization_id"),
            ("/event", "event"),
            ("/event/action", "event.action"),
            ("/event/occurred_at", "event.occurred_at"),
            ("/event/actor", "event.actor"),
            ("/event/actor/id", "event.actor.id"),
            ("/event/targets", "event.targets"),
            ("/event/targets/0/type", "event.targets.0.type"),
            ("/event/targets/0", "event.targets.0"),
            ("/event/context", "event.context"),
            ("/event/context/location", "event.context.location"),
        ] {
            let mut body = body();
            *body.pointer_mut(path).unwrap() = Value::Null;
            let Err(ApiError::Validation(errors)) = read(&body) else { panic!("{path}") };
            assert_eq!(errors.iter().map(|e| (e.field.as_str(), e.code)).collect::<Vec<_>>(), [(field, "required")]);
        }
    }

    #[test]
    fn what_others_say_about_themselves_loses_no_event() {
        let mut body = body();
        body["event"]["occurred_at"] = "2026-01-15T12:00:00.123456".into();
        body["event"]["context"] = json!({"location": "", "user_agent": "x\u{1}".repeat(400)});
        let (_, event) = read(&body).unwrap();
        assert_eq!(event.occurred_at, Timestamp::from_millis(1_768_478_400_123));
        let expected = Context { location: String::new(), user_agent: Some("x ".repeat(250)) };
        assert_eq!(event.context, expected);
        body["event"]["context"] = json!({"location": "x".repeat(501), "user_agent": ""});
        let (_, event) = read(&body).unwrap();
        assert_eq!(event.context, Context { location: "x".repeat(500), user_agent: None });
    }

    #[test]
    fn metadata_has_its_bounds() {
        for (path, metadata, fault) in [
            ("/event/metadata", json!({"k": null}), "/metadata/k"),
            ("/event/metadata", json!({"k": {"x": 1}}), "/metadata/k"),
            ("/event/metadata", json!({"k": "x".repeat(501)}), "/metadata/k"),
            ("/event/metadata", json!({"a b": 1}), "/metadata"),
            ("/event/metadata", json!({"k".repeat(41): 1}), "/metadata"),
            ("/event/actor", json!({"id": "a", "type": "b", "metadata": {"k": []}}), "/actor/metadata/k"),
            ("/event/targets/0", json!({"id": "a", "type": "b", "metadata": {"k": []}}), "/targets/0/metadata/k"),
        ] {
            let mut body = body();
            *body.pointer_mut(path).unwrap() = metadata;
            assert_eq!(read(&body), Err(ApiError::InvalidAuditLogEvent(vec![fault.to_owned()])), "{body}");
        }
        let mut most = body();
        most["event"]["metadata"] = (0..50).map(|n| (format!("k{n}"), json!(n))).collect::<Map<_, _>>().into();
        assert!(read(&most).is_ok());
        most["event"]["metadata"]["one-more"] = true.into();
        assert!(read(&most).is_err());
    }

    proptest! {
        #[test]
        fn what_is_stored_is_read_back(action in "[a-z.]{1,20}", location in "[ -~]{1,20}", k in any::<i32>()) {
            prop_assume!(!location.trim().is_empty());
            let mut body = body();
            (body["event"]["action"], body["event"]["context"]["location"]) = (action.into(), location.into());
            body["event"]["metadata"]["k"] = k.into();
            let (_, event) = read(&body).unwrap();
            let stored = serde_json::to_string(&event).unwrap();
            prop_assert_eq!(serde_json::from_str::<AuditEvent>(&stored).unwrap(), event);
        }
    }
}
