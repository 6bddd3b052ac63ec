//! Waiting for what another process does, with a deadline.

use std::thread;
use std::time::{Duration, Instant};

use super::patient;

/// Asks `condition` until it gives a value, and returns it; [`patient`]ly.
///
/// The one place where tests poll: what they wait for happens in processes that know nothing of the test.
///
/// # Panics
/// When `what` has not come true in time.
#[track_caller]
pub(crate) fn eventually<T>(what: &str, timeout: Duration, mut condition: impl FnMut() -> Option<T>) -> T {
    let timeout = patient(timeout);
    let deadline = Instant::now() + timeout;
    loop {
        if let Some(value) = condition() {
            return value;
        }
        assert!(Instant::now() < deadline, "not within {timeout:?}: {what}");
        thread::sleep(Duration::from_millis(10));
    }
}

/// Asserts that `condition` stays true for `period`: for what must *not* happen.
///
/// # Panics
/// As soon as it is false.
#[track_caller]
pub(crate) fn holds_for(what: &str, period: Duration, mut condition: impl FnMut() -> bool) {
    let end = Instant::now() + period;
    while Instant::now() < end {
        assert!(condition(), "did not stay so: {what}");
        thread::sleep(Duration::from_millis(10));
    }
}
