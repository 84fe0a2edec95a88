//! What happens to accounts when people prove who they are.

use super::{Act, Failure, events, grants, sessions};
use countersign_protocol::id::UserId;
use countersign_protocol::management::views::user_view;
use countersign_protocol::model::{User, email_key};
use countersign_protocol::secret::Digest;
use countersign_store::{Tx, password_reset, user};
use std::collections::BTreeMap;

/// An account whose address was just proven.
#[derive(Debug)]
pub struct SignUp {
    /// The address.
    pub email: String,
    /// Given name.
    pub first_name: Option<String>,
    /// Family name.
    pub last_name: Option<String>,
    /// The hash of the password; `None` where there are no passwords.
    pub password_hash: Option<String>,
    /// The language in which they signed up.
    pub locale: Option<String>,
}

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

/// Makes an account for a proven address. Where there is one whose address nobody had proven, it is taken over, with the
/// password of now.
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
    // Of two who sign up with one address at once, the second finds the account that the first has made.
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
    // Proven by somebody meanwhile: that password stays, and this proof of the address is as good as a sign-in code.
    if locked.email_verified {
        return Ok(id);
    }
    // What they say of themselves counts more than what was said of them.
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

/// Gives an account a new password after a mailed link proved its address: every session ends.
///
/// # Errors
/// Database errors.
pub async fn reset_password(
    tx: &mut Tx,
    act: &Act,
    id: UserId,
    email: &str,
    password_hash: &str,
) -> Result<bool, Failure> {
    if !address_proven(tx, act, id, email, true).await? {
        return Ok(false);
    }
    password_reset::use_up_all(tx, act.environment_id, id, act.now).await?;
    user::set_password_hash(tx, act.environment_id, id, password_hash, act.now).await?;
    end_all(tx, act, id).await?;
    Ok(true)
}

/// Ends the sessions of a person, and then what was issued in them: who redeems something at this moment holds its session,
/// and has either made what ends here or finds the session ended. Whoever asks has locked the account.
///
/// # Errors
/// Database errors.
pub async fn end_all(tx: &mut Tx, act: &Act, id: UserId) -> Result<(), Failure> {
    sessions::end_all(tx, act, id).await?;
    grants::end_all(tx, act, id).await
}

/// Ends every session of a person, and what the company's own applications hold besides. A session that begins at this moment
/// has begun before, and ends as well, or sees what it would begin from ended.
///
/// # Errors
/// Database errors.
pub async fn sign_out_everywhere(tx: &mut Tx, act: &Act, id: UserId) -> Result<(), Failure> {
    user::lock(tx, act.environment_id, id).await?;
    sessions::end_all(tx, act, id).await?;
    grants::end_first_party(tx, act, id).await
}
