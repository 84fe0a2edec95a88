//! Copies of an organization's log, and where its events are sent as they come.

use super::event::AuditEvent;
use crate::id::{AuditExportId, AuditStreamId, OrganizationId};
use crate::management::error::ApiError;
use crate::management::fields::Fields;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Longest text that a copy is narrowed down by, in characters.
const LONGEST: usize = 500;

/// What a copy is to have in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wanted {
    /// Events from this moment on.
    pub range_start: Timestamp,
    /// Events up to this moment.
    pub range_end: Timestamp,
    /// Of one of these actions; any, when there is none.
    pub actions: Vec<String>,
    /// By an actor of one of these names; any, when there is none.
    pub actor_names: Vec<String>,
    /// By one of these actors; any, when there is none.
    pub actor_ids: Vec<String>,
    /// With a target of one of these types; any, when there is none.
    pub targets: Vec<String>,
}

impl Wanted {
    /// Whether an event of the time is to be in the copy.
    pub fn has(&self, event: &AuditEvent) -> bool {
        let any = |wanted: &[String], of: Option<&str>| {
            wanted.is_empty() || of.is_some_and(|of| wanted.iter().any(|text| text == of))
        };
        any(&self.actions, Some(&event.action))
            && any(&self.actor_names, event.actor.name.as_deref())
            && any(&self.actor_ids, Some(&event.actor.id))
            && (self.targets.is_empty() || event.targets.iter().any(|target| self.targets.contains(&target.kind)))
    }
}

/// Reads the body of a new copy: the organization, as it was given, and what is wanted.
///
/// # Errors
/// 422 for what is missing or of another form; 400 `invalid_audit_log_export_range_date` when the range ends before it begins.
pub fn parse(mut fields: Fields) -> Result<(String, Wanted), ApiError> {
    let organization_id = fields.required_text("organization_id", 255);
    let mut moment = |field: &str| match fields.timestamp_or_utc(field).value() {
        Some(moment) => moment,
        None => {
            fields.require(field, format!("{field} is required."));
            Timestamp::from_millis(0)
        }
    };
    let (range_start, range_end) = (moment("range_start"), moment("range_end"));
    let mut texts = |field: &str| fields.texts(field, LONGEST).value().unwrap_or_default();
    let (actions, actor_ids, targets) = (texts("actions"), texts("actor_ids"), texts("targets"));
    let mut actor_names = texts("actor_names");
    // The older name of the same.
    actor_names.extend(texts("actors"));
    fields.finish()?;
    if range_end < range_start {
        return Err(ApiError::bad_request("invalid_audit_log_export_range_date", "Invalid date range"));
    }
    Ok((organization_id, Wanted { range_start, range_end, actions, actor_names, actor_ids, targets }))
}

/// How far a copy has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExportState {
    /// It is being made.
    Pending,
    /// It can be had.
    Ready,
    /// It could not be made.
    Failed,
    /// It is no longer kept.
    Expired,
}

impl ExportState {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Ready => "ready",
            Self::Failed => "error",
            Self::Expired => "expired",
        }
    }

    /// What a word stands for.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Pending, Self::Ready, Self::Failed, Self::Expired].into_iter().find(|state| state.as_str() == word)
    }
}

/// A copy of an organization's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditExport {
    /// Its identifier.
    pub id: AuditExportId,
    /// Whose log it is.
    pub organization_id: OrganizationId,
    /// What is to be in it.
    pub wanted: Wanted,
    /// How far it has come.
    pub state: ExportState,
    /// The place where the log ended when it was asked for.
    pub through: i64,
    /// The moment and the identifier of the last event that was looked at.
    pub after: (Timestamp, String),
    /// How many parts it has.
    pub parts: i64,
    /// How many events are in it.
    pub lines: i64,
    /// How often it was taken up since its last part.
    pub attempts: i64,
    /// When it is taken up next.
    pub next_at: Option<Timestamp>,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When something of it changed.
    pub updated_at: Timestamp,
}

/// `audit_log_export`.
pub fn export_view(export: &AuditExport, url: Option<&str>) -> Value {
    json!({
        "object": "audit_log_export",
        "id": export.id,
        "state": export.state.as_str(),
        "url": url,
        "created_at": export.created_at,
        "updated_at": export.updated_at,
    })
}

/// How it stands with the place where events are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StreamState {
    /// It takes them.
    Active,
    /// It is switched off.
    Inactive,
    /// It did not take the last ones; they are sent again.
    Failing,
    /// It does not let us in; they are sent again, more seldom.
    Invalid,
}

impl StreamState {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Inactive => "inactive",
            Self::Failing => "error",
            Self::Invalid => "invalid",
        }
    }

    /// What a word stands for.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Active, Self::Inactive, Self::Failing, Self::Invalid].into_iter().find(|state| state.as_str() == word)
    }
}

/// How events are written for whom they are sent to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StreamFormat {
    /// One array.
    Json,
    /// A line for each.
    Lines,
    /// As Datadog's log intake reads them.
    Datadog,
    /// As Splunk's HTTP Event Collector reads them.
    Splunk,
}

impl StreamFormat {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Lines => "ndjson",
            Self::Datadog => "datadog",
            Self::Splunk => "splunk",
        }
    }

    /// The type that the management API shows of a stream.
    pub const fn type_name(self) -> &'static str {
        match self {
            Self::Json | Self::Lines => "GenericHttps",
            Self::Datadog => "Datadog",
            Self::Splunk => "Splunk",
        }
    }

    /// What a word stands for.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Json, Self::Lines, Self::Datadog, Self::Splunk].into_iter().find(|format| format.as_str() == word)
    }
}

/// Where events of an organization are sent as they come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditStream {
    /// Its identifier.
    pub id: AuditStreamId,
    /// Whose events.
    pub organization_id: OrganizationId,
    /// Where to.
    pub url: String,
    /// How they are written.
    pub format: StreamFormat,
    /// Headers that go with them, sealed.
    pub sealed_headers: Vec<u8>,
    /// How it stands.
    pub state: StreamState,
    /// The last place that was delivered.
    pub sequence: i64,
    /// How often in a row sending has failed.
    pub attempts: i64,
    /// When it is looked at next.
    pub next_at: Option<Timestamp>,
    /// When events were taken last.
    pub last_synced_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When something of it changed.
    pub updated_at: Timestamp,
}

/// `audit_log_configuration`.
pub fn configuration_view(organization_id: OrganizationId, days: i64, stream: Option<&AuditStream>) -> Value {
    let mut view = json!({"organization_id": organization_id, "retention_period_in_days": days, "state": "active"});
    if let Some(stream) = stream {
        view["log_stream"] = json!({
            "id": stream.id,
            "type": stream.format.type_name(),
            "state": stream.state.as_str(),
            "last_synced_at": stream.last_synced_at,
            "created_at": stream.created_at,
        });
    }
    view
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::event;

    #[test]
    fn what_a_copy_is_narrowed_down_by() {
        let (_, event) = event::parse(Fields::parse(event::tests::body().to_string().as_bytes()).unwrap()).unwrap();
        let check = |by: Value, expected: bool| {
            let mut body = json!({"organization_id": "org_1", "range_start": "2026-01-01T00:00:00Z", "range_end": "2026-02-01T00:00:00Z"});
            body.as_object_mut().unwrap().extend(by.as_object().unwrap().clone());
            let (_, wanted) = parse(Fields::parse(body.to_string().as_bytes()).unwrap()).unwrap();
            assert_eq!(wanted.has(&event), expected, "{body}");
        };
        check(json!({}), true);
        check(
            json!({"actions": ["a", "team.renamed"], "actor_names": ["Ada"], "actor_ids": ["user_1"], "targets": ["team"]}),
            true,
        );
        check(json!({"actors": ["Ada"]}), true);
        for (name, other) in [
            ("actions", "team.made"),
            ("actor_names", "Bob"),
            ("actors", "Bob"),
            ("actor_ids", "user_2"),
            ("targets", "user"),
        ] {
            check(json!({name: [other]}), false);
        }
    }

    #[test]
    fn a_range_ends_after_it_begins() {
        let body = json!({"organization_id": "org_1", "range_start": "2026-02-01T00:00:00Z", "range_end": "2026-01-01T00:00:00Z"});
        let refused = parse(Fields::parse(body.to_string().as_bytes()).unwrap()).unwrap_err();
        assert!(matches!(refused, ApiError::BadRequest { code: "invalid_audit_log_export_range_date", .. }));
        let Err(ApiError::Validation(errors)) = parse(Fields::parse(b"{}").unwrap()) else { panic!() };
        assert_eq!(
            errors.iter().map(|e| e.field.as_str()).collect::<Vec<_>>(),
            ["organization_id", "range_start", "range_end"]
        );
    }
}
