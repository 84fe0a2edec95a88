//! `X-Request-ID`: a name for every request, in its answer and in the log. A caller's own is not believed.

use http::HeaderValue;
use std::sync::atomic::{AtomicU64, Ordering};

/// Makes request identifiers: a random part per process and a counter.
#[derive(Debug)]
pub struct RequestIds {
    process: [u8; 12],
    next: AtomicU64,
}

impl RequestIds {
    /// From random bytes.
    pub fn new(random: [u8; 6]) -> Self {
        let mut process = [0; 12];
        hex(&random, &mut process);
        Self { process, next: AtomicU64::new(0) }
    }

    /// The next identifier: `req_` and 28 hexadecimal digits.
    pub fn next(&self) -> HeaderValue {
        let mut text = *b"req_0000000000000000000000000000";
        let number = self.next.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        let (_, digits) = text.split_at_mut(4);
        let (process, counter) = digits.split_at_mut(12);
        process.copy_from_slice(&self.process);
        hex(&number, counter);
        HeaderValue::from_bytes(&text).unwrap_or_else(|_| HeaderValue::from_static("req_"))
    }
}

fn hex(bytes: &[u8], text: &mut [u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for (pair, byte) in text.chunks_exact_mut(2).zip(bytes) {
        pair[0] = DIGITS[usize::from(byte >> 4)];
        pair[1] = DIGITS[usize::from(byte & 15)];
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn identifiers_differ() {
        let ids = super::RequestIds::new([0xAB; 6]);
        assert_eq!(ids.next(), "req_abababababab0000000000000000");
        assert_eq!(ids.next(), "req_abababababab0000000000000001");
    }
}
