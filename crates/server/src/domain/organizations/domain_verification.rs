//! Domain verification: a TXT record with the domain's token, checked periodically.

use crate::domain::{Act, Failure, events, organizations};
use countersign_protocol::management::error::ApiError;
use countersign_protocol::management::views::organization_domain_view;
use countersign_protocol::model::{DomainState, OrganizationDomain, VerificationStrategy};
use countersign_protocol::time::Timestamp;
use countersign_store::{Error, Tx, organization};
use serde_json::json;

/// How long the record is looked for, in seconds.
const PERIOD: i64 = 30 * 86_400;
/// The shortest and the longest pause between two checks, in seconds.
const PAUSE: (i64, i64) = (30, 6 * 3600);

/// When to check again: often while somebody is likely to be waiting, rarely later.
pub fn next_check(since: Timestamp, now: Timestamp) -> Timestamp {
    let waited = now.as_secs() - since.as_secs();
    now.plus_secs((waited / 10).clamp(PAUSE.0, PAUSE.1))
}

/// The names at which the record is looked for: the domain itself, and where older guides put it.
pub fn record_names(domain: &str) -> [String; 2] {
    [format!("{domain}."), format!("_acme-challenge.{domain}.")]
}

/// Whether one of these TXT records verifies the domain.
pub fn is_proven(domain: &OrganizationDomain, records: &[String]) -> bool {
    let wanted = format!("verification_token={}", domain.verification_token);
    records.iter().any(|record| record.trim() == wanted)
}

/// Restarts the verification.
///
/// # Errors
/// 404; 400 `domain_already_verified`.
pub async fn restart(tx: &mut Tx, act: &Act, id: &str) -> Result<OrganizationDomain, Failure> {
    // Waits for a check that finds the record at this moment: the domain then stays verified.
    organizations::lock_domain(tx, act, id).await?;
    let mut domain = organizations::find_domain(tx, act, id).await?;
    if domain.state == DomainState::Verified {
        return Err(Failure::Refused(ApiError::BadRequest {
            code: "domain_already_verified",
            message: format!("The domain {} is verified already.", domain.domain),
        }));
    }
    let before = domain.state;
    set_state(tx, act, &mut domain, DomainState::Pending).await?;
    if before != DomainState::Pending {
        record(tx, act, "organization_domain.updated", &domain).await?;
    }
    Ok(domain)
}

/// Stores the result of a check that began with the domain as `seen`, during a verification that began at `since`: the
/// domain becomes verified, fails because its time is over, or stays pending.
///
/// # Errors
/// Database errors.
pub async fn settle(
    tx: &mut Tx,
    act: &Act,
    seen: &OrganizationDomain,
    since: Timestamp,
    proven: bool,
) -> Result<(), Failure> {
    organization::lock_domain(tx, act.environment_id, seen.id).await?;
    let Some(mut domain) = organization::find_domain(tx, act.environment_id, seen.id).await? else { return Ok(()) };
    if domain.state != DomainState::Pending {
        return Ok(());
    }
    if proven {
        let owner = organization::owner_of_domain(tx, act.environment_id, &domain.domain).await?;
        if owner.is_some() {
            return fail(tx, act, &mut domain, "domain_verified_by_other_organization").await;
        }
        set_state(tx, act, &mut domain, DomainState::Verified).await?;
        record(tx, act, "organization_domain.verified", &domain).await?;
        return record(tx, act, "organization_domain.updated", &domain).await;
    }
    // If the verification was restarted in the meantime, it has its full time again.
    if domain.updated_at == seen.updated_at && act.now.as_secs() - since.as_secs() >= PERIOD {
        return fail(tx, act, &mut domain, "domain_verification_period_expired").await;
    }
    Ok(())
}

async fn set_state(tx: &mut Tx, act: &Act, domain: &mut OrganizationDomain, state: DomainState) -> Result<(), Error> {
    domain.state = state;
    domain.verification_strategy = VerificationStrategy::Dns;
    domain.updated_at = act.now;
    let strategy = domain.verification_strategy;
    // The domain is locked, so it exists.
    organization::set_domain_state(tx, act.environment_id, domain.id, state, strategy, act.now).await.map(drop)
}

async fn fail(tx: &mut Tx, act: &Act, domain: &mut OrganizationDomain, reason: &str) -> Result<(), Failure> {
    set_state(tx, act, domain, DomainState::Failed).await?;
    let data = json!({"reason": reason, "organization_domain": organization_domain_view(domain)});
    events::record(tx, act, "organization_domain.verification_failed", Some(domain.organization_id), &data).await
}

async fn record(tx: &mut Tx, act: &Act, event: &'static str, domain: &OrganizationDomain) -> Result<(), Failure> {
    events::record(tx, act, event, Some(domain.organization_id), &organization_domain_view(domain)).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_become_rarer() {
        let since = Timestamp::from_millis(1_000_000_000_000);
        let pause = |waited: i64| {
            let now = since.plus_secs(waited);
            next_check(since, now).as_secs() - now.as_secs()
        };
        assert_eq!((pause(0), pause(600), pause(3600), pause(30 * 86_400)), (30, 60, 360, 21_600));
    }
}
