//! Assertions on responses of the management API, down to the last key.

use super::Answer;
use serde_json::{Value, json};

/// Panics unless an object has exactly these keys.
#[track_caller]
pub fn assert_keys(object: &Value, expected: &[&str]) {
    let mut seen: Vec<&str> =
        object.as_object().unwrap_or_else(|| panic!("not an object: {object}")).keys().map(String::as_str).collect();
    let mut expected = expected.to_vec();
    seen.sort_unstable();
    expected.sort_unstable();
    assert_eq!(seen, expected, "{object}");
}

/// Panics unless this is a timestamp in the API's format: UTC, three fractional digits, `Z`.
#[track_caller]
pub fn assert_moment(value: &Value) {
    let form: String = value
        .as_str()
        .unwrap_or_else(|| panic!("no moment: {value}"))
        .chars()
        .map(|c| if c.is_ascii_digit() { '0' } else { c })
        .collect();
    assert_eq!(form, "0000-00-00T00:00:00.000Z");
}

/// Panics unless this is an identifier of this kind: its prefix and a ULID.
#[track_caller]
pub fn assert_id(value: &Value, prefix: &str) {
    let ulid = value.as_str().and_then(|text| text.strip_prefix(prefix)?.strip_prefix('_'));
    let ulid = ulid.unwrap_or_else(|| panic!("no identifier {prefix}_…: {value}"));
    assert_eq!(ulid.len(), 26, "{value}");
    assert!(ulid.bytes().all(|b| b"0123456789ABCDEFGHJKMNPQRSTVWXYZ".contains(&b)), "{value}");
}

/// Returns the identifiers of an array of objects.
#[track_caller]
pub fn ids(rows: &Value) -> Vec<String> {
    rows.as_array().unwrap().iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect()
}

impl Answer {
    /// Panics unless the body is JSON with a JSON content type; returns it.
    #[track_caller]
    pub fn expect_json(&self) -> Value {
        assert_eq!(self.header("content-type"), Some("application/json"), "{}", self.text);
        self.json()
    }

    /// Panics unless this is the management API's 401 response.
    #[track_caller]
    pub fn expect_unauthorized(self) {
        let answer = self.expect(401);
        assert_eq!(answer.expect_json(), json!({"message": "Unauthorized"}));
        assert_eq!(answer.header("www-authenticate"), Some("Bearer realm=\"api\""));
    }

    /// Panics unless this is the 404 response for an identifier.
    #[track_caller]
    pub fn expect_not_found(self, thing: &str, id: &str) {
        let expected =
            json!({"message": format!("{thing} not found: '{id}'."), "code": "entity_not_found", "entity_id": id});
        assert_eq!(self.expect(404).expect_json(), expected);
    }

    /// Panics unless this is an error with a code and a message, and nothing else.
    #[track_caller]
    pub fn expect_code(self, status: u16, code: &str) {
        let body = self.expect(status).expect_json();
        assert_keys(&body, &["code", "message"]);
        assert_eq!(body["code"], code);
        assert!(!body["message"].as_str().unwrap().is_empty());
    }

    /// Panics unless this is a 400 with this code that lists exactly these reasons.
    #[track_caller]
    pub fn expect_reasons(self, code: &str, expected: &[&str]) {
        let body = self.expect(400).expect_json();
        assert_keys(&body, &["code", "errors", "message"]);
        assert_eq!(body["code"], code);
        let mut seen = Vec::new();
        for error in body["errors"].as_array().unwrap() {
            assert_keys(error, &["code", "message"]);
            seen.push(error["code"].as_str().unwrap());
        }
        assert_eq!(seen, expected);
    }

    /// Panics unless this is a 422 that names exactly these fields, each with its code.
    #[track_caller]
    pub fn expect_invalid(self, expected: &[(&str, &str)]) {
        let body = self.expect(422).expect_json();
        assert_keys(&body, &["code", "errors", "message"]);
        assert_eq!(body["code"], "invalid_request_parameters");
        assert_eq!(body["message"], "Validation failed.");
        let mut seen = Vec::new();
        for error in body["errors"].as_array().unwrap() {
            assert_keys(error, &["code", "field", "message"]);
            seen.push((error["field"].as_str().unwrap(), error["code"].as_str().unwrap()));
        }
        assert_eq!(seen, expected);
    }

    /// Panics unless this is a list; returns its rows.
    #[track_caller]
    pub fn expect_list(self) -> Vec<Value> {
        let body = self.expect(200).expect_json();
        assert_keys(&body, &["data", "list_metadata", "object"]);
        assert_keys(&body["list_metadata"], &["after", "before"]);
        assert_eq!(body["object"], "list");
        body["data"].as_array().unwrap().clone()
    }
}
