//! Bodies of answers that are not in memory as a whole: each part is made when the one before is on its way, and not for a
//! reader who does not read.

use crate::domain::Failure;
use crate::http::connection_activity::Exchange;
use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::sync::mpsc;

/// A body was broken off: what has been sent of it is not all there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the answer could not be completed")]
pub struct IncompleteBody;

/// How long a reader may take.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// For a part.
    pub part: Duration,
    /// For all of them.
    pub whole: Duration,
}

/// For what is usual: a part of some hundred kilobytes is read by a slow line within a minute, and all there is within an hour.
pub const TIMEOUT: Patience = Patience { part: Duration::from_secs(60), whole: Duration::from_secs(3600) };

/// Where the parts of a body go.
#[derive(Debug)]
pub struct Parts {
    sender: mpsc::Sender<Bytes>,
    patience: Duration,
}

/// Why no more parts are made.
#[derive(Debug)]
pub enum Stopped {
    /// Nobody listens any more.
    Left,
    /// The client has not read a part in time.
    Stuck,
    /// A part could not be made.
    Failed(Failure),
}

impl From<Failure> for Stopped {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl Parts {
    /// Sends a part once the one before is on its way.
    ///
    /// # Errors
    /// When there is no use in going on.
    pub async fn send(&mut self, part: Bytes) -> Result<(), Stopped> {
        match tokio::time::timeout(self.patience, self.sender.send(part)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(Stopped::Left),
            Err(_) => Err(Stopped::Stuck),
        }
    }
}

/// A body that comes in parts.
#[derive(Debug)]
pub struct StreamedBody {
    parts: mpsc::Receiver<Bytes>,
    /// Whether all of it was sent: whoever reads half a file must not believe that it is one.
    whole: Arc<AtomicBool>,
    ended: bool,
}

impl StreamedBody {
    /// A body whose parts this sends; it is whole when that ends well.
    pub fn new<F>(patience: Patience, send: impl FnOnce(Parts) -> F) -> Self
    where
        F: Future<Output = Result<(), Stopped>> + Send + 'static,
    {
        // One part waits while the one before is on its way.
        let (sender, parts) = mpsc::channel(1);
        let whole = Arc::new(AtomicBool::new(false));
        let (done, open) = (Arc::clone(&whole), sender.clone());
        let sending = send(Parts { sender, patience: patience.part });
        tokio::spawn(async move {
            // The body ends when the last sender is dropped: after the word about it.
            let _open = open;
            let sending = async {
                match sending.await {
                    Ok(()) => done.store(true, Ordering::Release),
                    Err(Stopped::Left) => tracing::debug!("nobody reads an answer any more"),
                    Err(Stopped::Stuck) => tracing::info!("an answer was not read and is broken off"),
                    Err(Stopped::Failed(failure)) => tracing::error!(%failure, "an answer was broken off"),
                }
            };
            if tokio::time::timeout(patience.whole, sending).await.is_err() {
                tracing::info!("an answer took too long to read and is broken off");
            }
        });
        Self { parts, whole, ended: false }
    }

    fn poll_part(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, IncompleteBody>>> {
        self.parts.poll_recv(context).map(|part| match part {
            Some(part) => Some(Ok(part)),
            None if self.ended || self.whole.load(Ordering::Acquire) => None,
            None => {
                self.ended = true;
                Some(Err(IncompleteBody))
            }
        })
    }
}

/// How long an answer that is in memory may wait to be taken, where several are on their way at once; of one in parts, the first.
const WHOLE_TIMEOUT: Duration = Duration::from_secs(60);
/// How many bytes of such an answer are held back at first. They are handed on when the client has taken everything before
/// them, and only then the answer counts as taken: the layer below buffers whatever it is handed, whatever its size.
const TAIL: usize = 1024;

/// The body of an answer.
#[derive(Debug)]
pub struct AnswerBody {
    content: Content,
    /// Over when the body is dropped.
    exchange: Option<Exchange>,
}

#[derive(Debug)]
enum Content {
    /// What is left of what is in memory.
    Whole(Bytes),
    /// In parts.
    StreamedBody(StreamedBody),
}

impl AnswerBody {
    /// A body in memory.
    pub fn whole(body: Bytes) -> Self {
        Self { content: Content::Whole(body), exchange: None }
    }

    /// A body in parts.
    pub fn streamed(body: StreamedBody) -> Self {
        Self { content: Content::StreamedBody(body), exchange: None }
    }

    /// The same as a part of an exchange beside which there may be others.
    #[must_use]
    pub fn of(self, exchange: Exchange) -> Self {
        exchange.answered(WHOLE_TIMEOUT);
        Self { exchange: Some(exchange), ..self }
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = IncompleteBody;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, IncompleteBody>>> {
        let Self { content, exchange } = self.get_mut();
        match content {
            Content::Whole(left) if left.is_empty() => Poll::Ready(None),
            Content::Whole(left) => {
                let part = match left.len().checked_sub(TAIL) {
                    Some(head) if head > 0 && exchange.is_some() => left.split_to(head),
                    _ => std::mem::take(left),
                };
                Poll::Ready(Some(Ok(Frame::data(part))))
            }
            Content::StreamedBody(body) => {
                let polled = body.poll_part(context);
                // The part before is taken. The next one may take its time to be made, and to be taken.
                if let (Poll::Ready(Some(Ok(_))), Some(exchange)) = (&polled, exchange) {
                    exchange.answered(TIMEOUT.part + WHOLE_TIMEOUT);
                }
                polled.map(|part| part.map(|part| part.map(Frame::data)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(&self.content, Content::Whole(left) if left.is_empty())
    }

    fn size_hint(&self) -> SizeHint {
        match &self.content {
            Content::Whole(left) => SizeHint::with_exact(left.len() as u64),
            Content::StreamedBody(_) => SizeHint::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::BodyExt;

    const SHORT: Duration = Duration::from_millis(20);
    const LONG: Duration = Duration::from_secs(3600);

    async fn read(body: StreamedBody) -> Result<Bytes, IncompleteBody> {
        AnswerBody::streamed(body).collect().await.map(http_body_util::Collected::to_bytes)
    }

    async fn three(mut parts: Parts) -> Result<(), Stopped> {
        for part in ["a", "b", "c"] {
            parts.send(Bytes::from_static(part.as_bytes())).await?;
        }
        Ok(())
    }

    #[tokio::test]
    async fn a_body_that_is_read_is_whole() {
        assert_eq!(read(StreamedBody::new(TIMEOUT, three)).await.unwrap(), "abc");
    }

    #[tokio::test]
    async fn half_a_body_does_not_look_like_a_whole_one() {
        let fails = StreamedBody::new(TIMEOUT, |mut parts| async move {
            parts.send(Bytes::from_static(b"a")).await?;
            Err(Failure::internal("the database is gone").into())
        });
        assert_eq!(read(fails).await, Err(IncompleteBody));
        let panics = StreamedBody::new(TIMEOUT, |mut parts| async move {
            parts.send(Bytes::from_static(b"a")).await?;
            panic!("as a fault of ours would")
        });
        assert_eq!(read(panics).await, Err(IncompleteBody));
    }

    #[tokio::test]
    async fn nothing_is_made_for_a_reader_who_does_not_read() {
        for patience in [Patience { part: SHORT, whole: LONG }, Patience { part: LONG, whole: SHORT }] {
            let (ended, end) = tokio::sync::oneshot::channel();
            let body = StreamedBody::new(patience, |parts| async move {
                let _ended: tokio::sync::oneshot::Sender<()> = ended;
                three(parts).await
            });
            // Nobody has asked for a part: it ends by itself.
            assert!(end.await.is_err());
            assert_eq!(read(body).await, Err(IncompleteBody), "{patience:?}");
        }
    }
}
