//! A mail server for tests: aiosmtpd, as run by `conformance/python/mail_server.py`.

use super::folder;
use crate::harness::skip;
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A running mail server, stopped on drop.
pub struct MailServer {
    child: Child,
    /// The port it listens on.
    pub port: u16,
    /// The messages it has received, one line of JSON each.
    pub file: PathBuf,
    _folder: tempfile::TempDir,
}

impl MailServer {
    /// Starts one; `None` (with a visible notice) when aiosmtpd is not installed.
    pub fn start(what: &str, options: &[&str]) -> Option<Self> {
        let folder = folder("python");
        let interpreter = folder.join(".venv/bin/python");
        if !interpreter.exists() {
            skip(what, "conformance/python/.venv is missing (scripts/install-clients makes it)");
            return None;
        }
        let inbox = tempfile::tempdir().unwrap();
        let file = inbox.path().join("mails");
        let mut child = Command::new(interpreter)
            .args(["-B", "mail_server.py", "--file", file.to_str().unwrap()])
            .args(options)
            .current_dir(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut said).unwrap();
        let port = said.trim().rsplit(':').next().and_then(|port| port.parse().ok());
        let port = port.unwrap_or_else(|| panic!("the mail server did not start: {said}"));
        Some(Self { child, port, file, _folder: inbox })
    }

    /// Returns the messages received for an address so far.
    pub fn taken_in(&self, to: &str) -> Vec<Value> {
        let text = std::fs::read_to_string(&self.file).unwrap();
        let mails = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        mails.filter(|mail| mail["recipients"][0] == to).collect()
    }

    /// Waits for message number `count` to an address and returns it.
    pub async fn mail(&self, to: &str, count: usize) -> Value {
        let began = Instant::now();
        loop {
            let mut mails = self.taken_in(to);
            if mails.len() >= count {
                assert_eq!(mails.len(), count, "each message once: {mails:?}");
                return mails.remove(count - 1);
            }
            assert!(began.elapsed() < Duration::from_secs(20), "no mail number {count} to {to}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Creates a certificate for localhost, and one file with both it and its key.
pub fn certificate(folder: &Path) -> (PathBuf, PathBuf) {
    let certified = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let (certificate, both) = (folder.join("certificate.pem"), folder.join("certificate-and-key.pem"));
    std::fs::write(&certificate, certified.cert.pem()).unwrap();
    std::fs::write(&both, certified.cert.pem() + &certified.signing_key.serialize_pem()).unwrap();
    (certificate, both)
}
