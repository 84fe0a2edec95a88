//! `/portal/connections`: applications that members have authorized to act for them in the organization.

use super::call::PortalCall;
use super::page::{Part, Told, pager};
use crate::domain::Failure;
use crate::domain::organizations::portal;
use crate::hosted::consent as words;
use crate::hosted::page::{PageError, branding};
use crate::http::reply::Reply;
use countersign_pages::portal::{Connection, Connections};
use countersign_protocol::id::{ApplicationId, ConsentId, UserId};
use countersign_protocol::management::error::ApiError;
use countersign_protocol::management::page::PageRequest;
use countersign_protocol::management::query::Query;
use countersign_protocol::model::PortalCredentials;
use countersign_store::consent::Of;
use countersign_store::{Reader, application, consent, user};
use http::StatusCode;

/// The application's name and the user's email address; empty if deleted.
async fn names(
    call: &PortalCall,
    reader: &mut Reader,
    application_id: ApplicationId,
    user_id: UserId,
) -> Result<(String, String), PageError> {
    let application = application::find(reader, call.environment_id(), application_id).await?;
    let member = user::find(reader, call.environment_id(), user_id).await?;
    Ok((application.map(|found| found.name).unwrap_or_default(), member.map(|found| found.email).unwrap_or_default()))
}

async fn show(call: &PortalCall, told: Told, status: StatusCode) -> Result<Reply, PageError> {
    let asked = if call.page.keeps.is_some() { call.page.uri.query().unwrap_or("") } else { "" };
    let query = Query::parse(asked).map_err(Failure::from)?;
    let request = PageRequest::parse(&query, |text| ConsentId::parse(text).ok()).map_err(Failure::from)?;
    let mut reader = call.page.app.store.reader().await?;
    let of = Of::Organization(call.organization.id);
    let rows = consent::list(&mut reader, call.environment_id(), &request.slice(), of).await?;
    let page = request.page(rows, |row| row.id);
    let mut connections = Vec::with_capacity(page.data.len());
    for row in &page.data {
        let (application, member) = names(call, &mut reader, row.application_id, row.user_id).await?;
        let access = words::in_words(&call.page, &mut reader, &row.scopes, call.language()).await?;
        let mut access: Vec<String> = access.into_iter().map(|(name, _)| name).collect();
        if !row.resource.is_empty() {
            access.insert(0, call.language().texts().act_at(&row.resource));
        }
        let (id, since) = (row.id.to_string(), call.when(row.created_at));
        connections.push(Connection { id, application, member, access, since });
    }
    drop(reader);
    let branding = branding(&call.page);
    let page = Connections {
        shell: &call.shell(&branding, Part::Connections, told),
        connections: &connections,
        pager: &pager(Part::Connections.path(), page.before, page.after),
    };
    Ok(call.reply(status, &page))
}

/// The list.
///
/// # Errors
/// Database errors.
pub async fn get(call: &PortalCall) -> Result<Reply, PageError> {
    show(call, Told::default(), StatusCode::OK).await
}

/// Revokes what a member has granted an application for the organization. The reply says when that happened.
///
/// # Errors
/// Database errors.
pub async fn revoke(call: &PortalCall) -> Result<Reply, PageError> {
    if let Err(reply) = call.require(PortalCredentials::Revoke) {
        return Ok(reply);
    }
    let form = call.page.form()?;
    let id = form.get("consent_id").unwrap_or("").to_owned();
    let (act, organization_id) = (call.act(), call.organization.id);
    let now = act.now;
    let ended =
        call.commit(move |tx| Box::pin(async move { portal::disconnect(tx, &act, organization_id, &id).await })).await;
    let t = call.language().texts();
    match ended {
        Ok(gone) => {
            let mut reader = call.page.app.store.reader().await?;
            let (application, member) = names(call, &mut reader, gone.application_id, gone.user_id).await?;
            drop(reader);
            let told = Told::done(t.portal_disconnected(&application, &member, &call.when(now)));
            show(call, told, StatusCode::OK).await
        }
        Err(Failure::Refused(ApiError::NotFound { .. })) => {
            show(call, Told::problem(t.portal_gone()), StatusCode::NOT_FOUND).await
        }
        Err(failure) => Err(PageError::Failure(failure)),
    }
}
