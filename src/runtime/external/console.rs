//! The socket at which a runtime hands over the master of a terminal.

use std::io::{self, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SocketAddrUnix, SocketFlags, SocketType,
};

const NAME: &str = "console.sock";

/// Waits for a terminal.
pub(super) struct Console {
    listener: OwnedFd,
    /// Held for [`Self::address`].
    directory: OwnedFd,
    path: PathBuf,
}

impl Console {
    /// Listens in `directory`.
    pub(super) fn listen(directory: &Path) -> io::Result<Self> {
        let path = directory.join(NAME);
        let _ = fs_err::remove_file(&path);
        let flags = rustix::fs::OFlags::PATH | rustix::fs::OFlags::DIRECTORY | rustix::fs::OFlags::CLOEXEC;
        let directory = rustix::fs::openat(rustix::fs::CWD, directory, flags, rustix::fs::Mode::empty())?;
        let listener = rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
        let console = Self { listener, directory, path };
        rustix::net::bind(&console.listener, &SocketAddrUnix::new(console.address())?)?;
        rustix::net::listen(&console.listener, 1)?;
        Ok(console)
    }

    /// By this process's descriptor: a path of any length is none for a socket.
    pub(super) fn address(&self) -> PathBuf {
        crate::sys::path_of(&self.directory).join(NAME)
    }

    /// The terminal that a runtime which has ended has sent.
    pub(super) fn receive(&self) -> io::Result<Option<OwnedFd>> {
        use rustix::event::{PollFd, PollFlags, Timespec, poll};
        let now = Timespec { tv_sec: 0, tv_nsec: 0 };
        if poll(&mut [PollFd::new(&self.listener, PollFlags::IN)], Some(&now))? == 0 {
            return Ok(None);
        }
        let socket = rustix::net::accept_with(&self.listener, SocketFlags::CLOEXEC)?;
        let mut name = [0; 64];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut ancillary = RecvAncillaryBuffer::new(&mut space);
        let flags = RecvFlags::CMSG_CLOEXEC | RecvFlags::DONTWAIT;
        rustix::net::recvmsg(&socket, &mut [IoSliceMut::new(&mut name)], &mut ancillary, flags)?;
        let descriptors = ancillary.drain().filter_map(|message| match message {
            RecvAncillaryMessage::ScmRights(rights) => Some(rights),
            _ => None,
        });
        Ok(descriptors.flatten().next())
    }
}

impl Drop for Console {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}
