//! The open files limit, which bounds the number of connections. Systems start programs with a low soft limit and a
//! high hard limit, and leave it to programs to raise it if needed.

use rustix::io::Errno;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Raises the soft limit to the hard limit, and logs a warning if it is still below `wanted`.
pub fn raise_limit(wanted: u64) {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    // No maximum means no bound.
    let reach = maximum.unwrap_or(wanted).max(current.unwrap_or(wanted));
    if current.is_some_and(|current| current < reach) {
        let raised = Rlimit { current: Some(reach), maximum };
        if let Err(error) = setrlimit(Resource::Nofile, raised) {
            tracing::debug!(%error, "the limit of open files could not be raised");
        }
    }
    if let Some(current) = getrlimit(Resource::Nofile).current.filter(|current| *current < wanted) {
        tracing::warn!(current, wanted, "the limit of open files is low: connections beyond it wait (see ulimit -n)");
    }
}

/// Whether an error means that the open files limit is reached.
pub fn is_exhausted(error: &std::io::Error) -> bool {
    matches!(Errno::from_io_error(error), Some(Errno::MFILE | Errno::NFILE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_soft_limit_becomes_the_hard_one() {
        raise_limit(1);
        let limit = getrlimit(Resource::Nofile);
        assert_eq!(limit.current, limit.maximum);
    }
}
