//! Messages to a syslog server. See <https://www.rfc-editor.org/rfc/rfc5424> and <https://www.rfc-editor.org/rfc/rfc3164>.

use std::fmt::Write as _;

use jiff::Timestamp;
use jiff::fmt::strtime;
use jiff::tz::TimeZone;

use super::{Stream, Syslog, SyslogFormat};

const ERROR: u8 = 3;
const INFORMATIONAL: u8 = 6;

/// The message that says `line`, without a newline at its end.
pub(super) fn message(syslog: &Syslog, stream: Stream, line: &[u8], time: Timestamp, zone: &TimeZone) -> Vec<u8> {
    let severity = match stream {
        Stream::Stdout => INFORMATIONAL,
        Stream::Stderr => ERROR,
    };
    let priority = syslog.facility * 8 + severity;
    let Syslog { tag, hostname, .. } = syslog;
    let pid = std::process::id();
    // Who reads it takes it for local time, as it does not say.
    let zoned = time.to_zoned(zone.clone());
    let short = strtime::format("%b %e %H:%M:%S", &zoned).unwrap_or_default();
    let mut text = String::with_capacity(96);
    let written = match syslog.format {
        SyslogFormat::Local => write!(text, "<{priority}>{short} {tag}[{pid}]: "),
        SyslogFormat::Rfc3164 => write!(text, "<{priority}>{short} {hostname} {tag}[{pid}]: "),
        SyslogFormat::Rfc5424 => write!(text, "<{priority}>1 {time:.0} {hostname} {tag} {pid} {tag} - "),
        SyslogFormat::Rfc5424Micro => write!(text, "<{priority}>1 {time:.6} {hostname} {tag} {pid} {tag} - "),
    };
    written.expect("a string grows as needed");
    let mut message = text.into_bytes();
    message.extend_from_slice(line.strip_suffix(b"\n").unwrap_or(line));
    message
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::log::SyslogAddress;

    #[test]
    fn forms() {
        let time = Timestamp::new(1_700_000_000, 123_456_789).unwrap();
        let pid = std::process::id();
        for (format, expected) in [
            (SyslogFormat::Local, format!("<30>Nov 14 22:13:20 web[{pid}]: hi")),
            (SyslogFormat::Rfc3164, format!("<30>Nov 14 22:13:20 box web[{pid}]: hi")),
            (SyslogFormat::Rfc5424, format!("<30>1 2023-11-14T22:13:20Z box web {pid} web - hi")),
            (SyslogFormat::Rfc5424Micro, format!("<30>1 2023-11-14T22:13:20.123456Z box web {pid} web - hi")),
        ] {
            let syslog = Syslog {
                address: SyslogAddress::Local,
                facility: 3,
                format,
                tag: "web".to_owned(),
                hostname: "box".to_owned(),
            };
            assert_eq!(
                String::from_utf8(message(&syslog, Stream::Stdout, b"hi\n", time, &TimeZone::UTC)).unwrap(),
                expected
            );
            assert!(message(&syslog, Stream::Stderr, b"hi\n", time, &TimeZone::UTC).starts_with(b"<27>"));
        }
    }
}
