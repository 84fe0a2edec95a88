//! External websites over TLS: client metadata documents, and everything a server may do instead of returning one. All
//! names that end in `.example`, and those of the clients whose documents are among the fixtures, resolve to it unless
//! a test sets other addresses.

use super::{Backend, TestServer};
use countersign::outbound::Names;
use serde_json::Value;
use std::collections::{HashMap, VecDeque};
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;

const CERTIFIED: [&str; 5] = ["client.example", "other.example", "claude.ai", "vscode.dev", "chatgpt.com"];

#[derive(Default)]
struct Content {
    pages: HashMap<String, (Vec<u8>, bool)>,
    asked: Vec<String>,
    names: HashMap<String, VecDeque<Vec<IpAddr>>>,
    resolved: Vec<String>,
}

/// A running website.
pub struct Website {
    /// The port it listens on.
    pub port: u16,
    /// The certificate for its names (PEM).
    pub authority: PathBuf,
    content: Arc<Mutex<Content>>,
    may: Arc<Semaphore>,
    _folder: tempfile::TempDir,
}

impl Website {
    /// Starts one.
    pub async fn start() -> Self {
        let made = rcgen::generate_simple_self_signed(CERTIFIED.map(str::to_owned)).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let (authority, key) = (folder.path().join("authority.pem"), folder.path().join("key.pem"));
        std::fs::write(&authority, made.cert.pem()).unwrap();
        std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
        let files = countersign::config::TlsFiles { certificate: authority.clone(), key };
        let acceptor = countersign::http::server::tls_acceptor(&files).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (content, may) = (Arc::<Mutex<Content>>::default(), Arc::new(Semaphore::new(Semaphore::MAX_PERMITS)));
        let (shared, allowed) = (Arc::clone(&content), Arc::clone(&may));
        tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                tokio::spawn(answer(acceptor.clone(), connection, Arc::clone(&shared), Arc::clone(&allowed)));
            }
        });
        Self { port, authority, content, may, _folder: folder }
    }

    /// Returns the URL of a page on one of its hosts.
    pub fn url(&self, host: &str, path: &str) -> String {
        format!("https://{host}:{}{path}", self.port)
    }

    /// Publishes a document with additional headers; its `client_id` is set to its URL.
    pub fn document(&self, url: &str, mut document: Value, headers: &str) {
        document["client_id"] = url.into();
        let body = document.to_string();
        let length = body.len();
        let text = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n{headers}\r\n{body}"
        );
        self.says(url, text.as_bytes(), false);
    }

    /// Publishes a response; with `goes_on` it never ends.
    pub fn says(&self, url: &str, answer: &[u8], goes_on: bool) {
        let path = url::Url::parse(url).unwrap().path().to_owned();
        self.content.lock().unwrap().pages.insert(path, (answer.to_vec(), goes_on));
    }

    /// Sets the addresses that a name resolves to: on the first lookup, and on those after it.
    pub fn name(&self, name: &str, addresses: &[&[&str]]) {
        let parse = |one: &&[&str]| one.iter().map(|address| address.parse().unwrap()).collect();
        self.content.lock().unwrap().names.insert(name.to_owned(), addresses.iter().map(parse).collect());
    }

    /// Returns the paths of the pages requested so far.
    pub fn asked(&self) -> Vec<String> {
        self.content.lock().unwrap().asked.clone()
    }

    /// Returns the names resolved so far.
    pub fn resolved(&self) -> Vec<String> {
        self.content.lock().unwrap().resolved.clone()
    }

    /// Stops responding from now on.
    pub fn hold(&self) {
        self.may.forget_permits(Semaphore::MAX_PERMITS);
    }

    /// Responds to pending requests, and to all requests from now on.
    pub fn go_on(&self) {
        self.may.add_permits(Semaphore::MAX_PERMITS);
    }

    /// Returns the name resolution for a server.
    pub fn names(&self) -> Names {
        let content = Arc::clone(&self.content);
        Arc::new(move |name| {
            let mut content = content.lock().unwrap();
            content.resolved.push(name.to_owned());
            match content.names.get_mut(name) {
                Some(answers) if answers.len() > 1 => answers.pop_front().unwrap(),
                Some(answers) => answers.front().cloned().unwrap_or_default(),
                None if CERTIFIED.contains(&name) => vec![Ipv4Addr::LOCALHOST.into()],
                None => Vec::new(),
            }
        })
    }
}

async fn answer(
    acceptor: TlsAcceptor,
    connection: tokio::net::TcpStream,
    content: Arc<Mutex<Content>>,
    may: Arc<Semaphore>,
) {
    let Ok(mut connection) = acceptor.accept(connection).await else { return };
    let mut asked = vec![0; 8192];
    let mut length = 0;
    while !asked[..length].ends_with(b"\r\n\r\n") {
        match connection.read(&mut asked[length..]).await {
            Ok(read @ 1..) => length += read,
            _ => return,
        }
    }
    let head = String::from_utf8_lossy(&asked[..length]).into_owned();
    assert!(!head.to_ascii_lowercase().contains("cookie:"), "{head}");
    let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
    let page = {
        let mut content = content.lock().unwrap();
        content.asked.push(path.clone());
        content.pages.get(&path).cloned()
    };
    drop(may.acquire().await);
    let (text, goes_on) =
        page.unwrap_or_else(|| (b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n".to_vec(), false));
    let _ = connection.write_all(&text).await;
    while goes_on && connection.write_all(&[b' '; 1000]).await.is_ok() {}
    let _ = connection.shutdown().await;
}

impl TestServer {
    /// Starts a server that resolves names to this website, like [`TestServer::on_the_web`].
    pub async fn start_on_the_web(backend: Backend, website: &Website) -> Option<Self> {
        let authority = website.authority.to_str().unwrap();
        let settings = [("outbound_allow", "127.0.0.0/8"), ("outbound_ca", authority)];
        Self::start_knowing(backend, &settings, website.names()).await
    }

    /// Starts another node on the same database that resolves names to this website, and may connect to it although its
    /// address is local.
    pub async fn on_the_web(&self, website: &Website) -> Self {
        let authority = website.authority.to_str().unwrap();
        let settings = [("outbound_allow", "127.0.0.0/8"), ("outbound_ca", authority)];
        self.another_node_knowing(&settings, Some(website.names())).await
    }

    /// Like [`TestServer::on_the_web`], but connecting to local addresses is not allowed.
    pub async fn on_the_guarded_web(&self, website: &Website) -> Self {
        let settings = [("outbound_ca", website.authority.to_str().unwrap())];
        self.another_node_knowing(&settings, Some(website.names())).await
    }
}
