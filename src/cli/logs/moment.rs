//! `--since` and `--until`: a point in time, in all the ways that docker takes one.

use std::str::FromStr;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// A point in time, before the time of the command is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// A date, or seconds since 1970.
    At(Timestamp),
    /// That long before the command: `42m`.
    Ago(SignedDuration),
}

/// A text is none of the ways to give a point in time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected a time such as 2026-01-02T13:23:37Z or 1767360217, or a duration such as 42m")]
pub struct InvalidMoment;

impl FromStr for Moment {
    type Err = InvalidMoment;

    /// Parses RFC 3339 (a date alone is its midnight; without an offset it is UTC), seconds since 1970 with or
    /// without a fraction, or a duration as Go writes it.
    fn from_str(text: &str) -> Result<Self, InvalidMoment> {
        if let Some(time) = unix(text) {
            return Ok(Self::At(time));
        }
        if let Ok(time) = text.parse::<Timestamp>() {
            return Ok(Self::At(time));
        }
        if let Ok(date) = text.parse::<DateTime>() {
            let zoned = date.to_zoned(TimeZone::UTC).map_err(|_| InvalidMoment)?;
            return Ok(Self::At(zoned.timestamp()));
        }
        text.parse().map(Self::Ago).map_err(|_| InvalidMoment)
    }
}

/// Seconds since 1970: `1767360217`, `1767360217.25`.
fn unix(text: &str) -> Option<Timestamp> {
    let (seconds, fraction) = text.split_once('.').unwrap_or((text, ""));
    if fraction.len() > 9 || !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let nanoseconds = format!("{fraction:0<9}").parse().ok()?;
    Timestamp::new(seconds.parse().ok()?, nanoseconds).ok()
}

impl Moment {
    /// The point in time, for a command given at `now`. One too far away is as far away as can be.
    #[must_use]
    pub fn resolve(self, now: Timestamp) -> Timestamp {
        match self {
            Self::At(time) => time,
            Self::Ago(duration) => now.saturating_sub(duration).unwrap_or(Timestamp::MIN),
        }
    }
}

/// The time that `--since` and `--until` leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// The first point in time within.
    pub since: Timestamp,
    /// The first point in time after.
    pub until: Timestamp,
}

impl Window {
    /// What is left between `since` and `until`, for a command given at `now`.
    #[must_use]
    pub fn new(since: Option<Moment>, until: Option<Moment>, now: Timestamp) -> Self {
        Self {
            since: since.map_or(Timestamp::MIN, |moment| moment.resolve(now)),
            until: until.map_or(Timestamp::MAX, |moment| moment.resolve(now)),
        }
    }

    /// Whether `time` is within.
    #[must_use]
    pub fn contains(&self, time: Timestamp) -> bool {
        (self.since..self.until).contains(&time)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_the_ways_to_give_a_time() {
        let now: Timestamp = "2026-01-02T12:00:00Z".parse().unwrap();
        for (text, expected) in [
            ("2026-01-02T11:00:00Z", "2026-01-02T11:00:00Z"),
            ("2026-01-02T13:00:00.5+02:00", "2026-01-02T11:00:00.5Z"),
            ("2026-01-02T11:00:00", "2026-01-02T11:00:00Z"),
            ("2026-01-02T11:00", "2026-01-02T11:00:00Z"),
            ("2026-01-02", "2026-01-02T00:00:00Z"),
            ("0", "1970-01-01T00:00:00Z"),
            ("1767351600", "2026-01-02T11:00:00Z"),
            ("1767351600.000000001", "2026-01-02T11:00:00.000000001Z"),
            ("42m", "2026-01-02T11:18:00Z"),
            ("1h2m3.5s", "2026-01-02T10:57:56.5Z"),
            ("1.5h", "2026-01-02T10:30:00Z"),
            ("250ms", "2026-01-02T11:59:59.75Z"),
        ] {
            let moment: Moment = text.parse().unwrap();
            assert_eq!(moment.resolve(now), expected.parse().unwrap(), "{text}");
        }
        for text in ["", "soon", "12:00", "1.0000000001", "2026-13-01", "5 parsecs"] {
            assert_eq!(text.parse::<Moment>(), Err(InvalidMoment), "{text}");
        }
    }

    #[test]
    fn windows_end_before_until() {
        let second = |second| Timestamp::from_second(second).unwrap();
        let window = Window::new("10".parse().ok(), "20".parse().ok(), second(100));
        for (time, within) in [(9, false), (10, true), (19, true), (20, false)] {
            assert_eq!(window.contains(second(time)), within, "{time}");
        }
        assert!(Window::new(None, None, second(0)).contains(second(1)));
    }
}
