//! Bodies of answers that are not in memory as a whole: each part is made when the one before is on its way.

use crate::domain::Failure;
use bytes::Bytes;
use http_body_util::Full;
use hyper::body::{Body, Frame, SizeHint};
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::sync::mpsc;

/// A body was broken off: what has been sent of it is not all there is.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("the answer could not be completed")]
pub struct BrokenOff;

/// Where the parts of a body go.
#[derive(Debug)]
pub struct Parts(mpsc::Sender<Result<Bytes, BrokenOff>>);

impl Parts {
    /// Sends a part once the one before is on its way; `false` when there is no use in going on.
    pub async fn send(&mut self, part: Result<Bytes, Failure>) -> bool {
        let part = part.map_err(|failure| {
            tracing::error!(%failure, "an answer was broken off");
            BrokenOff
        });
        let whole = part.is_ok();
        self.0.send(part).await.is_ok() && whole
    }
}

/// A body that comes in parts.
#[derive(Debug)]
pub struct Streamed(mpsc::Receiver<Result<Bytes, BrokenOff>>);

impl Streamed {
    /// A body whose parts this sends. It ends when nobody listens any more.
    pub fn new<F: Future<Output = ()> + Send + 'static>(send: impl FnOnce(Parts) -> F) -> Self {
        let (sender, receiver) = mpsc::channel(1);
        tokio::spawn(send(Parts(sender)));
        Self(receiver)
    }
}

/// The body of an answer.
#[derive(Debug)]
pub enum AnswerBody {
    /// In memory.
    Whole(Full<Bytes>),
    /// In parts.
    Streamed(Streamed),
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = BrokenOff;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BrokenOff>>> {
        match self.get_mut() {
            Self::Whole(body) => Pin::new(body).poll_frame(context).map_err(|never| match never {}),
            Self::Streamed(body) => body.0.poll_recv(context).map(|part| part.map(|part| part.map(Frame::data))),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(body) => body.is_end_stream(),
            Self::Streamed(_) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(body) => body.size_hint(),
            Self::Streamed(_) => SizeHint::default(),
        }
    }
}
