//! An external server that receives our requests.

use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, mpsc};

/// A received request.
#[derive(Debug)]
pub struct Received {
    pub uri: String,
    pub headers: HeaderMap,
    pub body: String,
}

/// A header and a body.
type Says = (Option<(HeaderName, HeaderValue)>, Vec<u8>);

/// A running receiver. It responds with 200 unless configured otherwise.
pub struct Receiver {
    /// `http://localhost:<port>`.
    pub base_url: String,
    received: mpsc::UnboundedReceiver<Received>,
    statuses: Arc<Mutex<VecDeque<u16>>>,
    otherwise: Arc<Mutex<u16>>,
    says: Arc<Mutex<Says>>,
    answers: Arc<Semaphore>,
}

impl Receiver {
    /// Starts one.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base_url = format!("http://localhost:{}", listener.local_addr().unwrap().port());
        let (sender, received) = mpsc::unbounded_channel();
        let statuses: Arc<Mutex<VecDeque<u16>>> = Arc::default();
        let answers = Arc::new(Semaphore::new(Semaphore::MAX_PERMITS));
        let otherwise = Arc::new(Mutex::new(200));
        let (next, may) = (Arc::clone(&statuses), Arc::clone(&answers));
        let rest = Arc::clone(&otherwise);
        let says = Arc::<Mutex<Says>>::default();
        let what = Arc::clone(&says);
        let answer = move |uri: Uri, headers: HeaderMap, body: Bytes| async move {
            let body = String::from_utf8(body.to_vec()).unwrap();
            sender.send(Received { uri: uri.to_string(), headers, body }).unwrap();
            drop(may.acquire().await.unwrap());
            let status = next.lock().unwrap().pop_front().unwrap_or(*rest.lock().unwrap());
            let (header, body) = what.lock().unwrap().clone();
            (StatusCode::from_u16(status).unwrap(), header.into_iter().collect::<HeaderMap<_>>(), body)
        };
        tokio::spawn(async move { axum::serve(listener, axum::Router::new().fallback(answer)).await.unwrap() });
        Self { base_url, received, statuses, otherwise, says, answers }
    }

    /// Sets the status of the next response.
    pub fn answer(&self, status: u16) {
        self.statuses.lock().unwrap().push_back(status);
    }

    /// Sets the status of all further responses.
    pub fn always_answer(&self, status: u16) {
        *self.otherwise.lock().unwrap() = status;
    }

    /// Sets a header and the body of all further responses.
    pub fn always_say(&self, header: &str, value: &str, body: Vec<u8>) {
        *self.says.lock().unwrap() = (Some((header.parse().unwrap(), value.parse().unwrap())), body);
    }

    /// Stops responding from now on.
    pub fn hang(&self) {
        self.answers.forget_permits(Semaphore::MAX_PERMITS);
    }

    /// Waits for the next request.
    pub async fn next(&mut self) -> Received {
        let next = tokio::time::timeout(Duration::from_secs(15), self.received.recv());
        next.await.expect("nothing arrives").unwrap()
    }

    /// Returns the requests received but not yet taken.
    pub fn rest(&mut self) -> Vec<Received> {
        std::iter::from_fn(|| self.received.try_recv().ok()).collect()
    }
}
