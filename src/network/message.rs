//! The wire form of netlink: a message is a header, a fixed part, and attributes that may hold attributes.
//! See `netlink(7)` and `rtnetlink(7)`. All numbers are in host order unless a method says otherwise.

use std::os::fd::{AsRawFd, BorrowedFd};

/// `struct nlmsghdr`: length u32, type u16, flags u16, sequence u32, port u32.
pub(super) const HEADER: usize = 16;
/// `NLMSG_ERROR`: an acknowledgement, of success too.
pub(super) const ERROR: u16 = 2;
/// `NLMSG_DONE`: the end of a dump.
pub(super) const DONE: u16 = 3;

/// `NLM_F_REQUEST`: on everything sent.
const REQUEST: u16 = 0x1;
/// `NLM_F_ACK`: answer success too.
pub(super) const ACK: u16 = 0x4;
/// `NLM_F_DUMP`: everything there is.
pub(super) const DUMP: u16 = 0x300;
/// `NLM_F_CREATE`.
pub(super) const CREATE: u16 = 0x400;
/// `NLM_F_EXCL`: fail if it is there.
pub(super) const EXCLUSIVE: u16 = 0x200;
/// `NLM_F_REPLACE`: instead of the one that is there.
pub(super) const REPLACE: u16 = 0x100;
/// `NLM_F_APPEND`: after the others.
pub(super) const APPEND: u16 = 0x800;

/// `NLA_F_NESTED`, and with it `NLA_F_NET_BYTEORDER`: what is not the attribute's type.
const NESTED: u16 = 0x8000;
const TYPE_MASK: u16 = 0x3fff;

/// A message under construction.
#[derive(Debug)]
pub(super) struct Message {
    bytes: Vec<u8>,
}

impl Message {
    /// A request of type `kind` with the family's fixed part.
    pub(super) fn new(kind: u16, flags: u16, fixed: &[u8]) -> Self {
        let mut bytes = vec![0; 4];
        bytes.extend(kind.to_ne_bytes());
        bytes.extend((flags | REQUEST).to_ne_bytes());
        bytes.extend([0; 8]);
        let message = Self { bytes };
        message.fixed(fixed)
    }

    /// A fixed structure, padded: at the start of the message, or of an attribute that begins with one.
    pub(super) fn fixed(mut self, structure: &[u8]) -> Self {
        self.bytes.extend(structure);
        self.pad()
    }

    /// An attribute of raw bytes.
    pub(super) fn bytes(mut self, kind: u16, value: &[u8]) -> Self {
        self.bytes.extend(length(4 + value.len()).to_ne_bytes());
        self.bytes.extend(kind.to_ne_bytes());
        self.bytes.extend(value);
        self.pad()
    }

    /// A number in host order: what rtnetlink wants.
    pub(super) fn u32(self, kind: u16, value: u32) -> Self {
        self.bytes(kind, &value.to_ne_bytes())
    }

    /// A number in network order: what nfnetlink wants.
    pub(super) fn be32(self, kind: u16, value: u32) -> Self {
        self.bytes(kind, &value.to_be_bytes())
    }

    /// A string with its terminating zero.
    pub(super) fn string(self, kind: u16, value: &str) -> Self {
        self.bytes(kind, &[value.as_bytes(), &[0]].concat())
    }

    /// A descriptor of this process.
    pub(super) fn fd(self, kind: u16, fd: BorrowedFd<'_>) -> Self {
        self.bytes(kind, &fd.as_raw_fd().to_ne_bytes())
    }

    /// An attribute that holds what `fill` adds.
    pub(super) fn nest(mut self, kind: u16, fill: impl FnOnce(Self) -> Self) -> Self {
        let start = self.bytes.len();
        self.bytes.extend([0; 2]);
        self.bytes.extend((kind | NESTED).to_ne_bytes());
        let mut filled = fill(self);
        let size = length(filled.bytes.len() - start);
        filled.bytes[start..start + 2].copy_from_slice(&size.to_ne_bytes());
        filled
    }

    /// The finished bytes.
    pub(super) fn finish(mut self, sequence: u32) -> Vec<u8> {
        let size = u32::try_from(self.bytes.len()).expect("a message is built from a bounded number of attributes");
        self.bytes[..4].copy_from_slice(&size.to_ne_bytes());
        self.bytes[8..12].copy_from_slice(&sequence.to_ne_bytes());
        self.bytes
    }

    fn pad(mut self) -> Self {
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
        self
    }
}

fn length(size: usize) -> u16 {
    u16::try_from(size).expect("callers split what could grow past an attribute's 64 KiB")
}

/// A message received.
#[derive(Debug, Clone, Copy)]
pub(super) struct Received<'a> {
    /// `nlmsg_type`.
    pub(super) kind: u16,
    /// `nlmsg_flags`.
    pub(super) flags: u16,
    /// `nlmsg_seq`: that of the request it answers.
    pub(super) sequence: u32,
    /// `nlmsg_pid`: the address of the socket that the request came from.
    pub(super) port: u32,
    /// What follows the header.
    pub(super) payload: &'a [u8],
}

/// The messages of one datagram; ends at the first that is malformed.
pub(super) fn messages(datagram: &[u8]) -> impl Iterator<Item = Received<'_>> {
    let mut rest = datagram;
    std::iter::from_fn(move || {
        let size = u32_at(rest, 0)? as usize;
        let payload = rest.get(HEADER..size)?;
        let (sequence, port) = (u32_at(rest, 8)?, u32_at(rest, 12)?);
        let message = Received { kind: u16_at(rest, 4)?, flags: u16_at(rest, 6)?, sequence, port, payload };
        rest = rest.get(size.next_multiple_of(4)..).unwrap_or(&[]);
        Some(message)
    })
}

/// The attributes in `bytes` as type and value; ends at the first that is malformed.
pub(super) fn attributes(bytes: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let size = usize::from(u16_at(rest, 0)?);
        let value = rest.get(4..size)?;
        let kind = u16_at(rest, 2)? & TYPE_MASK;
        rest = rest.get(size.next_multiple_of(4)..).unwrap_or(&[]);
        Some((kind, value))
    })
}

/// The number at `offset` of a fixed structure, if it is that long.
pub(super) fn u32_at(bytes: &[u8], offset: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(*bytes.get(offset..)?.first_chunk()?))
}

fn u16_at(bytes: &[u8], offset: usize) -> Option<u16> {
    Some(u16::from_ne_bytes(*bytes.get(offset..)?.first_chunk()?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_built_can_be_read() {
        let bytes = Message::new(16, CREATE, &[7; 6])
            .string(3, "rc-1")
            .nest(18, |info| info.string(1, "bridge").nest(2, |data| data.u32(5, 9)))
            .finish(42);
        let [message] = messages(&bytes).collect::<Vec<_>>()[..] else { panic!("one message") };
        assert_eq!((message.kind, message.flags, message.sequence), (16, CREATE | REQUEST, 42));
        let top: Vec<_> = attributes(&message.payload[8..]).collect();
        assert_eq!(top[0], (3, &b"rc-1\0"[..]));
        let inner: Vec<_> = attributes(top[1].1).collect();
        assert_eq!(inner[0], (1, &b"bridge\0"[..]));
        assert_eq!(attributes(inner[1].1).collect::<Vec<_>>(), [(5, &9u32.to_ne_bytes()[..])]);
    }

    proptest! {
        #[test]
        fn any_bytes_can_be_walked(bytes in prop::collection::vec(any::<u8>(), 0..256)) {
            for message in messages(&bytes) {
                attributes(message.payload).for_each(drop);
            }
            attributes(&bytes).for_each(drop);
        }
    }
}
