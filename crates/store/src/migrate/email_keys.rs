//! Migration 19: accounts and invitations are looked up by their email address with its domain normalized to one
//! spelling. This does what SQL cannot express: it rewrites the keys that were stored under another spelling.

use crate::error::Result;
use crate::postgres::Transaction;
use crate::sql::{Sql, statements};
use countersign_protocol::model::email_key;
use rusqlite::Connection;

/// The migration after whose statements this runs.
pub(super) const NAME: &str = "0019_email_keys";

statements! {
    // Rows whose domain may have two spellings.
    ACCOUNTS = "SELECT environment_id, id, email, email_key FROM user_account ",
        "WHERE email_key LIKE '%xn--%' OR octet_length(email_key) <> length(email_key)";
    INVITATIONS = "SELECT environment_id, id, email, email_key FROM invitation ",
        "WHERE email_key LIKE '%xn--%' OR octet_length(email_key) <> length(email_key)";
    // An account keeps its key if another account already has the new one: they may belong to two different people.
    PUT_ACCOUNT = "UPDATE user_account SET email_key = $3 WHERE environment_id = $1 AND id = $2 AND NOT EXISTS ",
        "(SELECT 1 FROM user_account o WHERE o.environment_id = $1 AND o.email_key = $3)";
    PUT_INVITATION = "UPDATE invitation SET email_key = $3 WHERE environment_id = $1 AND id = $2";
}

/// Each table's statements: one to find the rows, one to store a new key.
const TABLES: [(Sql, Sql); 2] = [(ACCOUNTS, PUT_ACCOUNT), (INVITATIONS, PUT_INVITATION)];

fn log_conflict(environment_id: &str, id: &str) {
    tracing::warn!(
        environment_id,
        id,
        "another account has the same address in another spelling: one of the two has to go"
    );
}

pub(super) fn sqlite(connection: &Connection) -> Result<()> {
    for (find, put) in TABLES {
        let mut statement = connection.prepare(find.sqlite)?;
        let found = statement.query_map([], |row| Ok([row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?]))?;
        let found: Vec<[String; 4]> = found.collect::<std::result::Result<_, _>>()?;
        for [environment_id, id, email, stored] in found {
            let key = email_key(&email);
            if key != stored && connection.execute(put.sqlite, [&environment_id, &id, &key])? == 0 {
                log_conflict(&environment_id, &id);
            }
        }
    }
    Ok(())
}

pub(super) async fn postgres(transaction: &mut Transaction) -> Result<()> {
    for (find, put) in TABLES {
        for row in transaction.query(find, &[]).await? {
            let (environment_id, id) = (row.text(0)?, row.text(1)?);
            let key = email_key(row.text(2)?);
            let params = [environment_id.into(), id.into(), key.as_str().into()];
            if key != row.text(3)? && transaction.execute(put, &params).await? == 0 {
                log_conflict(environment_id, id);
            }
        }
    }
    Ok(())
}
