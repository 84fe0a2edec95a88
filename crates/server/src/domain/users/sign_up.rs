//! Sign-up: accounts that users create for themselves.

use crate::domain::users::address_proof::address_proven;
use crate::domain::{Act, Failure, events};
use countersign_protocol::id::UserId;
use countersign_protocol::management::views::user_view;
use countersign_protocol::model::{User, email_key};
use countersign_store::{Tx, user};
use std::collections::BTreeMap;

/// A new account whose address was just proven.
#[derive(Debug)]
pub struct SignUp {
    /// The address.
    pub email: String,
    /// Given name.
    pub first_name: Option<String>,
    /// Family name.
    pub last_name: Option<String>,
    /// The hash of the password; `None` if passwords are disabled.
    pub password_hash: Option<String>,
    /// The language in which the user signed up.
    pub locale: Option<String>,
}

/// Creates an account for a proven address. An existing account whose address was never verified is taken over, with
/// the new password.
///
/// # Errors
/// Database errors.
pub async fn sign_up(tx: &mut Tx, act: &Act, new: SignUp) -> Result<UserId, Failure> {
    let SignUp { email, first_name, last_name, password_hash, locale } = new;
    let made = User {
        id: act.entropy.id(act.now)?,
        email,
        email_verified: true,
        first_name,
        last_name,
        name: None,
        profile_picture_url: None,
        external_id: None,
        metadata: BTreeMap::new(),
        locale,
        last_sign_in_at: None,
        created_at: act.now,
        updated_at: act.now,
    };
    // Of two concurrent sign-ups with one address, the second finds the account that the first has created.
    if user::insert_unless_taken(tx, act.environment_id, &made).await? {
        if let Some(hash) = &password_hash {
            user::set_password_hash(tx, act.environment_id, made.id, hash, act.now).await?;
        }
        events::record(tx, act, "user.created", None, &user_view(&made)).await?;
        return Ok(made.id);
    }
    let found = user::find_by_email(tx, act.environment_id, &made.email).await?;
    let found = found.ok_or_else(|| Failure::internal("an account was made and deleted at the same moment"))?;
    user::lock(tx, act.environment_id, found.id).await?;
    let locked = user::find(tx, act.environment_id, found.id).await?;
    let locked = locked.filter(|user| email_key(&user.email) == email_key(&made.email));
    let locked = locked.ok_or_else(|| Failure::internal("an account got another address while it was proven"))?;
    let id = locked.id;
    // Verified by somebody in the meantime: that password stays, and this proof of the address is as good as a sign-in
    // code.
    if locked.email_verified {
        return Ok(id);
    }
    // What users enter themselves takes precedence over what was entered for them.
    let said = User {
        first_name: made.first_name.or(locked.first_name),
        last_name: made.last_name.or(locked.last_name),
        locale: made.locale.or(locked.locale),
        ..locked
    };
    user::update(tx, act.environment_id, &said).await?;
    if address_proven(tx, act, id, &made.email, false).await?
        && let Some(hash) = &password_hash
    {
        user::set_password_hash(tx, act.environment_id, id, hash, act.now).await?;
    }
    Ok(id)
}
