//! A name server with configurable TXT records (RFC 1035 §4).

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use tokio::net::UdpSocket;

/// A running name server.
pub struct NameServer {
    /// The address it listens on.
    pub address: SocketAddr,
    records: Arc<Mutex<HashMap<String, Vec<String>>>>,
}

impl NameServer {
    /// Starts one without records.
    pub async fn start() -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        let records: Arc<Mutex<HashMap<String, Vec<String>>>> = Arc::default();
        let known = Arc::clone(&records);
        tokio::spawn(async move {
            let mut question = [0; 512];
            while let Ok((length, asker)) = socket.recv_from(&mut question).await {
                let answer = answer(&question[..length], &known.lock().unwrap());
                let _ = socket.send_to(&answer, asker).await;
            }
        });
        Self { address, records }
    }

    /// Publishes a TXT record.
    pub fn publish(&self, name: &str, text: &str) {
        self.records.lock().unwrap().entry(name.to_owned()).or_default().push(text.to_owned());
    }
}

fn answer(question: &[u8], records: &HashMap<String, Vec<String>>) -> Vec<u8> {
    let (mut name, mut at) = (String::new(), 12);
    while question[at] != 0 {
        let end = at + 1 + usize::from(question[at]);
        if !name.is_empty() {
            name.push('.');
        }
        name.push_str(std::str::from_utf8(&question[at + 1..end]).unwrap());
        at = end;
    }
    let end = at + 5;
    let texts = records.get(&name.to_ascii_lowercase()).map_or(&[][..], Vec::as_slice);
    let count = u8::try_from(texts.len()).unwrap();
    let code = if texts.is_empty() { 3 } else { 0 };
    let mut message = [&question[..2], &[0x81, 0x80 | code, 0, 1, 0, count, 0, 0, 0, 0], &question[12..end]].concat();
    for text in texts {
        let length = u8::try_from(text.len()).unwrap();
        message.extend([0xC0, 12, 0, 16, 0, 1, 0, 0, 0, 1, 0, length + 1, length]);
        message.extend(text.as_bytes());
    }
    message
}
