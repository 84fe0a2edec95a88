/// The stylesheet of all pages, to be served at [`STYLESHEET_PATH`] and kept by browsers for ever.
pub const STYLESHEET: &str = include_str!("../assets/pages.css");

/// Where [`STYLESHEET`] is: the name changes with the text.
pub const STYLESHEET_PATH: &str = match std::str::from_utf8(&PATH) {
    Ok(path) => path,
    Err(_) => "/assets/pages.css",
};

const PATH: [u8; 26] = {
    let mut path = *b"/assets/pages-00000000.css";
    let mut hash = fingerprint(STYLESHEET.as_bytes());
    let mut at = 21;
    while at >= 14 {
        path[at] = b"0123456789abcdef"[(hash % 16) as usize];
        hash /= 16;
        at -= 1;
    }
    path
};

/// FNV-1a: tells texts apart, keeps nobody out.
const fn fingerprint(bytes: &[u8]) -> u32 {
    let mut hash = 0x811c_9dc5_u32;
    let mut at = 0;
    while at < bytes.len() {
        hash = (hash ^ bytes[at] as u32).wrapping_mul(0x0100_0193);
        at += 1;
    }
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_is_a_plain_path() {
        let name = STYLESHEET_PATH.strip_prefix("/assets/pages-").and_then(|rest| rest.strip_suffix(".css")).unwrap();
        assert!(name.len() == 8 && name.bytes().all(|byte| byte.is_ascii_hexdigit()), "{STYLESHEET_PATH}");
        assert_ne!(fingerprint(b"a"), fingerprint(b"b"));
    }
}
