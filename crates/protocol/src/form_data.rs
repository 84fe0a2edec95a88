//! Forms with files (`multipart/form-data`, RFC 7578), as sent by browsers. The body is already complete and bounded in
//! size; the parsed parts borrow from it.

/// The maximum number of parts in a form.
const MAX_PARTS: usize = 64;
/// The maximum length of a part's headers, in bytes.
const MAX_HEAD_LENGTH: usize = 4096;
/// The maximum length of a boundary (RFC 2046 §5.1.1).
const MAX_BOUNDARY_LENGTH: usize = 70;

/// A field of a form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part<'a> {
    /// The field's name.
    pub name: &'a str,
    /// Whether the part is a file; its file name is discarded.
    pub is_file: bool,
    /// The typed text, or the file's contents. Empty for a file field without a chosen file.
    pub content: &'a [u8],
}

/// The body is not a well-formed form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a well-formed multipart/form-data body")]
pub struct NotAForm;

/// Returns the boundary between parts, if the content type is `multipart/form-data`.
pub fn boundary(content_type: &str) -> Option<&str> {
    let (kind, parameters) = content_type.split_once(';')?;
    if !kind.trim().eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    let boundary = parameters.split(';').find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("boundary").then_some(value.trim())
    })?;
    let boundary = boundary.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(boundary);
    let good = |byte: u8| byte.is_ascii_alphanumeric() || b"'()+_,-./:=?".contains(&byte);
    (!boundary.is_empty() && boundary.len() <= MAX_BOUNDARY_LENGTH && boundary.bytes().all(good)).then_some(boundary)
}

/// Parses a body.
///
/// # Errors
/// [`NotAForm`] for anything that browsers do not send: nothing is guessed.
pub fn parse<'a>(boundary: &str, body: &'a [u8]) -> Result<Vec<Part<'a>>, NotAForm> {
    let delimiter = format!("\r\n--{boundary}");
    let delimiter = delimiter.as_bytes();
    // The first delimiter is at the very start, without the preceding line break.
    let mut rest = delimiter.get(2..).and_then(|first| body.strip_prefix(first)).ok_or(NotAForm)?;
    let mut parts = Vec::new();
    loop {
        if let Some(end) = rest.strip_prefix(b"--") {
            return if matches!(end, b"" | b"\r\n") { Ok(parts) } else { Err(NotAForm) };
        }
        rest = rest.strip_prefix(b"\r\n").ok_or(NotAForm)?;
        let head_end =
            find(rest.get(..rest.len().min(MAX_HEAD_LENGTH)).unwrap_or(rest), b"\r\n\r\n").ok_or(NotAForm)?;
        let (head, after) = (rest.get(..head_end).ok_or(NotAForm)?, rest.get(head_end + 4..).ok_or(NotAForm)?);
        let content_end = find(after, delimiter).ok_or(NotAForm)?;
        let content = after.get(..content_end).ok_or(NotAForm)?;
        rest = after.get(content_end + delimiter.len()..).ok_or(NotAForm)?;
        let (name, is_file) = disposition(head).ok_or(NotAForm)?;
        if parts.len() == MAX_PARTS {
            return Err(NotAForm);
        }
        parts.push(Part { name, is_file, content });
    }
}

/// A part's name, and whether it is a file.
fn disposition(head: &[u8]) -> Option<(&str, bool)> {
    let head = std::str::from_utf8(head).ok()?;
    let line = head.split("\r\n").find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.trim().eq_ignore_ascii_case("content-disposition").then_some(value.trim())
    })?;
    let mut rest = line.strip_prefix("form-data")?;
    let (mut name, mut is_file) = (None, false);
    while let Some(parameter) = rest.strip_prefix(';') {
        let (key, value) = parameter.split_once('=')?;
        // Browsers always quote, and encode a quotation mark as %22.
        let (value, after) = value.strip_prefix('"')?.split_once('"')?;
        match key.trim() {
            "name" if name.is_none() => name = Some(value),
            "filename" => is_file = true,
            _ => {}
        }
        rest = after.trim_start();
    }
    if rest.is_empty() { name.map(|name| (name, is_file)) } else { None }
}

/// Finds the position of a byte sequence: searches for its first byte, then compares the rest.
fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    let first = wanted.first()?;
    let mut from = 0;
    loop {
        let at = from + text.get(from..)?.iter().position(|byte| byte == first)?;
        if text.get(at..)?.starts_with(wanted) {
            return Some(at);
        }
        from = at + 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_the_content_type_of_such_a_form_has_a_boundary() {
        let check = |text: &str, expected: Option<&str>| assert_eq!(boundary(text), expected, "{text}");
        check("multipart/form-data; boundary=----WebKitFormBoundaryA", Some("----WebKitFormBoundaryA"));
        check("Multipart/Form-Data; charset=utf-8; Boundary=\"a b\"", None);
        check("multipart/form-data; boundary=\"abc\"", Some("abc"));
        check("multipart/form-data; boundary=", None);
        check("multipart/form-data", None);
        check("multipart/mixed; boundary=abc", None);
        check("application/x-www-form-urlencoded; boundary=abc", None);
        check(&format!("multipart/form-data; boundary={}", "a".repeat(71)), None);
    }

    #[test]
    fn what_browsers_send_is_read_and_nothing_is_guessed() {
        let good = b"--b\r\nContent-Disposition: form-data; name=\"csrf\"\r\n\r\nx\r\n--b\r\nContent-Disposition: form-data; name=\"logo\"; \
            filename=\"a;\r\nb.png\"\r\nContent-Type: image/png\r\n\r\n\x89PNG\r\n--a\r\n--b--\r\n";
        // A file name must not contain a line break.
        assert_eq!(parse("b", good), Err(NotAForm));
        let good = b"--b\r\nContent-Disposition: form-data; name=\"csrf\"\r\n\r\nx\r\n--b\r\ncontent-disposition: form-data; name=\"logo\"; \
            filename=\"a;b.png\"\r\nContent-Type: image/png\r\n\r\n\x89PNG\r\n--a\r\n--b--\r\n";
        let parts = parse("b", good).unwrap();
        assert_eq!(parts[0], Part { name: "csrf", is_file: false, content: b"x" });
        assert_eq!(parts[1], Part { name: "logo", is_file: true, content: b"\x89PNG\r\n--a" });
        assert_eq!(parse("b", b"--b--"), Ok(Vec::new()));
        for wrong in [
            b"".as_slice(),
            b"--b",
            b"--b\r\n",
            b"--c--",
            b"preamble\r\n--b--",
            b"--b--x",
            b"--b\r\n\r\nx\r\n--b--",
            b"--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n--b--",
            b"--b\r\nContent-Disposition: attachment; name=\"a\"\r\n\r\nx\r\n--b--",
            b"--b\r\nContent-Disposition: form-data; name=a\r\n\r\nx\r\n--b--",
            b"--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nx",
            b"--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nx\r\n--b-",
        ] {
            assert_eq!(parse("b", wrong), Err(NotAForm), "{}", String::from_utf8_lossy(wrong));
        }
        let part = "--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nx\r\n";
        assert_eq!(parse("b", format!("{}--b--", part.repeat(64)).as_bytes()).map(|parts| parts.len()), Ok(64));
        assert_eq!(parse("b", format!("{}--b--", part.repeat(65)).as_bytes()), Err(NotAForm));
        let long =
            format!("--b\r\nX: {}\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nx\r\n--b--", "x".repeat(4096));
        assert_eq!(parse("b", long.as_bytes()), Err(NotAForm));
    }

    proptest! {
        #[test]
        fn written_and_read_is_identity(fields in proptest::collection::vec(("[a-z_]{1,12}", any::<bool>(), any::<Vec<u8>>()), 0..8)) {
            let mut body = Vec::new();
            for (name, is_file, content) in &fields {
                let file = if *is_file { "; filename=\"\"" } else { "" };
                body.extend_from_slice(format!("--0123456789abcdef\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n").as_bytes());
                body.extend_from_slice(content);
                body.extend_from_slice(b"\r\n");
            }
            body.extend_from_slice(b"--0123456789abcdef--\r\n");
            let read = parse("0123456789abcdef", &body).unwrap();
            prop_assert_eq!(read.len(), fields.len());
            for (part, (name, is_file, content)) in read.iter().zip(&fields) {
                prop_assert_eq!((part.name, part.is_file, part.content), (name.as_str(), *is_file, content.as_slice()));
            }
        }

        #[test]
        fn no_body_panics(boundary in "[a-z]{1,3}", body: Vec<u8>) {
            let _ = parse(&boundary, &body);
            let _ = parse("b", &[b"--b\r\nContent-Disposition: form-data; ".as_slice(), &body].concat());
        }

        #[test]
        fn no_content_type_panics(text: String) {
            let _ = boundary(&text);
        }
    }
}
