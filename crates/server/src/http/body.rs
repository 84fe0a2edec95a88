//! Reading bodies: within a size, within a time.

use bytes::{Bytes, BytesMut};
use http::header::EXPECT;
use http::{Request, Version};
use http_body_util::BodyExt;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

/// Most a management request may carry.
pub const MANAGEMENT_LIMIT: usize = 1024 * 1024;
/// Most an OAuth request may carry.
pub const OAUTH_LIMIT: usize = 64 * 1024;
/// Most a form with pictures may carry: three of the largest, and what is typed besides.
pub const FILES_LIMIT: usize = 3 * crate::images::MAX_SIZE + OAUTH_LIMIT;
/// How long a body may take to arrive.
const TIMEOUT: Duration = Duration::from_secs(20);

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

/// How much of a body that nobody reads is still taken in and dropped: a client, or a proxy, that is in the middle of sending
/// reads the answer only when it has finished, and sees a broken connection otherwise.
const DROPPED: u64 = 16 * 1024 * 1024;

/// A body that arrives. Dropped before its end, whatever the reason, it is taken in and dropped as long as it keeps coming,
/// while the answer is on its way.
#[derive(Debug)]
pub struct IncomingBody {
    body: Option<Incoming>,
    /// Over HTTP/2 one stream is told to stop, and no other feels it.
    alone: bool,
    /// Whether the client sends it without being told to go on, or was told.
    comes: bool,
    ended: bool,
}

impl IncomingBody {
    /// The body of a request.
    pub fn of(request: Request<Incoming>) -> Request<Self> {
        let alone = request.version() <= Version::HTTP_11;
        let comes = !request.headers().contains_key(EXPECT);
        request.map(|body| Self { body: Some(body), alone, comes, ended: false })
    }
}

impl Body for IncomingBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        self.comes = true;
        let Some(body) = &mut self.body else { return Poll::Ready(None) };
        let polled = Pin::new(body).poll_frame(context);
        if let Poll::Ready(None | Some(Err(_))) = polled {
            self.ended = true;
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(SizeHint::default, Body::size_hint)
    }
}

impl Drop for IncomingBody {
    fn drop(&mut self) {
        if !self.alone || !self.comes || self.ended || self.is_end_stream() {
            return;
        }
        let (Some(body), Ok(runtime)) = (self.body.take(), tokio::runtime::Handle::try_current()) else { return };
        // One that is far too large is not worth it.
        if body.size_hint().lower() <= DROPPED {
            runtime.spawn(drop_while_it_comes(body));
        }
    }
}

async fn drop_while_it_comes(mut body: Incoming) {
    let dropping = async {
        let mut length = 0;
        while let Ok(Some(Ok(frame))) = tokio::time::timeout(BETWEEN_FRAMES, body.frame()).await {
            length += frame.data_ref().map_or(0, Bytes::len) as u64;
            if length > DROPPED {
                break;
            }
        }
    };
    let _ = tokio::time::timeout(TIMEOUT, dropping).await;
}

/// Reads a body.
///
/// # Errors
/// See [`BodyError`]. Of a body that is too large nothing is kept.
pub async fn read(mut body: IncomingBody, limit: usize) -> Result<Bytes, BodyError> {
    // Where the length is announced it is known before anything has come.
    if body.size_hint().lower() > limit as u64 {
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
    tokio::time::timeout(TIMEOUT, reading).await.unwrap_or(Err(BodyError::Incomplete))
}
