//! The program itself, started as an operator starts it.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

/// The path of the built program.
pub fn binary() -> &'static str {
    env!("CARGO_BIN_EXE_countersign")
}

/// A `countersign serve` process, listening on a free port.
pub struct Process {
    child: Child,
    /// `http://localhost:<port>`.
    pub base_url: String,
    /// Everything it has logged so far.
    pub log: Arc<Mutex<String>>,
    /// What it printed before it started serving.
    pub printed: Arc<Mutex<String>>,
}

impl Process {
    /// Starts the process and waits until it reports that it is serving.
    pub fn start(arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        let mut child = Command::new(binary())
            .args(arguments)
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (log, printed) = (Arc::<Mutex<String>>::default(), Arc::<Mutex<String>>::default());
        let mut stdout = child.stdout.take().unwrap();
        let printing = Arc::clone(&printed);
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(count @ 1..) = stdout.read(&mut buffer) {
                printing.lock().unwrap().push_str(&String::from_utf8_lossy(&buffer[..count]));
            }
        });
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let (serving, begun) = std::sync::mpsc::channel();
        let logging = Arc::clone(&log);
        std::thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                // In text or JSON format.
                let address = line.split_once("address=").or_else(|| line.split_once("\"address\":\""));
                if let Some((_, rest)) = address.filter(|_| line.contains("serving")) {
                    let _ = serving.send(rest.split([' ', '"']).next().unwrap_or_default().to_owned());
                }
                let mut log = logging.lock().unwrap();
                log.push_str(&line);
                log.push('\n');
            }
        });
        let address = begun
            .recv_timeout(std::time::Duration::from_secs(60))
            .unwrap_or_else(|_| panic!("it did not begin to serve: {}", log.lock().unwrap()));
        let port = address.rsplit(':').next().unwrap();
        Self { child, base_url: format!("http://localhost:{port}"), log, printed }
    }

    /// Sends a signal by name, such as `TERM` or `KILL`.
    pub fn signal(&self, name: &str) {
        let status = Command::new("kill").args([&format!("-{name}"), &self.child.id().to_string()]).status().unwrap();
        assert!(status.success());
    }

    /// Waits for the process to end and returns its exit code.
    pub fn wait(&mut self) -> Option<i32> {
        self.child.wait().unwrap().code()
    }

    /// Returns the API key that it printed on first start.
    pub fn api_key(&self) -> String {
        let line = |text: &str| {
            let line = text.lines().find(|line| line.trim_start().starts_with("API key"))?;
            line.split_whitespace().last().map(str::to_owned)
        };
        // The key was written before the server reported that it is serving, but may still be in the pipe.
        let began = std::time::Instant::now();
        loop {
            if let Some(key) = line(&self.printed.lock().unwrap_or_else(std::sync::PoisonError::into_inner)) {
                return key;
            }
            assert!(began.elapsed() < std::time::Duration::from_secs(10), "no key was printed");
            std::thread::yield_now();
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
