//! Schemas for the events of an action. A schema is never changed: a new version is added next to it.

use super::event::AuditEvent;
use super::metadata_schema::{check, faults};
use crate::id::AuditSchemaId;
use crate::management::error::ApiError;
use crate::management::fields::{Fields, Patch};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// The maximum length of an action or type name, in characters.
pub const MAX_NAME_LENGTH: usize = 255;

/// The schema of one type of target.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TargetSchema {
    /// The target's type.
    #[serde(rename = "type")]
    pub kind: String,
    /// The schema of its metadata.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub metadata: Option<Value>,
}

/// The schema of the actor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ActorSchema {
    /// The schema of its metadata.
    pub metadata: Value,
}

/// The schema of an action's events.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rules {
    /// The allowed types of targets.
    pub targets: Vec<TargetSchema>,
    /// The schema of the actor.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub actor: Option<ActorSchema>,
    /// The schema of the event's own metadata.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub metadata: Option<Value>,
}

/// One version of the schema of an action's events.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditSchema {
    /// Its identifier, which is its position in lists.
    pub id: AuditSchemaId,
    /// Its number, starting at 1.
    pub version: i64,
    /// The rules.
    pub rules: Rules,
    /// When it was created.
    pub created_at: Timestamp,
}

/// `audit_log_schema`.
pub fn schema_view(schema: &AuditSchema) -> Value {
    let mut view = json!({
        "object": "audit_log_schema",
        "version": schema.version,
        "targets": schema.rules.targets,
        "created_at": schema.created_at,
    });
    if let Some(actor) = &schema.rules.actor {
        view["actor"] = json!(actor);
    }
    if let Some(metadata) = &schema.rules.metadata {
        view["metadata"] = metadata.clone();
    }
    view
}

/// Whether a text is a valid action name.
pub fn is_action_name(name: &str) -> bool {
    (1..=MAX_NAME_LENGTH).contains(&name.chars().count()) && !name.chars().any(|c| c.is_control() || c.is_whitespace())
}

fn check_in(fields: &mut Fields, at: &str, schema: &Value) {
    if let Err((inside, why)) = check(schema) {
        fields.refuse(if inside.is_empty() { at.to_owned() } else { format!("{at}.{inside}") }, "invalid", why);
    }
}

/// Reads the body of a new schema.
///
/// # Errors
/// 422 with all problems.
pub fn parse(mut fields: Fields) -> Result<Rules, ApiError> {
    let mut targets = Vec::new();
    match fields.list("targets") {
        Patch::Value(entries) if !entries.is_empty() => {
            for (at, entry) in entries.iter().enumerate() {
                let field = format!("targets.{at}");
                let Some(members) = entry.as_object() else {
                    fields.refuse(field, "invalid_type", "Each target must be an object.");
                    continue;
                };
                match members.get("type").and_then(Value::as_str) {
                    Some(kind)
                        if is_action_name(kind) && !targets.iter().any(|known: &TargetSchema| known.kind == kind) =>
                    {
                        targets.push(TargetSchema { kind: kind.to_owned(), metadata: given(members, "metadata") });
                    }
                    Some(_) => fields.refuse(format!("{field}.type"), "invalid", "Not a name, or named twice."),
                    None => fields.refuse(format!("{field}.type"), "required", "type is required, a string."),
                }
                if let Some(metadata) = given(members, "metadata") {
                    check_in(&mut fields, &format!("{field}.metadata"), &metadata);
                }
            }
        }
        _ => fields.require("targets", "targets is required, with one target at least."),
    }
    let actor = match fields.object("actor").value() {
        None => None,
        // An actor without a metadata schema is dropped.
        Some(members) => given(&members, "metadata").map(|metadata| ActorSchema { metadata }),
    };
    if let Some(actor) = &actor {
        check_in(&mut fields, "actor.metadata", &actor.metadata);
    }
    let metadata = fields.object("metadata").value().map(Value::Object);
    if let Some(metadata) = &metadata {
        check_in(&mut fields, "metadata", metadata);
    }
    fields.finish()?;
    Ok(Rules { targets, actor, metadata })
}

fn given(members: &Map<String, Value>, name: &str) -> Option<Value> {
    members.get(name).filter(|value| !value.is_null()).cloned()
}

impl Rules {
    /// Returns the locations where an event violates the schema, as JSON Pointers into the event.
    pub fn faults(&self, event: &AuditEvent) -> Vec<String> {
        let mut wrong = Vec::new();
        if event.targets.iter().any(|target| !self.targets.iter().any(|known| known.kind == target.kind)) {
            wrong.push("/targets".to_owned());
        }
        for (at, target) in event.targets.iter().enumerate() {
            let known = self.targets.iter().find(|known| known.kind == target.kind);
            if let Some(schema) = known.and_then(|known| known.metadata.as_ref()) {
                wrong.extend(faults(schema, target.metadata.as_ref(), &format!("/targets/{at}/metadata")));
            }
        }
        if let Some(actor) = &self.actor {
            wrong.extend(faults(&actor.metadata, event.actor.metadata.as_ref(), "/actor/metadata"));
        }
        if let Some(schema) = &self.metadata {
            wrong.extend(faults(schema, event.metadata.as_ref(), "/metadata"));
        }
        wrong
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::event;

    fn rules(body: &Value) -> Result<Rules, ApiError> {
        parse(Fields::parse(body.to_string().as_bytes()).unwrap())
    }

    #[test]
    fn what_is_wrong_with_a_schema_is_told_by_its_place() {
        let refused = |body: Value, expected: &[&str]| match rules(&body) {
            Err(ApiError::Validation(errors)) => {
                assert_eq!(errors.iter().map(|error| error.field.as_str()).collect::<Vec<_>>(), expected, "{body}");
            }
            other => panic!("{body}: {other:?}"),
        };
        refused(json!({}), &["targets"]);
        refused(json!({"targets": []}), &["targets"]);
        refused(
            json!({"targets": [{}, 1, {"type": "a"}, {"type": "a"}]}),
            &["targets.0.type", "targets.1", "targets.3.type"],
        );
        refused(
            json!({"targets": [{"type": "a", "metadata": {"properties": {"x": {"type": "set"}}}}]}),
            &["targets.0.metadata.properties.x.type"],
        );
        refused(
            json!({"targets": [{"type": "a"}], "actor": {"metadata": {"oneOf": []}}, "metadata": 1}),
            &["actor.metadata.oneOf", "metadata"],
        );
    }

    #[test]
    fn events_are_checked_against_each_part() {
        let text = json!({"type": "object", "properties": {"k": {"type": "string"}}});
        let rules = rules(&json!({"targets": [{"type": "team", "metadata": text}, {"type": "user"}], "actor": {"metadata": text}, "metadata": text})).unwrap();
        let check = |change: fn(&mut Value), expected: &[&str]| {
            let mut body = event::tests::body();
            change(&mut body["event"]);
            let (_, event) = event::parse(Fields::parse(body.to_string().as_bytes()).unwrap()).unwrap();
            assert_eq!(rules.faults(&event), expected, "{body}");
        };
        check(|_| {}, &[]);
        check(|event| event["targets"][0]["type"] = "invoice".into(), &["/targets"]);
        check(|event| event["targets"][0]["metadata"] = json!({"k": 1}), &["/targets/0/metadata/k"]);
        check(|event| event["actor"]["metadata"] = json!({"k": true}), &["/actor/metadata/k"]);
        check(|event| event["metadata"] = json!({"k": 1}), &["/metadata/k"]);
    }

    #[test]
    fn what_is_stored_is_read_back() {
        let made = rules(&json!({"targets": [{"type": "a"}], "actor": {"metadata": {"type": "object"}}})).unwrap();
        assert_eq!(serde_json::from_value::<Rules>(serde_json::to_value(&made).unwrap()).unwrap(), made);
    }
}
