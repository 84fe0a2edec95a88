//! Six-digit codes that are mailed and shown by the API: issued, read back, and redeemed once. The kind of a code's
//! identifier states its purpose, which its callers implement: [`crate::domain::users::magic_auth`],
//! [`crate::domain::users::email_verification`]. Those of the hosted pages are stored only to be shown; they are
//! redeemed in the browser that requested them ([`crate::hosted::email_code`]).

use crate::domain::attempts::{self, CODES, CODES_FOR_ADDRESS, CODES_FOR_ADDRESS_ANYWHERE};
use crate::domain::{Act, Failure, events};
use countersign_protocol::id::UserId;
use countersign_protocol::management::views::{mailed_code_event_view, mailed_code_view};
use countersign_protocol::model::{MailedCode, MailedCodeId, email_key};
use countersign_protocol::secret::Secret;
use countersign_protocol::time::Timestamp;
use countersign_store::{Tx, mailed_code, user};
use serde_json::Value;

/// The lifetime of a code, in minutes.
pub const MINUTES: u32 = 10;

/// When a code that is issued now expires.
pub fn good_until(act: &Act) -> Timestamp {
    act.now.plus_secs(i64::from(MINUTES) * 60)
}

/// Why a code was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// It is not the newest code sent to this address, or there is none.
    Wrong,
    /// It was correct, but used before.
    Used,
    /// It was correct, but has expired.
    Expired,
    /// There were too many attempts: none is checked until this time.
    TooMany {
        /// When the next attempt is allowed.
        again_at: Timestamp,
    },
}

fn context<I: MailedCodeId>(act: &Act, id: I) -> [String; 3] {
    ["mailed-code".to_owned(), act.environment_id.to_string(), id.to_string()]
}

/// An unused code with its digits sealed.
fn sealed<I: MailedCodeId>(
    act: &Act,
    id: I,
    (user_id, email): (UserId, &str),
    digits: &Secret,
) -> Result<MailedCode<I>, Failure> {
    let context = context(act, id);
    let context: Vec<&str> = context.iter().map(String::as_str).collect();
    let plain = digits.expose().as_bytes();
    let sealed_code = act.keyring.mailed_code.seal(&context, plain, act.entropy.bytes()?).map_err(Failure::internal)?;
    Ok(MailedCode {
        id,
        user_id,
        email: email.to_owned(),
        sealed_code,
        used_at: None,
        expires_at: good_until(act),
        created_at: act.now,
        updated_at: act.now,
    })
}

/// Issues a code for a locked account; the previous one becomes invalid. Attempts at that one are cleared, those of the
/// day are not.
///
/// # Errors
/// Database errors.
pub async fn issue<I: MailedCodeId>(
    tx: &mut Tx,
    act: &Act,
    user_id: UserId,
    email: &str,
) -> Result<(MailedCode<I>, Secret), Failure> {
    let digits = act.entropy.code()?;
    let code = sealed::<I>(act, act.entropy.id(act.now)?, (user_id, email), &digits)?;
    mailed_code::insert(tx, act.environment_id, &code).await?;
    attempts::clear(tx, act, CODES.named(I::PREFIX), &attempts::address(act, email)).await?;
    Ok((code, digits))
}

/// Stores a code that a hosted page sends as an object, and records `event`, so that a company that sends its own mail
/// can read it. The code is redeemed in the browser that requested it, and [`redeem`] never finds it: otherwise a user
/// tricked into revealing the digits would let somebody else in. The caller has locked the account. If it no longer
/// exists, or has another address, nothing is stored.
/// # Errors
/// Database errors.
pub async fn keep_of_page<I: MailedCodeId>(
    tx: &mut Tx,
    act: &Act,
    (event, id): (&'static str, &str),
    (user_id, email): (UserId, &str),
    digits: &Secret,
) -> Result<(), Failure> {
    let found = user::find(tx, act.environment_id, user_id).await?;
    if found.is_none_or(|user| email_key(&user.email) != email_key(email)) {
        return Ok(());
    }
    let id: I = id.parse().map_err(Failure::internal)?;
    let code = sealed(act, id, (user_id, email), digits)?;
    mailed_code::insert_apart(tx, act.environment_id, &code).await?;
    events::record(tx, act, event, None, &mailed_code_event_view(&code)).await
}

/// Marks the code of a hosted page as used. That does not ensure that it is used only once: codes without an account
/// are not stored.
///
/// # Errors
/// Database errors.
pub async fn used_on_page<I: MailedCodeId>(tx: &mut Tx, act: &Act, id: &str) -> Result<(), Failure> {
    let id: I = id.parse().map_err(Failure::internal)?;
    mailed_code::use_up_apart(tx, act.environment_id, id, act.now).await?;
    Ok(())
}

/// The digits of a code.
///
/// # Errors
/// An internal error when the sealed code does not open.
pub fn digits<I: MailedCodeId>(act: &Act, code: &MailedCode<I>) -> Result<Secret, Failure> {
    let context = context(act, code.id);
    let context: Vec<&str> = context.iter().map(String::as_str).collect();
    let opened = act.keyring.mailed_code.open(&context, &code.sealed_code).map_err(Failure::internal)?;
    Ok(Secret::new(String::from_utf8(opened.to_vec()).map_err(Failure::internal)?))
}

/// A code as the API returns it.
///
/// # Errors
/// As [`digits`].
pub fn view<I: MailedCodeId>(act: &Act, code: &MailedCode<I>) -> Result<Value, Failure> {
    Ok(mailed_code_view(code, digits(act, code)?.expose()))
}

/// Checks the typed code against the newest one of a user, sent to this very address, and uses it up. `None` is an
/// address without an account, for which the answers and the limits are the same.
///
/// A refusal is not an error: attempts are counted in this transaction, so it must be committed whatever the outcome.
///
/// # Errors
/// Database errors.
pub async fn redeem<I: MailedCodeId>(
    tx: &mut Tx,
    act: &Act,
    user_id: Option<UserId>,
    email: &str,
    (typed, from): (&str, Option<&str>),
) -> Result<Result<MailedCode<I>, Refused>, Failure> {
    let address = attempts::address(act, email);
    // Counted over all codes of the address, and per code: requesting new codes does not give unlimited attempts. If
    // the source address is known, its count comes first: guessing from it does not use up the attempts of the user.
    let tried_from = format!("{address} {}", from.unwrap_or_default());
    let counts = [
        (CODES_FOR_ADDRESS.named("codes by API for"), tried_from.as_str()),
        (CODES_FOR_ADDRESS_ANYWHERE.named("codes by API anywhere for"), &address),
        (CODES.named(I::PREFIX), &address),
    ];
    if let Err((_, again_at)) = attempts::count_all(tx, act, &counts).await? {
        return Ok(Err(Refused::TooMany { again_at }));
    }
    let newest = match user_id {
        Some(id) => mailed_code::newest::<I>(tx, act.environment_id, id).await?,
        None => None,
    };
    // A code proves the address that it was sent to, which may no longer be the account's.
    let Some(code) = newest.filter(|code| email_key(&code.email) == email_key(email)) else {
        return Ok(Err(Refused::Wrong));
    };
    let typed: String = typed.chars().filter(char::is_ascii_digit).collect();
    let expected = digits(act, &code)?;
    if aws_lc_rs::constant_time::verify_slices_are_equal(expected.expose().as_bytes(), typed.as_bytes()).is_err() {
        return Ok(Err(Refused::Wrong));
    }
    if code.used_at.is_some() {
        return Ok(Err(Refused::Used));
    }
    if act.now >= code.expires_at {
        return Ok(Err(Refused::Expired));
    }
    // Of all concurrent attempts, on any node, one uses it up.
    if !mailed_code::use_up(tx, act.environment_id, code.id, act.now).await? {
        return Ok(Err(Refused::Used));
    }
    for (limit, subject) in counts {
        attempts::clear(tx, act, limit, subject).await?;
    }
    Ok(Ok(code))
}
