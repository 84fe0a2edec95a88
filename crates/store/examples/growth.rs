//! What reading events, sending them to webhooks and keeping an audit log costs with ten thousand events and with a million:
//!
//! ```sh
//! cargo run --release -p countersign-store --example growth -- sqlite:/tmp/growth.db 10000 1000000
//! scripts/with-postgres sh -c 'cargo run --release -p countersign-store --example growth -- "$COUNTERSIGN_TEST_POSTGRES" 10000 1000000'
//! ```
//!
//! All events go to one endpoint that never takes any; beside it stands one that is sent a single event. The audit log has as
//! many records as there are events, of as many organizations. The numbers are medians of a hundred, in microseconds.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, reason = "a program that measures")]

use countersign_protocol::audit::chain::{ChainKey, Ends, Kind, Record, link};
use countersign_protocol::id::{AuditEventId, EnvironmentId, EventId, Id, OrganizationId, WebhookEndpointId};
use countersign_protocol::jose::Algorithm;
use countersign_protocol::management::events::Filter;
use countersign_protocol::management::page::Scan;
use countersign_protocol::model::{
    Authentication, DefaultMails, DeliveryState, DocumentPolicy, Environment, EnvironmentKind, Issuer, PortalSettings,
    SelfRegistration, SessionPolicy, WebhookEndpoint, WebhookStatus,
};
use countersign_protocol::time::Timestamp;
use countersign_protocol::webhook::rotation::Rotation;
use countersign_protocol::webhook::schedule::TRIES;
use countersign_store::event::{self, EventRange, NewEvent};
use countersign_store::webhook_endpoint::Key;
use countersign_store::{
    Error, Location, Store, Tx, audit_log_event, audit_log_retention, environment, webhook_delivery, webhook_endpoint,
};
use std::sync::Arc;
use std::time::Instant;

/// How many objects the events are about.
const OBJECTS: u128 = 1000;
const ROUNDS: usize = 100;

/// A transaction that fails with the store's own errors.
macro_rules! write {
    ($store:expr, |$tx:ident| $body:expr) => {
        $store.write::<_, Error, _>(move |$tx| Box::pin(async move { $body })).await.unwrap()
    };
}

fn now() -> Timestamp {
    Timestamp::from_millis(1_768_478_400_000)
}

async fn plant(store: &Store, id: EnvironmentId) {
    let environment = Environment {
        id,
        name: "growth".to_owned(),
        kind: EnvironmentKind::Staging,
        client_id: Id::from_ulid(1),
        issuer: Issuer::parse("https://growth.example.com").unwrap(),
        signing_algorithm: Algorithm::Rs256,
        session_issuer: None,
        access_token_lifetime: 3600,
        sessions: SessionPolicy { maximum_length: 86_400, inactivity_timeout: 7200 },
        authentication: Authentication { sign_up: true, password: true, magic_auth: true, mfa_required: false },
        self_registration: SelfRegistration { documents: DocumentPolicy::Listed(Vec::new()), dynamic: false },
        portal: PortalSettings::default(),
        product_pages: Arc::default(),
        default_mails: DefaultMails::default(),
        brand: Arc::default(),
        created_at: now(),
        updated_at: now(),
    };
    write!(store, |tx| environment::insert(tx, &environment).await);
}

async fn endpoint(store: &Store, environment_id: EnvironmentId, number: u128, event: &str) -> Key {
    let id = WebhookEndpointId::from_ulid(number);
    let endpoint = WebhookEndpoint {
        id,
        endpoint_url: format!("https://example.com/{number}"),
        secrets: Rotation { secret: vec![0; 80], next: None },
        status: WebhookStatus::Enabled,
        events: vec![event.to_owned()],
        failing: None,
        created_at: now(),
        updated_at: now(),
    };
    write!(store, |tx| webhook_endpoint::insert(tx, environment_id, &endpoint).await);
    (environment_id, id)
}

/// Appends events about many objects and gives them their positions.
async fn happen(store: &Store, environment_id: EnvironmentId, from: u128, count: u128, name: &'static str) {
    write!(store, |tx| {
        for number in from..from + count {
            let organization: OrganizationId = Id::from_ulid(number % OBJECTS);
            let subject = organization.to_string();
            let data = serde_json::json!({
                "object": "organization", "id": subject, "name": format!("Organization {number}"), "domains": [], "metadata": {},
                "allow_profiles_outside_organization": false, "external_id": null, "created_at": now(), "updated_at": now(),
            });
            let new = NewEvent {
                id: EventId::from_ulid(number + 1),
                event: name,
                organization_id: Some(organization),
                subject: &subject,
                data: &data,
                created_at: Timestamp::from_millis(now().as_millis() + i64::try_from(number).unwrap()),
            };
            event::append(tx, environment_id, &new).await?;
        }
        Ok(())
    });
    write!(store, |tx| event::place(tx, TRIES, Timestamp::from_millis(i64::MAX)).await);
}

fn key() -> ChainKey {
    ChainKey::new(&[7; 32])
}

/// Writes records to the audit log, without places.
async fn record(store: &Store, environment_id: EnvironmentId, from: u128, count: u128) {
    write!(store, |tx| {
        for number in from..from + count {
            let at = Timestamp::from_millis(now().as_millis() + i64::try_from(number).unwrap());
            let record = Record {
                id: AuditEventId::from_ulid(number + 1),
                kind: if number % 10 == 0 { Kind::Administrative } else { Kind::Organization },
                organization_id: Some(Id::from_ulid(number % OBJECTS)),
                occurred_at: at,
                recorded_at: at,
                content: serde_json::json!({
                    "action": "team.renamed", "occurred_at": at, "actor": {"id": "user_1", "type": "user", "name": "Ada"},
                    "targets": [{"id": format!("team_{number}"), "type": "team"}], "context": {"location": "192.0.2.1"},
                })
                .to_string(),
            };
            let hash = record.hash(environment_id);
            let seal = key().written(environment_id, record.id, &hash);
            audit_log_event::append(tx, environment_id, &record, &hash, &seal).await?;
        }
        Ok(())
    });
}

/// Links what waits, so many records with one statement.
async fn link_some(tx: &mut Tx, environment_id: EnvironmentId, at_once: usize) -> Result<usize, Error> {
    let mut ends = match audit_log_event::lock_head(tx, environment_id).await? {
        Some((ends, _)) => ends,
        None => {
            let seal = key().ends(environment_id, &Ends::EMPTY);
            audit_log_event::begin(tx, environment_id, &Ends::EMPTY, &seal).await?;
            Ends::EMPTY
        }
    };
    let waiting = audit_log_event::unchained(tx, environment_id).await?;
    let (mut first, mut links) = (ends.sequence + 1, Vec::new());
    for (id, content, _) in &waiting {
        ends.sequence += 1;
        ends.hash = link(environment_id, ends.sequence, &ends.hash, content);
        links.push((*id, ends.hash));
    }
    for some in links.chunks(at_once) {
        audit_log_event::place(tx, environment_id, first, some).await?;
        first += i64::try_from(some.len()).unwrap();
    }
    audit_log_event::set_head(tx, environment_id, &ends, &key().ends(environment_id, &ends)).await?;
    Ok(waiting.len())
}

/// Fills the audit log up; half of the records are linked one by one, as they were once, and half many at once.
async fn fill_audit_log(store: &Store, environment_id: EnvironmentId, from: u128, size: u128) {
    let (mut written, mut linked) = (0, [(1, 0, 0), (audit_log_event::AT_ONCE, 0, 0)]);
    for (round, start) in (from..size).step_by(1000).enumerate() {
        let began = Instant::now();
        record(store, environment_id, start, 1000.min(size - start)).await;
        written += began.elapsed().as_micros();
        let (at_once, took, count) = &mut linked[round % 2];
        let (began, at_once) = (Instant::now(), *at_once);
        let placed = write!(store, |tx| link_some(tx, environment_id, at_once).await);
        *took += began.elapsed().as_micros();
        *count += placed as u128;
    }
    println!("{size:>9} {:>8} µs  each audit record, written, a thousand at a time", written / (size - from).max(1));
    for (at_once, took, count) in linked {
        println!(
            "{size:>9} {:>8} µs  each audit record, linked, {at_once} with a statement",
            took / u128::max(count, 1)
        );
    }
}

async fn measure_audit_log(store: &Store, environment_id: EnvironmentId, count: u128) {
    let middle = i64::try_from(count / 2).unwrap();
    let one: OrganizationId = Id::from_ulid(7);
    let stretch = |after: i64| audit_log_event::EventRange {
        after: (Timestamp::from_millis(now().as_millis() + after), "~".to_owned()),
        until: Timestamp::from_millis(i64::MAX),
        through: i64::MAX,
        limit: 100,
    };
    let lines = [
        ("audit log: does anything wait for its place?", {
            median(async |_| {
                assert!(
                    !audit_log_event::is_waiting(&mut store.reader().await.unwrap(), environment_id).await.unwrap()
                );
            })
            .await
        }),
        ("audit log: what administrators did, 500 from the middle back", {
            median(async |_| {
                let reader = &mut store.reader().await.unwrap();
                let found = audit_log_event::administrative(reader, environment_id, middle, 500).await.unwrap();
                assert!(!found.is_empty());
            })
            .await
        }),
        ("audit log: an organization's export, a hundred events at most", {
            median(async |_| {
                let reader = &mut store.reader().await.unwrap();
                let found = audit_log_event::of_organization(reader, environment_id, one, &stretch(0)).await.unwrap();
                assert!(!found.is_empty());
            })
            .await
        }),
        ("audit log: an organization's stream, a hundred events at most", {
            median(async |_| {
                let reader = &mut store.reader().await.unwrap();
                assert!(!audit_log_event::coming(reader, environment_id, one, 0, 100).await.unwrap().is_empty());
            })
            .await
        }),
        ("audit log: whose events have had their time? (nobody's, of nine hundred)", {
            median(async |_| {
                let reader = &mut store.reader().await.unwrap();
                assert!(audit_log_retention::due(reader, environment_id, 365, now()).await.unwrap().is_empty());
            })
            .await
        }),
        ("audit log: a walk along 1,000 places in the middle", {
            median(async |_| {
                let reader = &mut store.reader().await.unwrap();
                let found = audit_log_event::page(reader, environment_id, (middle, i64::MAX), 1000).await.unwrap();
                assert!(!found.is_empty());
            })
            .await
        }),
    ];
    for (what, microseconds) in lines {
        println!("{count:>9} {microseconds:>8} µs  {what}");
    }
}

/// The median of many rounds, in microseconds.
async fn median(mut round: impl AsyncFnMut(usize)) -> u128 {
    let mut took = Vec::new();
    for number in 0..ROUNDS {
        let began = Instant::now();
        round(number).await;
        took.push(began.elapsed().as_micros());
    }
    took.sort_unstable();
    took.get(ROUNDS / 2).copied().unwrap_or_default()
}

async fn measure(store: &Store, environment_id: EnvironmentId, dead: Key, healthy: Key, count: u128) {
    let later = Timestamp::from_millis(now().as_millis() + 10_000_000_000_000);
    let middle = EventId::from_ulid(count / 2);
    let list = async |filter: Filter, scan: Scan, from: Option<i64>| {
        let reader = &mut store.reader().await.unwrap();
        let found = event::list(reader, environment_id, &filter, EventRange { scan, from, limit: 100 }).await.unwrap();
        assert!(!found.is_empty());
    };
    let position = event::position(&mut store.reader().await.unwrap(), environment_id, middle).await.unwrap();
    let named = || Filter { names: vec!["organization.updated".to_owned()], ..Filter::default() };
    let of_organization = || Filter { organization_id: Some(Id::from_ulid(7)), ..Filter::default() };
    let since = || Filter {
        start: Some(Timestamp::from_millis(now().as_millis() + i64::try_from(count / 2).unwrap())),
        ..Filter::default()
    };
    let mut lines = vec![
        ("events: first page", median(async |_| list(Filter::default(), Scan::Ascending, None).await).await),
        ("events: last page", median(async |_| list(Filter::default(), Scan::Descending, None).await).await),
        ("events: behind a cursor in the middle", {
            median(async |_| {
                let reader = &mut store.reader().await.unwrap();
                let from = event::position(reader, environment_id, middle).await.unwrap();
                list(Filter::default(), Scan::Ascending, from).await;
            })
            .await
        }),
        ("events: by name, in the middle", median(async |_| list(named(), Scan::Ascending, position).await).await),
        ("events: of an organization", median(async |_| list(of_organization(), Scan::Ascending, None).await).await),
        ("events: since a moment", median(async |_| list(since(), Scan::Ascending, None).await).await),
    ];
    // Behind all there are.
    let next = 1000 * u128::try_from(event::head(&mut store.reader().await.unwrap()).await.unwrap()).unwrap();
    lines.push((
        "an event for the healthy endpoint: append and place",
        median(async |round| happen(store, environment_id, next + round as u128, 1, "user.created").await).await,
    ));
    lines.push((
        "find who has something that is due",
        median(async |_| {
            let found = webhook_endpoint::due(&mut store.reader().await.unwrap(), later).await.unwrap();
            assert_eq!(found.len(), 2);
        })
        .await,
    ));
    lines.push((
        "a delivery to the healthy endpoint: take and settle",
        median(async |_| {
            let taken = write!(store, |tx| webhook_delivery::claim(tx, healthy, later, later.plus_secs(30), 1).await);
            let claimed = *taken.first().expect("one is due");
            write!(store, |tx| {
                webhook_endpoint::succeeded(tx, claimed.key, "https://example.com/0").await?;
                webhook_delivery::settle(tx, &claimed, DeliveryState::Delivered, later).await
            });
        })
        .await,
    ));
    lines.push((
        "a delivery to the dead endpoint: take and put off",
        median(async |_| {
            let taken = write!(store, |tx| webhook_delivery::claim(tx, dead, later, later.plus_secs(30), 1).await);
            let claimed = *taken.first().expect("one is due");
            write!(store, |tx| webhook_delivery::retry(tx, &claimed, later.plus_secs(60)).await);
        })
        .await,
    ));
    lines.push((
        "the log of deliveries: a page in the middle",
        median(async |_| {
            let reader = &mut store.reader().await.unwrap();
            let found = webhook_delivery::list(reader, dead, (Scan::Descending, position, 100), None).await.unwrap();
            assert_eq!(found.len(), 100);
        })
        .await,
    ));
    for (what, microseconds) in lines {
        println!("{count:>9} {microseconds:>8} µs  {what}");
    }
}

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let location = match arguments.next().expect("sqlite:FILE or postgres://…") {
        url if url.starts_with("sqlite:") => Location::Sqlite(url.trim_start_matches("sqlite:").into()),
        url => Location::Postgres { url, connections: 4, authorities: None },
    };
    let store = Store::open(&location).await.unwrap();
    store.migrate(now()).await.unwrap();
    let environment_id = EnvironmentId::from_ulid(1);
    let mut made = u128::try_from(event::head(&mut store.reader().await.unwrap()).await.unwrap()).unwrap();
    // A database that was filled before goes on where it was.
    let (dead, healthy) = if made == 0 {
        plant(&store, environment_id).await;
        let dead = endpoint(&store, environment_id, 1, "organization.updated").await;
        (dead, endpoint(&store, environment_id, 2, "user.created").await)
    } else {
        ((environment_id, Id::from_ulid(1)), (environment_id, Id::from_ulid(2)))
    };
    let mut recorded = audit_log_event::head(&mut store.reader().await.unwrap(), environment_id)
        .await
        .unwrap()
        .map_or(0, |(ends, _)| u128::try_from(ends.sequence).unwrap());
    for size in arguments.map(|size| size.parse::<u128>().unwrap()) {
        let began = Instant::now();
        let from = made;
        while made < size {
            happen(&store, environment_id, made, 1000.min(size - made), "organization.updated").await;
            made += 1000;
        }
        println!(
            "{size:>9} {:>8} µs  each event, written, placed and made a delivery, a thousand at a time",
            began.elapsed().as_micros() / (size - from)
        );
        measure(&store, environment_id, dead, healthy, size).await;
        fill_audit_log(&store, environment_id, recorded, size).await;
        recorded = recorded.max(size);
        measure_audit_log(&store, environment_id, size).await;
    }
}
