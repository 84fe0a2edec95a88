//! Rate limits. Attempts are counted across all nodes, so switching to another node does not help.

use crate::domain::{Act, Failure};
use countersign_protocol::management::error::ApiError;
use countersign_protocol::model::email_key;
use countersign_protocol::secret::Digest;
use countersign_protocol::time::Timestamp;
use countersign_store::{Tx, attempt};
use std::net::{IpAddr, Ipv6Addr};

/// A limit on how often something may be tried, and the name it is counted under.
#[derive(Debug, Clone, Copy)]
pub struct Limit {
    name: &'static str,
    /// The maximum number of attempts.
    pub most: i64,
    /// The length of the window, in seconds.
    pub seconds: i64,
}

impl Limit {
    /// A limit of `most` attempts in `seconds`. No two limits on the same subject share a name.
    pub const fn new(name: &'static str, most: i64, seconds: i64) -> Self {
        Self { name, most, seconds }
    }

    /// The same limit, counted under another name.
    pub const fn named(self, name: &'static str) -> Self {
        Self { name, ..self }
    }
}

/// Passwords, per account and source address: guessing does not lock out the person who knows the password.
pub const PASSWORDS: Limit = Limit::new("password", 10, 15 * 60);
/// Passwords, per account, from any source.
pub const PASSWORDS_FOR_ACCOUNT: Limit = Limit::new("password for", 100, 15 * 60);
/// Passwords, per source address, for any account.
pub const PASSWORDS_FROM: Limit = Limit::new("password from", 200, 15 * 60);
/// Sign-ins through the API, per account.
pub const API_SIGN_INS: Limit = Limit::new("sign-in for", 10, 60);
/// Attempts at one code.
pub const CODES: Limit = Limit::new("code", 5, 60 * 60);
/// Attempts at codes for one email address, over all its codes, per source address: guessing does not lock out the
/// person who has the code.
pub const CODES_FOR_ADDRESS: Limit = Limit::new("codes for", 20, 86_400);
/// Attempts at codes for one email address, over all its codes, from any source.
pub const CODES_FOR_ADDRESS_ANYWHERE: Limit = Limit::new("codes anywhere for", 100, 86_400);
/// Second-factor codes, per account and source address: guessing does not lock out the person who has the code.
pub const SECOND_FACTORS: Limit = Limit::new("second factor of", 10, 15 * 60);
/// Second-factor codes, per account, from any source. Three in a million codes are valid at a time for each factor, and
/// most people have one factor.
pub const SECOND_FACTORS_ANYWHERE: Limit = Limit::new("second factor anywhere of", 50, 86_400);
/// Codes and links sent through the API to one email address in a day.
pub const MAILS_BY_API_A_DAY: Limit = Limit::new("mail of the day", 60, 86_400);
/// Attempts at codes from one source address, over all accounts.
pub const CODES_FROM: Limit = Limit::new("codes from", 100, 60 * 60);
/// Mails requested from one source address, to any recipient.
pub const MAILS_FROM: Limit = Limit::new("mail from", 60, 15 * 60);
/// Device authorizations started from one source address.
pub const DEVICES_FROM: Limit = Limit::new("device from", 60, 10 * 60);
/// Dynamic client registrations that create a client, from one source address.
pub const REGISTRATIONS_FROM: Limit = Limit::new("registrations from", 30, 10 * 60);
/// Client metadata documents requested from one source address that are not cached and fresh.
pub const DOCUMENTS_FROM: Limit = Limit::new("documents from", 30, 10 * 60);
/// Client metadata documents fetched from one host, whoever requests them.
pub const DOCUMENTS_AT: Limit = Limit::new("documents at", 300, 10 * 60);
/// Sign-ups from one source address.
pub const SIGN_UPS_FROM: Limit = Limit::new("sign-up from", 60, 15 * 60);
/// Codes and links sent through the API to one email address.
pub const MAILS_BY_API: Limit = Limit::new("mail by API", 3, 60);
/// Limits on messages requested on the hosted pages.
#[derive(Debug, Clone, Copy)]
pub struct MailLimits {
    /// Per recipient and source address: requests made in somebody's name do not use up that person's own allowance.
    each: Limit,
    each_a_day: Limit,
    /// Per recipient, from any source.
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

/// The unit by which attempts from an address are counted: the IPv4 address itself, or the /64 of an IPv6 address, all
/// of which belongs to one caller.
pub fn network(address: IpAddr) -> IpAddr {
    // Dual-stack sockets report IPv4 addresses as IPv6 ones.
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from(u128::from(address) & !u128::from(u64::MAX))),
    }
}

/// The key of the counter for a subject.
fn counter(act: &Act, limit: Limit, subject: &str) -> Digest {
    act.keyring.attempt.digest(&format!("{} {subject}", limit.name))
}

/// Counts an attempt. Returns `Err` with the time at which the next one is allowed if there were too many.
///
/// # Errors
/// Database errors.
pub async fn count(tx: &mut Tx, act: &Act, limit: Limit, subject: &str) -> Result<Result<(), Timestamp>, Failure> {
    let until = act.now.plus_secs(limit.seconds);
    let digest = counter(act, limit, subject);
    let (count, over_at) = attempt::count(tx, act.environment_id, &digest, (act.now, until)).await?;
    Ok(if count <= limit.most { Ok(()) } else { Err(over_at) })
}

/// Counts an attempt against each of several limits, or against none: a request that one limit rejects is not an
/// attempt, so the counts already made are taken back. Returns `Err` with the index of the exceeded limit and the time
/// at which the next attempt is allowed.
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

/// The key by which attempts for an email address are counted, which does not reveal the address.
pub fn address(act: &Act, email: &str) -> String {
    act.keyring.attempt.digest(&format!("address {}", email_key(email))).to_base64url()
}

/// Counts a message requested through the API.
///
/// # Errors
/// 429 if there were too many.
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

/// Why no message is sent, and when the next one is allowed.
#[derive(Debug, Clone, Copy)]
pub enum TooManyMails {
    /// Too many messages to the recipient.
    To(Timestamp),
    /// Too many messages requested from the source address, to any recipient.
    From(Timestamp),
}

/// Counts a message requested on a hosted page from a source address. Returns `Err` if there were too many.
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
    // Limits of the requester come first: excessive requests do not count against limits shared with others.
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

/// The API's error for too many attempts.
pub fn too_many(act: &Act, again_at: Timestamp) -> ApiError {
    ApiError::RateLimited { retry_after: seconds_until(act, again_at) }
}

/// Whole seconds until a moment, rounded up, at least one: a caller that waits that long is not too early.
pub fn seconds_until(act: &Act, moment: Timestamp) -> u64 {
    act.now.whole_seconds_until(moment).max(1)
}

/// Minutes until a moment, rounded up.
pub fn minutes_until(act: &Act, moment: Timestamp) -> u32 {
    u32::try_from(seconds_until(act, moment).div_ceil(60)).unwrap_or(u32::MAX)
}

/// Takes back one attempt at a subject after a success, since earlier attempts may have failed.
///
/// # Errors
/// Database errors.
pub async fn take_back(tx: &mut Tx, act: &Act, limit: Limit, subject: &str) -> Result<(), Failure> {
    Ok(attempt::take_back(tx, act.environment_id, &counter(act, limit, subject)).await?)
}

/// Clears the attempts at a subject after a success.
///
/// # Errors
/// Database errors.
pub async fn clear(tx: &mut Tx, act: &Act, limit: Limit, subject: &str) -> Result<(), Failure> {
    Ok(attempt::clear(tx, act.environment_id, &counter(act, limit, subject)).await?)
}
