//! Users declared in the file: imported from another system, with their memberships.

use super::End;
use super::document::{MembershipEntry, UserEntry};
use crate::domain::Act;
use crate::domain::organizations::memberships;
use crate::domain::users::{self, NewUser};
use countersign_protocol::id::EnvironmentId;
use countersign_protocol::management::fields::{MAX_EXTERNAL_ID_LENGTH, MAX_NAME_LENGTH};
use countersign_protocol::model::{MembershipStatus, User, email_key};
use countersign_protocol::password::{HashType, SaltPosition, import};
use countersign_store::{Tx, membership, organization, user};
use std::collections::BTreeMap;
use std::path::Path;

/// Returns a user's password hash in its stored form, if the file gives one.
pub(super) fn password(entry: &UserEntry, base: &Path) -> Result<Option<String>, String> {
    let wrong = |what: &str| format!("user '{}': {what}", entry.email);
    let Some(reference) = &entry.password_hash else {
        return match entry.password_hash_type.as_ref().or(entry.password_salt_position.as_ref()) {
            Some(_) => Err(wrong("password_hash_type and password_salt_position go with password_hash.")),
            None => Ok(None),
        };
    };
    let kind = entry.password_hash_type.as_deref().and_then(HashType::parse).ok_or_else(|| {
        wrong("password_hash_type must be one of bcrypt, firebase-scrypt, ssha, ssha256, scrypt, pbkdf2, argon2.")
    })?;
    let position = match entry.password_salt_position.as_deref() {
        None => SaltPosition::Suffix,
        Some(word) => SaltPosition::parse(word)
            .filter(|_| kind == HashType::Ssha256)
            .ok_or_else(|| wrong("password_salt_position must be 'prefix' or 'suffix', and goes with ssha256 only."))?,
    };
    let hash = reference.resolve(base).map_err(|error| wrong(&error))?;
    match import(kind, hash.expose(), position) {
        Some(stored) => Ok(Some(stored)),
        None => Err(wrong("its password_hash is no hash of this type, or takes more memory or time than is given.")),
    }
}

/// Creates or updates a user.
pub(super) async fn apply(
    tx: &mut Tx,
    act: &Act,
    entry: &UserEntry,
    password_hash: Option<&String>,
    plan: &mut Vec<String>,
) -> Result<(), End> {
    let wrong = |what: &str| End::Wrong(format!("user '{}': {what}", entry.email));
    let too_long = |name: &Option<String>| name.as_ref().is_some_and(|name| name.chars().count() > MAX_NAME_LENGTH);
    if too_long(&entry.first_name) || too_long(&entry.last_name) {
        return Err(wrong("a name is too long."));
    }
    if entry.external_id.as_ref().is_some_and(|id| !id.is_ascii() || !(1..=MAX_EXTERNAL_ID_LENGTH).contains(&id.len()))
    {
        return Err(wrong("external_id must have 1 to 128 ASCII characters."));
    }
    // The row is already locked, so the compared values cannot change concurrently.
    let found = find(tx, act.environment_id, entry).await?;
    // The address belongs to a different user of the company; two users are never merged.
    let other = found.as_ref().and_then(|found| found.external_id.as_ref());
    if let (Some(other), Some(declared)) = (other, &entry.external_id)
        && other != declared
    {
        return Err(wrong(&format!("the address belongs to the user with the external_id '{other}'.")));
    }
    let person = match found {
        None => {
            let new = NewUser {
                email: entry.email.clone(),
                email_verified: entry.email_verified.unwrap_or(false),
                first_name: entry.first_name.clone(),
                last_name: entry.last_name.clone(),
                name: None,
                external_id: entry.external_id.clone(),
                metadata: BTreeMap::new(),
                locale: None,
                password_hash: password_hash.cloned(),
            };
            let made = users::create(tx, act, new).await?;
            plan.push(format!("+ user {}", entry.email));
            made
        }
        Some(found) => {
            let changed = change(tx, act, entry, found, plan).await?;
            // A password that the user has set in the meantime stays.
            if let Some(hash) = password_hash
                && user::password_hash(tx, act.environment_id, changed.id).await?.is_none()
            {
                user::set_password_hash(tx, act.environment_id, changed.id, hash, act.now).await?;
                plan.push(format!("~ user {}: a password", entry.email));
            }
            changed
        }
    };
    for declared in &entry.memberships {
        apply_membership(tx, act, &person, declared, plan).await?;
    }
    Ok(())
}

/// Returns the user that an entry refers to: by external ID, or else by email address.
///
/// # Errors
/// Database errors.
pub(super) async fn find(
    tx: &mut Tx,
    environment_id: EnvironmentId,
    entry: &UserEntry,
) -> Result<Option<User>, countersign_store::Error> {
    let by_id = match &entry.external_id {
        Some(id) => user::find_by_external_id(tx, environment_id, id).await?,
        None => None,
    };
    match by_id {
        Some(found) => Ok(Some(found)),
        None => user::find_by_email(tx, environment_id, &entry.email).await,
    }
}

/// Applies the fields in which the file differs. Never revokes the verification of an email address.
async fn change(tx: &mut Tx, act: &Act, entry: &UserEntry, found: User, plan: &mut Vec<String>) -> Result<User, End> {
    let mut changed = found.clone();
    if email_key(&changed.email) != email_key(&entry.email) {
        users::set_email(&mut changed, entry.email.clone())?;
    }
    changed.email_verified |= entry.email_verified.unwrap_or(false);
    let fields = [
        (&mut changed.first_name, &entry.first_name),
        (&mut changed.last_name, &entry.last_name),
        (&mut changed.external_id, &entry.external_id),
    ];
    for (field, declared) in fields {
        if declared.is_some() {
            field.clone_from(declared);
        }
    }
    if changed == found {
        return Ok(found);
    }
    plan.push(format!("~ user {}", entry.email));
    Ok(users::update(tx, act, changed, None).await?)
}

/// Whether the roles are the same in any order: their order is the environment's, not the file's.
fn same_roles(kept: &[String], wanted: &[String]) -> bool {
    kept.iter().all(|slug| wanted.contains(slug)) && wanted.iter().all(|slug| kept.contains(slug))
}

async fn apply_membership(
    tx: &mut Tx,
    act: &Act,
    person: &User,
    declared: &MembershipEntry,
    plan: &mut Vec<String>,
) -> Result<(), End> {
    let MembershipEntry { organization: external_id, roles } = declared;
    let found = organization::find_by_external_id(tx, act.environment_id, external_id).await?;
    let organization = found
        .ok_or_else(|| End::Wrong(format!("user '{}': there is no organization '{external_id}'.", person.email)))?;
    let wanted = roles.clone().unwrap_or_default();
    let existing = membership::find_of_user(tx, act.environment_id, person.id, organization.id).await?;
    match existing {
        None => {
            let (user_id, organization_id) = (person.id.to_string(), organization.id.to_string());
            memberships::create(tx, act, &user_id, &organization_id, wanted).await?;
            plan.push(format!("+ membership of {} in {external_id}", person.email));
        }
        // The file does not reinstate a suspended member.
        Some(existing) => {
            if !wanted.is_empty() && !same_roles(&existing.roles, &wanted) {
                memberships::set_roles(tx, act, &existing.id.to_string(), wanted).await?;
                plan.push(format!("~ membership of {} in {external_id}", person.email));
            }
            if existing.status == MembershipStatus::Pending {
                let roles = roles.clone().unwrap_or_else(|| existing.roles.clone());
                memberships::admit(tx, act, person.id, organization.id, roles).await?;
                plan.push(format!("~ membership of {} in {external_id}: active", person.email));
            }
        }
    }
    Ok(())
}
