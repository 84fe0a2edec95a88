//! The change feed: what caches must drop, in commit order.
//!
//! A change to an authority (a deleted secret, a rotated key) records itself in its own transaction. The counter's row
//! stays locked from then until the commit, so a version becomes visible only after every smaller one. Nodes poll; see
//! the server's `freshness` module for what they guarantee.

use crate::sql::{Query, statements};
use crate::{Result, Tx};
use countersign_protocol::id::{ClientId, EnvironmentId, TokenFamilyId, TokenId, UserId};
use countersign_protocol::time::Timestamp;

/// Maximum number of changes read at a time.
pub const BATCH: usize = 1000;

statements! {
    NEXT = "UPDATE change_counter SET version = version + 1 WHERE id = 1 RETURNING version";
    INSERT = "INSERT INTO change (version, environment_id, topic, subject, created_at) VALUES ($1, $2, $3, $4, $5)";
    HEAD = "SELECT c.version, c.pruned_through, COALESCE((SELECT d.created_at || ' ' || d.topic || ' ' || d.subject FROM change d ",
        "WHERE d.version = c.version), '') FROM change_counter c WHERE c.id = 1";
    SINCE = "SELECT version, environment_id, topic, subject, created_at FROM change WHERE version >= $1 ORDER BY version LIMIT $2";
    PRUNABLE = "SELECT MAX(version) FROM change WHERE created_at < $1";
    PRUNE = "DELETE FROM change WHERE version <= $1";
    PRUNED = "UPDATE change_counter SET pruned_through = $1 WHERE id = 1 AND pruned_through < $1";
}

/// A change that a transaction will record when it ends.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Pending {
    environment_id: EnvironmentId,
    topic: Topic,
    now: Timestamp,
}

/// What changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Topic {
    /// An environment or its signing keys.
    Environment,
    /// An environment's own API keys.
    EnvironmentApiKeys,
    /// One client: its application or its secrets.
    Client(ClientId),
    /// Many clients of the environment at once.
    Clients,
    /// A token was revoked; it would have expired at this time.
    RevokedToken(TokenId, Timestamp),
    /// One authorization of a user.
    Grant(TokenFamilyId),
    /// All authorizations of a user.
    GrantsOfUser(UserId),
    /// Many authorizations of the environment at once.
    Grants,
}

impl Topic {
    fn to_parts(&self) -> (&'static str, String) {
        match self {
            Self::Environment => ("environment", String::new()),
            Self::EnvironmentApiKeys => ("environment_api_keys", String::new()),
            Self::Client(id) => ("client", id.to_string()),
            Self::Clients => ("clients", String::new()),
            Self::RevokedToken(jti, until) => ("revoked_token", format!("{jti} {}", until.as_millis())),
            Self::Grant(id) => ("grant", id.to_string()),
            Self::GrantsOfUser(id) => ("grants_of_user", id.to_string()),
            Self::Grants => ("grants", String::new()),
        }
    }

    fn from_parts(topic: &str, subject: &str) -> Option<Self> {
        match topic {
            "environment" => Some(Self::Environment),
            "environment_api_keys" => Some(Self::EnvironmentApiKeys),
            "client" => ClientId::parse(subject).ok().map(Self::Client),
            "clients" => Some(Self::Clients),
            "revoked_token" => {
                let (jti, until) = subject.split_once(' ')?;
                Some(Self::RevokedToken(TokenId::parse(jti).ok()?, Timestamp::from_millis(until.parse().ok()?)))
            }
            "grant" => TokenFamilyId::parse(subject).ok().map(Self::Grant),
            "grants_of_user" => UserId::parse(subject).ok().map(Self::GrantsOfUser),
            "grants" => Some(Self::Grants),
            _ => None,
        }
    }
}

/// A committed change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Its place in the order.
    pub version: i64,
    /// The environment it belongs to.
    pub environment_id: EnvironmentId,
    /// Distinguishes this change from another with the same number: numbers are reused after a restore or a lossy
    /// failover.
    pub mark: String,
    /// What changed; `None` for a topic written by a newer program, in which case everything must be dropped.
    pub topic: Option<Topic>,
}

/// The current position of the feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// The newest version.
    pub version: i64,
    /// The mark of the newest change; empty if that change has been pruned.
    pub mark: String,
    /// Changes up to here have been pruned: a reader that has not seen them must drop everything.
    pub pruned_through: i64,
}

/// Records a change when the transaction ends, after everything else, because it locks the feed until the commit.
pub fn record(tx: &mut Tx, environment_id: EnvironmentId, topic: &Topic, now: Timestamp) {
    let change = Pending { environment_id, topic: topic.clone(), now };
    if !tx.changes.contains(&change) {
        tx.changes.push(change);
    }
}

/// Writes the changes that a transaction recorded.
pub(crate) async fn flush(tx: &mut Tx) -> Result<()> {
    for change in std::mem::take(&mut tx.changes) {
        let version = match tx.query_opt(NEXT, &[]).await? {
            Some(row) => row.int(0)?,
            None => return Err(crate::Error::Corrupt("the change counter is missing".to_owned())),
        };
        let (topic, subject) = change.topic.to_parts();
        let params = [version.into(), change.environment_id.into(), topic.into(), subject.into(), change.now.into()];
        tx.execute(INSERT, &params).await?;
    }
    Ok(())
}

/// Returns the current position of the feed.
///
/// # Errors
/// Database errors.
pub async fn head(query: &mut impl Query) -> Result<Head> {
    match query.query_opt(HEAD, &[]).await? {
        Some(row) => Ok(Head { version: row.int(0)?, pruned_through: row.int(1)?, mark: row.text(2)?.to_owned() }),
        None => Err(crate::Error::Corrupt("the change counter is missing".to_owned())),
    }
}

/// Returns the changes from a version on, inclusive, in order, at most [`BATCH`].
///
/// # Errors
/// Database errors.
pub async fn from(query: &mut impl Query, version: i64) -> Result<Vec<Change>> {
    let rows = query.query(SINCE, &[version.into(), (BATCH as i64).into()]).await?;
    rows.iter()
        .map(|row| {
            let (topic, subject) = (row.text(2)?, row.text(3)?);
            Ok(Change {
                version: row.int(0)?,
                environment_id: row.parse(1)?,
                mark: format!("{} {topic} {subject}", row.int(4)?),
                topic: Topic::from_parts(topic, subject),
            })
        })
        .collect()
}

/// Deletes the changes made before a given time.
///
/// # Errors
/// Database errors.
pub async fn prune(tx: &mut Tx, before: Timestamp) -> Result<u64> {
    let Some(row) = tx.query_opt(PRUNABLE, &[before.into()]).await? else {
        return Ok(0);
    };
    let Some(through) = row.opt_int(0)? else {
        return Ok(0);
    };
    let pruned = tx.execute(PRUNE, &[through.into()]).await?;
    tx.execute(PRUNED, &[through.into()]).await?;
    Ok(pruned)
}
