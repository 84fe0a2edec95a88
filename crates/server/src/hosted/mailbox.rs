//! The messages of an environment that has no mail server: for development, on this machine only, never in production.

use super::page::{PageError, branding, frame, language, moment, reply};
use crate::domain::mails;
use crate::http::page_call::PageCall;
use crate::http::reply::Reply;
use countersign_pages::{Mailbox, MailboxEntry, MailboxMessage, Trouble};
use countersign_protocol::id::MailId;
use countersign_protocol::model::EnvironmentKind;
use countersign_store::mail;
use http::StatusCode;

fn not_found() -> PageError {
    PageError::Trouble(StatusCode::NOT_FOUND, Trouble::Address)
}

/// Whether this call may read other people's mail: only where there is nobody else.
pub(super) fn is_open(call: &PageCall) -> bool {
    let staging = call.environment.environment.kind == EnvironmentKind::Staging;
    staging && call.app.mailer.keeps() && call.peer.local
}

fn check(call: &PageCall) -> Result<(), PageError> {
    if is_open(call) { Ok(()) } else { Err(not_found()) }
}

/// Whether people get what is mailed to them: it is sent, or they can read it here.
pub fn reaches_people(call: &PageCall) -> bool {
    !call.app.mailer.keeps() || check(call).is_ok()
}

/// `GET /dev/mailbox`.
///
/// # Errors
/// 404 where it is not for development.
pub async fn list(call: &PageCall) -> Result<Reply, PageError> {
    check(call)?;
    let kept = mail::list(&mut call.app.store.reader().await?, call.environment.id()).await?;
    let language = language(call);
    let mut messages = Vec::with_capacity(kept.len());
    for one in &kept {
        let message = match mails::open(&call.app.keyring, one) {
            Ok(message) => message,
            // The others can be read.
            Err(failure) => {
                tracing::warn!(%failure, id = %one.id, "a message in the mailbox cannot be read");
                continue;
            }
        };
        messages.push((format!("/dev/mailbox/{}", one.id), message, moment(one.created_at, language)));
    }
    let entries: Vec<MailboxEntry<'_>> = messages
        .iter()
        .map(|(href, message, time)| MailboxEntry { href, subject: &message.subject, to: &message.to, time })
        .collect();
    let branding = branding(call);
    Ok(reply(call, StatusCode::OK, &Mailbox { frame: frame(call, &branding), mails: &entries }, None))
}

/// `GET /dev/mailbox/{id}`.
///
/// # Errors
/// 404.
pub async fn message(call: &PageCall) -> Result<Reply, PageError> {
    check(call)?;
    let id = MailId::parse(call.path.get("id")).map_err(|_| not_found())?;
    let found = mail::find(&mut call.app.store.reader().await?, call.environment.id(), id).await?;
    let found = found.ok_or_else(not_found)?;
    let message = mails::open(&call.app.keyring, &found)?;
    let branding = branding(call);
    let time = moment(found.created_at, language(call));
    let page = MailboxMessage {
        frame: frame(call, &branding),
        subject: &message.subject,
        to: &message.to,
        time: &time,
        text: &message.text,
        mailbox: "/dev/mailbox",
    };
    Ok(reply(call, StatusCode::OK, &page, None))
}
