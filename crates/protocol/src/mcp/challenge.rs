//! `WWW-Authenticate` (RFC 9110 §11.6.1): a server's response to a request without a token.

use std::collections::BTreeMap;

/// A `Bearer` challenge: its parameters by lower-case name (RFC 6750 §3, RFC 9728 §5.1).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BearerChallenge(BTreeMap<String, String>);

impl BearerChallenge {
    /// Returns a parameter's value.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// Parses the first `Bearer` challenge of a header; `None` if there is none or it cannot be parsed.
    pub fn parse(header: &str) -> Option<Self> {
        let mut rest = header.trim_start();
        let mut found: Option<Self> = None;
        while !rest.is_empty() {
            let (word, after) = token(rest)?;
            let after = after.trim_start();
            if let Some(value) = after.strip_prefix('=') {
                // A parameter of the current challenge.
                let (value, after) = quoted(value.trim_start()).or_else(|| token(value.trim_start()))?;
                if let Some(challenge) = &mut found {
                    challenge.0.entry(word.to_ascii_lowercase()).or_insert(value);
                }
                rest = after.trim_start();
            } else {
                // The name of a scheme, which ends the previous challenge.
                if found.is_some() {
                    return found;
                }
                if word.eq_ignore_ascii_case("bearer") {
                    found = Some(Self::default());
                }
                rest = after;
            }
            rest = rest.trim_start_matches([',', ' ', '\t']);
        }
        found
    }
}

fn token(text: &str) -> Option<(String, &str)> {
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c)));
    let (word, rest) = text.split_at(end.unwrap_or(text.len()));
    (!word.is_empty()).then(|| (word.to_owned(), rest))
}

fn quoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut characters = text.strip_prefix('"')?.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Some((value, text.get(at + 2..)?)),
            '\\' => value.push(characters.next()?.1),
            other => value.push(other),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn metadata(header: &str) -> Option<String> {
        BearerChallenge::parse(header)?.get("resource_metadata").map(str::to_owned)
    }

    #[test]
    fn the_challenge_of_bearer_is_found_among_others() {
        let url = "https://mcp.example/.well-known/oauth-protected-resource";
        for header in [
            format!("Bearer resource_metadata=\"{url}\""),
            format!("bearer error=\"invalid_token\", error_description=\"a, \\\"b\\\"\",resource_metadata=\"{url}\""),
            format!("Basic realm=\"x\", Bearer Resource_Metadata = \"{url}\""),
            format!(
                "Bearer error=invalid_token , resource_metadata=\"{url}\", Basic realm=\"x\", resource_metadata=\"no\""
            ),
        ] {
            assert_eq!(metadata(&header).as_deref(), Some(url), "{header}");
        }
        assert_eq!(BearerChallenge::parse("Bearer"), Some(BearerChallenge::default()));
        for none in ["", "Basic realm=\"Bearer\"", "Bearer a=\"unfinished", "Bearer =x", "\"Bearer\""] {
            assert_eq!(BearerChallenge::parse(none), None, "{none}");
        }
    }

    proptest! {
        #[test]
        fn nothing_that_a_server_sends_is_too_much(header in ".{0,300}") {
            let _ = BearerChallenge::parse(&header);
        }

        #[test]
        fn a_value_comes_back_as_it_was_quoted(value in "[ -~]{0,60}") {
            let quoted = value.replace('\\', "\\\\").replace('"', "\\\"");
            let read = BearerChallenge::parse(&format!("Bearer scope=\"{quoted}\", x=y")).unwrap();
            prop_assert_eq!(read.get("scope"), Some(value.as_str()));
            prop_assert_eq!(read.get("x"), Some("y"));
        }
    }
}
