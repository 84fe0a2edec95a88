//! What can go wrong with a database.

/// A database error. Its text is for the log; it never reaches a stranger.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A row like this exists already.
    #[error("already exists: {constraint}")]
    Unique {
        /// The index's name (PostgreSQL) or its columns (SQLite).
        constraint: String,
    },
    /// The row refers to one that does not exist.
    #[error("refers to a row that does not exist")]
    ForeignKey,
    /// A row holds what none of our programs writes.
    #[error("unreadable row: {0}")]
    Corrupt(String),
    /// No connection or no place in the queue in time; trying again later may help.
    #[error("the database is not available: {0}")]
    Unavailable(String),
    /// The schema was made by a newer version of this program.
    #[error(
        "the database has schema version {found}, this program knows {known}: start a newer countersign, or restore a backup"
    )]
    SchemaTooNew {
        /// Version of the database.
        found: i64,
        /// Newest version this program knows.
        known: i64,
    },
    /// A migration that was applied is not the one this program knows.
    #[error("migration {version} of the database is not the one this program knows: it was altered")]
    MigrationAltered {
        /// Which.
        version: i64,
    },
    /// The engine does not offer this.
    #[error("{0}")]
    NotSupported(&'static str),
    /// Anything else.
    #[error("database error: {0}")]
    Database(String),
}

/// A result whose error is a database error unless said otherwise.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// Whether this is the violation of the unique index `<table>_<columns>_unique`: its columns but `environment_id`,
    /// joined by underscores.
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
            // Code, message and constraint: the detail may quote a row.
            code => Self::Database(format!(
                "{}: {} {}",
                code.code(),
                database.message(),
                database.constraint().unwrap_or_default()
            )),
        }
    }
}

/// Whether an error of PostgreSQL is about its state and not about what it was asked (SQLSTATE): trying again later may help.
fn may_pass(code: &str) -> bool {
    // The connection; a transaction that lost against another; no room; somebody has intervened.
    const CLASSES: [&str; 4] = ["08", "40", "53", "57"];
    // Made read-only, idle in a transaction, no lock in time.
    const CODES: [&str; 3] = ["25006", "25P03", "55P03"];
    code.get(..2).is_some_and(|class| CLASSES.contains(&class)) || CODES.contains(&code)
}

/// An error with its causes: the driver's own text leaves them out.
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
