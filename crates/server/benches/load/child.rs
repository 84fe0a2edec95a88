//! Child processes: pinned to a core, observed through `/proc`, killed on drop.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

/// The core of the server and of everything it is compared with.
pub const SERVER_CORE: usize = 0;
/// The core that generates the load.
pub const LOAD_CORE: usize = 1;

/// Returns a command pinned to one core. `taskset` execs the program, so the process is the program's own.
pub fn pinned(core: usize, program: &Path) -> Command {
    let mut command = Command::new("taskset");
    command.args(["-c", &core.to_string()]).arg(program);
    command
}

/// A serving program on the server's core.
#[derive(Debug)]
pub struct Serving {
    child: Child,
    /// The address it listens on.
    pub address: SocketAddr,
}

impl Serving {
    /// Starts a program and waits until its standard error has a line with `address=`.
    pub fn start(program: &Path, arguments: &[&str]) -> Self {
        let mut child = pinned(SERVER_CORE, program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("taskset (util-linux) pins processes to cores");
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let (found, address) = mpsc::channel();
        std::thread::spawn(move || {
            let mut said = String::new();
            for line in lines.map_while(Result::ok) {
                if let Some((_, rest)) = line.split_once("address=") {
                    let _ = found.send(Ok(rest.split(' ').next().unwrap_or_default().to_owned()));
                }
                said.push_str(&line);
                said.push('\n');
            }
            let _ = found.send(Err(said));
        });
        let address = address.recv_timeout(Duration::from_secs(60)).expect("it begins to serve within a minute");
        let address = address.unwrap_or_else(|said| panic!("{} ended: {said}", program.display()));
        Self { child, address: address.parse().unwrap() }
    }

    /// Returns its process ID.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Returns its resident memory in MiB.
    pub fn resident(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<f64>().unwrap() / 1024.0
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Returns the seconds of CPU time used by a process (0: this one).
pub fn processor_seconds(process: u32) -> f64 {
    let path = if process == 0 { "/proc/self/stat".to_owned() } else { format!("/proc/{process}/stat") };
    let stat = std::fs::read_to_string(path).unwrap();
    // The program name in parentheses may contain anything, so count from after it. Linux reports hundredths of a
    // second.
    let (_, fields) = stat.rsplit_once(") ").unwrap();
    let ticks: f64 = fields.split(' ').skip(11).take(2).map(|field| field.parse::<f64>().unwrap()).sum();
    ticks / 100.0
}

/// Runs a command to completion and returns its output.
pub fn output(command: &mut Command) -> String {
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
    let mut printed = String::new();
    child.stdout.take().unwrap().read_to_string(&mut printed).unwrap();
    assert!(child.wait().unwrap().success(), "{command:?} failed: {printed}");
    printed
}
