//! An environment's roles.

use crate::domain::organizations::permissions;
use crate::domain::{Act, Failure, events};
use countersign_protocol::management::error::ApiError;
use countersign_protocol::management::views::{role_event_view, role_view};
use countersign_protocol::model::{DEFAULT_ROLE, Role};
use countersign_store::{Query, Tx, role, signing_key};
use serde_json::Value;

/// The maximum number of roles of an environment: lists of roles have no pages.
pub const MAX_ROLES: usize = 200;
/// The maximum length of a name.
pub const MAX_NAME_LENGTH: usize = 48;

/// The properties of a new role.
#[derive(Debug, Clone)]
pub struct NewRole {
    /// Its identifier for programs.
    pub slug: String,
    /// The name shown to users.
    pub name: String,
    /// A description for users who want to know more.
    pub description: Option<String>,
}

/// Creates the default role, which members have unless others are assigned, if it is missing.
///
/// # Errors
/// Database errors.
pub async fn ensure_default(tx: &mut Tx, act: &Act) -> Result<(), Failure> {
    let made = Role {
        id: act.entropy.id(act.now)?,
        slug: DEFAULT_ROLE.to_owned(),
        name: "Member".to_owned(),
        description: Some("The default role".to_owned()),
        permissions: Vec::new(),
        created_at: act.now,
        updated_at: act.now,
    };
    Ok(role::insert_if_missing(tx, act.environment_id, &made).await?)
}

/// Creates a role.
///
/// # Errors
/// 409 `role_slug_conflict`; 400 when there are too many.
pub async fn create(tx: &mut Tx, act: &Act, new: NewRole) -> Result<Role, Failure> {
    // Of two concurrent requests, the second counts the first one's role.
    signing_key::lock(tx, act.environment_id).await?;
    if role::list(tx, act.environment_id).await?.len() >= MAX_ROLES {
        return Err(Failure::bad_request("bad_request", format!("There can be at most {MAX_ROLES} roles.")));
    }
    let made = Role {
        id: act.entropy.id(act.now)?,
        slug: new.slug,
        name: new.name,
        description: new.description,
        permissions: Vec::new(),
        created_at: act.now,
        updated_at: act.now,
    };
    role::insert(tx, act.environment_id, &made).await.map_err(|error| {
        if error.is_unique("role", "slug") {
            Failure::conflict("role_slug_conflict", format!("A role with the slug '{}' already exists.", made.slug))
        } else {
            error.into()
        }
    })?;
    events::record(tx, act, "role.created", None, &role_event_view(&made)).await?;
    Ok(made)
}

/// Looks up the role with this slug.
///
/// # Errors
/// 404.
pub async fn find(query: &mut impl Query, act: &Act, slug: &str) -> Result<Role, Failure> {
    role::find(query, act.environment_id, slug).await?.ok_or_else(|| Failure::not_found("Role", slug))
}

/// The same, locked against other changes and assignments until this transaction ends.
///
/// # Errors
/// 404.
pub async fn find_and_lock(tx: &mut Tx, act: &Act, slug: &str) -> Result<Role, Failure> {
    role::lock(tx, act.environment_id, slug).await?;
    find(tx, act, slug).await
}

/// Changes the name and description.
///
/// # Errors
/// Database errors.
pub async fn update(tx: &mut Tx, act: &Act, mut changed: Role) -> Result<Role, Failure> {
    changed.updated_at = act.now;
    changed.permissions.sort_unstable();
    role::update(tx, act.environment_id, &changed, act.now).await?;
    events::record(tx, act, "role.updated", None, &role_event_view(&changed)).await?;
    Ok(changed)
}

/// Replaces the permissions of a role.
///
/// # Errors
/// 404; 422 for permissions that do not exist.
pub async fn set_permissions(tx: &mut Tx, act: &Act, slug: &str, wanted: Vec<String>) -> Result<Role, Failure> {
    // Permissions are locked before roles, here and below; a permission that is deleted in the meantime is not written
    // again.
    permissions::require_scopes(tx, act, "permissions", &wanted, false).await?;
    let mut changed = find_and_lock(tx, act, slug).await?;
    role::set_permissions(tx, act.environment_id, changed.id, &wanted).await?;
    changed.permissions = wanted;
    update(tx, act, changed).await
}

/// Adds a permission to a role; does nothing if the role has it.
///
/// # Errors
/// 404 for the role or the permission.
pub async fn add_permission(tx: &mut Tx, act: &Act, slug: &str, permission: &str) -> Result<Role, Failure> {
    let permission = permissions::find_and_lock(tx, act, permission).await?;
    let mut changed = find_and_lock(tx, act, slug).await?;
    if changed.permissions.contains(&permission.slug) {
        return Ok(changed);
    }
    role::add_permission(tx, act.environment_id, changed.id, &permission.slug).await?;
    changed.permissions.push(permission.slug);
    update(tx, act, changed).await
}

/// Removes a permission from a role.
///
/// # Errors
/// 404 for the role, or when it does not have the permission.
pub async fn remove_permission(tx: &mut Tx, act: &Act, slug: &str, permission: &str) -> Result<Role, Failure> {
    let mut changed = find_and_lock(tx, act, slug).await?;
    if !role::remove_permission(tx, act.environment_id, changed.id, permission).await? {
        return Err(Failure::not_found("Permission", permission));
    }
    changed.permissions.retain(|known| known != permission);
    update(tx, act, changed).await
}

/// Moves a role up or down by one in the order of the list; does nothing at its end. Members' permissions stay the
/// same; which of several roles is `role` may change with it.
///
/// # Errors
/// 404.
pub async fn move_by_one(tx: &mut Tx, act: &Act, slug: &str, up: bool) -> Result<(), Failure> {
    // Locked in the same order as roles that are being assigned.
    let mut slugs: Vec<String> = role::list(tx, act.environment_id).await?.into_iter().map(|role| role.slug).collect();
    slugs.sort_unstable();
    for slug in slugs {
        role::lock(tx, act.environment_id, &slug).await?;
    }
    let mut order = role::list(tx, act.environment_id).await?;
    let at = order.iter().position(|role| role.slug == slug).ok_or_else(|| Failure::not_found("Role", slug))?;
    let other = if up { at.checked_sub(1) } else { Some(at + 1).filter(|below| *below < order.len()) };
    let Some(other) = other else { return Ok(()) };
    order.swap(at, other);
    // Ends at zero, the lowest priority, which a role has that was created by a node that knows of no order.
    let many = i64::try_from(order.len()).unwrap_or(i64::MAX);
    for (priority, role) in (1 - many..).zip(&order) {
        role::set_priority(tx, act.environment_id, role.id, priority).await?;
    }
    Ok(())
}

/// Deletes a role that nobody has.
///
/// # Errors
/// 404; 409 `role_has_assignments`, and `default_role` for the default role.
pub async fn delete(tx: &mut Tx, act: &Act, slug: &str) -> Result<(), Failure> {
    let gone = find_and_lock(tx, act, slug).await?;
    if slug == DEFAULT_ROLE {
        return Err(Failure::conflict("default_role", format!("'{slug}' is the default role and cannot be deleted.")));
    }
    if role::is_assigned(tx, act.environment_id, slug).await? {
        return Err(Failure::conflict(
            "role_has_assignments",
            format!("Members have the role '{slug}'. Give them another one first."),
        ));
    }
    role::delete(tx, act.environment_id, gone.id).await?;
    events::record(tx, act, "role.deleted", None, &role_event_view(&gone)).await
}

/// The roles to assign to a member, the highest first: those requested, or else the default one. Locks them against
/// deletion until this transaction ends.
///
/// # Errors
/// The first unknown slug.
pub async fn assignable(
    tx: &mut Tx,
    act: &Act,
    mut wanted: Vec<String>,
) -> Result<Result<Vec<String>, UnknownRole>, Failure> {
    if wanted.is_empty() {
        wanted.push(DEFAULT_ROLE.to_owned());
    }
    // Locked in a fixed order, so that two transactions cannot deadlock.
    let mut ordered = wanted.clone();
    ordered.sort_unstable();
    for slug in ordered {
        if role::lock(tx, act.environment_id, &slug).await? {
            continue;
        }
        if slug != DEFAULT_ROLE {
            return Ok(Err(UnknownRole(slug)));
        }
        ensure_default(tx, act).await?;
    }
    let mut ranked = Vec::with_capacity(wanted.len());
    for slug in wanted {
        ranked.push((role::rank(tx, act.environment_id, &slug).await?, slug));
    }
    ranked.sort_unstable();
    Ok(Ok(ranked.into_iter().map(|(_, slug)| slug).collect()))
}

/// A slug that is not a role's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownRole(String);

impl UnknownRole {
    fn message(&self) -> String {
        format!("'{}' is not the slug of a role.", self.0)
    }

    /// The error of membership endpoints.
    pub fn unprocessable(&self) -> Failure {
        Failure::Refused(ApiError::Unprocessable { code: "invalid_role", message: self.message() })
    }

    /// The error of invitation endpoints.
    pub fn bad_request(&self) -> Failure {
        Failure::bad_request("invalid_role", self.message())
    }
}

/// The list of roles, the highest first, without cursors.
///
/// # Errors
/// Database errors.
pub async fn listed(query: &mut impl Query, act: &Act) -> Result<Value, Failure> {
    let roles = role::list(query, act.environment_id).await?;
    Ok(serde_json::json!({"object": "list", "data": roles.iter().map(role_view).collect::<Vec<_>>()}))
}
