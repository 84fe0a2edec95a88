//! `/authorization/roles`: an environment's roles.

use crate::domain::Failure;
use crate::domain::organizations::{self, permissions, roles};
use crate::http::management::ManagementCall;
use crate::http::reply::Reply;
use countersign_protocol::management::fields::{MAX_SLUG_LENGTH, Patch};
use countersign_protocol::management::views::role_view;

/// `GET /authorization/roles`: all of them, the highest first, without cursors.
///
/// # Errors
/// Database errors.
pub async fn list(call: ManagementCall) -> Result<Reply, Failure> {
    Ok(Reply::ok(&roles::listed(&mut call.reader().await?, &call.act()).await?))
}

/// `GET /authorization/organizations/{id}/roles`, and `GET /organizations/{id}/roles` for older SDKs: the environment's
/// roles, which every organization has.
///
/// # Errors
/// 404.
pub async fn list_of_organization(call: ManagementCall) -> Result<Reply, Failure> {
    let (mut reader, act) = (call.reader().await?, call.act());
    organizations::find(&mut reader, &act, call.path.get("id")).await?;
    Ok(Reply::ok(&roles::listed(&mut reader, &act).await?))
}

/// `POST /authorization/roles`.
///
/// # Errors
/// 400, 409 `role_slug_conflict`, 422.
pub async fn create(call: ManagementCall) -> Result<Reply, Failure> {
    let mut fields = call.fields()?;
    let new = roles::NewRole {
        slug: fields.required_slug("slug"),
        name: fields.required_text("name", roles::MAX_NAME_LENGTH),
        description: permissions::description(&mut fields).value(),
    };
    if let Patch::Value(slug) = fields.optional_text("resource_type_slug", MAX_SLUG_LENGTH)
        && slug != "organization"
    {
        fields.refuse("resource_type_slug", "invalid", "Roles are those of 'organization'.");
    }
    fields.finish()?;
    call.commit(|tx, act| Box::pin(async move { Ok(Reply::created(&role_view(&roles::create(tx, &act, new).await?))) }))
        .await
}

/// `GET /authorization/roles/{slug}`.
///
/// # Errors
/// 404.
pub async fn get(call: ManagementCall) -> Result<Reply, Failure> {
    let found = roles::find(&mut call.reader().await?, &call.act(), call.path.get("slug")).await?;
    Ok(Reply::ok(&role_view(&found)))
}

/// `PATCH /authorization/roles/{slug}`.
///
/// # Errors
/// 404, 422.
pub async fn update(call: ManagementCall) -> Result<Reply, Failure> {
    let mut fields = call.fields()?;
    let name = fields.optional_text("name", roles::MAX_NAME_LENGTH);
    let description = permissions::description(&mut fields);
    fields.finish()?;
    let slug = call.path.get("slug").to_owned();
    call.commit(move |tx, act| {
        Box::pin(async move {
            let mut changed = roles::find_and_lock(tx, &act, &slug).await?;
            if let Patch::Value(name) = name {
                changed.name = name;
            }
            description.apply(&mut changed.description);
            Ok(Reply::ok(&role_view(&roles::update(tx, &act, changed).await?)))
        })
    })
    .await
}

/// `DELETE /authorization/roles/{slug}`.
///
/// # Errors
/// 404; 409 `role_has_assignments` and `default_role`.
pub async fn delete(call: ManagementCall) -> Result<Reply, Failure> {
    let slug = call.path.get("slug").to_owned();
    call.commit(move |tx, act| {
        Box::pin(async move {
            roles::delete(tx, &act, &slug).await?;
            Ok(Reply::no_content())
        })
    })
    .await
}

/// `PUT /authorization/roles/{slug}/permissions`: replaces all permissions.
///
/// # Errors
/// 404, 422.
pub async fn set_permissions(call: ManagementCall) -> Result<Reply, Failure> {
    let mut fields = call.fields()?;
    let wanted = fields.texts("permissions", MAX_SLUG_LENGTH);
    if matches!(wanted, Patch::Absent | Patch::Null) {
        fields.require("permissions", "permissions is required, a list of slugs.");
    }
    let wanted = wanted.value().unwrap_or_default();
    fields.finish()?;
    let slug = call.path.get("slug").to_owned();
    call.commit(move |tx, act| {
        Box::pin(async move { Ok(Reply::ok(&role_view(&roles::set_permissions(tx, &act, &slug, wanted).await?))) })
    })
    .await
}

/// `POST /authorization/roles/{slug}/permissions`: adds one.
///
/// # Errors
/// 404 for the role or the permission, 422.
pub async fn add_permission(call: ManagementCall) -> Result<Reply, Failure> {
    let mut fields = call.fields()?;
    let permission = fields.required_text("slug", MAX_SLUG_LENGTH);
    fields.finish()?;
    let slug = call.path.get("slug").to_owned();
    call.commit(move |tx, act| {
        Box::pin(async move { Ok(Reply::ok(&role_view(&roles::add_permission(tx, &act, &slug, &permission).await?))) })
    })
    .await
}

/// `DELETE /authorization/roles/{slug}/permissions/{permission}`: removes one.
///
/// # Errors
/// 404 for the role, or when it does not have the permission.
pub async fn remove_permission(call: ManagementCall) -> Result<Reply, Failure> {
    let (slug, permission) = (call.path.get("slug").to_owned(), call.path.get("permission").to_owned());
    call.commit(move |tx, act| {
        Box::pin(
            async move { Ok(Reply::ok(&role_view(&roles::remove_permission(tx, &act, &slug, &permission).await?))) },
        )
    })
    .await
}
