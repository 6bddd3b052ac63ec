//! Whether and when a container that ended is started again: pure policy.

use std::time::Duration;

use crate::compose::model::{Restart, Service};

/// The wait before the first restart; it doubles with each that follows.
const FIRST: Duration = Duration::from_millis(100);
/// The longest wait.
const LONGEST: Duration = Duration::from_mins(1);
/// A container that ran this long was up: the waits begin anew.
const UP: Duration = Duration::from_secs(10);

/// When a container is started again, and how often.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Policy {
    /// After which ends.
    pub restart: Restart,
    /// The wait before each attempt, in place of the one that doubles.
    pub delay: Option<Duration>,
    /// How many attempts may fail.
    pub max_attempts: Option<u32>,
    /// How long a container runs for its attempt not to have failed; without it all attempts count.
    pub window: Option<Duration>,
    /// Whether one that is unhealthy is stopped and counts as one that failed.
    pub on_unhealthy: bool,
}

impl Policy {
    /// That of a service: `deploy.restart_policy`, else `restart`; and `x-rcompose.restart_unhealthy`.
    #[must_use]
    pub fn of(service: &Service) -> Self {
        let restart = service.restart();
        let deploy = service.deploy.as_ref().and_then(|deploy| deploy.restart_policy.as_ref());
        let given = |time: Option<Duration>| time.filter(|time| !time.is_zero());
        let max_attempts = match (restart, deploy) {
            (Restart::OnFailure { max_attempts }, _) => max_attempts,
            (_, Some(policy)) => policy.max_attempts.filter(|attempts| *attempts > 0),
            (_, None) => None,
        };
        Self {
            restart,
            delay: deploy.and_then(|policy| given(policy.delay)),
            max_attempts,
            window: deploy.and_then(|policy| given(policy.window)),
            on_unhealthy: service.restart_unhealthy(),
        }
    }

    /// The wait before the attempt that `attempts` counts as its last.
    #[must_use]
    pub fn wait(&self, attempts: Attempts) -> Duration {
        let factor = 2u32.checked_pow(attempts.in_a_row.saturating_sub(1)).unwrap_or(u32::MAX);
        self.delay.unwrap_or(FIRST.saturating_mul(factor).min(LONGEST))
    }

    fn wants(&self, exit: Exit) -> bool {
        let failed = exit.code != 0 || exit.unhealthy;
        match self.restart {
            // They differ only in whether a container that the user stopped comes back after a reboot.
            Restart::Always | Restart::UnlessStopped => true,
            Restart::OnFailure { .. } => failed,
            Restart::No => exit.unhealthy && self.on_unhealthy,
        }
    }
}

/// How a container ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Exit {
    /// Its exit code; 128 + signal when killed by one.
    pub code: i32,
    /// Whether it was stopped by an operation of the user.
    pub by_user: bool,
    /// Whether it was stopped because it was unhealthy.
    pub unhealthy: bool,
}

/// The restarts so far. Starting a container by hand begins with the default.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Attempts {
    /// All of them: what `on-failure:N` limits.
    pub total: u32,
    /// Those since it was last up for a while: what the wait grows with, and what `max_attempts` limits where there is a
    /// `window`.
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

/// Decides with Docker's back-off: 100 ms, doubling up to 1 minute, from the start again after 10 s up; or with the
/// policy's own `delay` and `window`.
#[must_use]
pub fn next(policy: &Policy, exit: Exit, attempts: Attempts, ran_for: Duration) -> Decision {
    let in_a_row = if ran_for >= policy.window.unwrap_or(UP) { 0 } else { attempts.in_a_row };
    let counted = if policy.window.is_some() { in_a_row } else { attempts.total };
    let spent = policy.max_attempts.is_some_and(|max| counted >= max);
    if exit.by_user || spent || !policy.wants(exit) {
        return Decision::Stay;
    }
    let attempts = Attempts { total: attempts.total.saturating_add(1), in_a_row: in_a_row.saturating_add(1) };
    Decision::Restart { after: policy.wait(attempts), attempts }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUICK: Duration = Duration::from_secs(1);

    fn policy(restart: Restart) -> Policy {
        let max_attempts = if let Restart::OnFailure { max_attempts } = restart { max_attempts } else { None };
        Policy { restart, max_attempts, ..Policy::default() }
    }

    fn after(policy: Policy, code: i32, attempts: Attempts, ran_for: Duration) -> Option<(u128, Attempts)> {
        match next(&policy, Exit { code, ..Exit::default() }, attempts, ran_for) {
            Decision::Restart { after, attempts } => Some((after.as_millis(), attempts)),
            Decision::Stay => None,
        }
    }

    /// Whether and after how many milliseconds each of several ends in a row is followed by a restart.
    fn waits(policy: Policy, ran_for: &[Duration]) -> Vec<Option<u128>> {
        let mut attempts = Attempts::default();
        let wait = |ran_for: &Duration| {
            let (wait, next) = after(policy, 1, attempts, *ran_for)?;
            attempts = next;
            Some(wait)
        };
        ran_for.iter().map(wait).collect()
    }

    #[test]
    fn policies() {
        let on_failure = |max_attempts| Restart::OnFailure { max_attempts };
        for (restart, code, total, restarts) in [
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
            let policy = policy(restart);
            assert_eq!(after(policy, code, attempts, QUICK).is_some(), restarts, "{policy:?} {code} {total}");
            let by_user = next(&policy, Exit { code, by_user: true, unhealthy: false }, attempts, QUICK);
            assert_eq!(by_user, Decision::Stay, "{policy:?}");
        }
    }

    #[test]
    fn the_wait_doubles_up_to_a_minute() {
        let doubling = [100, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 51_200, 60_000, 60_000];
        assert_eq!(waits(policy(Restart::Always), &[QUICK; 12]), doubling.map(Some));
        let many = Attempts { total: 40, in_a_row: 40 };
        assert_eq!(after(policy(Restart::Always), 1, many, QUICK).unwrap().0, 60_000);
    }

    #[test]
    fn ten_seconds_up_begin_the_waits_anew_but_not_the_count() {
        let attempts = Attempts { total: 5, in_a_row: 5 };
        let always = policy(Restart::Always);
        assert_eq!(
            after(always, 1, attempts, Duration::from_secs(10)),
            Some((100, Attempts { total: 6, in_a_row: 1 }))
        );
        assert_eq!(after(always, 1, attempts, Duration::from_millis(9999)).unwrap().0, 3200);
    }

    #[test]
    fn a_delay_is_what_it_says() {
        let policy = Policy { delay: Some(Duration::from_secs(3)), ..policy(Restart::Always) };
        assert_eq!(waits(policy, &[QUICK; 3]), [Some(3000); 3]);
    }

    #[test]
    fn a_window_tells_attempts_that_failed_from_those_that_did_not() {
        let limited = Policy { max_attempts: Some(2), ..policy(Restart::Always) };
        assert_eq!(waits(limited, &[QUICK; 3]), [Some(100), Some(200), None]);
        let windowed = Policy { window: Some(Duration::from_secs(5)), ..limited };
        let long = Duration::from_secs(5);
        assert_eq!(
            waits(windowed, &[QUICK, QUICK, long, QUICK, QUICK]),
            [Some(100), Some(200), Some(100), Some(200), None]
        );
    }

    #[test]
    fn the_unhealthy_count_as_failed_where_that_is_wanted() {
        let exit = Exit { code: 0, by_user: false, unhealthy: true };
        for (restart, on_unhealthy, restarts) in [
            (Restart::No, true, true),
            (Restart::OnFailure { max_attempts: None }, true, true),
            (Restart::Always, true, true),
            (Restart::No, false, false),
        ] {
            let decision = next(&Policy { on_unhealthy, ..policy(restart) }, exit, Attempts::default(), QUICK);
            assert_eq!(decision != Decision::Stay, restarts, "{restart:?} {on_unhealthy}");
        }
    }

    #[test]
    fn a_policy_is_that_of_deploy_else_of_restart() {
        let of = |text: &str| Policy::of(&serde_json::from_str::<Service>(text).unwrap());
        assert_eq!(
            of(r#"{"image": "a", "restart": "always", "deploy": {"restart_policy":
                {"condition": "any", "delay": "2s", "max_attempts": 3, "window": "1m"}}}"#),
            Policy {
                restart: Restart::Always,
                delay: Some(Duration::from_secs(2)),
                max_attempts: Some(3),
                window: Some(Duration::from_mins(1)),
                on_unhealthy: false,
            }
        );
        let max_attempts = Some(4);
        assert_eq!(
            of(r#"{"image": "a", "restart": "on-failure:4", "x-rcompose": {"restart_unhealthy": true}}"#),
            Policy {
                restart: Restart::OnFailure { max_attempts },
                max_attempts,
                on_unhealthy: true,
                ..Policy::default()
            }
        );
    }
}
