//! The one thread that writes: it runs what waits as one transaction, and commits it as a group.
//!
//! A commit is written to the log and not waited for; another thread brings the log to the disk ([`disk`]), and answers. Meanwhile the
//! writer runs what comes next, and commits it when the disk is done: it waits for the disk only when it has nothing else to do.

use super::disk::{self, Sync};
use super::query;
use super::queue::{Job, Next, Queue, Ran};
use crate::error::{Error, Result};
use crate::sql::{Row, Sql, Value};
use crate::{Tx, TxFuture, TxKind};
use rusqlite::Connection;
use std::cell::RefCell;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

/// How many transactions share one commit at most.
const GROUP: usize = 512;

thread_local! {
    /// The writer thread's connection, or why there is none.
    static WRITER: RefCell<std::result::Result<Connection, String>> = const { RefCell::new(Err(String::new())) };
}

/// Starts the writer, and the thread that brings what it has committed to the disk.
///
/// # Errors
/// When no thread can be had.
pub(super) fn start(connection: Connection, sync: Sync, queue: &Arc<Queue>) -> Result<()> {
    let no_thread = |error: std::io::Error| Error::Database(error.to_string());
    let (for_disk, for_writer) = (Arc::clone(queue), Arc::clone(queue));
    let disk = move || disk::sync_loop(sync, &for_disk);
    std::thread::Builder::new().name("sqlite-disk".to_owned()).spawn(disk).map_err(no_thread)?;
    let writer = move || write_loop(connection, &for_writer);
    std::thread::Builder::new().name("sqlite-writer".to_owned()).spawn(writer).map_err(no_thread)?;
    Ok(())
}

/// Polls a transaction's future once. Every statement is ready at once here, so it must be done by then.
pub(super) fn run_to_end<T, E, F>(function: F) -> Result<T, E>
where
    F: for<'t> FnOnce(&'t mut Tx) -> TxFuture<'t, T, E>,
    E: From<Error>,
{
    let ran = std::panic::catch_unwind(AssertUnwindSafe(|| {
        let mut tx = Tx::new(TxKind::Sqlite);
        let mut future = std::pin::pin!(crate::run(&mut tx, function));
        match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(outcome) => outcome,
            Poll::Pending => Err(E::from(Error::Database("a transaction awaited something else".to_owned()))),
        }
    }));
    ran.unwrap_or_else(|_| Err(E::from(Error::Database("a transaction panicked".to_owned()))))
}

fn write_loop(connection: Connection, queue: &Queue) {
    WRITER.set(Ok(connection));
    while let Some(first) = queue.first() {
        match queue.usable().and_then(|()| statement("BEGIN IMMEDIATE")) {
            Ok(()) => write_group(first, queue),
            Err(error) => {
                // Another process holds the lock for longer than we wait: all that waited are told so. Those that come after
                // the answers get an attempt of their own.
                tracing::warn!(%error, "nothing can be written to the SQLite database");
                let waited = queue.take_all();
                std::iter::once(first).chain(waited).for_each(|job| refuse(job, &error));
            }
        }
    }
    WRITER.set(Err(String::new()));
    queue.end();
}

/// Runs jobs until no more wait, or the group is full, and commits what they have done.
fn write_group(first: Job, queue: &Queue) {
    let (mut durable, mut at_once, mut from_disk) = (false, Vec::new(), Vec::new());
    let mut next = Next::Run(first);
    while let Next::Run(job) = next {
        let waits = job.durable;
        let ran = run_in_savepoint(job);
        // What has changed nothing has nothing to wait for.
        if waits && ran.keep {
            durable = true;
            from_disk.push(ran.answer);
        } else {
            at_once.push(ran.answer);
        }
        // Some errors, such as a full disk, end the whole transaction. What comes after must not be mistaken for a part of
        // it, and what came before must be told: the commit fails.
        let room = at_once.len() + from_disk.len() < GROUP && in_transaction().is_ok();
        next = queue.next(room, durable);
    }
    let seen = if durable { queue.committing() } else { Ok(()) };
    let failed = seen.and_then(|()| statement("COMMIT")).err();
    if failed.is_some() {
        let _ = statement("ROLLBACK");
        at_once.append(&mut from_disk);
    }
    if durable {
        queue.committed(from_disk);
    }
    for answer in at_once {
        answer(failed.as_ref());
    }
}

fn run_in_savepoint(job: Job) -> Ran {
    if let Err(error) = statement("SAVEPOINT job") {
        // Without a savepoint nothing of it could be undone alone.
        let ran = run_without_connection(job, &error);
        return Ran { keep: false, answer: Box::new(move |_| (ran.answer)(Some(&error))) };
    }
    let ran = (job.run)();
    let closed = (|| {
        if !ran.keep {
            statement("ROLLBACK TO job")?;
        }
        statement("RELEASE job")
    })();
    match closed {
        Ok(()) => ran,
        Err(error) => Ran { keep: false, answer: Box::new(move |_| (ran.answer)(Some(&error))) },
    }
}

/// Runs nothing of a job but its refusal: outside a transaction no change can be kept, so it must not run at all.
fn refuse(job: Job, error: &Error) {
    (run_without_connection(job, error).answer)(Some(error));
}

/// The job holds the only way to answer; run without a connection every statement of it fails, and says why.
fn run_without_connection(job: Job, why: &Error) -> Ran {
    let connection = WRITER.replace(Err(why.to_string()));
    let ran = (job.run)();
    WRITER.set(connection);
    ran
}

fn statement(text: &str) -> Result<()> {
    with_writer(|connection| Ok(connection.prepare_cached(text)?.execute([]).map(|_| ())?))
}

fn with_writer<T>(function: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
    WRITER.with_borrow(|writer| match writer {
        Ok(connection) => function(connection),
        Err(why) => Err(Error::Unavailable(why.clone())),
    })
}

/// An error when the group's transaction has been lost: a statement would be committed by itself.
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
