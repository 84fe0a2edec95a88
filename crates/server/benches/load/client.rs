//! The load generator: keep-alive connections that each send a prepared request, read the whole response, and send the
//! next one. Handwritten so that it costs less than the server it drives; it reports its own CPU usage.

use super::child::processor_seconds;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream as BlockingStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::Instant;

/// Prepared requests.
pub type Requests = Arc<[Vec<u8>]>;

/// Returns a complete request with head and body.
pub fn request(method: &str, path: &str, host: &str, headers: &[(&str, &str)], body: &str) -> Vec<u8> {
    let mut text = format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: load\r\nAccept: */*\r\n");
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    if method == "POST" {
        text.push_str(&format!("Content-Length: {}\r\n", body.len()));
    }
    text.push_str("\r\n");
    text.push_str(body);
    text.into_bytes()
}

/// A load: what to send, and how.
#[derive(Debug, Clone)]
pub struct Load {
    /// The server's address.
    pub address: SocketAddr,
    /// The requests, sent in turn.
    pub requests: Requests,
    /// The number of connections.
    pub connections: usize,
    /// If set, each connection sends one request per interval instead of as fast as possible.
    pub pace: Option<Duration>,
}

impl Load {
    /// Creates a load of 32 connections at full speed.
    pub fn full(address: SocketAddr, requests: Requests) -> Self {
        Self { address, requests, connections: 32, pace: None }
    }
}

/// The results of a load.
#[derive(Debug, Clone, Copy, Default)]
pub struct Measured {
    /// Responses per second.
    pub rate: f64,
    /// The median latency in milliseconds.
    pub p50: f64,
    /// The 99th percentile latency in milliseconds.
    pub p99: f64,
    /// The server's CPU usage, as a fraction of a core.
    pub server_busy: f64,
    /// The load generator's CPU usage, as a fraction of a core.
    pub load_busy: f64,
}

impl Measured {
    /// Responses per second of the server's CPU time: what counts when other programs share the core.
    pub fn per_processor_second(&self) -> f64 {
        self.rate / self.server_busy.max(0.01)
    }
}

/// The time before measuring starts, for opening connections and filling caches.
const WARM_UP: Duration = Duration::from_millis(300);

/// The running connections of a load; each returns its latencies in microseconds.
pub type Running = Vec<tokio::task::JoinHandle<Vec<u32>>>;

/// Starts a load that measures between two instants.
pub type Start<'a> = &'a dyn Fn(Instant, Instant) -> Running;

/// Runs several loads against one server at the same time and measures each. CPU usage is measured for all of them
/// together.
pub fn run_together(server: u32, loads: &[Start<'_>], seconds: f64) -> Vec<Measured> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let from = Instant::now() + WARM_UP;
        let until = from + Duration::from_secs_f64(seconds);
        let running: Vec<_> = loads.iter().map(|start| start(from, until)).collect();
        tokio::time::sleep_until(from).await;
        let (server_before, own_before) = (processor_seconds(server), processor_seconds(0));
        let began = Instant::now();
        tokio::time::sleep_until(until).await;
        let wall = began.elapsed().as_secs_f64();
        let server_busy = (processor_seconds(server) - server_before) / wall;
        let load_busy = (processor_seconds(0) - own_before) / wall;
        let mut all = Vec::new();
        for connections in running {
            let mut times: Vec<u32> = Vec::new();
            for connection in connections {
                times.extend(connection.await.expect("a connection of the load"));
            }
            times.sort_unstable();
            let quantile = |q: f64| {
                let at = ((times.len() as f64 * q) as usize).min(times.len().saturating_sub(1));
                f64::from(times.get(at).copied().unwrap_or(0)) / 1000.0
            };
            all.push(Measured {
                rate: times.len() as f64 / seconds,
                p50: quantile(0.5),
                p99: quantile(0.99),
                server_busy,
                load_busy,
            });
        }
        all
    })
}

/// Runs one load against one server.
pub fn run(server: u32, load: &Load, seconds: f64) -> Measured {
    run_together(server, &[&|from, until| start(load, from, until)], seconds)[0]
}

/// Starts a load.
pub fn start(load: &Load, from: Instant, until: Instant) -> Running {
    let next = Arc::new(AtomicUsize::new(0));
    let connection = |number| tokio::spawn(keep_asking(load.clone(), number, Arc::clone(&next), from, until));
    (0..load.connections).map(connection).collect()
}

/// Runs one connection; returns the latencies in microseconds of the responses between `from` and `until`.
async fn keep_asking(load: Load, number: usize, next: Arc<AtomicUsize>, from: Instant, until: Instant) -> Vec<u32> {
    let mut stream = TcpStream::connect(load.address).await.expect("the server accepts connections");
    stream.set_nodelay(true).unwrap();
    let mut buffer = vec![0_u8; 32 * 1024];
    let mut times = Vec::with_capacity(64 * 1024);
    if let Some(pace) = load.pace {
        // Spread evenly over one interval.
        tokio::time::sleep(pace.mul_f64(number as f64 / load.connections as f64)).await;
    }
    let mut beat = Instant::now();
    let mut began = beat;
    loop {
        let request = &load.requests[next.fetch_add(1, Ordering::Relaxed) % load.requests.len()];
        stream.write_all(request).await.expect("the request is sent");
        let mut filled = 0;
        let mut whole = None;
        while whole.is_none_or(|whole| filled < whole) {
            let count = stream.read(&mut buffer[filled..]).await.expect("the answer arrives");
            assert!(count > 0, "the server closed the connection: {}", String::from_utf8_lossy(&buffer[..filled]));
            filled += count;
            whole = whole.or_else(|| answer_length(&buffer[..filled]));
        }
        assert!(buffer.starts_with(b"HTTP/1.1 20"), "refused: {}", String::from_utf8_lossy(&buffer[..filled]));
        let now = Instant::now();
        if now >= until {
            return times;
        }
        if began >= from || now >= from {
            times.push(u32::try_from((now - began).as_micros()).unwrap_or(u32::MAX));
        }
        began = now;
        if let Some(pace) = load.pace {
            beat += pace;
            tokio::time::sleep_until(beat).await;
            began = Instant::now();
        }
    }
}

/// Returns the length of head and body together, once the head is complete.
pub fn answer_length(received: &[u8]) -> Option<usize> {
    let mut at = 0;
    let mut body = 0;
    loop {
        let length = received[at..].iter().position(|&byte| byte == b'\n')?;
        let line = &received[at..at + length];
        at += length + 1;
        if line == b"\r" {
            return Some(at + body);
        }
        // Hyper writes header names in lower case, Node does not.
        const LENGTH: &[u8] = b"content-length: ";
        if let Some((name, value)) = line.split_at_checked(LENGTH.len())
            && name.eq_ignore_ascii_case(LENGTH)
        {
            body = value.iter().take_while(|byte| byte.is_ascii_digit()).fold(0, |n, b| n * 10 + usize::from(b - b'0'));
        }
    }
}

/// Sends one request on a new connection; returns the response body or the error.
pub fn ask_once(address: SocketAddr, request: &[u8]) -> Result<String, std::io::Error> {
    let mut stream = BlockingStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    stream.write_all(request)?;
    let mut received = Vec::new();
    let mut buffer = [0; 16 * 1024];
    loop {
        if let Some(whole) = answer_length(&received)
            && received.len() >= whole
        {
            break;
        }
        let count = stream.read(&mut buffer)?;
        if count == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        received.extend_from_slice(&buffer[..count]);
    }
    let text = String::from_utf8_lossy(&received).into_owned();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    if head.starts_with("HTTP/1.1 20") { Ok(body.to_owned()) } else { Err(std::io::Error::other(text)) }
}

/// Sends each request once over one connection and returns the bodies.
pub fn ask_all(address: SocketAddr, requests: &[Vec<u8>]) -> Vec<String> {
    let mut stream = BlockingStream::connect(address).unwrap();
    stream.set_nodelay(true).unwrap();
    let mut buffer = vec![0; 32 * 1024];
    let mut bodies = Vec::with_capacity(requests.len());
    for request in requests {
        stream.write_all(request).unwrap();
        let mut filled = 0;
        while answer_length(&buffer[..filled]).is_none_or(|whole| filled < whole) {
            let count = stream.read(&mut buffer[filled..]).unwrap();
            assert!(count > 0, "the server closed the connection");
            filled += count;
        }
        let text = std::str::from_utf8(&buffer[..filled]).unwrap();
        assert!(text.starts_with("HTTP/1.1 20"), "refused: {text}");
        bodies.push(text.split_once("\r\n\r\n").unwrap().1.to_owned());
    }
    bodies
}
