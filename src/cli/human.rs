//! Durations and sizes as docker words them: exactness is not the point.

use std::time::Duration;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24;
const WEEK: u64 = 7 * DAY;
const MONTH: u64 = 30 * DAY;
const YEAR: u64 = 365 * DAY;

/// How long something took or has been, in one unit: `3 seconds`, `About an hour`, `2 weeks`.
/// Each unit is kept until there are two of the next.
#[must_use]
pub fn duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    // Only hours are rounded; longer spans are counted in whole units of these.
    let hours = (seconds + HOUR / 2) / HOUR;
    match (seconds, hours) {
        (0, _) => "Less than a second".to_owned(),
        (1, _) => "1 second".to_owned(),
        (2..MINUTE, _) => format!("{seconds} seconds"),
        (MINUTE..120, _) => "About a minute".to_owned(),
        (120..HOUR, _) => format!("{} minutes", seconds / MINUTE),
        (_, 1) => "About an hour".to_owned(),
        (_, ..48) => format!("{hours} hours"),
        (_, ..336) => format!("{} days", hours / DAY),
        (_, ..1440) => format!("{} weeks", hours / WEEK),
        (_, ..17520) => format!("{} months", hours / MONTH),
        _ => format!("{} years", seconds / HOUR / YEAR),
    }
}

/// A number of bytes with a decimal unit and at most four digits: `512B`, `12.35MB`.
#[must_use]
pub fn size(bytes: u64) -> String {
    size_of(bytes, 4)
}

/// As [`size`], with at most so many digits.
#[must_use]
pub fn size_of(bytes: u64, digits: usize) -> String {
    with_unit(bytes, 1000.0, &["B", "kB", "MB", "GB", "TB", "PB", "EB"], digits)
}

/// A number of bytes with a binary unit and at most four digits: `512B`, `11.77MiB`.
#[must_use]
pub fn binary_size(bytes: u64) -> String {
    with_unit(bytes, 1024.0, &["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"], 4)
}

#[expect(clippy::cast_precision_loss, reason = "four digits are shown")]
fn with_unit(bytes: u64, base: f64, units: &[&str], digits: usize) -> String {
    let (mut number, mut unit) = (bytes as f64, 0);
    while number >= base && unit + 1 < units.len() {
        (number, unit) = (number / base, unit + 1);
    }
    let before = (1..).take_while(|power| number >= 10_f64.powi(*power)).count() + 1;
    let text = format!("{number:.*}", digits.saturating_sub(before));
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    format!("{text}{}", units[unit])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        for (seconds, text) in [
            (0, "Less than a second"),
            (1, "1 second"),
            (59, "59 seconds"),
            (60, "About a minute"),
            (119, "About a minute"),
            (120, "2 minutes"),
            (3599, "59 minutes"),
            (3600, "About an hour"),
            (5399, "About an hour"),
            (5400, "2 hours"),
            (47 * 3600, "47 hours"),
            (48 * 3600, "2 days"),
            (13 * 86400, "13 days"),
            (14 * 86400, "2 weeks"),
            (60 * 86400, "2 months"),
            (729 * 86400, "24 months"),
            (730 * 86400, "2 years"),
        ] {
            assert_eq!(duration(Duration::from_secs(seconds)), text, "{seconds}");
        }
    }

    #[test]
    fn sizes() {
        for (bytes, text) in [
            (0, "0B"),
            (999, "999B"),
            (1000, "1kB"),
            (1500, "1.5kB"),
            (12_345_678, "12.35MB"),
            (123_456_789, "123.5MB"),
            (2_000_000_000, "2GB"),
            (u64::MAX, "18.45EB"),
        ] {
            assert_eq!(size(bytes), text, "{bytes}");
        }
    }

    #[test]
    fn other_units_and_digits() {
        for (bytes, text) in [(0, "0B"), (1023, "1023B"), (12_345_678, "11.77MiB"), (2 << 30, "2GiB")] {
            assert_eq!(binary_size(bytes), text, "{bytes}");
        }
        for (bytes, text) in [(187_654_321, "188MB"), (1_250_000, "1.25MB"), (7_700, "7.7kB")] {
            assert_eq!(size_of(bytes, 3), text, "{bytes}");
        }
    }
}
