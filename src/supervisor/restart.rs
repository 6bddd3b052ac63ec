//! Whether and when a container that ended is started again: pure policy.

use std::time::Duration;

use crate::compose::model::Restart;

/// The wait before the first restart; it doubles with each that follows.
const FIRST: Duration = Duration::from_millis(100);
/// The longest wait.
const LONGEST: Duration = Duration::from_mins(1);
/// A container that ran this long was up: the waits begin anew.
const UP: Duration = Duration::from_secs(10);

/// How a container ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exit {
    /// Its exit code; 128 + signal when killed by one.
    pub code: i32,
    /// Whether it was stopped by an operation of the user.
    pub by_user: bool,
}

/// The restarts so far. Starting a container by hand begins with the default.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Attempts {
    /// All of them: what `on-failure:N` limits.
    pub total: u32,
    /// Those since it was last up for a while: what the wait grows with.
    pub in_a_row: u32,
}

/// What to do with a container that ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Start it again.
    Restart {
        /// How long to wait before.
        after: Duration,
        /// The restarts, this one counted.
        attempts: Attempts,
    },
    /// Leave it as it is.
    Stay,
}

/// Decides with Docker's back-off: 100 ms, doubling up to 1 minute, from the start again after 10 s up.
#[must_use]
pub fn next(policy: Restart, exit: Exit, attempts: Attempts, ran_for: Duration) -> Decision {
    let wanted = match policy {
        Restart::No => false,
        // They differ only in whether a container that the user stopped comes back after a reboot.
        Restart::Always | Restart::UnlessStopped => true,
        Restart::OnFailure { max_attempts } => exit.code != 0 && max_attempts.is_none_or(|max| attempts.total < max),
    };
    if exit.by_user || !wanted {
        return Decision::Stay;
    }
    let in_a_row = if ran_for >= UP { 0 } else { attempts.in_a_row };
    let factor = 2u32.checked_pow(in_a_row).unwrap_or(u32::MAX);
    let attempts = Attempts { total: attempts.total.saturating_add(1), in_a_row: in_a_row.saturating_add(1) };
    Decision::Restart { after: FIRST.saturating_mul(factor).min(LONGEST), attempts }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUICK: Duration = Duration::from_secs(1);

    fn after(policy: Restart, code: i32, attempts: Attempts, ran_for: Duration) -> Option<(u128, Attempts)> {
        match next(policy, Exit { code, by_user: false }, attempts, ran_for) {
            Decision::Restart { after, attempts } => Some((after.as_millis(), attempts)),
            Decision::Stay => None,
        }
    }

    #[test]
    fn policies() {
        let on_failure = |max_attempts| Restart::OnFailure { max_attempts };
        for (policy, code, total, restarts) in [
            (Restart::No, 1, 0, false),
            (Restart::Always, 0, 99, true),
            (Restart::Always, 1, 99, true),
            (Restart::UnlessStopped, 0, 99, true),
            (on_failure(None), 0, 0, false),
            (on_failure(None), 137, 99, true),
            (on_failure(Some(2)), 1, 1, true),
            (on_failure(Some(2)), 1, 2, false),
            (on_failure(Some(0)), 1, 0, false),
        ] {
            let attempts = Attempts { total, in_a_row: 0 };
            assert_eq!(after(policy, code, attempts, QUICK).is_some(), restarts, "{policy:?} {code} {total}");
            let by_user = next(policy, Exit { code, by_user: true }, attempts, QUICK);
            assert_eq!(by_user, Decision::Stay, "{policy:?}");
        }
    }

    #[test]
    fn the_wait_doubles_up_to_a_minute() {
        let mut attempts = Attempts::default();
        let mut waits = Vec::new();
        for _ in 0..12 {
            let (wait, next) = after(Restart::Always, 1, attempts, QUICK).unwrap();
            waits.push(wait);
            attempts = next;
        }
        assert_eq!(waits, [100, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 51_200, 60_000, 60_000]);
        assert_eq!(after(Restart::Always, 1, Attempts { total: 40, in_a_row: 40 }, QUICK).unwrap().0, 60_000);
    }

    #[test]
    fn ten_seconds_up_begin_the_waits_anew_but_not_the_count() {
        let attempts = Attempts { total: 5, in_a_row: 5 };
        assert_eq!(
            after(Restart::Always, 1, attempts, Duration::from_secs(10)),
            Some((100, Attempts { total: 6, in_a_row: 1 }))
        );
        assert_eq!(after(Restart::Always, 1, attempts, Duration::from_millis(9999)).unwrap().0, 3200);
    }
}
