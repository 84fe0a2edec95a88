//! `/user_management/jwt_template`: claims that the environment adds to users' access tokens.

use crate::domain::Failure;
use crate::domain::environments::jwt_templates;
use crate::http::management::ManagementCall;
use crate::http::reply::Reply;
use countersign_protocol::jwt_template::MAX_LENGTH;
use countersign_protocol::model::JwtTemplate;
use serde_json::{Value, json};

fn view(template: &JwtTemplate) -> Value {
    json!({
        "object": "jwt_template",
        "content": template.content,
        "created_at": template.created_at,
        "updated_at": template.updated_at,
    })
}

/// `GET /user_management/jwt_template`.
///
/// # Errors
/// 404 when there is none.
pub async fn get(call: ManagementCall) -> Result<Reply, Failure> {
    Ok(Reply::ok(&view(&jwt_templates::find(&mut call.reader().await?, &call.act()).await?)))
}

/// `PUT /user_management/jwt_template`.
///
/// # Errors
/// 422.
pub async fn put(call: ManagementCall) -> Result<Reply, Failure> {
    let mut fields = call.fields()?;
    let content = fields.required_lines("content", MAX_LENGTH);
    fields.finish()?;
    call.commit(|tx, act| Box::pin(async move { Ok(Reply::ok(&view(&jwt_templates::set(tx, &act, &content).await?))) }))
        .await
}
