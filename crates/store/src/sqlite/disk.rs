//! Waiting for the disk, on a thread of its own: the writer runs the next transactions meanwhile.
//!
//! SQLite commits without waiting (`synchronous = NORMAL`): the log has what was written, in the system's memory. It is on the
//! disk when the log is; whoever asked is answered then. The log is written from front to back, so waiting for one commit
//! waits for all before it.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;

/// Answers somebody once what was committed is on the disk.
pub(super) type Answer = Box<dyn FnOnce() + Send>;

/// What makes the log reach the disk.
pub(super) trait Log: Send + 'static {
    /// Returns when all that was written to the log before is on the disk, and only then.
    fn reach_the_disk(&mut self);
}

/// The write-ahead log beside a database file.
pub(super) struct WriteAheadLog(File);

impl WriteAheadLog {
    /// The log of the database at this path, as SQLite calls it. Whoever opens the log has the database open: else it might be
    /// taken away.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub(super) fn open(database: &Path) -> io::Result<Self> {
        let mut path = database.as_os_str().to_owned();
        path.push("-wal");
        File::open(path).map(Self)
    }
}

impl Log for WriteAheadLog {
    /// Ends the process when the disk refuses. The system may have thrown away what it could not write, and say yes the next
    /// time; and what was committed can be read here, so that others might act on what may not be there tomorrow. Whoever
    /// waits is told nothing, and the next start looks at what there is.
    fn reach_the_disk(&mut self) {
        if let Err(error) = self.0.sync_data() {
            tracing::error!(%error, "the database's log could not be written to the disk; this program ends, so that nothing is promised that is not kept");
            std::process::abort();
        }
    }
}

/// The thread that waits.
pub(super) struct Disk {
    commits: mpsc::Sender<Vec<Answer>>,
    /// Commits whose answers wait.
    awaited: Arc<AtomicUsize>,
}

impl Disk {
    /// Starts it. `idle` is called each time that nothing is waited for any more.
    ///
    /// # Errors
    /// When no thread is to be had.
    pub(super) fn start(mut log: impl Log, idle: impl Fn() + Send + 'static) -> io::Result<Self> {
        let (commits, waiting) = mpsc::channel::<Vec<Answer>>();
        let awaited = Arc::new(AtomicUsize::new(0));
        let left = Arc::clone(&awaited);
        let wait = move || {
            while let Ok(mut answers) = waiting.recv() {
                let mut commits = 1;
                while let Ok(more) = waiting.try_recv() {
                    answers.extend(more);
                    commits += 1;
                }
                log.reach_the_disk();
                answers.into_iter().for_each(|answer| answer());
                if left.fetch_sub(commits, Ordering::AcqRel) == commits {
                    idle();
                }
            }
        };
        std::thread::Builder::new().name("sqlite-disk".to_owned()).spawn(wait)?;
        Ok(Self { commits, awaited })
    }

    /// Whether something that was committed is not known to be on the disk yet.
    pub(super) fn is_awaited(&self) -> bool {
        self.awaited.load(Ordering::Acquire) > 0
    }

    /// Answers once all that has been committed by now is on the disk.
    pub(super) fn answer_when_kept(&self, answers: Vec<Answer>) {
        self.awaited.fetch_add(1, Ordering::AcqRel);
        // The thread goes when this does, and not before.
        let _ = self.commits.send(answers);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    /// Far longer than anything takes; a test that waits so long has failed.
    const LONG: Duration = Duration::from_secs(20);

    /// A log that reaches the disk when it is told so.
    struct Held {
        asked: mpsc::Sender<()>,
        done: mpsc::Receiver<()>,
    }

    impl Log for Held {
        fn reach_the_disk(&mut self) {
            self.asked.send(()).unwrap();
            self.done.recv_timeout(LONG).unwrap();
        }
    }

    #[test]
    fn nobody_is_answered_before_the_log_is_on_the_disk() {
        let (asked, is_asked) = mpsc::channel();
        let (go_on, done) = mpsc::channel();
        let (idle, is_idle) = mpsc::channel();
        let disk = Disk::start(Held { asked, done }, move || idle.send(()).unwrap()).unwrap();
        let answer = || -> (Answer, mpsc::Receiver<()>) {
            let (tell, told) = mpsc::channel();
            (Box::new(move || tell.send(()).unwrap()), told)
        };
        let ((first, first_told), (second, second_told)) = (answer(), answer());
        disk.answer_when_kept(vec![first]);
        is_asked.recv_timeout(LONG).unwrap();
        // Committed while the disk is busy: what it does now may not hold it.
        disk.answer_when_kept(vec![second]);
        assert!(disk.is_awaited());
        assert!(first_told.try_recv().is_err());
        go_on.send(()).unwrap();
        first_told.recv_timeout(LONG).unwrap();
        is_asked.recv_timeout(LONG).unwrap();
        assert!(second_told.try_recv().is_err(), "it waits for a write of its own");
        assert!(is_idle.try_recv().is_err());
        go_on.send(()).unwrap();
        second_told.recv_timeout(LONG).unwrap();
        is_idle.recv_timeout(LONG).unwrap();
        assert!(!disk.is_awaited());
    }

    #[test]
    fn a_log_that_is_not_there_is_an_error_of_opening() {
        let directory = tempfile::tempdir().unwrap();
        let database = directory.path().join("countersign.db");
        assert!(WriteAheadLog::open(&database).is_err());
        std::fs::write(directory.path().join("countersign.db-wal"), "log").unwrap();
        WriteAheadLog::open(&database).unwrap().reach_the_disk();
    }
}
