//! Permissions: the custom scopes.

use crate::domain::{Act, Failure, events};
use countersign_protocol::management::fields::{Fields, Patch};
use countersign_protocol::management::views::permission_view;
use countersign_protocol::model::Permission;
use countersign_protocol::oauth::scope;
use countersign_store::change::{self, Topic};
use countersign_store::{Query, Tx, permission};

/// The maximum length of a name.
pub const MAX_NAME_LENGTH: usize = 48;
/// The maximum length of a description.
pub const MAX_DESCRIPTION_LENGTH: usize = 150;

/// Reads the description of a permission or a role.
pub fn description(fields: &mut Fields) -> Patch<String> {
    let description = fields.description();
    if let Patch::Value(text) = &description
        && text.chars().count() > MAX_DESCRIPTION_LENGTH
    {
        let message = format!("description must have at most {MAX_DESCRIPTION_LENGTH} characters.");
        fields.refuse("description", "too_long", message);
    }
    description
}

/// The properties of a new permission.
#[derive(Debug, Clone)]
pub struct NewPermission {
    /// The scope.
    pub slug: String,
    /// The name shown to users.
    pub name: String,
    /// A description for users who want to know more.
    pub description: Option<String>,
    /// The type of resource it belongs to.
    pub resource_type_slug: String,
}

/// Creates a permission.
///
/// # Errors
/// 409 `permission_slug_conflict`; 422 for a slug that is an OpenID Connect scope.
pub async fn create(tx: &mut Tx, act: &Act, new: NewPermission) -> Result<Permission, Failure> {
    if scope::is_built_in(&new.slug) {
        return Err(Failure::invalid(
            "slug",
            "reserved",
            format!("'{}' is a scope of OpenID Connect and cannot be a permission.", new.slug),
        ));
    }
    let made = Permission {
        id: act.entropy.id(act.now)?,
        slug: new.slug,
        name: new.name,
        description: new.description,
        system: false,
        resource_type_slug: new.resource_type_slug,
        created_at: act.now,
        updated_at: act.now,
    };
    permission::insert(tx, act.environment_id, &made).await.map_err(|error| {
        if error.is_unique("permission", "slug") {
            Failure::conflict(
                "permission_slug_conflict",
                format!("A permission with the slug '{}' already exists.", made.slug),
            )
        } else {
            error.into()
        }
    })?;
    events::record(tx, act, "permission.created", None, &permission_view(&made)).await?;
    Ok(made)
}

/// Looks up the permission with this slug.
///
/// # Errors
/// 404.
pub async fn find(query: &mut impl Query, act: &Act, slug: &str) -> Result<Permission, Failure> {
    permission::find(query, act.environment_id, slug).await?.ok_or_else(|| Failure::not_found("Permission", slug))
}

/// The same, locked against other changes until this transaction ends.
///
/// # Errors
/// 404.
pub async fn find_and_lock(tx: &mut Tx, act: &Act, slug: &str) -> Result<Permission, Failure> {
    permission::lock(tx, act.environment_id, slug).await?;
    find(tx, act, slug).await
}

/// Changes the name and description.
///
/// # Errors
/// Database errors.
pub async fn update(tx: &mut Tx, act: &Act, mut changed: Permission) -> Result<Permission, Failure> {
    changed.updated_at = act.now;
    permission::update(tx, act.environment_id, &changed, act.now).await?;
    events::record(tx, act, "permission.updated", None, &permission_view(&changed)).await?;
    Ok(changed)
}

/// Deletes a permission; applications and API keys that have it lose it.
///
/// # Errors
/// 404; 403 for a system permission.
pub async fn delete(tx: &mut Tx, act: &Act, slug: &str) -> Result<(), Failure> {
    let gone = find_and_lock(tx, act, slug).await?;
    if gone.system {
        return Err(Failure::Refused(countersign_protocol::management::error::ApiError::Forbidden {
            code: "system_permission",
            message: format!("The permission '{slug}' is a system permission and cannot be deleted."),
        }));
    }
    permission::delete(tx, act.environment_id, &gone).await?;
    events::record(tx, act, "permission.deleted", None, &permission_view(&gone)).await?;
    {
        change::record(tx, act.environment_id, &Topic::Clients, act.now);
        Ok(())
    }
}

/// Checks that each of these scopes is a permission or a built-in scope, and locks the permissions against deletion
/// until this transaction ends.
///
/// # Errors
/// 422 that names each unknown one.
pub async fn require_scopes(
    tx: &mut Tx,
    act: &Act,
    field: &str,
    scopes: &[String],
    allow_built_in: bool,
) -> Result<(), Failure> {
    // Locked in a fixed order, so that two transactions cannot deadlock.
    let mut ordered: Vec<&String> =
        scopes.iter().filter(|slug| !(allow_built_in && scope::is_built_in(slug))).collect();
    ordered.sort_unstable();
    let mut missing = Vec::new();
    for slug in ordered {
        if !permission::lock(tx, act.environment_id, slug).await? {
            missing.push(slug);
        }
    }
    let mut unknown = Vec::new();
    for (at, slug) in scopes.iter().enumerate() {
        if missing.contains(&slug) {
            unknown.push(countersign_protocol::management::error::FieldError::new(
                format!("{field}.{at}"),
                "unknown_permission",
                format!("There is no permission '{slug}'."),
            ));
        }
    }
    if unknown.is_empty() {
        Ok(())
    } else {
        Err(Failure::Refused(countersign_protocol::management::error::ApiError::Validation(unknown)))
    }
}
