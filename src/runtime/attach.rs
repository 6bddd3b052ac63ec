//! Joining what a running container reads and writes.
//!
//! Its shim listens at a socket in the run directory. One message is one packet, and its first byte says what it is:
//!
//! ```text
//! client              shim
//!     │ o e            │    what the container wrote to its standard output, or error
//!     │ m              │    how many bytes of that this client was too slow for
//!     │ x              │    the code the container ended with
//!     │◀───────────────┤
//!     │ s              │    input will come from here
//!     │ i              │    input
//!     │ q              │    no more input comes from here
//!     │ r              │    the size of the terminal
//!     ├───────────────▶│
//! ```
//! Nobody waits for a client: what does not fit into its socket's buffer is counted, and it is told how much that was.

mod input;
mod server;

use std::io::{self, IoSlice};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::Path;

use rustix::fs::{CWD, Mode, OFlags};
use rustix::io::Errno;
use rustix::net::{AddressFamily, RecvFlags, SendAncillaryBuffer, SendFlags, SocketAddrUnix, SocketFlags, SocketType};
use rustix::termios::Winsize;
use serde::{Deserialize, Serialize};

pub(super) use input::Input;
pub(super) use server::Server;

use super::RuntimeError;
use super::log::Stream;

/// The name of the socket in the run directory.
const SOCKET: &str = "attach";
/// The most that is read or written at once; a packet is one byte more.
pub(super) const CHUNK: usize = 64 * 1024;
/// The most of its standard input that one packet to the shim carries.
const INPUT_CHUNK: usize = 16 * 1024;

/// What a container's standard input is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stdin {
    /// Nothing: `/dev/null`, or a terminal at which nobody types.
    #[default]
    Null,
    /// What attached clients send. It stays open when they leave.
    Open,
    /// What an attached client sends. It ends with the first one that has sent something.
    Once,
}

/// The kinds of packets.
mod kind {
    pub(super) const STDOUT: u8 = b'o';
    pub(super) const STDERR: u8 = b'e';
    pub(super) const MISSED: u8 = b'm';
    pub(super) const EXITED: u8 = b'x';
    pub(super) const WILL_SEND: u8 = b's';
    pub(super) const INPUT: u8 = b'i';
    pub(super) const END_OF_INPUT: u8 = b'q';
    pub(super) const RESIZE: u8 = b'r';
}

/// What an attached client hears.
#[derive(Debug, PartialEq, Eq)]
pub enum Said<'a> {
    /// The container wrote something.
    Output(Stream, &'a [u8]),
    /// It wrote this many bytes that are not told here, since this client is too slow; its log has them.
    Missed(u64),
    /// It ended with this code.
    Exited(i32),
    /// Its shim was killed.
    Gone,
}

/// A connection to a running container: from now on it hears what that writes. May be used by several threads at once.
#[derive(Debug)]
pub struct Attachment(OwnedFd);

impl Attachment {
    /// Joins the container of this run directory.
    ///
    /// # Errors
    /// [`RuntimeError::NotRunning`], [`RuntimeError::Attach`].
    pub fn open(directory: &Path) -> Result<Self, RuntimeError> {
        let connect = || -> rustix::io::Result<OwnedFd> {
            let fd = rustix::net::socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?;
            rustix::net::connect(&fd, &address(&open_directory(directory)?)?)?;
            Ok(fd)
        };
        match connect() {
            Ok(fd) => Ok(Self(fd)),
            Err(Errno::NOENT | Errno::CONNREFUSED) => Err(RuntimeError::NotRunning),
            Err(error) => Err(RuntimeError::Attach(error.into())),
        }
    }

    /// Waits for what is said next; `buffer` holds it.
    ///
    /// # Errors
    /// What `recv(2)` says.
    pub fn receive<'a>(&self, buffer: &'a mut Vec<u8>) -> io::Result<Said<'a>> {
        buffer.resize(1 + CHUNK, 0);
        loop {
            let count = match rustix::net::recv(&self.0, &mut **buffer, RecvFlags::empty()) {
                Err(Errno::INTR) => continue,
                Err(Errno::CONNRESET) => 0,
                result => result?.0,
            };
            let Some((&kind, rest)) = buffer[..count].split_first() else { return Ok(Said::Gone) };
            match (kind, rest.first_chunk(), rest.first_chunk()) {
                (kind::STDOUT, ..) => return Ok(Said::Output(Stream::Stdout, &buffer[1..count])),
                (kind::STDERR, ..) => return Ok(Said::Output(Stream::Stderr, &buffer[1..count])),
                (kind::MISSED, Some(count), _) => return Ok(Said::Missed(u64::from_ne_bytes(*count))),
                (kind::EXITED, _, Some(code)) => return Ok(Said::Exited(i32::from_ne_bytes(*code))),
                // Of a later version.
                _ => {}
            }
        }
    }

    /// Announces that input will come from here: standard input that is open once ends when this connection does.
    ///
    /// # Errors
    /// What `send(2)` says; `EPIPE` when the container has ended.
    pub fn will_send(&self) -> io::Result<()> {
        self.send(kind::WILL_SEND, &[])
    }

    /// Sends input; waits while the container reads none.
    ///
    /// # Errors
    /// As [`Self::will_send`].
    pub fn send_input(&self, bytes: &[u8]) -> io::Result<()> {
        bytes.chunks(INPUT_CHUNK).try_for_each(|chunk| self.send(kind::INPUT, chunk))
    }

    /// Says that no more input comes from here.
    ///
    /// # Errors
    /// As [`Self::will_send`].
    pub fn end_input(&self) -> io::Result<()> {
        self.send(kind::END_OF_INPUT, &[])
    }

    /// Gives the container's terminal, if it has one, another size.
    ///
    /// # Errors
    /// As [`Self::will_send`].
    pub fn resize(&self, rows: u16, columns: u16) -> io::Result<()> {
        let [[a, b], [c, d]] = [rows, columns].map(u16::to_ne_bytes);
        self.send(kind::RESIZE, &[a, b, c, d])
    }

    fn send(&self, kind: u8, bytes: &[u8]) -> io::Result<()> {
        loop {
            match send_packet(&self.0, kind, bytes, SendFlags::NOSIGNAL) {
                Err(Errno::INTR) => {}
                result => return Ok(result?),
            }
        }
    }
}

fn send_packet(fd: impl AsFd, kind: u8, bytes: &[u8], flags: SendFlags) -> rustix::io::Result<()> {
    let parts = [IoSlice::new(std::slice::from_ref(&kind)), IoSlice::new(bytes)];
    rustix::net::sendmsg(fd, &parts, &mut SendAncillaryBuffer::default(), flags).map(drop)
}

fn open_directory(directory: &Path) -> rustix::io::Result<OwnedFd> {
    rustix::fs::openat(CWD, directory, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
}

/// The socket in `directory`, by a path that is short enough for one whatever that of the directory is.
fn address(directory: &OwnedFd) -> rustix::io::Result<SocketAddrUnix> {
    SocketAddrUnix::new(format!("/proc/self/fd/{}/{SOCKET}", directory.as_raw_fd()))
}

fn winsize(packet: [u8; 4]) -> Winsize {
    let [a, b, c, d] = packet;
    Winsize { ws_row: u16::from_ne_bytes([a, b]), ws_col: u16::from_ne_bytes([c, d]), ws_xpixel: 0, ws_ypixel: 0 }
}
