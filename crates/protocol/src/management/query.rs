//! Query strings of the management API. Repeated, bracketed and comma-separated lists are all accepted, since SDKs
//! differ.

use super::error::ApiError;

/// More pairs than any query needs.
const MAX_PAIRS: usize = 200;

/// A decoded query string.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Query(Vec<(String, String)>);

impl Query {
    /// Decodes a query string.
    ///
    /// # Errors
    /// 422 for text that is not UTF-8, a NUL character, or too many pairs.
    pub fn parse(query: &str) -> Result<Self, ApiError> {
        let bad = || ApiError::invalid("query", "invalid", "The query string is not well-formed.");
        let mut pairs = Vec::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let decode = |text: &str| -> Result<String, ApiError> {
                let spaced = text.replace('+', " ");
                let decoded = percent_encoding::percent_decode_str(&spaced).decode_utf8().map_err(|_| bad())?;
                if decoded.contains('\0') { Err(bad()) } else { Ok(decoded.into_owned()) }
            };
            if pairs.len() == MAX_PAIRS {
                return Err(bad());
            }
            pairs.push((decode(name)?, decode(value)?));
        }
        Ok(Self(pairs))
    }

    /// Returns a single value. An empty one counts as absent.
    ///
    /// # Errors
    /// 422 when the name occurs twice with different values.
    pub fn get(&self, name: &str) -> Result<Option<&str>, ApiError> {
        let mut values = self.0.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_str());
        let first = values.next().filter(|value| !value.is_empty());
        match values.next() {
            Some(second) if Some(second) != first => {
                Err(ApiError::invalid(name, "invalid", format!("{name} is given more than once.")))
            }
            _ => Ok(first),
        }
    }

    /// Returns a list of values: `a=1,2`, `a=1&a=2`, `a[]=1`, `a[0]=1`. `None` when the name does not occur.
    pub fn list(&self, name: &str) -> Option<Vec<&str>> {
        let mut found = false;
        let mut values = Vec::new();
        for (known, value) in &self.0 {
            let bracketed = known
                .strip_prefix(name)
                .and_then(|rest| rest.strip_prefix('['))
                .and_then(|rest| rest.strip_suffix(']'))
                .is_some_and(|index| index.bytes().all(|b| b.is_ascii_digit()));
            if known == name || bracketed {
                found = true;
                values.extend(value.split(',').map(str::trim).filter(|value| !value.is_empty()));
            }
        }
        found.then_some(values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn lists_come_in_every_spelling() {
        for spelling in
            ["a=1,2", "a=1&a=2", "a[]=1&a[]=2", "a[0]=1&a[1]=2", "a%5B%5D=1&a%5b1%5d=2", "a=1%2C2", "b=9&a=1&a=2"]
        {
            let query = Query::parse(spelling).unwrap();
            assert_eq!(query.list("a"), Some(vec!["1", "2"]), "{spelling}");
        }
        assert_eq!(Query::parse("b=1").unwrap().list("a"), None);
        assert_eq!(Query::parse("a=").unwrap().list("a"), Some(vec![]));
    }

    #[test]
    fn single_values_come_once() {
        assert_eq!(Query::parse("a=1").unwrap().get("a"), Ok(Some("1")));
        assert_eq!(Query::parse("a=").unwrap().get("a"), Ok(None));
        assert!(Query::parse("a=1&a=2").unwrap().get("a").is_err());
        assert!(Query::parse("a=%00").is_err());
        assert!(Query::parse("a=%ff").is_err());
    }

    proptest! {
        #[test]
        fn parsing_never_panics(text in "\\PC*|[a-z%0-9=&\\[\\]]*") {
            if let Ok(query) = Query::parse(&text) {
                let _ = query.get("a");
                let _ = query.list("a");
            }
        }
    }
}
