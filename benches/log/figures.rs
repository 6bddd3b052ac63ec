//! What it took to take what a program wrote.

use std::time::Duration;

/// One way to do it, once.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Figures {
    pub(crate) bytes: u64,
    pub(crate) elapsed: Duration,
    /// Of the process that took it.
    pub(crate) processor: Duration,
    /// Lines that are missing from what was kept.
    pub(crate) lost: u64,
}

impl Figures {
    /// Seconds of processor time for a gigabyte.
    pub(crate) fn cost(&self) -> f64 {
        self.processor.as_secs_f64() / self.gigabytes()
    }

    /// Megabytes a second.
    pub(crate) fn rate(&self) -> f64 {
        self.gigabytes() * 1e3 / self.elapsed.as_secs_f64()
    }

    fn gigabytes(&self) -> f64 {
        self.bytes as f64 / 1e9
    }

    /// Prints it as a row of the table, beside what a floor took.
    pub(crate) fn print(&self, name: &str, floor: Option<&Self>) {
        let ratio = floor.map_or(1.0, |floor| self.cost() / floor.cost());
        println!("| {name} | {:.0} | {:.2} | {ratio:.2} | {} |", self.rate(), self.cost(), self.lost);
    }
}

/// How long a process has had a processor, in the nanoseconds of `/proc/PID/schedstat`.
pub(crate) fn processor(pid: u32) -> Duration {
    let text = std::fs::read_to_string(format!("/proc/{pid}/schedstat")).unwrap();
    Duration::from_nanos(text.split(' ').next().unwrap().parse().unwrap())
}
