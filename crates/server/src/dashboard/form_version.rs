//! Optimistic locking for forms: each form records the state that it was drawn from in its hidden field `seen`, and is
//! refused if that state has changed since.

use super::field;
use super::page::refused;
use crate::domain::Failure;
use crate::hosted::page::PageError;
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countersign_protocol::management::error::ApiError;
use countersign_protocol::oauth::params::Params;
use http::StatusCode;
use std::fmt::Debug;

const CHANGED: &str = "changed_meanwhile";

/// A short digest of the values that a form was drawn from.
pub fn of(values: &impl Debug) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, format!("{values:?}").as_bytes()))
}

/// Checks that a form was drawn from the current state. Must be called before the form is otherwise validated, because
/// a form that is shown again after a validation error is drawn from the state at that time.
///
/// # Errors
/// 409.
pub fn check(form: &Params<'_>, now: &str) -> Result<(), Failure> {
    unchanged(field::text(form, "seen"), now)
}

/// The same check for a state that was read earlier, repeated under the lock of what is being changed.
///
/// # Errors
/// 409.
pub fn unchanged(before: &str, now: &str) -> Result<(), Failure> {
    if before == now {
        return Ok(());
    }
    let told = "Somebody else has changed this in the meantime, so nothing was saved. Below is what you entered; reload the page to see \
                their change before you overwrite it.";
    Err(Failure::conflict(CHANGED, told))
}

/// Like [`refused`], and returns the page's status too.
///
/// # Errors
/// Failures that are not refusals of user input.
pub fn refused_with(failure: Failure) -> Result<(StatusCode, String), PageError> {
    let changed = matches!(failure, Failure::Refused(ApiError::Conflict { code: CHANGED, .. }));
    let status = if changed { StatusCode::CONFLICT } else { StatusCode::UNPROCESSABLE_ENTITY };
    Ok((status, refused(failure)?))
}

#[cfg(test)]
mod tests {
    use super::{of, unchanged};

    #[test]
    fn what_was_seen_is_told_from_anything_else() {
        let seen = of(&("a", true, ["b"]));
        assert!(unchanged(&seen, &of(&("a", true, ["b"]))).is_ok());
        for other in [of(&("a", false, ["b"])), of(&("ab", true, [""])), String::new()] {
            assert!(unchanged(&seen, &other).is_err() && unchanged(&other, &seen).is_err());
        }
    }
}
