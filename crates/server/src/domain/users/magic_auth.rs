//! Magic Auth: a mailed code instead of a password, for products with pages of their own.

use crate::domain::organizations::invitations;
use crate::domain::users::address_proof;
use crate::domain::users::authentications::{self, ClientInfo, Proof};
use crate::domain::users::mailed_codes::{self, Refused};
use crate::domain::{Act, Failure, attempts, events, mails, users};
use countersign_protocol::id::MagicAuthId;
use countersign_protocol::management::error::ApiError;
use countersign_protocol::management::views::mailed_code_event_view;
use countersign_protocol::model::{MailedCode, User, email_key};
use countersign_store::{Query, Tx, mailed_code, user};

/// A user who has just read the code mailed to the address of their account. Only [`redeem`] creates it.
#[derive(Debug)]
pub struct Proven {
    user: User,
}

impl Proven {
    /// The user, as the account is now.
    pub fn user(&self) -> &User {
        &self.user
    }
}

/// The error when the environment has disabled sign-in by mailed code.
fn not_allowed() -> ApiError {
    ApiError::protocol("authentication_method_not_allowed", "Signing in by mailed code is switched off here.")
}

/// Sends a code to an address. If it has no account yet, one is created with an unverified address.
///
/// # Errors
/// 400 `invitation_invalid`, `authentication_method_not_allowed`, `sign_up_not_allowed`; 429.
pub async fn send(
    tx: &mut Tx,
    act: &Act,
    email: &str,
    invitation_token: Option<&str>,
) -> Result<MailedCode<MagicAuthId>, Failure> {
    attempts::count_mail(tx, act, "magic auth to", &email_key(email)).await?;
    if !act.authentication.magic_auth {
        return Err(Failure::Refused(not_allowed()));
    }
    let mut invited = false;
    if let Some(token) = invitation_token {
        let invalid = || ApiError::protocol("invitation_invalid", "The invitation is not known, or not open any more.");
        match invitations::find_by_token(tx, act, token).await {
            // An invitation admits only the address that it was sent to.
            Ok(found) if found.is_open(act.now) => invited = email_key(&found.email) == email_key(email),
            Ok(_) | Err(Failure::Refused(_)) => return Err(Failure::Refused(invalid())),
            Err(failure) => return Err(failure),
        }
    }
    let known = user::find_by_email(tx, act.environment_id, email).await?;
    if known.is_none() && !invited && !act.authentication.sign_up {
        let why = "There is no account with this address, and people cannot make accounts by themselves here.";
        return Err(Failure::Refused(ApiError::protocol("sign_up_not_allowed", why)));
    }
    let user = users::find_or_create(tx, act, email).await?;
    let (code, digits) = mailed_codes::issue::<MagicAuthId>(tx, act, user.id, &user.email).await?;
    events::record(tx, act, "magic_auth.created", None, &mailed_code_event_view(&code)).await?;
    if act.default_mails.magic_auth {
        mails::sign_in_code(tx, act, &user, &digits).await?;
    }
    Ok(code)
}

/// Looks up the code with this identifier, as received.
///
/// # Errors
/// 404.
pub async fn find(query: &mut impl Query, act: &Act, id: &str) -> Result<MailedCode<MagicAuthId>, Failure> {
    let missing = || Failure::not_found("Magic Auth code", id);
    let parsed = MagicAuthId::parse(id).map_err(|_| missing())?;
    mailed_code::find(query, act.environment_id, parsed).await?.ok_or_else(missing)
}

/// Redeems the code that was sent to an address. If the address was not verified before, this removes a password and
/// sessions that somebody else may have created ([`address_proof::address_proven`]).
///
/// A refusal is not an error: commit the transaction, since it counts the attempts. An address without an account is
/// refused with the same message, after as many attempts.
///
/// # Errors
/// Database errors.
pub async fn redeem(
    tx: &mut Tx,
    act: &Act,
    (email, code): (&str, &str),
    client_info: &ClientInfo,
) -> Result<Result<Proven, Refused>, Failure> {
    let known = user::find_by_email(tx, act.environment_id, email).await?;
    let redeemed = prove(tx, act, known.as_ref(), (email, code), client_info.ip_address.as_deref()).await?;
    match &redeemed {
        // A code refused without a check leaves no trace.
        Ok(_) | Err(Refused::TooMany { .. }) => {}
        Err(refused) => {
            let who = (email, known.map(|user| user.id));
            let refusal = refusal(*refused);
            authentications::failed(tx, act, Proof::MagicAuth, client_info, who, authentications::reason(&refusal))
                .await?;
        }
    }
    Ok(redeemed)
}

async fn prove(
    tx: &mut Tx,
    act: &Act,
    known: Option<&User>,
    (email, code): (&str, &str),
    from: Option<&str>,
) -> Result<Result<Proven, Refused>, Failure> {
    if let Some(user) = known {
        // Accounts are locked before their codes, as when a new code is sent.
        user::lock(tx, act.environment_id, user.id).await?;
    }
    let redeemed = mailed_codes::redeem::<MagicAuthId>(tx, act, known.map(|user| user.id), email, (code, from)).await?;
    let code = match redeemed {
        Ok(code) => code,
        Err(refused) => return Ok(Err(refused)),
    };
    if !address_proof::address_proven(tx, act, code.user_id, &code.email, false).await? {
        return Ok(Err(Refused::Wrong));
    }
    let proven = user::find(tx, act.environment_id, code.user_id).await?;
    Ok(proven.map(|user| Proven { user }).ok_or(Refused::Wrong))
}

/// The error of `/user_management/authenticate` for a refused code.
pub fn refusal(refused: Refused) -> ApiError {
    let (code, message) = match refused {
        Refused::Wrong => ("invalid_one_time_code", "The code is not right."),
        Refused::Used => ("one_time_code_previously_used", "The code was used before."),
        Refused::Expired => ("one_time_code_expired", "The code has expired."),
        Refused::TooMany { .. } => {
            ("one_time_code_too_many_attempts", "Too many codes were tried. Send a new one, or wait for a day.")
        }
    };
    ApiError::bad_request(code, message)
}
