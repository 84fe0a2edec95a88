//! The writer: one thread, whose transactions share commits.

use super::disk::{Answer, Disk};
use crate::error::{Error, Result};
use crate::sql::{Row, Sql, Value};
use crate::{Tx, TxKind, Work};
use rusqlite::Connection;
use std::cell::RefCell;
use std::panic::AssertUnwindSafe;
use std::task::{Context, Poll, Waker};
use tokio::sync::{mpsc, oneshot};

/// How many transactions share one commit at most.
const GROUP: usize = 512;

thread_local! {
    /// The writer thread's connection.
    static WRITER: RefCell<Option<Connection>> = const { RefCell::new(None) };
}

/// What the writer is told.
pub(super) enum Told {
    /// There is something to do.
    Job(Job),
    /// Nothing is waited for any more: what is running can be committed.
    DiskIsIdle,
}

/// A job for the writer.
pub(super) struct Job {
    /// Run inside a savepoint.
    pub(super) work: Work,
    /// Answered after the commit, with its error if it failed.
    pub(super) answer: oneshot::Sender<Result<()>>,
    /// Whether the answer waits for the disk.
    pub(super) durable: bool,
}

/// A job that has been run: whom to answer, and what, unless the commit fails.
struct Ran {
    answer: oneshot::Sender<Result<()>>,
    /// Whether something of it is to be committed.
    keep: bool,
    durable: bool,
    outcome: Result<()>,
}

impl Ran {
    fn tell(self, failed_commit: Option<&Error>) {
        let outcome = match (self.outcome, failed_commit) {
            (Ok(()), Some(error)) if self.keep => Err(Error::Unavailable(format!("commit failed: {error}"))),
            (outcome, _) => outcome,
        };
        // Nobody listens when the caller has gone away; the change stands all the same.
        let _ = self.answer.send(outcome);
    }
}

/// Runs what comes, until nobody can send anything any more.
pub(super) fn write_loop(connection: Connection, mut queue: mpsc::Receiver<Told>, disk: &Disk) {
    WRITER.set(Some(connection));
    while let Some(told) = queue.blocking_recv() {
        let Told::Job(first) = told else { continue };
        // Whoever is about to ask for a write on this core does so first, and shares the commit. Nobody is waited for: with
        // nothing else to run here, this returns at once.
        std::thread::yield_now();
        match statement("BEGIN IMMEDIATE") {
            Ok(()) => commit(run_group(first, &mut queue, disk), disk),
            // Another process holds the lock for longer than we wait: all that waited are told so. Those that come after the
            // answers get an attempt of their own.
            Err(error) => {
                tracing::warn!(%error, "the SQLite write lock could not be had");
                refuse(first, &error);
                while let Ok(told) = queue.try_recv() {
                    if let Told::Job(job) = told {
                        refuse(job, &error);
                    }
                }
            }
        }
    }
    WRITER.set(None);
}

/// Runs a group of jobs in the transaction that has begun: whoever waits, and whoever comes while the disk is busy with the
/// group before.
fn run_group(first: Job, queue: &mut mpsc::Receiver<Told>, disk: &Disk) -> Vec<Ran> {
    let mut ran = vec![run_in_savepoint(first)];
    // Some errors, such as a full disk, end the whole transaction. What comes after must not be mistaken for a part of it, and
    // what came before must be told: the commit fails.
    while ran.len() < GROUP && in_transaction().is_ok() {
        let next = queue.try_recv().ok().or_else(|| if disk.is_awaited() { queue.blocking_recv() } else { None });
        match next {
            Some(Told::Job(job)) => ran.push(run_in_savepoint(job)),
            Some(Told::DiskIsIdle) => {}
            None => break,
        }
    }
    ran
}

/// Commits a group. Who need not wait for the disk is answered, and so is whose work came to nothing.
fn commit(group: Vec<Ran>, disk: &Disk) {
    let failed = statement("COMMIT").err();
    if failed.is_some() {
        let _ = statement("ROLLBACK");
    }
    let mut kept: Vec<Answer> = Vec::new();
    for done in group {
        if failed.is_none() && done.keep && done.durable {
            kept.push(Box::new(move || done.tell(None)));
        } else {
            done.tell(failed.as_ref());
        }
    }
    if !kept.is_empty() {
        disk.answer_when_kept(kept);
    }
}

fn run_in_savepoint(job: Job) -> Ran {
    let Job { work, answer, durable } = job;
    // Nobody waits for it any more: a caller that gave up may come again, and must not find it done twice.
    if answer.is_closed() {
        let gone = Err(Error::Unavailable("the caller has gone away".to_owned()));
        return Ran { answer, keep: false, durable, outcome: gone };
    }
    // Without a savepoint nothing of it could be undone alone.
    if let Err(error) = statement("SAVEPOINT job") {
        let outcome = Err(Error::Unavailable(format!("no savepoint: {error}")));
        return Ran { answer, keep: false, durable, outcome };
    }
    let outcome = run_to_end(work);
    let keep = matches!(outcome, Ok(true));
    let undone = if keep { Ok(()) } else { statement("ROLLBACK TO job") };
    match undone.and_then(|()| statement("RELEASE job")) {
        Err(error) if keep => {
            let failed = Error::Unavailable(format!("commit failed: {error}"));
            Ran { answer, keep: false, durable, outcome: Err(failed) }
        }
        // What failed is told as it was: an error that ends the whole transaction leaves nothing to undo.
        _ => Ran { answer, keep, durable, outcome: outcome.map(drop) },
    }
}

/// Polls a transaction's future once. Every statement is ready at once here, so it must be done by then.
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

/// Runs nothing of a job: outside a transaction no change can be kept.
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

/// An error when the group's transaction has been lost: a statement would be committed by itself.
fn in_transaction() -> Result<()> {
    with_writer(|connection| match connection.is_autocommit() {
        false => Ok(()),
        true => Err(Error::Unavailable("the transaction was rolled back by the database".to_owned())),
    })
}

pub(crate) fn writer_query(sql: Sql, params: &[Value<'_>]) -> Result<Vec<Row>> {
    in_transaction()?;
    with_writer(|connection| super::query(connection, sql, params))
}

pub(crate) fn writer_execute(sql: Sql, params: &[Value<'_>]) -> Result<u64> {
    in_transaction()?;
    with_writer(|connection| {
        let changed = connection.prepare_cached(sql.sqlite)?.execute(rusqlite::params_from_iter(params))?;
        Ok(changed as u64)
    })
}

#[cfg(test)]
mod tests {
    use super::super::disk::Log;
    use super::*;
    use std::sync::mpsc as blocking;

    /// Far longer than anything takes; a test that waits so long has failed.
    const LONG: std::time::Duration = std::time::Duration::from_secs(20);

    /// A log that reaches the disk when it is told so.
    struct Held {
        asked: blocking::Sender<()>,
        done: blocking::Receiver<()>,
    }

    impl Log for Held {
        fn reach_the_disk(&mut self) {
            self.asked.send(()).unwrap();
            self.done.recv_timeout(LONG).unwrap();
        }
    }

    struct Writer {
        jobs: mpsc::Sender<Told>,
        asked: blocking::Receiver<()>,
        go_on: blocking::Sender<()>,
        ran: (blocking::Sender<&'static str>, blocking::Receiver<&'static str>),
        directory: tempfile::TempDir,
    }

    impl Writer {
        fn start() -> Self {
            let directory = tempfile::tempdir().unwrap();
            let connection = Connection::open(directory.path().join("test.db")).unwrap();
            connection.execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE kept (name TEXT)").unwrap();
            let (tell_asked, asked) = blocking::channel();
            let (go_on, done) = blocking::channel();
            let (jobs, queue) = mpsc::channel(16);
            let writer = jobs.downgrade();
            let idle = move || {
                let _ = writer.upgrade().map(|jobs| jobs.try_send(Told::DiskIsIdle));
            };
            let disk = Disk::start(Held { asked: tell_asked, done }, idle).unwrap();
            std::thread::spawn(move || write_loop(connection, queue, &disk));
            Self { jobs, asked, go_on, ran: blocking::channel(), directory }
        }

        /// Asks for a row, which is kept or not; where the answer arrives.
        fn write(&self, durable: bool, name: &'static str, keep: bool) -> blocking::Receiver<Result<()>> {
            const INSERT: Sql = Sql { sqlite: "INSERT INTO kept VALUES ($1)", postgres: "" };
            let (answer, answered) = oneshot::channel();
            let ran = self.ran.0.clone();
            let work: Work = Box::new(move |tx| {
                Box::pin(async move {
                    tx.execute(INSERT, &[name.into()]).await.unwrap();
                    ran.send(name).unwrap();
                    keep
                })
            });
            self.jobs.try_send(Told::Job(Job { work, answer, durable })).unwrap_or_else(|_| panic!("no room"));
            let (tell, told) = blocking::channel();
            std::thread::spawn(move || tell.send(answered.blocking_recv().unwrap()));
            told
        }

        /// Waits until this has been run, and is committed or not.
        fn has_run(&self, name: &str) {
            assert_eq!(self.ran.1.recv_timeout(LONG).unwrap(), name);
        }

        fn rows(&self) -> Vec<String> {
            let other = Connection::open(self.directory.path().join("test.db")).unwrap();
            let mut rows = other.prepare("SELECT name FROM kept ORDER BY rowid").unwrap();
            let names = rows.query_map([], |row| row.get(0)).unwrap();
            names.map(rusqlite::Result::unwrap).collect()
        }
    }

    #[test]
    fn who_wants_it_kept_waits_for_the_disk_and_the_next_group_runs_meanwhile() {
        let writer = Writer::start();
        let first = writer.write(true, "first", true);
        writer.has_run("first");
        writer.asked.recv_timeout(LONG).unwrap();
        assert!(first.try_recv().is_err(), "committed, and not on the disk");
        assert_eq!(writer.rows(), ["first"]);
        // The disk is busy: these run, and share a commit when it has done.
        let noted = writer.write(false, "noted", true);
        writer.has_run("noted");
        let nothing = writer.write(true, "nothing", false);
        writer.has_run("nothing");
        let second = writer.write(true, "second", true);
        writer.has_run("second");
        assert!(noted.try_recv().is_err() && nothing.try_recv().is_err());
        assert_eq!(writer.rows(), ["first"]);
        writer.go_on.send(()).unwrap();
        for told in [first, noted, nothing] {
            told.recv_timeout(LONG).unwrap().unwrap();
        }
        writer.asked.recv_timeout(LONG).unwrap();
        assert_eq!(writer.rows(), ["first", "noted", "second"]);
        assert!(second.try_recv().is_err());
        writer.go_on.send(()).unwrap();
        second.recv_timeout(LONG).unwrap().unwrap();
        // Alone it is committed at once, and the disk is not asked.
        writer.write(false, "alone", true).recv_timeout(LONG).unwrap().unwrap();
        assert!(writer.asked.try_recv().is_err());
    }
}
