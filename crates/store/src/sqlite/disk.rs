//! Waiting for the disk, on a thread of its own: the writer runs the next transactions meanwhile.
//!
//! SQLite commits without waiting (`synchronous = NORMAL`): the log has what was written, in the system's memory. It is on the
//! disk when the log is; whoever asked is answered then. The log is written from front to back, so waiting for one commit
//! waits for all before it.

use crate::error::Error;
use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;

/// Whom to answer once what was committed is on the disk: `Some` when it may not be.
pub(super) type Answer = Box<dyn FnOnce(Option<&Error>) + Send>;

/// What makes the log reach the disk.
pub(super) trait Log: Send + 'static {
    /// Returns when all that was written to the log before is on the disk.
    fn reach_the_disk(&mut self) -> io::Result<()>;
}

/// The write-ahead log beside a database file.
pub(super) struct WriteAheadLog {
    path: PathBuf,
    file: Option<File>,
}

impl WriteAheadLog {
    /// The log at this path. It is opened when it is first needed: then the writer has made it, and as long as the writer has
    /// the database open nobody takes it away.
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, file: None }
    }
}

impl Log for WriteAheadLog {
    fn reach_the_disk(&mut self) -> io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(File::open(&self.path)?),
        };
        file.sync_data()
    }
}

/// The thread that waits.
pub(super) struct Disk {
    commits: mpsc::Sender<Vec<Answer>>,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    /// Commits whose answers wait.
    awaited: AtomicUsize,
    /// Whether the log could not be brought to the disk.
    failed: AtomicBool,
}

impl Disk {
    /// Starts it. `idle` is called each time that nothing is waited for any more.
    pub(super) fn start(log: impl Log, idle: impl Fn() + Send + 'static) -> io::Result<Self> {
        let (commits, waiting) = mpsc::channel();
        let state = Arc::new(State::default());
        let shared = Arc::clone(&state);
        std::thread::Builder::new()
            .name("sqlite-disk".to_owned())
            .spawn(move || wait_for_each(log, &waiting, &shared, idle))?;
        Ok(Self { commits, state })
    }

    /// Whether something that was committed is not known to be on the disk yet.
    pub(super) fn is_awaited(&self) -> bool {
        self.state.awaited.load(Ordering::Acquire) > 0
    }

    /// Whether the log could not be brought to the disk. The system may have thrown away what it could not write, and say
    /// nothing when it is asked again: what is committed from then on might have a hole before it.
    pub(super) fn has_failed(&self) -> bool {
        self.state.failed.load(Ordering::Acquire)
    }

    /// Answers once all that has been committed by now is on the disk.
    pub(super) fn answer_when_kept(&self, answers: Vec<Answer>) {
        self.state.awaited.fetch_add(1, Ordering::AcqRel);
        if let Err(mpsc::SendError(answers)) = self.commits.send(answers) {
            self.state.failed.store(true, Ordering::Release);
            let error = Error::Unavailable("the thread that waits for the disk has stopped".to_owned());
            answers.into_iter().for_each(|answer| answer(Some(&error)));
        }
    }
}

fn wait_for_each(mut log: impl Log, waiting: &mpsc::Receiver<Vec<Answer>>, state: &State, idle: impl Fn()) {
    while let Ok(mut answers) = waiting.recv() {
        let mut commits = 1;
        while let Ok(more) = waiting.try_recv() {
            answers.extend(more);
            commits += 1;
        }
        let failed = if state.failed.load(Ordering::Acquire) {
            Some(failure("it failed before"))
        } else {
            log.reach_the_disk().err().map(|error| {
                state.failed.store(true, Ordering::Release);
                tracing::error!(%error, "the database's log could not be written to the disk; nothing is written any more until this program is started again");
                failure(&error.to_string())
            })
        };
        answers.into_iter().for_each(|answer| answer(failed.as_ref()));
        if state.awaited.fetch_sub(commits, Ordering::AcqRel) == commits {
            idle();
        }
    }
}

/// What is said when the log cannot be brought to the disk.
pub(super) fn failure(reason: &str) -> Error {
    Error::Unavailable(format!("the disk does not keep what is written: {reason}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A log that reaches the disk when it is told so, and says what came of it.
    struct Told {
        asked: mpsc::Sender<()>,
        outcome: mpsc::Receiver<io::Result<()>>,
    }

    impl Log for Told {
        fn reach_the_disk(&mut self) -> io::Result<()> {
            self.asked.send(()).unwrap();
            self.outcome.recv().unwrap()
        }
    }

    /// A disk; what tells that it is asked, what makes it answer, and what tells that nothing is waited for.
    fn disk() -> (Disk, mpsc::Receiver<()>, mpsc::Sender<io::Result<()>>, mpsc::Receiver<()>) {
        let (asked, is_asked) = mpsc::channel();
        let (answer, outcome) = mpsc::channel();
        let (idle, is_idle) = mpsc::channel();
        let disk = Disk::start(Told { asked, outcome }, move || idle.send(()).unwrap()).unwrap();
        (disk, is_asked, answer, is_idle)
    }

    /// An answer, and where it arrives: whether it is a good one.
    fn answer() -> (Answer, mpsc::Receiver<bool>) {
        let (tell, told) = mpsc::channel();
        (Box::new(move |failed| tell.send(failed.is_none()).unwrap()), told)
    }

    #[test]
    fn nobody_is_answered_before_the_log_is_on_the_disk() {
        let (disk, asked, outcome, idle) = disk();
        let ((first, first_told), (second, second_told)) = (answer(), answer());
        disk.answer_when_kept(vec![first]);
        asked.recv().unwrap();
        // Committed while the disk is busy: what it does now may not hold it.
        disk.answer_when_kept(vec![second]);
        assert!(disk.is_awaited());
        assert!(first_told.try_recv().is_err());
        outcome.send(Ok(())).unwrap();
        assert!(first_told.recv().unwrap());
        asked.recv().unwrap();
        assert!(second_told.try_recv().is_err(), "it waits for a write of its own");
        assert!(idle.try_recv().is_err());
        outcome.send(Ok(())).unwrap();
        assert!(second_told.recv().unwrap());
        idle.recv().unwrap();
        assert!(!disk.is_awaited() && !disk.has_failed());
    }

    #[test]
    fn after_a_failure_nothing_counts_as_kept() {
        let (disk, asked, outcome, idle) = disk();
        let ((first, first_told), (second, second_told)) = (answer(), answer());
        disk.answer_when_kept(vec![first]);
        asked.recv().unwrap();
        outcome.send(Err(io::Error::other("worn out"))).unwrap();
        assert!(!first_told.recv().unwrap());
        idle.recv().unwrap();
        assert!(disk.has_failed());
        // The disk is not asked again: it might say yes, with a hole in what it has.
        disk.answer_when_kept(vec![second]);
        assert!(!second_told.recv().unwrap());
        assert!(asked.try_recv().is_err());
    }

    #[test]
    fn a_log_that_is_not_there_is_an_error() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("countersign.db-wal");
        assert!(WriteAheadLog::new(path.clone()).reach_the_disk().is_err());
        std::fs::write(&path, "log").unwrap();
        assert!(WriteAheadLog::new(path).reach_the_disk().is_ok());
    }
}
