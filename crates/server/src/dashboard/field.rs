//! Parsing of dashboard forms.

use crate::domain::Failure;
use countersign_protocol::id::OrganizationId;
use countersign_protocol::management::fields::Fields;
use countersign_protocol::oauth::params::Params;
use countersign_protocol::time::Timestamp;
use serde_json::Value;
use std::collections::BTreeMap;

/// A field's text, trimmed; empty if the field is missing.
pub fn text<'f>(form: &'f Params<'_>, name: &str) -> &'f str {
    form.get(name).unwrap_or("").trim()
}

/// Like [`text`], but `None` if empty.
pub fn optional(form: &Params<'_>, name: &str) -> Option<String> {
    Some(text(form, name)).filter(|text| !text.is_empty()).map(str::to_owned)
}

/// One entry per line, without empty lines.
pub fn lines(form: &Params<'_>, name: &str) -> Vec<String> {
    text(form, name).lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

/// Whether a checkbox was ticked.
pub fn ticked(form: &Params<'_>, name: &str) -> bool {
    form.get(name).is_some_and(|value| !value.is_empty())
}

/// Converts fields to a management API request body, so that the same rules parse both.
///
/// # Errors
/// Never for an object.
pub fn as_body(members: &Value) -> Result<Fields, Failure> {
    Ok(Fields::parse(members.to_string().as_bytes())?)
}

/// A clearable field: null if empty, as in the API.
pub fn or_null(form: &Params<'_>, name: &str) -> Value {
    optional(form, name).map_or(Value::Null, Value::String)
}

/// Metadata as typed: a JSON object, or empty.
///
/// # Errors
/// 422 if it is not JSON.
pub fn metadata(form: &Params<'_>) -> Result<Value, Failure> {
    match text(form, "metadata") {
        "" => Ok(Value::Object(serde_json::Map::new())),
        typed => serde_json::from_str(typed).map_err(|_| {
            Failure::invalid("metadata", "invalid", "The metadata must be a JSON object such as {\"plan\": \"gold\"}.")
        }),
    }
}

/// Metadata as editable text.
pub fn metadata_text(metadata: &BTreeMap<String, String>) -> String {
    if metadata.is_empty() { String::new() } else { serde_json::to_string_pretty(metadata).unwrap_or_default() }
}

/// The ticked slugs among those offered.
pub fn chosen(form: &Params<'_>, prefix: &str, offered: &[countersign_pages::dashboard::Tick]) -> Vec<String> {
    let chosen = offered.iter().filter(|one| ticked(form, &format!("{prefix}{}", one.slug)));
    chosen.map(|one| one.slug.clone()).collect()
}

/// A timestamp as a browser sends it or a person types it; `None` if empty.
///
/// # Errors
/// The problem, in words.
pub fn moment(text: &str) -> Result<Option<Timestamp>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    // Browsers send no offset; the form says that the time is UTC.
    Timestamp::parse_or_utc(text).map(Some).map_err(|_| "Enter a time such as 2026-01-31T12:00.".to_owned())
}

/// Two timestamps, the first of which is not after the second.
///
/// # Errors
/// The problem, in words.
pub fn range(from: &str, to: &str) -> Result<(Option<Timestamp>, Option<Timestamp>), String> {
    let (start, end) = (moment(from)?, moment(to)?);
    if start.zip(end).is_some_and(|(start, end)| end < start) {
        return Err("“To” is before “From”.".to_owned());
    }
    Ok((start, end))
}

/// An organization ID; `None` if empty.
///
/// # Errors
/// The problem, in words.
pub fn organization(text: &str) -> Result<Option<OrganizationId>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    let wrong = "An organization ID begins with org_. You can copy it from the organization's page.";
    OrganizationId::parse(text).map(Some).map_err(|_| wrong.to_owned())
}
