//! Scope strings (RFC 6749 §3.3).

use super::error::{OAuthError, OAuthErrorCode};

/// The scopes that every environment has. All others are permission slugs.
pub const BUILT_IN: [&str; 4] = ["email", "offline_access", "openid", "profile"];

/// The maximum length of a scope string.
const MAX_LENGTH: usize = 8 * 1024;

/// Whether a scope is one of the built-in ones.
pub fn is_built_in(scope: &str) -> bool {
    BUILT_IN.contains(&scope)
}

/// Returns the granted scopes that are built in or still assigned to the application.
pub fn still_assigned<'a, S: AsRef<str>>(granted: &'a [S], assigned: &[String]) -> Vec<&'a str> {
    granted
        .iter()
        .map(AsRef::as_ref)
        .filter(|scope| is_built_in(scope) || assigned.iter().any(|known| known == scope))
        .collect()
}

/// Parses a scope string, dropping repeats and keeping the order.
///
/// # Errors
/// `invalid_scope` when the string is too long or contains a character not allowed in a scope token.
pub fn parse(text: &str) -> Result<Vec<&str>, OAuthError> {
    if text.len() > MAX_LENGTH {
        return Err(OAuthError::new(OAuthErrorCode::InvalidScope, "The scope is too long."));
    }
    let mut scopes: Vec<&str> = Vec::new();
    for scope in text.split(' ').filter(|scope| !scope.is_empty()) {
        if !scope.bytes().all(|byte| matches!(byte, 0x21 | 0x23..=0x5B | 0x5D..=0x7E)) {
            return Err(OAuthError::new(
                OAuthErrorCode::InvalidScope,
                "The scope contains a character that no scope has.",
            ));
        }
        if !scopes.contains(&scope) {
            scopes.push(scope);
        }
    }
    Ok(scopes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn scopes_are_taken_apart() {
        assert_eq!(parse("posts:read  posts:write posts:read"), Ok(vec!["posts:read", "posts:write"]));
        assert_eq!(parse(" "), Ok(vec![]));
        for bad in ["a\"b", "a\\b", "ä", "a\tb", "a\nb"] {
            assert!(parse(bad).is_err(), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn joining_then_parsing_is_identity(scopes in proptest::collection::btree_set("[a-z0-9:_.*-]{1,12}", 0..6)) {
            let text = scopes.iter().map(String::as_str).collect::<Vec<_>>().join(" ");
            prop_assert_eq!(parse(&text).unwrap(), scopes.iter().collect::<Vec<_>>());
        }

        #[test]
        fn parsing_never_panics(text in "\\PC*") {
            let _ = parse(&text);
        }
    }
}
