//! `/portal/generate_link`: opens an organization's own page to anyone whom the company sends there.

use crate::domain::Failure;
use crate::domain::organizations::portal;
use crate::http::management::ManagementCall;
use crate::http::reply::Reply;
use countersign_protocol::management::error::ApiError;
use countersign_protocol::management::fields::{Fields, MAX_NAME_LENGTH};
use countersign_protocol::model::PortalIntent;
use serde_json::json;

/// The maximum length of a URL.
const MAX_URL_LENGTH: usize = 2000;

/// The intents of the link: all by default.
fn intents(fields: &mut Fields) -> Result<Vec<PortalIntent>, ApiError> {
    let Some(word) = fields.optional_text("intent", MAX_NAME_LENGTH).value() else {
        return Ok(PortalIntent::ALL.to_vec());
    };
    if let Some(intent) = PortalIntent::parse(&word) {
        return Ok(vec![intent]);
    }
    if PortalIntent::WITHOUT_PAGE.contains(&word.as_str()) {
        return Err(ApiError::Unprocessable {
            code: "portal_intent_not_supported",
            message: format!("There is no page for the intent '{word}' yet."),
        });
    }
    let known = PortalIntent::ALL.map(PortalIntent::as_str).join("', '");
    fields.refuse("intent", "invalid", format!("intent must be one of '{known}'."));
    Ok(Vec::new())
}

/// `POST /portal/generate_link`.
///
/// # Errors
/// 404 for the organization; 422.
pub async fn generate_link(call: ManagementCall) -> Result<Reply, Failure> {
    let mut fields = call.fields()?;
    let organization_id = fields.required_text("organization", 255);
    let intents = intents(&mut fields)?;
    let return_url = fields.nullable_text("return_url", MAX_URL_LENGTH).value();
    let success_url = fields.nullable_text("success_url", MAX_URL_LENGTH).value();
    fields.finish()?;
    let new = portal::NewLink { organization_id, intents, return_url, success_url };
    call.commit(move |tx, act| {
        Box::pin(async move {
            let link = portal::make_link(tx, &act, new).await?;
            Ok(Reply::created(&json!({"link": link})).showing_secret())
        })
    })
    .await
}
