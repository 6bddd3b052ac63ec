//! `pull_policy` and `restart`.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use super::word::as_text;

/// `pull_policy`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PullPolicy {
    /// Pulls on every `up`.
    Always,
    /// Never pulls.
    Never,
    /// Pulls what is not in the store.
    #[default]
    Missing,
    /// Builds on every `up`.
    Build,
    /// Pulls what is older than `pull_refresh_after`.
    Refresh,
    /// Pulls what was pulled longer ago than this.
    Every(Duration),
}

const DAY: Duration = Duration::from_hours(24);
const WEEK: Duration = Duration::from_hours(7 * 24);

impl FromStr for PullPolicy {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "always" => Ok(Self::Always),
            "never" => Ok(Self::Never),
            "missing" | "if_not_present" => Ok(Self::Missing),
            "build" => Ok(Self::Build),
            "refresh" => Ok(Self::Refresh),
            "daily" => Ok(Self::Every(DAY)),
            "weekly" => Ok(Self::Every(WEEK)),
            _ => text
                .strip_prefix("every_")
                .and_then(period)
                .map(Self::Every)
                .ok_or("must be `always`, `missing`, `never`, `build`, `refresh`, `daily`, `weekly` or `every_12h`"),
        }
    }
}

/// `1w2d3h4m5s`.
fn period(text: &str) -> Option<Duration> {
    let mut total = Duration::ZERO;
    let mut rest = text;
    while !rest.is_empty() {
        let (number, tail) = rest.split_at(rest.find(|c: char| !c.is_ascii_digit())?);
        let unit = match tail.chars().next()? {
            's' => 1,
            'm' => 60,
            'h' => 3600,
            'd' => 24 * 3600,
            'w' => 7 * 24 * 3600,
            _ => return None,
        };
        let seconds = number.parse::<u64>().ok()?.checked_mul(unit)?;
        total = total.checked_add(Duration::from_secs(seconds))?;
        rest = &tail[1..];
    }
    (!text.is_empty()).then_some(total)
}

impl fmt::Display for PullPolicy {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Always => formatter.write_str("always"),
            Self::Never => formatter.write_str("never"),
            Self::Missing => formatter.write_str("missing"),
            Self::Build => formatter.write_str("build"),
            Self::Refresh => formatter.write_str("refresh"),
            Self::Every(DAY) => formatter.write_str("daily"),
            Self::Every(WEEK) => formatter.write_str("weekly"),
            Self::Every(period) => write!(formatter, "every_{}s", period.as_secs()),
        }
    }
}

/// `restart` (or `deploy.restart_policy.condition`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Restart {
    /// Never.
    #[default]
    No,
    /// Whenever it ends, unless stopped by hand.
    Always,
    /// As `Always`, and stays stopped over a reboot when stopped by hand.
    UnlessStopped,
    /// When it ends with another code than 0, at most `max_attempts` times.
    OnFailure {
        /// `on-failure:N`; no limit when `None`.
        max_attempts: Option<u32>,
    },
}

impl FromStr for Restart {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let (policy, attempts) = match text.split_once(':') {
            Some((policy, attempts)) => (policy, Some(attempts)),
            None => (text, None),
        };
        match (policy, attempts) {
            ("no", None) => Ok(Self::No),
            ("always", None) => Ok(Self::Always),
            ("unless-stopped", None) => Ok(Self::UnlessStopped),
            ("on-failure", None) => Ok(Self::OnFailure { max_attempts: None }),
            ("on-failure", Some(attempts)) => {
                let attempts: u32 =
                    attempts.parse().map_err(|_| format!("`{attempts}` is not a number of attempts"))?;
                Ok(Self::OnFailure { max_attempts: (attempts > 0).then_some(attempts) })
            }
            _ => Err("must be `no`, `always`, `unless-stopped` or `on-failure[:ATTEMPTS]`".to_owned()),
        }
    }
}

impl fmt::Display for Restart {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::No => formatter.write_str("no"),
            Self::Always => formatter.write_str("always"),
            Self::UnlessStopped => formatter.write_str("unless-stopped"),
            Self::OnFailure { max_attempts: None } => formatter.write_str("on-failure"),
            Self::OnFailure { max_attempts: Some(attempts) } => write!(formatter, "on-failure:{attempts}"),
        }
    }
}

as_text!(PullPolicy, Restart);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policies_are_written_as_they_are_read() {
        for (text, written) in [
            ("always", "always"),
            ("if_not_present", "missing"),
            ("daily", "daily"),
            ("every_7d", "weekly"),
            ("every_1h30m", "every_5400s"),
        ] {
            assert_eq!(text.parse::<PullPolicy>().map(|policy| policy.to_string()), Ok(written.to_owned()), "{text}");
        }
        for text in ["", "every_", "every_h", "every_1x", "sometimes"] {
            assert!(text.parse::<PullPolicy>().is_err(), "{text}");
        }
        for text in ["no", "always", "unless-stopped", "on-failure", "on-failure:3"] {
            assert_eq!(text.parse::<Restart>().map(|policy| policy.to_string()), Ok(text.to_owned()));
        }
    }
}
