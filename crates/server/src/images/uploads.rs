//! Reading pictures that somebody has just handed in: one at a time, and on a thread for blocking work, because it takes a
//! moment of computing and up to [a good deal](crate::images) of memory.

use crate::domain::Failure;
use crate::images::{Purpose, Upload, read};
use std::sync::Arc;
use tokio::sync::Semaphore;

/// Where pictures are read.
#[derive(Debug)]
pub struct Uploads(Arc<Semaphore>);

impl Default for Uploads {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(1)))
    }
}

impl Uploads {
    /// Reads a file; `field` is what it was handed in as.
    ///
    /// # Errors
    /// 422 for what is no picture, or too large a one.
    pub async fn read(&self, field: &'static str, file: Vec<u8>, purpose: Purpose) -> Result<Upload, Failure> {
        let permit = Arc::clone(&self.0).acquire_owned().await.map_err(Failure::internal)?;
        let reading = tokio::task::spawn_blocking(move || {
            let outcome = read(&file, purpose);
            // The permit goes along: work whose caller has gone away still takes its memory.
            drop(permit);
            outcome
        });
        let outcome = reading.await.map_err(Failure::internal)?;
        outcome.map_err(|refused| Failure::invalid(field, "invalid", format!("{field}: {refused}.")))
    }
}
