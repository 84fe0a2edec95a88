//! How many readers one large answer may have at once: an address that is its own credential can be handed around.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Readers of one thing at once, on one node.
pub const AT_ONCE: usize = 8;

/// Who reads what.
#[derive(Debug, Clone, Default)]
pub struct Downloads(Arc<Mutex<HashMap<String, usize>>>);

/// A place among the readers of a thing, free again when it is dropped.
#[derive(Debug)]
pub struct Reading {
    downloads: Downloads,
    of: String,
}

impl Downloads {
    /// Takes a place among the readers of a thing, if there is one.
    pub fn take(&self, of: String) -> Option<Reading> {
        let mut readers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = readers.entry(of.clone()).or_default();
        if *count >= AT_ONCE {
            return None;
        }
        *count += 1;
        Some(Reading { downloads: self.clone(), of })
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        let mut readers = self.downloads.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(count) = readers.get_mut(&self.of) else { return };
        *count = count.saturating_sub(1);
        if *count == 0 {
            readers.remove(&self.of);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_read_one_thing_and_nothing_is_kept_of_who_has_left() {
        let downloads = Downloads::default();
        let mut reading: Vec<_> = (0..AT_ONCE).map(|_| downloads.take("one".to_owned()).unwrap()).collect();
        assert!(downloads.take("one".to_owned()).is_none());
        let other = downloads.take("other".to_owned()).unwrap();
        reading.pop();
        reading.push(downloads.take("one".to_owned()).unwrap());
        assert!(downloads.take("one".to_owned()).is_none());
        drop((reading, other));
        assert!(downloads.0.lock().unwrap().is_empty());
    }
}
