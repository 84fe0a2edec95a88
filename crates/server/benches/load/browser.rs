//! A browser for load tests: cookies, redirects, forms. It follows any server, ours or another, fills in the forms, and
//! returns the URL that it is finally redirected to.

use super::client::{answer_length, request};
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The password of every benchmark user.
pub const PASSWORD: &str = "violet-tractor-humming-42";
/// The maximum number of steps in a journey.
const STEPS: usize = 12;

/// A browser with one connection.
#[derive(Debug)]
pub struct Browser {
    stream: TcpStream,
    buffer: Vec<u8>,
    host: String,
    cookies: Vec<(String, String)>,
    /// The address it claims to have. Each user has their own; otherwise rate limits would count them together.
    address: String,
}

/// A response.
struct Answer {
    status: u16,
    location: Option<String>,
    body: String,
}

impl Browser {
    /// Opens a connection.
    pub async fn connect(address: SocketAddr, host: &str) -> Self {
        let stream = TcpStream::connect(address).await.expect("the server accepts connections");
        stream.set_nodelay(true).unwrap();
        Self { stream, buffer: vec![0; 64 * 1024], host: host.to_owned(), cookies: Vec::new(), address: String::new() }
    }

    /// Switches to another user's fresh browser.
    pub fn belongs_to(&mut self, number: usize) {
        self.cookies.clear();
        self.address = format!("10.{}.{}.{}", number / 65_536 % 256, number / 256 % 256, number % 256);
    }

    /// Fetches a document; panics unless the status is 200.
    pub async fn get(&mut self, path: &str) {
        let answer = self.send("GET", path, "").await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
    }

    /// Submits a form and returns the response body; panics unless the status is 200.
    pub async fn post(&mut self, path: &str, body: &str) -> String {
        let answer = self.send("POST", path, body).await;
        assert_eq!(answer.status, 200, "{path} {body}: {}", answer.body);
        answer.body
    }

    /// Opens a path, signs in where asked, consents where asked, and returns the URL at which it leaves the server and
    /// whether it was asked for consent.
    pub async fn journey(&mut self, path: &str, email: &str) -> (String, bool) {
        let (mut method, mut path, mut body) = ("GET", path.to_owned(), String::new());
        let mut agreed = false;
        for _ in 0..STEPS {
            let answer = self.send(method, &path, &body).await;
            let Answer { status, location, body: page } = answer;
            match location.or_else(|| goes_on_to(&page)) {
                Some(to) if to.starts_with("https://app.example.com/") => return (to, agreed),
                Some(to) => (method, path, body) = ("GET", inside(&to).to_owned(), String::new()),
                None => {
                    assert_eq!(status, 200, "{path}: {page}");
                    (path, body) = filled_in(&page, email);
                    agreed |= page.contains(">Allow</button>");
                    method = "POST";
                }
            }
        }
        panic!("sent in circles: {path}");
    }

    async fn send(&mut self, method: &str, path: &str, body: &str) -> Answer {
        let cookies: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let cookies = cookies.join("; ");
        let mut headers = vec![("X-Forwarded-For", self.address.as_str())];
        if !cookies.is_empty() {
            headers.push(("Cookie", &cookies));
        }
        if method == "POST" {
            headers.push(("Content-Type", "application/x-www-form-urlencoded"));
        }
        self.stream.write_all(&request(method, path, &self.host, &headers, body)).await.expect("the request is sent");
        let (mut filled, mut whole) = (0, None);
        while whole.is_none_or(|whole| filled < whole) {
            let count = self.stream.read(&mut self.buffer[filled..]).await.expect("the answer arrives");
            assert!(count > 0, "the server closed the connection: {method} {path}");
            filled += count;
            whole = whole.or_else(|| answer_length(&self.buffer[..filled]));
        }
        let text = std::str::from_utf8(&self.buffer[..filled]).expect("text");
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        let mut location = None;
        for line in head.split("\r\n").skip(1) {
            let (name, value) = line.split_once(": ").unwrap_or((line, ""));
            if name.eq_ignore_ascii_case("location") {
                location = Some(value.to_owned());
            } else if name.eq_ignore_ascii_case("set-cookie") {
                let (name, value) = value.split(';').next().unwrap().split_once('=').unwrap();
                self.cookies.retain(|(known, _)| known != name);
                if !value.is_empty() {
                    self.cookies.push((name.to_owned(), value.to_owned()));
                }
            }
        }
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap();
        Answer { status, location, body: body.to_owned() }
    }
}

/// Returns the path and query of a URL.
fn inside(address: &str) -> &str {
    match address.split_once("://") {
        Some((_, rest)) => rest.find('/').map_or("/", |at| &rest[at..]),
        None => address,
    }
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let start = tag.find(&format!(" {name}=\""))? + name.len() + 3;
    let rest = &tag[start..];
    Some(rest[..rest.find('"')?].replace("&#38;", "&").replace("&amp;", "&"))
}

/// Returns the target of a page's automatic redirect.
fn goes_on_to(page: &str) -> Option<String> {
    let tag = page.split("<meta ").find(|tag| tag.starts_with("http-equiv=\"refresh\""))?;
    attribute(tag, "content")?.strip_prefix("0;url=").map(str::to_owned)
}

/// Fills in the first form of a page; returns its action and body.
fn filled_in(page: &str, email: &str) -> (String, String) {
    let form = page.split("<form").nth(1).unwrap_or_else(|| panic!("no form: {page}"));
    let form = &form[..form.find("</form>").unwrap_or(form.len())];
    let action = attribute(form, "action").unwrap();
    let mut body = url::form_urlencoded::Serializer::new(String::new());
    for input in form.split("<input").skip(1) {
        let tag = &input[..input.find('>').unwrap()];
        let Some(name) = attribute(tag, "name") else { continue };
        let value = match name.as_str() {
            "email" => email.to_owned(),
            "password" => PASSWORD.to_owned(),
            _ => attribute(tag, "value").unwrap_or_default(),
        };
        body.append_pair(&name, &value);
    }
    // The first button is the one pressed.
    if let Some((_, button)) = form.split_once("<button") {
        let tag = &button[..button.find('>').unwrap()];
        if let (Some(name), Some(value)) = (attribute(tag, "name"), attribute(tag, "value")) {
            body.append_pair(&name, &value);
        }
    }
    (inside(&action).to_owned(), body.finish())
}
