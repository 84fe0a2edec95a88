//! Verification of an account's address by a mailed code, for products with pages of their own.

use crate::domain::users::authentications::{self, ClientInfo, Proof};
use crate::domain::users::mailed_codes::{self, Refused};
use crate::domain::{Act, Failure, attempts, events, mails};
use countersign_protocol::id::{EmailVerificationId, UserId};
use countersign_protocol::management::error::ApiError;
use countersign_protocol::management::views::{mailed_code_event_view, user_view};
use countersign_protocol::model::{MailedCode, User};
use countersign_store::{Query, Tx, mailed_code, user};

/// Sends a code to the address of an account that was found and locked.
///
/// # Errors
/// 400 `email_already_verified`; 429.
pub async fn send(tx: &mut Tx, act: &Act, user: &User) -> Result<MailedCode<EmailVerificationId>, Failure> {
    if user.email_verified {
        return Err(Failure::bad_request("email_already_verified", "The email address has been verified already."));
    }
    attempts::count_mail(tx, act, "email verification of", &user.id.to_string()).await?;
    let (code, digits) = mailed_codes::issue::<EmailVerificationId>(tx, act, user.id, &user.email).await?;
    events::record(tx, act, "email_verification.created", None, &mailed_code_event_view(&code)).await?;
    if act.default_mails.email_verification {
        mails::verification_code(tx, act, user, &user.email, &digits).await?;
    }
    Ok(code)
}

/// Sends a code because a sign-in cannot continue without verification. For repeated sign-ins beyond the mail limit,
/// returns the latest code instead of sending another mail.
///
/// # Errors
/// 400 `email_already_verified`; 429 when the mail limit is reached and no code is valid any more.
pub async fn require(tx: &mut Tx, act: &Act, id: UserId) -> Result<MailedCode<EmailVerificationId>, Failure> {
    user::lock(tx, act.environment_id, id).await?;
    let found = user::find(tx, act.environment_id, id).await?;
    let found = found.ok_or_else(|| Failure::not_found("User", id))?;
    match send(tx, act, &found).await {
        Err(Failure::Refused(refused @ (ApiError::RateLimited { .. } | ApiError::TooMany { .. }))) => {
            let newest = mailed_code::newest::<EmailVerificationId>(tx, act.environment_id, id).await?;
            let good = |code: &MailedCode<EmailVerificationId>| {
                code.used_at.is_none() && act.now < code.expires_at && code.email == found.email
            };
            newest.filter(good).ok_or(Failure::Refused(refused))
        }
        sent => sent,
    }
}

/// Looks up the verification with this identifier, as received.
///
/// # Errors
/// 404.
pub async fn find(query: &mut impl Query, act: &Act, id: &str) -> Result<MailedCode<EmailVerificationId>, Failure> {
    let missing = || Failure::not_found("Email verification", id);
    let parsed = EmailVerificationId::parse(id).map_err(|_| missing())?;
    mailed_code::find(query, act.environment_id, parsed).await?.ok_or_else(missing)
}

/// Redeems the code that was sent to the address of an account, and marks the address as verified. The password and the
/// sessions stay: the company that requested the verification vouches for the account's owner.
///
/// A refusal is not an error: commit the transaction, since it counts the attempts.
///
/// # Errors
/// 400 `email_previously_verified`; 404 when the account was deleted.
pub async fn confirm(
    tx: &mut Tx,
    act: &Act,
    (id, code): (UserId, &str),
    client_info: &ClientInfo,
) -> Result<Result<User, Refused>, Failure> {
    user::lock(tx, act.environment_id, id).await?;
    let found = user::find(tx, act.environment_id, id).await?;
    let mut found = found.ok_or_else(|| Failure::not_found("User", id))?;
    if found.email_verified {
        return Err(Failure::bad_request("email_previously_verified", "The email address was verified before."));
    }
    let tried = (code, client_info.ip_address.as_deref());
    if let Err(refused) = mailed_codes::redeem::<EmailVerificationId>(tx, act, Some(id), &found.email, tried).await? {
        // A code refused without a check leaves no trace.
        if !matches!(refused, Refused::TooMany { .. }) {
            let (who, refusal) = ((found.email.as_str(), Some(id)), refusal(refused, act));
            let why = authentications::reason(&refusal);
            authentications::failed(tx, act, Proof::EmailVerification, client_info, who, why).await?;
        }
        return Ok(Err(refused));
    }
    authentications::succeeded(tx, act, Proof::EmailVerification, client_info, &found).await?;
    found.email_verified = true;
    found.updated_at = act.now;
    user::update(tx, act.environment_id, &found).await?;
    events::record(tx, act, "user.updated", None, &user_view(&found)).await?;
    Ok(Ok(found))
}

/// The API's error for a refused code.
pub fn refusal(refused: Refused, act: &Act) -> ApiError {
    let (code, message) = match refused {
        Refused::Wrong => ("email_verification_code_incorrect", "The code is not right."),
        Refused::Used => ("email_verification_code_previously_used", "The code was used before."),
        Refused::Expired => ("email_verification_code_expired", "The code has expired."),
        Refused::TooMany { again_at } => return attempts::too_many(act, again_at),
    };
    ApiError::bad_request(code, message)
}
