//! `/authorization/permissions`.

use crate::domain::Failure;
use crate::domain::organizations::permissions;
use crate::http::management::ManagementCall;
use crate::http::reply::Reply;
use countersign_protocol::id::PermissionId;
use countersign_protocol::management::fields::{MAX_SLUG_LENGTH, Patch, is_slug};
use countersign_protocol::management::page::PageRequest;
use countersign_protocol::management::views::permission_view;
use countersign_store::permission;

/// `GET /authorization/permissions`.
///
/// # Errors
/// 422.
pub async fn list(call: ManagementCall) -> Result<Reply, Failure> {
    let request = PageRequest::parse(&call.query, |text| PermissionId::parse(text).ok())?;
    let rows = permission::list(&mut call.reader().await?, call.environment.id(), &request.slice()).await?;
    Ok(Reply::ok(&request.page(rows, |row| row.id).map(|row| permission_view(&row)).envelope()))
}

/// `POST /authorization/permissions`.
///
/// # Errors
/// 409, 422.
pub async fn create(call: ManagementCall) -> Result<Reply, Failure> {
    let mut fields = call.fields()?;
    let new = permissions::NewPermission {
        slug: fields.required_slug("slug"),
        name: fields.required_text("name", permissions::MAX_NAME_LENGTH),
        description: permissions::description(&mut fields).value(),
        resource_type_slug: match fields.optional_text("resource_type_slug", MAX_SLUG_LENGTH) {
            Patch::Value(slug) if !is_slug(&slug) => {
                fields.refuse("resource_type_slug", "invalid", "resource_type_slug must be a slug.");
                String::new()
            }
            other => other.value().unwrap_or_else(|| "organization".to_owned()),
        },
    };
    fields.finish()?;
    call.commit(|tx, act| {
        Box::pin(async move { Ok(Reply::created(&permission_view(&permissions::create(tx, &act, new).await?))) })
    })
    .await
}

/// `GET /authorization/permissions/{slug}`.
///
/// # Errors
/// 404.
pub async fn get(call: ManagementCall) -> Result<Reply, Failure> {
    let found = permissions::find(&mut call.reader().await?, &call.act(), call.path.get("slug")).await?;
    Ok(Reply::ok(&permission_view(&found)))
}

/// `PATCH /authorization/permissions/{slug}`.
///
/// # Errors
/// 404, 422.
pub async fn update(call: ManagementCall) -> Result<Reply, Failure> {
    let mut fields = call.fields()?;
    let name = fields.optional_text("name", permissions::MAX_NAME_LENGTH);
    let description = permissions::description(&mut fields);
    fields.finish()?;
    let slug = call.path.get("slug").to_owned();
    call.commit(move |tx, act| {
        Box::pin(async move {
            let mut changed = permissions::find_and_lock(tx, &act, &slug).await?;
            if let Patch::Value(name) = name {
                changed.name = name;
            }
            match description {
                Patch::Absent => {}
                Patch::Null => changed.description = None,
                Patch::Value(text) => changed.description = Some(text),
            }
            Ok(Reply::ok(&permission_view(&permissions::update(tx, &act, changed).await?)))
        })
    })
    .await
}

/// `DELETE /authorization/permissions/{slug}`.
///
/// # Errors
/// 403, 404.
pub async fn delete(call: ManagementCall) -> Result<Reply, Failure> {
    let slug = call.path.get("slug").to_owned();
    call.commit(move |tx, act| {
        Box::pin(async move {
            permissions::delete(tx, &act, &slug).await?;
            Ok(Reply::no_content())
        })
    })
    .await
}
