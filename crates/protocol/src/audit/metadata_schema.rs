//! The subset of JSON Schema needed to describe metadata. Metadata is flat: named strings, numbers and booleans. An
//! unsupported JSON Schema keyword is rejected when the schema is created, so that nobody relies on a rule that is not
//! checked; purely descriptive keywords are kept.

use serde_json::{Map, Value};

/// The maximum number of properties in a schema.
const MAX_PROPERTIES: usize = 50;
/// The maximum number of values in an `enum`.
const MAX_VALUES: usize = 100;
/// The maximum size of a schema, in bytes of JSON.
const MAX_LENGTH: usize = 16 * 1024;
/// Keywords that describe but do not constrain.
const EXPLAINING: [&str; 7] = ["$schema", "$id", "title", "description", "default", "examples", "$comment"];
const TYPES: [&str; 5] = ["string", "number", "integer", "boolean", "null"];

/// Checks that a metadata schema is one that can be enforced.
///
/// # Errors
/// The location of the problem (a path inside the schema) and the reason.
pub fn check(schema: &Value) -> Result<(), (String, String)> {
    let Value::Object(members) = schema else {
        return Err((String::new(), "A schema must be an object.".to_owned()));
    };
    if schema.to_string().len() > MAX_LENGTH {
        return Err((String::new(), format!("A schema must have at most {MAX_LENGTH} bytes.")));
    }
    for (word, value) in members {
        let good = match word.as_str() {
            "type" => value == "object",
            "properties" => {
                check_properties(value)?;
                true
            }
            "required" => texts(value).is_some(),
            "additionalProperties" => value.is_boolean(),
            "nullable" => value.is_boolean(),
            "maxProperties" | "minProperties" => value.is_u64(),
            other => EXPLAINING.contains(&other),
        };
        if !good {
            return Err((
                word.clone(),
                format!("'{word}' is not a rule that can be checked here, or has no good value."),
            ));
        }
    }
    Ok(())
}

fn check_properties(properties: &Value) -> Result<(), (String, String)> {
    let Value::Object(properties) = properties else {
        return Err(("properties".to_owned(), "properties must be an object.".to_owned()));
    };
    if properties.len() > MAX_PROPERTIES {
        return Err(("properties".to_owned(), format!("At most {MAX_PROPERTIES} properties.")));
    }
    for (name, schema) in properties {
        let at = |word: &str| format!("properties.{name}{}{word}", if word.is_empty() { "" } else { "." });
        let Value::Object(rules) = schema else {
            return Err((at(""), "A schema must be an object.".to_owned()));
        };
        for (word, value) in rules {
            let good = match word.as_str() {
                "type" => types(value).is_some_and(|types| types.iter().all(|word| TYPES.contains(word))),
                "enum" => value.as_array().is_some_and(|values| {
                    (1..=MAX_VALUES).contains(&values.len()) && values.iter().all(is_flat_or_null)
                }),
                "const" => is_flat_or_null(value),
                "nullable" => value.is_boolean(),
                "minLength" | "maxLength" => value.is_u64(),
                "minimum" | "maximum" => value.is_number(),
                other => EXPLAINING.contains(&other),
            };
            if !good {
                let why = format!("'{word}' is not a rule that can be checked here, or has no good value.");
                return Err((at(word), why));
            }
        }
    }
    Ok(())
}

fn is_flat_or_null(value: &Value) -> bool {
    !value.is_array() && !value.is_object()
}

fn texts(value: &Value) -> Option<Vec<&str>> {
    value.as_array().filter(|texts| texts.len() <= MAX_PROPERTIES)?.iter().map(Value::as_str).collect()
}

fn types(value: &Value) -> Option<Vec<&str>> {
    match value {
        Value::String(one) => Some(vec![one]),
        Value::Array(_) => texts(value).filter(|types| !types.is_empty()),
        _ => None,
    }
}

/// Returns the locations where metadata violates a schema, as paths below `at`.
pub fn faults(schema: &Value, metadata: Option<&Map<String, Value>>, at: &str) -> Vec<String> {
    let empty = Map::new();
    let metadata = metadata.unwrap_or(&empty);
    let mut wrong = Vec::new();
    let required = schema.get("required").and_then(texts).unwrap_or_default();
    let most = schema.get("maxProperties").and_then(Value::as_u64);
    let fewest = schema.get("minProperties").and_then(Value::as_u64);
    let count = metadata.len() as u64;
    if required.iter().any(|name| !metadata.contains_key(*name))
        || most.is_some_and(|most| count > most)
        || fewest.is_some_and(|fewest| count < fewest)
    {
        wrong.push(at.to_owned());
    }
    let properties = schema.get("properties").and_then(Value::as_object).unwrap_or(&empty);
    let others = schema.get("additionalProperties").and_then(Value::as_bool).unwrap_or(true);
    for (name, value) in metadata {
        match properties.get(name) {
            Some(rules) if !fits(rules, value) => wrong.push(format!("{at}/{}", escaped(name))),
            None if !others => wrong.push(at.to_owned()),
            _ => {}
        }
    }
    wrong.dedup();
    wrong
}

/// Escapes a name as a JSON Pointer token (RFC 6901 §3).
fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

fn fits(rules: &Value, value: &Value) -> bool {
    if value.is_null() && rules.get("nullable").and_then(Value::as_bool) == Some(true) {
        return true;
    }
    let is = |word: &str| match word {
        "string" => value.is_string(),
        "number" => value.is_number(),
        // A number without a fractional part is an integer, however it is written.
        "integer" => {
            value.as_i64().is_some() || value.as_u64().is_some() || value.as_f64().is_some_and(|n| n.fract() == 0.0)
        }
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        _ => false,
    };
    let length = value.as_str().map(|text| text.chars().count() as u64);
    let within = |word: &str, beyond: fn(f64, f64) -> bool, number: Option<f64>| match (
        rules.get(word).and_then(Value::as_f64),
        number,
    ) {
        (Some(bound), Some(number)) => !beyond(number, bound),
        _ => true,
    };
    let length = length.map(|length| length as f64);
    rules.get("type").and_then(types).is_none_or(|types| types.into_iter().any(is))
        && rules.get("enum").and_then(Value::as_array).is_none_or(|values| values.contains(value))
        && rules.get("const").is_none_or(|only| only == value)
        && within("minLength", |n, bound| n < bound, length)
        && within("maxLength", |n, bound| n > bound, length)
        && within("minimum", |n, bound| n < bound, value.as_f64())
        && within("maximum", |n, bound| n > bound, value.as_f64())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn schemas_that_can_be_checked() {
        let good = |schema: Value| assert_eq!(check(&schema), Ok(()), "{schema}");
        let bad = |schema: Value, at: &str| assert_eq!(check(&schema).unwrap_err().0, at, "{schema}");
        good(json!({}));
        good(json!({"type": "object", "properties": {"cost": {"type": "number"}}}));
        good(json!({"type": "object", "properties": {"cost": {"type": ["number", "null"], "description": "In cents"}},
            "required": ["cost"], "additionalProperties": false, "title": "Invoice"}));
        good(json!({"properties": {"size": {"enum": ["s", "m"], "nullable": true, "maxLength": 3}}}));
        bad(json!([]), "");
        bad(json!({"type": "array"}), "type");
        bad(json!({"$ref": "#/definitions/a"}), "$ref");
        bad(json!({"properties": []}), "properties");
        bad(json!({"properties": {"a": {"type": "object"}}}), "properties.a.type");
        bad(json!({"properties": {"a": {"pattern": "(a+)+$"}}}), "properties.a.pattern");
        bad(json!({"properties": {"a": true}}), "properties.a");
        bad(json!({"required": [1]}), "required");
        bad(json!({"additionalProperties": {"type": "string"}}), "additionalProperties");
        bad(json!({"title": "x".repeat(MAX_LENGTH)}), "");
    }

    #[test]
    fn metadata_that_fits_and_does_not() {
        let schema = json!({"type": "object", "required": ["a"], "additionalProperties": false, "properties": {
            "a": {"type": "string", "minLength": 1, "maxLength": 3}, "b": {"type": "integer", "minimum": 0, "maximum": 9},
            "c": {"type": "boolean", "nullable": true}, "d": {"enum": ["x", 1]}, "e/f": {"type": "number"}}});
        let check = |metadata: Value, expected: &[&str]| {
            assert_eq!(faults(&schema, metadata.as_object(), "/metadata"), expected, "{metadata}");
        };
        check(json!({"a": "x"}), &[]);
        check(json!({"a": "x", "b": 3, "c": null, "d": 1, "e/f": 1.5}), &[]);
        check(json!({"a": "x", "b": 3.0}), &[]);
        check(json!({}), &["/metadata"]);
        check(json!({"a": ""}), &["/metadata/a"]);
        check(json!({"a": "long"}), &["/metadata/a"]);
        check(json!({"a": 1}), &["/metadata/a"]);
        check(json!({"a": "x", "b": 1.5}), &["/metadata/b"]);
        check(json!({"a": "x", "b": -1}), &["/metadata/b"]);
        check(json!({"a": "x", "b": 10}), &["/metadata/b"]);
        check(json!({"a": "x", "c": "yes"}), &["/metadata/c"]);
        check(json!({"a": "x", "d": "y"}), &["/metadata/d"]);
        check(json!({"a": "x", "e/f": "1"}), &["/metadata/e~1f"]);
        check(json!({"a": "x", "z": 1}), &["/metadata"]);
        assert_eq!(faults(&schema, None, "/metadata"), ["/metadata"]);
        assert_eq!(faults(&json!({}), None, "/metadata"), Vec::<String>::new());
    }

    proptest! {
        #[test]
        fn no_schema_and_no_metadata_panics(schema in ".{0,60}", word in "[a-zA-Z$]{0,12}") {
            if let Ok(schema) = serde_json::from_str::<Value>(&schema) {
                let _ = check(&schema);
                let _ = faults(&schema, None, "");
            }
            let odd = json!({word.as_str(): schema, "properties": {"a": {word: 1}}});
            let _ = check(&odd);
            let _ = faults(&odd, json!({"a": 1}).as_object(), "");
        }
    }
}
