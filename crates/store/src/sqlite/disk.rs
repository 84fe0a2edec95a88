//! The thread that brings the log to the disk, and then tells those who wait for it that their change is kept.
//!
//! SQLite's write-ahead log is written from front to back, and what follows a gap in it is not read: so whoever has the file
//! brought to the disk brings everything there that was committed before. SQLite would do the same within each commit (`PRAGMA
//! synchronous = FULL`), with the writer waiting.

use super::queue::Queue;
use crate::error::{Error, Result};
use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;

/// Brings everything that is committed to the disk.
pub(super) type Sync = Box<dyn FnMut() -> Result<()> + Send>;

/// Brings to the disk what the writer has committed, until it ends.
pub(super) fn sync_loop(mut sync: Sync, queue: &Queue) {
    while let Some(answers) = queue.unsynced() {
        let failed = sync().err();
        if let Some(error) = &failed {
            // After this nobody knows what of the log is kept: the system may have thrown away what it could not write.
            tracing::error!(%error, "the disk failed: nothing is written any more until this server is started anew");
        }
        queue.synced(failed.as_ref());
        for answer in answers {
            answer(failed.as_ref());
        }
    }
}

/// The log of a database. It is there as long as a connection is open, and the writer's is. It is opened beside SQLite, which
/// holds no locks on it that closing it could lose.
pub(super) fn log_of(database: &Arc<PathBuf>) -> Sync {
    let mut name = database.as_os_str().to_owned();
    name.push("-wal");
    let mut log = None;
    let failed = |error: std::io::Error| Error::Unavailable(error.to_string());
    Box::new(move || {
        let file = match log.take() {
            Some(file) => file,
            None => File::open(&name).map_err(failed)?,
        };
        log.insert(file).sync_data().map_err(failed)
    })
}
