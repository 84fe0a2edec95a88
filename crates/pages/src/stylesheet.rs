/// The stylesheet of all pages, served at [`STYLESHEET_PATH`] and cached by browsers forever.
pub const STYLESHEET: &str = include_str!("../assets/pages.css");

/// The path of [`STYLESHEET`]; it changes with the content.
pub const STYLESHEET_PATH: &str = match std::str::from_utf8(&PATH) {
    Ok(path) => path,
    Err(_) => "/assets/pages.css",
};

/// The stylesheet of the dashboard, served at [`DASHBOARD_STYLESHEET_PATH`].
pub const DASHBOARD_STYLESHEET: &str = include_str!("../assets/dashboard.css");

/// The path of [`DASHBOARD_STYLESHEET`].
pub const DASHBOARD_STYLESHEET_PATH: &str = match std::str::from_utf8(&DASHBOARD_PATH) {
    Ok(path) => path,
    Err(_) => "/assets/dashboard.css",
};

/// The script that enhances the dashboard, served at [`DASHBOARD_SCRIPT_PATH`].
pub const DASHBOARD_SCRIPT: &str = include_str!("../assets/dashboard.js");

/// The path of [`DASHBOARD_SCRIPT`].
pub const DASHBOARD_SCRIPT_PATH: &str = match std::str::from_utf8(&SCRIPT_PATH) {
    Ok(path) => path,
    Err(_) => "/assets/dashboard.js",
};

/// The icon of the dashboard, as a data URL.
pub const DASHBOARD_ICON: &str = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 24 24'%3E%3Crect width='24' \
    height='24' rx='6' fill='%231b1c22'/%3E%3Cpath d='m6.5 12.4 3.6 3.6 7.4-8' fill='none' stroke='%23fff' stroke-width='2.2' \
    stroke-linecap='round' stroke-linejoin='round'/%3E%3C/svg%3E";

const PATH: [u8; 26] = named(*b"/assets/pages-00000000.css", 14, STYLESHEET);
const DASHBOARD_PATH: [u8; 30] = named(*b"/assets/dashboard-00000000.css", 18, DASHBOARD_STYLESHEET);
const SCRIPT_PATH: [u8; 29] = named(*b"/assets/dashboard-00000000.js", 18, DASHBOARD_SCRIPT);

/// Writes the fingerprint of a text into the eight bytes of the path starting at `from`.
const fn named<const N: usize>(mut path: [u8; N], from: usize, text: &str) -> [u8; N] {
    let mut hash = fingerprint(text.as_bytes());
    let mut at = from + 7;
    while at >= from {
        path[at] = b"0123456789abcdef"[(hash % 16) as usize];
        hash /= 16;
        at -= 1;
    }
    path
}

/// FNV-1a: distinguishes texts, but is not cryptographic.
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
