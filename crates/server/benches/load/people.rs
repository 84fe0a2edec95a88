//! The measurements of user operations: code flows, refreshes, passwords.

use super::bare::token_path;
use super::child::{self, Serving};
use super::client::{self, Load, Measured, Start};
use super::cost;
use super::flow::{Deed, Party, REFRESHING};
use super::installation::{Brought, Environment, Installation};
use super::lines::{Bench, DISCOVERY, TOKEN};
use super::report::{Goal, Line, Ratios, median, middle, rate};
use countersign_protocol::jose::Algorithm;
use countersign_protocol::password;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// Users with password hashes that cost next to nothing.
pub const PEOPLE: usize = 1_000;
/// Users with password hashes in our own format.
const HASHED: usize = 200;
/// A memory-backed directory.
const MEMORY: &str = "/dev/shm";
/// The warm-up seconds for programs with a JIT compiler.
const COMPILING: f64 = 2.0;
/// The number of requests in one of our code flows.
const SIGNED_OUT_REQUESTS: usize = 5;
const CONSENT_REQUESTS: usize = 7;
const SIGNED_IN_REQUESTS: usize = 2;
/// The seconds in which costs are counted.
const COUNTED: f64 = 5.0;

/// A hash of the shared password that takes a microsecond to verify, imported like a hash of another system.
pub const CHEAP: Brought<'_> = ("ssha256", "{SSHA256}6jLp0vQ49YvX7cFdbupn4qFcZugSH7TPWnm3iPf9nXgHBwcHBwcHBwcHBwcHBwcH");

/// Returns the part of an installation that users sign in to.
pub fn party(server: &Serving, environment: Environment, prefix: &str, count: usize) -> Party {
    Party {
        address: server.address,
        host: environment.host(),
        authorize: "/oauth2/authorize",
        token: TOKEN.to_owned(),
        client_id: environment.forum().to_owned(),
        client_secret: super::installation::CLIENT_SECRET,
        // One signature: the access token. With openid, or with no scope at all, there would be two.
        scope: "profile",
        asks_consent: false,
        people: (0..count).map(|number| format!("{prefix}{number}@example.com")).collect(),
    }
}

/// Like [`party`], with a partner's application, which needs users' consent each time.
pub fn asking(party: Party, environment: Environment) -> Party {
    Party { asks_consent: true, client_id: environment.partner().to_owned(), ..party }
}

/// oidc-provider for comparison, which signs one ID token; its access tokens are opaque.
fn other_party(server: &Serving, algorithm: Algorithm) -> Party {
    Party {
        address: server.address,
        host: server.address.to_string(),
        authorize: "/auth",
        token: "/token".to_owned(),
        client_id: algorithm.as_str().to_lowercase(),
        client_secret: super::installation::CLIENT_SECRET,
        scope: "openid",
        asks_consent: false,
        people: Arc::new(["ada".to_owned()]),
    }
}

/// Starts oidc-provider if it is installed.
fn oidc_provider() -> Option<Serving> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../conformance/bench");
    if !folder.join("node_modules").exists() {
        eprintln!(
            "SKIPPED: oidc-provider: conformance/bench/node_modules is missing (scripts/install-clients makes it)"
        );
        return None;
    }
    let script: PathBuf = folder.join("oidc-provider.mjs");
    Some(Serving::start(Path::new("node"), &[script.to_str().unwrap()]))
}

/// Returns password verifications per second, and per second of CPU time.
fn hashing_rate(seconds: f64) -> (f64, f64) {
    let mut command = child::pinned(child::SERVER_CORE, &std::env::current_exe().unwrap());
    let printed = child::output(command.args(["hash", &seconds.to_string()]));
    let mut figures = printed.split_whitespace().map(|figure| figure.parse().unwrap());
    (figures.next().unwrap(), figures.next().unwrap())
}

/// Verifies a password against a hash in our own format for this many seconds, and prints the rate per second and per
/// second of CPU time.
pub fn hash(seconds: f64) {
    let stored = password::hash(super::browser::PASSWORD, [7; 16]).unwrap();
    super::signing::count(seconds, 1, || assert!(password::verify(&stored, super::browser::PASSWORD)));
}

/// Counts the cost of each user operation: `--costs`.
pub fn costs() {
    let installation = Installation::make();
    installation.people(&installation.serve(&[]), "cheap", PEOPLE, CHEAP);
    let server = installation.serve_without_hashing();
    let eddsa = party(&server, Environment(Algorithm::EdDsa), "cheap", PEOPLE);
    let refreshing = Party { scope: "offline_access", ..eddsa.clone() };
    let asking = asking(eddsa.clone(), Environment(Algorithm::EdDsa));
    let deeds = [
        ("code flow, signed out, with consent, EdDSA", Deed::SignedOut, &asking),
        ("code flow, signed out, EdDSA", Deed::SignedOut, &eddsa),
        ("code flow, session present, EdDSA", Deed::SignedIn, &eddsa),
        ("refreshes, EdDSA", Deed::Refresh, &refreshing),
    ];
    for (name, deed, party) in deeds {
        println!("{name}: {}", cost::of(deed, &server, party, COUNTED));
    }
}

impl Bench<'_> {
    /// Runs all measurements of user operations.
    pub fn people(&mut self) {
        self.code_flows();
        self.refreshes();
        self.passwords();
    }

    fn code_flows(&mut self) {
        let (rs256, eddsa) = (Algorithm::Rs256, Algorithm::EdDsa);
        let asked = (Deed::SignedOut, true, CONSENT_REQUESTS);
        let signed_out = (Deed::SignedOut, false, SIGNED_OUT_REQUESTS);
        let signed_in = (Deed::SignedIn, false, SIGNED_IN_REQUESTS);
        let flows = [
            ("code flow, signed out, with consent, RS256", rs256, asked, Some(5.0)),
            ("code flow, signed out, with consent, EdDSA", eddsa, asked, Some(12.0)),
            ("code flow, signed out, RS256", rs256, signed_out, Some(5.0)),
            ("code flow, signed out, EdDSA", eddsa, signed_out, Some(12.0)),
            ("code flow, session present, RS256", rs256, signed_in, Some(2.5)),
            ("code flow, session present, EdDSA", eddsa, signed_in, None),
        ];
        if !flows.iter().any(|(name, ..)| self.wants(name)) {
            return;
        }
        let installation = Installation::make();
        installation.people(&installation.serve(&[]), "cheap", PEOPLE, CHEAP);
        let server = installation.serve_without_hashing();
        let peer = oidc_provider();
        for (name, algorithm, (deed, asks_consent, requests), times) in flows {
            if !self.wants(name) {
                continue;
            }
            let ours = party(&server, Environment(algorithm), "cheap", PEOPLE);
            let ours = if asks_consent { asking(ours, Environment(algorithm)) } else { ours };
            let theirs = peer.as_ref().map(|peer| (peer, Party { asks_consent, ..other_party(peer, algorithm) }));
            let theirs = theirs.as_ref().map(|(peer, party)| (*peer, party));
            let goal = times.filter(|_| theirs.is_some()).map(Goal::TimesOther);
            let bare = (Deed::Bare(requests - 1), self.bare_party(algorithm));
            self.beside(name, deed, (&server, &ours), theirs.map(|other| ("- oidc-provider", other)), Some(bare), goal);
        }
    }

    /// Refreshes of a server whose writes reach the disk, and of one whose data is in memory only.
    fn refreshes(&mut self) {
        let name = "refreshes, EdDSA, durable";
        if !self.wants(name) {
            return;
        }
        let serve = |installation: &Installation| {
            installation.people(&installation.serve(&[]), "cheap", REFRESHING, CHEAP);
            installation.serve_without_hashing()
        };
        let party = |server: &Serving| Party {
            scope: "offline_access",
            ..party(server, Environment(Algorithm::EdDsa), "cheap", REFRESHING)
        };
        let durable = Installation::make();
        let server = serve(&durable);
        let forgetful = Path::new(MEMORY).is_dir().then(|| Installation::make_in(MEMORY));
        let other = forgetful.as_ref().map(serve);
        let other = other.as_ref().map(|other| (other, party(other)));
        let other = other.as_ref().map(|(other, party)| ("- with its data in memory", (*other, party)));
        let goal = other.is_some().then_some(Goal::OfOther(0.80));
        self.beside(name, Deed::Refresh, (&server, &party(&server)), other, None, goal);
    }

    /// Measures one operation at our server and at another one in alternation, several times.
    fn beside(
        &mut self,
        name: &str,
        deed: Deed,
        (server, ours): (&Serving, &Party),
        other: Option<(&str, (&Serving, &Party))>,
        bare: Option<(Deed, Party)>,
        goal: Option<Goal>,
    ) {
        let seconds = self.effort.seconds;
        let run = |server: &Serving, party: &Party, deed: Deed, seconds: f64| {
            client::run_together(server.id(), &[&|from, until| party.start(deed, from, until)], seconds)[0]
        };
        if let Some((_, (other, theirs))) = other {
            run(other, theirs, deed, COMPILING.min(seconds));
        }
        let (mut of_other, mut of_bare) = (Ratios::default(), Ratios::default());
        let (mut rounds, mut other_rounds, mut bare_rounds) = (Vec::new(), Vec::new(), Vec::new());
        let both = |round: &Measured| (round.rate, round.per_processor_second());
        for _ in 0..self.effort.rounds {
            let round = run(server, ours, deed, seconds);
            if let Some((_, (other, theirs))) = other {
                let other_round = run(other, theirs, deed, seconds);
                of_other.push(both(&round), both(&other_round));
                other_rounds.push(other_round);
            }
            if let Some((deed, party)) = &bare {
                let bare_round = run(&self.bare, party, *deed, seconds);
                of_bare.push(both(&round), both(&bare_round));
                bare_rounds.push(bare_round);
            }
            rounds.push(round);
        }
        self.add(Line { of_other, of_bare, goal, ..Line::load(name, middle(&rounds)) });
        if let Some((name, _)) = other {
            self.add(Line::load(name, middle(&other_rounds)));
        }
        if !bare_rounds.is_empty() {
            self.add(Line::load("- a bare handler of as many requests", middle(&bare_rounds)));
        }
    }

    /// Returns the bare handler as an application sees it: only the requests and the signature of a code flow.
    fn bare_party(&self, algorithm: Algorithm) -> Party {
        Party {
            authorize: DISCOVERY,
            token: token_path(algorithm),
            ..party(&self.bare, Environment(algorithm), "nobody", 1)
        }
    }

    /// Sign-ins with passwords hashed in our own format, compared with bare hashing, and their effect on machine
    /// clients.
    fn passwords(&mut self) {
        let name = "password sign-ins; client_credentials beside them; 1,000 tokens a second beside password sign-ins";
        if !self.wants(name) {
            return;
        }
        let installation = Installation::make();
        let stored = password::hash(super::browser::PASSWORD, [7; 16]).unwrap();
        let server = installation.serve(&["--trusted-proxies", "127.0.0.1"]);
        installation.people(&server, "hashed", HASHED, ("argon2", &stored));
        let people = party(&server, Environment(Algorithm::EdDsa), "hashed", HASHED);
        let flows: Start<'_> = &|from, until| people.start(Deed::SignedOut, from, until);
        let requests = Environment(Algorithm::EdDsa).sign_ins(&people.people);
        let by_api = Load::full(server.address, requests);
        let sign_ins: Start<'_> = &|from, until| client::start(&by_api, from, until);
        // Hashing is so slow that a short round would count only a handful.
        let seconds = self.effort.seconds * 2.0;
        let lines = [
            ("password sign-ins, one request each", sign_ins, Some(Goal::OfHashing(0.95))),
            ("password sign-ins, whole code flows", flows, None),
        ];
        for (name, load, goal) in lines {
            let (mut of_hashing, mut rounds, mut rates) = (Ratios::default(), Vec::new(), Vec::new());
            for _ in 0..self.effort.rounds {
                let round = client::run_together(server.id(), &[load], seconds)[0];
                let bare = hashing_rate(seconds);
                of_hashing.push((round.rate, round.per_processor_second()), bare);
                rates.push(bare.0);
                rounds.push(round);
            }
            self.add(Line { of_signing: of_hashing, goal, ..Line::load(name, middle(&rounds)) });
            let figure = rate(median(rates.into_iter()));
            self.add(Line { name: "- its bare hashing".to_owned(), figure, ..Line::default() });
        }

        let request = Environment(Algorithm::Es256).token_request(TOKEN);
        let paced = Load {
            connections: 16,
            pace: Some(Duration::from_millis(16)),
            ..Load::full(server.address, request.clone())
        };
        let full = Load::full(server.address, request);
        for (name, load) in [("1,000 tokens a second, ES256", &paced), ("client_credentials, ES256", &full)] {
            let tokens: Start<'_> = &|from, until| client::start(load, from, until);
            let alone = client::run_together(server.id(), &[tokens], seconds)[0];
            self.add(Line::load(&format!("{name}, without sign-ins"), alone));
            let both = client::run_together(server.id(), &[tokens, flows], seconds);
            self.add(Line::load("- beside password sign-ins", both[0]));
            self.add(Line::load("- and the sign-ins", both[1]));
        }
    }
}
