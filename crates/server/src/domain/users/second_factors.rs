//! Second factors: authenticator applications that show codes. A user who has one is asked for a code at every sign-in
//! here, whatever the first factor; an environment can require everybody to have one. A factor counts from its first
//! correct code on: a user who began to set one up and never finished is not locked out.

use crate::domain::attempts::{self, SECOND_FACTORS, SECOND_FACTORS_ANYWHERE};
use crate::domain::users::authentications::{self, ClientInfo, Proof};
use crate::domain::users::magic_auth;
use crate::domain::users::mailed_codes::Refused;
use crate::domain::{Act, Failure, audit_log, mails};
use countersign_pages::Language;
use countersign_protocol::id::{AuthChallengeId, AuthFactorId, UserId};
use countersign_protocol::management::error::ApiError;
use countersign_protocol::management::page::{Scan, Slice};
use countersign_protocol::model::{AuthenticationChallenge, AuthenticationFactor, User};
use countersign_protocol::second_factor::{enrolment, totp};
use countersign_protocol::time::Timestamp;
use countersign_store::{Query, Tx, authentication_challenge, authentication_factor, user};
use zeroize::Zeroizing;

/// The maximum number of factors of one user.
const MAX: usize = 10;
/// How long a challenge can be answered, in seconds.
pub const CHALLENGE_LIFETIME: i64 = 86_400;

/// What a sign-in requires besides the first factor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Need {
    /// Nothing.
    Nothing,
    /// A code of one of these factors.
    Code(Vec<AuthenticationFactor>),
    /// Setting up a factor, because the environment requires one.
    Enrolment,
}

/// Returns what a user's sign-in requires.
///
/// # Errors
/// Database errors.
pub async fn need(query: &mut impl Query, act: &Act, user_id: UserId) -> Result<Need, Failure> {
    let confirmed = authentication_factor::confirmed(query, act.environment_id, user_id).await?;
    Ok(match confirmed.is_empty() {
        false => Need::Code(confirmed),
        true if act.authentication.mfa_required => Need::Enrolment,
        true => Need::Nothing,
    })
}

/// The properties of a new factor.
#[derive(Debug, Clone, Default)]
pub struct NewFactor {
    /// The user it belongs to.
    pub user_id: Option<UserId>,
    /// The name of the product in the application.
    pub issuer: String,
    /// The name of the account in the application.
    pub account: String,
}

/// A factor's secret, while it is shown.
pub type FactorSecret = Zeroizing<Vec<u8>>;

/// Generates a secret for a factor.
///
/// # Errors
/// When random bytes cannot be obtained.
pub fn new_secret(act: &Act) -> Result<FactorSecret, Failure> {
    Ok(Zeroizing::new(act.entropy.bytes::<{ enrolment::SECRET_BYTES }>()?.to_vec()))
}

fn context(act: &Act, id: AuthFactorId) -> [String; 3] {
    ["second-factor".to_owned(), act.environment_id.to_string(), id.to_string()]
}

fn factor(
    act: &Act,
    new: NewFactor,
    secret: &[u8],
    (confirmed_at, last_step): (Option<Timestamp>, i64),
) -> Result<AuthenticationFactor, Failure> {
    let id = act.entropy.id(act.now)?;
    let context = context(act, id);
    let context: Vec<&str> = context.iter().map(String::as_str).collect();
    let sealed_secret =
        act.keyring.second_factor.seal(&context, secret, act.entropy.bytes()?).map_err(Failure::internal)?;
    let NewFactor { user_id, issuer, account } = new;
    let (created_at, updated_at) = (act.now, act.now);
    Ok(AuthenticationFactor {
        id,
        user_id,
        issuer,
        account,
        sealed_secret,
        confirmed_at,
        last_step,
        created_at,
        updated_at,
    })
}

/// Opens the secret from which a factor's codes are derived.
fn secret(act: &Act, factor: &AuthenticationFactor) -> Result<FactorSecret, Failure> {
    let context = context(act, factor.id);
    let context: Vec<&str> = context.iter().map(String::as_str).collect();
    let opened = act.keyring.second_factor.open(&context, &factor.sealed_secret).map_err(Failure::internal)?;
    Ok(Zeroizing::new(opened.to_vec()))
}

/// Creates a factor and returns its secret. With a secret that is brought along, which the user has already, it is
/// confirmed at once. The caller has locked the account. At the maximum number, the oldest unconfirmed factor is
/// deleted.
///
/// # Errors
/// 409 `too_many_authentication_factors`.
pub async fn enrol(
    tx: &mut Tx,
    act: &Act,
    new: NewFactor,
    brought_along: Option<FactorSecret>,
) -> Result<(AuthenticationFactor, FactorSecret), Failure> {
    if let Some(user_id) = new.user_id {
        make_room(tx, act, user_id).await?;
    }
    let confirmed_at = brought_along.is_some().then_some(act.now);
    let secret = match brought_along {
        Some(secret) => secret,
        None => new_secret(act)?,
    };
    let made = factor(act, new, &secret, (confirmed_at, 0))?;
    keep(tx, act, &made).await?;
    Ok((made, secret))
}

async fn make_room(tx: &mut Tx, act: &Act, user_id: UserId) -> Result<(), Failure> {
    let oldest_first = Slice { scan: Scan::Ascending, from: None, limit: MAX };
    let known = authentication_factor::list(tx, act.environment_id, user_id, &oldest_first).await?;
    if known.len() < MAX {
        return Ok(());
    }
    match known.iter().find(|known| known.confirmed_at.is_none()) {
        Some(unused) => delete(tx, act, unused.id).await.map(drop),
        None => Err(Failure::conflict(
            "too_many_authentication_factors",
            "The user has reached the maximum number of authentication factors. Delete one first.",
        )),
    }
}

async fn keep(tx: &mut Tx, act: &Act, made: &AuthenticationFactor) -> Result<(), Failure> {
    authentication_factor::insert(tx, act.environment_id, made).await?;
    audit_log::note(tx, act, "authentication_factor.created", "authentication_factor", made.id).await
}

/// Stores a user's factor after its first correct code, and notifies the user by mail. The account is locked.
///
/// # Errors
/// As [`enrol`].
pub async fn keep_proven(
    tx: &mut Tx,
    act: &Act,
    (new, user): (NewFactor, &User),
    secret: &[u8],
    (step, page): (i64, Language),
) -> Result<(), Failure> {
    drop_unconfirmed(tx, act, user.id).await?;
    make_room(tx, act, user.id).await?;
    keep(tx, act, &factor(act, new, secret, (Some(act.now), step))?).await?;
    mails::second_factor_added(tx, act, user, Some(page)).await
}

/// Completes the confirmation of a user's factor by its first code: deletes the other unconfirmed ones, and notifies
/// the user by mail.
async fn confirmed_now(tx: &mut Tx, act: &Act, user: &User) -> Result<(), Failure> {
    drop_unconfirmed(tx, act, user.id).await?;
    // No mail to an unverified address.
    if user.email_verified {
        mails::second_factor_added(tx, act, user, None).await?;
    }
    Ok(())
}

/// Deletes a user's unconfirmed factors: somebody may have seen their secrets.
///
/// # Errors
/// Database errors.
pub async fn drop_unconfirmed(tx: &mut Tx, act: &Act, user_id: UserId) -> Result<(), Failure> {
    for id in authentication_factor::delete_unconfirmed(tx, act.environment_id, user_id).await? {
        audit_log::note(tx, act, "authentication_factor.deleted", "authentication_factor", id).await?;
    }
    Ok(())
}

/// Deletes a factor; returns `false` if there is none.
///
/// # Errors
/// Database errors.
pub async fn delete(tx: &mut Tx, act: &Act, id: AuthFactorId) -> Result<bool, Failure> {
    if !authentication_factor::delete(tx, act.environment_id, id).await? {
        return Ok(false);
    }
    audit_log::note(tx, act, "authentication_factor.deleted", "authentication_factor", id).await?;
    Ok(true)
}

/// Removes all factors of a user on behalf of an administrator; returns whether one was confirmed. Notifies the user by
/// mail, and clears failed attempts at their codes, which would otherwise keep the user out.
///
/// # Errors
/// Database errors.
pub async fn remove_all(tx: &mut Tx, act: &Act, user: &User) -> Result<bool, Failure> {
    user::lock(tx, act.environment_id, user.id).await?;
    let all = Slice { scan: Scan::Ascending, from: None, limit: MAX };
    let known = authentication_factor::list(tx, act.environment_id, user.id, &all).await?;
    for factor in &known {
        delete(tx, act, factor.id).await?;
    }
    attempts::clear(tx, act, SECOND_FACTORS_ANYWHERE, &user.id.to_string()).await?;
    let counted = known.iter().any(|factor| factor.confirmed_at.is_some());
    // No mail to an unverified address.
    if counted && user.email_verified {
        mails::second_factor_removed(tx, act, user, None).await?;
    }
    Ok(counted)
}

/// Looks up the factor with this identifier, as received.
///
/// # Errors
/// 404.
pub async fn find(query: &mut impl Query, act: &Act, id: &str) -> Result<AuthenticationFactor, Failure> {
    let missing = || Failure::not_found("Authentication factor", id);
    let parsed = AuthFactorId::parse(id).map_err(|_| missing())?;
    authentication_factor::find(query, act.environment_id, parsed).await?.ok_or_else(missing)
}

/// Creates a challenge for a factor.
///
/// # Errors
/// Database errors.
pub async fn challenge(
    tx: &mut Tx,
    act: &Act,
    factor: &AuthenticationFactor,
) -> Result<AuthenticationChallenge, Failure> {
    let made = AuthenticationChallenge {
        id: act.entropy.id(act.now)?,
        factor_id: factor.id,
        verified_at: None,
        created_at: act.now,
        updated_at: act.now,
    };
    authentication_challenge::insert(tx, act.environment_id, &made).await?;
    Ok(made)
}

/// Looks up the challenge with this identifier, as received.
///
/// # Errors
/// 404.
pub async fn find_challenge(query: &mut impl Query, act: &Act, id: &str) -> Result<AuthenticationChallenge, Failure> {
    let missing = || Failure::not_found("Authentication challenge", id);
    let parsed = AuthChallengeId::parse(id).map_err(|_| missing())?;
    authentication_challenge::find(query, act.environment_id, parsed).await?.ok_or_else(missing)
}

/// Whether a challenge has expired.
pub fn is_over(act: &Act, challenge: &AuthenticationChallenge) -> bool {
    act.now >= challenge.created_at.plus_secs(CHALLENGE_LIFETIME)
}

/// The unit by which attempts are counted: the network, all of whose addresses belong to one caller.
fn place(from: Option<&str>) -> String {
    match from.map(|from| (from, from.parse())) {
        Some((_, Ok(address))) => attempts::network(address).to_string(),
        Some((text, Err(_))) => text.to_owned(),
        None => String::new(),
    }
}

/// Counts an attempt at the factors of a user, or at a single factor. If the source address is known, guessing does not
/// use up the attempts of the person who has the factor.
async fn count(tx: &mut Tx, act: &Act, whose: &str, from: Option<&str>) -> Result<Result<(), Refused>, Failure> {
    let here = format!("{whose} {}", place(from));
    let counts = [(SECOND_FACTORS, here.as_str()), (SECOND_FACTORS_ANYWHERE, whose)];
    let counted = attempts::count_all(tx, act, &counts).await?;
    Ok(counted.map_err(|(_, again_at)| Refused::TooMany { again_at }))
}

/// Clears the attempts from this source after a correct code. Those from other sources still count.
async fn forget_tries(tx: &mut Tx, act: &Act, whose: &str, from: Option<&str>) -> Result<(), Failure> {
    attempts::clear(tx, act, SECOND_FACTORS, &format!("{whose} {}", place(from))).await?;
    attempts::take_back(tx, act, SECOND_FACTORS_ANYWHERE, whose).await
}

/// Counts an attempt at the first code of a factor being set up. There is nothing to guess: its secret is shown.
///
/// # Errors
/// Database errors.
pub async fn count_first(
    tx: &mut Tx,
    act: &Act,
    whose: &str,
    from: Option<&str>,
) -> Result<Result<(), Refused>, Failure> {
    let subject = format!("{whose} {}", place(from));
    let counted = attempts::count(tx, act, SECOND_FACTORS.named("new second factor of"), &subject).await?;
    Ok(counted.map_err(|again_at| Refused::TooMany { again_at }))
}

/// Checks a code against factors and redeems it: neither it nor an older one is valid again. A refusal is not an error:
/// attempts are counted in this transaction, so it must be committed whatever the outcome.
///
/// # Errors
/// Database errors.
pub async fn redeem(
    tx: &mut Tx,
    act: &Act,
    whose: &str,
    factors: &[AuthenticationFactor],
    (typed, from): (&str, Option<&str>),
) -> Result<Result<AuthFactorId, Refused>, Failure> {
    // An unconfirmed factor protects nothing yet, and guessing at the confirmed ones must not prevent its setup.
    let counted = if factors.iter().all(|factor| factor.confirmed_at.is_none()) {
        count_first(tx, act, whose, from).await?
    } else {
        count(tx, act, whose, from).await?
    };
    if let Err(refused) = counted {
        return Ok(Err(refused));
    }
    for factor in factors {
        let secret = secret(act, factor)?;
        let Some(step) = totp::step_of(&secret, typed, act.now.as_secs()) else { continue };
        if !authentication_factor::take(tx, act.environment_id, factor.id, step, act.now).await? {
            return Ok(Err(Refused::Used));
        }
        // The first code of a factor whose secret was just shown says nothing about the others.
        if factor.confirmed_at.is_some() {
            forget_tries(tx, act, whose, from).await?;
        }
        return Ok(Ok(factor.id));
    }
    Ok(Err(Refused::Wrong))
}

/// Redeems the code of a user who signs in, and records an event about the outcome. The caller has locked the account.
///
/// # Errors
/// Database errors.
pub async fn sign_in(
    tx: &mut Tx,
    act: &Act,
    user: &User,
    factors: &[AuthenticationFactor],
    typed: &str,
    client_info: &ClientInfo,
) -> Result<Result<AuthFactorId, Refused>, Failure> {
    let from = client_info.ip_address.as_deref();
    let redeemed = redeem(tx, act, &user.id.to_string(), factors, (typed, from)).await?;
    tell(tx, act, user, client_info, redeemed.as_ref().map(drop).map_err(|refused| *refused)).await?;
    Ok(redeemed)
}

/// Records an event about the outcome of a code. A code refused without a check leaves no trace.
///
/// # Errors
/// Database errors.
pub async fn tell(
    tx: &mut Tx,
    act: &Act,
    user: &User,
    client_info: &ClientInfo,
    outcome: Result<(), Refused>,
) -> Result<(), Failure> {
    match outcome {
        Ok(()) => authentications::succeeded(tx, act, Proof::Mfa, client_info, user).await,
        Err(Refused::TooMany { .. }) => Ok(()),
        Err(refused) => {
            let refusal = magic_auth::refusal(refused);
            let who = (user.email.as_str(), Some(user.id));
            authentications::failed(tx, act, Proof::Mfa, client_info, who, authentications::reason(&refusal)).await
        }
    }
}

/// Answers a challenge during a sign-in: its factor is a confirmed one of this user, or the first one being set up.
/// Returns the factor. The caller has locked the account.
///
/// # Errors
/// 404 for a challenge of another user.
pub async fn answer(
    tx: &mut Tx,
    act: &Act,
    user: &User,
    (challenge_id, typed): (&str, &str),
    client_info: &ClientInfo,
) -> Result<Result<AuthFactorId, Refused>, Failure> {
    let challenge = find_challenge(tx, act, challenge_id).await?;
    let factor = authentication_factor::find_and_lock(tx, act.environment_id, challenge.factor_id).await?;
    let Some(factor) = factor.filter(|factor| factor.user_id == Some(user.id)) else {
        return Err(Failure::not_found("Authentication challenge", challenge_id));
    };
    let counts = match need(tx, act, user.id).await? {
        Need::Code(confirmed) => confirmed.iter().any(|one| one.id == factor.id),
        Need::Enrolment | Need::Nothing => true,
    };
    let outcome = if !counts {
        Err(Refused::Wrong)
    } else if challenge.verified_at.is_some() {
        Err(Refused::Used)
    } else if is_over(act, &challenge) {
        Err(Refused::Expired)
    } else {
        let is_new = factor.confirmed_at.is_none();
        let answered = sign_in(tx, act, user, &[factor], typed, client_info).await?;
        if answered.is_ok() {
            authentication_challenge::verify(tx, act.environment_id, challenge.id, act.now).await?;
            if is_new {
                confirmed_now(tx, act, user).await?;
            }
        }
        return Ok(answered);
    };
    Ok(outcome)
}

/// Answers a challenge for the company; returns whether the code was right, or `Err` if it was not checked.
///
/// # Errors
/// 404; 422 for a challenge that was answered before, or has expired. The inner error: 400
/// `one_time_code_too_many_attempts`.
pub async fn verify(
    tx: &mut Tx,
    act: &Act,
    challenge_id: &str,
    typed: &str,
) -> Result<Result<(AuthenticationChallenge, bool), ApiError>, Failure> {
    let unprocessable =
        |code, message: &str| Failure::Refused(ApiError::Unprocessable { code, message: message.into() });
    let challenge = find_challenge(tx, act, challenge_id).await?;
    // The user before the factor, here as everywhere.
    let found = authentication_factor::find(tx, act.environment_id, challenge.factor_id).await?;
    if let Some(user_id) = found.and_then(|factor| factor.user_id) {
        user::lock(tx, act.environment_id, user_id).await?;
    }
    let factor = authentication_factor::find_and_lock(tx, act.environment_id, challenge.factor_id).await?;
    let factor = factor.ok_or_else(|| Failure::not_found("Authentication challenge", challenge_id))?;
    let challenge = find_challenge(tx, act, challenge_id).await?;
    if challenge.verified_at.is_some() {
        return Err(unprocessable(
            "authentication_challenge_previously_verified",
            "The challenge was verified before.",
        ));
    }
    if is_over(act, &challenge) {
        return Err(unprocessable("authentication_challenge_expired", "The challenge has expired. Make another one."));
    }
    let whose = factor.user_id.map_or_else(|| factor.id.to_string(), |id| id.to_string());
    let begun_by = factor.user_id.filter(|_| factor.confirmed_at.is_none());
    match redeem(tx, act, &whose, &[factor], (typed, None)).await? {
        Ok(_) => {
            authentication_challenge::verify(tx, act.environment_id, challenge.id, act.now).await?;
            if let Some(id) = begun_by
                && let Some(user) = user::find(tx, act.environment_id, id).await?
            {
                confirmed_now(tx, act, &user).await?;
            }
            let verified = AuthenticationChallenge { verified_at: Some(act.now), updated_at: act.now, ..challenge };
            Ok(Ok((verified, true)))
        }
        Err(refused @ Refused::TooMany { .. }) => Ok(Err(magic_auth::refusal(refused))),
        Err(_) => Ok(Ok((challenge, false))),
    }
}
