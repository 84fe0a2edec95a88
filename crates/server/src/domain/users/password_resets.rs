//! Password resets: a mailed link that sets a new password, once. The hosted page and the API share them.

use crate::domain::sessions::everywhere::end_all;
use crate::domain::users::address_proof::address_proven;
use crate::domain::{Act, Failure, attempts, events, mails, users};
use countersign_pages::Language;
use countersign_protocol::id::{PasswordResetId, UserId};
use countersign_protocol::management::error::ApiError;
use countersign_protocol::model::{User, email_key};
use countersign_protocol::secret::{Secret, SecretKind};
use countersign_store::password_reset::{self, PasswordReset};
use countersign_store::{Query, Tx, user};
use serde_json::{Value, json};

/// The error when the environment has disabled passwords.
pub fn passwords_off() -> ApiError {
    ApiError::Forbidden {
        code: "email_password_auth_disabled",
        message: "Signing in with a password is switched off here.".to_owned(),
    }
}

/// The lifetime of a link, in minutes.
pub const MINUTES: u32 = 60;

/// The maximum length of a text that is looked up as a token.
const MAX_TOKEN_LENGTH: usize = 128;

fn context(act: &Act, id: PasswordResetId) -> [String; 3] {
    ["password-reset-token".to_owned(), act.environment_id.to_string(), id.to_string()]
}

/// The link in a reset's mail.
fn url(act: &Act, token: &Secret) -> String {
    match &act.product_pages.password_reset {
        Some(page) => page.with(&[("token", token.expose())]),
        None => format!("{}/reset-password?token={}", act.issuer, token.expose()),
    }
}

/// A reset in events, without its token.
fn event_view(reset: &PasswordReset) -> Value {
    json!({
        "object": "password_reset",
        "id": reset.id,
        "user_id": reset.user_id,
        "email": reset.email,
        "expires_at": reset.expires_at,
        "created_at": reset.created_at,
    })
}

/// A reset as the API returns it.
///
/// # Errors
/// An internal error when the sealed token does not open.
pub fn view(act: &Act, reset: &PasswordReset) -> Result<Value, Failure> {
    let context = context(act, reset.id);
    let context: Vec<&str> = context.iter().map(String::as_str).collect();
    let opened = act.keyring.password_reset_token.open(&context, &reset.sealed_token).map_err(Failure::internal)?;
    let token = Secret::new(String::from_utf8(opened.to_vec()).map_err(Failure::internal)?);
    let mut view = event_view(reset);
    view["password_reset_token"] = token.expose().into();
    view["password_reset_url"] = url(act, &token).into();
    Ok(view)
}

/// Creates a reset for an account and mails its link in a language, unless the company sends this mail itself.
///
/// # Errors
/// Database errors.
pub async fn create(tx: &mut Tx, act: &Act, user: &User, language: Language) -> Result<PasswordReset, Failure> {
    let (reset, url) = make(tx, act, user).await?;
    if act.default_mails.password_reset {
        mails::password_reset(tx, act, &user.email, &url, language).await?;
    }
    Ok(reset)
}

/// Creates a reset for an account; also returns its link, for a caller that passes it on.
///
/// # Errors
/// Database errors.
pub async fn make(tx: &mut Tx, act: &Act, user: &User) -> Result<(PasswordReset, String), Failure> {
    let (id, token): (PasswordResetId, Secret) =
        (act.entropy.id(act.now)?, act.entropy.secret(SecretKind::PasswordReset)?);
    let context = context(act, id);
    let context: Vec<&str> = context.iter().map(String::as_str).collect();
    let plain = token.expose().as_bytes();
    let sealed_token =
        act.keyring.password_reset_token.seal(&context, plain, act.entropy.bytes()?).map_err(Failure::internal)?;
    let reset = PasswordReset {
        id,
        user_id: user.id,
        email: user.email.clone(),
        sealed_token,
        used_at: None,
        expires_at: act.now.plus_secs(i64::from(MINUTES) * 60),
        created_at: act.now,
    };
    let digest = act.keyring.password_reset.digest(token.expose());
    password_reset::insert(tx, act.environment_id, &reset, &digest).await?;
    events::record(tx, act, "password_reset.created", None, &event_view(&reset)).await?;
    Ok((reset, url(act, &token)))
}

/// Mails a link to the user with an address, in their language, on behalf of an API client or a staff member.
///
/// # Errors
/// 403 `email_password_auth_disabled`; 404 for an address without an account; 429.
pub async fn send(tx: &mut Tx, act: &Act, email: &str) -> Result<PasswordReset, Failure> {
    if !act.authentication.password {
        return Err(Failure::Refused(passwords_off()));
    }
    attempts::count_mail(tx, act, "password reset to", &email_key(email)).await?;
    let found = user::find_by_email(tx, act.environment_id, email).await?;
    let user = found.ok_or_else(|| Failure::not_found("User", email))?;
    create(tx, act, &user, mails::language_of(&user)).await
}

/// Looks up the reset with this identifier, as received.
///
/// # Errors
/// 404.
pub async fn find(query: &mut impl Query, act: &Act, id: &str) -> Result<PasswordReset, Failure> {
    let missing = || Failure::not_found("Password reset", id);
    let parsed = PasswordResetId::parse(id).map_err(|_| missing())?;
    password_reset::find(query, act.environment_id, parsed).await?.ok_or_else(missing)
}

/// Looks up the reset whose link has this token, valid or not.
///
/// # Errors
/// Database errors.
pub async fn find_by_token(query: &mut impl Query, act: &Act, token: &str) -> Result<Option<PasswordReset>, Failure> {
    if token.len() > MAX_TOKEN_LENGTH {
        return Ok(None);
    }
    let digest = act.keyring.password_reset.digest(token);
    Ok(password_reset::find_by_digest(query, act.environment_id, &digest).await?)
}

/// Sets the password from a reset link, marks the address it was sent to as verified, and ends every session. Returns
/// `None` when the link was used in the meantime or has expired, or the account has another address by now. `page` is
/// the language of the page.
///
/// # Errors
/// Database errors.
pub async fn confirm(
    tx: &mut Tx,
    act: &Act,
    reset: &PasswordReset,
    password_hash: &str,
    page: Option<Language>,
) -> Result<Option<User>, Failure> {
    user::lock(tx, act.environment_id, reset.user_id).await?;
    // Of all concurrent requests with the link, the first one uses it up.
    if act.now >= reset.expires_at || !password_reset::use_up(tx, act.environment_id, reset.id, act.now).await? {
        return Ok(None);
    }
    if !reset_password(tx, act, reset.user_id, &reset.email, password_hash).await? {
        return Ok(None);
    }
    events::record(tx, act, "password_reset.succeeded", None, &event_view(reset)).await?;
    let user = users::find(tx, act, &reset.user_id.to_string()).await?;
    mails::password_changed(tx, act, &user, page).await?;
    Ok(Some(user))
}

/// Sets a new password after a mailed link has proven the account's address, and ends every session.
///
/// # Errors
/// Database errors.
async fn reset_password(tx: &mut Tx, act: &Act, id: UserId, email: &str, password_hash: &str) -> Result<bool, Failure> {
    if !address_proven(tx, act, id, email, true).await? {
        return Ok(false);
    }
    password_reset::use_up_all(tx, act.environment_id, id, act.now).await?;
    user::set_password_hash(tx, act.environment_id, id, password_hash, act.now).await?;
    end_all(tx, act, id).await?;
    Ok(true)
}
