//! Packets to begin with, and ways to damage them.

use crate::Random;

/// Bytes that mean something in a packet: ends of names, lengths of labels, pointers, flags, types.
const ODD: &[u8] = &[0, 1, 2, 5, 6, 12, 15, 28, 33, 41, 0x3f, 0x40, 0x7f, 0x80, 0xc0, 0xc1, 0xfb, 0xfc, 0xfe, 0xff];
const MAX_BYTES: usize = 4_000;

/// Questions and replies as they are; each input of the target is a question and, after it, what a server may send.
pub fn seeds() -> Vec<Vec<u8>> {
    const HEAD: &[u8] = b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00";
    const EDNS_HEAD: &[u8] = b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x01";
    const REPLY: &[u8] = b"\x12\x34\x81\x80\x00\x01\x00\x01\x00\x00\x00\x00";
    const OPT: &[u8] = b"\x00\x00\x29\x04\xd0\x00\x00\x80\x00\x00\x0c\x00\x0a\x00\x08abcdefgh";
    const ANSWER: &[u8] = b"\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04\x0a\x00\x00\x01";
    let names: &[&[u8]] = &[
        b"\x02db\x00",
        b"\x02DB\x04back\x00",
        b"\x05other\x07example\x00",
        b"\x041\x00\x00\x00\x00",
        b"\x011\x010\x010\x0210\x07in-addr\x04arpa\x00",
        b"\x04_sql\x04_tcp\x02db\x00",
        b"\x011\x010\x010\x010\x010\x010\x010\x010\x010\x010\x010\x010\x010\x010\x010\x010\x010\x010\x010\x010\x010\x010\x010\x010\x010\x010\x010\x010\x010\x010\x01d\x01f\x03ip6\x04arpa\x00",
    ];
    let mut seeds = Vec::new();
    for name in names {
        for kind in [1_u8, 12, 28, 33, 255] {
            let question = [name, &[0, kind, 0, 1][..]].concat();
            seeds.push([HEAD, &question].concat());
            seeds.push([EDNS_HEAD, &question, OPT].concat());
            let asked = [HEAD, &question].concat();
            seeds.push([&framed(&asked), REPLY, &question, ANSWER].concat());
        }
    }
    seeds
}

/// A packet with its length before it.
fn framed(packet: &[u8]) -> Vec<u8> {
    let length = u16::try_from(packet.len()).unwrap_or(u16::MAX);
    [&length.to_be_bytes()[..], packet].concat()
}

/// Damages one place of `input`.
pub fn mutate(input: &mut Vec<u8>, corpus: &[Vec<u8>], random: &mut Random) {
    if input.is_empty() {
        input.push(0);
    }
    let at = random.below(input.len());
    let odd = ODD[random.below(ODD.len())];
    match random.below(9) {
        0 => input[at] = odd,
        1 => input[at] ^= 1 << random.below(8),
        2 => input.insert(at, odd),
        3 => drop(input.remove(at)),
        4 => input.truncate(at),
        5 => {
            let end = (at + 1 + random.below(20)).min(input.len());
            let piece = input[at..end].to_vec();
            let (times, to) = (1 + random.below(40), random.below(input.len()));
            input.splice(to..to, piece.repeat(times));
        }
        6 => {
            let other = random.of(corpus);
            let from = random.below(other.len());
            input.truncate(at);
            input.extend_from_slice(&other[from.min(other.len())..]);
        }
        7 => {
            let pointer = [0xc0, u8::try_from(random.below(40)).unwrap_or(0)];
            input.splice(at..at, pointer);
        }
        // The counts.
        _ => {
            let count = 4 + random.below(8);
            if let Some(byte) = input.get_mut(count) {
                *byte = odd;
            }
        }
    }
    input.truncate(MAX_BYTES);
}
