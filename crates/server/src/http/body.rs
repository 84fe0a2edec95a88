//! Reading bodies: within a size, within a time.

use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_LENGTH, EXPECT};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use std::time::Duration;

/// Most a management request may carry.
pub const MANAGEMENT_LIMIT: usize = 1024 * 1024;
/// Most an OAuth request may carry.
pub const OAUTH_LIMIT: usize = 64 * 1024;
/// Most a form with pictures may carry: three of the largest, and what is typed besides.
pub const FILES_LIMIT: usize = 3 * crate::domain::images::LARGEST + OAUTH_LIMIT;
/// How long a body may take to arrive.
const PATIENCE: Duration = Duration::from_secs(20);

/// How long a body that is dropped anyway may pause.
const BETWEEN_FRAMES: Duration = Duration::from_secs(1);

/// Why a body was not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyError {
    /// It is larger than allowed.
    TooLarge,
    /// It broke off or took too long.
    Incomplete,
}

/// How much of a body that is too large is still taken in and dropped: a client that is in the middle of sending reads
/// the answer only when it has finished, and sees a broken connection otherwise.
const DRAINED: usize = 16 * 1024 * 1024;

/// Takes in and drops a body, as long as it keeps coming.
pub async fn drain(mut body: Incoming) {
    let dropping = async {
        let mut length = 0;
        while let Ok(Some(Ok(frame))) = tokio::time::timeout(BETWEEN_FRAMES, body.frame()).await {
            length += frame.data_ref().map_or(0, Bytes::len);
            if length > DRAINED {
                break;
            }
        }
    };
    let _ = tokio::time::timeout(PATIENCE, dropping).await;
}

/// Reads a body.
///
/// # Errors
/// See [`BodyError`]. Of a body that is too large nothing is kept, and one that is far too large is not read on.
pub async fn read(headers: &http::HeaderMap, mut body: Incoming, limit: usize) -> Result<Bytes, BodyError> {
    let announced =
        headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()).and_then(|text| text.parse().ok());
    if let Some(length) = announced.filter(|length: &u64| *length > limit as u64) {
        // A client that waits to be told to go on is told at once; one that is sending already is heard out.
        if length <= DRAINED as u64 && !headers.contains_key(EXPECT) {
            drain(body).await;
        }
        return Err(BodyError::TooLarge);
    }
    let reading = async {
        let mut first: Option<Bytes> = None;
        let mut more = BytesMut::new();
        while let Some(frame) = body.frame().await {
            let Ok(data) = frame.map_err(|_| BodyError::Incomplete)?.into_data() else { continue };
            if more.len() + first.as_ref().map_or(0, Bytes::len) + data.len() > limit {
                return Err(BodyError::TooLarge);
            }
            match first.take() {
                // The usual body comes in one piece and is not copied.
                None if more.is_empty() => first = Some(data),
                held => {
                    more.extend_from_slice(&held.unwrap_or_default());
                    more.extend_from_slice(&data);
                }
            }
        }
        Ok(first.unwrap_or_else(|| more.freeze()))
    };
    let read = tokio::time::timeout(PATIENCE, reading).await.unwrap_or(Err(BodyError::Incomplete));
    if read == Err(BodyError::TooLarge) {
        drain(body).await;
    }
    read
}
