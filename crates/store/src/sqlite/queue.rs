//! What waits for the writer, and what waits for the disk.

use crate::error::{Error, Result};
use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// How many transactions may wait for the writer. Beyond that the answer is "not now".
const LONGEST: usize = 4096;

/// Answers the caller, with the error of the commit or of the disk if it failed.
pub(super) type Answer = Box<dyn FnOnce(Option<&Error>) + Send>;

/// A job for the writer: run inside a savepoint, it says whether to keep the changes and whom to answer.
pub(super) struct Job {
    pub(super) run: Box<dyn FnOnce() -> Ran + Send>,
    /// Whether it is answered only when it is on the disk.
    pub(super) durable: bool,
}

/// What came of a job.
pub(super) struct Ran {
    pub(super) keep: bool,
    pub(super) answer: Answer,
}

/// What the writer is to do next.
pub(super) enum Next {
    Run(Job),
    Commit,
}

/// Between those who want something written, the thread that writes it, and the thread that brings it to the disk.
#[derive(Default)]
pub(super) struct Queue {
    state: Mutex<State>,
    /// There is a job, or the disk is done.
    for_writer: Condvar,
    /// There is something to bring to the disk.
    for_disk: Condvar,
}

#[derive(Default)]
struct State {
    jobs: VecDeque<Job>,
    /// Nobody can ask for anything any more.
    closed: bool,
    disk: Disk,
    /// Committed, and waiting for the disk.
    committed: Vec<Answer>,
    /// The writer has ended.
    ended: bool,
}

#[derive(Default, Clone, PartialEq, Eq)]
enum Disk {
    #[default]
    Idle,
    /// It has, or is about to get, a commit that somebody waits for.
    Busy,
    /// What it has kept is not known any more: nothing is written until the database has been opened anew.
    Failed(String),
}

impl Queue {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands a job to the writer; false when too many wait, or it has ended.
    pub(super) fn push(&self, job: Job) -> bool {
        let mut state = self.state();
        if state.closed || state.ended || state.jobs.len() >= LONGEST {
            return false;
        }
        state.jobs.push_back(job);
        drop(state);
        self.for_writer.notify_one();
        true
    }

    /// No more jobs come.
    pub(super) fn close(&self) {
        self.state().closed = true;
        self.for_writer.notify_one();
    }

    /// Waits for the first job of a group; nothing when no more come.
    pub(super) fn first(&self) -> Option<Job> {
        let waits = |state: &mut State| state.jobs.is_empty() && !state.closed;
        let mut state = self.for_writer.wait_while(self.state(), waits).unwrap_or_else(PoisonError::into_inner);
        state.jobs.pop_front()
    }

    /// All that wait.
    pub(super) fn take_all(&self) -> VecDeque<Job> {
        std::mem::take(&mut self.state().jobs)
    }

    /// The next job of a group, if it has room for more; or its commit. While the disk is busy a group that will need it waits
    /// and grows: the next commit is then one for many.
    pub(super) fn next(&self, room: bool, durable: bool) -> Next {
        let waits = |state: &mut State| (state.jobs.is_empty() || !room) && durable && state.disk == Disk::Busy;
        let mut state = self.for_writer.wait_while(self.state(), waits).unwrap_or_else(PoisonError::into_inner);
        match state.jobs.pop_front_if(|_| room) {
            Some(job) => Next::Run(job),
            None => Next::Commit,
        }
    }

    /// Whether anything can be written.
    ///
    /// # Errors
    /// The disk has failed.
    pub(super) fn usable(&self) -> Result<()> {
        match &self.state().disk {
            Disk::Failed(why) => Err(Error::Unavailable(why.clone())),
            Disk::Idle | Disk::Busy => Ok(()),
        }
    }

    /// Says that a commit is about to be seen which is not on the disk yet.
    ///
    /// # Errors
    /// The disk has failed.
    pub(super) fn committing(&self) -> Result<()> {
        let mut state = self.state();
        match &state.disk {
            Disk::Failed(why) => Err(Error::Unavailable(why.clone())),
            Disk::Idle | Disk::Busy => {
                state.disk = Disk::Busy;
                Ok(())
            }
        }
    }

    /// Whether everything that somebody waits for, and that can be seen, is on the disk.
    pub(super) fn is_settled(&self) -> bool {
        self.state().disk == Disk::Idle
    }

    /// Hands what was committed to the disk.
    pub(super) fn committed(&self, answers: Vec<Answer>) {
        let mut state = self.state();
        if answers.is_empty() {
            state.disk = Disk::Idle;
            return;
        }
        state.committed = answers;
        drop(state);
        self.for_disk.notify_one();
    }

    /// The writer has ended.
    pub(super) fn end(&self) {
        self.state().ended = true;
        self.for_disk.notify_one();
    }

    /// Waits for something to bring to the disk; nothing when no more comes.
    pub(super) fn unsynced(&self) -> Option<Vec<Answer>> {
        let waits = |state: &mut State| state.committed.is_empty() && !state.ended;
        let mut state = self.for_disk.wait_while(self.state(), waits).unwrap_or_else(PoisonError::into_inner);
        let answers = std::mem::take(&mut state.committed);
        (!answers.is_empty()).then_some(answers)
    }

    /// The disk is done.
    pub(super) fn synced(&self, failed: Option<&Error>) {
        self.state().disk = match failed {
            None => Disk::Idle,
            Some(error) => Disk::Failed(format!("the disk failed, and the server must be started anew: {error}")),
        };
        self.for_writer.notify_one();
    }
}
