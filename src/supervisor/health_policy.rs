//! When to probe the health of a container, and what the results mean: a pure state machine.
//!
//! ```text
//!            passed                  `retries` counted failures in a row
//! starting ─────────▶ healthy ◀──────────────────────────────▶ unhealthy
//!     └────────────────────────────────────────────────────────────▲
//! ```
//!
//! Docker probes first after `interval`, 30 s by default, so whoever waits for a healthy database waits 30 s. Here
//! the first probe runs at once and the next ones after 20 ms, 50 ms, 100 ms, … doubling up to `interval`, while the
//! container starts (in its start period, or before the first interval is over) or someone waits. Probing more often
//! must not make anybody unhealthy sooner than under Docker, so a failure counts only where Docker would have
//! probed: not in that first phase, and then once an interval. The probe that counts is never late: the
//! wait before it is cut short. `strict_health` restores Docker's timing.

use std::time::Duration;

use crate::compose::model::{Healthcheck, Probe};
use crate::plan::Health;

/// The first waits of the eager rhythm; then the last one doubles.
const EAGER: [Duration; 4] =
    [Duration::from_millis(20), Duration::from_millis(50), Duration::from_millis(100), Duration::from_millis(250)];

/// A health check with every default filled in.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Check {
    /// What to run; never [`Probe::None`].
    pub probe: Probe,
    /// Between two probes.
    pub interval: Duration,
    /// How long a probe may take.
    pub timeout: Duration,
    /// How many failures in a row make a container unhealthy.
    pub retries: u32,
    /// How long after its start failures do not count.
    pub start_period: Duration,
    /// Between two probes while the container starts; the eager rhythm when `None`.
    pub start_interval: Option<Duration>,
    /// Whether to keep Docker's timing.
    pub strict: bool,
}

impl Check {
    /// Lays a service's check over its image's and both over Docker's defaults, in which 0 stands for the default
    /// too. `None` when there is no check, or it is disabled.
    #[must_use]
    pub fn resolve(service: Option<&Healthcheck>, image: Option<&Healthcheck>, strict: bool) -> Option<Self> {
        let layers = [service, image];
        let probe = layers.iter().flatten().find_map(|check| check.probe())?.clone();
        if probe == Probe::None {
            return None;
        }
        let time = |field: fn(&Healthcheck) -> Option<Duration>| {
            layers.iter().flatten().filter_map(|check| field(check)).find(|time| !time.is_zero())
        };
        let retries = layers.iter().flatten().filter_map(|check| check.retries).find(|retries| *retries > 0);
        Some(Self {
            probe,
            interval: time(|check| check.interval).unwrap_or(Duration::from_secs(30)),
            timeout: time(|check| check.timeout).unwrap_or(Duration::from_secs(30)),
            retries: retries.unwrap_or(3),
            start_period: time(|check| check.start_period).unwrap_or(Duration::ZERO),
            start_interval: time(|check| check.start_interval),
            strict,
        })
    }
}

/// The result of a probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProbeResult {
    /// Whether it exited with 0 in time.
    pub passed: bool,
    /// From the start of the container to the start of the probe.
    pub started: Duration,
    /// From the start of the probe to its end.
    pub took: Duration,
}

/// What follows from a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Next {
    /// How long after the end of this probe the next one starts.
    pub delay: Duration,
    /// The new health, when it changed.
    pub changed: Option<Health>,
}

/// The health of one run of a container.
#[derive(Debug, Clone)]
pub struct HealthPolicy {
    check: Check,
    health: Health,
    /// Counted failures in a row.
    failures: u32,
    /// Probes so far: the place in the eager rhythm.
    probes: u32,
    /// From when on a failure counts while the container starts, since its start.
    counts_from: Duration,
}

impl HealthPolicy {
    /// The state at the start of a container.
    #[must_use]
    pub fn new(check: Check) -> Self {
        let counts_from = match (check.strict, check.start_period) {
            (true, start_period) => start_period,
            (false, Duration::ZERO) => check.interval,
            (false, start_period) => start_period,
        };
        Self { check, health: Health::Starting, failures: 0, probes: 0, counts_from }
    }

    /// The health now.
    #[must_use]
    pub fn health(&self) -> Health {
        self.health
    }

    /// The check this is the state of.
    #[must_use]
    pub fn check(&self) -> &Check {
        &self.check
    }

    /// How long after its start a container is probed first.
    #[must_use]
    pub fn first_delay(&self) -> Duration {
        if self.check.strict { self.strict_delay(Duration::ZERO) } else { Duration::ZERO }
    }

    /// Takes in a result. `awaited` tells whether someone waits for the container to be healthy.
    pub fn observe(&mut self, result: ProbeResult, awaited: bool) -> Next {
        self.probes = self.probes.saturating_add(1);
        let before = self.health;
        if result.passed {
            self.failures = 0;
            self.health = Health::Healthy;
        } else if self.health != Health::Starting || result.started >= self.counts_from {
            self.counts_from = result.started + result.took + self.check.interval;
            self.failures = self.failures.saturating_add(1);
            if self.failures >= self.check.retries {
                self.health = Health::Unhealthy;
            }
        }
        let ended = result.started + result.took;
        let delay = if self.check.strict { self.strict_delay(ended) } else { self.delay(ended, result.took, awaited) };
        Next { delay, changed: (self.health != before).then_some(self.health) }
    }

    /// Docker's: `start_interval` (5 s) in the start period, else `interval`.
    fn strict_delay(&self, now: Duration) -> Duration {
        if self.health == Health::Starting && now < self.check.start_period {
            self.check.start_interval.unwrap_or(Duration::from_secs(5))
        } else {
            self.check.interval
        }
    }

    fn delay(&self, now: Duration, took: Duration, awaited: bool) -> Duration {
        let interval = self.check.interval;
        if self.health != Health::Starting {
            return interval;
        }
        let until_counted = self.counts_from.saturating_sub(now);
        let in_first_phase = self.failures == 0 && !until_counted.is_zero();
        let eager = match self.check.start_interval {
            Some(given) if in_first_phase => given,
            // A slow probe gets at least as long a rest: otherwise it would keep a processor busy.
            _ if in_first_phase || awaited => self.rhythm().max(took),
            _ => interval,
        };
        eager.min(interval).min(until_counted)
    }

    fn rhythm(&self) -> Duration {
        let place = self.probes.saturating_sub(1);
        let last = EAGER.len() - 1;
        match usize::try_from(place) {
            Ok(place) if place <= last => EAGER[place],
            _ => EAGER[last].saturating_mul(2u32.saturating_pow(place - u32::try_from(last).unwrap_or(place))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(interval: u64, start_period: u64) -> Check {
        let service = Healthcheck {
            test: Some(Probe::Shell("true".to_owned())),
            interval: Some(Duration::from_millis(interval)),
            start_period: Some(Duration::from_millis(start_period)),
            ..Healthcheck::default()
        };
        Check::resolve(Some(&service), None, false).unwrap()
    }

    /// Probes that take `took` and pass from `ready` on; returns the start of each in milliseconds, and with it the
    /// new health where it changed.
    fn run(check: Check, ready: u64, took: u64, awaited: bool, probes: usize) -> String {
        let mut policy = HealthPolicy::new(check);
        let mut now = policy.first_delay();
        let mut lines = Vec::new();
        for _ in 0..probes {
            let passed = now >= Duration::from_millis(ready);
            let next = policy.observe(ProbeResult { passed, started: now, took: Duration::from_millis(took) }, awaited);
            let changed = next.changed.map_or(String::new(), |health| format!(" {health:?}"));
            lines.push(format!("{}{changed}", now.as_millis()));
            now += Duration::from_millis(took) + next.delay;
        }
        lines.join(", ")
    }

    const NEVER: u64 = u64::MAX;

    #[test]
    fn readiness_is_seen_early() {
        insta::assert_snapshot!(run(check(30_000, 0), 300, 0, false, 7),
            @"0, 20, 70, 170, 420 Healthy, 30420, 60420");
    }

    #[test]
    fn unhealthy_is_not_seen_before_docker_would() {
        // Docker: probes at 1000, 2000 and 3000.
        insta::assert_snapshot!(run(check(1000, 0), NEVER, 0, false, 10),
            @"0, 20, 70, 170, 420, 920, 1000, 2000, 3000 Unhealthy, 4000");
        insta::assert_snapshot!(run(check(30_000, 0), NEVER, 0, false, 16),
            @"0, 20, 70, 170, 420, 920, 1920, 3920, 7920, 15920, 30000, 60000, 90000 Unhealthy, 120000, 150000, 180000");
        // Whoever waits sees readiness early all the way, and failure at the same time.
        insta::assert_snapshot!(run(check(1000, 0), NEVER, 0, true, 10),
            @"0, 20, 70, 170, 420, 920, 1000, 2000, 3000 Unhealthy, 4000");
    }

    #[test]
    fn failures_in_the_start_period_do_not_count() {
        insta::assert_snapshot!(run(check(500, 2000), NEVER, 0, false, 13),
            @"0, 20, 70, 170, 420, 920, 1420, 1920, 2000, 2500, 3000 Unhealthy, 3500, 4000");
    }

    #[test]
    fn start_interval_is_honoured() {
        let check = Check { start_interval: Some(Duration::from_millis(400)), ..check(2000, 1000) };
        insta::assert_snapshot!(run(check, 900, 0, false, 5), @"0, 400, 800, 1000 Healthy, 3000");
    }

    #[test]
    fn slow_probes_get_a_rest() {
        insta::assert_snapshot!(run(check(30_000, 0), NEVER, 200, false, 6), @"0, 400, 800, 1200, 1650, 2350");
    }

    #[test]
    fn an_interval_shorter_than_the_rhythm() {
        insta::assert_snapshot!(run(check(30, 0), NEVER, 0, false, 6), @"0, 20, 30, 60, 90 Unhealthy, 120");
    }

    #[test]
    fn strict_is_docker() {
        let strict = |check| Check { strict: true, ..check };
        insta::assert_snapshot!(run(strict(check(1000, 0)), NEVER, 0, true, 4), @"1000, 2000, 3000 Unhealthy, 4000");
        insta::assert_snapshot!(run(strict(check(10_000, 12_000)), NEVER, 0, true, 6), @"5000, 10000, 15000, 25000, 35000 Unhealthy, 45000");
    }

    #[test]
    fn health_comes_and_goes() {
        let mut policy = HealthPolicy::new(check(1000, 5000));
        let mut now = Duration::ZERO;
        let mut changes = Vec::new();
        for passed in [true, false, false, true, false, false, false, false, true] {
            let next = policy.observe(ProbeResult { passed, started: now, took: Duration::ZERO }, false);
            changes.push(next.changed);
            now += next.delay;
        }
        let (healthy, unhealthy) = (Some(Health::Healthy), Some(Health::Unhealthy));
        assert_eq!(changes, [healthy, None, None, None, None, None, unhealthy, None, healthy]);
        assert_eq!(now, Duration::from_secs(9), "a container that is not starting is probed every interval");
    }

    #[test]
    fn defaults_and_layers() {
        let image = Healthcheck {
            test: Some(Probe::Command(vec!["check".to_owned()])),
            interval: Some(Duration::from_secs(7)),
            timeout: Some(Duration::ZERO),
            ..Healthcheck::default()
        };
        let service = Healthcheck { retries: Some(9), ..Healthcheck::default() };
        let resolved = Check::resolve(Some(&service), Some(&image), false).unwrap();
        assert_eq!(resolved.probe, Probe::Command(vec!["check".to_owned()]));
        assert_eq!(
            (resolved.interval, resolved.timeout, resolved.retries, resolved.start_period),
            (Duration::from_secs(7), Duration::from_secs(30), 9, Duration::ZERO)
        );
        let disabled = Healthcheck { test: Some(Probe::None), ..Healthcheck::default() };
        assert_eq!(Check::resolve(Some(&disabled), Some(&image), false), None);
        assert_eq!(Check::resolve(Some(&service), None, false), None);
    }
}
