//! Decodes uploaded images: one at a time and on a blocking thread, because it is CPU-intensive and uses up to [a good
//! deal](crate::images) of memory.

use crate::domain::Failure;
use crate::images::{Purpose, Upload, read};
use std::sync::Arc;
use tokio::sync::Semaphore;

/// The image decoder, limited to one image at a time.
#[derive(Debug)]
pub struct Uploads(Arc<Semaphore>);

impl Default for Uploads {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(1)))
    }
}

impl Uploads {
    /// Reads a file; `field` is the name of the form field or parameter.
    ///
    /// # Errors
    /// 422 when it is not an image, or too large.
    pub async fn read(&self, field: &'static str, file: Vec<u8>, purpose: Purpose) -> Result<Upload, Failure> {
        let permit = Arc::clone(&self.0).acquire_owned().await.map_err(Failure::internal)?;
        let reading = tokio::task::spawn_blocking(move || {
            let outcome = read(&file, purpose);
            // The permit moves along: work whose caller has gone away still uses memory.
            drop(permit);
            outcome
        });
        let outcome = reading.await.map_err(Failure::internal)?;
        outcome.map_err(|refused| Failure::invalid(field, "invalid", format!("{field}: {refused}.")))
    }
}
