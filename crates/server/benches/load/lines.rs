//! The measurements, in order.

use super::Effort;
use super::bare;
use super::child::{self, SERVER_CORE, Serving};
use super::client::{self, Load, Measured, Requests};
use super::installation::{Environment, Installation, program};
use super::report::{Goal, Line, Ratios, Report, median, middle, rate};
use countersign_protocol::jose::Algorithm;
use std::net::SocketAddr;
use std::process::Stdio;
use std::time::{Duration, Instant};

const RS256: Environment = Environment(Algorithm::Rs256);
const ES256: Environment = Environment(Algorithm::Es256);

pub const INTROSPECTION: &str = "/oauth2/introspection";
pub const DISCOVERY: &str = "/.well-known/openid-configuration";
pub const JWKS: &str = "/oauth2/jwks";
pub const TOKEN: &str = "/oauth2/token";

/// The number of different tokens, which fit into the server's cache of verified tokens.
const TOKENS: usize = 5_000;
/// The cache size for measurements in which the tokens must not fit.
const SMALL_CACHE: &str = "100";

/// The measurements so far, and what they use.
pub struct Bench<'a> {
    pub effort: Effort,
    only: Option<&'a str>,
    installation: Installation,
    pub bare: Serving,
    lines: Vec<Line>,
}

/// One measurement that is compared with the bare handler.
struct Compared<'r> {
    name: &'r str,
    ours: Requests,
    bare: Requests,
    signing: Option<Algorithm>,
    goal: Option<Goal>,
}

impl<'r> Compared<'r> {
    /// Creates a comparison in which both get the same requests.
    fn alike(name: &'r str, requests: Requests, goal: Option<Goal>) -> Self {
        Self { name, ours: requests.clone(), bare: requests, signing: None, goal }
    }
}

/// Runs all measurements, or those whose names contain a word.
pub fn measure(effort: Effort, only: Option<&str>) -> Report {
    let installation = Installation::make();
    let server = installation.serve(&[]);
    let size = |path: &str| client::ask_once(server.address, &RS256.get(path)[0]).unwrap().len().to_string();
    let token = RS256.tokens(server.address, 1);
    let question = &RS256.introspection_requests(INTROSPECTION, &token)[0];
    let introspection = client::ask_once(server.address, question).unwrap();
    assert!(introspection.starts_with(r#"{"active":true"#), "{introspection}");
    let myself = std::env::current_exe().unwrap();
    let bare = Serving::start(&myself, &["bare", &size(DISCOVERY), &size(JWKS), &introspection.len().to_string()]);
    let mut bench = Bench { effort, only, installation, bare, lines: Vec::new() };
    bench.tokens(&server);
    bench.introspection(&server);
    bench.documents(&server);
    bench.beside_writes(&server);
    drop(server);
    bench.unknown_tokens();
    bench.people();
    bench.memory();
    bench.starts();
    if bench.wants("binary, stripped") {
        let size = std::fs::metadata(program()).unwrap().len() as f64 / f64::from(1 << 20);
        bench.add(Line::figure("binary, stripped", size, Some(25.0), "MiB"));
    }
    Report(bench.lines)
}

impl Bench<'_> {
    /// Whether a measurement is to be run.
    pub fn wants(&self, name: &str) -> bool {
        self.only.is_none_or(|word| name.contains(word))
    }

    /// Adds a line to the report.
    pub fn add(&mut self, line: Line) {
        eprintln!("{}: {}", line.name, line.figure);
        self.lines.push(line);
    }

    /// Measures our server and the bare handler in alternation, several times.
    fn compare(&mut self, server: &Serving, line: Compared<'_>) {
        if !self.wants(line.name) {
            return;
        }
        let ours = Load::full(server.address, line.ours);
        let bare = Load::full(self.bare.address, line.bare);
        let (mut of_bare, mut of_signing) = (Ratios::default(), Ratios::default());
        let (mut rounds, mut bare_rounds, mut signing_rates) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..self.effort.rounds {
            let our_round = client::run(server.id(), &ours, self.effort.seconds);
            let bare_round = client::run(self.bare.id(), &bare, self.effort.seconds);
            let both = |round: &Measured| (round.rate, round.per_processor_second());
            of_bare.push(both(&our_round), both(&bare_round));
            if let Some(algorithm) = line.signing {
                let signing = signing_rate(algorithm, (self.effort.seconds / 3.0).max(0.4));
                of_signing.push(both(&our_round), signing);
                signing_rates.push(signing.0);
            }
            rounds.push(our_round);
            bare_rounds.push(bare_round);
        }
        let ours = Line { of_bare, of_signing, goal: line.goal, ..Line::load(line.name, middle(&rounds)) };
        self.add(ours);
        self.add(Line::load("- its bare handler", middle(&bare_rounds)));
        if !signing_rates.is_empty() {
            let figure = rate(median(signing_rates.into_iter()));
            self.add(Line { name: "- its bare signing".to_owned(), figure, ..Line::default() });
        }
    }

    fn tokens(&mut self, server: &Serving) {
        let goals = [Goal::OfSigning(0.88), Goal::OfBare(0.70), Goal::OfBare(0.65)];
        for (algorithm, goal) in Algorithm::ALL.into_iter().zip(goals) {
            let environment = Environment(algorithm);
            self.compare(
                server,
                Compared {
                    name: &format!("client_credentials, {algorithm}"),
                    ours: environment.token_request(TOKEN),
                    bare: environment.token_request(&bare::token_path(algorithm)),
                    signing: Some(algorithm),
                    goal: Some(goal),
                },
            );
        }
    }

    fn introspection(&mut self, server: &Serving) {
        for (name, count) in [("introspection, one token", 1), ("introspection, 5,000 tokens", TOKENS)] {
            if !self.wants(name) {
                continue;
            }
            let tokens = &RS256.tokens(server.address, count);
            let asked = RS256.introspection_requests(INTROSPECTION, tokens);
            self.compare(server, Compared::alike(name, asked, Some(Goal::OfBare(0.50))));
        }
    }

    /// Introspection of tokens that are not cached, so that each signature is verified.
    fn unknown_tokens(&mut self) {
        if !self.wants("introspection, every signature verified, RS256, ES256") {
            return;
        }
        let server = self.installation.serve(&["--cache-entries", SMALL_CACHE]);
        for environment in [RS256, ES256] {
            let tokens = environment.tokens(server.address, TOKENS);
            let name = format!("introspection, every signature verified, {}", environment.0);
            let asked = environment.introspection_requests(INTROSPECTION, &tokens);
            self.compare(&server, Compared::alike(&name, asked, None));
        }
    }

    fn documents(&mut self, server: &Serving) {
        for (name, path) in [("discovery", DISCOVERY), ("JWKS", JWKS)] {
            self.compare(server, Compared::alike(name, RS256.get(path), Some(Goal::OfBare(0.90))));
        }
    }

    /// Durable writes, and their effect on token requests.
    fn beside_writes(&mut self, server: &Serving) {
        if !self.wants("durable writes, 64 connections; 1,000 tokens a second, ES256, alone; beside the writes") {
            return;
        }
        let seconds = self.effort.seconds * 1.5;
        let organizations = Installation::write_request(server);
        let writes = Load { connections: 64, ..Load::full(server.address, organizations) };
        let measured = client::run(server.id(), &writes, seconds);
        self.add(Line::load("durable writes, 64 connections", measured));
        // 1,000 per second, whether or not the server is busy.
        let tokens = Load {
            connections: 16,
            pace: Some(Duration::from_millis(16)),
            ..Load::full(server.address, ES256.token_request(TOKEN))
        };
        let alone = client::run(server.id(), &tokens, seconds);
        self.add(Line::load("1,000 tokens a second, ES256, alone", alone));
        let both: [client::Start<'_>; 2] =
            [&|from, until| client::start(&tokens, from, until), &|from, until| client::start(&writes, from, until)];
        let beside = client::run_together(server.id(), &both, seconds);
        self.add(Line::load("- beside the writes", beside[0]));
        self.add(Line::load("- and the writes", beside[1]));
    }

    fn memory(&mut self) {
        if !self.wants("memory, idle; memory, after 300 k tokens") {
            return;
        }
        let server = self.installation.serve(&[]);
        client::ask_once(server.address, &RS256.get(DISCOVERY)[0]).unwrap();
        std::thread::sleep(Duration::from_secs(1));
        self.add(Line::figure("memory, idle", server.resident(), Some(20.0), "MiB"));
        let tokens = Load::full(server.address, Environment(Algorithm::EdDsa).token_request(TOKEN));
        let mut issued = 0.0;
        while issued < self.effort.tokens as f64 {
            let seconds = 2.0;
            issued += client::run(server.id(), &tokens, seconds).rate * seconds;
        }
        let name = format!("memory, after {:.0} k tokens", self.effort.tokens as f64 / 1000.0);
        self.add(Line::figure(&name, server.resident(), Some(64.0), "MiB"));
    }

    fn starts(&mut self) {
        if !self.wants("start to first 200, existing data; start to first 200, first boot") {
            return;
        }
        let (mut first, mut again) = (Vec::new(), Vec::new());
        for _ in 0..self.effort.starts {
            let directory = tempfile::tempdir().unwrap();
            let data = directory.path().join("data");
            // Bound for a moment so that the port is known in advance: it is part of the issuer, so both starts use it.
            let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
            first.push(start_to_answer(data.to_str().unwrap(), address));
            again.push(start_to_answer(data.to_str().unwrap(), address));
        }
        self.add(Line::figure("start to first 200, existing data", median(again.into_iter()), Some(50.0), "ms"));
        self.add(Line::figure("start to first 200, first boot", median(first.into_iter()), Some(1000.0), "ms"));
    }
}

/// Returns signatures per second, and per second of CPU time.
fn signing_rate(algorithm: Algorithm, seconds: f64) -> (f64, f64) {
    let mut command = child::pinned(SERVER_CORE, &std::env::current_exe().unwrap());
    let printed = child::output(command.args(["sign", algorithm.as_str(), &seconds.to_string()]));
    let mut figures = printed.split_whitespace().map(|figure| figure.parse().unwrap());
    (figures.next().unwrap(), figures.next().unwrap())
}

/// Returns the milliseconds from process start to the first discovery response of the default environment.
fn start_to_answer(data: &str, address: SocketAddr) -> f64 {
    let request = client::request("GET", DISCOVERY, &format!("localhost:{}", address.port()), &[], "");
    let began = Instant::now();
    let mut child = child::pinned(SERVER_CORE, program())
        .args(["--data", data, "--listen", &address.to_string(), "--threads", "1"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let took = loop {
        assert!(began.elapsed() < Duration::from_secs(20), "the server answers within 20 seconds");
        if client::ask_once(address, &request).is_ok() {
            break began.elapsed();
        }
        assert!(child.try_wait().unwrap().is_none(), "the server ended");
        std::thread::sleep(Duration::from_micros(200));
    };
    child.kill().unwrap();
    child.wait().unwrap();
    took.as_secs_f64() * 1000.0
}
