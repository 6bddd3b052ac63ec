//! The form of the files of `local`: what was read of a stream at once is one chunk, as the container wrote it, so that
//! keeping it costs little more than copying it.
//!
//! ```text
//! 0       1       2      4        8                  16                16 + length
//! │ magic │ flags │ zero │ length │ time             │ what was read   │ length │
//! ```
//! Numbers are little-endian; the time is in nanoseconds since 1970. The length is there twice for those who read
//! backwards. Lines need not end where a chunk does: how the streams are left behind is in its flags.

use jiff::Timestamp;

use super::Stream;

/// The first byte of a chunk: no JSON begins with it.
pub(super) const MAGIC: u8 = 0xc1;
/// Before what was read, in bytes.
pub(super) const HEAD: usize = 16;
/// After it.
pub(super) const TAIL: usize = 4;
/// More than is ever read at once: what claims to be longer is no chunk.
const LONGEST: u32 = 1 << 24;

const STDERR: u8 = 1;
const ENDS: u8 = 2;
const UNFINISHED: [u8; 2] = [4, 8];

/// What is known of a chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) stream: Stream,
    /// Whether the line that the stream had begun ends here, without a newline.
    pub(super) ends: bool,
    /// Whether a line of standard output, and one of standard error, goes on after this.
    pub(super) unfinished: [bool; 2],
    /// Of what was read, in bytes.
    pub(super) length: usize,
    pub(super) time: Timestamp,
}

impl Head {
    pub(super) fn encode(&self) -> [u8; HEAD] {
        let mut bytes = [0; HEAD];
        bytes[0] = MAGIC;
        bytes[1] = if self.stream == Stream::Stderr { STDERR } else { 0 } | if self.ends { ENDS } else { 0 };
        for (flag, is_set) in UNFINISHED.into_iter().zip(self.unfinished) {
            bytes[1] |= if is_set { flag } else { 0 };
        }
        bytes[4..8].copy_from_slice(&self.tail());
        let nanoseconds = i64::try_from(self.time.as_nanosecond()).unwrap_or(i64::MAX);
        bytes[8..].copy_from_slice(&nanoseconds.to_le_bytes());
        bytes
    }

    /// What follows what was read.
    pub(super) fn tail(&self) -> [u8; TAIL] {
        u32::try_from(self.length).expect("no more is read at once").to_le_bytes()
    }

    /// The head at the beginning of `bytes`, if that is one.
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let head: &[u8; HEAD] = bytes.first_chunk()?;
        let (&length, &nanoseconds) = (head[4..].first_chunk()?, head[8..].first_chunk()?);
        let length = u32::from_le_bytes(length);
        let flags = head[1];
        let known = STDERR | ENDS | UNFINISHED[0] | UNFINISHED[1];
        if head[0] != MAGIC || flags & !known != 0 || head[2..4] != [0, 0] || length > LONGEST {
            return None;
        }
        Some(Self {
            stream: if flags & STDERR == 0 { Stream::Stdout } else { Stream::Stderr },
            ends: flags & ENDS != 0,
            unfinished: UNFINISHED.map(|flag| flags & flag != 0),
            length: usize::try_from(length).ok()?,
            time: Timestamp::from_nanosecond(i64::from_le_bytes(nanoseconds).into()).ok()?,
        })
    }

    /// Of the whole chunk, in bytes.
    pub(super) fn whole(&self) -> usize {
        HEAD + self.length + TAIL
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads() {
        for (stream, ends, unfinished) in [
            (Stream::Stdout, false, [false, true]),
            (Stream::Stderr, true, [true, false]),
            (Stream::Stderr, false, [true, true]),
        ] {
            let head =
                Head { stream, ends, unfinished, length: 70_000, time: Timestamp::new(1_700_000_000, 5).unwrap() };
            assert_eq!(Head::decode(&head.encode()), Some(head));
            for (index, byte) in [(0, b'{'), (1, 0x80), (2, 1), (7, 0xff)] {
                let mut bytes = head.encode();
                bytes[index] = byte;
                assert_eq!(Head::decode(&bytes), None, "{index}");
            }
        }
        assert_eq!(Head::decode(&[MAGIC; 3]), None);
    }
}
