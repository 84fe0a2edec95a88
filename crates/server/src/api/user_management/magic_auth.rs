//! `/user_management/magic_auth`.

use super::users::MAX_EMAIL_LENGTH;
use crate::domain::Failure;
use crate::domain::organizations::invitations;
use crate::domain::users::{magic_auth, mailed_codes};
use crate::http::management::ManagementCall;
use crate::http::reply::Reply;
use countersign_protocol::model::is_email;

/// `POST /user_management/magic_auth`: mails a code, and returns it.
///
/// # Errors
/// 400 `invitation_invalid`, `authentication_method_not_allowed`, `sign_up_not_allowed`; 422, 429.
pub async fn create(call: ManagementCall) -> Result<Reply, Failure> {
    let mut fields = call.fields()?;
    let email = fields.required_text("email", MAX_EMAIL_LENGTH);
    if !email.is_empty() && !is_email(&email) {
        fields.refuse("email", "invalid", "email must be an address that mail can be sent to.");
    }
    let invitation_token = fields.optional_text("invitation_token", invitations::MAX_TOKEN_LENGTH).value();
    fields.finish()?;
    call.commit(|tx, act| {
        Box::pin(async move {
            let made = magic_auth::send(tx, &act, &email, invitation_token.as_deref()).await?;
            Ok(Reply::created(&mailed_codes::view(&act, &made)?).showing_secret())
        })
    })
    .await
}

/// `GET /user_management/magic_auth/{id}`.
///
/// # Errors
/// 404.
pub async fn get(call: ManagementCall) -> Result<Reply, Failure> {
    let act = call.act();
    let found = magic_auth::find(&mut call.reader().await?, &act, call.path.get("id")).await?;
    Ok(Reply::ok(&mailed_codes::view(&act, &found)?))
}
