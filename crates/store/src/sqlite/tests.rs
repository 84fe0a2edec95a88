//! The writer with a disk that the test holds in its hand.

use super::{Sqlite, disk};
use crate::error::{Error, Result};
use crate::sql::{Query, Sql, Value};
use crate::{Engine, Store};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

const MAKE: Sql = sqlite_only("CREATE TABLE made (name TEXT NOT NULL) STRICT");
const INSERT: Sql = sqlite_only("INSERT INTO made (name) VALUES (?1)");
const ALL: Sql = sqlite_only("SELECT name FROM made ORDER BY name");

const fn sqlite_only(text: &'static str) -> Sql {
    Sql { sqlite: text, postgres: "" }
}

const PATIENCE: Duration = Duration::from_secs(20);

/// What the disk says when it is told to: it has everything, or it has failed.
type Outcome = std::result::Result<(), &'static str>;

/// A disk that does nothing until it is told to.
struct Hand {
    /// It was asked to bring everything to the disk.
    asked: Receiver<()>,
    tell: Sender<Outcome>,
}

impl Hand {
    fn wait_until_asked(&self) {
        self.asked.recv_timeout(PATIENCE).expect("the disk was not asked");
    }

    fn is_not_asked(&self) {
        assert!(self.asked.try_recv().is_err(), "the disk was asked");
    }

    fn tell(&self, outcome: Outcome) {
        self.tell.send(outcome).unwrap();
    }

    fn serve(&self) {
        self.wait_until_asked();
        self.tell(Ok(()));
    }
}

/// A store with a table, and its disk.
fn store(directory: &tempfile::TempDir) -> (Store, Hand) {
    let (asking, asked) = channel();
    let (tell, told) = channel::<Outcome>();
    let sync: disk::Sync = Box::new(move || {
        let _ = asking.send(());
        told.recv().unwrap_or(Ok(())).map_err(|why| Error::Unavailable(why.to_owned()))
    });
    let path = Arc::new(directory.path().join("held.db"));
    let store = Store(Arc::new(Engine::Sqlite(Sqlite::open_with(path, sync).unwrap())));
    let hand = Hand { asked, tell };
    let made = ask(&store, MAKE, None, true);
    hand.serve();
    made.wait().unwrap();
    (store, hand)
}

/// Something that was asked for, and its answer when it has come.
struct Asked {
    future: Pin<Box<dyn Future<Output = Result<()>>>>,
    answer: Option<Result<()>>,
}

impl Asked {
    fn of(future: impl Future<Output = Result<()>> + 'static) -> Self {
        let mut asked = Self { future: Box::pin(future), answer: None };
        asked.is_answered();
        asked
    }

    fn is_answered(&mut self) -> bool {
        if self.answer.is_none()
            && let Poll::Ready(answer) = self.future.as_mut().poll(&mut Context::from_waker(Waker::noop()))
        {
            self.answer = Some(answer);
        }
        self.answer.is_some()
    }

    /// Its answer; nobody waits longer than is patient.
    fn wait(mut self) -> Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let answer = self.answer.take();
        let future = self.future;
        answer.unwrap_or_else(|| {
            runtime.block_on(async { tokio::time::timeout(PATIENCE, future).await.expect("no answer") })
        })
    }
}

fn ask(store: &Store, sql: Sql, name: Option<&'static str>, durable: bool) -> Asked {
    let store = store.clone();
    Asked::of(async move {
        store
            .transact(durable, move |tx| {
                Box::pin(async move {
                    let name = name.map(Value::from);
                    tx.execute(sql, name.as_slice()).await.map(|_| ())
                })
            })
            .await
    })
}

fn insert(store: &Store, name: &'static str, durable: bool) -> Asked {
    ask(store, INSERT, Some(name), durable)
}

fn settled(store: &Store) -> Asked {
    let store = store.clone();
    Asked::of(async move { store.settled().await })
}

/// What a reader sees.
fn seen(store: &Store) -> Vec<String> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let rows = store.reader().await.unwrap().query(ALL, &[]).await.unwrap();
        rows.iter().map(|row| row.text(0).unwrap().to_owned()).collect()
    })
}

fn until_seen(store: &Store, names: &[&str]) {
    let began = Instant::now();
    while seen(store) != names {
        assert!(began.elapsed() < PATIENCE, "{:?} is seen", seen(store));
        std::thread::yield_now();
    }
}

#[test]
fn nobody_is_answered_before_the_disk_has_it() {
    let directory = tempfile::tempdir().unwrap();
    let (store, disk) = store(&directory);
    let mut write = insert(&store, "a", true);
    disk.wait_until_asked();
    until_seen(&store, &["a"]);
    assert!(!write.is_answered());
    disk.tell(Ok(()));
    write.wait().unwrap();
}

#[test]
fn what_comes_while_the_disk_is_busy_shares_the_next_commit() {
    let directory = tempfile::tempdir().unwrap();
    let (store, disk) = store(&directory);
    let first = insert(&store, "a", true);
    disk.wait_until_asked();
    let mut others = [insert(&store, "b", true), insert(&store, "c", true)];
    disk.is_not_asked();
    assert!(others.iter_mut().all(|write| !write.is_answered()));
    disk.tell(Ok(()));
    first.wait().unwrap();
    disk.serve();
    for write in others {
        write.wait().unwrap();
    }
    disk.is_not_asked();
    assert_eq!(seen(&store), ["a", "b", "c"]);
}

#[test]
fn a_note_waits_for_no_disk() {
    let directory = tempfile::tempdir().unwrap();
    let (store, disk) = store(&directory);
    insert(&store, "a", false).wait().unwrap();
    disk.is_not_asked();
    let mut durable = insert(&store, "b", true);
    disk.wait_until_asked();
    insert(&store, "c", false).wait().unwrap();
    assert_eq!(seen(&store), ["a", "b", "c"]);
    assert!(!durable.is_answered());
    disk.tell(Ok(()));
    durable.wait().unwrap();
    disk.is_not_asked();
}

#[test]
fn settled_is_what_the_disk_has() {
    let directory = tempfile::tempdir().unwrap();
    let (store, disk) = store(&directory);
    settled(&store).wait().unwrap();
    disk.is_not_asked();
    let write = insert(&store, "a", true);
    disk.wait_until_asked();
    until_seen(&store, &["a"]);
    let mut settled = settled(&store);
    assert!(!settled.is_answered(), "what is seen may still be lost");
    disk.tell(Ok(()));
    write.wait().unwrap();
    disk.serve();
    settled.wait().unwrap();
}

#[test]
fn after_the_disk_has_failed_nothing_is_written_and_nobody_is_told_otherwise() {
    let directory = tempfile::tempdir().unwrap();
    let (store, disk) = store(&directory);
    let first = insert(&store, "a", true);
    disk.wait_until_asked();
    let waiting = insert(&store, "b", true);
    disk.tell(Err("it is broken"));
    for write in [first, waiting] {
        assert!(matches!(write.wait(), Err(Error::Unavailable(_))));
    }
    for durable in [true, false] {
        let refused = insert(&store, "c", durable).wait();
        assert!(matches!(&refused, Err(Error::Unavailable(why)) if why.contains("started anew")), "{refused:?}");
    }
    assert!(settled(&store).wait().is_err());
    disk.is_not_asked();
    assert_eq!(seen(&store), ["a"], "what was committed can be read; nothing is added");
}

#[test]
fn the_log_is_brought_to_the_disk() {
    let directory = tempfile::tempdir().unwrap();
    let path = Arc::new(directory.path().join("real.db"));
    let mut sync = disk::log_of(&path);
    assert!(sync().is_err(), "there is none yet");
    let store = Store(Arc::new(Engine::Sqlite(Sqlite::open(&path).unwrap())));
    ask(&store, MAKE, None, true).wait().unwrap();
    insert(&store, "a", true).wait().unwrap();
    sync().unwrap();
    assert!(std::fs::metadata(directory.path().join("real.db-wal")).unwrap().len() > 0);
}
