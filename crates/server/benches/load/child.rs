//! Child processes: pinned to a core, watched through `/proc`, gone when dropped.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

/// Where the server and everything it is compared with run.
pub const SERVER_CORE: usize = 0;
/// Where the load comes from.
pub const LOAD_CORE: usize = 1;

/// A command that will run on one core only. `taskset` replaces itself by the program, so its process is the program's.
pub fn pinned(core: usize, program: &Path) -> Command {
    let mut command = Command::new("taskset");
    command.args(["-c", &core.to_string()]).arg(program);
    command
}

/// A program that serves, on the server's core.
#[derive(Debug)]
pub struct Serving {
    child: Child,
    /// Where it listens.
    pub address: SocketAddr,
}

impl Serving {
    /// Starts a program and waits until a line of its standard error has `address=`.
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

    /// Its process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Memory it holds, in MiB.
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

/// Seconds of processor time that a process (0: this one) has used.
pub fn processor_seconds(process: u32) -> f64 {
    let path = if process == 0 { "/proc/self/stat".to_owned() } else { format!("/proc/{process}/stat") };
    let stat = std::fs::read_to_string(path).unwrap();
    // The name of the program, in parentheses, may hold anything: count from behind it. Linux shows hundredths.
    let (_, fields) = stat.rsplit_once(") ").unwrap();
    let ticks: f64 = fields.split(' ').skip(11).take(2).map(|field| field.parse::<f64>().unwrap()).sum();
    ticks / 100.0
}

/// Runs a command to its end and gives what it printed.
pub fn output(command: &mut Command) -> String {
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
    let mut printed = String::new();
    child.stdout.take().unwrap().read_to_string(&mut printed).unwrap();
    assert!(child.wait().unwrap().success(), "{command:?} failed: {printed}");
    printed
}
