//! What to say to a question: from the table, or that somebody else has to be asked. Pure. See RFC 1035 and RFC 6891.

use std::net::Ipv4Addr;

use simple_dns::rdata::{A, OPT, PTR, RData};
use simple_dns::{CLASS, Name, OPCODE, Packet, PacketFlag, QCLASS, QTYPE, RCODE, ResourceRecord, TYPE};

use super::names::Names;

/// Seconds an answer may be kept: not at all, for a container may be replaced at any moment.
const TIME_TO_LIVE: u32 = 0;
/// What a datagram may hold unless the client says that it takes more, bytes.
const PLAIN_DATAGRAM: usize = 512;
/// What is never exceeded, whatever a client says: larger datagrams get lost in fragments.
const LARGEST_DATAGRAM: u16 = 1232;
/// `struct` of a message before its first question: identifier, flags, four counts.
const HEADER: usize = 12;
/// The response bit, in the third byte.
const RESPONSE: u8 = 0x80;

/// How a question came, and so how much an answer can hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Transport {
    /// In a datagram.
    Udp,
    /// Over a connection.
    Tcp,
}

/// What to do about a packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer {
    /// Send this.
    Reply(Vec<u8>),
    /// Nobody here has the name: pass the question on as it is.
    Forward,
    /// It is not a question.
    Ignore,
}

/// What to do about `packet`, from a container on `networks`. `turn` says which of several addresses comes first.
pub(super) fn answer(packet: &[u8], names: &Names, networks: &[String], turn: usize, transport: Transport) -> Answer {
    if !is_one_question(packet) {
        return Answer::Ignore;
    }
    let Ok(query) = Packet::parse(packet) else { return Answer::Ignore };
    let [question] = &query.questions[..] else { return Answer::Ignore };
    if query.opcode() != OPCODE::StandardQuery || !matches!(question.qclass, QCLASS::CLASS(CLASS::IN) | QCLASS::ANY) {
        return Answer::Forward;
    }
    let name = question.qname.to_string();
    let records = if let Some(addresses) = names.addresses(networks, &name) {
        // A name that is known has no other kind of record: nobody else may be asked for one.
        let mut addresses = addresses.to_vec();
        let first = turn % addresses.len().max(1);
        addresses.rotate_left(first);
        let wanted = matches!(question.qtype, QTYPE::TYPE(TYPE::A) | QTYPE::ANY);
        addresses.into_iter().filter(|_| wanted).map(|address| RData::A(A::from(address))).collect()
    } else if let Some(pointer) = reverse(&name).and_then(|address| names.pointer(networks, address)) {
        let wanted = matches!(question.qtype, QTYPE::TYPE(TYPE::PTR) | QTYPE::ANY);
        let record = Name::new(pointer).ok().filter(|_| wanted).map(|name| RData::PTR(PTR(name)));
        record.into_iter().collect()
    } else {
        return Answer::Forward;
    };
    reply(&query, RCODE::NoError, records, transport).map_or(Answer::Ignore, Answer::Reply)
}

/// A reply to `packet` that says only why there is none. `None` for what is not a question.
pub(super) fn failure(packet: &[u8], code: RCODE) -> Option<Vec<u8>> {
    if !is_one_question(packet) {
        return None;
    }
    reply(&Packet::parse(packet).ok()?, code, Vec::new(), Transport::Udp)
}

/// Whether the counts are those of a question: one, nothing answered, and no more besides than there is use for. Asked
/// first, because the parser believes the counts and makes room for what they announce.
fn is_one_question(packet: &[u8]) -> bool {
    const MOST_ADDITIONAL: u16 = 4;
    let Some(header) = packet.first_chunk::<HEADER>() else { return false };
    let count = |index| u16::from_be_bytes([header[index], header[index + 1]]);
    header[2] & RESPONSE == 0 && count(4) == 1 && count(6) == 0 && count(8) == 0 && count(10) <= MOST_ADDITIONAL
}

/// Puts a reply together; what does not fit is left out and marked as cut short, for the client to ask over TCP.
fn reply(query: &Packet<'_>, code: RCODE, records: Vec<RData<'_>>, transport: Transport) -> Option<Vec<u8>> {
    let question = query.questions.first()?;
    let mut reply = Packet::new_reply(query.id());
    reply.set_flags(PacketFlag::RECURSION_AVAILABLE);
    if query.has_flags(PacketFlag::RECURSION_DESIRED) {
        reply.set_flags(PacketFlag::RECURSION_DESIRED);
    }
    *reply.rcode_mut() = code;
    *reply.opt_mut() =
        query.opt().map(|_| OPT { opt_codes: Vec::new(), udp_packet_size: LARGEST_DATAGRAM, version: 0 });
    reply.questions.push(question.clone());
    let record = |data| ResourceRecord::new(question.qname.clone(), CLASS::IN, TIME_TO_LIVE, data);
    reply.answers = records.into_iter().map(record).collect();
    let limit = match (transport, query.opt()) {
        (Transport::Tcp, _) => usize::from(u16::MAX),
        (Transport::Udp, Some(opt)) => usize::from(opt.udp_packet_size.min(LARGEST_DATAGRAM)).max(PLAIN_DATAGRAM),
        (Transport::Udp, None) => PLAIN_DATAGRAM,
    };
    loop {
        let bytes = reply.build_bytes_vec_compressed().ok()?;
        if bytes.len() <= limit {
            return Some(bytes);
        }
        reply.set_flags(PacketFlag::TRUNCATION);
        reply.answers.truncate(reply.answers.len() / 2);
    }
}

/// The address that a name under `in-addr.arpa` is about.
fn reverse(name: &str) -> Option<Ipv4Addr> {
    let lower = name.to_ascii_lowercase();
    let address: Ipv4Addr = lower.strip_suffix(".in-addr.arpa")?.parse().ok()?;
    Some(Ipv4Addr::from_bits(address.to_bits().swap_bytes()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use simple_dns::Question;

    use super::*;

    fn names(replicas: u8) -> Names {
        let mut names = Names::default();
        (1..=replicas).for_each(|last| names.insert("back", "db", Ipv4Addr::new(10, 0, 0, last)));
        names
    }

    fn query(name: &str, datagram: Option<u16>) -> Vec<u8> {
        let mut packet = Packet::new_query(1);
        packet.questions.push(Question::new(Name::new(name).unwrap(), TYPE::A.into(), CLASS::IN.into(), false));
        *packet.opt_mut() = datagram.map(|udp_packet_size| OPT { opt_codes: Vec::new(), udp_packet_size, version: 0 });
        packet.build_bytes_vec().unwrap()
    }

    fn ask(query: &[u8], names: &Names, transport: Transport) -> Answer {
        answer(query, names, &["back".to_owned()], 0, transport)
    }

    #[test]
    fn what_does_not_fit_is_marked() {
        for (replicas, datagram, transport, cut) in [
            (20, None, Transport::Udp, false),
            (200, None, Transport::Udp, true),
            (40, Some(4096), Transport::Udp, false),
            (200, Some(4096), Transport::Udp, true),
            (200, None, Transport::Tcp, false),
        ] {
            let Answer::Reply(reply) = ask(&query("db", datagram), &names(replicas), transport) else { panic!() };
            let parsed = Packet::parse(&reply).unwrap();
            assert_eq!(parsed.has_flags(PacketFlag::TRUNCATION), cut, "{replicas} {datagram:?} {transport:?}");
            assert_eq!(parsed.answers.len() == usize::from(replicas), !cut);
            assert!(transport == Transport::Tcp || reply.len() <= datagram.map_or(512, usize::from).min(1232));
            assert_eq!(parsed.opt().is_some(), datagram.is_some(), "who speaks EDNS is answered in it");
        }
    }

    #[test]
    fn what_is_no_question_is_ignored_and_what_is_not_ours_passed_on() {
        let names = names(1);
        let good = query("db", None);
        let with = |index: usize, value: u8| {
            let mut packet = good.clone();
            packet[index] = value;
            packet
        };
        for (packet, expect) in [
            (Vec::new(), Answer::Ignore),
            (good[..HEADER].to_vec(), Answer::Ignore),
            (with(2, RESPONSE), Answer::Ignore),
            (with(5, 2), Answer::Ignore),
            (with(6, 0xff), Answer::Ignore),
            (query("other", None), Answer::Forward),
            (query("db.example.org", None), Answer::Forward),
        ] {
            assert_eq!(ask(&packet, &names, Transport::Udp), expect, "{packet:?}");
        }
        assert_eq!(answer(&good, &names, &[], 0, Transport::Udp), Answer::Forward, "on no network of it");
    }

    #[test]
    fn a_reverse_name_is_an_address_backwards() {
        assert_eq!(reverse("4.3.2.10.IN-ADDR.ARPA"), Some(Ipv4Addr::new(10, 2, 3, 4)));
        assert_eq!(reverse("3.2.10.in-addr.arpa"), None);
    }

    proptest! {
        #[test]
        fn any_packet_can_be_taken(bytes in prop::collection::vec(any::<u8>(), 0..128)) {
            ask(&bytes, &names(1), Transport::Udp);
            failure(&bytes, RCODE::Refused);
        }

        #[test]
        fn any_damage_to_a_question_can_be_taken(index in 0usize..64, value: u8, cut in 0usize..64) {
            let mut packet = query("db", Some(1232));
            let index = index % packet.len();
            packet[index] = value;
            packet.truncate(packet.len() - cut % packet.len());
            ask(&packet, &names(3), Transport::Udp);
            failure(&packet, RCODE::Refused);
        }
    }
}
