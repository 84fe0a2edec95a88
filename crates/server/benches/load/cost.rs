//! What one code flow or refresh costs the server, in measures that are valid on a busy machine as well: CPU time,
//! context switches, and file reads and writes. For developers; `docs/benchmarks.md` has ratios.

use super::child::Serving;
use super::flow::{Deed, Party};
use std::fmt;
use std::fs::read_to_string;
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

/// The resources that a process has used so far.
#[derive(Debug, Clone, Copy, Default)]
struct Used {
    /// CPU time in nanoseconds.
    ran: f64,
    /// CPU time in user mode and in kernel mode, in hundredths of a second.
    user: f64,
    kernel: f64,
    /// Voluntary context switches, and involuntary ones.
    waited: f64,
    preempted: f64,
    /// Read calls, write calls, and bytes written.
    reads: f64,
    writes: f64,
    written: f64,
}

impl Used {
    fn by(process: u32) -> Self {
        let mut used = Self::default();
        for thread in std::fs::read_dir(format!("/proc/{process}/task")).unwrap() {
            let thread = thread.unwrap().path();
            let Ok(schedule) = read_to_string(thread.join("schedstat")) else { continue };
            used.ran += schedule.split(' ').next().unwrap().parse::<f64>().unwrap();
            let Ok(status) = read_to_string(thread.join("status")) else { continue };
            used.waited += figure(&status, "voluntary_ctxt_switches:");
            used.preempted += figure(&status, "nonvoluntary_ctxt_switches:");
        }
        let stat = read_to_string(format!("/proc/{process}/stat")).unwrap();
        let fields: Vec<&str> = stat.rsplit_once(") ").unwrap().1.split(' ').collect();
        (used.user, used.kernel) = (fields[11].parse().unwrap(), fields[12].parse().unwrap());
        let io = read_to_string(format!("/proc/{process}/io")).unwrap();
        (used.reads, used.writes, used.written) = (figure(&io, "syscr:"), figure(&io, "syscw:"), figure(&io, "wchar:"));
        used
    }
}

fn figure(text: &str, name: &str) -> f64 {
    let value = text.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    value.trim().parse().unwrap()
}

/// The cost of each repetition.
#[derive(Debug, Clone, Copy)]
pub struct Cost {
    /// The number of repetitions.
    pub times: usize,
    /// The CPU time of each, in microseconds.
    pub microseconds: f64,
    used: Used,
}

impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { times, microseconds, used } = self;
        write!(
            f,
            "{times} times; each {microseconds:.0} µs ({:.0}% in the kernel), {:.2} waits and {:.2} other switches, {:.1} reads and {:.1} writes of files, {:.1} KiB",
            100.0 * used.kernel / (used.kernel + used.user),
            used.waited,
            used.preempted,
            used.reads,
            used.writes,
            used.written / 1024.0,
        )
    }
}

/// Runs a load of users for this many seconds; returns what each repetition cost the server.
pub fn of(deed: Deed, server: &Serving, party: &Party, seconds: f64) -> Cost {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (count, before, after) = runtime.block_on(async {
        let from = Instant::now() + Duration::from_secs(1);
        let until = from + Duration::from_secs_f64(seconds);
        let load = party.start(deed, from, until);
        sleep_until(from).await;
        let before = Used::by(server.id());
        sleep_until(until).await;
        let after = Used::by(server.id());
        let mut count = 0;
        for connection in load {
            count += connection.await.unwrap().len();
        }
        (count, before, after)
    });
    let each = |of: fn(&Used) -> f64| (of(&after) - of(&before)) / count as f64;
    let used = Used {
        ran: each(|used| used.ran),
        user: each(|used| used.user),
        kernel: each(|used| used.kernel),
        waited: each(|used| used.waited),
        preempted: each(|used| used.preempted),
        reads: each(|used| used.reads),
        writes: each(|used| used.writes),
        written: each(|used| used.written),
    };
    Cost { times: count, microseconds: used.ran / 1000.0, used }
}
