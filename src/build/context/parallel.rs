//! Work that several threads share.

use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// More threads than this wait for one another.
const MAX_THREADS: usize = 8;

/// How many threads work at once.
pub(super) fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from).min(MAX_THREADS)
}

/// Does `work` for the numbers below `count`, `share` of them at a time and in their order, by this thread and others; each
/// has a `state` of its own. After a failure no other share is begun.
///
/// # Errors
/// One of the failures.
pub(super) fn in_shares<S, E: Send>(
    count: usize,
    share: usize,
    state: impl Fn() -> S + Sync,
    work: impl Fn(&mut S, Range<usize>) -> Result<(), E> + Sync,
) -> Result<(), E> {
    let (next, failure) = (AtomicUsize::new(0), Mutex::new(None));
    let run = || {
        let mut state = state();
        loop {
            let start = next.fetch_add(share, Ordering::Relaxed);
            if start >= count {
                return;
            }
            if let Err(error) = work(&mut state, start..count.min(start + share)) {
                *failure.lock().expect("no thread panics holding it") = Some(error);
                next.store(count, Ordering::Relaxed);
                return;
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..threads().min(count.div_ceil(share)) {
            // A machine without a thread to spare has this one.
            let _ = std::thread::Builder::new().spawn_scoped(scope, run);
        }
        run();
    });
    failure.into_inner().expect("no thread panics holding it").map_or(Ok(()), Err)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_once() {
        for (count, share) in [(0, 3), (1, 3), (3, 3), (1000, 7)] {
            let seen = Mutex::new(Vec::new());
            let add = |_: &mut (), numbers: Range<usize>| {
                assert!(numbers.len() <= share);
                seen.lock().unwrap().extend(numbers);
                Ok::<_, ()>(())
            };
            in_shares(count, share, || (), add).unwrap();
            let mut seen = seen.into_inner().unwrap();
            seen.sort_unstable();
            assert!(seen.into_iter().eq(0..count));
        }
    }

    #[test]
    fn after_a_failure_nothing_is_begun() {
        let begun = AtomicUsize::new(0);
        let fail = |_: &mut (), _| {
            begun.fetch_add(1, Ordering::Relaxed);
            Err("no")
        };
        assert_eq!(in_shares(1_000_000, 1, || (), fail), Err("no"));
        assert!(begun.into_inner() <= MAX_THREADS);
    }
}
