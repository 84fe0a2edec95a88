//! `/authkit/oauth2/complete`: the company's own login reports who has signed in (Standalone Connect).

use crate::api::user_management::users::LONGEST_EMAIL;
use crate::domain::connect::external_authentications::{self, Profile};
use crate::domain::{Failure, audit_log};
use crate::http::management::ManagementCall;
use crate::http::reply::Reply;
use countersign_protocol::management::consent_options;
use countersign_protocol::management::error::ApiError;
use countersign_protocol::management::fields::{LONGEST_EXTERNAL_ID, LONGEST_NAME};
use serde_json::json;

/// The maximum length of an `external_auth_id`.
const LONGEST_ID: usize = 128;

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
    let id = fields.required_text("external_auth_id", LONGEST_ID);
    let mut user = fields.required_object("user");
    let external_id = user.required_text("id", LONGEST_EXTERNAL_ID);
    if !external_id.is_ascii() {
        user.refuse("id", "invalid", "id must consist of ASCII characters.");
    }
    let profile = Profile {
        external_id,
        email: user.required_text("email", LONGEST_EMAIL),
        first_name: user.text_or_nothing("first_name", LONGEST_NAME).value(),
        last_name: user.text_or_nothing("last_name", LONGEST_NAME).value(),
        name: user.text_or_nothing("name", LONGEST_NAME).value(),
        metadata: user.metadata().value(),
    };
    fields.join("user", user);
    let options = consent_options::read(&mut fields);
    fields.finish().map_err(|error| unprocessable(error.into()))?;
    consent_options::check_claims(&options)?;
    call.commit(move |tx, act| {
        Box::pin(async move {
            // This is a sign-in, which events report.
            audit_log::nothing_done(&act);
            let completed = external_authentications::complete(tx, &act, &id, profile, &options).await;
            let redirect_uri = completed.map_err(unprocessable)?;
            Ok(Reply::ok(&json!({ "redirect_uri": redirect_uri })).showing_secret().no_store())
        })
    })
    .await
}
