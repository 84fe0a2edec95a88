//! Compares the cost of the same operations for an installation with a thousand users and one with millions:
//! `--growth`.

use super::cost::{self, Cost};
use super::flow::{Deed, Party};
use super::installation::Installation;
use super::people::{CHEAP, PEOPLE, asking, party};
use super::report::median;
use countersign_protocol::jose::Algorithm;
use rusqlite::Connection;
use std::sync::Arc;
use std::time::Instant;

/// The numbers of users and applications in the large installation.
const MANY_PEOPLE: usize = 10_000_000;
const MANY_APPLICATIONS: usize = 1_000_000;
/// The number of users who sign in: as many as in the small installation, spread evenly over all users. No two share a
/// database page.
const WHO_COME: usize = PEOPLE;
/// The number of alternating rounds, and the seconds of each.
const ROUNDS: usize = 5;
const SECONDS: f64 = 3.0;

/// Inserts copies of the environment's first user and of its machine application.
fn fill(installation: &Installation, environment: &str, people: usize, applications: usize) {
    let connection = Connection::open(installation.data().join("countersign.db")).unwrap();
    // As fast as possible: this is not measured.
    connection
        .execute_batch("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -1000000;")
        .unwrap();
    let numbers = "WITH RECURSIVE count (n) AS (SELECT ?2 UNION ALL SELECT n + 1 FROM count WHERE n < ?3)";
    let user = "SELECT u.* FROM user_account u JOIN environment e ON e.id = u.environment_id \
                WHERE e.name = ?1 AND u.email = 'cheap0@example.com'";
    let insert = |statement: &str, from: usize, to: usize| {
        let made = connection.execute(statement, (environment, from as i64, to as i64)).unwrap();
        assert_eq!(made, to + 1 - from, "{statement}");
    };
    let everybody = format!(
        "INSERT INTO user_account (environment_id, id, email, email_key, email_verified, metadata, created_at, updated_at) {numbers} \
         SELECT t.environment_id, printf('user_%026d', n), 'cheap' || n || '@example.com', 'cheap' || n || '@example.com', 1, '{{}}', \
         t.created_at, t.updated_at FROM count, ({user}) t"
    );
    insert(&everybody, PEOPLE, people - 1);
    let passwords = format!(
        "INSERT INTO user_password (environment_id, user_id, hash, updated_at) {numbers} \
         SELECT t.environment_id, printf('user_%026d', n), p.hash, p.updated_at FROM count, ({user}) t JOIN user_password p \
         ON p.environment_id = t.environment_id AND p.user_id = t.id"
    );
    insert(&passwords, PEOPLE, people - 1);
    let machines = format!(
        "INSERT INTO connect_application {numbers} SELECT a.environment_id, printf('conn_app_%026d', n), printf('client_%026d', n), \
                 a.name || ' ' || n, a.description, a.application_type, a.ownership, a.organization_id, a.client_type, a.redirect_uris, \
                 a.cors_origins, a.backchannel_logout_uri, a.metadata_url, a.created_at, a.updated_at \
                 FROM count, connect_application a JOIN environment e ON e.id = a.environment_id WHERE e.name = ?1 AND a.name = 'Load'"
    );
    insert(&machines, 1, applications);
    connection.execute_batch("PRAGMA journal_mode = WAL;").unwrap();
}

/// Measures both installations in alternation and prints the cost of each operation.
pub fn growth() {
    let algorithm = Algorithm::EdDsa;
    let environment = super::installation::Environment(algorithm);
    let [few, many] = [Installation::make(), Installation::make()];
    for installation in [&few, &many] {
        installation.people(&installation.serve(&[]), "cheap", PEOPLE, CHEAP);
    }
    let began = Instant::now();
    fill(&many, "eddsa", MANY_PEOPLE, MANY_APPLICATIONS);
    println!(
        "{MANY_PEOPLE} people and {MANY_APPLICATIONS} applications written in {:.0} s",
        began.elapsed().as_secs_f64()
    );
    let began = Instant::now();
    drop(many.serve(&[]));
    println!("the program starts on them in {:.0} ms", began.elapsed().as_secs_f64() * 1000.0);
    let servers = [&few, &many].map(Installation::serve_without_hashing);
    let everyone: Arc<[String]> =
        (0..WHO_COME).map(|one| format!("cheap{}@example.com", one * (MANY_PEOPLE / WHO_COME))).collect();
    let parties = [
        party(&servers[0], environment, "cheap", PEOPLE),
        Party { people: everyone, ..party(&servers[1], environment, "cheap", 1) },
    ];
    let refreshing = |party: &Party| Party { scope: "offline_access", ..party.clone() };
    let consenting = |party: &Party| asking(party.clone(), environment);
    let deeds = [
        ("code flow, signed out, with consent", Deed::SignedOut, [0, 1].map(|which| consenting(&parties[which]))),
        ("code flow, signed out", Deed::SignedOut, parties.clone()),
        ("code flow, session present", Deed::SignedIn, parties.clone()),
        ("refreshes", Deed::Refresh, [0, 1].map(|which| refreshing(&parties[which]))),
    ];
    for (name, deed, parties) in deeds {
        let mut costs: Vec<[Cost; 2]> = Vec::new();
        for _ in 0..ROUNDS {
            costs.push([0, 1].map(|which| cost::of(deed, &servers[which], &parties[which], SECONDS)));
        }
        let middle = |which: usize| median(costs.iter().map(|round| round[which].microseconds));
        let ratio = median(costs.iter().map(|[few, many]| many.microseconds / few.microseconds));
        println!(
            "{name}: {:.0} µs with {PEOPLE} people, {:.0} with {MANY_PEOPLE}: {ratio:.2} times",
            middle(0),
            middle(1)
        );
    }
}
