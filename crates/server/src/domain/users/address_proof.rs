//! What it means for an account that its address was proven.

use crate::domain::sessions::everywhere::end_all;
use crate::domain::{Act, Failure, events};
use countersign_protocol::id::UserId;
use countersign_protocol::management::views::user_view;
use countersign_protocol::model::{User, email_key};
use countersign_protocol::secret::Digest;
use countersign_store::{Tx, user};

/// What an account is like, so far as it matters to a proof: its address and its password. When either is another one,
/// nothing that was proven before counts.
pub fn likeness(act: &Act, user: &User, password_hash: Option<&str>) -> Digest {
    let text = format!("{}\n{}\n{}", user.id, email_key(&user.email), password_hash.unwrap_or_default());
    act.keyring.pending_account.digest(&text)
}

/// The [`likeness`] that an account has now; `None` when it has gone. Whoever asks has locked it.
///
/// # Errors
/// Database errors.
pub async fn likeness_now(tx: &mut Tx, act: &Act, id: UserId) -> Result<Option<Digest>, Failure> {
    let found = user::find_with_password(tx, act.environment_id, id).await?;
    Ok(found.map(|(user, hash)| likeness(act, &user, hash.as_deref())))
}

/// Whether an account is still the one that something was proven of, as base64url of its [`likeness`]. Whoever asks has
/// locked it.
///
/// # Errors
/// Database errors.
pub async fn is_like(tx: &mut Tx, act: &Act, id: UserId, before: &str) -> Result<bool, Failure> {
    Ok(likeness_now(tx, act, id).await?.is_some_and(|now| now.matches_base64url(before)))
}

/// The person has proven that the address of the account is theirs; `false` when the account has gone.
///
/// Until then anybody could have made the account. So unless its password was proven in the same flow, a password set
/// before goes, and so does every session: else whoever made the account first could still come in.
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
    // What was sent to an address proves that address, and not the one the account has by now.
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
