//! A browser without JavaScript: cookies, redirects, and forms filled in by field name.

use super::{Answer, Client, TestServer};
use reqwest::Method;
use serde_json::Value;
use std::collections::BTreeMap;

/// A browser.
pub struct Browser {
    client: Client,
    origin: String,
    cookies: BTreeMap<String, String>,
    /// The length of the longest response head, in bytes.
    pub longest_head: usize,
    /// Additional headers of every request.
    pub headers: Vec<(&'static str, String)>,
}

/// The page that a browser has arrived at.
#[derive(Debug, Clone)]
pub struct Page {
    /// The status of the last response.
    pub status: u16,
    /// The path and query of the last request to the server.
    pub path: String,
    /// The HTML.
    pub html: String,
    /// The external URL that the browser was redirected to, if any.
    pub left_to: Option<String>,
    /// The number of redirects on the way.
    pub redirects: usize,
    /// The page's Content-Security-Policy.
    pub policy: String,
}

/// A file in a form: the field name, the file name, and the content.
pub type FilePart<'a> = (&'a str, &'a str, &'a [u8]);

/// A form on a page.
#[derive(Debug, Clone)]
pub struct Form {
    pub action: String,
    pub fields: BTreeMap<String, String>,
}

/// Unescapes the HTML escapes that templates produce.
fn unescaped(text: &str) -> String {
    [
        ("&#34;", "\""),
        ("&quot;", "\""),
        ("&#39;", "'"),
        ("&#60;", "<"),
        ("&lt;", "<"),
        ("&#62;", ">"),
        ("&gt;", ">"),
        ("&#38;", "&"),
        ("&amp;", "&"),
    ]
    .iter()
    .fold(text.to_owned(), |text, (escape, plain)| text.replace(escape, plain))
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let start = tag.find(&format!(" {name}=\""))? + name.len() + 3;
    let rest = &tag[start..];
    Some(unescaped(&rest[..rest.find('"')?]))
}

impl Page {
    /// Returns the forms on the page, each with the current values of its fields.
    pub fn forms(&self) -> Vec<Form> {
        let mut forms = Vec::new();
        for part in self.html.split("<form").skip(1) {
            let part = &part[..part.find("</form>").unwrap_or(part.len())];
            let action = attribute(&part[..part.find('>').unwrap()], "action").unwrap();
            let mut fields = BTreeMap::new();
            for input in part.split("<input").skip(1) {
                let tag = &input[..input.find('>').unwrap()];
                let choice = tag.contains("type=\"radio\"") || tag.contains("type=\"checkbox\"");
                let chosen = !choice || tag.contains(" checked");
                if let Some(name) = attribute(tag, "name").filter(|_| chosen) {
                    fields.insert(name, attribute(tag, "value").unwrap_or_default());
                }
            }
            for area in part.split("<textarea").skip(1) {
                let (tag, rest) = area.split_once('>').unwrap();
                if let Some(name) = attribute(tag, "name") {
                    fields.insert(name, unescaped(rest.split("</textarea>").next().unwrap_or_default()));
                }
            }
            for select in part.split("<select").skip(1) {
                let (tag, rest) = select.split_once('>').unwrap();
                let options = rest.split("</select>").next().unwrap_or_default();
                let chosen = options
                    .split("<option")
                    .skip(1)
                    .find(|option| option.split('>').next().unwrap().contains(" selected"));
                if let Some((name, option)) =
                    attribute(tag, "name").zip(chosen.or_else(|| options.split("<option").nth(1)))
                {
                    fields.insert(name, attribute(option.split('>').next().unwrap(), "value").unwrap_or_default());
                }
            }
            forms.push(Form { action, fields });
        }
        forms
    }

    /// Whether the page asks for the email address to sign in with.
    pub fn asks_to_sign_in(&self) -> bool {
        self.forms().iter().any(|form| form.action == "/sign-in")
    }

    /// Returns the form that posts to a path.
    #[track_caller]
    pub fn form(&self, action: &str) -> Form {
        let forms = self.forms();
        let found = forms.iter().find(|form| form.action == action);
        found.unwrap_or_else(|| panic!("no form for {action}: {} {}\n{}", self.status, self.path, self.html)).clone()
    }

    /// Returns the address of the link that starts with a path.
    #[track_caller]
    pub fn link_to(&self, path: &str) -> String {
        let links = self.html.split("<a ").skip(1).filter_map(|tag| attribute(&format!(" {tag}"), "href"));
        let found = links.into_iter().find(|address| address.starts_with(path));
        found.unwrap_or_else(|| panic!("no link to {path}: {} {}\n{}", self.status, self.path, self.html))
    }

    /// Returns a parameter of the external URL that the browser was redirected to.
    #[track_caller]
    pub fn sent(&self, name: &str) -> Option<String> {
        let left_to =
            self.left_to.as_ref().unwrap_or_else(|| panic!("still here: {} {}\n{}", self.status, self.path, self.html));
        let url = url::Url::parse(left_to).unwrap();
        url.query_pairs().find(|(known, _)| known == name).map(|(_, value)| value.into_owned())
    }
}

impl Browser {
    /// Creates a new browser that talks to this server.
    pub fn new(server: &TestServer) -> Self {
        Self {
            client: server.anonymous(),
            origin: server.base_url.clone(),
            cookies: BTreeMap::new(),
            longest_head: 0,
            headers: Vec::new(),
        }
    }

    /// Whether it has a cookie.
    pub fn has_cookie(&self, name: &str) -> bool {
        self.cookies.contains_key(name)
    }

    /// Returns a cookie's value.
    pub fn cookie(&self, name: &str) -> Option<&str> {
        self.cookies.get(name).map(String::as_str)
    }

    /// Copies another browser's cookie.
    pub fn steal(&mut self, other: &Self, name: &str) {
        self.cookies.insert(name.to_owned(), other.cookies[name].clone());
    }

    /// Copies another browser's cookie under a different name.
    pub fn steal_as(&mut self, other: &Self, name: &str, as_name: &str) {
        self.cookies.insert(as_name.to_owned(), other.cookies[name].clone());
    }

    /// Sends all further requests to another node of the same installation.
    pub fn move_to(&mut self, server: &TestServer) {
        self.client = server.anonymous();
    }

    /// Opens an address of the server and follows all redirects.
    pub async fn open(&mut self, path: &str) -> Page {
        self.go(Method::GET, path, None).await
    }

    /// Fills in and submits a form on a page.
    pub async fn submit(&mut self, page: &Page, action: &str, values: &[(&str, &str)]) -> Page {
        let mut form = page.form(action);
        for (name, value) in values {
            form.fields.insert((*name).to_owned(), (*value).to_owned());
        }
        self.post(&form.action, &form.fields).await
    }

    /// Posts fields as a form would.
    pub async fn post(&mut self, path: &str, fields: &BTreeMap<String, String>) -> Page {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        self.go(Method::POST, path, Some(("application/x-www-form-urlencoded".to_owned(), body.into_bytes()))).await
    }

    /// Posts fields and files as a multipart form would.
    pub async fn post_files(&mut self, path: &str, fields: &BTreeMap<String, String>, files: &[FilePart<'_>]) -> Page {
        const BOUNDARY: &str = "----TestFormBoundary7MA4YWxkTrZu0gW";
        let mut body = Vec::new();
        let mut part = |disposition: String, content: &[u8]| {
            body.extend_from_slice(
                format!("--{BOUNDARY}\r\nContent-Disposition: form-data; {disposition}\r\n\r\n").as_bytes(),
            );
            body.extend_from_slice(content);
            body.extend_from_slice(b"\r\n");
        };
        for (name, value) in fields {
            part(format!("name=\"{name}\""), value.as_bytes());
        }
        for (name, file, content) in files {
            part(format!("name=\"{name}\"; filename=\"{file}\"\r\nContent-Type: image/png"), content);
        }
        body.extend_from_slice(format!("--{BOUNDARY}--\r\n").as_bytes());
        self.go(Method::POST, path, Some((format!("multipart/form-data; boundary={BOUNDARY}"), body))).await
    }

    /// Sends a request as a page's script does, with cookies and from an origin.
    pub async fn fetch(&mut self, origin: Option<&str>, path: &str, body: Value) -> Answer {
        let mut request = self.client.request(Method::POST, path).header("cookie", self.sent_cookies()).json(&body);
        if let Some(origin) = origin {
            request = request.header("origin", origin);
        }
        let answer = self.client.send(request).await;
        self.take_cookies(&answer);
        answer
    }

    fn sent_cookies(&self) -> String {
        let cookies: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        cookies.join("; ")
    }

    fn take_cookies(&mut self, answer: &Answer) {
        for cookie in answer.headers.get_all("set-cookie") {
            let cookie = cookie.to_str().unwrap();
            // One cookie is for pages' scripts and contains nothing secret.
            let hidden = cookie.contains("HttpOnly") || cookie.starts_with("workos-has-session=");
            assert!(hidden && cookie.contains("SameSite=Lax"), "{cookie}");
            let (name, value) = cookie.split(';').next().unwrap().split_once('=').unwrap();
            if cookie.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
    }

    async fn go(&mut self, method: Method, path: &str, body: Option<(String, Vec<u8>)>) -> Page {
        let (mut method, mut path, mut fields) = (method, path.to_owned(), body);
        for redirects in 0..10 {
            let mut request = self.client.request(method.clone(), &path);
            if !self.cookies.is_empty() {
                request = request.header("cookie", self.sent_cookies());
            }
            for (name, value) in &self.headers {
                request = request.header(*name, value);
            }
            if let Some((content_type, body)) = &fields {
                request = request.header("content-type", content_type).body(body.clone());
            }
            let answer = self.client.send(request).await;
            self.take_cookies(&answer);
            let lines = answer.headers.iter().map(|(name, value)| name.as_str().len() + value.len() + ": \r\n".len());
            self.longest_head = self.longest_head.max("HTTP/1.1 303 See Other\r\n\r\n".len() + lines.sum::<usize>());
            let location = answer.header("location").map(str::to_owned);
            let policy = answer.header("content-security-policy").unwrap_or("").to_owned();
            let page =
                Page { status: answer.status, path: path.clone(), html: answer.text, left_to: None, redirects, policy };
            match location {
                None if page.html.contains("http-equiv=\"refresh\"") => {
                    // Browsers enforce the policy on this redirect: the response to a form never leaves our origin by
                    // itself.
                    assert!(page.policy.contains("form-action 'self';"), "{}", page.policy);
                    let refresh = page.html.split("<meta ").find(|tag| tag.contains("http-equiv=\"refresh\"")).unwrap();
                    let to = attribute(refresh, "content").unwrap().strip_prefix("0;url=").unwrap().to_owned();
                    if !to.starts_with('/') {
                        return Page { left_to: Some(to), ..page };
                    }
                    (method, path, fields) = (Method::GET, to, None);
                }
                None => {
                    if page.html.contains("<html") {
                        // Previews are framed by our own pages; nothing else is framed.
                        let framed =
                            path.contains("/branding/preview") && page.policy.contains("frame-ancestors 'self'");
                        let alone = page.policy.contains("frame-ancestors 'none'");
                        assert!(framed || alone, "every page has its policy: {}", page.policy);
                    }
                    return page;
                }
                Some(to) if to.starts_with('/') => (method, path, fields) = (Method::GET, to, None),
                Some(to) if to.starts_with(&self.origin) => {
                    (method, path, fields) = (Method::GET, to[self.origin.len()..].to_owned(), None);
                }
                Some(to) => return Page { left_to: Some(to), ..page },
            }
        }
        panic!("the browser is sent in circles: {path}");
    }
}
