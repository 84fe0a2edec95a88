//! How often something may be tried: counted over all nodes, so that it does not help to ask another one.

use crate::domain::{Act, Failure};
use countersign_protocol::management::error::ApiError;
use countersign_protocol::model::email_key;
use countersign_protocol::secret::Digest;
use countersign_protocol::time::Timestamp;
use countersign_store::{Tx, attempt};
use std::net::{IpAddr, Ipv6Addr};

/// How often something may be tried, and what it is counted as.
#[derive(Debug, Clone, Copy)]
pub struct Limit {
    name: &'static str,
    /// How often.
    pub most: i64,
    /// In how many seconds.
    pub seconds: i64,
}

impl Limit {
    /// So many tries in so many seconds. No two limits of one subject have the same name.
    pub const fn new(name: &'static str, most: i64, seconds: i64) -> Self {
        Self { name, most, seconds }
    }

    /// The same limit of something else.
    pub const fn named(self, name: &'static str) -> Self {
        Self { name, ..self }
    }
}

/// Passwords, per account and address they come from: who guesses does not lock out who knows.
pub const PASSWORDS: Limit = Limit::new("password", 10, 15 * 60);
/// Passwords, per account, wherever they come from.
pub const PASSWORDS_FOR_ACCOUNT: Limit = Limit::new("password for", 100, 15 * 60);
/// Passwords, per address they come from, whatever the account.
pub const PASSWORDS_FROM: Limit = Limit::new("password from", 200, 15 * 60);
/// Sign-ins through the API, per account.
pub const API_SIGN_INS: Limit = Limit::new("sign-in for", 10, 60);
/// Tries at one code.
pub const CODES: Limit = Limit::new("code", 5, 60 * 60);
/// Tries at codes for one address, over all its codes, per address they come from: who guesses does not lock out who knows.
pub const CODES_FOR_ADDRESS: Limit = Limit::new("codes for", 20, 86_400);
/// Tries at codes for one address, over all its codes, wherever they come from.
pub const CODES_FOR_ADDRESS_ANYWHERE: Limit = Limit::new("codes anywhere for", 100, 86_400);
/// Codes of a second factor, per account and address they come from: who guesses does not lock out who knows.
pub const SECOND_FACTORS: Limit = Limit::new("second factor of", 10, 15 * 60);
/// The same, wherever they come from: three of a million codes are good at a time for each factor, of which most people have one.
pub const SECOND_FACTORS_ANYWHERE: Limit = Limit::new("second factor anywhere of", 50, 86_400);
/// Codes and links that the company has sent to one address in a day.
pub const MAILS_BY_API_A_DAY: Limit = Limit::new("mail of the day", 60, 86_400);
/// Tries at codes from one address, over all accounts.
pub const CODES_FROM: Limit = Limit::new("codes from", 100, 60 * 60);
/// Mails caused from one address, whomever they go to.
pub const MAILS_FROM: Limit = Limit::new("mail from", 60, 15 * 60);
/// Devices that begin at one address.
pub const DEVICES_FROM: Limit = Limit::new("device from", 60, 10 * 60);
/// Clients that register themselves from one address, and are made for that.
pub const REGISTRATIONS_FROM: Limit = Limit::new("registrations from", 30, 10 * 60);
/// Metadata documents that are asked for from one address, and are not fresh here.
pub const DOCUMENTS_FROM: Limit = Limit::new("documents from", 30, 10 * 60);
/// Metadata documents that one host is asked for, whoever wants them.
pub const DOCUMENTS_AT: Limit = Limit::new("documents at", 300, 10 * 60);
/// Sign-ups from one address.
pub const SIGN_UPS_FROM: Limit = Limit::new("sign-up from", 60, 15 * 60);
/// Codes and links that the company has sent to one address.
pub const MAILS_BY_API: Limit = Limit::new("mail by API", 3, 60);
/// Messages that people ask hosted pages for.
#[derive(Debug, Clone, Copy)]
pub struct MailLimits {
    /// To one address, per address that asks for them: who asks in somebody's name does not use up what they may ask for
    /// themselves.
    each: Limit,
    each_a_day: Limit,
    /// To one address, whoever asks for them.
    anywhere: Limit,
    anywhere_a_day: Limit,
}

/// Messages with codes.
pub const CODE_MAILS: MailLimits = MailLimits {
    each: Limit::new("code to", 5, 15 * 60),
    each_a_day: Limit::new("code to in a day", 20, 86_400),
    anywhere: Limit::new("code to anywhere", 20, 15 * 60),
    anywhere_a_day: Limit::new("code to anywhere in a day", 100, 86_400),
};

/// Messages with links that set a new password.
pub const RESET_MAILS: MailLimits = MailLimits {
    each: CODE_MAILS.each.named("reset to"),
    each_a_day: CODE_MAILS.each_a_day.named("reset to in a day"),
    anywhere: CODE_MAILS.anywhere.named("reset to anywhere"),
    anywhere_a_day: CODE_MAILS.anywhere_a_day.named("reset to anywhere in a day"),
};

/// What tries from an address are counted by: an IPv4 address itself, or the /64 an IPv6 address lies in, all of which is one
/// caller's.
pub fn network(address: IpAddr) -> IpAddr {
    // Dual-stack sockets tell IPv4 addresses as IPv6 ones.
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from(u128::from(address) & !u128::from(u64::MAX))),
    }
}

/// Where tries at a subject are counted.
fn counter(act: &Act, limit: Limit, subject: &str) -> Digest {
    act.keyring.attempt.digest(&format!("{} {subject}", limit.name))
}

/// Counts a try. `Err` with the moment at which the next is allowed, when there were too many.
///
/// # Errors
/// Database errors.
pub async fn count(tx: &mut Tx, act: &Act, limit: Limit, subject: &str) -> Result<Result<(), Timestamp>, Failure> {
    let until = act.now.plus_secs(limit.seconds);
    let digest = counter(act, limit, subject);
    let (count, over_at) = attempt::count(tx, act.environment_id, &digest, (act.now, until)).await?;
    Ok(if count <= limit.most { Ok(()) } else { Err(over_at) })
}

/// Counts a try at each of several subjects, or at none: what is refused without being looked at is no try, and others are
/// counted by some of them. `Err` with the place of the one that had too many, and the moment at which the next is allowed.
///
/// # Errors
/// Database errors.
pub async fn count_all(
    tx: &mut Tx,
    act: &Act,
    counts: &[(Limit, &str)],
) -> Result<Result<(), (usize, Timestamp)>, Failure> {
    for (at, (limit, subject)) in counts.iter().enumerate() {
        if let Err(over_at) = count(tx, act, *limit, subject).await? {
            for (limit, subject) in counts.iter().take(at) {
                take_back(tx, act, *limit, subject).await?;
            }
            return Ok(Err((at, over_at)));
        }
    }
    Ok(Ok(()))
}

/// What an address is counted by, without naming it.
pub fn address(act: &Act, email: &str) -> String {
    act.keyring.attempt.digest(&format!("address {}", email_key(email))).to_base64url()
}

/// Counts a message that the company asks for.
///
/// # Errors
/// 429 when there were too many.
pub async fn count_mail(tx: &mut Tx, act: &Act, what: &'static str, subject: &str) -> Result<(), Failure> {
    if let Err(over_at) = count(tx, act, MAILS_BY_API.named(what), subject).await? {
        return Err(Failure::Refused(too_many(act, over_at)));
    }
    if let Err(over_at) = count(tx, act, MAILS_BY_API_A_DAY, subject).await? {
        return Err(Failure::Refused(ApiError::TooMany {
            code: "daily_quota_exceeded",
            message: "Too many mails were sent to this address today. Try again after the time given in Retry-After."
                .to_owned(),
            retry_after: seconds_until(act, over_at),
        }));
    }
    Ok(())
}

/// Why no message is sent, and when the next may be.
#[derive(Debug, Clone, Copy)]
pub enum TooManyMails {
    /// Many went to the address.
    To(Timestamp),
    /// Many were asked for from where this one is, whomever they went to.
    From(Timestamp),
}

/// Counts a message that somebody has asked a hosted page for, from an address. `Err` when there were too many.
///
/// # Errors
/// Database errors.
pub async fn count_mail_of_page(
    tx: &mut Tx,
    act: &Act,
    limits: MailLimits,
    to: &str,
    from: &str,
) -> Result<Result<(), TooManyMails>, Failure> {
    let to = email_key(to);
    let asked = format!("{to} {from}");
    // What one asks for too often is not counted where it would be held against others.
    let counts = [
        (limits.each, &*asked),
        (limits.each_a_day, &asked),
        (MAILS_FROM, from),
        (limits.anywhere, &to),
        (limits.anywhere_a_day, &to),
    ];
    const BY_SENDER: usize = 2;
    let counted = count_all(tx, act, &counts).await?;
    Ok(counted.map_err(|(at, over_at)| match at {
        BY_SENDER => TooManyMails::From(over_at),
        _ => TooManyMails::To(over_at),
    }))
}

/// What the API answers to too many tries.
pub fn too_many(act: &Act, again_at: Timestamp) -> ApiError {
    ApiError::RateLimited { retry_after: seconds_until(act, again_at) }
}

/// Whole seconds until a moment, begun ones counted, at least one: who waits that long is not too early.
pub fn seconds_until(act: &Act, moment: Timestamp) -> u64 {
    act.now.whole_seconds_until(moment).max(1)
}

/// Minutes until a moment, begun ones counted.
pub fn minutes_until(act: &Act, moment: Timestamp) -> u32 {
    u32::try_from(seconds_until(act, moment).div_ceil(60)).unwrap_or(u32::MAX)
}

/// Takes one try at a subject back: it went well, and others may not have.
///
/// # Errors
/// Database errors.
pub async fn take_back(tx: &mut Tx, act: &Act, limit: Limit, subject: &str) -> Result<(), Failure> {
    Ok(attempt::take_back(tx, act.environment_id, &counter(act, limit, subject)).await?)
}

/// Forgets the tries at a subject: it went well.
///
/// # Errors
/// Database errors.
pub async fn clear(tx: &mut Tx, act: &Act, limit: Limit, subject: &str) -> Result<(), Failure> {
    Ok(attempt::clear(tx, act.environment_id, &counter(act, limit, subject)).await?)
}
