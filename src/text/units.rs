//! Durations, sizes and rates, as people write them.

use std::time::Duration;

/// Why a text is not an amount.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnitError {
    /// A duration that is none.
    #[error("`{0}` is not a duration such as `10s` or `1m30s`")]
    Duration(String),
    /// A duration in a unit that is none.
    #[error("unknown unit `{unit}` in the duration `{text}`")]
    DurationUnit {
        /// What was taken for the unit.
        unit: String,
        /// The duration.
        text: String,
    },
    /// A size that is none.
    #[error("`{0}` is not a size such as `512m` or `1.5gb`")]
    Size(String),
    /// A rate that is none.
    #[error("`{0}` is not a rate such as `10mbit`, `1.5gbit` or `500kbps`, which is in bytes")]
    Rate(String),
    /// A part that is none.
    #[error("`{0}` is not a percentage such as `1%` or `0.5%`")]
    Percentage(String),
}

/// Parses a Go duration: `1h5m30.5s`, `20ms`, and days and weeks besides; `0` needs no unit.
///
/// # Errors
/// [`UnitError::Duration`], [`UnitError::DurationUnit`].
pub fn duration(text: &str) -> Result<Duration, UnitError> {
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    let invalid = || UnitError::Duration(text.to_owned());
    let mut rest = text.strip_prefix('+').unwrap_or(text);
    let mut total = Duration::ZERO;
    if rest.is_empty() {
        return Err(invalid());
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or_else(invalid)?;
        let (number, tail) = rest.split_at(digits);
        let end = tail.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(end);
        let number: f64 = number.parse().map_err(|_| invalid())?;
        let seconds = match unit {
            "ns" => 1e-9,
            "us" | "µs" | "μs" => 1e-6,
            "ms" => 1e-3,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3600.0,
            "d" => 86_400.0,
            "w" => 604_800.0,
            _ => return Err(UnitError::DurationUnit { unit: unit.to_owned(), text: text.to_owned() }),
        };
        let part = Duration::try_from_secs_f64(number * seconds).map_err(|_| invalid())?;
        total = total.checked_add(part).filter(|total| total.as_nanos() <= i64::MAX as u128).ok_or_else(invalid)?;
        rest = tail;
    }
    Ok(total)
}

/// Writes a duration as Go does: `1m30s`, `1.5s`, `250ms`.
pub fn format_duration(duration: Duration) -> String {
    let (seconds, nanos) = (duration.as_secs(), duration.subsec_nanos());
    if seconds == 0 && nanos != 0 {
        let (scale, unit) = match nanos {
            1_000_000.. => (1e6, "ms"),
            1_000.. => (1e3, "µs"),
            _ => (1.0, "ns"),
        };
        return format!("{}{unit}", f64::from(nanos) / scale);
    }
    let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
    let fraction = format!("{nanos:09}");
    let fraction = match fraction.trim_end_matches('0') {
        "" => String::new(),
        digits => format!(".{digits}"),
    };
    let tail = format!("{}{fraction}s", seconds % 60);
    match (hours, minutes) {
        (0, 0) => tail,
        (0, _) => format!("{minutes}m{tail}"),
        _ => format!("{hours}h{minutes}m{tail}"),
    }
}

/// Parses a size in bytes: a number and `b`, `k`, `m`, `g`, `t` or `p`, optionally with `b` or `ib`; all binary.
///
/// # Errors
/// [`UnitError::Size`].
pub fn bytes(text: &str) -> Result<u64, UnitError> {
    let invalid = || UnitError::Size(text.to_owned());
    let text = text.strip_prefix('+').unwrap_or(text);
    let split = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let unit = unit.strip_prefix(' ').unwrap_or(unit).to_ascii_lowercase();
    let shift = match unit.strip_suffix("ib").or(unit.strip_suffix('b')).unwrap_or(&unit) {
        "" if unit != "ib" => 0,
        "k" => 10,
        "m" => 20,
        "g" => 30,
        "t" => 40,
        "p" => 50,
        _ => return Err(invalid()),
    };
    scaled(number, 1 << shift).ok_or_else(invalid)
}

/// Parses a rate as `tc(8)` does: `bit` a second, or `bps`, which are bytes a second, after `k`, `m`, `g` or `t`, or `ki`
/// and so on in steps of 1024. Returns bytes a second.
///
/// # Errors
/// [`UnitError::Rate`], of a rate below one byte a second too.
pub fn rate(text: &str) -> Result<u64, UnitError> {
    let invalid = || UnitError::Rate(text.to_owned());
    let lower = text.to_ascii_lowercase();
    let (number, bits) = match (lower.strip_suffix("bit"), lower.strip_suffix("bps")) {
        (Some(number), _) => (number, 1),
        (None, Some(number)) => (number, 8),
        (None, None) => return Err(invalid()),
    };
    let (number, step) = number.strip_suffix('i').map_or((number, 1000), |number| (number, 1024));
    let powers = [('k', 1), ('m', 2), ('g', 3), ('t', 4)];
    let prefix = powers.iter().find_map(|(letter, power)| Some((number.strip_suffix(*letter)?, *power)));
    let (number, power) = prefix.unwrap_or((number, 0));
    if step == 1024 && power == 0 {
        return Err(invalid());
    }
    let bits = scaled(number, bits * u64::pow(step, power)).ok_or_else(invalid)?;
    Some(bits / 8).filter(|bytes| *bytes > 0).ok_or_else(invalid)
}

/// Parses a percentage: `0.5%`.
///
/// # Errors
/// [`UnitError::Percentage`].
pub fn percentage(text: &str) -> Result<f64, UnitError> {
    let number =
        text.strip_suffix('%').filter(|number| number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.'));
    let percentage = number.and_then(|number| number.parse().ok()).filter(|number| *number <= 100.0);
    percentage.ok_or_else(|| UnitError::Percentage(text.to_owned()))
}

/// A decimal number times `scale`, rounded down; exact, unlike floats.
fn scaled(number: &str, scale: u64) -> Option<u64> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if (whole.is_empty() && fraction.is_empty()) || !digits(whole) || !digits(fraction) {
        return None;
    }
    let whole: u64 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let fraction = &fraction[..fraction.len().min(18)];
    let exponent = u32::try_from(fraction.len()).ok()?;
    let part = if fraction.is_empty() { 0 } else { fraction.parse::<u128>().ok()? };
    let part = part * u128::from(scale) / 10_u128.pow(exponent);
    whole.checked_mul(scale)?.checked_add(u64::try_from(part).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        for (text, millis, written) in [
            ("10s", 10_000, "10s"),
            ("1h5m30s20ms", 3_930_020, "1h5m30.02s"),
            ("1.5s", 1_500, "1.5s"),
            ("250ms", 250, "250ms"),
            ("90s", 90_000, "1m30s"),
            ("0", 0, "0s"),
        ] {
            let parsed = duration(text).unwrap();
            assert_eq!(parsed, Duration::from_millis(millis), "{text}");
            assert_eq!(format_duration(parsed), written);
        }
        for text in ["", "5", "5x", "s", "1.2.3s", "-1s", "9999999999999999999999h", "."] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn rates() {
        for (text, wanted) in [
            ("10mbit", 1_250_000),
            ("10Mbit", 1_250_000),
            ("1.5gbit", 187_500_000),
            ("8bit", 1),
            ("1tbit", 125_000_000_000),
            ("8kibit", 1024),
            ("500kbps", 500_000),
            ("1mibps", 1_048_576),
            ("3bps", 3),
        ] {
            assert_eq!(rate(text), Ok(wanted), "{text}");
        }
        for text in [
            "",
            "10",
            "10m",
            "mbit",
            "bit",
            "ibit",
            "1ibit",
            "0mbit",
            "7bit",
            "-1mbit",
            "1e3bit",
            "99999999tbit",
            "1 mbit",
        ] {
            assert!(rate(text).is_err(), "{text}");
        }
    }

    #[test]
    fn percentages() {
        for (text, wanted) in [("1%", 1.0), ("0.5%", 0.5), ("0%", 0.0), ("100%", 100.0)] {
            assert_eq!(percentage(text), Ok(wanted), "{text}");
        }
        for text in ["", "%", "1", "101%", "-1%", "1e1%", "inf%", "nan%", ".%", "1 %"] {
            assert!(percentage(text).is_err(), "{text}");
        }
    }

    #[test]
    fn sizes_and_processors() {
        for (text, wanted) in
            [("1.5gb", 1_610_612_736), ("64MiB", 67_108_864), ("1", 1), ("10b", 10), ("2k", 2048), ("0.5K", 512)]
        {
            assert_eq!(bytes(text), Ok(wanted), "{text}");
        }
        for text in ["", "5q", "m", "-1", "1.2.3m", "ib", "99999999999999999999", "9999999999p", "é"] {
            assert!(bytes(text).is_err(), "{text}");
        }
    }
}
