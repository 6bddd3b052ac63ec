//! Who answers for system calls of a container's process.

use std::io::{IoSliceMut, Read as _};
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::os::unix::net::UnixListener;

use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};
use serde_json::Value;

/// Answers one call on behalf of the container's process, with the result 42; returns what it was told about it.
pub(crate) fn agent(listener: &UnixListener) -> Value {
    let (mut stream, _) = listener.accept().unwrap();
    let mut buffer = vec![0; 65536];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let slices = &mut [IoSliceMut::new(&mut buffer)];
    let count = recvmsg(&stream, slices, &mut ancillary, RecvFlags::CMSG_CLOEXEC).unwrap().bytes;
    let mut text = buffer[..count].to_vec();
    let fd = ancillary.drain().find_map(|message| match message {
        RecvAncillaryMessage::ScmRights(mut rights) => rights.next(),
        _ => None,
    });
    stream.read_to_end(&mut text).unwrap();
    answer(&fd.unwrap());
    serde_json::from_slice(&text).unwrap()
}

#[expect(unsafe_code, reason = "no library has the calls of an agent")]
fn answer(fd: &OwnedFd) {
    const RECEIVE: libc::Ioctl = 0xc050_2100;
    const SEND: libc::Ioctl = 0xc018_2101;
    // SAFETY: zeros are a valid value of this plain structure, and what the kernel asks for.
    let mut call: libc::seccomp_notif = unsafe { std::mem::zeroed() };
    // SAFETY: the kernel writes one structure of this type.
    assert_eq!(unsafe { libc::ioctl(fd.as_raw_fd(), RECEIVE, &raw mut call) }, 0);
    let mut answer = libc::seccomp_notif_resp { id: call.id, val: 42, error: 0, flags: 0 };
    // SAFETY: the kernel reads one structure of this type.
    assert_eq!(unsafe { libc::ioctl(fd.as_raw_fd(), SEND, &raw mut answer) }, 0);
}
