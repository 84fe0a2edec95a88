//! Reads JSON bodies field by field. Unknown fields are ignored, wrong types are rejected, and all errors are reported
//! at once.

use super::error::{ApiError, FieldError};
use crate::model::{DomainState, RedirectUri};
use crate::secret::Secret;
use crate::time::{ParseTimestampError, Timestamp};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// A field of an update: absent leaves it unchanged, null clears it, a value sets it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Patch<T> {
    /// The field is not in the body.
    Absent,
    /// The field is null.
    Null,
    /// The field has a value.
    Value(T),
}

impl<T> Patch<T> {
    /// Applies the patch to an optional field; absent leaves it unchanged.
    pub fn apply(self, field: &mut Option<T>) {
        match self {
            Self::Absent => {}
            Self::Null => *field = None,
            Self::Value(value) => *field = Some(value),
        }
    }

    /// The value; both absent and null give `None`.
    pub fn value(self) -> Option<T> {
        match self {
            Self::Value(value) => Some(value),
            Self::Absent | Self::Null => None,
        }
    }
}

/// The maximum length of a name, in characters.
pub const MAX_NAME_LENGTH: usize = 255;
/// The maximum length of a description, in characters.
pub const MAX_DESCRIPTION_LENGTH: usize = 1000;
/// The maximum length of an external identifier, in characters.
pub const MAX_EXTERNAL_ID_LENGTH: usize = 128;
/// The maximum length of a slug, in characters.
pub const MAX_SLUG_LENGTH: usize = 48;
/// The maximum number of metadata entries.
pub const MAX_METADATA: usize = 50;
/// The maximum length of a metadata key, in characters.
pub const MAX_METADATA_KEY_LENGTH: usize = 40;
/// The maximum length of a metadata value, in characters.
pub const MAX_METADATA_VALUE_LENGTH: usize = 600;
/// The maximum number of entries in any list in a body.
pub const MAX_ENTRIES: usize = 200;

/// A JSON object being read; collects its errors.
#[derive(Debug)]
pub struct Fields {
    members: Map<String, Value>,
    errors: Vec<FieldError>,
    metadata_refused: Option<String>,
}

impl Fields {
    /// Parses a body. An empty body counts as `{}`, since clients send one when no fields are needed.
    ///
    /// # Errors
    /// 400 when the body is not JSON (nesting beyond 128 levels included), 422 when it is not an object.
    pub fn parse(body: &[u8]) -> Result<Self, ApiError> {
        let value: Value = if body.trim_ascii().is_empty() {
            Value::Object(Map::new())
        } else {
            serde_json::from_slice(body).map_err(|_| ApiError::BadRequest {
                code: "invalid_json",
                message: "The request body is not well-formed JSON.".to_owned(),
            })?
        };
        match value {
            Value::Object(members) => Ok(Self { members, errors: Vec::new(), metadata_refused: None }),
            _ => Err(ApiError::invalid("", "invalid_type", "The request body must be a JSON object.")),
        }
    }

    /// Records an error.
    pub fn refuse(&mut self, field: impl Into<String>, code: &'static str, message: impl Into<String>) {
        self.errors.push(FieldError::new(field, code, message));
    }

    /// Records that a field is missing, unless an error for it is already recorded.
    pub fn require(&mut self, field: &str, message: impl Into<String>) {
        if !self.errors.iter().any(|error| error.field == field) {
            self.refuse(field, "required", message);
        }
    }

    /// Finishes reading.
    ///
    /// # Errors
    /// 422 with all recorded errors, or 400 `invalid_metadata` if only the metadata was invalid.
    pub fn finish(self) -> Result<(), ApiError> {
        match (self.errors.is_empty(), self.metadata_refused) {
            (false, _) => Err(ApiError::Validation(self.errors)),
            (true, Some(message)) => Err(ApiError::BadRequest { code: "invalid_metadata", message }),
            (true, None) => Ok(()),
        }
    }

    /// Whether the body contains this field, even if it is null.
    pub fn has(&self, field: &str) -> bool {
        self.members.contains_key(field)
    }

    /// Creates a reader for these members, as if they were a body.
    pub(crate) fn of<const N: usize>(members: [(String, Value); N]) -> Self {
        Self { members: members.into_iter().collect(), errors: Vec::new(), metadata_refused: None }
    }

    /// Takes over the errors of another reader whose field names are already fully qualified.
    pub(crate) fn take_over(&mut self, other: Self) {
        self.errors.extend(other.errors);
    }

    /// Reads an object, unparsed.
    pub(crate) fn object(&mut self, field: &str) -> Patch<Map<String, Value>> {
        match self.take(field) {
            Patch::Absent => Patch::Absent,
            Patch::Null => Patch::Null,
            Patch::Value(Value::Object(members)) => Patch::Value(members),
            Patch::Value(_) => {
                self.refuse(field, "invalid_type", format!("{field} must be an object."));
                Patch::Absent
            }
        }
    }

    /// Returns a reader for the members of a required object; [`Fields::join`] merges its errors back.
    pub fn required_object(&mut self, field: &str) -> Self {
        let members = match self.take(field) {
            Patch::Value(Value::Object(members)) => members,
            Patch::Absent | Patch::Null => {
                self.require(field, format!("{field} is required."));
                Map::new()
            }
            Patch::Value(_) => {
                self.refuse(field, "invalid_type", format!("{field} must be an object."));
                Map::new()
            }
        };
        Self { members, errors: Vec::new(), metadata_refused: None }
    }

    /// Merges the errors of an object's members, unless the object itself has an error.
    pub fn join(&mut self, field: &str, inner: Self) {
        if self.errors.iter().any(|error| error.field == field) {
            return;
        }
        let within = |error: FieldError| FieldError { field: format!("{field}.{}", error.field), ..error };
        self.errors.extend(inner.errors.into_iter().map(within));
        self.metadata_refused = self.metadata_refused.take().or(inner.metadata_refused);
    }

    fn take(&mut self, field: &str) -> Patch<Value> {
        match self.members.remove(field) {
            None => Patch::Absent,
            Some(Value::Null) => Patch::Null,
            Some(value) => Patch::Value(value),
        }
    }

    fn text(&mut self, field: &str, value: Value, longest: usize, lines: bool) -> Option<String> {
        let Value::String(text) = value else {
            self.refuse(field, "invalid_type", format!("{field} must be a string."));
            return None;
        };
        let forbidden = |c: char| c.is_control() && !(lines && matches!(c, '\n' | '\r' | '\t'));
        if text.chars().any(forbidden) {
            self.refuse(field, "invalid", format!("{field} must not contain control characters."));
            None
        } else if text.chars().count() > longest {
            self.refuse(field, "too_long", format!("{field} must have at most {longest} characters."));
            None
        } else {
            Some(text)
        }
    }

    /// Reads a required, non-blank text.
    pub fn required_text(&mut self, field: &str, longest: usize) -> String {
        match self.optional_text(field, longest) {
            Patch::Value(text) => text,
            Patch::Absent | Patch::Null => {
                self.require(field, format!("{field} is required."));
                String::new()
            }
        }
    }

    /// Reads a required, non-blank text that may have several lines.
    pub fn required_lines(&mut self, field: &str, longest: usize) -> String {
        match self.empty_as_null(field, longest, true).value() {
            Some(text) if !text.trim().is_empty() => text,
            _ => {
                self.require(field, format!("{field} is required."));
                String::new()
            }
        }
    }

    /// Reads a text that may be absent or null, but not blank.
    pub fn optional_text(&mut self, field: &str, longest: usize) -> Patch<String> {
        match self.take(field) {
            Patch::Absent => Patch::Absent,
            Patch::Null => Patch::Null,
            Patch::Value(value) => match self.text(field, value, longest, false) {
                Some(text) if text.trim().is_empty() => {
                    self.refuse(field, "required", format!("{field} must not be empty."));
                    Patch::Absent
                }
                Some(text) => Patch::Value(text),
                None => Patch::Absent,
            },
        }
    }

    /// Reads a description: a text that may have several lines; an empty one counts as null.
    pub fn description(&mut self) -> Patch<String> {
        self.empty_as_null("description", MAX_DESCRIPTION_LENGTH, true)
    }

    /// Reads a text that may be empty, which counts as null.
    pub fn nullable_text(&mut self, field: &str, longest: usize) -> Patch<String> {
        self.empty_as_null(field, longest, false)
    }

    fn empty_as_null(&mut self, field: &str, longest: usize, lines: bool) -> Patch<String> {
        match self.take(field) {
            Patch::Absent => Patch::Absent,
            Patch::Null => Patch::Null,
            Patch::Value(value) => match self.text(field, value, longest, lines) {
                Some(text) if text.is_empty() => Patch::Null,
                Some(text) => Patch::Value(text),
                None => Patch::Absent,
            },
        }
    }

    /// Reads a secret chosen by someone else: any string.
    pub fn secret(&mut self, field: &str) -> Patch<Secret> {
        match self.take(field) {
            Patch::Absent => Patch::Absent,
            Patch::Null => Patch::Null,
            Patch::Value(Value::String(text)) => Patch::Value(Secret::new(text)),
            Patch::Value(_) => {
                self.refuse(field, "invalid_type", format!("{field} must be a string."));
                Patch::Absent
            }
        }
    }

    /// Reads an integer.
    pub fn integer(&mut self, field: &str) -> Patch<i64> {
        match self.take(field) {
            Patch::Absent => Patch::Absent,
            Patch::Null => Patch::Null,
            Patch::Value(value) => match value.as_i64() {
                Some(number) => Patch::Value(number),
                None => {
                    self.refuse(field, "invalid_type", format!("{field} must be a whole number."));
                    Patch::Absent
                }
            },
        }
    }

    /// Reads a boolean.
    pub fn boolean(&mut self, field: &str) -> Patch<bool> {
        match self.take(field) {
            Patch::Absent => Patch::Absent,
            Patch::Null => Patch::Null,
            Patch::Value(Value::Bool(value)) => Patch::Value(value),
            Patch::Value(_) => {
                self.refuse(field, "invalid_type", format!("{field} must be true or false."));
                Patch::Absent
            }
        }
    }

    /// Reads a timestamp with its offset.
    pub fn timestamp(&mut self, field: &str) -> Patch<Timestamp> {
        self.moment(field, Timestamp::parse)
    }

    /// Reads a timestamp, taken as UTC if it has no offset.
    pub fn timestamp_or_utc(&mut self, field: &str) -> Patch<Timestamp> {
        self.moment(field, Timestamp::parse_or_utc)
    }

    fn moment(&mut self, field: &str, parse: fn(&str) -> Result<Timestamp, ParseTimestampError>) -> Patch<Timestamp> {
        match self.take(field) {
            Patch::Absent => Patch::Absent,
            Patch::Null => Patch::Null,
            Patch::Value(Value::String(text)) => match parse(&text) {
                Ok(timestamp) => Patch::Value(timestamp),
                Err(error) => {
                    self.refuse(field, "invalid", format!("{field} is {error}."));
                    Patch::Absent
                }
            },
            Patch::Value(_) => {
                self.refuse(field, "invalid_type", format!("{field} must be a string."));
                Patch::Absent
            }
        }
    }

    pub(crate) fn list(&mut self, field: &str) -> Patch<Vec<Value>> {
        match self.take(field) {
            Patch::Absent => Patch::Absent,
            Patch::Null => Patch::Null,
            Patch::Value(Value::Array(entries)) if entries.len() > MAX_ENTRIES => {
                self.refuse(field, "too_many", format!("{field} must have at most {MAX_ENTRIES} entries."));
                Patch::Absent
            }
            Patch::Value(Value::Array(entries)) => Patch::Value(entries),
            Patch::Value(_) => {
                self.refuse(field, "invalid_type", format!("{field} must be a list."));
                Patch::Absent
            }
        }
    }

    /// Reads a list of texts, dropping repeats and keeping the order.
    pub fn texts(&mut self, field: &str, longest: usize) -> Patch<Vec<String>> {
        match self.list(field) {
            Patch::Absent => Patch::Absent,
            Patch::Null => Patch::Null,
            Patch::Value(entries) => {
                let mut texts: Vec<String> = Vec::with_capacity(entries.len());
                for (at, entry) in entries.into_iter().enumerate() {
                    if let Some(text) = self.text(&format!("{field}.{at}"), entry, longest, false)
                        && !texts.contains(&text)
                    {
                        texts.push(text);
                    }
                }
                Patch::Value(texts)
            }
        }
    }

    /// Reads a text that may be absent, null or empty, with any content.
    pub fn optional_string(&mut self, field: &str) -> Option<String> {
        match self.take(field) {
            Patch::Value(Value::String(text)) => Some(text).filter(|text| !text.is_empty()),
            Patch::Value(_) => {
                self.refuse(field, "invalid_type", format!("{field} must be a string."));
                None
            }
            Patch::Absent | Patch::Null => None,
        }
    }

    /// Reads a required text with any content: one that is to be inspected, not stored as is.
    pub fn required_string(&mut self, field: &str) -> String {
        match self.take(field) {
            Patch::Value(Value::String(text)) => return text,
            Patch::Value(_) => self.refuse(field, "invalid_type", format!("{field} must be a string.")),
            Patch::Absent | Patch::Null => self.require(field, format!("{field} is required.")),
        }
        String::new()
    }

    /// Reads a required slug: lower-case letters, digits and `-_:.*`.
    pub fn required_slug(&mut self, field: &str) -> String {
        let slug = self.required_text(field, MAX_SLUG_LENGTH);
        if !slug.is_empty() && !is_slug(&slug) {
            self.refuse(
                field,
                "invalid",
                format!("{field} may contain lower-case letters, digits and - _ : . * only."),
            );
        }
        slug
    }

    /// Reads an external identifier: ASCII without control characters.
    pub fn external_id(&mut self) -> Patch<String> {
        match self.optional_text("external_id", MAX_EXTERNAL_ID_LENGTH) {
            Patch::Value(text) if !text.is_ascii() => {
                self.refuse("external_id", "invalid", "external_id must consist of ASCII characters.");
                Patch::Absent
            }
            other => other,
        }
    }

    /// Reads metadata that replaces the existing entries, dropping those with null.
    pub fn whole_metadata(&mut self) -> BTreeMap<String, String> {
        let given = self.metadata().value().unwrap_or_default();
        given.into_iter().filter_map(|(key, value)| Some((key, value?))).collect()
    }

    /// Reads metadata: an object whose values are strings, or null to remove an entry.
    pub fn metadata(&mut self) -> Patch<BTreeMap<String, Option<String>>> {
        let members = match self.take("metadata") {
            Patch::Absent => return Patch::Absent,
            Patch::Null => return Patch::Null,
            Patch::Value(Value::Object(members)) => members,
            Patch::Value(_) => {
                self.refuse("metadata", "invalid_type", "metadata must be an object.");
                return Patch::Absent;
            }
        };
        let mut metadata = BTreeMap::new();
        for (key, value) in members {
            let value = match value {
                Value::Null => None,
                Value::String(text) => Some(text),
                _ => {
                    self.metadata_refused = Some(format!("The metadata value of '{key}' must be a string."));
                    continue;
                }
            };
            let long = key.chars().count() > MAX_METADATA_KEY_LENGTH
                || value.as_ref().is_some_and(|value| value.chars().count() > MAX_METADATA_VALUE_LENGTH);
            let controls = key.chars().chain(value.iter().flat_map(|v| v.chars())).any(|c| c == '\0');
            if key.is_empty() || long || controls {
                self.metadata_refused = Some(format!(
                    "Metadata keys have 1 to {MAX_METADATA_KEY_LENGTH} characters and values at most {MAX_METADATA_VALUE_LENGTH}, without NUL."
                ));
            }
            metadata.insert(key, value);
        }
        // Entries to be removed do not count: a request may remove as many as it adds.
        if metadata.values().flatten().count() > MAX_METADATA {
            self.metadata_refused = Some(format!("Metadata can have at most {MAX_METADATA} entries."));
        }
        Patch::Value(metadata)
    }

    /// Reads redirect URIs: objects with `uri` and, optionally, `default`. Whether each may be registered is decided
    /// elsewhere.
    pub fn redirect_uris(&mut self) -> Patch<Vec<RedirectUri>> {
        match self.list("redirect_uris") {
            Patch::Absent => Patch::Absent,
            Patch::Null => Patch::Null,
            Patch::Value(entries) => {
                let mut uris = Vec::with_capacity(entries.len());
                for (at, entry) in entries.into_iter().enumerate() {
                    let uri = entry.get("uri").and_then(Value::as_str).map(str::to_owned);
                    let default = match entry.get("default") {
                        None | Some(Value::Null) => Some(false),
                        Some(value) => value.as_bool(),
                    };
                    match (uri, default) {
                        (Some(uri), Some(default)) => uris.push(RedirectUri { uri, default }),
                        (None, _) => {
                            self.refuse(
                                format!("redirect_uris.{at}.uri"),
                                "required",
                                "Each entry needs a uri, a string.",
                            );
                        }
                        (_, None) => self.refuse(
                            format!("redirect_uris.{at}.default"),
                            "invalid_type",
                            "default must be true, false or null.",
                        ),
                    }
                }
                Patch::Value(uris)
            }
        }
    }

    /// Reads domains: `domain_data` (objects with `domain` and `state`), or the older `domains` (texts, all pending).
    pub fn domain_data(&mut self) -> Patch<Vec<(String, DomainState)>> {
        let older = self.texts("domains", 255);
        let mut domains: Vec<(String, DomainState)> = Vec::new();
        match (self.list("domain_data"), older) {
            (Patch::Value(entries), _) => {
                for (at, entry) in entries.into_iter().enumerate() {
                    let domain = entry.get("domain").and_then(Value::as_str);
                    let state = match entry.get("state") {
                        None | Some(Value::Null) => Some(DomainState::Pending),
                        Some(word) => word
                            .as_str()
                            .and_then(DomainState::parse)
                            .filter(|state| matches!(state, DomainState::Pending | DomainState::Verified)),
                    };
                    match (domain, state) {
                        (Some(domain), Some(state)) => {
                            self.push_domain(&mut domains, format!("domain_data.{at}.domain"), domain, state);
                        }
                        (None, _) => self.refuse(
                            format!("domain_data.{at}.domain"),
                            "required",
                            "Each entry needs a domain, a string.",
                        ),
                        (_, None) => self.refuse(
                            format!("domain_data.{at}.state"),
                            "invalid",
                            "state must be 'pending' or 'verified'.",
                        ),
                    }
                }
            }
            (_, Patch::Value(texts)) => {
                for (at, domain) in texts.iter().enumerate() {
                    self.push_domain(&mut domains, format!("domains.{at}"), domain, DomainState::Pending);
                }
            }
            (Patch::Null, _) | (_, Patch::Null) => return Patch::Null,
            (Patch::Absent, Patch::Absent) => return Patch::Absent,
        }
        Patch::Value(domains)
    }

    fn push_domain(&mut self, domains: &mut Vec<(String, DomainState)>, field: String, text: &str, state: DomainState) {
        match super::domain_name::normalize(text) {
            Some(domain) if domains.iter().any(|(known, _)| *known == domain) => {
                self.refuse(field, "duplicate", format!("The domain {domain} is listed twice."));
            }
            Some(domain) => domains.push((domain, state)),
            None => self.refuse(field, "invalid", "Not a domain that an organization can own, such as example.com."),
        }
    }
}

/// Whether a text is a slug: lower-case letters, digits and `-_:.*`, 1 to 48 characters.
pub fn is_slug(text: &str) -> bool {
    (1..=MAX_SLUG_LENGTH).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_:.*".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn fields(body: &str) -> Fields {
        Fields::parse(body.as_bytes()).unwrap()
    }

    fn codes(fields: Fields) -> Vec<(String, &'static str)> {
        match fields.finish() {
            Err(ApiError::Validation(errors)) => errors.into_iter().map(|e| (e.field, e.code)).collect(),
            Err(ApiError::BadRequest { code, .. }) => vec![(String::new(), code)],
            _ => vec![],
        }
    }

    #[test]
    fn bodies_are_objects() {
        assert!(Fields::parse(b"").is_ok());
        assert!(Fields::parse(b"{}").is_ok());
        for bad in ["[]", "1", "null", "\"x\""] {
            assert!(matches!(Fields::parse(bad.as_bytes()), Err(ApiError::Validation(_))), "{bad}");
        }
        let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
        for bad in ["{", "{\"a\":1,}", "\u{0}", deep.as_str()] {
            assert!(matches!(Fields::parse(bad.as_bytes()), Err(ApiError::BadRequest { .. })));
        }
        assert!(Fields::parse(b"{\"a\":\"\xff\"}").is_err());
    }

    #[test]
    fn everything_wrong_is_told_at_once() {
        let mut read = fields(r#"{"name":1,"slug":"Upper","flag":"yes","at":"noon"}"#);
        read.required_text("name", 10);
        read.required_slug("slug");
        read.boolean("flag");
        read.timestamp("at");
        read.required_text("missing", 10);
        let seen = codes(read);
        let expected = [
            ("name", "invalid_type"),
            ("slug", "invalid"),
            ("flag", "invalid_type"),
            ("at", "invalid"),
            ("missing", "required"),
        ];
        assert_eq!(seen, expected.map(|(f, c)| (f.to_owned(), c)));
    }

    #[test]
    fn texts_have_bounds_and_no_control_characters() {
        let check = |body: &str, expected: &[&str]| {
            let mut read = fields(body);
            read.required_text("name", 3);
            assert_eq!(codes(read).iter().map(|(_, code)| *code).collect::<Vec<_>>(), expected, "{body}");
        };
        check(r#"{"name":"abc"}"#, &[]);
        check(r#"{"name":"äöü"}"#, &[]);
        check(r#"{"name":"abcd"}"#, &["too_long"]);
        check(r#"{"name":""}"#, &["required"]);
        check(r#"{"name":" "}"#, &["required"]);
        check(r#"{"name":null}"#, &["required"]);
        check(r#"{"name":"a\u0000"}"#, &["invalid"]);
        check(r#"{"name":"a\n"}"#, &["invalid"]);
        check(r#"{"name":["a"]}"#, &["invalid_type"]);
    }

    #[test]
    fn metadata_has_bounds() {
        let check = |body: String, expected: &[&str]| {
            let mut read = fields(&body);
            read.metadata();
            assert_eq!(codes(read).iter().map(|(_, code)| *code).collect::<Vec<_>>(), expected, "{body}");
        };
        check(r#"{"metadata":{"a":"b","c":null}}"#.into(), &[]);
        check(r#"{"metadata":{"a":1}}"#.into(), &["invalid_metadata"]);
        check(r#"{"metadata":[]}"#.into(), &["invalid_type"]);
        check(format!(r#"{{"metadata":{{"a":"{}"}}}}"#, "x".repeat(601)), &["invalid_metadata"]);
        check(format!(r#"{{"metadata":{{"{}":"b"}}}}"#, "x".repeat(41)), &["invalid_metadata"]);
        let many: Vec<String> = (0..51).map(|n| format!(r#""k{n}":"v""#)).collect();
        check(format!(r#"{{"metadata":{{{}}}}}"#, many.join(",")), &["invalid_metadata"]);
    }

    #[test]
    fn domains_come_in_two_forms() {
        let check = |body: &str, expected: Patch<Vec<(&str, DomainState)>>| {
            let seen = fields(body).domain_data();
            let expected = match expected {
                Patch::Value(list) => Patch::Value(list.into_iter().map(|(d, s)| (d.to_owned(), s)).collect()),
                Patch::Null => Patch::Null,
                Patch::Absent => Patch::Absent,
            };
            assert_eq!(seen, expected, "{body}");
        };
        check("{}", Patch::Absent);
        check(r#"{"domains":["Foo.com"]}"#, Patch::Value(vec![("foo.com", DomainState::Pending)]));
        check(
            r#"{"domain_data":[{"domain":"foo.com","state":"verified"}],"domains":["bar.com"]}"#,
            Patch::Value(vec![("foo.com", DomainState::Verified)]),
        );
    }

    proptest! {
        #[test]
        fn reading_noise_never_panics(noise: Vec<u8>, text in "\\PC*") {
            let _ = Fields::parse(&noise);
            let body = serde_json::json!({"metadata": {text.clone(): text}, "redirect_uris": [text], "domains": [text], "external_id": text, "slug": text});
            let mut read = Fields::parse(body.to_string().as_bytes()).unwrap();
            read.metadata();
            read.redirect_uris();
            read.domain_data();
            read.external_id();
            read.required_slug("slug");
            let _ = read.finish();
        }
    }
}
