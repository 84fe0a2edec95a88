//! The server's performance as ratios to a bare handler of the same HTTP stack on the same core: docs/benchmarks.md.
//!
//! One process per part: this one generates the load on core 1; the server, the programs it is compared with, and the
//! loops over bare cryptography are children on core 0.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    missing_docs,
    unreachable_pub,
    reason = "a benchmark: it stops at the first thing that goes wrong and prints what it found"
)]

mod bare;
mod browser;
mod child;
mod client;
mod cost;
mod flow;
mod growth;
mod installation;
mod lines;
mod people;
mod report;
mod signing;
mod without_hashing;

use std::process::{Command, ExitCode};

/// How long and how often to measure.
#[derive(Debug, Clone, Copy)]
struct Effort {
    /// Rounds per measurement.
    rounds: usize,
    /// Measured seconds per round.
    seconds: f64,
    /// Tokens issued before memory usage is measured again.
    tokens: usize,
    /// Server starts that are timed.
    starts: usize,
}

const FULL: Effort = Effort { rounds: 3, seconds: 2.5, tokens: 300_000, starts: 9 };
const QUICK: Effort = Effort { rounds: 1, seconds: 0.6, tokens: 30_000, starts: 3 };

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["bare", sizes @ ..] => bare::serve(sizes),
        ["sign", algorithm, seconds] => signing::run(algorithm, seconds.parse().unwrap()),
        ["hash", seconds] => people::hash(seconds.parse().unwrap()),
        ["without-hashing", data] => without_hashing::serve(data),
        ["pinned", "--bench", "--costs"] | ["pinned", "--costs", ..] => people::costs(),
        ["pinned", "--bench", "--growth"] | ["pinned", "--growth", ..] => growth::growth(),
        ["pinned", options @ ..] => measure(options),
        // `cargo test --benches` also runs this program, without this flag, to check that it builds.
        options if options.contains(&"--bench") => return from_the_second_core(options),
        _ => println!("To measure: cargo bench -p countersign --bench load"),
    }
    ExitCode::SUCCESS
}

/// Runs this program again, pinned to its own core.
fn from_the_second_core(options: &[&str]) -> ExitCode {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    assert!(cores >= 2, "measuring needs two cores: one for the server and one for the load");
    let mut again = child::pinned(child::LOAD_CORE, &std::env::current_exe().unwrap());
    let status = again.arg("pinned").args(options).status().expect("taskset (util-linux) pins processes to cores");
    if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn measure(options: &[&str]) {
    let mut effort = FULL;
    let mut only = None;
    for option in options {
        match *option {
            "--bench" => {}
            "--quick" => effort = QUICK,
            word if !word.starts_with('-') => only = Some(word),
            other => panic!("no such option: {other} (there is --quick, and a word that the names of lines contain)"),
        }
    }
    println!("{}", machine());
    let report = lines::measure(effort, only);
    print!("{report}");
}

fn machine() -> String {
    let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or("\t: unknown processor");
    let kernel = Command::new("uname").arg("-sr").output().map(|output| output.stdout).unwrap_or_default();
    format!(
        "{}, {} cores, {}",
        model.trim_start_matches(['\t', ' ', ':']),
        cpu.lines().filter(|line| line.starts_with("processor")).count(),
        String::from_utf8_lossy(&kernel).trim()
    )
}
