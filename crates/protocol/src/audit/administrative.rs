//! Audit log events for administrators' actions in an environment. They contain only identifiers and names, never the
//! values that were set, since those may be secret or personal.

use super::event::{AuditEvent, Context, Party};
use crate::model::Actor;
use crate::time::Timestamp;
use serde_json::Value;

/// Kinds of objects whose names are not personal data.
const NAMED: [&str; 6] =
    ["organization", "connect_application", "role", "permission", "api_key", "authorized_connect_application"];

/// Creates the event for an action on a target.
pub fn event(actor: &Actor, action: &str, target: Party, now: Timestamp) -> AuditEvent {
    let place = actor.place();
    AuditEvent {
        action: action.to_owned(),
        occurred_at: now,
        actor: Party {
            id: actor.id(),
            kind: actor.kind().to_owned(),
            name: actor.name().map(str::to_owned),
            metadata: None,
        },
        targets: vec![target],
        context: Context { location: place.location, user_agent: place.user_agent },
        metadata: None,
        version: None,
    }
}

/// Creates a target from its kind and identifier.
pub fn target(kind: &str, id: impl std::fmt::Display) -> Party {
    Party { id: id.to_string(), kind: kind.to_owned(), name: None, metadata: None }
}

/// Creates the target for the object in an event's view.
pub fn target_of(action: &str, view: &Value) -> Party {
    let text = |name: &str| view.get(name).and_then(Value::as_str);
    let kind = text("object").unwrap_or_else(|| action.split('.').next().unwrap_or_default());
    let (kind, id) = match (text("id").or_else(|| text("slug")), text("user_id")) {
        (Some(id), _) => (kind, id),
        (None, Some(id)) => ("user", id),
        (None, None) => (kind, ""),
    };
    let name = text("name").filter(|_| NAMED.contains(&kind)).map(str::to_owned);
    Party { name, ..target(kind, id) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_target_of_an_event() {
        let check = |action: &str, view: Value, kind: &str, id: &str, name: Option<&str>| {
            let found = target_of(action, &view);
            assert_eq!((found.kind.as_str(), found.id.as_str(), found.name.as_deref()), (kind, id, name), "{action}");
        };
        check(
            "organization.updated",
            json!({"object": "organization", "id": "org_1", "name": "Acme"}),
            "organization",
            "org_1",
            Some("Acme"),
        );
        check("role.created", json!({"object": "role", "slug": "editor"}), "role", "editor", None);
        check("user.created", json!({"object": "user", "id": "user_1", "name": "Ada"}), "user", "user_1", None);
        check("authentication.password_failed", json!({"user_id": "user_1"}), "user", "user_1", None);
        check("password_reset.succeeded", json!({}), "password_reset", "", None);
    }
}
