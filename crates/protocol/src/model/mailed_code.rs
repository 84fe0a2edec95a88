//! Codes sent by email.

use crate::id::{EmailChangeId, EmailVerificationId, Id, MagicAuthId, ParseIdError, UserId};
use crate::time::Timestamp;
use std::str::FromStr;

/// The identifiers of mailed codes, one kind per purpose: a code for one purpose is useless for another.
pub trait MailedCodeId: Id + FromStr<Err = ParseIdError> + Send + Sync + 'static {}

impl MailedCodeId for MagicAuthId {}
impl MailedCodeId for EmailVerificationId {}
impl MailedCodeId for EmailChangeId {}

/// A six-digit code sent to an email address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailedCode<I> {
    /// Its identifier, whose type also determines the purpose.
    pub id: I,
    /// The user whose account it is for.
    pub user_id: UserId,
    /// The address it was sent to.
    pub email: String,
    /// The digits, sealed: the API can show them again.
    pub sealed_code: Vec<u8>,
    /// When it was used.
    pub used_at: Option<Timestamp>,
    /// When it expires.
    pub expires_at: Timestamp,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was used or superseded by a newer one.
    pub updated_at: Timestamp,
}
