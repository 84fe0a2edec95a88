//! Looks up the TXT records that prove domain ownership.

use crate::app::App;
use crate::domain::organizations::domain_verification::{is_proven, next_check, record_names, settle};
use crate::domain::{Act, Failure};
use countersign_protocol::model::Actor;
use countersign_store::domain_check::{self, DueDomain};
use std::sync::Arc;
use tokio::task::JoinSet;

/// Runs one round.
pub async fn run(app: Arc<App>) {
    if let Err(failure) = look(&app).await {
        tracing::warn!(%failure, "could not look for proofs of domains; the next round tries again");
    }
}

async fn look(app: &Arc<App>) -> Result<(), Failure> {
    let due = domain_check::due(&mut app.store.reader().await?, app.clock.now()).await?;
    // Concurrently: an unresponsive name server delays the round by at most one timeout.
    let mut checks = JoinSet::new();
    for domain in due {
        checks.spawn(check(Arc::clone(app), domain));
    }
    while let Some(checked) = checks.join_next().await {
        if let Err(failure) = checked.unwrap_or_else(|error| Err(Failure::internal(error))) {
            tracing::warn!(%failure, "could not look for the proof of a domain; a later round tries again");
        }
    }
    Ok(())
}

async fn check(app: Arc<App>, due: DueDomain) -> Result<(), Failure> {
    let now = app.clock.now();
    let claimed = due.clone();
    // Only one node checks: the one that moves the next check into the future.
    let taken = app.store.write::<_, Failure, _>(move |tx| {
        Box::pin(async move { Ok(domain_check::claim(tx, &claimed, next_check(claimed.since, now)).await?) })
    });
    if !taken.await? {
        return Ok(());
    }
    let [own, older] = record_names(&due.domain.domain);
    let (own, older) = tokio::join!(app.dns.txt(&own), app.dns.txt(&older));
    let proven = is_proven(&due.domain, &own) || is_proven(&due.domain, &older);
    let Some(environment) = app.environments().get(due.environment_id).cloned() else { return Ok(()) };
    let act = Act::new(
        &environment.environment,
        Actor::System { job: "domain_verification" },
        &app.clock,
        &app.entropy,
        &app.keyring,
    );
    app.store
        .write::<_, Failure, _>(move |tx| {
            Box::pin(async move { settle(tx, &act, &due.domain, due.since, proven).await })
        })
        .await
}
