//! SQLite: one writer thread with group commit, a thread that waits for the disk, and a read-only connection per thread.

mod disk;
mod writer;

pub(crate) use writer::{writer_execute, writer_query};

use self::disk::{Disk, WriteAheadLog};
use self::writer::{Job, Told, write_loop};
use crate::Work;
use crate::error::{Error, Result};
use crate::sql::{Row, RowKind, Sql, Value};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, ToSql, types::ToSqlOutput};
use std::cell::RefCell;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::{Semaphore, mpsc, oneshot};

/// How many transactions may wait for the writer. Beyond that the answer is "not now".
const QUEUE: usize = 4096;
/// How many scans run at once.
const SCANS: usize = 4;
/// How many prepared statements a connection keeps.
const STATEMENTS: usize = 512;

thread_local! {
    /// This thread's read-only connections, one per open database (one, but for tests).
    static READERS: RefCell<Vec<(u64, Connection)>> = const { RefCell::new(Vec::new()) };
}

static NEXT: AtomicU64 = AtomicU64::new(1);

pub(crate) struct Sqlite {
    path: Arc<PathBuf>,
    number: u64,
    scans: Arc<Semaphore>,
    jobs: mpsc::Sender<Told>,
}

#[derive(Clone)]
pub(crate) struct ReaderHandle {
    path: Arc<PathBuf>,
    number: u64,
    /// Scans that may run at once: each blocking thread has a connection with a cache of its own.
    scans: Arc<Semaphore>,
}

fn configure(connection: &Connection) -> Result<()> {
    connection.busy_timeout(std::time::Duration::from_secs(5))?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    // No memory map: a reader would unmap and map the file again after every commit of the writer. A small cache: it is
    // emptied then, too, and the system's own cache is behind it.
    connection.execute_batch("PRAGMA foreign_keys = ON; PRAGMA cache_size = -4096; PRAGMA temp_store = MEMORY;")?;
    // Plans come from statements alone. Without this, one with a bound LIMIT is planned anew each time it runs.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(())
}

fn open_to_write(path: &Path) -> Result<Connection> {
    let connection = Connection::open(path)?;
    configure(&connection)?;
    // Write-ahead log, and a commit that has reached the disk before it is answered: a 201 survives a power cut.
    let mut tries = 0;
    loop {
        // Moved into the file once in so many pages: what is written again and again is then moved once.
        match connection
            .execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 8000;")
        {
            Ok(()) => return Ok(connection),
            // The change of the journal does not wait as statements do: another process is making it right now.
            Err(error) if error.sqlite_error_code() == Some(rusqlite::ErrorCode::DatabaseBusy) && tries < 200 => {
                tries += 1;
                std::thread::park_timeout(std::time::Duration::from_millis(25));
            }
            Err(error) => return Err(error.into()),
        }
    }
}

impl Sqlite {
    pub(crate) fn open(path: &Path) -> Result<Self> {
        // Opened here first, so that a bad path is an error of this call.
        let connection = open_to_write(path)?;
        // What a start finds in the log is on the disk before anything is built on it. Who else has the database open does so
        // at its own start.
        connection.busy_timeout(std::time::Duration::ZERO)?;
        match connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())) {
            Err(error) if error.sqlite_error_code() != Some(rusqlite::ErrorCode::DatabaseBusy) => {
                return Err(error.into());
            }
            _ => {}
        }
        configure(&connection)?;
        // It does not wait at a commit: the disk has a thread of its own.
        connection.execute_batch("PRAGMA synchronous = NORMAL")?;
        // The path that SQLite uses: the one that was given may be a link to it.
        let database = connection.path().map_or_else(|| path.to_owned(), PathBuf::from);
        let failed = |error: std::io::Error| Error::Database(error.to_string());
        let log = WriteAheadLog::open(&database).map_err(failed)?;
        let (jobs, queue) = mpsc::channel(QUEUE);
        let writer = jobs.downgrade();
        let idle = move || {
            // When the queue is full, the writer sees for itself.
            let _ = writer.upgrade().map(|jobs| jobs.try_send(Told::DiskIsIdle));
        };
        let disk = Disk::start(log, idle).map_err(failed)?;
        std::thread::Builder::new()
            .name("sqlite-writer".to_owned())
            .spawn(move || write_loop(connection, queue, &disk))
            .map_err(failed)?;
        Ok(Self {
            path: Arc::new(path.to_owned()),
            number: NEXT.fetch_add(1, Ordering::Relaxed),
            scans: Arc::new(Semaphore::new(SCANS)),
            jobs,
        })
    }

    pub(crate) fn reader(&self) -> ReaderHandle {
        ReaderHandle { path: Arc::clone(&self.path), number: self.number, scans: Arc::clone(&self.scans) }
    }

    /// Runs a function with a connection opened for it alone: for migrations and the like, not for requests.
    pub(crate) fn with_own_connection<T>(&self, function: impl FnOnce(&mut Connection) -> Result<T>) -> Result<T> {
        function(&mut open_to_write(&self.path)?)
    }

    pub(crate) fn backup(&self, to: &Path) -> Result<()> {
        let target = to.to_str().ok_or(Error::NotSupported("the path of a backup must be text"))?;
        // Made empty with its final permissions: the copy is at no moment readable by others.
        std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(to).map_err(|error| {
            match error.kind() {
                std::io::ErrorKind::AlreadyExists => {
                    Error::NotSupported("the backup file exists already; name a new one")
                }
                _ => Error::Database(format!("{}: {error}", to.display())),
            }
        })?;
        open_to_write(&self.path)?.execute("VACUUM INTO ?1", [target])?;
        Ok(())
    }

    /// Runs the work in a savepoint of the current group; answered after the group's commit, and, when it is to be durable, not
    /// before that has reached the disk.
    pub(crate) async fn write(&self, durable: bool, work: Work) -> Result<()> {
        let (answer, answered) = oneshot::channel();
        let job = Told::Job(Job { work, answer, durable });
        self.jobs.try_send(job).map_err(|_| Error::Unavailable("the write queue is full".to_owned()))?;
        answered.await.map_err(|_| Error::Unavailable("the writer has stopped".to_owned()))?
    }
}

impl ReaderHandle {
    /// A query that may look at many rows: on a thread for blocking work, few at a time.
    pub(crate) async fn scan(&self, sql: Sql, params: Vec<Value<'static>>) -> Result<Vec<Row>> {
        let cancelled = |_| Error::Database("the scan was cancelled".to_owned());
        let place = Arc::clone(&self.scans).acquire_owned().await.map_err(|_| Error::Database("closed".to_owned()))?;
        let reader = self.clone();
        let scan = move || {
            let _place = place;
            reader.query(sql, &params)
        };
        tokio::task::spawn_blocking(scan).await.map_err(cancelled)?
    }

    pub(crate) fn query(&self, sql: Sql, params: &[Value<'_>]) -> Result<Vec<Row>> {
        READERS.with_borrow_mut(|readers| {
            let at = match readers.iter().position(|(number, _)| *number == self.number) {
                Some(at) => at,
                None => {
                    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
                    let connection = Connection::open_with_flags(&*self.path, flags)?;
                    configure(&connection)?;
                    readers.push((self.number, connection));
                    readers.len() - 1
                }
            };
            match readers.get(at) {
                Some((_, connection)) => query(connection, sql, params),
                None => Err(Error::Database("no reader".to_owned())),
            }
        })
    }
}

fn query(connection: &Connection, sql: Sql, params: &[Value<'_>]) -> Result<Vec<Row>> {
    let mut statement = connection.prepare_cached(sql.sqlite)?;
    let columns = statement.column_count();
    let mut rows = statement.query(rusqlite::params_from_iter(params))?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let mut values = Vec::with_capacity(columns);
        for at in 0..columns {
            values.push(row.get::<_, rusqlite::types::Value>(at)?);
        }
        found.push(Row(RowKind::Sqlite(values)));
    }
    Ok(found)
}

impl ToSql for Value<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        use rusqlite::types::ValueRef;
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Int(number) => ValueRef::Integer(*number),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Bytes(bytes) => ValueRef::Blob(bytes),
        }))
    }
}
