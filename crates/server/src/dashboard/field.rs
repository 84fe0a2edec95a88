//! Reading forms of the dashboard.

use crate::domain::Failure;
use countersign_protocol::id::OrganizationId;
use countersign_protocol::management::fields::Fields;
use countersign_protocol::oauth::params::Params;
use countersign_protocol::time::Timestamp;
use serde_json::Value;
use std::collections::BTreeMap;

/// A field as it was typed, without white space around it; the empty text when it is not there.
pub fn text<'f>(form: &'f Params<'_>, name: &str) -> &'f str {
    form.get(name).unwrap_or("").trim()
}

/// The same, where nothing is nothing.
pub fn optional(form: &Params<'_>, name: &str) -> Option<String> {
    Some(text(form, name)).filter(|text| !text.is_empty()).map(str::to_owned)
}

/// One entry per line, without empty ones.
pub fn lines(form: &Params<'_>, name: &str) -> Vec<String> {
    text(form, name).lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

/// Whether a box was ticked.
pub fn ticked(form: &Params<'_>, name: &str) -> bool {
    form.get(name).is_some_and(|value| !value.is_empty())
}

/// Fields as a body of the management API has them, so that one set of rules reads both.
///
/// # Errors
/// Never for an object.
pub fn as_body(members: &Value) -> Result<Fields, Failure> {
    Ok(Fields::parse(members.to_string().as_bytes())?)
}

/// A field that may be emptied: null then, as the API has it.
pub fn or_null(form: &Params<'_>, name: &str) -> Value {
    optional(form, name).map_or(Value::Null, Value::String)
}

/// Metadata as it was typed: a JSON object, or nothing.
///
/// # Errors
/// 422 for what is no JSON.
pub fn metadata(form: &Params<'_>) -> Result<Value, Failure> {
    match text(form, "metadata") {
        "" => Ok(Value::Object(serde_json::Map::new())),
        typed => serde_json::from_str(typed).map_err(|_| {
            Failure::invalid("metadata", "invalid", "The metadata is no JSON object such as {\"plan\": \"gold\"}.")
        }),
    }
}

/// Metadata to be typed over.
pub fn metadata_text(metadata: &BTreeMap<String, String>) -> String {
    if metadata.is_empty() { String::new() } else { serde_json::to_string_pretty(metadata).unwrap_or_default() }
}

/// The slugs that were ticked, of those that were offered.
pub fn chosen(form: &Params<'_>, prefix: &str, offered: &[countersign_pages::dashboard::Tick]) -> Vec<String> {
    let chosen = offered.iter().filter(|one| ticked(form, &format!("{prefix}{}", one.slug)));
    chosen.map(|one| one.slug.clone()).collect()
}

/// A moment, as a browser or a person writes it; no text is none.
///
/// # Errors
/// What is wrong with it, in words.
pub fn moment(text: &str) -> Result<Option<Timestamp>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    // What a browser sends has no offset: the form says that it means UTC.
    Timestamp::parse_or_utc(text).map(Some).map_err(|_| "Enter a time such as 2026-01-31T12:00.".to_owned())
}

/// Two moments, of which the first is not after the second.
///
/// # Errors
/// What is wrong with them, in words.
pub fn range(from: &str, to: &str) -> Result<(Option<Timestamp>, Option<Timestamp>), String> {
    let (start, end) = (moment(from)?, moment(to)?);
    if start.zip(end).is_some_and(|(start, end)| end < start) {
        return Err("“To” is before “From”.".to_owned());
    }
    Ok((start, end))
}

/// The identifier of an organization; no text is none.
///
/// # Errors
/// What is wrong with it, in words.
pub fn organization(text: &str) -> Result<Option<OrganizationId>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    let wrong = "The identifier of an organization begins with org_ and is copied from its page.";
    OrganizationId::parse(text).map(Some).map_err(|_| wrong.to_owned())
}
