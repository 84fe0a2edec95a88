//! Websites of others, over TLS: documents about clients, and everything a server may do instead of giving one. All names
//! that end in `.example`, and those of the clients whose documents are among the fixtures, lead to it, unless a test says
//! where they lead.

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
    /// Where it listens.
    pub port: u16,
    /// The certificate that proves its names (PEM).
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

    /// The URL of a page on one of its hosts.
    pub fn url(&self, host: &str, path: &str) -> String {
        format!("https://{host}:{}{path}", self.port)
    }

    /// Puts a document there, with more headers; its `client_id` becomes the URL it is at.
    pub fn document(&self, url: &str, mut document: Value, headers: &str) {
        document["client_id"] = url.into();
        let body = document.to_string();
        let length = body.len();
        let text = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n{headers}\r\n{body}"
        );
        self.says(url, text.as_bytes(), false);
    }

    /// Puts an answer there; `goes_on` never comes to an end of it.
    pub fn says(&self, url: &str, answer: &[u8], goes_on: bool) {
        let path = url::Url::parse(url).unwrap().path().to_owned();
        self.content.lock().unwrap().pages.insert(path, (answer.to_vec(), goes_on));
    }

    /// What a name stands for, the first time it is asked for, and the times after that.
    pub fn name(&self, name: &str, addresses: &[&[&str]]) {
        let parse = |one: &&[&str]| one.iter().map(|address| address.parse().unwrap()).collect();
        self.content.lock().unwrap().names.insert(name.to_owned(), addresses.iter().map(parse).collect());
    }

    /// Which pages it was asked for.
    pub fn asked(&self) -> Vec<String> {
        self.content.lock().unwrap().asked.clone()
    }

    /// Which names were looked up.
    pub fn resolved(&self) -> Vec<String> {
        self.content.lock().unwrap().resolved.clone()
    }

    /// From now on it answers nothing.
    pub fn hold(&self) {
        self.may.forget_permits(Semaphore::MAX_PERMITS);
    }

    /// It answers what it was asked, and from now on everything.
    pub fn go_on(&self) {
        self.may.add_permits(Semaphore::MAX_PERMITS);
    }

    /// What tells a server where names lead.
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
    /// Starts a server for which the website is the web, as [`TestServer::on_the_web`].
    pub async fn start_on_the_web(backend: Backend, website: &Website) -> Option<Self> {
        let authority = website.authority.to_str().unwrap();
        let settings = [("outbound_allow", "127.0.0.0/8"), ("outbound_ca", authority)];
        Self::start_knowing(backend, &settings, website.names()).await
    }

    /// Another node on the same database, for which the website is the web: its names lead there, and its address is
    /// allowed though it is this machine's.
    pub async fn on_the_web(&self, website: &Website) -> Self {
        let authority = website.authority.to_str().unwrap();
        let settings = [("outbound_allow", "127.0.0.0/8"), ("outbound_ca", authority)];
        self.another_node_knowing(&settings, Some(website.names())).await
    }

    /// The same, and the address is not allowed.
    pub async fn on_the_guarded_web(&self, website: &Website) -> Self {
        let settings = [("outbound_ca", website.authority.to_str().unwrap())];
        self.another_node_knowing(&settings, Some(website.names())).await
    }
}
