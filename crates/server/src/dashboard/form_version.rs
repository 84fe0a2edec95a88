//! Forms over what somebody else may change meanwhile: each says what it was drawn with, in its hidden field `seen`, and is not
//! taken over something else.

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

/// What a form was drawn with, in a few letters.
pub fn of(values: &impl Debug) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, format!("{values:?}").as_bytes()))
}

/// Makes sure that a form was drawn with what there is. Asked before anything else of the form: when it is shown again because
/// of something that was typed, it is drawn with what there is now.
///
/// # Errors
/// 409.
pub fn check(form: &Params<'_>, now: &str) -> Result<(), Failure> {
    unchanged(field::text(form, "seen"), now)
}

/// The same for what was read before, asked again under the lock of what is changed.
///
/// # Errors
/// 409.
pub fn unchanged(before: &str, now: &str) -> Result<(), Failure> {
    if before == now {
        return Ok(());
    }
    let told = "Somebody else has changed this meanwhile, so nothing was saved. Below is what you chose; open the page anew to see \
                their change before you save over it.";
    Err(Failure::conflict(CHANGED, told))
}

/// As [`refused`], with the status of the page that says it.
///
/// # Errors
/// What is no refusal of something that was typed.
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
