//! Descriptors handed to whoever listens at a unix socket: the master of a terminal, a pidfd.

use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::net::{
    AddressFamily, SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketAddrUnix, SocketFlags, SocketType,
};

use crate::runtime::oci::OciError;

/// Somebody who waits for a descriptor.
#[derive(Debug)]
pub(super) struct Receiver {
    path: PathBuf,
    socket: OwnedFd,
}

impl Receiver {
    /// Connects to the socket at `path`.
    pub(super) fn connect(path: &Path) -> Result<Self, OciError> {
        let connect = || -> io::Result<OwnedFd> {
            let socket = rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
            rustix::net::connect(&socket, &SocketAddrUnix::new(path)?)?;
            Ok(socket)
        };
        let socket = connect().map_err(|source| OciError::Socket { path: path.to_owned(), source })?;
        Ok(Self { path: path.to_owned(), socket })
    }

    /// Hands over a copy of `descriptor`, which is called `name`.
    pub(super) fn send(&self, descriptor: BorrowedFd<'_>, name: &str) -> Result<(), OciError> {
        let descriptors = [descriptor.as_fd()];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut ancillary = SendAncillaryBuffer::new(&mut space);
        // There is space for one.
        ancillary.push(SendAncillaryMessage::ScmRights(&descriptors));
        let name = [IoSlice::new(name.as_bytes())];
        rustix::net::sendmsg(&self.socket, &name, &mut ancillary, SendFlags::NOSIGNAL)
            .map(drop)
            .map_err(|error| OciError::Socket { path: self.path.clone(), source: error.into() })
    }
}
