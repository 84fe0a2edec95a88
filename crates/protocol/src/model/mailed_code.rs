//! Codes that were sent by mail.

use crate::id::{EmailChangeId, EmailVerificationId, Id, MagicAuthId, ParseIdError, UserId};
use crate::time::Timestamp;
use std::str::FromStr;

/// The identifiers of mailed codes, one kind for each purpose: a code for one is of no use for another.
pub trait MailedCodeId: Id + FromStr<Err = ParseIdError> + Send + Sync + 'static {}

impl MailedCodeId for MagicAuthId {}
impl MailedCodeId for EmailVerificationId {}
impl MailedCodeId for EmailChangeId {}

/// A code of six digits that was sent to an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailedCode<I> {
    /// Its identifier, which names its purpose too.
    pub id: I,
    /// Whose account it is about.
    pub user_id: UserId,
    /// Where it was sent.
    pub email: String,
    /// The digits, sealed: the API shows them again.
    pub sealed_code: Vec<u8>,
    /// When it was used.
    pub used_at: Option<Timestamp>,
    /// When it expires.
    pub expires_at: Timestamp,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was used, or a newer one took its place.
    pub updated_at: Timestamp,
}
