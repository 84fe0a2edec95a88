//! `/user_management/password_reset`.

use super::users::MAX_EMAIL_LENGTH;
use crate::domain::Failure;
use crate::domain::users::password_resets::{self, passwords_off};
use crate::http::management::ManagementCall;
use crate::http::reply::Reply;
use crate::passwords::strength;
use countersign_protocol::management::error::ApiError;
use countersign_protocol::management::views::user_view;
use countersign_store::user;
use serde_json::json;

/// `POST /user_management/password_reset`: mails a link, and returns it.
///
/// # Errors
/// 403 `email_password_auth_disabled`, 404 for an address without an account, 422, 429.
pub async fn create(call: ManagementCall) -> Result<Reply, Failure> {
    let mut fields = call.fields()?;
    let email = fields.required_text("email", MAX_EMAIL_LENGTH);
    fields.finish()?;
    call.commit(|tx, act| {
        Box::pin(async move {
            let made = password_resets::send(tx, &act, &email).await?;
            Ok(Reply::created(&password_resets::view(&act, &made)?).showing_secret())
        })
    })
    .await
}

/// `GET /user_management/password_reset/{id}`.
///
/// # Errors
/// 404.
pub async fn get(call: ManagementCall) -> Result<Reply, Failure> {
    let act = call.act();
    let found = password_resets::find(&mut call.reader().await?, &act, call.path.get("id")).await?;
    Ok(Reply::ok(&password_resets::view(&act, &found)?))
}

/// The error for a password that was not reset.
fn refused(reason: &'static str, message: impl Into<String>) -> Failure {
    Failure::Refused(ApiError::NotPossible {
        code: "password_reset_error",
        message: "The password could not be reset.".to_owned(),
        reasons: vec![(reason, message.into())],
    })
}

fn used() -> Failure {
    refused("password_reset_token_used", "The token was used before, or the account has changed since.")
}

/// `POST /user_management/password_reset/confirm`: sets a new password, verifies the address, and ends every session.
///
/// # Errors
/// 400 `password_reset_error`, 403 `email_password_auth_disabled`, 404 for an unknown token, 422; 503 when too many
/// passwords are being hashed.
pub async fn confirm(call: ManagementCall) -> Result<Reply, Failure> {
    let mut fields = call.fields()?;
    let (token, password) = (fields.secret("token").value(), fields.secret("new_password").value());
    if token.as_ref().is_none_or(|token| token.expose().is_empty()) {
        fields.require("token", "token is required.");
    }
    if password.as_ref().is_none_or(|password| password.expose().is_empty()) {
        fields.require("new_password", "new_password is required.");
    }
    fields.finish()?;
    let (Some(token), Some(password)) = (token, password) else { return Err(used()) };
    let act = call.act();
    if !act.authentication.password {
        return Err(Failure::Refused(passwords_off()));
    }
    let mut reader = call.reader().await?;
    let found = password_resets::find_by_token(&mut reader, &act, token.expose()).await?;
    // The token itself is not repeated: it may be a valid one with an extra letter.
    let reset = found.ok_or_else(|| Failure::not_found("Password reset token", token.hint(4)))?;
    let person = user::find(&mut reader, act.environment_id, reset.user_id).await?;
    drop(reader);
    if reset.used_at.is_none() && act.now >= reset.expires_at {
        return Err(refused("password_reset_token_expired", "The token has expired."));
    }
    // Nothing is hashed for a used token: only a retry of the request that used it succeeds, with the stored response.
    let hash = if reset.used_at.is_some() {
        None
    } else {
        let names = person.iter().flat_map(|person| [&person.first_name, &person.last_name, &person.name]);
        let mut known: Vec<&str> = names.flatten().map(String::as_str).collect();
        known.push(&reset.email);
        strength(password.expose(), &known).map_err(|weakness| refused(weakness.code(), weakness.message()))?;
        Some(call.app.passwords.hash(password).await?)
    };
    call.commit(move |tx, act| {
        Box::pin(async move {
            let hash = hash.ok_or_else(used)?;
            match password_resets::confirm(tx, &act, &reset, &hash, None).await? {
                Some(user) => Ok(Reply::ok(&json!({"user": user_view(&user)}))),
                None => Err(used()),
            }
        })
    })
    .await
}
