//! SQLite: one writer thread with group commit, and one read-only connection per thread.

use crate::error::{Error, Result};
use crate::sql::{Row, RowKind, Sql, Value};
use crate::{Tx, TxKind, Work};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, ToSql, types::ToSqlOutput};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::os::unix::fs::OpenOptionsExt;
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};
use tokio::sync::{Semaphore, mpsc, oneshot};

/// Maximum number of transactions queued for the writer. Beyond that, writes are rejected as unavailable.
const QUEUE: usize = 4096;
/// Maximum number of transactions that share one commit.
const GROUP: usize = 512;
/// Maximum number of concurrent scans.
const SCANS: usize = 4;
/// Number of prepared statements cached per connection.
const STATEMENTS: usize = 512;

thread_local! {
    /// The writer thread's connection.
    static WRITER: RefCell<Option<Connection>> = const { RefCell::new(None) };
    /// This thread's read-only connections, one per open database (only tests open more than one).
    static READERS: RefCell<Vec<(u64, Connection)>> = const { RefCell::new(Vec::new()) };
}

static NEXT: AtomicU64 = AtomicU64::new(1);

/// A job for the writer.
struct Job {
    /// Runs inside a savepoint.
    work: Work,
    /// Receives the outcome after the commit, or the commit's error.
    answer: oneshot::Sender<Result<()>>,
    /// Whether its commit waits for the disk.
    durable: bool,
}

/// A job that has run: where to send the answer, and the outcome unless the commit fails.
struct Ran {
    answer: oneshot::Sender<Result<()>>,
    /// Whether it left anything to commit.
    keep: bool,
    outcome: Result<()>,
}

impl Ran {
    fn tell(self, failed_commit: Option<&Error>) {
        let outcome = match (self.outcome, failed_commit) {
            (Ok(()), Some(error)) if self.keep => Err(Error::Unavailable(format!("commit failed: {error}"))),
            (outcome, _) => outcome,
        };
        // The receiver is gone if the caller has given up; the change stands regardless.
        let _ = self.answer.send(outcome);
    }
}

pub(crate) struct Sqlite {
    path: Arc<PathBuf>,
    number: u64,
    scans: Arc<Semaphore>,
    jobs: mpsc::Sender<Job>,
}

#[derive(Clone)]
pub(crate) struct ReaderHandle {
    path: Arc<PathBuf>,
    number: u64,
    /// Limits concurrent scans: each blocking thread has a connection with its own cache.
    scans: Arc<Semaphore>,
}

fn configure(connection: &Connection) -> Result<()> {
    connection.busy_timeout(std::time::Duration::from_secs(5))?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    // No memory map: a reader would unmap and remap the file after every commit by the writer. The cache is small
    // because it is also invalidated by each commit, and the operating system's cache is behind it.
    connection.execute_batch("PRAGMA foreign_keys = ON; PRAGMA cache_size = -4096; PRAGMA temp_store = MEMORY;")?;
    // Plans depend on the statement text alone. Without this, a statement with a bound LIMIT is replanned each time it
    // runs.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(())
}

fn open_to_write(path: &Path) -> Result<Connection> {
    let connection = Connection::open(path)?;
    configure(&connection)?;
    // Write-ahead log, with commits that reach the disk before they are reported: a 201 survives a power failure.
    let mut tries = 0;
    loop {
        // Checkpointing only once per this many pages means that a page rewritten repeatedly is copied back once.
        match connection
            .execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 8000;")
        {
            Ok(()) => return Ok(connection),
            // Changing the journal mode does not honor the busy timeout as statements do: another process is changing
            // it right now.
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
        // Opened here so that a bad path is an error of this call.
        let connection = open_to_write(path)?;
        let (jobs, queue) = mpsc::channel(QUEUE);
        std::thread::Builder::new()
            .name("sqlite-writer".to_owned())
            .spawn(move || write_loop(connection, queue))
            .map_err(|error| Error::Database(error.to_string()))?;
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

    /// Runs a function with a dedicated connection: for migrations and the like, not for requests.
    pub(crate) fn with_own_connection<T>(&self, function: impl FnOnce(&mut Connection) -> Result<T>) -> Result<T> {
        function(&mut open_to_write(&self.path)?)
    }

    pub(crate) fn backup(&self, to: &Path) -> Result<()> {
        const TAKEN: Error = Error::NotSupported("the backup file exists already; name a new one");
        let failed = |error: std::io::Error| match error.kind() {
            std::io::ErrorKind::AlreadyExists => TAKEN,
            _ => Error::Database(format!("{}: {error}", to.display())),
        };
        if to.symlink_metadata().is_ok() {
            return Err(TAKEN);
        }
        let mut random = [0; 8];
        aws_lc_rs::rand::fill(&mut random)
            .map_err(|_| Error::Database("random bytes cannot be obtained".to_owned()))?;
        let name = to.file_name().ok_or(Error::NotSupported("the path of a backup must name a file"))?;
        let name = format!(".{}.{:016x}", name.to_string_lossy(), u64::from_be_bytes(random));
        let temporary = to.with_file_name(name);
        let target = temporary.to_str().ok_or(Error::NotSupported("the path of a backup must be text"))?;
        // Written in full under a temporary name first, so that a file with the backup's name is always complete.
        // Created with its final permissions, so that the copy is never readable by others.
        let written = (|| {
            let file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temporary);
            let file = file.map_err(failed)?;
            open_to_write(&self.path)?.execute("VACUUM INTO ?1", [target])?;
            file.sync_all().map_err(failed)?;
            std::fs::hard_link(&temporary, to)
                .or_else(|error| match error.kind() {
                    std::io::ErrorKind::AlreadyExists => Err(error),
                    // Not every file system supports links: if not, the name is reserved first, and the copy is then
                    // renamed over it.
                    _ => {
                        std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(to)?;
                        std::fs::rename(&temporary, to).inspect_err(|_| drop(std::fs::remove_file(to)))
                    }
                })
                .map_err(failed)
        })();
        let _ = std::fs::remove_file(&temporary);
        written
    }

    /// Runs the work in a savepoint of the current group; resolves after the group's commit.
    pub(crate) async fn write(&self, durable: bool, work: Work) -> Result<()> {
        let (answer, answered) = oneshot::channel();
        let job = Job { work, answer, durable };
        self.jobs.try_send(job).map_err(|_| Error::Unavailable("the write queue is full".to_owned()))?;
        answered.await.map_err(|_| Error::Unavailable("the writer has stopped".to_owned()))?
    }
}

/// Polls a transaction's future once. Every statement completes immediately here, so one poll must finish it.
fn run_to_end(work: Work) -> Result<bool> {
    let ran = std::panic::catch_unwind(AssertUnwindSafe(|| {
        let mut tx = Tx::new(TxKind::Sqlite);
        let mut future = std::pin::pin!(crate::perform(&mut tx, work));
        match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(ran) => ran,
            Poll::Pending => Err(Error::Database("a transaction awaited something else".to_owned())),
        }
    }));
    ran.unwrap_or_else(|_| Err(Error::Database("a transaction panicked".to_owned())))
}

fn write_loop(connection: Connection, mut queue: mpsc::Receiver<Job>) {
    WRITER.set(Some(connection));
    let mut waiting = VecDeque::new();
    // As set by `open_to_write`.
    let mut set = Some(true);
    loop {
        if waiting.is_empty() {
            let Some(first) = queue.blocking_recv() else { break };
            waiting.push_back(first);
        }
        // Lets tasks on this core that are about to submit a write do so first and share the commit. This waits for
        // nobody: with nothing else to run here, it returns immediately.
        std::thread::yield_now();
        while waiting.len() < GROUP
            && let Ok(job) = queue.try_recv()
        {
            waiting.push_back(job);
        }
        let durable = waiting.iter().any(|job| job.durable);
        let begun = wait_for_the_disk(durable, &mut set).and_then(|()| statement("BEGIN IMMEDIATE"));
        if let Err(error) = begun {
            // Another process has held the lock for longer than the timeout: every waiting job is told so. Jobs that
            // arrive after these answers get their own attempt.
            tracing::warn!(%error, "could not acquire the SQLite write lock");
            waiting.drain(..).for_each(|job| refuse(job, &error));
            continue;
        }
        let mut ran = Vec::new();
        // Some errors, such as a full disk, end the whole transaction. Later jobs must not be taken for part of it, and
        // earlier jobs must be told: the commit fails.
        while ran.len() < GROUP && in_transaction().is_ok() {
            let Some(job) = waiting.pop_front().or_else(|| queue.try_recv().ok()) else { break };
            if job.durable && !durable {
                waiting.push_front(job);
                break;
            }
            ran.push(run_in_savepoint(job));
        }
        let failed = statement("COMMIT").err();
        if failed.is_some() {
            let _ = statement("ROLLBACK");
        }
        for done in ran {
            done.tell(failed.as_ref());
        }
    }
    WRITER.set(None);
}

/// Sets whether the next commit waits for the disk; `set` is the current setting. A durable commit also makes the
/// commits before it durable, because the log is written sequentially.
fn wait_for_the_disk(durable: bool, set: &mut Option<bool>) -> Result<()> {
    if *set != Some(durable) {
        *set = None;
        let synchronous = if durable { "PRAGMA synchronous = FULL" } else { "PRAGMA synchronous = NORMAL" };
        // Not a cached statement: the pragma takes effect when it is prepared.
        with_writer(|connection| Ok(connection.execute_batch(synchronous)?))?;
        *set = Some(durable);
    }
    Ok(())
}

fn run_in_savepoint(job: Job) -> Ran {
    let Job { work, answer, .. } = job;
    // Nobody is waiting for the answer: a caller that gave up may retry, and must not find the work done twice.
    if answer.is_closed() {
        let gone = Err(Error::Unavailable("the caller has gone away".to_owned()));
        return Ran { answer, keep: false, outcome: gone };
    }
    // Without a savepoint, this job could not be rolled back on its own.
    if let Err(error) = statement("SAVEPOINT job") {
        let outcome = Err(Error::Unavailable(format!("no savepoint: {error}")));
        return Ran { answer, keep: false, outcome };
    }
    let outcome = run_to_end(work);
    let keep = matches!(outcome, Ok(true));
    let undone = if keep { Ok(()) } else { statement("ROLLBACK TO job") };
    if undone.is_err() {
        // A half-done job must not be committed with the others, which are told that the commit failed.
        let _ = statement("ROLLBACK");
    }
    match undone.and_then(|()| statement("RELEASE job")) {
        Err(error) if keep => {
            let failed = Error::Unavailable(format!("commit failed: {error}"));
            Ran { answer, keep: false, outcome: Err(failed) }
        }
        // A failed job reports its own error: an error that ended the whole transaction leaves nothing to undo.
        _ => Ran { answer, keep, outcome: outcome.map(drop) },
    }
}

/// Rejects a job without running it: outside a transaction, no change can be committed.
fn refuse(job: Job, error: &Error) {
    let reason = match error {
        Error::Unavailable(reason) => reason.clone(),
        other => other.to_string(),
    };
    let _ = job.answer.send(Err(Error::Unavailable(format!("another process may be writing: {reason}"))));
}

fn statement(text: &str) -> Result<()> {
    with_writer(|connection| Ok(connection.prepare_cached(text)?.execute([]).map(|_| ())?))
}

fn with_writer<T>(function: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
    WRITER.with_borrow(|writer| match writer {
        Some(connection) => function(connection),
        None => Err(Error::Unavailable("this thread is not the writer".to_owned())),
    })
}

/// Returns an error if the group's transaction has been lost: a statement would then be committed on its own.
fn in_transaction() -> Result<()> {
    with_writer(|connection| match connection.is_autocommit() {
        false => Ok(()),
        true => Err(Error::Unavailable("the transaction was rolled back by the database".to_owned())),
    })
}

pub(crate) fn writer_query(sql: Sql, params: &[Value<'_>]) -> Result<Vec<Row>> {
    in_transaction()?;
    with_writer(|connection| query(connection, sql, params))
}

pub(crate) fn writer_execute(sql: Sql, params: &[Value<'_>]) -> Result<u64> {
    in_transaction()?;
    with_writer(|connection| {
        let changed = connection.prepare_cached(sql.sqlite)?.execute(rusqlite::params_from_iter(params))?;
        Ok(changed as u64)
    })
}

impl ReaderHandle {
    /// Runs a query that may scan many rows, on a blocking-work thread, with limited concurrency.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_cannot_be_undone_is_not_committed_either() {
        let directory = tempfile::tempdir().unwrap();
        let sqlite = Sqlite::open(&directory.path().join("x.db")).unwrap();
        sqlite.with_own_connection(|connection| Ok(connection.execute_batch("CREATE TABLE t (x)")?)).unwrap();
        let spoils: Work = Box::new(|_| {
            Box::pin(async {
                statement("INSERT INTO t VALUES (1)").unwrap();
                // As if the savepoint had been lost.
                statement("RELEASE job").unwrap();
                false
            })
        });
        sqlite.write(true, spoils).await.unwrap();
        let kept = |connection: &mut Connection| {
            Ok(connection.query_row("SELECT count(*) FROM t", [], |row| row.get::<_, i64>(0))?)
        };
        assert_eq!(sqlite.with_own_connection(kept).unwrap(), 0);
        // The next transaction is unaffected.
        let writes: Work = Box::new(|_| Box::pin(async { statement("INSERT INTO t VALUES (2)").is_ok() }));
        sqlite.write(true, writes).await.unwrap();
        assert_eq!(sqlite.with_own_connection(kept).unwrap(), 1);
    }
}
