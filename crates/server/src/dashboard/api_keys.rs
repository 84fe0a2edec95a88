//! `/dashboard/env/{environment}/api-keys`: API keys of the management API.

use super::call::DashboardCall;
use super::field;
use super::page::{refused, reply, when};
use crate::domain::Failure;
use crate::domain::environments::environment_api_keys;
use crate::hosted::page::PageError;
use crate::http::reply::Reply;
use countersign_pages::dashboard::{ApiKeyRow, ApiKeys, Section};
use countersign_protocol::management::fields::MAX_NAME_LENGTH;
use countersign_protocol::secret::Secret;
use countersign_store::environment_api_key;
use http::StatusCode;
use serde_json::json;

async fn show(
    call: &DashboardCall,
    fresh: Option<&Secret>,
    wrong: Option<(String, String)>,
    status: StatusCode,
) -> Result<Reply, PageError> {
    let mut reader = call.page.app.store.reader().await?;
    let all = environment_api_key::list(&mut reader, call.environment.id()).await?;
    drop(reader);
    let rows: Vec<ApiKeyRow> = all
        .into_iter()
        .rev()
        .map(|key| ApiKeyRow {
            id: key.id.to_string(),
            name: key.name,
            hint: key.hint,
            created: when(key.created_at),
            used: key.last_used_at.map_or_else(|| "Never".to_owned(), when),
        })
        .collect();
    let (name, shell) = match wrong {
        Some((typed, problem)) => (typed, call.shell_with(Section::ApiKeys, Some(problem))),
        None => (String::new(), call.shell(Section::ApiKeys)),
    };
    let page = ApiKeys {
        shell: &shell,
        rows: &rows,
        fresh: fresh.map(Secret::expose),
        name: &name,
        api: call.page.app.public_url.as_str(),
    };
    Ok(reply(status, &page))
}

/// The list, newest first.
///
/// # Errors
/// Database errors.
pub async fn get(call: &DashboardCall) -> Result<Reply, PageError> {
    show(call, None, None, StatusCode::OK).await
}

/// Creates a key. Its value is shown only in this response.
///
/// # Errors
/// Database errors.
pub async fn create(call: &DashboardCall) -> Result<Reply, PageError> {
    let form = call.page.form()?;
    let read = || {
        let mut fields = field::as_body(&json!({"name": field::or_null(&form, "name")}))?;
        let name = fields.required_text("name", MAX_NAME_LENGTH);
        fields.finish()?;
        Ok::<_, Failure>(name)
    };
    let act = call.act();
    let made = match read() {
        Ok(name) => {
            call.commit(move |tx| Box::pin(async move { environment_api_keys::create(tx, &act, &name).await })).await
        }
        Err(failure) => Err(failure),
    };
    match made {
        Ok((_, value)) => show(call, Some(&value), None, StatusCode::CREATED).await,
        Err(failure) => {
            let wrong = Some((field::text(&form, "name").to_owned(), refused(failure)?));
            show(call, None, wrong, StatusCode::UNPROCESSABLE_ENTITY).await
        }
    }
}

/// Deletes a key, which stops working at once.
///
/// # Errors
/// 404.
pub async fn revoke(call: &DashboardCall) -> Result<Reply, PageError> {
    let form = call.page.form()?;
    let (act, id) = (call.act(), field::text(&form, "api_key_id").to_owned());
    call.commit(move |tx| Box::pin(async move { environment_api_keys::revoke(tx, &act, &id).await })).await?;
    call.to("/api-keys?done=revoked")
}
