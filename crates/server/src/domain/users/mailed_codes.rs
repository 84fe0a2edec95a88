//! Codes of six digits that are mailed and shown by the API: made, read back, and redeemed once. What each is for is said by
//! the kind of its identifier, and decided by who asks for it: [`crate::domain::users::magic_auth`], [`crate::domain::users::email_verification`]. Those of
//! the hosted pages are here to be shown; they are redeemed in the browser that has asked for them ([`crate::hosted::email_code`]).

use crate::domain::attempts::{self, CODES, CODES_FOR_ADDRESS, CODES_FOR_ADDRESS_ANYWHERE};
use crate::domain::{Act, Failure, events};
use countersign_protocol::id::UserId;
use countersign_protocol::management::views::{mailed_code_event_view, mailed_code_view};
use countersign_protocol::model::{MailedCode, MailedCodeId, email_key};
use countersign_protocol::secret::Secret;
use countersign_protocol::time::Timestamp;
use countersign_store::{Tx, mailed_code, user};
use serde_json::Value;

/// How long a code is good, in minutes.
pub const MINUTES: u32 = 10;

/// Until when a code that is made now is good.
pub fn good_until(act: &Act) -> Timestamp {
    act.now.plus_secs(i64::from(MINUTES) * 60)
}

/// Why a code was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// It is not the newest code that was sent to this address, or there is none.
    Wrong,
    /// It was right, and was used before.
    Used,
    /// It was right, and is too old.
    Expired,
    /// So much was tried that nothing is, until this moment.
    TooMany {
        /// When it is worth trying again.
        again_at: Timestamp,
    },
}

fn context<I: MailedCodeId>(act: &Act, id: I) -> [String; 3] {
    ["mailed-code".to_owned(), act.environment_id.to_string(), id.to_string()]
}

/// A code that was not used yet, with its digits sealed.
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

/// Makes a code for an account that was locked; the one before it is worth nothing any more. Tries at that one are
/// forgotten, those of the day are not.
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

/// Makes a code that a hosted page sends into an object, and tells of it by `event`: whoever sends the mails of the product
/// reads it there. It is redeemed in the browser that has asked for it, and [`redeem`] never finds it: else a person who is
/// talked out of the digits would let somebody else in. Lock the account before. Where nobody has it by now, or it has another
/// address, nothing is kept.
///
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

/// Notes that the code of a hosted page was used. That it is used once is not decided here: some have no account yet, and
/// are not kept.
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
/// A failure of ours when what is stored does not open.
pub fn digits<I: MailedCodeId>(act: &Act, code: &MailedCode<I>) -> Result<Secret, Failure> {
    let context = context(act, code.id);
    let context: Vec<&str> = context.iter().map(String::as_str).collect();
    let opened = act.keyring.mailed_code.open(&context, &code.sealed_code).map_err(Failure::internal)?;
    Ok(Secret::new(String::from_utf8(opened.to_vec()).map_err(Failure::internal)?))
}

/// A code as the API shows it.
///
/// # Errors
/// As [`digits`].
pub fn view<I: MailedCodeId>(act: &Act, code: &MailedCode<I>) -> Result<Value, Failure> {
    Ok(mailed_code_view(code, digits(act, code)?.expose()))
}

/// Holds what was typed against the newest code of a person, sent to this very address, and uses it up. `None` is nobody:
/// whoever tries at an address without an account learns the same, and as often.
///
/// A refusal is not an error: tries are counted in this transaction, so it must be committed whatever comes out.
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
    // Over all codes of the address, and per code: asking for new ones gives no new tries without end. Where it is known from
    // where somebody tries, that comes first: who guesses there does not use up the tries of who knows.
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
    // A code proves the address it was sent to, and not the one that the account has by now.
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
    // Of all who try, on whatever node, one uses it up.
    if !mailed_code::use_up(tx, act.environment_id, code.id, act.now).await? {
        return Ok(Err(Refused::Used));
    }
    for (limit, subject) in counts {
        attempts::clear(tx, act, limit, subject).await?;
    }
    Ok(Ok(code))
}
