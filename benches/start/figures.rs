//! Two ways to do the same, in turn, and their times side by side.

use std::time::{Duration, Instant};

use nix::sys::resource::{Usage, UsageWho, getrusage};
use nix::sys::time::TimeValLike;

/// What something took, each time it was done.
#[derive(Default)]
pub(crate) struct Times {
    elapsed: Vec<Duration>,
    /// Of this process and all it has started and reaped, in total.
    processor: Duration,
}

impl Times {
    /// Does it once more.
    pub(crate) fn add<T>(&mut self, work: impl FnOnce() -> T) {
        let (start, used) = (Instant::now(), processor());
        work();
        self.processor += processor() - used;
        let elapsed = start.elapsed();
        self.elapsed.insert(self.elapsed.partition_point(|other| *other < elapsed), elapsed);
    }

    /// Milliseconds below which `percent` of the times are.
    fn at(&self, percent: usize) -> f64 {
        self.elapsed[self.elapsed.len() * percent / 100].as_secs_f64() * 1e3
    }

    /// Milliseconds of processor time each time took.
    fn processor(&self) -> f64 {
        self.processor.as_secs_f64() * 1e3 / f64::from(u32::try_from(self.elapsed.len()).unwrap())
    }
}

/// One thing done in two ways.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) floor: Times,
    pub(crate) ours: Times,
}

/// Times both, one after the other, so that what else the machine does meets both alike.
pub(crate) fn compare<A, B>(
    name: &'static str,
    rounds: usize,
    mut floor: impl FnMut() -> A,
    mut ours: impl FnMut() -> B,
) -> Row {
    // The first fills caches.
    floor();
    ours();
    let mut row = Row { name, floor: Times::default(), ours: Times::default() };
    for _ in 0..rounds {
        row.floor.add(&mut floor);
        row.ours.add(&mut ours);
    }
    row
}

/// Prints a table: milliseconds at the median and at the tenth percentile, and of processor time on average.
pub(crate) fn print(rows: &[Row]) {
    println!(
        "| ms | floor: median, p10, processor | rcompose: median, p10, processor | ratio: median, p10, processor |"
    );
    println!("|---|---|---|---|");
    for Row { name, floor, ours } in rows {
        let figures = |times: &Times| [times.at(50), times.at(10), times.processor()];
        let (floor, ours) = (figures(floor), figures(ours));
        let ratio = [0, 1, 2].map(|index| ours[index] / floor[index]);
        let text = |figures: [f64; 3]| figures.map(|figure| format!("{figure:.2}")).join(", ");
        println!("| {name} | {} | {} | {} |", text(floor), text(ours), text(ratio));
    }
}

fn processor() -> Duration {
    let of = |who| {
        let usage: Usage = getrusage(who).unwrap();
        usage.user_time().num_microseconds() + usage.system_time().num_microseconds()
    };
    Duration::from_micros(u64::try_from(of(UsageWho::RUSAGE_SELF) + of(UsageWho::RUSAGE_CHILDREN)).unwrap())
}
