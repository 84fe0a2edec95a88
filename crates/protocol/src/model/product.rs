//! Features that the company's product provides instead of, or in addition to, this server.

use super::{EnvironmentKind, WebAddress, WebAddressError};

/// Pages of the company's product that users are sent to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProductPages {
    /// Where a sign-in starts: users who reach a hosted page without being sent by an application are redirected there,
    /// and come back with a request. Receives `invitation_token` and `organization_id` if known.
    pub sign_in: Option<WebAddress>,
    /// The home page: after signing out and after accepting an invitation, if no other page is specified.
    pub home: Option<WebAddress>,
    /// Where invitation links lead; receives `invitation_token`.
    pub invitation: Option<WebAddress>,
    /// Where a new password is set; receives `token`.
    pub password_reset: Option<WebAddress>,
}

impl ProductPages {
    /// The pages by name, as used in storage and in declarations.
    pub fn named(&self) -> [(&'static str, Option<&WebAddress>); 4] {
        [
            ("sign_in", self.sign_in.as_ref()),
            ("home", self.home.as_ref()),
            ("invitation", self.invitation.as_ref()),
            ("password_reset", self.password_reset.as_ref()),
        ]
    }

    /// A mutable reference to the page with this name; `None` if there is no such page.
    pub fn named_mut(&mut self, name: &str) -> Option<&mut Option<WebAddress>> {
        match name {
            "sign_in" => Some(&mut self.sign_in),
            "home" => Some(&mut self.home),
            "invitation" => Some(&mut self.invitation),
            "password_reset" => Some(&mut self.password_reset),
            _ => None,
        }
    }

    /// Checks that users can be sent to all of these pages from an environment of this kind.
    ///
    /// # Errors
    /// The name of the first invalid page, and what is wrong with it.
    pub fn check(&self, kind: EnvironmentKind) -> Result<(), (&'static str, WebAddressError)> {
        self.named().into_iter().filter_map(|(name, page)| Some((name, page?))).try_for_each(|(name, page)| {
            WebAddress::parse(page.as_str(), kind).map(drop).map_err(|error| (name, error))
        })
    }
}

/// Which emails this server sends itself. The company sends the others: an event announces each, and the API provides
/// its code or link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DefaultMails {
    /// Invitations.
    pub invitation: bool,
    /// Sign-in codes.
    pub magic_auth: bool,
    /// Codes that verify an account's email address.
    pub email_verification: bool,
    /// Password reset links.
    pub password_reset: bool,
}

impl Default for DefaultMails {
    fn default() -> Self {
        Self { invitation: true, magic_auth: true, email_verification: true, password_reset: true }
    }
}

impl DefaultMails {
    fn named(self) -> [(&'static str, bool); 4] {
        [
            ("invitation", self.invitation),
            ("magic_auth", self.magic_auth),
            ("email_verification", self.email_verification),
            ("password_reset", self.password_reset),
        ]
    }

    /// The names of the emails that are switched off, in storage format.
    pub fn off(self) -> String {
        let off: Vec<&str> = self.named().into_iter().filter(|(_, sent)| !sent).map(|(name, _)| name).collect();
        off.join(" ")
    }

    /// Parses the storage format.
    pub fn without(off: &str) -> Self {
        let sent = |name| !off.split(' ').any(|word| word == name);
        Self {
            invitation: sent("invitation"),
            magic_auth: sent("magic_auth"),
            email_verification: sent("email_verification"),
            password_reset: sent("password_reset"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mails_that_are_off_stay_off() {
        assert_eq!((DefaultMails::default().off().as_str(), DefaultMails::without("")), ("", DefaultMails::default()));
        for bits in 0_u8..16 {
            let bit = |at: u8| bits & (1 << at) != 0;
            let mails = DefaultMails {
                invitation: bit(0),
                magic_auth: bit(1),
                email_verification: bit(2),
                password_reset: bit(3),
            };
            assert_eq!(DefaultMails::without(&mails.off()), mails);
        }
    }

    #[test]
    fn a_page_is_told_by_its_name() {
        let mut pages = ProductPages::default();
        for name in pages.clone().named().map(|(name, _)| name) {
            *pages.named_mut(name).unwrap() = Some(WebAddress::from_stored(format!("https://app.example.com/{name}")));
        }
        assert!(pages.named().iter().all(|(name, page)| page.unwrap().as_str().ends_with(name)));
        assert!(pages.named_mut("other").is_none());
        assert_eq!(pages.check(EnvironmentKind::Production), Ok(()));
        pages.invitation = Some(WebAddress::from_stored("http://localhost:3000/".into()));
        assert_eq!(pages.check(EnvironmentKind::Production), Err(("invitation", WebAddressError::NotHttps)));
        assert_eq!(pages.check(EnvironmentKind::Staging), Ok(()));
    }
}
