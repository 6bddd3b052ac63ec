//! Changes that belong together: a save makes several, a checkout ten thousand.
//!
//! A batch is due once nothing more has come for a while: a short one for a few files, so that a save is seen at once, a longer
//! one for many. What never rests is not waited for without end.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// From this many different paths on, it is no save but a tool at work.
const MANY: usize = 64;

/// How long it is to be quiet, of few and of many.
const QUIET: [Duration; 2] = [Duration::from_millis(30), Duration::from_millis(50)];

/// How long a batch is at most, of few and of many.
const LONGEST: [Duration; 2] = [Duration::from_millis(300), Duration::from_secs(5)];

/// Paths with which something has happened.
#[derive(Debug, Default)]
pub(super) struct Batch {
    paths: BTreeSet<PathBuf>,
    /// Some were lost: all are to be looked at.
    everything: bool,
    /// When the first and the last came.
    span: Option<(Instant, Instant)>,
}

impl Batch {
    /// Takes in a path.
    pub(super) fn add(&mut self, path: PathBuf, now: Instant) {
        self.paths.insert(path);
        self.touch(now);
    }

    /// Takes in that something has happened, nobody knows to what.
    pub(super) fn add_everything(&mut self, now: Instant) {
        self.everything = true;
        self.touch(now);
    }

    fn touch(&mut self, now: Instant) {
        let first = self.span.map_or(now, |(first, _)| first);
        self.span = Some((first, now));
    }

    /// When it is to be dealt with; `None` when there is nothing.
    pub(super) fn due(&self) -> Option<Instant> {
        let kind = usize::from(self.everything || self.paths.len() >= MANY);
        self.span.map(|(first, last)| (last + QUIET[kind]).min(first + LONGEST[kind]))
    }

    /// What has come, and whether that is not all.
    pub(super) fn take(&mut self) -> (BTreeSet<PathBuf>, bool) {
        let Self { paths, everything, .. } = std::mem::take(self);
        (paths, everything)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn when_a_batch_is_due() {
        let start = Instant::now();
        let at = |milliseconds: u64| start + Duration::from_millis(milliseconds);
        // Moments at which a number of new paths come, and when all of it is due.
        for (arrivals, due) in [
            (&[][..], None),
            (&[(0, 1)], Some(30)),
            (&[(0, 1), (20, 1)], Some(50)),
            (&[(0, 1), (290, 0)], Some(300)),
            (&[(0, 1), (1000, 0)], Some(300)),
            (&[(0, 64)], Some(50)),
            (&[(0, 63), (500, 1)], Some(550)),
            (&[(0, 5000), (4900, 5000)], Some(4950)),
            (&[(0, 5000), (4990, 5000)], Some(5000)),
        ] {
            let mut batch = Batch::default();
            let mut number = 0;
            for (moment, count) in arrivals {
                for _ in 0..*count {
                    number += 1;
                    batch.add(PathBuf::from(format!("{number}")), at(*moment));
                }
                if *count == 0 {
                    batch.add(PathBuf::from("1"), at(*moment));
                }
            }
            assert_eq!(batch.due(), due.map(at), "{arrivals:?}");
            assert_eq!(batch.take(), ((1..=number).map(|number| PathBuf::from(format!("{number}"))).collect(), false));
            assert_eq!(batch.due(), None, "what is taken is gone");
        }
    }

    #[test]
    fn what_is_lost_is_much() {
        let mut batch = Batch::default();
        let now = Instant::now();
        batch.add_everything(now);
        assert_eq!(batch.due(), Some(now + QUIET[1]));
        assert!(batch.take().1);
    }
}
