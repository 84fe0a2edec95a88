//! `/portal/machines`: applications of the organization and their secrets.

use super::call::PortalCall;
use super::page::{Part, Told, pager};
use super::{in_words, new};
use crate::domain::Failure;
use crate::domain::organizations::portal;
use crate::hosted::consent;
use crate::hosted::page::{PageError, branding};
use crate::http::reply::Reply;
use countersign_pages::portal::{Machine, MachineSecret, Machines};
use countersign_protocol::id::ApplicationId;
use countersign_protocol::management::error::ApiError;
use countersign_protocol::management::page::PageRequest;
use countersign_protocol::management::query::Query;
use countersign_protocol::model::{
    ApplicationKind, ClientType, ConnectApplication, MAX_CLIENT_SECRETS, PortalCredentials,
};
use countersign_protocol::secret::Secret;
use countersign_store::application::{self, Filter};
use countersign_store::client_secret;
use http::StatusCode;

/// The list, paginated, newest first; the value of a new secret is shown only in this response.
async fn show(
    call: &PortalCall,
    fresh: Option<(&ConnectApplication, &Secret)>,
    told: Told,
    status: StatusCode,
) -> Result<Reply, PageError> {
    // The reply to a POST is always the first page, whatever the query says.
    let asked = if call.page.keeps.is_some() { call.page.uri.query().unwrap_or("") } else { "" };
    let query = Query::parse(asked).map_err(Failure::from)?;
    let request = PageRequest::parse(&query, |text| ApplicationId::parse(text).ok()).map_err(Failure::from)?;
    let filter = Filter { organization_id: Some(call.organization.id), authenticated: true, ..Filter::default() };
    let mut reader = call.page.app.store.reader().await?;
    let rows = application::list(&mut reader, call.environment_id(), filter, &request.slice()).await?;
    let page = request.page(rows, |row| row.id);
    let mut machines = Vec::with_capacity(page.data.len());
    for row in &page.data {
        let mut secrets = Vec::new();
        for secret in client_secret::list(&mut reader, call.environment_id(), row.id).await?.iter().rev() {
            secrets.push(MachineSecret {
                id: secret.id.to_string(),
                hint: secret.hint.clone(),
                created: call.when(secret.created_at),
                by: in_words(call, &mut reader, secret.made_by).await?,
                used: call.used(secret.last_used_at),
            });
        }
        let access = consent::in_words(&call.page, &mut reader, &row.scopes, call.language()).await?;
        machines.push(Machine {
            id: row.id.to_string(),
            name: row.name.clone(),
            client_id: row.client_name().to_string(),
            signs_people_in: matches!(row.kind, ApplicationKind::OAuth { .. }),
            keeps_secrets: !matches!(row.kind, ApplicationKind::OAuth { client_type: ClientType::Public, .. }),
            offered: portal::is_offered(&call.page.environment.environment.portal.permissions, row),
            access: access.into_iter().map(|(name, _)| name).collect(),
            created: call.when(row.created_at),
            room: secrets.len() < MAX_CLIENT_SECRETS,
            secrets,
        });
    }
    drop(reader);
    let branding = branding(&call.page);
    let shown = fresh.map(|(of, value)| (of.client_name().to_string(), value));
    let page = Machines {
        shell: &call.shell(&branding, Part::Machines, told),
        machines: &machines,
        most_secrets: u32::try_from(MAX_CLIENT_SECRETS).unwrap_or(u32::MAX),
        fresh: shown.as_ref().map(|(client_id, value)| (client_id.as_str(), value.expose())),
        pager: &pager(Part::Machines.path(), page.before, page.after),
    };
    Ok(call.reply(status, &page))
}

/// The list.
///
/// # Errors
/// Database errors.
pub async fn get(call: &PortalCall) -> Result<Reply, PageError> {
    show(call, None, Told::default(), StatusCode::OK).await
}

/// The form for a new application.
///
/// # Errors
/// Database errors.
pub async fn get_new(call: &PortalCall) -> Result<Reply, PageError> {
    new::get(call, Part::Machines).await
}

/// Creates an application with its first secret and shows it.
///
/// # Errors
/// Database errors.
pub async fn post_new(call: &PortalCall) -> Result<Reply, PageError> {
    let (name, scopes) = match new::read(call, Part::Machines).await? {
        Ok(typed) => typed,
        Err(reply) => return Ok(reply),
    };
    let (act, organization_id) = (call.act(), call.organization.id);
    let made = call
        .commit(move |tx| {
            Box::pin(async move { portal::create_machine(tx, &act, organization_id, name, scopes).await })
        })
        .await;
    match made {
        Ok((made, value)) => show(call, Some((&made, &value)), Told::default(), StatusCode::CREATED).await,
        Err(failure) => new::refused(call, Part::Machines, failure).await,
    }
}

/// Creates another secret and shows it.
///
/// # Errors
/// Database errors.
pub async fn create_secret(call: &PortalCall) -> Result<Reply, PageError> {
    if let Err(reply) = call.require(PortalCredentials::Create) {
        return Ok(reply);
    }
    let (act, organization_id, id) = (call.act(), call.organization.id, call.page.path.get("id").to_owned());
    let offered = call.page.environment.environment.portal.permissions.clone();
    let made = call
        .commit(move |tx| {
            Box::pin(async move { portal::create_secret(tx, &act, organization_id, &id, &offered).await })
        })
        .await;
    match made {
        Ok((of, value)) => show(call, Some((&of, &value)), Told::default(), StatusCode::CREATED).await,
        Err(Failure::Refused(ApiError::NotFound { .. })) => gone(call).await,
        Err(Failure::Refused(_)) => {
            let most = u32::try_from(MAX_CLIENT_SECRETS).unwrap_or(u32::MAX);
            let text = call.language().texts().portal_most_secrets(most);
            show(call, None, Told::problem(text), StatusCode::UNPROCESSABLE_ENTITY).await
        }
        Err(failure) => Err(PageError::Failure(failure)),
    }
}

/// The list, for a request about something that was deleted or belongs to another organization: the two are
/// indistinguishable.
async fn gone(call: &PortalCall) -> Result<Reply, PageError> {
    let told = Told::problem(call.language().texts().portal_gone());
    show(call, None, told, StatusCode::NOT_FOUND).await
}

/// Revokes a secret: it stops working, and its tokens become inactive, at once. The reply says when that happened.
///
/// # Errors
/// Database errors.
pub async fn revoke(call: &PortalCall) -> Result<Reply, PageError> {
    if let Err(reply) = call.require(PortalCredentials::Revoke) {
        return Ok(reply);
    }
    let form = call.page.form()?;
    let secret_id = form.get("secret_id").unwrap_or("").to_owned();
    let (act, organization_id, id) = (call.act(), call.organization.id, call.page.path.get("id").to_owned());
    let now = act.now;
    let ended = call
        .commit(move |tx| Box::pin(async move { portal::end_secret(tx, &act, organization_id, &id, &secret_id).await }))
        .await;
    match ended {
        Ok((of, secret)) => {
            let hint = format!("…{}", secret.hint);
            let text = call.language().texts().portal_secret_revoked(&hint, &of.name, &call.when(now));
            show(call, None, Told::done(text), StatusCode::OK).await
        }
        Err(Failure::Refused(ApiError::NotFound { .. })) => gone(call).await,
        Err(failure) => Err(PageError::Failure(failure)),
    }
}
