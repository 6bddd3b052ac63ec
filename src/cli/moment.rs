//! Times as filters have them.

use jiff::Timestamp;

/// A time, or a span before `now`: `2026-01-02`, seconds since 1970, `24h`.
pub(super) fn moment(text: &str, now: Timestamp) -> Option<Timestamp> {
    let seconds = || text.parse::<i64>().ok().and_then(|seconds| Timestamp::from_second(seconds).ok());
    let ago = || now.checked_sub(text.parse::<jiff::Span>().ok()?).ok();
    text.parse().ok().or_else(seconds).or_else(ago)
}
