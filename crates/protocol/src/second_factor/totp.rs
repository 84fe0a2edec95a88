//! Time-based one-time passwords (RFC 6238): HMAC-SHA-1, six digits, a new code every 30 seconds. These are the
//! defaults of every authenticator app.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac::{self, HMAC_SHA1_FOR_LEGACY_USE_ONLY, Key};

/// How long a code is shown, in seconds.
pub const PERIOD: i64 = 30;
/// The number of digits in a code.
pub const DIGITS: usize = 6;
/// How many codes before and after the current one are also accepted: clocks differ, and users type slowly
/// (RFC 6238 §5.2).
const TOLERANCE: i64 = 1;

/// The code for a time step (RFC 4226 §5.3).
fn code(key: &Key, step: i64) -> String {
    let tag = hmac::sign(key, &step.to_be_bytes());
    let bytes = tag.as_ref();
    let offset = usize::from(bytes.last().copied().unwrap_or_default() & 0x0f);
    let number = bytes.iter().skip(offset).take(4).fold(0_u32, |number, byte| (number << 8) | u32::from(*byte));
    format!("{:06}", (number & 0x7fff_ffff) % 1_000_000)
}

/// The time step of a moment, in seconds since 1970.
fn step_at(seconds: i64) -> i64 {
    seconds.div_euclid(PERIOD)
}

/// The code that an app with this secret shows at a moment, in seconds since 1970.
pub fn code_at(secret: &[u8], seconds: i64) -> String {
    code(&Key::new(HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret), step_at(seconds))
}

/// Returns the time step whose code was typed, if it is currently valid. Non-digits are ignored. A code is valid only
/// once (RFC 6238 §5.2): the caller must compare the step with the latest accepted one and reject it unless it is
/// newer.
pub fn step_of(secret: &[u8], typed: &str, seconds: i64) -> Option<i64> {
    let digits: Vec<u8> = typed.bytes().filter(u8::is_ascii_digit).take(DIGITS + 1).collect();
    let key = Key::new(HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret);
    let now = step_at(seconds);
    // All codes are compared, whichever one matches.
    (now - TOLERANCE..=now + TOLERANCE).fold(None, |found, step| {
        let same = verify_slices_are_equal(code(&key, step).as_bytes(), &digits).is_ok();
        found.or(same.then_some(step))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The secret of RFC 6238, appendix B.
    const SECRET: &[u8] = b"12345678901234567890";

    #[test]
    fn codes_are_those_of_the_rfc() {
        // RFC 6238, appendix B, shortened to six digits.
        for (seconds, expected) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(code_at(SECRET, seconds), expected, "{seconds}");
        }
        // RFC 4226, appendix D.
        let key = Key::new(HMAC_SHA1_FOR_LEGACY_USE_ONLY, SECRET);
        let first: Vec<String> = (0..10).map(|step| code(&key, step)).collect();
        let expected =
            ["755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489"];
        assert_eq!(first, expected);
    }

    #[test]
    fn a_code_is_good_for_its_neighbours() {
        let shown = code_at(SECRET, 3000);
        for (seconds, expected) in [(3000, Some(100)), (2970, Some(100)), (3059, Some(100)), (2969, None), (3060, None)]
        {
            assert_eq!(step_of(SECRET, &shown, seconds), expected, "{seconds}");
        }
        let (left, right) = shown.split_at(3);
        assert_eq!(step_of(SECRET, &format!(" {left} {right} "), 3000), Some(100));
        for wrong in [&format!("{shown}0"), left, ""] {
            assert_eq!(step_of(SECRET, wrong, 3000), None, "{wrong}");
        }
        assert_eq!(step_of(b"another secret of twenty", &shown, 3000), None);
    }

    proptest! {
        #[test]
        fn what_is_shown_is_taken(secret in prop::collection::vec(any::<u8>(), 1..64), at in 0_i64..1 << 40, apart in -30_i64..=30) {
            let shown = code_at(&secret, at);
            prop_assert_eq!(shown.len(), DIGITS);
            let step = step_of(&secret, &shown, at + apart).unwrap();
            prop_assert!((step - (at + apart).div_euclid(PERIOD)).abs() <= TOLERANCE);
        }

        #[test]
        fn noise_never_panics(secret in prop::collection::vec(any::<u8>(), 0..80), typed in "\\PC{0,20}", at in any::<i32>()) {
            let _ = step_of(&secret, &typed, i64::from(at));
        }
    }
}
