//! A conversation with the kernel over netlink: requests out, their acknowledgements back, errors in the kernel's words.

use std::io;

use rustix::io::Errno;

use super::message::{self, DONE, ERROR, Message, Received};
use crate::sys::netlink::NetlinkSocket;

/// `NLM_F_CAPPED` and `NLM_F_ACK_TLVS` of an error message.
const CAPPED: u16 = 0x100;
const ACK_TLVS: u16 = 0x200;
/// `NLMSGERR_ATTR_MSG`.
const ERROR_TEXT: u16 = 1;

/// What went wrong in talking to the kernel.
#[derive(Debug, thiserror::Error)]
pub enum NetlinkError {
    /// No socket.
    #[error("cannot open a netlink socket")]
    Open(#[source] io::Error),
    /// The namespace of a container could not be entered to open one there.
    #[error("cannot enter the network namespace")]
    Enter(#[source] io::Error),
    /// The request did not reach the kernel.
    #[error("cannot send a netlink request")]
    Send(#[source] io::Error),
    /// The answer did not reach us.
    #[error("cannot receive a netlink answer")]
    Receive(#[source] io::Error),
    /// The kernel said no, and why.
    #[error("the kernel refused: {reason}")]
    Explained {
        /// The kernel's own words.
        reason: String,
        /// The error number.
        source: io::Error,
    },
    /// The kernel said no.
    #[error("the kernel refused")]
    Refused(#[source] io::Error),
    /// The kernel did not answer a request that it always answers.
    #[error("the kernel did not answer a netlink request")]
    NoAnswer,
}

impl NetlinkError {
    /// The kernel's error number, where the kernel refused.
    pub(super) fn errno(&self) -> Option<Errno> {
        match self {
            Self::Explained { source, .. } | Self::Refused(source) => Errno::from_io_error(source),
            _ => None,
        }
    }
}

/// One socket, and the number of the last request sent over it.
#[derive(Debug)]
pub(super) struct Connection {
    socket: NetlinkSocket,
    sequence: u32,
}

impl Connection {
    /// For links, addresses and routes of the calling thread's namespace, for as long as it lives.
    pub(super) fn route() -> Result<Self, NetlinkError> {
        let socket = NetlinkSocket::route().map_err(|error| NetlinkError::Open(error.into()))?;
        Ok(Self { socket, sequence: 0 })
    }

    /// For the firewall of the calling thread's namespace.
    pub(super) fn netfilter() -> Result<Self, NetlinkError> {
        let socket = NetlinkSocket::netfilter().map_err(|error| NetlinkError::Open(error.into()))?;
        Ok(Self { socket, sequence: 0 })
    }

    /// Sends `requests` in one datagram, which the kernel carries out in order up to the first failure's end: a
    /// failure does not stop those after it. Returns the index of the first that failed.
    pub(super) fn request(&mut self, requests: Vec<Message>) -> Result<(), (usize, NetlinkError)> {
        let (first, count) = (self.sequence.wrapping_add(1), requests.len());
        if count == 0 {
            // The kernel takes no empty datagram.
            return Ok(());
        }
        self.send(requests).map_err(|error| (0, error))?;
        let mut answered = 0;
        let mut failed = None;
        while answered < count {
            let datagram = match self.socket.receive() {
                Ok(Some(datagram)) => datagram,
                Ok(None) => return Err((answered, NetlinkError::NoAnswer)),
                Err(error) => return Err((answered, NetlinkError::Receive(error.into()))),
            };
            for reply in message::messages(datagram).filter(|reply| reply.kind == ERROR) {
                answered += 1;
                if let (Some(error), None) = (refusal(&reply), &failed) {
                    failed = Some((reply.sequence.wrapping_sub(first) as usize, error));
                }
            }
        }
        failed.map_or(Ok(()), Err)
    }

    /// Sends `request` and passes each part of the answer to `each`: all of a dump, or the one answer of a get.
    pub(super) fn query(&mut self, request: Message, mut each: impl FnMut(&[u8])) -> Result<(), NetlinkError> {
        self.send(vec![request])?;
        loop {
            let datagram = match self.socket.receive() {
                Ok(Some(datagram)) => datagram,
                Ok(None) => return Err(NetlinkError::NoAnswer),
                Err(error) => return Err(NetlinkError::Receive(error.into())),
            };
            for reply in message::messages(datagram) {
                match reply.kind {
                    DONE => return Ok(()),
                    ERROR => return refusal(&reply).map_or(Ok(()), Err),
                    _ => each(reply.payload),
                }
            }
        }
    }

    fn send(&mut self, requests: Vec<Message>) -> Result<(), NetlinkError> {
        let mut datagram = Vec::new();
        for request in requests {
            self.sequence = self.sequence.wrapping_add(1);
            datagram.extend(request.finish(self.sequence));
        }
        self.socket.send(&datagram).map_err(|error| NetlinkError::Send(error.into()))
    }
}

/// The error that an acknowledgement reports, if it reports one.
pub(super) fn refusal(reply: &Received<'_>) -> Option<NetlinkError> {
    let number = message::u32_at(reply.payload, 0)?.cast_signed();
    if number == 0 {
        return None;
    }
    let source = io::Error::from_raw_os_error(number.wrapping_neg());
    Some(match explanation(reply) {
        Some(reason) => NetlinkError::Explained { reason, source },
        None => NetlinkError::Refused(source),
    })
}

/// The kernel's words: attributes after the error number and the request's header (or, uncapped, the whole request).
fn explanation(reply: &Received<'_>) -> Option<String> {
    if reply.flags & ACK_TLVS == 0 {
        return None;
    }
    let request = if reply.flags & CAPPED != 0 {
        message::HEADER
    } else {
        (message::u32_at(reply.payload, 4)? as usize).next_multiple_of(4)
    };
    let (_, text) = message::attributes(reply.payload.get(4 + request..)?).find(|(kind, _)| *kind == ERROR_TEXT)?;
    let text = String::from_utf8_lossy(text);
    Some(text.trim_end_matches('\0').trim_end_matches('.').to_owned())
}
