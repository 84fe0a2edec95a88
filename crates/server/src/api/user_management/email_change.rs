//! Changing a user's address: `/user_management/users/{id}/email_change`.

use super::email_verification::MAX_CODE_LENGTH;
use crate::domain::Failure;
use crate::domain::users::{self, email_change};
use crate::http::management::ManagementCall;
use crate::http::reply::Reply;
use countersign_protocol::management::fields::MAX_NAME_LENGTH;
use countersign_protocol::management::views::user_view;
use serde_json::json;

/// `POST /user_management/users/{id}/email_change/send`.
///
/// # Errors
/// 404, 409 `email_change_not_needed`, `email_change_not_allowed` and `email_not_available`, 422, 429.
pub async fn send(call: ManagementCall) -> Result<Reply, Failure> {
    let mut fields = call.fields()?;
    // An overlong address is rejected as an invalid address, with that error.
    let new_email = fields.required_text("new_email", MAX_NAME_LENGTH);
    fields.finish()?;
    let id = call.path.get("id").to_owned();
    call.commit(move |tx, act| {
        Box::pin(async move {
            let user = users::find_and_lock(tx, &act, &id).await?;
            let change = email_change::send(tx, &act, &user, &new_email).await?;
            Ok(Reply::ok(&email_change::view(&change, &user)))
        })
    })
    .await
}

/// `POST /user_management/users/{id}/email_change/confirm`.
///
/// # Errors
/// 400, 404, 409, 422, 429 `email_change_too_many_attempts`.
pub async fn confirm(call: ManagementCall) -> Result<Reply, Failure> {
    let mut fields = call.fields()?;
    let code = fields.required_text("code", MAX_CODE_LENGTH);
    fields.finish()?;
    let id = call.path.get("id").to_owned();
    call.settle(move |tx, act| {
        Box::pin(async move {
            let user = users::find_and_lock(tx, &act, &id).await?;
            Ok(match email_change::confirm(tx, &act, user, &code).await? {
                Ok(user) => Ok(Reply::ok(&json!({"object": "email_change_confirmation", "user": user_view(&user)}))),
                Err(refused) => Err(email_change::refusal(refused, &act)),
            })
        })
    })
    .await
}
