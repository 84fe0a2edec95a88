//! A connection whose other side takes what is sent: when nothing of it is taken for a while, the connection ends. Else a
//! reader who does not read would hold a place, and an answer in memory, for ever.

use std::future::Future;
use std::io::{Error, ErrorKind, IoSlice, Result};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

/// How long the other side may take nothing of what waits for it.
pub const TIMEOUT: Duration = Duration::from_secs(20);

/// A connection with bounded patience.
#[derive(Debug)]
pub struct WriteTimeout<S> {
    stream: S,
    patience: Duration,
    /// Since something waits that is not taken.
    waiting: Option<Pin<Box<Sleep>>>,
}

impl<S> WriteTimeout<S> {
    /// Bounds the patience with the other side of a connection.
    pub fn new(stream: S, patience: Duration) -> Self {
        Self { stream, patience, waiting: None }
    }

    /// What came of writing, unless that has waited for too long.
    fn bound<T>(&mut self, written: Poll<Result<T>>, context: &mut Context<'_>) -> Poll<Result<T>> {
        if written.is_ready() {
            self.waiting = None;
            return written;
        }
        let patience = self.patience;
        let waiting = self.waiting.get_or_insert_with(|| Box::pin(tokio::time::sleep(patience)));
        waiting
            .as_mut()
            .poll(context)
            .map(|()| Err(Error::new(ErrorKind::TimedOut, "nothing is taken on the other side")))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for WriteTimeout<S> {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_read(context, into)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for WriteTimeout<S> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write(context, bytes);
        this.bound(written, context)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write_vectored(context, slices);
        this.bound(written, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        let this = self.get_mut();
        let flushed = Pin::new(&mut this.stream).poll_flush(context);
        this.bound(flushed, context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        let this = self.get_mut();
        let shut = Pin::new(&mut this.stream).poll_shutdown(context);
        this.bound(shut, context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    const SHORT: Duration = Duration::from_millis(20);

    #[tokio::test]
    async fn what_is_not_taken_ends_the_connection() {
        let (ours, _theirs) = duplex(16);
        let mut patient = WriteTimeout::new(ours, SHORT);
        let refused = patient.write_all(&[0; 64]).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn whoever_takes_some_of_it_now_and_then_gets_all_of_it() {
        let (ours, mut theirs) = duplex(16);
        let sending = tokio::spawn(async move {
            let mut patient = WriteTimeout::new(ours, Duration::from_secs(60));
            for _ in 0..64 {
                patient.write_all(&[7; 16]).await.unwrap();
                // Each of them starts anew.
                assert!(patient.waiting.is_none());
            }
        });
        let mut taken = Vec::new();
        theirs.read_to_end(&mut taken).await.unwrap();
        sending.await.unwrap();
        assert_eq!(taken, [7; 64 * 16]);
    }

    #[tokio::test]
    async fn reading_may_take_as_long_as_it_takes() {
        let (ours, mut theirs) = duplex(16);
        let mut patient = WriteTimeout::new(ours, Duration::ZERO);
        let mut into = [0; 1];
        let (read, ()) = tokio::join!(patient.read_exact(&mut into), async {
            tokio::task::yield_now().await;
            theirs.write_all(b"x").await.unwrap();
        });
        read.unwrap();
        assert_eq!(&into, b"x");
    }
}
