//! What is done with a container's output: the `logging` of a service, as the runtime takes it.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::Limits;

/// What is kept of a container's output, and where else it goes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Options {
    /// When files are rotated, and how many are kept.
    #[serde(default)]
    pub limits: Limits,
    /// What is noted in every record of JSON.
    #[serde(default)]
    pub attributes: BTreeMap<String, String>,
    /// Where it goes.
    #[serde(default)]
    pub driver: Driver,
    /// In which form it is kept.
    #[serde(default)]
    pub format: Format,
}

/// How files are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// As it was read: the least work.
    #[default]
    Chunks,
    /// A JSON object a line, for programs that read what Docker writes.
    Json,
}

/// Where a container's output goes. A collector that is slow or gone never holds the container up: what it does not take
/// is in the files.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Driver {
    /// Into files.
    #[default]
    File,
    /// Nowhere.
    None,
    /// Into files, and to a syslog server.
    Syslog(Syslog),
    /// Into files, and to systemd's journal with these fields beside those of each message.
    Journald(BTreeMap<String, String>),
}

/// A syslog server, and how it is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Syslog {
    /// Where it listens.
    pub address: SyslogAddress,
    /// The facility's number, 0 to 23.
    pub facility: u8,
    /// The form of messages.
    pub format: SyslogFormat,
    /// What names the container in them.
    pub tag: String,
    /// What names this machine in them.
    pub hostname: String,
}

/// Where a syslog server listens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SyslogAddress {
    /// This machine's own, at its well-known socket.
    Local,
    /// A socket of this machine that takes a stream or, failing that, datagrams.
    Unix(PathBuf),
    /// A socket of this machine that takes datagrams.
    Unixgram(PathBuf),
    /// A server that takes datagrams.
    Udp(SocketAddr),
    /// A server that takes a stream.
    Tcp(SocketAddr),
}

/// The form of messages to a syslog server.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SyslogFormat {
    /// Without the name of the machine.
    #[default]
    Local,
    /// RFC 3164.
    Rfc3164,
    /// RFC 5424.
    Rfc5424,
    /// RFC 5424, the time in microseconds.
    Rfc5424Micro,
}
