//! Database errors.

/// A database error. Its text is for the log and never reaches a client.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The row already exists.
    #[error("already exists: {constraint}")]
    Unique {
        /// The index's name (PostgreSQL) or its columns (SQLite).
        constraint: String,
    },
    /// The row refers to one that does not exist.
    #[error("refers to a row that does not exist")]
    ForeignKey,
    /// A row contains something that no version of this program writes.
    #[error("unreadable row: {0}")]
    Corrupt(String),
    /// No connection or queue slot became available in time; retrying later may help.
    #[error("the database is not available: {0}")]
    Unavailable(String),
    /// The schema was created by a newer version of this program.
    #[error(
        "the database has schema version {found}, this program knows {known}: start a newer countersign, or restore a backup"
    )]
    SchemaTooNew {
        /// The database's version.
        found: i64,
        /// The newest version this program knows.
        known: i64,
    },
    /// An applied migration differs from the one this program knows.
    #[error("migration {version} of the database is not the one this program knows: it was altered")]
    MigrationAltered {
        /// The migration's version.
        version: i64,
    },
    /// The engine does not support this.
    #[error("{0}")]
    NotSupported(&'static str),
    /// Anything else.
    #[error("database error: {0}")]
    Database(String),
}

/// A result with a database error by default.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// Whether this is a violation of the unique index `<table>_<columns>_unique`, where `<columns>` is its columns
    /// except `environment_id`, joined by underscores.
    pub fn is_unique(&self, table: &str, columns: &str) -> bool {
        let Self::Unique { constraint } = self else {
            return false;
        };
        if constraint == &format!("{table}_{columns}_unique") {
            return true;
        }
        let named: Option<Vec<&str>> =
            constraint.split(", ").map(|part| part.strip_prefix(table)?.strip_prefix('.')).collect();
        named.is_some_and(|mut named| {
            named.retain(|column| *column != "environment_id");
            named.join("_") == columns
        })
    }
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode;
        let rusqlite::Error::SqliteFailure(failure, message) = &error else {
            return Self::Database(error.to_string());
        };
        match (failure.code, failure.extended_code) {
            (_, rusqlite::ffi::SQLITE_CONSTRAINT_UNIQUE | rusqlite::ffi::SQLITE_CONSTRAINT_PRIMARYKEY) => {
                Self::Unique {
                    constraint: message
                        .as_deref()
                        .and_then(|message| message.split_once(": "))
                        .map_or_else(String::new, |(_, columns)| columns.to_owned()),
                }
            }
            (_, rusqlite::ffi::SQLITE_CONSTRAINT_FOREIGNKEY) => Self::ForeignKey,
            (ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::DiskFull, _) => {
                Self::Unavailable(error.to_string())
            }
            _ => Self::Database(error.to_string()),
        }
    }
}

impl From<tokio_postgres::Error> for Error {
    fn from(error: tokio_postgres::Error) -> Self {
        use tokio_postgres::error::SqlState;
        let Some(database) = error.as_db_error() else {
            return Self::Unavailable(describe(&error));
        };
        match database.code() {
            &SqlState::UNIQUE_VIOLATION => {
                Self::Unique { constraint: database.constraint().unwrap_or_default().to_owned() }
            }
            &SqlState::FOREIGN_KEY_VIOLATION => Self::ForeignKey,
            code if may_pass(code.code()) => {
                Self::Unavailable(format!("{}: {}", database.code().code(), database.message()))
            }
            // Code, message and constraint only: the detail may quote a row.
            code => Self::Database(format!(
                "{}: {} {}",
                code.code(),
                database.message(),
                database.constraint().unwrap_or_default()
            )),
        }
    }
}

/// Whether a PostgreSQL error (SQLSTATE) is about the server's state rather than the request, so that retrying may
/// help.
fn may_pass(code: &str) -> bool {
    // Connection failures; a transaction that lost to another; insufficient resources; operator intervention.
    const CLASSES: [&str; 4] = ["08", "40", "53", "57"];
    // Read-only transaction, idle in transaction, lock timeout.
    const CODES: [&str; 3] = ["25006", "25P03", "55P03"];
    code.get(..2).is_some_and(|class| CLASSES.contains(&class)) || CODES.contains(&code)
}

/// Formats an error with its causes, which the driver's own text omits.
fn describe(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::may_pass;

    #[test]
    fn what_is_about_the_state_of_the_server_may_pass() {
        for code in
            ["08006", "40001", "40P01", "53100", "53200", "53300", "57014", "57P01", "57P05", "25006", "25P03", "55P03"]
        {
            assert!(may_pass(code), "{code}");
        }
        for code in ["22P05", "23505", "25P02", "42P01", "55000", "XX000", ""] {
            assert!(!may_pass(code), "{code}");
        }
    }
}
