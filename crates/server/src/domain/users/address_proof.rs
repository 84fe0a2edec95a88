//! What the proof of an address means for its account.

use crate::domain::sessions::everywhere::end_all;
use crate::domain::{Act, Failure, events};
use countersign_protocol::id::UserId;
use countersign_protocol::management::views::user_view;
use countersign_protocol::model::{User, email_key};
use countersign_protocol::secret::Digest;
use countersign_store::{Tx, user};

/// A digest of what matters for a proof: the account's address and password. When either changes, earlier proofs no
/// longer count.
pub fn likeness(act: &Act, user: &User, password_hash: Option<&str>) -> Digest {
    let text = format!("{}\n{}\n{}", user.id, email_key(&user.email), password_hash.unwrap_or_default());
    act.keyring.pending_account.digest(&text)
}

/// The account's current [`likeness`]; `None` when it was deleted. The caller has locked the account.
///
/// # Errors
/// Database errors.
pub async fn likeness_now(tx: &mut Tx, act: &Act, id: UserId) -> Result<Option<Digest>, Failure> {
    let found = user::find_with_password(tx, act.environment_id, id).await?;
    Ok(found.map(|(user, hash)| likeness(act, &user, hash.as_deref())))
}

/// Whether an account still is what it was when something was proven about it, given as base64url of its [`likeness`].
/// The caller has locked the account.
///
/// # Errors
/// Database errors.
pub async fn is_like(tx: &mut Tx, act: &Act, id: UserId, before: &str) -> Result<bool, Failure> {
    Ok(likeness_now(tx, act, id).await?.is_some_and(|now| now.matches_base64url(before)))
}

/// Marks the account's address as verified, after its user has proven it; returns `false` when the account was deleted
/// or has another address.
///
/// Until then anybody could have created the account. So unless its password was proven in the same flow, an earlier
/// password is deleted, and all sessions end: otherwise whoever created the account could still sign in.
///
/// # Errors
/// Database errors.
pub async fn address_proven(
    tx: &mut Tx,
    act: &Act,
    id: UserId,
    email: &str,
    password_proven: bool,
) -> Result<bool, Failure> {
    user::lock(tx, act.environment_id, id).await?;
    let Some(mut found) = user::find(tx, act.environment_id, id).await? else { return Ok(false) };
    // Mail to an address proves that address, which may no longer be the account's.
    if email_key(&found.email) != email_key(email) {
        return Ok(false);
    }
    if found.email_verified {
        return Ok(true);
    }
    if !password_proven {
        user::delete_password(tx, act.environment_id, id).await?;
    }
    end_all(tx, act, id).await?;
    found.email_verified = true;
    found.updated_at = act.now;
    user::update(tx, act.environment_id, &found).await?;
    events::record(tx, act, "user.updated", None, &user_view(&found)).await?;
    Ok(true)
}
