//! Background work: one file per job. Each job runs on every node and allows for other nodes running it too.

pub mod audit_exports;
pub mod audit_log;
pub mod audit_streams;
pub mod backchannel_logout;
pub mod change_feed;
pub mod clock_skew;
pub mod domain_verification;
pub mod events;
pub mod key_rotation;
pub mod last_used;
pub mod mail;
pub mod retention;
pub mod webhook_maintenance;
pub mod webhooks;

use crate::app::App;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// How long shutdown waits for jobs once no requests are in flight.
pub const FAREWELL: Duration = Duration::from_secs(6);

/// Starts all jobs; they end when `stop` becomes true.
pub fn start(app: &Arc<App>, rotation_days: u32, stop: &watch::Receiver<bool>) -> JoinSet<()> {
    let mut jobs = JoinSet::new();
    let outage = Arc::new(change_feed::Outage::default());
    let poll: Run = Box::new(move |app| Box::pin(change_feed::run(app, Arc::clone(&outage))));
    jobs.spawn(repeat(crate::cache::freshness::POLL, stop.clone(), Arc::clone(app), poll));
    jobs.spawn(every(Duration::from_secs(1), stop.clone(), Arc::clone(app), last_used::run));
    jobs.spawn(every(Duration::from_secs(2), stop.clone(), Arc::clone(app), domain_verification::run));
    jobs.spawn(mail::run(Arc::clone(app), stop.clone()));
    jobs.spawn(every(Duration::from_millis(200), stop.clone(), Arc::clone(app), events::run));
    let told = audit_log::Told::default();
    jobs.spawn(every(Duration::from_millis(200), stop.clone(), Arc::clone(app), move |app| {
        audit_log::run(app, Arc::clone(&told))
    }));
    let making = audit_exports::RunningExports::default();
    jobs.spawn(every(Duration::from_millis(500), stop.clone(), Arc::clone(app), move |app| {
        audit_exports::run(app, making.clone())
    }));
    let sending = audit_streams::InFlight::default();
    jobs.spawn(every(Duration::from_secs(1), stop.clone(), Arc::clone(app), move |app| {
        audit_streams::run(app, sending.clone())
    }));
    let in_flight = backchannel_logout::InFlight::default();
    jobs.spawn(every(Duration::from_secs(1), stop.clone(), Arc::clone(app), move |app| {
        backchannel_logout::run(app, in_flight.clone())
    }));
    jobs.spawn(webhooks::run(Arc::clone(app), stop.clone()));
    jobs.spawn(every(Duration::from_secs(1), stop.clone(), Arc::clone(app), webhook_maintenance::run));
    jobs.spawn(every(Duration::from_secs(60), stop.clone(), Arc::clone(app), webhook_maintenance::sweep));
    jobs.spawn(every(Duration::from_secs(60), stop.clone(), Arc::clone(app), retention::run));
    jobs.spawn(every(Duration::from_secs(10), stop.clone(), Arc::clone(app), move |app| {
        key_rotation::run(app, rotation_days)
    }));
    jobs
}

/// The body of a job, boxed so that all jobs share one task type.
type Run = Box<dyn Fn(Arc<App>) -> Running + Send>;
type Running = Pin<Box<dyn Future<Output = ()> + Send>>;

fn every<F: Future<Output = ()> + Send + 'static>(
    pause: Duration,
    stop: watch::Receiver<bool>,
    app: Arc<App>,
    run: impl Fn(Arc<App>) -> F + Send + 'static,
) -> Running {
    // Skip work that could only fail, so that not every job logs it.
    let run: Run = Box::new(move |app| match app.freshness.is_current_at(Instant::now()) {
        true => Box::pin(run(app)),
        false => Box::pin(std::future::ready(())),
    });
    Box::pin(repeat(pause, stop, app, run))
}

async fn repeat(pause: Duration, mut stop: watch::Receiver<bool>, app: Arc<App>, run: Run) {
    let mut ticks = tokio::time::interval(pause);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = until_stopped(&mut stop) => break,
        }
        run(Arc::clone(&app)).await;
    }
}

async fn until_stopped(stop: &mut watch::Receiver<bool>) {
    // An error means that the sender is gone, which also means stop.
    let _ = stop.wait_for(|stop| *stop).await;
}
