use super::*;
use proptest::prelude::*;
use serde_json::json;

fn rendered(template: &str) -> Value {
    let user = json!({
        "email": " ada@example.com ", "first_name": "Ada", "last_name": null, "email_verified": false, "age": 36,
        "quoted": "a \"b\"\n{{ user.email }}", "metadata": {"tier": "gold", "a-b": "x"}, "identities": {}, "empty": "",
    });
    let membership = json!({"role": {"slug": "admin"}, "roles": [{"slug": "admin"}]});
    let values = Values { user: Some(&user), organization: None, membership: Some(&membership) };
    Value::Object(
        Template::parse(template).unwrap_or_else(|wrong| panic!("{template}: {wrong}")).render(values).unwrap(),
    )
}

#[track_caller]
fn check(template: &str, expected: Value) {
    assert_eq!(rendered(template), expected, "{template}");
}

#[track_caller]
fn refused(template: &str, expected: &str) {
    assert_eq!(Template::parse(template).unwrap_err().to_string(), expected, "{template}");
}

#[test]
fn values_stand_alone_or_inside_strings() {
    check(r#"{"a": {{user.first_name}}}"#, json!({"a": "Ada"}));
    check(r#" { "a" : "{{ user.first_name }}" } "#, json!({"a": "Ada"}));
    check(r#"{"a": "{{user.first_name}} & {{user.metadata.tier}}!"}"#, json!({"a": "Ada & gold!"}));
    check(
        r#"{"a": {{user.email_verified}}, "b": "is {{user.email_verified}}", "c": {{user.age}}, "d": "{{user.age}}"}"#,
        json!({"a": false, "b": "is false", "c": 36, "d": "36"}),
    );
    check(
        r#"{"a": {{ user.metadata }}, "b": [{{organization_membership.roles}}, {{user.metadata.a-b}}]}"#,
        json!({"a": {"tier": "gold", "a-b": "x"}, "b": [[{"slug": "admin"}], "x"]}),
    );
    check(r#"{"a": {"b": {{organization_membership.role.slug}}}}"#, json!({"a": {"b": "admin"}}));
    check(
        r#"{"a": true, "b": -1.5e3, "c": [], "d": {}, "e": "x\u00e4\n\"}}"}"#,
        json!({"a": true, "b": -1500.0, "c": [], "d": {}, "e": "xä\n\"}}"}),
    );
}

#[test]
fn the_first_that_there_is_is_taken() {
    check(r#"{"a": {{user.last_name || user.first_name || 'nobody'}}}"#, json!({"a": "Ada"}));
    check(r#"{"a": "Dr. {{ user.last_name||'no }} \"name\"' }}"}"#, json!({"a": "Dr. no }} \"name\""}));
    check(
        r#"{"a": {{organization.name || 'none'}}, "b": {{user.first_name.length || 'none'}}}"#,
        json!({"a": "none", "b": "none"}),
    );
    check(r#"{"a": {{user.email_verified || 'no'}}, "b": "{{user.empty || 'no'}}x"}"#, json!({"a": false, "b": "x"}));
}

#[test]
fn null_is_left_out_at_the_top_and_empty_inside_strings_and_texts_are_trimmed() {
    check(
        r#"{"a": {{user.last_name}}, "b": "x{{user.last_name}}y", "c": null, "d": [{{user.last_name}}], "e": {"f": null}}"#,
        json!({"b": "xy", "d": [null], "e": {"f": null}}),
    );
    check(
        r#"{"a": {{user.email}}, "b": "  {{user.email}}  ", "c": {{' x '}}, "d": "{{user.nothing}}"}"#,
        json!({"a": "ada@example.com", "b": "ada@example.com", "c": "x", "d": ""}),
    );
}

#[test]
fn what_a_value_says_is_not_read_again() {
    check(
        r#"{"a": "{{user.quoted}}", "b": {{user.quoted}}}"#,
        json!({"a": "a \"b\"\n{{ user.email }}", "b": "a \"b\"\n{{ user.email }}"}),
    );
}

#[test]
fn what_is_wrong_is_told_with_its_place() {
    refused("", "line 1, column 1: a template is a JSON object");
    refused("[]", "line 1, column 1: a template is a JSON object");
    refused("{{user}}", "line 1, column 1: a template is a JSON object");
    refused("{}", "must have a claim");
    refused("{\"a\": 1,}", "line 1, column 9: '\"' is missing here");
    refused("{\n  \"ä\": {{user.email}\n}", "line 2, column 20: '||' or '}}' is missing here");
    refused(
        "{\"a\": {{person.email}}}",
        "line 1, column 9: a value begins with user, organization or organization_membership",
    );
    refused(
        "{\"a\": {{user.}}}",
        "line 1, column 14: a name such as user.email, or a word in single quotes, is missing here",
    );
    refused(
        "{\"a\": {{}}}",
        "line 1, column 9: a name such as user.email, or a word in single quotes, is missing here",
    );
    refused("{\"a\": {{user.email | upcase}}}", "line 1, column 20: '||' or '}}' is missing here");
    refused("{\"a\": \"{{user.email\"}", "line 1, column 7: '||' or '}}' is missing here");
    refused("{\"a\": \"{{user}}\"}", "line 1, column 7: an object or a list cannot stand inside a string");
    refused(
        "{\"a\": \"{{organization_membership.roles}}\"}",
        "line 1, column 7: an object or a list cannot stand inside a string",
    );
    refused("{\"{{user.email}}\": 1}", "line 1, column 2: a name cannot be made of values");
    refused("{\"a\": 1, \"\\u0061\": 2}", "line 1, column 10: this name comes twice");
    refused("{\"a\": 1} x", "line 1, column 10: nothing may come after the object");
    refused("{\"a\": \"x}", "line 1, column 7: this string does not end");
    refused("{\"a\": 01}", "line 1, column 7: a value is missing here");
    refused("{\"a\": tru}", "line 1, column 7: a value is missing here");
    refused("{\"a\": 'x'}", "line 1, column 7: a value is missing here");
    refused("{\"a\": {{'x}}}", "line 1, column 10: this word in quotes does not end");
    let deep = format!("{{\"a\": {}1{}}}", "[".repeat(17), "]".repeat(17));
    assert!(Template::parse(&deep).unwrap_err().to_string().ends_with("this is nested too deep"));
    refused(&format!("{{\"a\": \"{}\"}}", "x".repeat(MAX_LENGTH)), "must have at most 16384 bytes");
}

#[test]
fn reserved_claims_are_refused() {
    for name in RESERVED {
        refused(&format!("{{\"a\": 1, \"{name}\": 1}}"), &format!("must not set the claim '{name}'"));
    }
    refused(r#"{"\u0069ss": 1}"#, "must not set the claim 'iss'");
    // Inside a nested object, they are ordinary names.
    check(r#"{"a": {"iss": 1}, "aud": "x"}"#, json!({"a": {"iss": 1}, "aud": "x"}));
}

#[test]
fn a_template_says_what_it_needs() {
    let needs = |text: &str| Template::parse(text).unwrap().needs();
    assert_eq!(needs(r#"{"a": 1}"#), Needs::default());
    assert_eq!(needs(r#"{"a": "{{user.email}}"}"#), Needs { user: true, ..Needs::default() });
    assert_eq!(needs(r#"{"a": [{{'x' || organization.name}}]}"#), Needs { organization: true, ..Needs::default() });
    assert_eq!(
        needs(r#"{"a": "{{user.email}}", "b": {{organization_membership.role}}}"#),
        Needs { user: true, organization: false, membership: true }
    );
}

#[test]
fn what_is_rendered_has_a_length() {
    let metadata: Map<String, Value> = (0..50).map(|n| (format!("k{n}"), json!("x".repeat(600)))).collect();
    let user = json!({"metadata": metadata, "name": "x".repeat(3063), "quotes": "\"".repeat(1600)});
    let render = |text: &str| Template::parse(text).unwrap().render(Values { user: Some(&user), ..Values::default() });
    assert_eq!(render(r#"{"a": {{user.metadata}}}"#), Err(TooBig));
    assert_eq!(render(r#"{"a": {{user}}}"#), Err(TooBig));
    assert_eq!(serde_json::to_vec(&render(r#"{"a": {{user.name}}}"#).unwrap()).unwrap().len(), 3071);
    assert_eq!(render(r#"{"ab": "{{user.name}}"}"#).map(|claims| serde_json::to_vec(&claims).unwrap().len()), Ok(3072));
    assert_eq!(render(r#"{"abc": {{user.name}}}"#), Err(TooBig));
    assert_eq!(render(r#"{"a": {{user.quotes}}}"#), Err(TooBig), "escapes count");
    // No work is wasted on output that is too long anyway.
    let many = format!("{{\"a\": [{}1]}}", "{{user}},".repeat(1700));
    assert_eq!(render(&many), Err(TooBig));
}

/// JSON that is a template without placeholders, as the object it renders to.
fn plain() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::from),
        "[^{]{0,12}".prop_map(Value::String),
    ];
    leaf.prop_recursive(4, 32, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            prop::collection::btree_map("[^{]{0,6}", inner, 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn trimmed(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(text.trim().to_owned()),
        Value::Array(values) => Value::Array(values.into_iter().map(trimmed).collect()),
        Value::Object(members) => {
            Value::Object(members.into_iter().map(|(name, value)| (name, trimmed(value))).collect())
        }
        other => other,
    }
}

proptest! {
    #[test]
    fn no_text_panics(text in "\\PC{0,80}") {
        let _ = Template::parse(&text);
    }

    #[test]
    fn no_text_of_its_own_words_panics(parts in prop::collection::vec(prop::sample::select(vec![
        "{", "}", "{{", "}}", "\"", "'", "||", ":", ",", "[", "]", "user", ".", "organization", "email", " ", "\\", "ä", "1", "null", "\"a\":",
    ]), 0..24)) {
        let text = parts.concat();
        if let Ok(template) = Template::parse(&text) {
            let user = json!({"email": "a@b.co"});
            let _ = template.render(Values { user: Some(&user), ..Values::default() });
        }
    }

    #[test]
    fn json_without_values_is_itself(members in prop::collection::btree_map("[a-z]{4,8}", plain(), 1..4)) {
        let object = Value::Object(members.into_iter().collect());
        let template = Template::parse(&object.to_string()).unwrap();
        if let Ok(claims) = template.render(Values::default()) {
            let mut expected = trimmed(object);
            expected.as_object_mut().unwrap().retain(|_, value| !value.is_null());
            prop_assert_eq!(Value::Object(claims), expected);
        }
    }

    #[test]
    fn a_value_comes_out_as_it_went_in(text in "\\PC{0,200}") {
        let user = json!({"x": text});
        let template = Template::parse(r#"{"alone": {{user.x}}, "within": "<{{user.x}}>"}"#).unwrap();
        if let Ok(claims) = template.render(Values { user: Some(&user), ..Values::default() }) {
            prop_assert_eq!(&claims["alone"], &json!(text.trim()));
            prop_assert_eq!(&claims["within"], &json!(format!("<{text}>")));
            prop_assert!(serde_json::to_vec(&claims).unwrap().len() <= MAX_RENDERED_LENGTH);
        }
    }
}
