//! Messages, queued in the transaction of what they report.

use crate::date_time::moment;
use crate::domain::environments::branding;
use crate::domain::users::{mailed_codes, password_resets};
use crate::domain::{Act, Failure};
use countersign_pages::Language;
use countersign_pages::mail::{self as pages, Mail};
use countersign_protocol::id::MailId;
use countersign_protocol::model::{Invitation, User, shown_name};
use countersign_protocol::secret::Secret;
use countersign_protocol::time::Timestamp;
use countersign_store::mail::{self, QueuedMail};
use countersign_store::{Tx, organization, user};
use serde::{Deserialize, Serialize};

/// A message as sealed in the queue.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Message {
    /// The recipient.
    pub to: String,
    /// Its subject.
    pub subject: String,
    /// The body as text.
    pub text: String,
    /// The body as HTML.
    pub html: String,
    /// The digest of the picture that the HTML shows, which is attached when the message is sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub picture: Option<String>,
    /// When the code or link in it expires; it is not sent after that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub good_until: Option<Timestamp>,
}

/// Queues a message; one with a code or a link states when that expires.
///
/// # Errors
/// Database errors.
pub async fn queue(
    tx: &mut Tx,
    act: &Act,
    to: &str,
    content: Mail,
    good_until: Option<Timestamp>,
) -> Result<(), Failure> {
    let Mail { subject, text, html, picture } = content;
    let picture = picture.and_then(|path| branding::picture_named(path.strip_prefix(branding::FOLDER)?));
    let picture = picture.map(|digest| digest.to_string());
    let message = Message { to: to.to_owned(), subject, text, html, picture, good_until };
    let id: MailId = act.entropy.id(act.now)?;
    let plain = serde_json::to_vec(&message).map_err(Failure::internal)?;
    let environment = act.environment_id.to_string();
    let sealed = act
        .keyring
        .mail
        .seal(&["mail", &environment, &id.to_string()], &plain, act.entropy.bytes()?)
        .map_err(Failure::internal)?;
    let queued = QueuedMail {
        environment_id: act.environment_id,
        id,
        sealed_message: sealed,
        attempts: 0,
        next_at: Some(act.now),
        created_at: act.now,
    };
    Ok(mail::insert(tx, &queued).await?)
}

/// Opens a sealed message.
///
/// # Errors
/// If it was not sealed by this installation.
pub fn open(keyring: &crate::keys::keyring::Keyring, queued: &QueuedMail) -> Result<Message, Failure> {
    let environment = queued.environment_id.to_string();
    let plain = keyring
        .mail
        .open(&["mail", &environment, &queued.id.to_string()], &queued.sealed_message)
        .map_err(Failure::internal)?;
    serde_json::from_slice(&plain).map_err(Failure::internal)
}

/// The language that a user reads, if known.
fn read_by(user: &User) -> Option<Language> {
    user.locale.as_deref().and_then(Language::parse)
}

/// The language of messages to a user.
pub fn language_of(user: &User) -> Language {
    read_by(user).unwrap_or_default()
}

/// The mail with a sign-in code, for a sign-in page of the company's own.
///
/// # Errors
/// Database errors.
pub async fn sign_in_code(tx: &mut Tx, act: &Act, user: &User, digits: &Secret) -> Result<(), Failure> {
    let branding = branding::look(&act.product, &act.brand);
    let style = pages::Style { language: language_of(user), branding: &branding };
    let mail = pages::sign_in_code(style, digits.expose(), mailed_codes::MINUTES, None);
    queue(tx, act, &user.email, mail, Some(mailed_codes::good_until(act))).await
}

/// The mail with a code that verifies an address: an account's current or future one.
///
/// # Errors
/// Database errors.
pub async fn verification_code(tx: &mut Tx, act: &Act, user: &User, to: &str, digits: &Secret) -> Result<(), Failure> {
    let branding = branding::look(&act.product, &act.brand);
    let style = pages::Style { language: language_of(user), branding: &branding };
    let mail = pages::verify_email(style, digits.expose(), mailed_codes::MINUTES, None);
    queue(tx, act, to, mail, Some(mailed_codes::good_until(act))).await
}

/// The mail with a password-reset link.
///
/// # Errors
/// Database errors.
pub async fn password_reset(tx: &mut Tx, act: &Act, to: &str, link: &str, language: Language) -> Result<(), Failure> {
    let branding = branding::look(&act.product, &act.brand);
    let style = pages::Style { language, branding: &branding };
    let good_until = act.now.plus_secs(i64::from(password_resets::MINUTES) * 60);
    queue(tx, act, to, pages::reset_password(style, link, password_resets::MINUTES), Some(good_until)).await
}

/// The mail that notifies a user of a changed password; `page` is the language of the page on which it was set.
///
/// # Errors
/// Database errors.
pub async fn password_changed(tx: &mut Tx, act: &Act, user: &User, page: Option<Language>) -> Result<(), Failure> {
    let branding = branding::look(&act.product, &act.brand);
    let language = read_by(user).or(page).unwrap_or_default();
    let reset = format!("{}/forgot-password", act.issuer);
    let mail =
        pages::password_changed(pages::Style { language, branding: &branding }, &moment(act.now, language), &reset);
    queue(tx, act, &user.email, mail, None).await
}

/// The mail that notifies a user that an authenticator application was added as a second factor; `page` is the language
/// of the page on which it was set up.
///
/// # Errors
/// Database errors.
pub async fn second_factor_added(tx: &mut Tx, act: &Act, user: &User, page: Option<Language>) -> Result<(), Failure> {
    second_factor(tx, act, user, page, pages::second_factor_added).await
}

/// The mail that notifies a user that the authenticator application was removed as a second factor.
///
/// # Errors
/// Database errors.
pub async fn second_factor_removed(tx: &mut Tx, act: &Act, user: &User, page: Option<Language>) -> Result<(), Failure> {
    second_factor(tx, act, user, page, pages::second_factor_removed).await
}

async fn second_factor(
    tx: &mut Tx,
    act: &Act,
    user: &User,
    page: Option<Language>,
    content: fn(pages::Style<'_>, &str, Option<&str>) -> Mail,
) -> Result<(), Failure> {
    let branding = branding::look(&act.product, &act.brand);
    let language = read_by(user).or(page).unwrap_or_default();
    let reset = act.authentication.password.then(|| format!("{}/forgot-password", act.issuer));
    let style = pages::Style { language, branding: &branding };
    let mail = content(style, &moment(act.now, language), reset.as_deref());
    queue(tx, act, &user.email, mail, None).await
}

/// The mail to an account's previous address, to alert its reader to the change.
///
/// # Errors
/// Database errors.
pub async fn email_changed(tx: &mut Tx, act: &Act, before: &User, new_email: &str) -> Result<(), Failure> {
    let branding = branding::look(&act.product, &act.brand);
    let language = language_of(before);
    let mail =
        pages::email_changed(pages::Style { language, branding: &branding }, new_email, &moment(act.now, language));
    queue(tx, act, &before.email, mail, None).await
}

/// The mail with an invitation's link, in the requested language, or else in the invited user's.
///
/// # Errors
/// Database errors.
pub async fn invitation(
    tx: &mut Tx,
    act: &Act,
    invitation: &Invitation,
    token: &Secret,
    locale: Option<&str>,
) -> Result<(), Failure> {
    let branding = branding::look(&act.product, &act.brand);
    let language = match locale.and_then(Language::parse) {
        Some(language) => language,
        None => {
            let invited = user::find_by_email(tx, act.environment_id, &invitation.email).await?;
            invited.as_ref().map(language_of).unwrap_or_default()
        }
    };
    let organization = match invitation.organization_id {
        Some(id) => organization::find(tx, act.environment_id, id).await?.map(|found| found.name),
        None => None,
    };
    let inviter = match invitation.inviter_user_id {
        Some(id) => user::find(tx, act.environment_id, id).await?.and_then(|found| found.full_name()),
        None => None,
    };
    let content = pages::invitation(
        pages::Style { language, branding: &branding },
        organization.as_deref().and_then(shown_name).as_deref().unwrap_or(&act.product),
        inviter.as_deref().and_then(shown_name).as_deref(),
        &crate::domain::organizations::invitations::url(act, token),
        pages::Valid::of(invitation.expires_at.as_secs() - act.now.as_secs(), &moment(invitation.expires_at, language)),
    );
    queue(tx, act, &invitation.email, content, Some(invitation.expires_at)).await
}
