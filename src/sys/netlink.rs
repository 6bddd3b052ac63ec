//! A netlink socket: one datagram out, datagrams in, bound to the network namespace of the thread that opens it.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::io::Errno;
use rustix::net::{
    self, AddressFamily, Protocol, RecvFlags, SendFlags, SocketFlags, SocketType, netlink::SocketAddrNetlink, sockopt,
};

/// The kernel's largest ancillary chunk of a dump is 32 KiB: with this much room nothing is cut short.
const RECEIVE_SIZE: usize = 32 * 1024;
/// Room for the errors of a large batch: the kernel queues each before `sendto` returns.
const QUEUE_SIZE: usize = 1024 * 1024;

/// A netlink socket, owned, closed on exec. See `netlink(7)`.
#[derive(Debug)]
pub struct NetlinkSocket {
    fd: OwnedFd,
    buffer: Vec<u8>,
}

impl NetlinkSocket {
    /// Opens a socket of `NETLINK_ROUTE`: links, addresses and routes.
    ///
    /// # Errors
    /// Whatever `socket(2)` and `bind(2)` report.
    pub fn route() -> Result<Self, Errno> {
        // NETLINK_ROUTE is protocol 0, which is what no protocol means.
        Self::open(None, 0)
    }

    /// Opens a socket of `NETLINK_NETFILTER`: nftables.
    ///
    /// # Errors
    /// `EPROTONOSUPPORT` where the kernel has no nfnetlink; else whatever `socket(2)` and `bind(2)` report.
    pub fn netfilter() -> Result<Self, Errno> {
        Self::open(Some(net::netlink::NETFILTER), 0)
    }

    /// Opens a socket that is told of all changes to nftables, by whomever.
    ///
    /// # Errors
    /// As [`NetlinkSocket::netfilter`].
    pub fn netfilter_changes() -> Result<Self, Errno> {
        /// `NFNLGRP_NFTABLES`, 7, as a bit.
        const NFTABLES: u32 = 1 << 6;
        Self::open(Some(net::netlink::NETFILTER), NFTABLES)
    }

    fn open(protocol: Option<Protocol>, groups: u32) -> Result<Self, Errno> {
        let fd = net::socket_with(AddressFamily::NETLINK, SocketType::RAW, SocketFlags::CLOEXEC, protocol)?;
        net::bind(&fd, &SocketAddrNetlink::new(0, groups))?;
        explain_errors(&fd)?;
        Ok(Self { fd, buffer: vec![0; RECEIVE_SIZE] })
    }

    /// The address that the kernel gave it, which is on whatever comes of its requests.
    ///
    /// # Errors
    /// Whatever `getsockname(2)` reports.
    pub fn address(&self) -> Result<u32, Errno> {
        Ok(SocketAddrNetlink::try_from(net::getsockname(&self.fd)?)?.pid())
    }

    /// Makes room for one datagram of `size` bytes, and for as many answers, past the system's default limits where
    /// the privilege is there.
    ///
    /// # Errors
    /// Whatever `setsockopt(2)` reports.
    pub fn reserve(&self, size: usize) -> Result<(), Errno> {
        // The kernel counts its own bookkeeping as well, so that twice the payload is what fits.
        let size = size.saturating_mul(2).max(QUEUE_SIZE);
        sockopt::set_socket_send_buffer_size_force(&self.fd, size)
            .or_else(|_| sockopt::set_socket_send_buffer_size(&self.fd, size))?;
        sockopt::set_socket_recv_buffer_size_force(&self.fd, size)
            .or_else(|_| sockopt::set_socket_recv_buffer_size(&self.fd, size))
    }

    /// Sends one datagram to the kernel, which has acted on it when this returns.
    ///
    /// # Errors
    /// Whatever `sendto(2)` reports: `EMSGSIZE` without [`Self::reserve`].
    pub fn send(&self, datagram: &[u8]) -> Result<(), Errno> {
        net::sendto(&self.fd, datagram, SendFlags::empty(), &SocketAddrNetlink::new(0, 0)).map(drop)
    }

    /// The next datagram the kernel has for us, or `None` when it has queued no more. Never waits: whatever a request
    /// leads to is queued before the `send` returns, but for further parts of a dump, each of which the kernel makes
    /// as the one before is read.
    ///
    /// # Errors
    /// Whatever `recv(2)` reports: `ENOBUFS` when answers were lost.
    pub fn receive(&mut self) -> Result<Option<&[u8]>, Errno> {
        loop {
            match net::recv(&self.fd, self.buffer.as_mut_slice(), RecvFlags::DONTWAIT) {
                Ok((length, _)) => return Ok(Some(&self.buffer[..length])),
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return Ok(None),
                Err(error) => return Err(error),
            }
        }
    }
}

impl AsFd for NetlinkSocket {
    /// Readable when there is something to receive.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// Asks for the reason of an error in words (`NETLINK_EXT_ACK`), and for it without a copy of the whole request
/// (`NETLINK_CAP_ACK`).
fn explain_errors(fd: &OwnedFd) -> Result<(), Errno> {
    use std::os::fd::AsRawFd;
    let size = libc::socklen_t::try_from(size_of::<libc::c_int>()).expect("an int is a few bytes");
    for option in [libc::NETLINK_EXT_ACK, libc::NETLINK_CAP_ACK] {
        let on: libc::c_int = 1;
        // SAFETY: `fd` is open for the call, and the value is an int that outlives it, passed with its size.
        let result =
            unsafe { libc::setsockopt(fd.as_raw_fd(), libc::SOL_NETLINK, option, (&raw const on).cast(), size) };
        if result != 0 {
            return Err(Errno::from_io_error(&std::io::Error::last_os_error()).unwrap_or(Errno::INVAL));
        }
    }
    Ok(())
}
