//! Deletes expired data. The retention periods, per table:
//!
//! | Table | Kept |
//! |---|---|
//! | `revoked_token` | until the token would have expired |
//! | `idempotency_key` | 24 hours; 10 minutes when the response shows a secret |
//! | `change` | 1 hour: a node that was away for longer clears all its caches |
//! | `event` | 90 days |
//! | `session` | 30 days after it expired |
//! | `token_family` | a day after its last token expired |
//! | `device_authorization`, `password_reset`, `mailed_code` | a day after it expired |
//! | `external_authentication` | a day after it expired; until it expires, if it was never completed |
//! | `session_code`, `session_device`, `session_family` | a day after it expired; at most as long as its session |
//! | `authentication_challenge` | two days |
//! | `attempt` | until its time window has passed |
//! | `mail` | a day |
//! | `image` | a day after the last reference to it is gone |
//! | `session_login` | as long as its session |
//! | `session_application` | as long as its session |
//! | `self_registration` | a day (a metadata document: an hour), unless a user has consented; deleted with its client |
//! | `client_document` | 30 days while there is no decision about it |
//! | `staff_link` | until it is used, at most a day |
//! | `audit_log_event` | 365 days, or the organization's 30 to 3650; its hash until everything before it is gone |
//! | `audit_log_export` | its content 7 days; all of it when its organization is gone |
//! | `audit_log_stream` | for a deleted organization, until everything is sent, at most 30 days |
//! | `portal_link`, `portal_visit` | until it is used, at most five minutes; until it ends, at most eight hours |
//! | `logout_notice` | until the application was notified or seven attempts in about five hours failed; at most a day |
//! | `webhook_delivery`, `webhook_attempt` | 30 days after the event was delivered or given up |
//!
//! Rows in all other tables are kept until they are deleted explicitly.

use super::clock_skew;
use crate::app::App;
use crate::domain::Failure;
use crate::domain::audit_log::chain;
use crate::domain::users::second_factors::CHALLENGE_LIFETIME;
use countersign_protocol::model::PORTAL_VISIT_LONGEST;
use countersign_store::{
    attempt, audit_log_export, audit_log_stream, authentication_challenge, change, client_document,
    device_authorization, event, external_authentication, idempotency, image, logout_notice, mail, mailed_code,
    password_reset, portal, revoked_token, self_registration, session, session_code, session_device, session_family,
    staff_link, token_family, webhook_delivery,
};
use std::sync::Arc;

const CHANGES: i64 = 3600;
const EVENTS: i64 = 90 * 86_400;
const SESSIONS: i64 = 30 * 86_400;
// The longest-lived access token.
const FAMILIES: i64 = 86_460;
// Metadata documents waiting for an administrator.
const DOCUMENTS: i64 = 30 * 86_400;
const DELIVERIES: i64 = 30 * 86_400;
const CODES: i64 = 86_400;
// Audit log exports.
const EXPORTS: i64 = 7 * 86_400;
// The time to send the remaining events of a deleted organization.
const STREAMS: i64 = 30 * 86_400;
const MAILS: i64 = 86_400;
// Notices to an application that does not respond are sent one after another.
const NOTICES: i64 = 86_400;
// Pages that were sent before and queued emails still show it.
const IMAGES: i64 = 86_400;

/// Runs one round.
pub async fn run(app: Arc<App>) {
    app.limits.tidy();
    app.caches.expire_revoked_tokens();
    // What is deleted too early cannot be recovered.
    match clock_skew::apart(&app).await {
        Ok(None) => prune(&app).await,
        Ok(Some(seconds)) => tracing::error!(
            seconds,
            "this machine's clock and the database's are too far apart: cleanup and key rotation are paused here until they agree"
        ),
        Err(error) => tracing::warn!(%error, "could not forget old rows; the next round tries again"),
    }
}

/// Logs a failed step, which does not keep the others from running.
fn note(step: &str, taken: Result<(), Failure>) {
    if let Err(failure) = taken {
        tracing::warn!(%failure, step, "could not forget old rows; the next round tries again");
    }
}

async fn prune(app: &App) {
    let now = app.clock.now();
    let store = &app.store;
    // One transaction per batch, of a thousand rows unless a step says otherwise.
    macro_rules! in_steps {
        ($prune:path, $($argument:expr),+; $most:expr) => {{
            let step = async {
                while store
                    .write::<_, Failure, _>(move |tx| Box::pin(async move { Ok($prune(tx, $($argument),+).await?) }))
                    .await?
                    >= $most
                {}
                Ok(())
            };
            note(stringify!($prune), Box::pin(step).await);
        }};
        ($prune:path, $before:expr) => {
            in_steps!($prune, $before; 1000)
        };
    }
    in_steps!(revoked_token::prune, now);
    in_steps!(idempotency::prune, now);
    in_steps!(session::prune, now.plus_secs(-SESSIONS));
    in_steps!(staff_link::prune, now);
    in_steps!(portal::prune_links, now);
    in_steps!(portal::prune, now.plus_secs(-PORTAL_VISIT_LONGEST));
    in_steps!(token_family::prune, now.plus_secs(-FAMILIES));
    in_steps!(device_authorization::prune, now.plus_secs(-CODES));
    in_steps!(external_authentication::prune_begun, now);
    in_steps!(external_authentication::prune_completed, now.plus_secs(-CODES));
    in_steps!(password_reset::prune, now.plus_secs(-CODES));
    in_steps!(mailed_code::prune, now.plus_secs(-CODES));
    in_steps!(session_code::prune, now.plus_secs(-CODES));
    in_steps!(session_device::prune, now.plus_secs(-CODES));
    in_steps!(session_family::prune, now.plus_secs(-CODES));
    in_steps!(authentication_challenge::prune, now.plus_secs(-2 * CHALLENGE_LIFETIME));
    in_steps!(attempt::prune, now);
    in_steps!(mail::prune, now.plus_secs(-MAILS));
    in_steps!(logout_notice::prune, now.plus_secs(-NOTICES));
    in_steps!(image::prune, now.plus_secs(-IMAGES));
    in_steps!(client_document::prune, now.plus_secs(-DOCUMENTS));
    in_steps!(self_registration::prune, now; self_registration::STEP);
    in_steps!(webhook_delivery::prune, now.plus_secs(-DELIVERIES));
    in_steps!(audit_log_export::expire, now.plus_secs(-EXPORTS), now; 10);
    let forget = store
        .write::<_, Failure, _>(move |tx| Box::pin(async move { Ok(audit_log_export::forget_expired(tx).await?) }));
    note("audit_log_export::forget_expired", forget.await.map(drop));
    in_steps!(audit_log_stream::close, now.plus_secs(STREAMS));
    in_steps!(audit_log_stream::prune, now);
    let environments: Vec<_> = app.environments().all().map(|environment| environment.id()).collect();
    for environment_id in environments {
        // A log that has been tampered with does not keep the others from being pruned.
        if let Err(failure) = chain::prune(store, &app.keyring.audit_log, environment_id, now).await {
            app.metrics.audit_log_failures.inc();
            tracing::error!(%failure, %environment_id, "an audit log could not be pruned");
        }
    }
    in_steps!(event::prune, now.plus_secs(-EVENTS));
    // A single statement: an hour of the change feed is short.
    let before = now.plus_secs(-CHANGES);
    let changes = store.write::<_, Failure, _>(move |tx| Box::pin(async move { Ok(change::prune(tx, before).await?) }));
    note("change::prune", changes.await.map(drop));
}
