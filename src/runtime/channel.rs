//! The messages between the supervisor, a shim and its init; an exec speaks the same.
//!
//! ```text
//! supervisor          shim                 init
//!     │ Create {directory} + held fds        │
//!     ├───────────────▶│ clone3              │
//!     │                ├────────────────────▶│ mounts, devices, …
//!     │        Created │     Ready (+ tty)   │
//!     │◀───────────────┤◀────────────────────┤
//!     │ Start          │ Start               │
//!     ├───────────────▶├────────────────────▶│ seccomp
//!     │                │     (Listener)      │
//!     │                │◀────────────────────┤
//!     │                │     (Taken)         │
//!     │                ├────────────────────▶│ execve
//!     │        Started │        end of file  │    (the descriptor is close-on-exec)
//!     │◀───────────────┤◀────────────────────┤
//!                     and from init or shim, at any time before: Failed
//!
//! caller              exec                 process
//!     │ Exec {…}       │ setns, fork         │
//!     ├───────────────▶├────────────────────▶│ identity, limits, …
//!     │  Console (tty) │     Ready (+ tty)   │
//!     │◀───────────────┤◀────────────────────┤
//!     │                │ Start               │
//!     │        Started ├────────────────────▶│ execve
//!     │◀───────────────┤◀────────────────────┤
//!     │ Signal, Detach │ kill                │
//!     ├───────────────▶├────────────────────▶│
//!
//! caller           transient               init
//!     │ Equip + fds    │                     │
//!     │ Create         │ clone3              │
//!     ├───────────────▶├────────────────────▶│   … as with a shim, up to Started
//!     │ Signal         │ kill                │
//!     ├───────────────▶├────────────────────▶│
//!     │          Ended │                     ╳
//!     │◀───────────────┤
//! ```
//! End of file means that the other side is gone. One message is one packet, so none is ever read in part.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::PathBuf;

use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags, SocketFlags, SocketType,
};
use serde::{Deserialize, Serialize};

/// The most descriptors one message carries; the kernel's own limit is 253.
const MAX_DESCRIPTORS: usize = 128;
/// Larger than any message but [`Message::Exec`], whose environment may be long.
const MAX_MESSAGE: usize = 160 * 1024;

/// What is said.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Message {
    /// Make the container of this directory; more [`Message::Hold`]s may precede it.
    Create { directory: PathBuf },
    /// Keep the descriptors that come with this open.
    Hold,
    /// Run a process in the container of this directory.
    Exec(Box<super::exec::Request>),
    /// From init: the hooks of the runtime's namespaces are due.
    Hooks,
    /// What the shim has made for init: its root if `root`, then the mounts of these indices in the specification, then
    /// the devices of these paths; a descriptor for each, the first ones in [`Message::Hold`]s.
    Equip { root: bool, trees: Vec<usize>, nodes: Vec<PathBuf> },
    /// All is prepared; carries the terminal's master, if there is one.
    Ready { warnings: Vec<String> },
    /// The container exists.
    Created { pid: i32, start_time: u64, warnings: Vec<String> },
    /// Go on.
    Start,
    /// The program runs; from an exec, carries the terminal's master.
    Started { pid: i32, start_time: u64 },
    /// The filter is installed; its listener has this number in the process that says so.
    Listener { number: i32 },
    /// The listener is with the agent.
    Taken,
    /// The container has ended, and nothing is left of it.
    Ended(super::ExitStatus),
    /// Send the process a signal.
    Signal(i32),
    /// Let the process live on when this channel closes.
    Detach,
    /// It did not work.
    Failed(Failure),
}

/// Why something did not work.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Failure {
    /// 125, 126 or 127.
    pub(super) code: u8,
    /// An error and its sources.
    pub(super) error: String,
}

/// One end of a conversation.
#[derive(Debug)]
pub(super) struct Channel(OwnedFd);

impl Channel {
    /// The same end once more: the other end sees it close when both are closed.
    pub(super) fn duplicate(&self) -> io::Result<Self> {
        Ok(Self(rustix::io::fcntl_dupfd_cloexec(&self.0, 0)?))
    }

    /// Puts `preserved` where a program about to be executed looks for them: at 3 and up. Returns this end, moved out of
    /// their way.
    pub(super) fn above_passed(&self, preserved: &[OwnedFd]) -> io::Result<Self> {
        let first_free = 3 + i32::try_from(preserved.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
        let moved = rustix::io::fcntl_dupfd_cloexec(&self.0, first_free)?;
        crate::sys::process::place_descriptors(3, preserved)?;
        Ok(Self(moved))
    }

    /// Two ends.
    pub(super) fn pair() -> io::Result<(Self, Self)> {
        let (one, other) =
            rustix::net::socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?;
        Ok((Self(one), Self(other)))
    }

    /// Says `message`, handing over copies of `descriptors`.
    pub(super) fn send(&self, message: &Message, descriptors: &[BorrowedFd<'_>]) -> io::Result<()> {
        let text = serde_json::to_vec(message)?;
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_DESCRIPTORS))];
        let mut ancillary = SendAncillaryBuffer::new(&mut space);
        if !descriptors.is_empty() && !ancillary.push(SendAncillaryMessage::ScmRights(descriptors)) {
            return Err(io::ErrorKind::ArgumentListTooLong.into());
        }
        rustix::net::sendmsg(&self.0, &[IoSlice::new(&text)], &mut ancillary, SendFlags::NOSIGNAL)?;
        Ok(())
    }

    /// Says `message` by `write(2)`, the one call whose answer a seccomp agent never owes.
    pub(super) fn write(&self, message: &Message) -> io::Result<()> {
        rustix::io::write(&self.0, &serde_json::to_vec(message)?)?;
        Ok(())
    }

    /// Says `message` with any number of descriptors, the surplus in [`Message::Hold`]s before it.
    pub(super) fn send_all(&self, message: &Message, descriptors: &[BorrowedFd<'_>]) -> io::Result<()> {
        for chunk in descriptors.chunks(MAX_DESCRIPTORS) {
            self.send(&Message::Hold, chunk)?;
        }
        self.send(message, &[])
    }

    /// Waits for the next message; `None` when the other side is gone.
    pub(super) fn receive(&self) -> io::Result<Option<(Message, Vec<OwnedFd>)>> {
        let mut buffer = vec![0; MAX_MESSAGE];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_DESCRIPTORS))];
        let mut ancillary = RecvAncillaryBuffer::new(&mut space);
        let received = loop {
            let slices = &mut [IoSliceMut::new(&mut buffer)];
            match rustix::net::recvmsg(&self.0, slices, &mut ancillary, RecvFlags::CMSG_CLOEXEC) {
                Err(rustix::io::Errno::INTR) => {}
                // The other side died with something of ours unread.
                Err(rustix::io::Errno::CONNRESET) => return Ok(None),
                result => break result?,
            }
        };
        let mut descriptors = Vec::new();
        for message in ancillary.drain() {
            if let RecvAncillaryMessage::ScmRights(rights) = message {
                descriptors.extend(rights);
            }
        }
        if received.bytes == 0 {
            return Ok(None);
        }
        Ok(Some((serde_json::from_slice(&buffer[..received.bytes])?, descriptors)))
    }
}

impl From<OwnedFd> for Channel {
    fn from(fd: OwnedFd) -> Self {
        Self(fd)
    }
}

impl AsFd for Channel {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
