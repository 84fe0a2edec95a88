/// Returns the URL if it leads to a page: `http`, `https`, or a path on this host. `javascript:` and similar schemes
/// are rejected, because only attackers configure them.
pub(crate) fn web_link(address: &str) -> Option<&str> {
    let path = address.starts_with('/') && !address.starts_with("//") && !address.starts_with("/\\");
    let plain = !address.chars().any(|letter| letter.is_control() || letter.is_whitespace());
    (plain && (path || is_http(address))).then_some(address)
}

fn is_http(address: &str) -> bool {
    ["https://", "http://"].iter().any(|scheme| {
        address.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme))
            && address.len() > scheme.len()
    })
}

/// A piece of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Piece<'a> {
    Text(&'a str),
    Link(&'a str),
}

/// Splits a text at the start and end of every `http` or `https` URL. The concatenated pieces equal the text.
pub(crate) fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut found = Vec::new();
    let (mut rest, mut from) = (text, 0);
    while let Some(at) = rest.get(from..).and_then(|tail| tail.find("http")) {
        let start = from + at;
        let (before, tail) = rest.split_at(start);
        let ends = |letter: char| letter.is_whitespace() || letter.is_control() || "<>\"'`{}|\\^".contains(letter);
        let word = tail.find(ends).and_then(|end| tail.get(..end)).unwrap_or(tail);
        let address = word.trim_end_matches(['.', ',', ';', ':', '!', '?', ')', ']']);
        if is_http(address) {
            if !before.is_empty() {
                found.push(Piece::Text(before));
            }
            found.push(Piece::Link(address));
            (rest, from) = (tail.get(address.len()..).unwrap_or_default(), 0);
        } else {
            from = start + "http".len();
        }
    }
    if !rest.is_empty() {
        found.push(Piece::Text(rest));
    }
    found
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Piece::{Link, Text};
    use super::*;

    #[test]
    fn only_web_addresses_are_links() {
        for (address, expected) in [
            ("https://example.com/terms", true),
            ("HTTP://example.com", true),
            ("/terms", true),
            ("//example.com", false),
            ("/\\example.com", false),
            ("javascript:alert(1)", false),
            ("java\nscript:alert(1)", false),
            ("data:text/html,x", false),
            ("https://", false),
            ("", false),
        ] {
            assert_eq!(web_link(address).is_some(), expected, "{address}");
        }
    }

    #[test]
    fn addresses_in_a_text_are_found() {
        let check = |text: &str, expected: &[Piece<'_>]| assert_eq!(pieces(text), expected, "{text}");
        check("", &[]);
        check("no http here", &[Text("no http here")]);
        check("See https://a.example/x?y=1.", &[Text("See "), Link("https://a.example/x?y=1"), Text(".")]);
        check("https://a.example\nhttp://b", &[Link("https://a.example"), Text("\n"), Link("http://b")]);
        check("(http://b)", &[Text("("), Link("http://b"), Text(")")]);
        check("javascript:https", &[Text("javascript:https")]);
    }

    proptest! {
        #[test]
        fn the_pieces_are_the_text(text in "([a-z <.)é]|http|https://|\n){0,20}") {
            let joined: String = pieces(&text).iter().map(|piece| match piece { Text(text) | Link(text) => *text }).collect();
            prop_assert_eq!(joined, text);
        }
    }
}
