//! Scheduled verification checks of claimed domains.

use crate::organization::read_domain;
use crate::sql::{Query, statements};
use crate::{Reader, Result, Tx};
use countersign_protocol::id::EnvironmentId;
use countersign_protocol::model::OrganizationDomain;
use countersign_protocol::time::Timestamp;

statements! {
    // The first domain of each environment, then the second, and so on: no environment keeps the others waiting.
    DUE = "SELECT id, organization_id, domain, state, verification_strategy, verification_token, created_at, updated_at, ",
        "environment_id, checked_since, check_at FROM (SELECT organization_domain.*, row_number() OVER (PARTITION BY environment_id ",
        "ORDER BY check_at) AS turn FROM organization_domain WHERE check_at <= $1) AS due ORDER BY turn, check_at LIMIT 20";
    CLAIM = "UPDATE organization_domain SET check_at = $4 WHERE environment_id = $1 AND id = $2 AND check_at = $3";
}

/// A domain due for a verification check.
#[derive(Debug, Clone)]
pub struct DueDomain {
    /// Its environment.
    pub environment_id: EnvironmentId,
    /// The domain.
    pub domain: OrganizationDomain,
    /// Since when it has been checked.
    pub since: Timestamp,
    check_at: Timestamp,
}

/// Returns some of the due domains, taking environments in turn, longest due first.
///
/// # Errors
/// Database errors.
pub async fn due(reader: &mut Reader, now: Timestamp) -> Result<Vec<DueDomain>> {
    let rows = reader.query(DUE, &[now.into()]).await?;
    rows.iter()
        .map(|row| {
            Ok(DueDomain {
                domain: read_domain(row)?,
                environment_id: row.parse(8)?,
                since: row.timestamp(9)?,
                check_at: row.timestamp(10)?,
            })
        })
        .collect()
}

/// Claims a due domain for one node; `false` if another has claimed it, or it no longer needs a check.
///
/// # Errors
/// Database errors.
pub async fn claim(tx: &mut Tx, due: &DueDomain, next: Timestamp) -> Result<bool> {
    let params = [due.environment_id.into(), due.domain.id.into(), due.check_at.into(), next.into()];
    Ok(tx.execute(CLAIM, &params).await? == 1)
}
