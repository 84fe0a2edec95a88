//! User accounts.

pub mod address_proof;
pub mod authentications;
pub mod email_change;
pub mod email_verification;
pub mod magic_auth;
pub mod mailed_codes;
pub mod password_check;
pub mod password_resets;
pub mod second_factors;
pub mod sign_up;

use crate::domain::attempts::{self, SECOND_FACTORS_ANYWHERE};
use crate::domain::connect::grants;
use crate::domain::sessions::everywhere;
use crate::domain::{Act, Failure, events};
use countersign_protocol::id::UserId;
use countersign_protocol::management::error::ApiError;
use countersign_protocol::management::views::user_view;
use countersign_protocol::model::{User, email_key, is_email};
use countersign_store::{Error, Query, Tx, membership, password_reset, user};
use std::collections::BTreeMap;

/// The properties of a new account. Not `Debug`: it holds a password hash.
#[derive(Clone, Default)]
pub struct NewUser {
    /// The address.
    pub email: String,
    /// Whether the address is verified.
    pub email_verified: bool,
    /// Given name.
    pub first_name: Option<String>,
    /// Family name.
    pub last_name: Option<String>,
    /// The full name.
    pub name: Option<String>,
    /// The company's own identifier.
    pub external_id: Option<String>,
    /// Text values by key.
    pub metadata: BTreeMap<String, String>,
    /// The language that the user reads.
    pub locale: Option<String>,
    /// The hash of the password, if any.
    pub password_hash: Option<String>,
}

/// The error for an account that was not created, with a specific reason.
fn not_created(code: &'static str, message: &str) -> Failure {
    Failure::Refused(ApiError::NotPossible {
        code: "user_creation_error",
        message: "The user could not be created.".to_owned(),
        reasons: vec![(code, message.to_owned())],
    })
}

const NOT_AVAILABLE: &str = "The email address is already used by another user.";
const NOT_AN_EMAIL: &str = "The email address is not valid.";

fn is_email_taken(error: &Error) -> bool {
    error.is_unique("user_account", "email_key")
}

fn external_id_taken(error: Error) -> Failure {
    if error.is_unique("user_account", "external_id") {
        Failure::bad_request("external_id_already_used", "The external_id is already used by another user.")
    } else {
        error.into()
    }
}

/// Creates an account.
///
/// # Errors
/// 400 `user_creation_error` and `external_id_already_used`.
pub async fn create(tx: &mut Tx, act: &Act, new: NewUser) -> Result<User, Failure> {
    if !is_email(&new.email) {
        return Err(not_created("invalid_email", NOT_AN_EMAIL));
    }
    let made = User {
        id: act.entropy.id(act.now)?,
        email: new.email,
        email_verified: new.email_verified,
        first_name: new.first_name,
        last_name: new.last_name,
        name: new.name,
        profile_picture_url: None,
        external_id: new.external_id,
        metadata: new.metadata,
        locale: new.locale,
        last_sign_in_at: None,
        created_at: act.now,
        updated_at: act.now,
    };
    user::insert(tx, act.environment_id, &made).await.map_err(|error| {
        if is_email_taken(&error) {
            not_created("email_not_available", NOT_AVAILABLE)
        } else {
            external_id_taken(error)
        }
    })?;
    if let Some(hash) = new.password_hash {
        user::set_password_hash(tx, act.environment_id, made.id, &hash, act.now).await?;
    }
    events::record(tx, act, "user.created", None, &user_view(&made)).await?;
    Ok(made)
}

/// Returns the account with an address, locked; creates one with an unverified address if there is none.
///
/// # Errors
/// 400 `user_creation_error`.
pub async fn find_or_create(tx: &mut Tx, act: &Act, email: &str) -> Result<User, Failure> {
    let made = User {
        id: act.entropy.id(act.now)?,
        email: email.to_owned(),
        email_verified: false,
        first_name: None,
        last_name: None,
        name: None,
        profile_picture_url: None,
        external_id: None,
        metadata: BTreeMap::new(),
        locale: None,
        last_sign_in_at: None,
        created_at: act.now,
        updated_at: act.now,
    };
    // Of two concurrent requests, the second finds what the first has created.
    for _ in 0..3 {
        if let Some(found) = user::find_by_email(tx, act.environment_id, email).await? {
            user::lock(tx, act.environment_id, found.id).await?;
            // It may have been deleted, or have changed its address, before it was locked.
            match user::find(tx, act.environment_id, found.id).await? {
                Some(locked) if email_key(&locked.email) == email_key(email) => return Ok(locked),
                _ => continue,
            }
        }
        if !is_email(email) {
            return Err(not_created("invalid_email", NOT_AN_EMAIL));
        }
        if user::insert_unless_taken(tx, act.environment_id, &made).await? {
            events::record(tx, act, "user.created", None, &user_view(&made)).await?;
            return Ok(made);
        }
    }
    Err(Failure::internal("an account was made and deleted at the same moment"))
}

/// Looks up the account with this identifier, as received.
///
/// # Errors
/// 404.
pub async fn find(query: &mut impl Query, act: &Act, id: &str) -> Result<User, Failure> {
    let missing = || Failure::not_found("User", id);
    let parsed = UserId::parse(id).map_err(|_| missing())?;
    user::find(query, act.environment_id, parsed).await?.ok_or_else(missing)
}

/// The same, locked against other changes until this transaction ends.
///
/// # Errors
/// 404.
pub async fn find_and_lock(tx: &mut Tx, act: &Act, id: &str) -> Result<User, Failure> {
    if let Ok(parsed) = UserId::parse(id) {
        user::lock(tx, act.environment_id, parsed).await?;
    }
    find(tx, act, id).await
}

/// Sets the address of an account; a different one is not yet verified.
///
/// # Errors
/// 400 `invalid_email`.
pub fn set_email(changed: &mut User, email: String) -> Result<(), Failure> {
    if email != changed.email && !is_email(&email) {
        return Err(Failure::bad_request("invalid_email", NOT_AN_EMAIL));
    }
    // The same address in different case stays verified.
    changed.email_verified &= email_key(&changed.email) == email_key(&email);
    changed.email = email;
    Ok(())
}

/// Stores a changed account, with a new password if there is one.
///
/// # Errors
/// 400 `email_not_available` and `external_id_already_used`.
pub async fn update(tx: &mut Tx, act: &Act, mut changed: User, password_hash: Option<String>) -> Result<User, Failure> {
    changed.updated_at = act.now;
    let before = user::find(tx, act.environment_id, changed.id).await?;
    let moves = before.is_none_or(|before| email_key(&before.email) != email_key(&changed.email));
    user::update(tx, act.environment_id, &changed).await.map_err(|error| {
        if is_email_taken(&error) {
            Failure::bad_request("email_not_available", NOT_AVAILABLE)
        } else {
            external_id_taken(error)
        }
    })?;
    // Links mailed earlier to set a password are for the previous address and password.
    if moves || password_hash.is_some() {
        password_reset::use_up_all(tx, act.environment_id, changed.id, act.now).await?;
    }
    if let Some(hash) = password_hash {
        user::set_password_hash(tx, act.environment_id, changed.id, &hash, act.now).await?;
        // Anybody who knew the old password loses access: end all sessions and grants.
        everywhere::end_all(tx, act, changed.id).await?;
        // Nor can they reach the second factor any more, so its attempts are cleared. A password reset by mail does not
        // clear them: whoever reads the mail could guess forever.
        attempts::clear(tx, act, SECOND_FACTORS_ANYWHERE, &changed.id.to_string()).await?;
    }
    events::record(tx, act, "user.updated", None, &user_view(&changed)).await?;
    Ok(changed)
}

/// Deletes an account, with its memberships, sessions and all other data of the user.
///
/// # Errors
/// 404.
pub async fn delete(tx: &mut Tx, act: &Act, id: &str) -> Result<(), Failure> {
    let gone = find_and_lock(tx, act, id).await?;
    // Before the sessions, since a sign-in with a membership locks it first.
    membership::lock_all_of_user(tx, act.environment_id, gone.id).await?;
    grants::user_ended(tx, act, gone.id).await?;
    user::delete(tx, act.environment_id, gone.id).await?;
    events::record(tx, act, "user.deleted", None, &user_view(&gone)).await
}
