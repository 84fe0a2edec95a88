//! Verification of a user's address: `/user_management/users/{id}/email_verification` and
//! `/user_management/email_verification`.

use crate::domain::Failure;
use crate::domain::users::authentications::ClientInfo;
use crate::domain::users::{self, email_verification, mailed_codes};
use crate::http::management::ManagementCall;
use crate::http::reply::Reply;
use countersign_protocol::management::views::user_view;
use serde_json::json;

/// The maximum length of a code: digits, and separators that users type between them.
pub(super) const MAX_CODE_LENGTH: usize = 32;

/// `POST /user_management/users/{id}/email_verification/send`.
///
/// # Errors
/// 400 `email_already_verified`, 404, 429.
pub async fn send(call: ManagementCall) -> Result<Reply, Failure> {
    call.fields()?.finish()?;
    let id = call.path.get("id").to_owned();
    call.commit(move |tx, act| {
        Box::pin(async move {
            let user = users::find_and_lock(tx, &act, &id).await?;
            email_verification::send(tx, &act, &user).await?;
            Ok(Reply::ok(&json!({"user": user_view(&user)})))
        })
    })
    .await
}

/// `POST /user_management/users/{id}/email_verification/confirm`.
///
/// # Errors
/// 400 `email_previously_verified` and `email_verification_code_…`, 404, 422, 429.
pub async fn confirm(call: ManagementCall) -> Result<Reply, Failure> {
    let mut fields = call.fields()?;
    let code = fields.required_text("code", MAX_CODE_LENGTH);
    fields.finish()?;
    let id = call.path.get("id").to_owned();
    call.settle(move |tx, act| {
        Box::pin(async move {
            let user = users::find(tx, &act, &id).await?;
            Ok(match email_verification::confirm(tx, &act, (user.id, &code), &ClientInfo::default()).await? {
                Ok(user) => Ok(Reply::ok(&json!({"user": user_view(&user)}))),
                Err(refused) => Err(email_verification::refusal(refused, &act)),
            })
        })
    })
    .await
}

/// `GET /user_management/email_verification/{id}`.
///
/// # Errors
/// 404.
pub async fn get(call: ManagementCall) -> Result<Reply, Failure> {
    let act = call.act();
    let found = email_verification::find(&mut call.reader().await?, &act, call.path.get("id")).await?;
    Ok(Reply::ok(&mailed_codes::view(&act, &found)?))
}
