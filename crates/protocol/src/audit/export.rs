//! Exports of an organization's log, and streams that its events are sent to as they occur.

use super::event::AuditEvent;
use crate::id::{AuditExportId, AuditStreamId, OrganizationId};
use crate::management::error::ApiError;
use crate::management::fields::Fields;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// The maximum length of a filter text, in characters.
const MAX_LENGTH: usize = 500;

/// The filter of an export.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wanted {
    /// The start of the time range, inclusive.
    pub range_start: Timestamp,
    /// The end of the time range.
    pub range_end: Timestamp,
    /// Actions to include; all if empty.
    pub actions: Vec<String>,
    /// Actor names to include; all if empty.
    pub actor_names: Vec<String>,
    /// Actor identifiers to include; all if empty.
    pub actor_ids: Vec<String>,
    /// Target types to include; all if empty.
    pub targets: Vec<String>,
}

impl Wanted {
    /// Whether the export includes an event from its time range.
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

/// Reads the body of a new export: the organization, as given, and the filter.
///
/// # Errors
/// 422 for missing or malformed fields; 400 `invalid_audit_log_export_range_date` when the range ends before it starts.
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
    let mut texts = |field: &str| fields.texts(field, MAX_LENGTH).value().unwrap_or_default();
    let (actions, actor_ids, targets) = (texts("actions"), texts("actor_ids"), texts("targets"));
    let mut actor_names = texts("actor_names");
    // The older name of the same field.
    actor_names.extend(texts("actors"));
    fields.finish()?;
    if range_end < range_start {
        return Err(ApiError::bad_request("invalid_audit_log_export_range_date", "Invalid date range"));
    }
    Ok((organization_id, Wanted { range_start, range_end, actions, actor_names, actor_ids, targets }))
}

/// The state of an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExportState {
    /// Being created.
    Pending,
    /// Available for download.
    Ready,
    /// Could not be created.
    Failed,
    /// No longer stored.
    Expired,
}

impl ExportState {
    /// The state, as a word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Ready => "ready",
            Self::Failed => "error",
            Self::Expired => "expired",
        }
    }

    /// Parses the word.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Pending, Self::Ready, Self::Failed, Self::Expired].into_iter().find(|state| state.as_str() == word)
    }
}

/// An export of an organization's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditExport {
    /// Its identifier.
    pub id: AuditExportId,
    /// The organization whose log it is.
    pub organization_id: OrganizationId,
    /// The filter.
    pub wanted: Wanted,
    /// Its state.
    pub state: ExportState,
    /// The last position of the log when the export was requested.
    pub through: i64,
    /// The time and identifier of the last event processed.
    pub after: (Timestamp, String),
    /// The number of parts.
    pub parts: i64,
    /// The number of events it contains.
    pub lines: i64,
    /// The number of attempts since its last part.
    pub attempts: i64,
    /// When it is processed next.
    pub next_at: Option<Timestamp>,
    /// When it was requested.
    pub created_at: Timestamp,
    /// When it was last changed.
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

/// The state of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StreamState {
    /// Events are being delivered.
    Active,
    /// Switched off.
    Inactive,
    /// The last events were not accepted; they are sent again.
    Failing,
    /// Access is denied; events are sent again, at longer intervals.
    Invalid,
}

impl StreamState {
    /// The state, as a word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Inactive => "inactive",
            Self::Failing => "error",
            Self::Invalid => "invalid",
        }
    }

    /// Parses the word.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Active, Self::Inactive, Self::Failing, Self::Invalid].into_iter().find(|state| state.as_str() == word)
    }
}

/// The format in which events are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StreamFormat {
    /// One JSON array.
    Json,
    /// One JSON object per line.
    Lines,
    /// The format of Datadog's log intake.
    Datadog,
    /// The format of Splunk's HTTP Event Collector.
    Splunk,
}

impl StreamFormat {
    /// The format, as a word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Lines => "ndjson",
            Self::Datadog => "datadog",
            Self::Splunk => "splunk",
        }
    }

    /// The stream type shown in the management API.
    pub const fn type_name(self) -> &'static str {
        match self {
            Self::Json | Self::Lines => "GenericHttps",
            Self::Datadog => "Datadog",
            Self::Splunk => "Splunk",
        }
    }

    /// Parses the word.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Json, Self::Lines, Self::Datadog, Self::Splunk].into_iter().find(|format| format.as_str() == word)
    }
}

/// A stream that an organization's events are sent to as they occur.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditStream {
    /// Its identifier.
    pub id: AuditStreamId,
    /// The organization whose events are sent.
    pub organization_id: OrganizationId,
    /// The URL they are sent to.
    pub url: String,
    /// The format.
    pub format: StreamFormat,
    /// The request headers, sealed.
    pub sealed_headers: Vec<u8>,
    /// Its state.
    pub state: StreamState,
    /// The last position that was delivered.
    pub sequence: i64,
    /// The number of consecutive failures.
    pub attempts: i64,
    /// When it is processed next.
    pub next_at: Option<Timestamp>,
    /// When events were last accepted.
    pub last_synced_at: Option<Timestamp>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed.
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
