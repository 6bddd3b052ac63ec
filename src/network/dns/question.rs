//! The head of a message as it lies in the packet: what is looked at before the parser is let near it, what a reply is
//! compared by, and what is left of a packet that nothing can be made of. See RFC 1035, section 4.

use simple_dns::RCODE;

/// Identifier, flags, four counts: what comes before the first question.
pub(super) const HEADER: usize = 12;
/// The response bit, and the four of the operation, in the third byte.
const RESPONSE: u8 = 0x80;
const OPERATION: u8 = 0x78;
/// "Cut short" and "recursion desired" beside them, "recursion available" and the code in the fourth.
const CUT_SHORT: u8 = 0x02;
const RECURSION_DESIRED: u8 = 0x01;
const RECURSION_AVAILABLE: u8 = 0x80;
const CODE: u8 = 0x0f;

/// What the head of a packet says it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Head {
    /// Too short, or a reply, which is never replied to: two servers would keep each other busy for ever.
    NoQuestion,
    /// Something else than a query.
    OtherOperation,
    /// A query that has not one question, or more besides than there is use for.
    WrongCounts,
    /// A query of one question.
    Query,
}

/// Looks at the head of `packet`. The counts are checked here because the parser believes them and makes room for what
/// they announce.
pub(super) fn head(packet: &[u8]) -> Head {
    const MOST_ADDITIONAL: u16 = 4;
    let Some(header) = packet.first_chunk::<HEADER>() else { return Head::NoQuestion };
    let count = |index| u16::from_be_bytes([header[index], header[index + 1]]);
    if header[2] & RESPONSE != 0 {
        Head::NoQuestion
    } else if header[2] & OPERATION != 0 {
        Head::OtherOperation
    } else if count(4) != 1 || count(6) != 0 || count(8) != 0 || count(10) > MOST_ADDITIONAL {
        Head::WrongCounts
    } else {
        Head::Query
    }
}

/// Where the first question of `packet` ends: a name that is written out (there is nothing before it to point to), its
/// type and its class.
pub(super) fn end(packet: &[u8]) -> Option<usize> {
    let mut at = HEADER;
    loop {
        match *packet.get(at)? {
            0 => break,
            length @ 1..=63 => at += 1 + usize::from(length),
            _ => return None,
        }
    }
    let end = at + 5;
    (end <= packet.len()).then_some(end)
}

/// The number of the type that a packet whose question ends at `end` asks for.
pub(super) fn kind(packet: &[u8], end: usize) -> u16 {
    u16::from_be_bytes([packet[end - 4], packet[end - 3]])
}

/// Puts another type in the question that ends at `end`.
pub(super) fn set_kind(packet: &mut [u8], end: usize, kind: u16) {
    packet[end - 4..end - 2].copy_from_slice(&kind.to_be_bytes());
}

/// The version of EDNS that a query whose question ends at `end` speaks, if its `OPT` record comes first, as it does. Read
/// and written here because the parser has the parts of the record's third field in each other's places.
pub(super) fn edns_version(packet: &[u8], end: usize) -> Option<u8> {
    const VERSION: usize = 6;
    let record = packet.get(end..)?;
    record.starts_with(&[0, 0, 41]).then(|| record.get(VERSION).copied())?
}

/// Says BADVERS in a reply whose question ends at `end` and whose first record is `OPT`: its code is 16, of which the
/// record holds the upper half.
pub(super) fn set_bad_version(reply: &mut [u8], end: usize) {
    const UPPER_CODE: usize = 5;
    if let Some(upper) = reply.get_mut(end + UPPER_CODE) {
        *upper = 1;
    }
}

/// Whether `reply` is one to the question of `query`, whose identifier it has. Letters may have changed their case on the
/// way.
pub(super) fn is_answered_by(query: &[u8], reply: &[u8]) -> bool {
    let Some(end) = end(query) else { return false };
    reply.len() >= end
        && reply[..2] == query[..2]
        && reply[2] & RESPONSE != 0
        && (reply[2] ^ query[2]) & OPERATION == 0
        && reply[4..6] == [0, 1]
        && reply[HEADER..end].eq_ignore_ascii_case(&query[HEADER..end])
}

/// The code of a reply.
pub(super) fn code(reply: &[u8]) -> u8 {
    reply[3] & CODE
}

/// A reply that is a head alone, to a packet that has at least that.
pub(super) fn bare_reply(packet: &[u8], code: RCODE) -> Vec<u8> {
    let mut reply = packet[..HEADER.min(packet.len())].to_vec();
    reply[2] = RESPONSE | reply[2] & (OPERATION | RECURSION_DESIRED);
    reply[3] = RECURSION_AVAILABLE | (code as u8 & CODE);
    reply[4..].fill(0);
    reply
}

/// Leaves of a reply that is too long its head and the question, which ends at `end`, marked as cut short.
pub(super) fn cut_short(reply: &mut Vec<u8>, end: usize) {
    reply.truncate(end);
    reply[2] |= CUT_SHORT;
    reply[6..HEADER].fill(0);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A query for the addresses of `a.bc`.
    const QUERY: &[u8] = b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x01a\x02bc\x00\x00\x01\x00\x01";

    fn with(index: usize, value: u8) -> Vec<u8> {
        let mut packet = QUERY.to_vec();
        packet[index] = value;
        packet
    }

    #[test]
    fn heads() {
        for (packet, expect) in [
            (QUERY.to_vec(), Head::Query),
            (QUERY[..11].to_vec(), Head::NoQuestion),
            (with(2, 0x81), Head::NoQuestion),
            (with(2, 0x28), Head::OtherOperation),
            (with(5, 0), Head::WrongCounts),
            (with(5, 2), Head::WrongCounts),
            (with(6, 0xff), Head::WrongCounts),
            (with(9, 1), Head::WrongCounts),
            (with(10, 0xff), Head::WrongCounts),
        ] {
            assert_eq!(head(&packet), expect, "{packet:?}");
        }
    }

    #[test]
    fn a_question_ends_where_its_class_does() {
        assert_eq!(end(QUERY), Some(QUERY.len()));
        assert_eq!(kind(QUERY, QUERY.len()), 1);
        for (packet, why) in [
            (QUERY[..QUERY.len() - 1].to_vec(), "cut"),
            (with(HEADER, 0xc0), "points somewhere"),
            (with(HEADER, 0x41), "no such kind of label"),
            (with(HEADER, 63), "runs over the end"),
        ] {
            assert_eq!(end(&packet), None, "{why}");
        }
    }

    #[test]
    fn a_reply_is_to_this_question() {
        let mut reply = with(2, 0x81);
        assert!(is_answered_by(QUERY, &reply));
        reply[HEADER + 1] = b'A';
        assert!(is_answered_by(QUERY, &reply), "the case of letters does not matter");
        for (index, value) in [(0, 0), (2, 0x01), (2, 0xa1), (5, 0), (HEADER + 1, b'b'), (HEADER + 7, 28)] {
            let mut other = reply.clone();
            other[index] = value;
            assert!(!is_answered_by(QUERY, &other), "{index} {value}");
        }
        assert!(!is_answered_by(QUERY, &reply[..reply.len() - 1]));
    }
}
