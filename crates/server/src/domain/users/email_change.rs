//! Changing an account's address, once the user has proven to read mail at the new one.

use crate::domain::users::mailed_codes::{self, Refused};
use crate::domain::{Act, Failure, attempts, mails, users};
use countersign_protocol::id::EmailChangeId;
use countersign_protocol::management::domain_name;
use countersign_protocol::management::error::ApiError;
use countersign_protocol::management::views::user_view;
use countersign_protocol::model::{MailedCode, User, email_key, is_email};
use countersign_store::{Tx, mailed_code, membership, organization, user};
use serde_json::{Value, json};

/// The message when an organization manages the current address.
pub const NOT_ALLOWED: &str =
    "The email address belongs to a domain of the user's organization, and the new one does not.";

fn not_available() -> Failure {
    Failure::conflict("email_not_available", "The email address is already used by another user.")
}

/// A pending change as the API returns it.
pub fn view(change: &MailedCode<EmailChangeId>, user: &User) -> Value {
    json!({
        "object": "email_change",
        "user": user_view(user),
        "new_email": change.email,
        "expires_at": change.expires_at,
        "created_at": change.created_at,
    })
}

/// Whether a change would take an account out of its organization: the organization has verified the domain of the
/// account's current address and the user is a member, but the domain of the new address is not the organization's.
/// What an organization may do to its users depends on the domain of their address, so members may not make such a
/// change themselves.
///
/// # Errors
/// Database errors.
pub async fn leaves_organization(tx: &mut Tx, act: &Act, of: &User, new_email: &str) -> Result<bool, Failure> {
    // Normalized as organizations' domains are stored.
    let domain = |email: &str| email.rsplit_once('@').and_then(|(_, domain)| domain_name::normalize(domain));
    let Some(from) = domain(&of.email) else { return Ok(false) };
    let environment_id = act.environment_id;
    let Some(owner) = organization::owner_of_domain(tx, environment_id, &from).await? else {
        return Ok(false);
    };
    let still_theirs = match domain(new_email) {
        Some(to) => organization::owner_of_domain(tx, environment_id, &to).await? == Some(owner),
        None => false,
    };
    Ok(!still_theirs && membership::is_active(tx, environment_id, of.id, owner).await?)
}

async fn check(tx: &mut Tx, act: &Act, user: &User, new_email: &str) -> Result<(), Failure> {
    if leaves_organization(tx, act, user, new_email).await? {
        return Err(Failure::conflict("email_change_not_allowed", NOT_ALLOWED));
    }
    Ok(())
}

/// Sends a code to the new address for an account that was found and locked.
///
/// # Errors
/// 409 `email_change_not_needed`, `email_change_not_allowed` and `email_not_available`; 422 `invalid_email`; 429.
pub async fn send(tx: &mut Tx, act: &Act, user: &User, new_email: &str) -> Result<MailedCode<EmailChangeId>, Failure> {
    if !is_email(new_email) {
        return Err(Failure::Refused(ApiError::Unprocessable {
            code: "invalid_email",
            message: "new_email must be an address that mail can be sent to.".to_owned(),
        }));
    }
    if email_key(new_email) == email_key(&user.email) {
        return Err(Failure::conflict("email_change_not_needed", "The user has this email address already."));
    }
    if user::find_by_email(tx, act.environment_id, new_email).await?.is_some() {
        return Err(not_available());
    }
    check(tx, act, user, new_email).await?;
    attempts::count_mail(tx, act, "email change of", &user.id.to_string()).await?;
    attempts::count_mail(tx, act, "email change to", &email_key(new_email)).await?;
    let (change, digits) = mailed_codes::issue::<EmailChangeId>(tx, act, user.id, new_email).await?;
    mails::verification_code(tx, act, user, new_email, &digits).await?;
    Ok(change)
}

/// Redeems the code that was sent to the new address of an account that was found and locked: it becomes the account's
/// address, and is verified.
///
/// A refusal is not an error: commit the transaction, since it counts the attempts.
///
/// # Errors
/// 409 `no_pending_email_change`, `email_change_not_allowed` and `email_not_available`.
pub async fn confirm(tx: &mut Tx, act: &Act, user: User, code: &str) -> Result<Result<User, Refused>, Failure> {
    let waiting = mailed_code::newest::<EmailChangeId>(tx, act.environment_id, user.id).await?;
    let waiting = waiting
        .ok_or_else(|| Failure::conflict("no_pending_email_change", "No change of the email address is pending."))?;
    check(tx, act, &user, &waiting.email).await?;
    let redeemed = mailed_codes::redeem::<EmailChangeId>(tx, act, Some(user.id), &waiting.email, (code, None)).await?;
    let change = match redeemed {
        Ok(change) => change,
        Err(refused) => return Ok(Err(refused)),
    };
    // Somebody else may have it by now. Of two concurrent confirmations of the same address, the database admits one.
    if user::find_by_email(tx, act.environment_id, &change.email).await?.is_some_and(|other| other.id != user.id) {
        return Err(not_available());
    }
    let before = user.clone();
    let changed = User { email: change.email, email_verified: true, ..user };
    let changed = match users::update(tx, act, changed, None).await {
        Err(Failure::Refused(ApiError::BadRequest { code: "email_not_available", .. })) => return Err(not_available()),
        updated => updated?,
    };
    // An unverified address may be a stranger's.
    if before.email_verified {
        mails::email_changed(tx, act, &before, &changed.email).await?;
    }
    Ok(Ok(changed))
}

/// The API's error for a refused code.
pub fn refusal(refused: Refused, act: &Act) -> ApiError {
    match refused {
        Refused::Wrong => ApiError::bad_request("email_change_code_incorrect", "The code is not right."),
        Refused::Expired => ApiError::bad_request("email_change_code_expired", "The code has expired."),
        Refused::Used => ApiError::Conflict {
            code: "email_change_code_previously_used",
            message: "The code was used before.".to_owned(),
        },
        Refused::TooMany { again_at } => ApiError::TooMany {
            code: "email_change_too_many_attempts",
            message: "Too many codes were tried. Send a new one.".to_owned(),
            retry_after: attempts::seconds_until(act, again_at),
        },
    }
}
