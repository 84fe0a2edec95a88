//! Two nodes behind a proxy, as an operator runs them: two processes on one PostgreSQL database, nginx in front of them
//! with https and round-robin balancing, and a mail server. Everything that users and applications do goes through the
//! proxy.

use super::mail_server::{MailServer, certificate};
use super::{CHROMIUM, Program, Script, folder, installed};
use crate::harness::{Backend, Database, Process, run};
use serde_json::Value;
use std::collections::BTreeMap;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const NGINX: Program = ("/usr/sbin/nginx", "nginx-light");

/// A running nginx, stopped on drop.
struct Proxy(Child);

impl Proxy {
    fn start(folder: &Path, port: u16, certificate: &Path, nodes: &[Process; 2]) -> Self {
        let node = |index: usize| nodes[index].base_url.replace("http://localhost", "127.0.0.1");
        let template = std::fs::read_to_string(super::folder("nginx").join("nginx.conf")).unwrap();
        let configuration = [
            ("${FOLDER}", folder.to_str().unwrap()),
            ("${PORT}", &port.to_string()),
            ("${CERTIFICATE}", certificate.to_str().unwrap()),
            ("${FIRST}", &node(0)),
            ("${SECOND}", &node(1)),
        ]
        .iter()
        .fold(template, |text, (name, value)| text.replace(name, value));
        let file = folder.join("nginx.conf");
        std::fs::write(&file, configuration).unwrap();
        let mut command = Command::new(NGINX.0);
        command.args(["-e", folder.join("error.log").to_str().unwrap(), "-p", folder.to_str().unwrap()]);
        command.args(["-c", file.to_str().unwrap(), "-g", "daemon off;"]).stdin(Stdio::null());
        let mut proxy = Self(command.spawn().unwrap());
        let began = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            let ended = proxy.0.try_wait().unwrap();
            let said = || std::fs::read_to_string(folder.join("error.log")).unwrap_or_default();
            assert!(ended.is_none() && began.elapsed() < Duration::from_secs(20), "{ended:?} {}", said());
            std::thread::yield_now();
        }
        proxy
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // nginx passes the signal on to its workers.
        let _ = Command::new("kill").arg(self.0.id().to_string()).status();
        let _ = self.0.wait();
    }
}

#[test]
fn everything_goes_through_two_nodes_in_turn() {
    run(async {
        const WHAT: &str = "two nodes behind a proxy";
        if !installed(WHAT, &[CHROMIUM, NGINX]) || !folder("node").join("node_modules").exists() {
            return crate::harness::skip(WHAT, "it needs what scripts/install-clients installs, too");
        }
        let Some(inbox) = MailServer::start(WHAT, &[]) else { return };
        let Some(database) = Database::fresh(Backend::Postgres).await else { return };
        let directory = tempfile::tempdir().unwrap();
        let (authority, certificate) = certificate(directory.path());
        // The port was free a moment ago: the nodes must know it before the proxy listens.
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let public_url = format!("https://localhost:{port}");
        let smtp_url = format!("smtp://localhost:{}", inbox.port);
        let master_key = Command::new("openssl").args(["rand", "-base64", "32"]).output().unwrap().stdout;
        let master_key = String::from_utf8(master_key).unwrap();
        let variables = [("COUNTERSIGN_MASTER_KEY", master_key.trim())];
        let data = |node: &str| directory.path().join(node).to_str().unwrap().to_owned();
        let settings = |node: &str| {
            let mut arguments = vec!["--data".to_owned(), data(node)];
            for (flag, value) in [("--database", database.url.as_str()), ("--public-url", &public_url)] {
                arguments.extend([flag.to_owned(), value.to_owned()]);
            }
            arguments
        };
        // Set up once, before any node serves.
        let init = Command::new(crate::harness::binary())
            .args(["init", "--json"])
            .args(settings("first"))
            .envs(variables)
            .output()
            .unwrap();
        assert!(init.status.success(), "{}", String::from_utf8_lossy(&init.stderr));
        let made: Value = serde_json::from_slice(&init.stdout).unwrap();
        let nodes = ["first", "second"].map(|node| {
            let mut arguments = vec!["serve".to_owned()];
            arguments.extend(settings(node));
            let more = ["--listen", "127.0.0.1:0", "--trusted-proxies", "127.0.0.1", "--smtp-url", &smtp_url];
            arguments.extend(more.map(str::to_owned));
            arguments.extend(["--mail-from", "Acme <no-reply@acme.example>"].map(str::to_owned));
            let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
            Process::start(&arguments, &variables)
        });
        let proxy = Proxy::start(directory.path(), port, &certificate, &nodes);

        let text = |name: &str| made[name].as_str().unwrap().to_owned();
        assert_eq!((text("base_url"), text("issuer")), (public_url.clone(), public_url.clone()));
        for script in ["openid-client", "sign-in", "journeys", "surfaces", "device", "passport"] {
            let script = Script {
                file: &format!("{script}.test.mjs"),
                base_url: &public_url,
                api_key: &text("api_key"),
                client_id: &text("client_id"),
                variables: vec![
                    ("NODE_EXTRA_CA_CERTS", authority.to_str().unwrap()),
                    ("COUNTERSIGN_MAILS", inbox.file.to_str().unwrap()),
                ],
            };
            script.run().await;
        }
        drop(proxy);

        let log = std::fs::read_to_string(directory.path().join("access.log")).unwrap();
        let mut counts: BTreeMap<&str, u32> = BTreeMap::new();
        for line in log.lines() {
            *counts.entry(line.split(' ').next().unwrap()).or_default() += 1;
        }
        let shares: Vec<u32> = counts.into_values().collect();
        assert!(shares.len() == 2 && shares[0].abs_diff(shares[1]) <= 1, "requests alternate: {shares:?}");
        assert!(shares[0] > 150, "and these are all of them: {shares:?}");
        for node in nodes {
            let log = node.log.lock().unwrap();
            assert!(!log.contains("ERROR"), "{log}");
        }
    });
}
