//! Signals as Compose files and images write them.

use std::str::FromStr;

use nix::sys::signal::Signal;

use super::{ImageDefaults, LowerError};
use crate::compose::model::Service;
use crate::name::ServiceName;

/// The numbers that the C library leaves to programs: `SIGRTMIN` to `SIGRTMAX`. See `signal(7)`.
const REAL_TIME: std::ops::RangeInclusive<i32> = 34..=64;

/// The number of the signal that asks a container to stop: the service's, else the image's, else SIGTERM.
///
/// # Errors
/// [`LowerError::UnknownSignal`]
pub fn stop_signal(name: &ServiceName, service: &Service, image: &ImageDefaults) -> Result<i32, LowerError> {
    match service.stop_signal.as_ref().or(image.stop_signal.as_ref()) {
        None => Ok(Signal::SIGTERM as i32),
        Some(text) => {
            signal_number(text).ok_or_else(|| LowerError::UnknownSignal { service: name.clone(), signal: text.clone() })
        }
    }
}

/// The number of a signal: reads `SIGTERM`, `term`, `15`, `SIGRTMIN+3` or `RTMAX-1`.
#[must_use]
pub fn signal_number(text: &str) -> Option<i32> {
    if let Ok(number) = text.parse::<i32>() {
        return (1..=*REAL_TIME.end()).contains(&number).then_some(number);
    }
    let upper = text.to_uppercase();
    let name = upper.strip_prefix("SIG").unwrap_or(&upper);
    let offset = |rest: &str| if rest.is_empty() { Some(0) } else { rest.parse::<u8>().ok().map(i32::from) };
    let real_time = if let Some(rest) = name.strip_prefix("RTMIN") {
        REAL_TIME.start() + offset(rest.strip_prefix('+').unwrap_or(rest))?
    } else if let Some(rest) = name.strip_prefix("RTMAX") {
        REAL_TIME.end() - offset(rest.strip_prefix('-').unwrap_or(rest))?
    } else {
        return Signal::from_str(&format!("SIG{name}")).ok().map(|signal| signal as i32);
    };
    REAL_TIME.contains(&real_time).then_some(real_time)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        for (text, expected) in [
            ("SIGTERM", Some(15)),
            ("int", Some(2)),
            ("9", Some(9)),
            ("SIGRTMIN+3", Some(37)),
            ("RTMAX-1", Some(63)),
            ("SIGRTMAX", Some(64)),
            ("SIGRTMIN+31", None),
            ("0", None),
            ("65", None),
            ("-1", None),
            ("SIGSIGTERM", None),
            ("", None),
        ] {
            assert_eq!(signal_number(text), expected, "{text}");
        }
    }
}
