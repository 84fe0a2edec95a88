/// The stylesheet of all pages, to be served at [`STYLESHEET_PATH`] and kept by browsers for ever.
pub const STYLESHEET: &str = include_str!("../assets/pages.css");

/// Where [`STYLESHEET`] is: the name changes with the text.
pub const STYLESHEET_PATH: &str = match std::str::from_utf8(&PATH) {
    Ok(path) => path,
    Err(_) => "/assets/pages.css",
};

/// The style sheet of the dashboard, at [`DASHBOARD_STYLESHEET_PATH`].
pub const DASHBOARD_STYLESHEET: &str = include_str!("../assets/dashboard.css");

/// Where [`DASHBOARD_STYLESHEET`] is.
pub const DASHBOARD_STYLESHEET_PATH: &str = match std::str::from_utf8(&DASHBOARD_PATH) {
    Ok(path) => path,
    Err(_) => "/assets/dashboard.css",
};

/// What the dashboard does more where scripts run, at [`DASHBOARD_SCRIPT_PATH`].
pub const DASHBOARD_SCRIPT: &str = include_str!("../assets/dashboard.js");

/// Where [`DASHBOARD_SCRIPT`] is.
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

/// The path with the fingerprint of a text in the eight places from `from` on.
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
