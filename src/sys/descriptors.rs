//! How many descriptors this process may have open, without those that it starts having any more for it.
//!
//! The limit that applies is low by tradition (1024), for the sake of programs that use `select`; the one that it may be
//! raised to is meant for those that need more. What a process starts inherits both, and a container is to have what it
//! would have had.

use std::sync::OnceLock;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Enough for who carries 10,000 connections many times over.
const ENOUGH: u64 = 1 << 17;

/// What applied before it was raised.
static INHERITED: OnceLock<Rlimit> = OnceLock::new();

/// Raises the limit to what is enough, or as far as it may be, and returns it. What [`spawn`](super::spawn) starts is under
/// the one that there was.
pub fn raise_limit() -> u64 {
    let before = getrlimit(Resource::Nofile);
    let is_enough = |limit: Option<u64>| limit.is_none_or(|limit| limit >= ENOUGH);
    if !is_enough(before.current) {
        // Only root may raise the second.
        let maximum = if is_enough(before.maximum) { before.maximum } else { Some(ENOUGH) };
        let raised = [maximum, before.maximum].into_iter().any(|maximum| {
            let current = maximum.map_or(ENOUGH, |maximum| maximum.min(ENOUGH));
            setrlimit(Resource::Nofile, Rlimit { current: Some(current), maximum }).is_ok()
        });
        if raised {
            INHERITED.get_or_init(|| before);
        }
    }
    getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)
}

/// Does `work`, which starts a process, under the limit that there was.
pub(super) fn under_inherited_limit<T>(work: impl FnOnce() -> T) -> T {
    let Some(before) = INHERITED.get() else { return work() };
    let raised = getrlimit(Resource::Nofile);
    // Descriptors above the limit stay open; none is opened meanwhile but by `work`, or by a thread that tries again.
    let lowered = setrlimit(Resource::Nofile, *before).is_ok();
    let result = work();
    if lowered {
        // Who could raise it a moment ago can do so again.
        let _ = setrlimit(Resource::Nofile, raised);
    }
    result
}
