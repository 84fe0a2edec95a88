//! Messages: put on their way in the transaction of what they tell about.

use super::{Act, Failure};
use countersign_pages::mail::Mail;
use countersign_protocol::id::MailId;
use countersign_store::Tx;
use countersign_store::mail::{self, QueuedMail};
use serde::{Deserialize, Serialize};

/// A message, as it is sealed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Message {
    /// Whom it is for.
    pub to: String,
    /// Its subject.
    pub subject: String,
    /// What it says, as text.
    pub text: String,
    /// What it says, as HTML.
    pub html: String,
}

/// Puts a message on its way.
///
/// # Errors
/// Database errors.
pub async fn queue(tx: &mut Tx, act: &Act, to: &str, content: Mail) -> Result<(), Failure> {
    let Mail { subject, text, html } = content;
    let message = Message { to: to.to_owned(), subject, text, html };
    let id: MailId = act.entropy.id(act.now)?;
    let plain = serde_json::to_vec(&message).map_err(Failure::internal)?;
    let environment = act.environment_id.to_string();
    let sealed = act
        .keyring
        .mail
        .seal(&["mail", &environment, &id.to_string()], &plain, act.entropy.bytes()?)
        .map_err(Failure::internal)?;
    let queued = QueuedMail {
        environment_id: act.environment_id,
        id,
        sealed_message: sealed,
        attempts: 0,
        next_at: Some(act.now),
        created_at: act.now,
    };
    Ok(mail::insert(tx, &queued).await?)
}

/// Reads a message back.
///
/// # Errors
/// When it was not sealed by this installation.
pub fn open(keyring: &crate::keys::keyring::Keyring, queued: &QueuedMail) -> Result<Message, Failure> {
    let environment = queued.environment_id.to_string();
    let plain = keyring
        .mail
        .open(&["mail", &environment, &queued.id.to_string()], &queued.sealed_message)
        .map_err(Failure::internal)?;
    serde_json::from_slice(&plain).map_err(Failure::internal)
}
