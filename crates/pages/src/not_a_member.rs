use askama::Template;

use crate::{Form, Frame};

/// Tells the user that an application requests an organization they are not a member of. Posts `decision` with `deny`;
/// another account is a link.
#[derive(Clone, Copy, Debug, Template)]
#[template(path = "not_a_member.html")]
pub struct NotAMember<'a> {
    /// The page frame.
    pub frame: Frame<'a>,
    /// The form.
    pub form: Form<'a>,
    /// The name of the application.
    pub application: &'a str,
    /// The email address of the signed-in user.
    pub account: &'a str,
    /// Where the user signs in with another account.
    pub other_account: &'a str,
}
