//! `logging`.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use regex::{Regex, RegexBuilder};

use super::element::element;
use crate::text::units;

/// The names of syslog's facilities, and their numbers.
const FACILITIES: [(&str, u8); 20] = [
    ("kern", 0),
    ("user", 1),
    ("mail", 2),
    ("daemon", 3),
    ("auth", 4),
    ("syslog", 5),
    ("lpr", 6),
    ("news", 7),
    ("uucp", 8),
    ("cron", 9),
    ("authpriv", 10),
    ("ftp", 11),
    ("local0", 16),
    ("local1", 17),
    ("local2", 18),
    ("local3", 19),
    ("local4", 20),
    ("local5", 21),
    ("local6", 22),
    ("local7", 23),
];

element! {
    /// Where the output of a container goes.
    pub struct Logging {
        /// `driver`.
        driver: Option<String>,
        /// `options`.
        options: BTreeMap<String, String>,
    }
}

/// Where a syslog server listens, as `syslog-address` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SyslogServer {
    /// `unix://`: a stream.
    Unix(PathBuf),
    /// `unixgram://`: datagrams.
    Unixgram(PathBuf),
    /// `udp://`.
    Udp(SocketAddr),
    /// `tcp://`.
    Tcp(SocketAddr),
}

impl Logging {
    /// `max-size`: the size, in bytes, from which a file is rotated.
    #[must_use]
    pub fn max_size(&self) -> Option<u64> {
        self.options.get("max-size").and_then(|text| units::bytes(text).ok()).filter(|size| *size > 0)
    }

    /// `max-file`: how many files there are at most.
    #[must_use]
    pub fn max_file(&self) -> Option<u32> {
        self.options.get("max-file").and_then(|text| text.parse().ok()).filter(|files| *files > 0)
    }

    /// `syslog-address`; `None` is this machine's own server.
    #[must_use]
    pub fn syslog_address(&self) -> Option<SyslogServer> {
        self.options.get("syslog-address").and_then(|text| syslog_server(text))
    }

    /// `syslog-facility`, as its number; `daemon` when nothing is said.
    #[must_use]
    pub fn syslog_facility(&self) -> u8 {
        self.options.get("syslog-facility").and_then(|text| syslog_facility(text)).unwrap_or(3)
    }
}

/// Reads `labels-regex` and `env-regex`: what names match that they look for.
#[must_use]
pub fn log_names(text: &str) -> Option<Regex> {
    // Classes such as `\w` are ASCII, as in Go.
    RegexBuilder::new(text).unicode(false).build().ok()
}

/// Reads `syslog-address`. Names of other machines are not looked up.
#[must_use]
pub fn syslog_server(text: &str) -> Option<SyslogServer> {
    let (scheme, rest) = text.split_once("://")?;
    let address = || -> Option<SocketAddr> {
        let rest = rest.trim_end_matches('/');
        let address = rest.parse().ok().or_else(|| Some(SocketAddr::new(rest.parse().ok()?, 514)));
        address.or_else(|| {
            let port = rest.strip_prefix("localhost")?;
            let port = if port.is_empty() { 514 } else { port.strip_prefix(':')?.parse().ok()? };
            Some(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port))
        })
    };
    match scheme {
        "unix" if rest.starts_with('/') => Some(SyslogServer::Unix(rest.into())),
        "unixgram" if rest.starts_with('/') => Some(SyslogServer::Unixgram(rest.into())),
        "udp" => address().map(SyslogServer::Udp),
        "tcp" => address().map(SyslogServer::Tcp),
        _ => None,
    }
}

/// Reads `syslog-facility`: a name or a number.
#[must_use]
pub fn syslog_facility(text: &str) -> Option<u8> {
    let named = FACILITIES.iter().find(|(name, _)| *name == text).map(|(_, number)| *number);
    named.or_else(|| text.parse().ok().filter(|number| *number < 24))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn syslog_addresses() {
        for (text, expected) in [
            ("udp://10.0.0.1:1514", "Some(Udp(10.0.0.1:1514))"),
            ("tcp://10.0.0.1", "Some(Tcp(10.0.0.1:514))"),
            ("tcp://localhost:601", "Some(Tcp(127.0.0.1:601))"),
            ("udp://[::1]:514", "Some(Udp([::1]:514))"),
            ("unix:///dev/log", "Some(Unix(\"/dev/log\"))"),
            ("unixgram:///dev/log", "Some(Unixgram(\"/dev/log\"))"),
            ("tcp+tls://10.0.0.1:6514", "None"),
            ("udp://logs.example.com:514", "None"),
            ("localhost:514", "None"),
        ] {
            assert_eq!(format!("{:?}", syslog_server(text)), expected, "{text}");
        }
    }

    #[test]
    fn facilities() {
        for (text, expected) in [("daemon", Some(3)), ("local7", Some(23)), ("5", Some(5)), ("24", None), ("x", None)] {
            assert_eq!(syslog_facility(text), expected, "{text}");
        }
    }
}
