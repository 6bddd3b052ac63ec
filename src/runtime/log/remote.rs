//! A collector of logs: syslog or the journal. It is told without waiting, and found again when it comes back.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SendFlags, SocketAddrAny, SocketAddrUnix, SocketFlags, SocketType};

use super::{Driver, Stream, Syslog, SyslogAddress, journald, syslog};

/// How long a container's start waits for its collector.
const PATIENCE: Timespec = Timespec { tv_sec: 5, tv_nsec: 0 };
/// How soon a collector that is gone is looked for again.
const AGAIN: Duration = Duration::from_secs(1);
/// What is held, in bytes, for a collector that is slow; more is not told.
const HELD: usize = 1 << 20;
/// Where syslog listens on this machine, the first that does.
const LOCAL: [&str; 3] = ["/dev/log", "/var/run/syslog", "/var/run/log"];

/// A collector, there or not.
#[derive(Debug)]
pub(super) struct Remote {
    form: Form,
    socket: Option<Socket>,
    /// Of a stream: what is to be sent.
    held: Vec<u8>,
    lost_at: Option<Instant>,
}

#[derive(Debug)]
enum Form {
    /// In the time zone of the machine.
    Syslog(Syslog, TimeZone),
    /// With the fields of every entry.
    Journald(Vec<u8>),
}

#[derive(Debug)]
struct Socket {
    fd: OwnedFd,
    is_stream: bool,
}

impl Remote {
    /// Connects to the collector that `driver` names, if it does.
    pub(super) fn open(driver: &Driver) -> io::Result<Option<Self>> {
        let form = match driver {
            Driver::File | Driver::None => return Ok(None),
            Driver::Syslog(syslog) => Form::Syslog(syslog.clone(), TimeZone::system()),
            Driver::Journald(fields) => Form::Journald(journald::fields(fields)),
        };
        let socket = form.connect().and_then(Socket::established);
        let socket = socket.map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", form.name())))?;
        Ok(Some(Self { form, socket: Some(socket), held: Vec::new(), lost_at: None }))
    }

    /// Tells it a line, if it takes it.
    pub(super) fn send(&mut self, stream: Stream, line: &[u8], time: Timestamp) {
        let mut message = match &self.form {
            Form::Syslog(syslog, zone) => syslog::message(syslog, stream, line, time, zone),
            Form::Journald(fields) => journald::entry(fields, stream, line, time),
        };
        self.find_again();
        let Some(socket) = &self.socket else { return };
        if socket.is_stream {
            message.push(b'\n');
            if self.held.len() + message.len() <= HELD {
                self.held.extend_from_slice(&message);
            }
        } else if let Err(error) = rustix::net::send(&socket.fd, &message, SendFlags::NOSIGNAL | SendFlags::DONTWAIT)
            // A datagram that does not fit is one that is not told.
            && !matches!(error, Errno::AGAIN | Errno::NOBUFS | Errno::MSGSIZE | Errno::INTR)
        {
            self.lose();
        }
    }

    /// Sends what is held, as far as the collector takes it.
    pub(super) fn flush(&mut self) {
        let mut sent = 0;
        while let (Some(socket), true) = (&self.socket, sent < self.held.len()) {
            match rustix::net::send(&socket.fd, &self.held[sent..], SendFlags::NOSIGNAL | SendFlags::DONTWAIT) {
                Ok(count) => sent += count,
                Err(Errno::INTR) => {}
                // Still connecting counts as slow.
                Err(Errno::AGAIN | Errno::NOTCONN | Errno::INPROGRESS) => break,
                Err(_) => {
                    // The rest of a message that was cut through means nothing to another connection.
                    let end = memchr::memchr(b'\n', &self.held[sent..]).map_or(self.held.len() - sent, |end| end + 1);
                    sent += if sent > 0 && self.held[sent - 1] != b'\n' { end } else { 0 };
                    self.lose();
                }
            }
        }
        self.held.drain(..sent);
        if self.held.is_empty() {
            self.held.shrink_to_fit();
        }
    }

    /// What is to become writable before more of what is held can be sent.
    pub(super) fn waits_for(&self) -> Option<BorrowedFd<'_>> {
        self.socket.as_ref().filter(|_| !self.held.is_empty()).map(|socket| socket.fd.as_fd())
    }

    fn lose(&mut self) {
        self.socket = None;
        self.lost_at = Some(Instant::now());
    }

    fn find_again(&mut self) {
        if self.socket.is_none() && self.lost_at.is_none_or(|lost| lost.elapsed() >= AGAIN) {
            self.socket = self.form.connect().ok();
            self.lost_at = Some(Instant::now());
        }
    }
}

impl Form {
    fn name(&self) -> String {
        match self {
            Self::Syslog(Syslog { address, .. }, _) => match address {
                SyslogAddress::Local => "syslog".to_owned(),
                SyslogAddress::Unix(path) | SyslogAddress::Unixgram(path) => format!("syslog at `{}`", path.display()),
                SyslogAddress::Udp(address) | SyslogAddress::Tcp(address) => format!("syslog at {address}"),
            },
            Self::Journald(_) => format!("the journal at `{}`", journald::SOCKET),
        }
    }

    /// Begins to connect, without waiting.
    fn connect(&self) -> io::Result<Socket> {
        match self {
            Self::Journald(_) => unix(Path::new(journald::SOCKET), false),
            Self::Syslog(Syslog { address, .. }, _) => match address {
                SyslogAddress::Local => {
                    let mut result = Err(io::ErrorKind::NotFound.into());
                    for path in LOCAL {
                        result = unix(Path::new(path), false).or_else(|_| unix(Path::new(path), true));
                        if result.is_ok() {
                            break;
                        }
                    }
                    result
                }
                SyslogAddress::Unix(path) => unix(path, true).or_else(|_| unix(path, false)),
                SyslogAddress::Unixgram(path) => unix(path, false),
                SyslogAddress::Udp(address) => internet(*address, false),
                SyslogAddress::Tcp(address) => internet(*address, true),
            },
        }
    }
}

impl Socket {
    /// Waits until it is connected, or cannot be.
    fn established(self) -> io::Result<Self> {
        if self.is_stream {
            if poll(&mut [PollFd::new(&self.fd, PollFlags::OUT)], Some(&PATIENCE))? == 0 {
                return Err(io::ErrorKind::TimedOut.into());
            }
            rustix::net::sockopt::socket_error(&self.fd)??;
        }
        Ok(self)
    }
}

fn unix(path: &Path, is_stream: bool) -> io::Result<Socket> {
    let address = SocketAddrUnix::new(path)?;
    connect(AddressFamily::UNIX, &address.into(), is_stream)
}

fn internet(address: std::net::SocketAddr, is_stream: bool) -> io::Result<Socket> {
    let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    connect(family, &address.into(), is_stream)
}

fn connect(family: AddressFamily, address: &SocketAddrAny, is_stream: bool) -> io::Result<Socket> {
    let kind = if is_stream { SocketType::STREAM } else { SocketType::DGRAM };
    let fd = rustix::net::socket_with(family, kind, SocketFlags::CLOEXEC | SocketFlags::NONBLOCK, None)?;
    match rustix::net::connect(&fd, address) {
        Ok(()) | Err(Errno::INPROGRESS) => Ok(Socket { fd, is_stream }),
        Err(error) => Err(error.into()),
    }
}
