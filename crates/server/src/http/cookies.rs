//! Cookies (RFC 6265): ours are for one origin, out of reach of scripts, and not sent with requests of other sites but
//! plain navigation.

use countersign_protocol::model::Issuer;
use http::HeaderMap;
use http::HeaderValue;
use http::header::COOKIE;

/// A cookie of ours. On https its name carries the prefix that keeps other hosts from setting it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cookie {
    /// Names the browser: forms and flows are bound to it.
    Browser,
    /// The session.
    Session,
    /// A visit to an organization's page, or the organization that a member has chosen there.
    Portal,
    /// The language that was chosen.
    Language,
    /// The language that an application has asked for.
    WishedLanguage,
    /// The flow for which a code was mailed last, sealed: what the link in the mail goes on with.
    CodeFlow,
    /// The refresh token of a page of the environment's own application.
    Refresh,
}

impl Cookie {
    fn name(self, issuer: &Issuer) -> &'static str {
        // Staff share the origin with everybody else; their sessions are of another environment.
        let staff = !issuer.base().is_empty();
        match (self, issuer.is_https()) {
            (Self::Browser, true) => "__Host-cs_browser",
            (Self::Browser, false) => "cs_browser",
            (Self::Session, true) if staff => "__Host-cs_staff_session",
            (Self::Session, false) if staff => "cs_staff_session",
            (Self::Session, true) => "__Host-cs_session",
            (Self::Session, false) => "cs_session",
            (Self::Portal, true) => "__Host-cs_portal",
            (Self::Portal, false) => "cs_portal",
            (Self::Language, true) => "__Host-cs_language",
            (Self::Language, false) => "cs_language",
            (Self::WishedLanguage, true) => "__Host-cs_wished_language",
            (Self::WishedLanguage, false) => "cs_wished_language",
            (Self::CodeFlow, true) if staff => "__Host-cs_staff_code",
            (Self::CodeFlow, false) if staff => "cs_staff_code",
            (Self::CodeFlow, true) => "__Host-cs_code",
            (Self::CodeFlow, false) => "cs_code",
            (Self::Refresh, true) => "__Host-cs_refresh",
            (Self::Refresh, false) => "cs_refresh",
        }
    }

    /// The longest value, in bytes. A browser keeps 4096 with the name and all, and the address of a page may have a flow
    /// as well.
    pub const fn longest(self) -> usize {
        match self {
            Self::Browser | Self::Session | Self::Portal | Self::Language | Self::WishedLanguage | Self::Refresh => 128,
            Self::CodeFlow => 3000,
        }
    }

    /// The value that the browser has sent; the first one, if there are several.
    pub fn read(self, headers: &HeaderMap, issuer: &Issuer) -> Option<String> {
        let value = named(headers, self.name(issuer)).map(str::to_owned);
        value.filter(|value| !value.is_empty() && value.len() <= self.longest())
    }

    /// The header that sets it, for so many seconds.
    pub fn set(self, value: &str, seconds: i64, issuer: &Issuer) -> Option<HeaderValue> {
        let secure = if issuer.is_https() { "; Secure" } else { "" };
        let name = self.name(issuer);
        let text = format!("{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}");
        HeaderValue::try_from(text).ok()
    }

    /// The header that removes it.
    pub fn remove(self, issuer: &Issuer) -> Option<HeaderValue> {
        self.set("", 0, issuer)
    }
}

/// The value of a cookie that the browser has sent; the first one, if there are several.
pub fn named<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let sent = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = sent.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(known, _)| *known == name).map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookies_on_https_cannot_be_set_by_other_hosts() {
        let issuer = Issuer::parse("https://id.example.com").unwrap();
        let header = Cookie::Session.set("v", 9, &issuer).unwrap();
        assert_eq!(header, "__Host-cs_session=v; Path=/; Max-Age=9; HttpOnly; SameSite=Lax; Secure");
        let mut headers = HeaderMap::new();
        headers.append(COOKIE, HeaderValue::from_static("cs_session=evil; __Host-cs_session=v; x"));
        assert_eq!(Cookie::Session.read(&headers, &issuer).as_deref(), Some("v"));
        assert_eq!(Cookie::Browser.read(&headers, &issuer), None);
    }
}
