//! `authorized_applications`: users' consents, as seen by the company and, through it, by their organizations.

use crate::domain::connect::{applications, grants};
use crate::domain::{Failure, organizations, users};
use crate::http::management::ManagementCall;
use crate::http::reply::Reply;
use countersign_protocol::id::{AuthorizedApplicationId, ConsentId};
use countersign_protocol::management::page::{PageRequest, Slice};
use countersign_protocol::management::views::connect_application_view;
use countersign_protocol::model::Consent;
use countersign_store::consent::Of;
use countersign_store::{application, consent};
use serde_json::{Value, json};

/// `GET /user_management/users/{id}/authorized_applications`.
///
/// # Errors
/// 404, 422.
pub async fn of_user(call: ManagementCall) -> Result<Reply, Failure> {
    let user = users::find(&mut call.reader().await?, &call.act(), call.path.get("id")).await?;
    list(&call, Of::User(user.id)).await
}

/// `GET /organizations/{id}/authorized_applications`.
///
/// # Errors
/// 404, 422.
pub async fn of_organization(call: ManagementCall) -> Result<Reply, Failure> {
    let organization = organizations::find(&mut call.reader().await?, &call.act(), call.path.get("id")).await?;
    list(&call, Of::Organization(organization.id)).await
}

async fn list(call: &ManagementCall, of: Of) -> Result<Reply, Failure> {
    let request = PageRequest::parse(&call.query, |text| AuthorizedApplicationId::parse(text).ok())?;
    let environment_id = call.environment.id();
    let slice = request.slice();
    let slice = Slice { scan: slice.scan, from: slice.from.map(ConsentId::from), limit: slice.limit };
    let mut reader = call.reader().await?;
    let rows = consent::list(&mut reader, environment_id, &slice, of).await?;
    let mut seen = Vec::with_capacity(rows.len());
    for row in rows {
        if let Some(found) = application::find(&mut reader, environment_id, row.application_id).await? {
            let view = view(&row, connect_application_view(&found), matches!(of, Of::Organization(_)));
            seen.push((AuthorizedApplicationId::from(row.id), view));
        }
    }
    Ok(Reply::ok(&request.page(seen, |row| row.0).map(|row| row.1).envelope()))
}

fn view(consent: &Consent, application: Value, with_user: bool) -> Value {
    let mut view = json!({
        "object": "authorized_connect_application",
        "id": AuthorizedApplicationId::from(consent.id),
        "granted_scopes": consent.scopes,
        "application": application,
    });
    if !consent.resource.is_empty() {
        view["oauth_resource"] = consent.resource.clone().into();
    }
    if with_user {
        view["user_id"] = json!(consent.user_id);
    }
    view
}

/// `DELETE /user_management/users/{id}/authorized_applications/{application_id}`: revokes all of the user's consents to
/// the application, with its tokens.
///
/// # Errors
/// 404.
pub async fn delete(call: ManagementCall) -> Result<Reply, Failure> {
    let (id, application_id) = (call.path.get("id").to_owned(), call.path.get("application_id").to_owned());
    call.commit(move |tx, act| {
        Box::pin(async move {
            let user = users::find(tx, &act, &id).await?;
            let found = applications::find(tx, &act, &application_id).await?;
            if !grants::take_back_all(tx, &act, user.id, found.id).await? {
                return Err(Failure::not_found("Authorized application", &application_id));
            }
            Ok(Reply::no_content())
        })
    })
    .await
}
