//! Request parameters (RFC 6749 §3.1, §3.2, Appendix B): form-encoded or JSON, each name at most once.

use super::error::OAuthError;
use crate::form_data::Part;
use percent_encoding::{percent_decode, percent_decode_str};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

/// More parameters than any of our requests has.
const MAX_PARAMETERS: usize = 64;
/// The maximum number of fields in a form of our own pages: one for each checkbox.
const MAX_FIELDS: usize = 600;
/// Parameters that may be repeated on the wire; each rule that reads one decides how to treat repeats (RFC 8707 §2).
/// SDKs write lists this way.
const REPEATABLE: [&str; 4] = ["resource", "audience", "provider_scopes", "provider_scopes[]"];

/// The parameters of one request. A parameter without a value counts as absent (RFC 6749 §3.2).
#[derive(PartialEq, Eq, Default)]
pub struct Params<'a>(Vec<(Cow<'a, str>, Cow<'a, str>)>);

impl fmt::Debug for Params<'_> {
    /// Names only: values may be secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

impl<'a> Params<'a> {
    /// Reads a form body or a query string.
    ///
    /// # Errors
    /// `invalid_request` for a repeated name, wrong percent-encoding, text that is not UTF-8, or a NUL character.
    pub fn from_form(body: &'a [u8]) -> Result<Self, OAuthError> {
        Self::from_form_of(body, MAX_PARAMETERS)
    }

    /// Reads the body of a form of our own pages, which may have many checkboxes.
    ///
    /// # Errors
    /// As in [`Params::from_form`].
    pub fn from_long_form(body: &'a [u8]) -> Result<Self, OAuthError> {
        Self::from_form_of(body, MAX_FIELDS)
    }

    fn from_form_of(body: &'a [u8], most: usize) -> Result<Self, OAuthError> {
        let mut params = Self::default();
        // As text, because searching text for a byte is much faster: a flow is about a thousand bytes.
        let body = std::str::from_utf8(body).map_err(|_| malformed())?;
        for pair in body.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            params.add(decode_form(name)?, decode_form(value)?, most)?;
        }
        Ok(params)
    }

    /// Returns the first of each parameter of a form body or query string, and the names of those that were repeated:
    /// for callers that must know where to report the error.
    ///
    /// # Errors
    /// `invalid_request` as in [`Params::from_form`], except for repeated names.
    pub fn first_of_each(query: &'a [u8]) -> Result<(Self, Vec<Cow<'a, str>>), OAuthError> {
        let (mut params, mut repeated) = (Self::default(), Vec::new());
        let query = std::str::from_utf8(query).map_err(|_| malformed())?;
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let name = decode_form(name)?;
            if !REPEATABLE.contains(&&*name) && params.0.iter().any(|(known, _)| *known == name) {
                repeated.push(name);
            } else {
                params.add(name, decode_form(value)?, MAX_PARAMETERS)?;
            }
        }
        Ok((params, repeated))
    }

    /// Filters a query string down to these parameters, leaving them exactly as written; nothing reads the others.
    pub fn keep_only(query: &str, known: &[&str]) -> String {
        let known = |pair: &&str| {
            let name = percent_decode_str(pair.split_once('=').map_or(*pair, |(name, _)| name)).decode_utf8();
            name.is_ok_and(|name| known.contains(&name.as_ref()))
        };
        query.split('&').filter(known).collect::<Vec<_>>().join("&")
    }

    /// Reads the fields of a multipart form, without its files.
    ///
    /// # Errors
    /// `invalid_request` as in [`Params::from_form`].
    pub fn from_parts(parts: &[Part<'a>]) -> Result<Self, OAuthError> {
        let mut params = Self::default();
        for part in parts.iter().filter(|part| !part.is_file) {
            let wrong = |_| OAuthError::invalid_request("The request is not UTF-8.");
            let value = std::str::from_utf8(part.content).map_err(wrong)?;
            params.add(Cow::Borrowed(part.name), Cow::Borrowed(value), MAX_PARAMETERS)?;
        }
        Ok(params)
    }

    /// Reads a JSON body: one object whose values are strings (or null, which counts as absent).
    ///
    /// # Errors
    /// `invalid_request` for anything else, repeated names included.
    pub fn from_json(body: &'a [u8]) -> Result<Self, OAuthError> {
        let members: Members<'a, Option<Text<'a>>> = serde_json::from_slice(body)
            .map_err(|_| OAuthError::invalid_request("The body is not a JSON object of string values."))?;
        let mut params = Self::default();
        for (name, value) in members.0 {
            params.add(name, value.map_or(Cow::Borrowed(""), |value| value.0), MAX_PARAMETERS)?;
        }
        Ok(params)
    }

    /// Like [`Params::from_json`], but ignores members whose values are not strings.
    ///
    /// # Errors
    /// `invalid_request` for anything but an object, or for repeated names.
    pub fn from_json_and_more(body: &'a [u8]) -> Result<Self, OAuthError> {
        let members: Members<'a, Value<'a>> =
            serde_json::from_slice(body).map_err(|_| OAuthError::invalid_request("The body is not a JSON object."))?;
        let mut params = Self::default();
        for (name, value) in members.0 {
            let value = if let Value::Text(text) = value { text } else { Cow::Borrowed("") };
            params.add(name, value, MAX_PARAMETERS)?;
        }
        Ok(params)
    }

    fn add(&mut self, name: Cow<'a, str>, value: Cow<'a, str>, most: usize) -> Result<(), OAuthError> {
        if name.contains('\0') || value.contains('\0') {
            return Err(OAuthError::invalid_request("The request contains a NUL character."));
        }
        if !REPEATABLE.contains(&&*name) && self.0.iter().any(|(known, _)| *known == name) {
            return Err(OAuthError::invalid_request("The request repeats a parameter."));
        }
        if self.0.len() == most {
            return Err(OAuthError::invalid_request("The request has too many parameters."));
        }
        self.0.push((name, value));
        Ok(())
    }

    /// Returns a parameter's value, if it has one.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, value)| known == name && !value.is_empty()).map(|(_, value)| &**value)
    }

    /// Returns every value of a parameter that may be repeated.
    pub fn all(&self, name: &str) -> Vec<&str> {
        self.0.iter().filter(|(known, value)| known == name && !value.is_empty()).map(|(_, value)| &**value).collect()
    }

    /// Returns the value of a required parameter.
    ///
    /// # Errors
    /// `invalid_request`, naming the parameter.
    pub fn require(&self, name: &'static str) -> Result<&str, OAuthError> {
        self.get(name).ok_or_else(|| OAuthError::invalid_request(format!("The parameter '{name}' is missing.")))
    }
}

fn malformed() -> OAuthError {
    OAuthError::invalid_request("The request is not well-formed percent-encoded UTF-8.")
}

fn decode_form(text: &str) -> Result<Cow<'_, str>, OAuthError> {
    decode_form_component(text).ok_or_else(malformed)
}

/// Decodes one form component; `None` if the percent-encoding is wrong or the decoded text is not UTF-8.
pub(super) fn decode_form_component(text: &str) -> Option<Cow<'_, str>> {
    // Two single-byte searches are much faster than one search for either; a flow is a thousand bytes containing
    // neither.
    if !text.contains('%') && !text.contains('+') {
        return Some(Cow::Borrowed(text));
    }
    let text = text.as_bytes();
    let well_formed = text.iter().enumerate().filter(|(_, byte)| **byte == b'%').all(
        |(at, _)| matches!(text.get(at + 1..at + 3), Some([a, b]) if a.is_ascii_hexdigit() && b.is_ascii_hexdigit()),
    );
    if !well_formed {
        return None;
    }
    let spaced: Vec<u8> = text.iter().map(|&byte| if byte == b'+' { b' ' } else { byte }).collect();
    let decoded: Vec<u8> = percent_decode(&spaced).collect();
    String::from_utf8(decoded).ok().map(Cow::Owned)
}

/// A JSON object with its members in order, including repeats so that they can be rejected.
struct Members<'a, V>(Vec<(Cow<'a, str>, V)>);

#[derive(serde::Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// A member's value, if it is a string.
#[derive(serde::Deserialize)]
#[serde(untagged)]
enum Value<'a> {
    Text(#[serde(borrow)] Cow<'a, str>),
    Other(serde::de::IgnoredAny),
}

impl<'de, V: Deserialize<'de>> Deserialize<'de> for Members<'de, V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct MembersVisitor<V>(PhantomData<V>);
        impl<'de, V: Deserialize<'de>> Visitor<'de> for MembersVisitor<V> {
            type Value = Members<'de, V>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of string values")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de, V>, A::Error> {
                let mut members = Vec::new();
                while let Some(name) = map.next_key::<Text<'de>>()? {
                    members.push((name.0, map.next_value()?));
                    if members.len() > MAX_PARAMETERS {
                        return Err(serde::de::Error::custom("too many members"));
                    }
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(MembersVisitor(PhantomData))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(body: &[u8], expected: Option<&[(&str, &str)]>) {
        let params = Params::from_form(body).ok();
        let pairs = params.as_ref().map(|p| p.0.iter().map(|(n, v)| (&**n, &**v)).collect::<Vec<_>>());
        assert_eq!(pairs.as_deref(), expected, "{}", String::from_utf8_lossy(body));
    }

    #[test]
    fn form_bodies() {
        check(b"", Some(&[]));
        check(b"a=1&b=2", Some(&[("a", "1"), ("b", "2")]));
        check(b"a=1&&b", Some(&[("a", "1"), ("b", "")]));
        check(b"scope=a+b%20c%2B", Some(&[("scope", "a b c+")]));
        check(b"a=1=2", Some(&[("a", "1=2")]));
        check(b"a=1&a=1", None);
        check(b"a=1&%61=2", None);
        check(b"resource=x&resource=y", Some(&[("resource", "x"), ("resource", "y")]));
        check(b"a=%", None);
        check(b"a=%4", None);
        check(b"a=%zz", None);
        check(b"a=%ff", None);
        check(b"a=\xff", None);
        check(b"a=%00", None);
        check(b"a=\0", None);
    }

    #[test]
    fn json_bodies() {
        let get = |body: &str| {
            Params::from_json(body.as_bytes()).ok().map(|params| params.get("a").unwrap_or("absent").to_owned())
        };
        assert_eq!(get(r#"{"a":"1","b":null}"#).as_deref(), Some("1"));
        assert_eq!(get(r#"{"a":null}"#).as_deref(), Some("absent"));
        assert_eq!(get(r#"{"a":"\u0041"}"#).as_deref(), Some("A"));
        for bad in [
            "",
            "[]",
            "1",
            r#"{"a":1}"#,
            r#"{"a":["1"]}"#,
            r#"{"a":{"b":"c"}}"#,
            r#"{"a":"1","a":"2"}"#,
            r#"{"a":"\u0000"}"#,
            r#"{"a":"1"} x"#,
        ] {
            assert_eq!(get(bad), None, "{bad}");
        }
        assert_eq!(get(&format!("{}1{}", r#"{"a":"#.repeat(100_000), "}".repeat(100_000))), None);
    }

    #[test]
    fn members_that_are_no_strings_may_be_passed_over() {
        let get = |body: &str| {
            let params = Params::from_json_and_more(body.as_bytes()).ok();
            params.map(|params| params.get("a").unwrap_or("absent").to_owned())
        };
        assert_eq!(get(r#"{"a":"1","b":[{"c":1}],"d":true,"e":null,"f":{"g":["h"]}}"#).as_deref(), Some("1"));
        assert_eq!(get(r#"{"a":1}"#).as_deref(), Some("absent"));
        for bad in ["", "[]", r#"{"a":"1","a":"2"}"#, r#"{"a":"1","a":2}"#, r#"{"a":"\u0000"}"#, r#"{"a":"1"} x"#] {
            assert_eq!(get(bad), None, "{bad}");
        }
        let deep = format!("{}1{}", r#"{"a":"#.repeat(100_000), "}".repeat(100_000));
        assert_eq!(get(&deep), None);
    }

    #[test]
    fn a_parameter_without_a_value_counts_as_absent() {
        let params = Params::from_form(b"scope=&state").unwrap();
        assert_eq!(params.get("scope"), None);
        assert!(params.require("scope").is_err());
    }

    #[test]
    fn values_do_not_print() {
        let params = Params::from_form(b"client_secret=hunter2").unwrap();
        assert_eq!(format!("{params:?}"), r#"{"client_secret"}"#);
    }

    #[test]
    fn there_is_a_most() {
        let body = (0..=MAX_PARAMETERS).map(|n| format!("p{n}=1")).collect::<Vec<_>>().join("&");
        assert!(Params::from_form(body.as_bytes()).is_err());
    }

    proptest! {
        #[test]
        fn reading_noise_never_panics(noise: Vec<u8>) {
            let _ = Params::from_form(&noise);
            let _ = Params::from_json(&noise);
            let _ = Params::from_json_and_more(&noise);
            let _ = Params::first_of_each(&noise);
        }

        #[test]
        fn the_first_of_each_is_all_where_none_is_repeated(pairs in proptest::collection::vec(("[a-d]|resource", "[a-z]{0,3}"), 0..6)) {
            let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(&pairs).finish();
            let (first, repeated) = Params::first_of_each(body.as_bytes()).unwrap();
            match Params::from_form(body.as_bytes()) {
                Ok(all) => prop_assert!(all == first && repeated.is_empty()),
                Err(_) => prop_assert!(!repeated.is_empty()),
            }
            for (name, _) in &pairs {
                let value = pairs.iter().find(|(known, value)| known == name && (name != "resource" || !value.is_empty()));
                prop_assert_eq!(first.get(name).unwrap_or(""), value.map_or("", |(_, value)| value.as_str()));
            }
        }

        #[test]
        fn what_a_form_serializer_writes_is_read_back(pairs in proptest::collection::btree_map("[^\\x00]{1,12}", "[^\\x00]{0,24}", 0..8)) {
            let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(&pairs).finish();
            let params = Params::from_form(body.as_bytes()).unwrap();
            for (name, value) in &pairs {
                prop_assert_eq!(params.get(name).unwrap_or(""), value);
            }
        }
    }
}
