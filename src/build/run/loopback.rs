//! The loopback interface of a network namespace in which there is nothing else.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{CWD, Mode, OFlags};
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, netlink::SocketAddrNetlink, recv, sendto, socket_with,
};

use crate::sys::netns::in_netns;

/// `RTM_NEWLINK`, see `rtnetlink(7)`.
const SET_LINK: u16 = 16;
/// `NLM_F_REQUEST | NLM_F_ACK`, see `netlink(7)`.
const REQUEST: u16 = 0x5;
/// Each namespace has it as its first interface.
const LOOPBACK: i32 = 1;
/// `IFF_UP`, see `netdevice(7)`.
const UP: u32 = 1;

/// Brings it up in the namespace of the process `pid`.
pub(super) fn bring_up(pid: i32) -> io::Result<()> {
    let path = format!("/proc/{pid}/ns/net");
    let netns: OwnedFd = rustix::fs::openat(CWD, path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
    let socket =
        in_netns(netns.as_fd(), || socket_with(AddressFamily::NETLINK, SocketType::RAW, SocketFlags::CLOEXEC, None))??;
    let mut message = Vec::with_capacity(32);
    message.extend(32_u32.to_ne_bytes());
    message.extend(SET_LINK.to_ne_bytes());
    message.extend(REQUEST.to_ne_bytes());
    // Sequence and sender.
    message.extend([0; 8]);
    // Family, padding and kind of an `ifinfomsg`.
    message.extend([0; 4]);
    message.extend(LOOPBACK.to_ne_bytes());
    message.extend(UP.to_ne_bytes());
    message.extend(UP.to_ne_bytes());
    sendto(&socket, &message, SendFlags::empty(), &SocketAddrNetlink::new(0, 0))?;
    let mut buffer = [MaybeUninit::uninit(); 256];
    let ((answer, _), _) = recv(&socket, &mut buffer, RecvFlags::empty())?;
    // The header is followed by an error number, which is 0 for none.
    match answer.get(16..20).and_then(|bytes| Some(i32::from_ne_bytes(bytes.try_into().ok()?))) {
        Some(0) => Ok(()),
        Some(error) => Err(io::Error::from_raw_os_error(-error)),
        None => Err(io::ErrorKind::InvalidData.into()),
    }
}
