//! The installation's data key, sealed by the master key.

use crate::sql::{Query, statements};
use crate::{Result, Tx};
use countersign_protocol::time::Timestamp;

statements! {
    FIND = "SELECT sealed FROM data_key WHERE id = 1";
    INSERT = "INSERT INTO data_key (id, sealed, created_at) VALUES (1, $1, $2) ON CONFLICT (id) DO NOTHING";
}

/// Returns the sealed data key; `None` in a database that has never been started with a master key.
///
/// # Errors
/// Database errors.
pub async fn find(query: &mut impl Query) -> Result<Option<Vec<u8>>> {
    query.query_opt(FIND, &[]).await?.map(|row| Ok(row.bytes(0)?.to_vec())).transpose()
}

/// Stores the sealed data key; `false` if there already is one.
///
/// # Errors
/// Database errors.
pub async fn insert(tx: &mut Tx, sealed: &[u8], now: Timestamp) -> Result<bool> {
    Ok(tx.execute(INSERT, &[sealed.into(), now.into()]).await? == 1)
}
