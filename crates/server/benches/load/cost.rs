//! What one code flow or refresh costs the server, in figures that hold on a busy machine as well: processor time, switches
//! between threads, calls that read and write files. For whoever changes something here; `docs/benchmarks.md` has ratios.

use super::child::Serving;
use super::flow::{Deed, Party};
use std::fs::read_to_string;
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

/// What a process has used so far.
#[derive(Debug, Clone, Copy, Default)]
struct Used {
    /// Nanoseconds on a core.
    ran: f64,
    /// Hundredths of a second in the program, and in the kernel.
    user: f64,
    kernel: f64,
    /// Switches that a thread has asked for by waiting, and others.
    waited: f64,
    preempted: f64,
    /// Calls that read and that wrote files, and bytes written.
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

/// Lets people do something for so long; tells what each time has cost the server.
pub fn of(name: &str, deed: Deed, server: &Serving, party: &Party, seconds: f64) -> String {
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
        (count as f64, before, after)
    });
    let each = |of: fn(&Used) -> f64| (of(&after) - of(&before)) / count;
    format!(
        "{name}: {count} times; each {:.0} µs ({:.0}% in the kernel), {:.2} waits and {:.2} other switches, {:.1} reads and {:.1} writes of files, {:.1} KiB",
        each(|used| used.ran) / 1000.0,
        100.0 * each(|used| used.kernel) / (each(|used| used.kernel) + each(|used| used.user)),
        each(|used| used.waited),
        each(|used| used.preempted),
        each(|used| used.reads),
        each(|used| used.writes),
        each(|used| used.written) / 1024.0,
    )
}
