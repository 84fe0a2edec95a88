//! `GET /dashboard/env/{environment}/audit-log/chain`.

use crate::dashboard::call::DashboardCall;
use crate::dashboard::page::{shown, with_seconds};
use crate::domain::audit_log::chain::standing;
use crate::hosted::page::PageError;
use crate::http::reply::Reply;
use countersign_pages::dashboard::{AuditChain, Section};

/// The state of the hash chain.
///
/// # Errors
/// Database errors.
pub async fn get(call: &DashboardCall) -> Result<Reply, PageError> {
    let (store, key) = (&call.page.app.store, &call.page.app.keyring.audit_log);
    let standing = standing(store, key, call.environment.id()).await?;
    let hash = Some(standing.ends.hash.to_string()).filter(|_| standing.ends.sequence > 0);
    let last = standing.last.map(with_seconds);
    let view = AuditChain {
        shell: &call.shell(Section::AuditLog),
        sequence: standing.ends.sequence,
        hash: hash.as_deref(),
        last: last.as_deref(),
        pruned_through: standing.ends.pruned_through,
        stopped: standing.stopped,
    };
    Ok(shown(&view))
}
