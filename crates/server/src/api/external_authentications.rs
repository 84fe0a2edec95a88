//! `/authkit/oauth2/complete`: the company's own login reports who has signed in (Standalone Connect).

use crate::api::user_management::users::MAX_EMAIL_LENGTH;
use crate::domain::connect::external_authentications::{self, Profile};
use crate::domain::{Failure, audit_log};
use crate::http::management::ManagementCall;
use crate::http::reply::Reply;
use countersign_protocol::management::consent_options;
use countersign_protocol::management::error::ApiError;
use countersign_protocol::management::fields::{MAX_EXTERNAL_ID_LENGTH, MAX_NAME_LENGTH};
use serde_json::json;

/// The maximum length of an `external_auth_id`.
const MAX_ID_LENGTH: usize = 128;

/// Invalid metadata is a 422 in the reference here, but a 400 where users are created.
fn unprocessable(failure: Failure) -> Failure {
    match failure {
        Failure::Refused(ApiError::BadRequest { code: code @ "invalid_metadata", message }) => {
            Failure::invalid("user.metadata", code, message)
        }
        failure => failure,
    }
}

/// `POST /authkit/oauth2/complete`.
///
/// # Errors
/// 400, 404, 422: see [`external_authentications::complete`].
pub async fn complete(call: ManagementCall) -> Result<Reply, Failure> {
    let mut fields = call.fields()?;
    let id = fields.required_text("external_auth_id", MAX_ID_LENGTH);
    let mut user = fields.required_object("user");
    let external_id = user.required_text("id", MAX_EXTERNAL_ID_LENGTH);
    if !external_id.is_ascii() {
        user.refuse("id", "invalid", "id must consist of ASCII characters.");
    }
    let profile = Profile {
        external_id,
        email: user.required_text("email", MAX_EMAIL_LENGTH),
        first_name: user.nullable_text("first_name", MAX_NAME_LENGTH).value(),
        last_name: user.nullable_text("last_name", MAX_NAME_LENGTH).value(),
        name: user.nullable_text("name", MAX_NAME_LENGTH).value(),
        metadata: user.metadata().value(),
    };
    fields.join("user", user);
    let options = consent_options::read(&mut fields);
    fields.finish().map_err(|error| unprocessable(error.into()))?;
    consent_options::check_claims(&options)?;
    call.commit(move |tx, act| {
        Box::pin(async move {
            // This is a sign-in, which events report.
            audit_log::mark_unchanged(&act);
            let completed = external_authentications::complete(tx, &act, &id, profile, &options).await;
            let redirect_uri = completed.map_err(unprocessable)?;
            Ok(Reply::ok(&json!({ "redirect_uri": redirect_uri })).showing_secret().no_store())
        })
    })
    .await
}
