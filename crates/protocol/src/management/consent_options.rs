//! `user_consent_options` of a completed sign-in (Standalone Connect): the choices offered to users.

use super::error::ApiError;
use super::fields::{Fields, Patch};
use crate::jwt_template::RESERVED;
use crate::model::{Choice, ChoiceGroup, ConsentOption};
use crate::oauth::access_token::PROTECTED;
use serde_json::Value;
use std::collections::BTreeSet;

/// The field's name.
const FIELD: &str = "user_consent_options";
/// The maximum number of options shown to a user on one page.
pub const MAX_OPTIONS: usize = 5;
/// The maximum number of choices in an option, across all its groups.
pub const MAX_CHOICES: usize = 200;
/// The maximum length of a claim's name.
pub const MAX_CLAIM_LENGTH: usize = 128;
/// The maximum length of a claim's value, which is included in every token.
pub const MAX_VALUE_LENGTH: usize = 256;
/// The maximum length of a text shown to users.
pub const MAX_LABEL_LENGTH: usize = 200;

/// Claims about a token's nature, audience and permissions, and members that introspection adds. Users can never choose
/// them.
const TOKENS_OWN: [&str; 15] = [
    "aud",
    "org_id",
    "act",
    "may_act",
    "cnf",
    "authorization_details",
    "azp",
    "auth_time",
    "acr",
    "amr",
    "nonce",
    "active",
    "token_type",
    "username",
    "typ",
];

/// Whether a claim is reserved: no option can offer it.
pub fn is_reserved(claim: &str) -> bool {
    RESERVED.contains(&claim) || PROTECTED.contains(&claim) || TOKENS_OWN.contains(&claim)
}

/// Returns the error code for an invalid text, if it is one.
fn wrong_text(text: &str, longest: usize) -> Option<&'static str> {
    if text.trim().is_empty() {
        Some("required")
    } else if text.chars().count() > longest {
        Some("too_long")
    } else if text.chars().any(char::is_control) {
        Some("invalid")
    } else {
        None
    }
}

/// Reads a required text member of at most this many characters.
fn text(fields: &mut Fields, of: &Value, path: &str, name: &str, longest: usize) -> Option<String> {
    let field = format!("{path}.{name}");
    let Some(value) = of.get(name).filter(|value| !value.is_null()) else {
        fields.refuse(&field, "required", format!("{field} is required."));
        return None;
    };
    let Some(value) = value.as_str() else {
        fields.refuse(&field, "invalid_type", format!("{field} must be a string."));
        return None;
    };
    match wrong_text(value, longest) {
        None => Some(value.to_owned()),
        Some(code) => {
            let message = format!("{field} must have 1 to {longest} characters, without control characters.");
            fields.refuse(&field, code, message);
            None
        }
    }
}

fn choice(fields: &mut Fields, of: &Value, path: &str, values: &mut BTreeSet<String>) -> Option<Choice> {
    let value = text(fields, of, path, "value", MAX_VALUE_LENGTH);
    let label = text(fields, of, path, "label", MAX_LABEL_LENGTH);
    let (value, label) = (value?, label?);
    if !values.insert(value.clone()) {
        fields.refuse(format!("{path}.value"), "duplicate", "Each value can be offered once.");
        return None;
    }
    Some(Choice { value, label })
}

/// Reads the entries of a required, non-empty list.
fn list<'v>(fields: &mut Fields, of: &'v Value, path: &str) -> &'v [Value] {
    let field = format!("{path}.choices");
    match of.get("choices") {
        Some(Value::Array(entries)) if !entries.is_empty() => return entries,
        None | Some(Value::Null | Value::Array(_)) => {
            fields.refuse(&field, "required", format!("{field} must have an entry."));
        }
        Some(_) => fields.refuse(&field, "invalid_type", format!("{field} must be a list.")),
    }
    &[]
}

fn option(fields: &mut Fields, of: &Value, path: &str) -> Option<ConsentOption> {
    let claim = text(fields, of, path, "claim", MAX_CLAIM_LENGTH);
    let plain = |b: u8| b.is_ascii_graphic() && !matches!(b, b'"' | b'\\');
    if claim.as_ref().is_some_and(|claim| !claim.bytes().all(plain)) {
        let field = format!("{path}.claim");
        fields.refuse(
            &field,
            "invalid",
            format!("{field} must consist of printable ASCII characters, without blanks."),
        );
    }
    match of.get("type") {
        Some(Value::String(kind)) if kind == "enum" => {}
        None | Some(Value::Null) => {
            fields.refuse(format!("{path}.type"), "required", format!("{path}.type is required."))
        }
        Some(_) => fields.refuse(format!("{path}.type"), "invalid", format!("{path}.type must be 'enum'.")),
    }
    let label = text(fields, of, path, "label", MAX_LABEL_LENGTH);
    let (mut groups, mut values): (Vec<ChoiceGroup>, _) = (Vec::new(), BTreeSet::new());
    for (at, entry) in list(fields, of, path).iter().enumerate() {
        let path = format!("{path}.choices.{at}");
        if entry.get("group").is_none() && entry.get("choices").is_none() {
            let Some(choice) = choice(fields, entry, &path, &mut values) else { continue };
            match groups.last_mut() {
                Some(ChoiceGroup { name: None, choices }) => choices.push(choice),
                _ => groups.push(ChoiceGroup { name: None, choices: vec![choice] }),
            }
        } else {
            let name = text(fields, entry, &path, "group", MAX_LABEL_LENGTH);
            let entries = list(fields, entry, &path).iter().enumerate();
            let choices: Vec<Choice> = entries
                .filter_map(|(at, entry)| choice(fields, entry, &format!("{path}.choices.{at}"), &mut values))
                .collect();
            groups.push(ChoiceGroup { name, choices });
        }
    }
    if values.len() > MAX_CHOICES {
        fields.refuse(format!("{path}.choices"), "too_many", format!("There can be at most {MAX_CHOICES} choices."));
    }
    Some(ConsentOption { claim: claim?, label: label?, groups })
}

/// Reads the options; empty if there are none. Errors are recorded in `fields`.
pub fn read(fields: &mut Fields) -> Vec<ConsentOption> {
    let Patch::Value(entries) = fields.list(FIELD) else { return Vec::new() };
    if entries.len() > MAX_OPTIONS {
        fields.refuse(FIELD, "too_many", format!("There can be at most {MAX_OPTIONS} options."));
        return Vec::new();
    }
    let mut options: Vec<ConsentOption> = Vec::with_capacity(entries.len());
    for (at, entry) in entries.iter().enumerate() {
        let path = format!("{FIELD}.{at}");
        let Some(option) = option(fields, entry, &path) else { continue };
        if options.iter().any(|known| known.claim == option.claim) {
            fields.refuse(format!("{path}.claim"), "duplicate", "Each claim can be chosen once.");
        }
        options.push(option);
    }
    options
}

/// Checks that no option offers a reserved claim.
///
/// # Errors
/// 400 for the first reserved claim.
pub fn check_claims(options: &[ConsentOption]) -> Result<(), ApiError> {
    match options.iter().find(|option| is_reserved(&option.claim)) {
        Some(option) => Err(ApiError::ReservedClaim { claim: option.claim.clone() }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Choices, settled};
    use proptest::prelude::*;
    use serde_json::json;

    fn parsed(options: &Value) -> Result<Vec<ConsentOption>, ApiError> {
        let mut fields = Fields::parse(json!({ FIELD: options }).to_string().as_bytes()).unwrap();
        let options = read(&mut fields);
        fields.finish()?;
        check_claims(&options)?;
        Ok(options)
    }

    fn flat(claim: &str) -> Value {
        json!({"claim": claim, "type": "enum", "label": "Workspace", "choices": [{"value": "w1", "label": "One"}]})
    }

    #[track_caller]
    fn check(change: impl FnOnce(&mut Value), expected: &[(&str, &str)]) {
        let mut options = json!([flat("urn:example:workspace")]);
        change(&mut options);
        let wrong = match parsed(&options) {
            Ok(_) => Vec::new(),
            Err(ApiError::Validation(errors)) => errors.into_iter().map(|error| (error.field, error.code)).collect(),
            Err(other) => panic!("{other:?}"),
        };
        let expected: Vec<_> = expected.iter().map(|(field, code)| (format!("{FIELD}{field}"), *code)).collect();
        assert_eq!(wrong, expected);
    }

    #[test]
    fn flat_and_grouped_choices_are_read() {
        let options = parsed(&json!([
            flat("a"),
            {"claim": "b", "type": "enum", "label": "Project", "choices": [
                {"value": "none", "label": "No project"},
                {"group": "Acme", "choices": [{"value": "p1", "label": "Rocket"}, {"value": "p2", "label": "Sled"}]},
            ]},
        ]))
        .unwrap();
        assert_eq!(options.len(), 2);
        assert_eq!(options[1].groups.len(), 2);
        assert_eq!(options[1].groups[1].name.as_deref(), Some("Acme"));
        assert!(options[1].offers("p2") && options[1].offers("none") && !options[1].offers("w1"));
        let chosen: Choices = [("a", "w1"), ("b", "p1")].map(|(a, b)| (a.to_owned(), b.to_owned())).into();
        assert_eq!(settled(&options, &chosen), Some(chosen.clone()));
        assert_eq!(parsed(&Value::Null).unwrap(), []);
        assert_eq!(parsed(&json!([])).unwrap(), []);
    }

    #[test]
    fn what_is_wrong_is_told_where_it_is() {
        check(|_| {}, &[]);
        check(|options| *options = json!({}), &[("", "invalid_type")]);
        check(
            |options| *options = json!(["x"]),
            &[(".0.claim", "required"), (".0.type", "required"), (".0.label", "required"), (".0.choices", "required")],
        );
        check(|options| options[0]["type"] = json!("text"), &[(".0.type", "invalid")]);
        check(|options| options[0]["label"] = json!(" "), &[(".0.label", "required")]);
        check(|options| options[0]["label"] = json!("x".repeat(201)), &[(".0.label", "too_long")]);
        check(|options| options[0]["claim"] = json!("a b"), &[(".0.claim", "invalid")]);
        check(|options| options[0]["choices"] = json!([]), &[(".0.choices", "required")]);
        check(|options| options[0]["choices"] = json!("x"), &[(".0.choices", "invalid_type")]);
        check(|options| options[0]["choices"][0]["value"] = json!(""), &[(".0.choices.0.value", "required")]);
        check(|options| options[0]["choices"][0]["value"] = json!(1), &[(".0.choices.0.value", "invalid_type")]);
        check(
            |options| options[0]["choices"] = json!([{"group": "g", "choices": []}]),
            &[(".0.choices.0.choices", "required")],
        );
        check(
            |options| {
                options[0]["choices"] =
                    json!([{"value": "w1", "label": "a"}, {"group": "g", "choices": [{"value": "w1", "label": "b"}]}])
            },
            &[(".0.choices.1.choices.0.value", "duplicate")],
        );
        check(
            |options| options.as_array_mut().unwrap().push(flat("urn:example:workspace")),
            &[(".1.claim", "duplicate")],
        );
        check(|options| *options = (0..6).map(|n| flat(&format!("c{n}"))).collect(), &[("", "too_many")]);
        let many = |groups: usize| -> Value {
            (0..groups)
                .map(|g| json!({"group": "g", "choices": (0..100).map(|n| json!({"value": format!("{g}-{n}"), "label": "x"})).collect::<Vec<_>>()}))
                .collect()
        };
        check(|options| options[0]["choices"] = many(2), &[]);
        check(|options| options[0]["choices"] = many(3), &[(".0.choices", "too_many")]);
    }

    #[test]
    fn what_a_token_is_cannot_be_chosen() {
        for claim in
            ["sub", "iss", "aud", "client_id", "org_id", "sid", "scope", "grant_id", "credential_id", "act", "active"]
        {
            let error = parsed(&json!([flat(claim)])).unwrap_err();
            assert_eq!(
                (error.status(), error.body()),
                (
                    400,
                    json!({"error": "Bad Request", "message": format!("Claim \"{claim}\" is reserved and cannot be used.")}),
                )
            );
        }
        assert!(parsed(&json!([flat("role")])).is_ok());
    }

    proptest! {
        #[test]
        fn no_input_panics(text in "\\PC{0,20}", at in 0..5_usize) {
            let mut options = json!([flat("a")]);
            let paths = ["/0/claim", "/0/label", "/0/choices", "/0/choices/0/value", "/0"];
            *options.pointer_mut(paths[at]).unwrap() = json!(text);
            let _ = parsed(&options);
        }
    }
}
