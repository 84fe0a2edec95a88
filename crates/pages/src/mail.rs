//! The emails: each has a subject line, a text part and an HTML part.
//!
//! They contain names that others chose (an organization, an inviter), so these are put on one line and shortened: a
//! subject must not inject a header, and an invitation must not carry somebody's own message.

use askama::Template;

use crate::{Branding, Language, Page, Texts};

/// A complete email, except for its addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// The subject, always a single line.
    pub subject: String,
    /// The plain-text part.
    pub text: String,
    /// The HTML part, which loads nothing from elsewhere.
    pub html: String,
    /// The path of the picture that the HTML shows, which the email must attach as [`PICTURE_ID`].
    pub picture: Option<String>,
}

/// The Content-ID (RFC 2392) by which the HTML refers to its attached picture.
pub const PICTURE_ID: &str = "logo@branding";

/// The language and branding of an email.
#[derive(Clone, Copy, Debug)]
pub struct Style<'a> {
    /// The recipient's language.
    pub language: Language,
    /// The environment's branding, of which emails use the light colors.
    pub branding: &'a Branding,
}

/// The content of an email, from which both parts are rendered.
#[derive(Default)]
struct Content {
    subject: String,
    heading: String,
    before: Vec<String>,
    code: Option<String>,
    /// Label and URL.
    button: Option<(String, String)>,
    after: Vec<String>,
}

#[derive(Template)]
#[template(path = "mail.html")]
struct Html<'a> {
    style: Style<'a>,
    t: Texts,
    content: &'a Content,
}

#[derive(Template)]
#[template(path = "mail.txt")]
struct Text<'a> {
    name: &'a str,
    content: &'a Content,
}

impl Content {
    fn mail(self, style: Style<'_>) -> Mail {
        let content = &self;
        let text = Text { name: &one_line(&style.branding.name), content }.html();
        let html = Html { style, t: style.language.texts(), content }.html();
        let branding = style.branding;
        let picture = branding.logo.in_mail().map(|logo| logo.path).or(branding.mail_icon()).map(str::to_owned);
        Mail { subject: one_line(&self.subject), text, html, picture }
    }
}

impl Style<'_> {
    fn name(&self) -> String {
        one_line(&self.branding.name)
    }
}

/// Maximum length of a name.
const MAX_NAME_LENGTH: usize = 120;

/// Puts the text on one line and truncates it to the maximum length of a name.
fn one_line(text: &str) -> String {
    let clean =
        |letter: char| if letter.is_control() || matches!(letter, '\u{2028}' | '\u{2029}') { ' ' } else { letter };
    let words: String = text.chars().map(clean).collect::<String>().split_whitespace().collect::<Vec<_>>().join(" ");
    if words.chars().count() <= MAX_NAME_LENGTH {
        return words;
    }
    words.chars().take(MAX_NAME_LENGTH - 1).chain(['…']).collect()
}

/// The text below a code: about its link, if it has one, and how long the code is valid.
fn behind_code(t: Texts, minutes: u32, link: Option<&str>) -> Vec<String> {
    let same_browser = link.map(|_| t.mail_link_same_browser().to_owned());
    [Some(t.mail_valid(minutes)), same_browser, Some(t.mail_not_you().to_owned())].into_iter().flatten().collect()
}

/// The code that replaces a password; `link` leads to a page with the code filled in.
pub fn sign_in_code(style: Style<'_>, code: &str, minutes: u32, link: Option<&str>) -> Mail {
    let t = style.language.texts();
    Content {
        subject: t.mail_code_subject(code, &style.name()),
        heading: t.mail_code_heading().to_owned(),
        before: vec![t.mail_code_body(&style.name())],
        code: Some(one_line(code)),
        button: link.map(|link| (t.sign_in().to_owned(), link.to_owned())),
        after: behind_code(t, minutes, link),
    }
    .mail(style)
}

/// The code that verifies an email address; `link` leads to a page with the code filled in.
pub fn verify_email(style: Style<'_>, code: &str, minutes: u32, link: Option<&str>) -> Mail {
    let t = style.language.texts();
    Content {
        subject: t.mail_code_subject(code, &style.name()),
        heading: t.mail_verify_heading().to_owned(),
        before: vec![t.mail_verify_body(&style.name())],
        code: Some(one_line(code)),
        button: link.map(|link| (t.verify().to_owned(), link.to_owned())),
        after: behind_code(t, minutes, link),
    }
    .mail(style)
}

/// The password reset link.
pub fn reset_password(style: Style<'_>, link: &str, minutes: u32) -> Mail {
    let t = style.language.texts();
    Content {
        subject: t.mail_reset_subject(&style.name()),
        heading: t.choose_password().to_owned(),
        before: vec![t.mail_reset_body(&style.name())],
        button: Some((t.choose_password().to_owned(), link.to_owned())),
        after: vec![t.mail_link_valid(minutes), t.mail_reset_not_you().to_owned()],
        ..Content::default()
    }
    .mail(style)
}

/// How long an invitation is valid, as its email says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Valid<'a> {
    /// For at least this number of days.
    Days(u32),
    /// Until this time, in words.
    Until(&'a str),
}

impl<'a> Valid<'a> {
    /// Given the number of seconds left until `moment`: in days, unless less than one is left. Emails are read later
    /// than they are written, so an hour is ignored.
    pub fn of(seconds: i64, moment: &'a str) -> Self {
        match u32::try_from((seconds + 3600) / 86_400) {
            Ok(days @ 1..) => Self::Days(days),
            _ => Self::Until(moment),
        }
    }

    fn text(self, t: Texts) -> String {
        match self {
            Self::Days(1) => t.mail_invitation_valid_a_day().to_owned(),
            Self::Days(days) => t.mail_invitation_valid(days),
            Self::Until(moment) => t.mail_invitation_valid_until(moment),
        }
    }
}

/// A name chosen by a stranger, altered so that no mail program turns it into a link: otherwise invitations could
/// deliver anybody's URL to anybody.
fn no_link(name: &str) -> String {
    // An invisible character that does not allow a line break; programs see two words.
    const JOINER: char = '\u{2060}';
    let mut text = String::with_capacity(name.len());
    for letter in one_line(name).chars() {
        if matches!(letter, '.' | ':' | '@' | '/') {
            text.extend([JOINER, letter, JOINER]);
        } else {
            text.push(letter);
        }
    }
    text
}

/// An invitation to an organization.
pub fn invitation(style: Style<'_>, organization: &str, inviter: Option<&str>, link: &str, valid: Valid<'_>) -> Mail {
    let t = style.language.texts();
    let (subject, organization) = (t.mail_invitation_subject(&one_line(organization)), &no_link(organization));
    let invited = match inviter {
        Some(inviter) => t.invited_by(&no_link(inviter), organization),
        None => t.invited(organization),
    };
    Content {
        subject,
        heading: t.join(organization),
        before: vec![invited, t.mail_invitation_at(&style.name())],
        button: Some((t.accept_invitation().to_owned(), link.to_owned())),
        after: vec![valid.text(t), t.mail_invitation_unexpected().to_owned()],
        ..Content::default()
    }
    .mail(style)
}

/// Somebody signed up with an address that already has an account: its owner is told by email, while the page reveals
/// nothing.
pub fn account_exists(style: Style<'_>, sign_in: &str) -> Mail {
    let t = style.language.texts();
    Content {
        subject: t.mail_exists_subject(&style.name()),
        heading: t.mail_exists_subject(&style.name()),
        before: vec![t.mail_exists_body(&style.name())],
        button: Some((t.sign_in().to_owned(), sign_in.to_owned())),
        after: vec![t.mail_not_you().to_owned()],
        ..Content::default()
    }
    .mail(style)
}

/// The password was changed at `time`, in words; `reset` is for users who did not do this.
pub fn password_changed(style: Style<'_>, time: &str, reset: &str) -> Mail {
    let t = style.language.texts();
    Content {
        subject: t.mail_changed_subject(&style.name()),
        heading: t.mail_changed_subject(&style.name()),
        before: vec![t.mail_changed_body(&style.name(), &one_line(time)), t.mail_changed_not_you().to_owned()],
        button: Some((t.forgot_title().to_owned(), reset.to_owned())),
        ..Content::default()
    }
    .mail(style)
}

/// An authenticator app was added to the account at `time`, in words; `reset` is for users who did not do this.
pub fn second_factor_added(style: Style<'_>, time: &str, reset: Option<&str>) -> Mail {
    let t = style.language.texts();
    let subject = t.mail_factor_added_subject(&style.name());
    let body = t.mail_factor_added_body(&style.name(), &one_line(time));
    second_factor(style, subject, body, reset)
}

/// The authenticator app was removed from the account at `time`, in words; `reset` is for users who did not do this.
pub fn second_factor_removed(style: Style<'_>, time: &str, reset: Option<&str>) -> Mail {
    let t = style.language.texts();
    let subject = t.mail_factor_removed_subject(&style.name());
    let body = t.mail_factor_removed_body(&style.name(), &one_line(time));
    second_factor(style, subject, body, reset)
}

fn second_factor(style: Style<'_>, subject: String, body: String, reset: Option<&str>) -> Mail {
    let t = style.language.texts();
    // Without passwords there is nothing to reset; the operator of the service helps.
    let not_you = match reset {
        Some(_) => t.mail_changed_not_you().to_owned(),
        None => t.mail_moved_not_you(&style.name()),
    };
    Content {
        heading: subject.clone(),
        subject,
        before: vec![body, not_you],
        button: reset.map(|reset| (t.forgot_title().to_owned(), reset.to_owned())),
        ..Content::default()
    }
    .mail(style)
}

/// The account's email address was changed at `time`, in words; this goes to the old address.
pub fn email_changed(style: Style<'_>, new_email: &str, time: &str) -> Mail {
    let t = style.language.texts();
    Content {
        subject: t.mail_moved_subject(&style.name()),
        heading: t.mail_moved_subject(&style.name()),
        before: vec![
            t.mail_moved_body(&style.name(), &one_line(new_email), &one_line(time)),
            t.mail_moved_not_you(&style.name()),
        ],
        ..Content::default()
    }
    .mail(style)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Logo, Picture};

    const HOSTILE: &str = "<x-hostile>\"'&\r\nBcc: everybody@example.com";

    fn mails(language: Language, branding: &Branding, word: &str) -> Vec<Mail> {
        let style = Style { language, branding };
        vec![
            sign_in_code(style, word, 10, None),
            sign_in_code(style, word, 10, Some(word)),
            verify_email(style, word, 10, None),
            verify_email(style, word, 10, Some(word)),
            reset_password(style, word, 60),
            invitation(style, word, Some(word), word, Valid::Days(7)),
            invitation(style, word, None, word, Valid::Until(word)),
            account_exists(style, word),
            password_changed(style, word, word),
            email_changed(style, word, word),
            second_factor_added(style, word, Some(word)),
            second_factor_removed(style, word, None),
        ]
    }

    #[test]
    fn what_others_named_stays_on_its_line_and_is_no_markup() {
        let branding = Branding { name: HOSTILE.to_owned(), ..Branding::default() };
        for language in Language::ALL {
            for mail in mails(language, &branding, HOSTILE) {
                assert!(!mail.subject.contains(['\r', '\n']), "{}", mail.subject);
                assert!(!mail.html.contains("<x-hostile") && !mail.html.contains("\"'&"), "{}", mail.html);
                assert!(!mail.html.contains("<script") && !mail.html.contains("src="), "{}", mail.html);
                assert!(!mail.text.contains("{"), "{}", mail.text);
            }
        }
    }

    #[test]
    fn text_and_html_say_the_code_and_the_link() {
        let branding = Branding { name: "Acme & Sons".to_owned(), ..Branding::default() };
        let style = Style { language: Language::English, branding: &branding };
        let mail = sign_in_code(style, "123456", 10, None);
        assert_eq!(mail.subject, "123456 is your code for Acme & Sons");
        assert!(mail.text.contains("\n123456\n") && mail.html.contains("123456"), "{}", mail.text);
        let link = "https://id.example/sign-in/code?id=x&code=123456";
        let mail = verify_email(style, "123456", 10, Some(link));
        assert!(mail.text.contains(&format!("\n{link}\n")) && mail.text.contains("\n123456\n"), "{}", mail.text);
        assert!(mail.html.contains("href=\"https://id.example/sign-in/code?id=x&#38;code=123456\""), "{}", mail.html);
        let mail = reset_password(style, "https://id.example/reset?token=a&b=c", 60);
        assert!(mail.text.contains("\nhttps://id.example/reset?token=a&b=c\n"), "{}", mail.text);
        assert!(mail.html.contains("href=\"https://id.example/reset?token=a&#38;b=c\""), "{}", mail.html);
    }

    #[test]
    fn no_name_of_a_strangers_becomes_a_link() {
        let branding = Branding { name: "Acme.example".to_owned(), ..Branding::default() };
        let style = Style { language: Language::English, branding: &branding };
        let inviter = "Win at https://evil.example/x or mail a@evil.example";
        let mail = invitation(style, "evil.example", Some(inviter), "https://id.example/x", Valid::Days(7));
        // The title cannot be clicked.
        let (_, html) = mail.html.split_once("</title>").unwrap();
        for part in [&mail.text, html] {
            assert!(!part.contains("evil.example") && !part.contains("https://evil"), "{part}");
            assert!(part.contains("Acme.example") && part.contains("https://id.example/x"), "{part}");
        }
    }

    #[test]
    fn an_invitation_promises_no_more_time_than_it_has() {
        for (seconds, expected) in [
            (7 * 86_400, Valid::Days(7)),
            (7 * 86_400 - 3601, Valid::Days(6)),
            (86_400 - 3600, Valid::Days(1)),
            (86_400 - 3601, Valid::Until("then")),
            (0, Valid::Until("then")),
            (-1, Valid::Until("then")),
        ] {
            assert_eq!(Valid::of(seconds, "then"), expected, "{seconds}");
        }
    }

    #[test]
    fn a_picture_comes_along_and_is_loaded_from_nowhere() {
        let picture = |path: &str, seen_on_light| Picture {
            path: path.into(),
            width: 300,
            height: 100,
            seen_on_light,
            seen_on_dark: true,
        };
        let check = |logo: Option<Picture>, icon: Option<Picture>, expected: Option<&str>| {
            let branding = Branding { logo: Logo { light: logo, dark: None }, icon, ..Branding::default() };
            for mail in mails(Language::English, &branding, "x") {
                assert_eq!(mail.picture.as_deref(), expected);
                let shown = mail.html.matches("src=\"cid:logo@branding\"").count();
                assert_eq!((shown, mail.html.matches("src=").count()), (usize::from(expected.is_some()), shown));
            }
        };
        check(Some(picture("/logo.png", true)), Some(picture("/icon.png", true)), Some("/logo.png"));
        check(Some(picture("/logo.png", false)), Some(picture("/icon.png", true)), Some("/icon.png"));
        check(Some(picture("/logo.png", false)), Some(picture("/icon.png", false)), None);
        check(None, None, None);
    }

    #[test]
    fn long_names_are_shortened() {
        assert_eq!(one_line(" a \n b\u{2028}c "), "a b c");
        let long = one_line(&"ä".repeat(500));
        assert!(long.chars().count() == MAX_NAME_LENGTH && long.ends_with('…'));
    }
}
