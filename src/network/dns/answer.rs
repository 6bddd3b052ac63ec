//! What to say to a question: from the table, or that somebody else has to be asked. Pure. See RFC 1035 and RFC 6891.

use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use simple_dns::rdata::{A, AAAA, OPT, PTR, RData, SRV};
use simple_dns::{CLASS, Name, Packet, PacketFlag, QCLASS, QTYPE, RCODE, ResourceRecord, TYPE};

use super::names::{Names, normalised};
use super::question::{self, Head};
use super::view::View;

/// Seconds an answer may be kept: not at all, for a container may be replaced at any moment.
const TIME_TO_LIVE: u32 = 0;
/// What a datagram may hold unless the client says that it takes more, bytes.
const PLAIN_DATAGRAM: usize = 512;
/// What is never exceeded, whatever a client says: larger datagrams get lost in fragments.
const LARGEST_DATAGRAM: u16 = 1232;

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
    /// Nobody here has the name (normalised): pass the question on as it is.
    Forward(String),
    /// It is not a question.
    Ignore,
}

/// What is known of a name.
#[derive(Default)]
struct Found<'n> {
    records: Vec<RData<'n>>,
    /// What goes with them, so that nobody need ask again.
    additional: Vec<(&'n str, IpAddr)>,
}

/// What to do about `packet`, from a container with this `view`. `turn` says which of several addresses comes first.
pub(super) fn answer(packet: &[u8], names: &Names, view: &View, turn: usize, transport: Transport) -> Answer {
    match question::head(packet) {
        Head::NoQuestion => return Answer::Ignore,
        Head::OtherOperation => return Answer::Reply(question::bare_reply(packet, RCODE::NotImplemented)),
        Head::WrongCounts => return Answer::Reply(question::bare_reply(packet, RCODE::FormatError)),
        Head::Query => {}
    }
    let malformed = || Answer::Reply(question::bare_reply(packet, RCODE::FormatError));
    let Some(readable) = Readable::of(packet) else { return malformed() };
    let Some(query) = readable.parse() else { return malformed() };
    if question::edns_version(packet, readable.end).is_some_and(|version| version != 0) {
        return readable.reply(&query, RCODE::BADVERS, Found::default(), transport);
    }
    let question = &query.questions[0];
    if matches!(question.qtype, QTYPE::AXFR | QTYPE::IXFR) {
        return readable.reply(&query, RCODE::Refused, Found::default(), transport);
    }
    let name = normalised(&question.qname.to_string());
    let Some(mut found) = find(names, view, &name, question.qtype, turn) else { return Answer::Forward(name) };
    if !matches!(question.qclass, QCLASS::CLASS(CLASS::IN) | QCLASS::ANY) {
        // The name is ours in every class, but has records in one alone.
        found = Found::default();
    }
    readable.reply(&query, RCODE::NoError, found, transport)
}

/// What a container with this `view` is sent for a datagram, if that is up to the project's own names: what the resolver
/// does without its sockets, for those who throw packets at it.
#[must_use]
pub fn answered(packet: &[u8], names: &Names, view: &View) -> Option<Vec<u8>> {
    match answer(packet, names, view, 0, Transport::Udp) {
        Answer::Reply(reply) => Some(reply),
        Answer::Forward(_) => failure(packet, RCODE::ServerFailure, Transport::Udp),
        Answer::Ignore => None,
    }
}

/// A reply to `packet` that says only why there is none. `None` for what is not a question.
pub(super) fn failure(packet: &[u8], code: RCODE, transport: Transport) -> Option<Vec<u8>> {
    if question::head(packet) != Head::Query {
        return None;
    }
    let readable = Readable::of(packet)?;
    match readable.reply(&readable.parse()?, code, Found::default(), transport) {
        Answer::Reply(reply) => Some(reply),
        Answer::Forward(_) | Answer::Ignore => None,
    }
}

/// How long a reply to `packet` may be, bytes.
pub(super) fn limit(packet: &[u8], transport: Transport) -> usize {
    let readable = Readable::of(packet);
    let opt = readable.as_ref().and_then(Readable::parse).and_then(|query| query.opt().map(|opt| opt.udp_packet_size));
    match (transport, opt) {
        (Transport::Tcp, _) => usize::from(u16::MAX),
        (Transport::Udp, Some(size)) => usize::from(size).max(PLAIN_DATAGRAM),
        (Transport::Udp, None) => PLAIN_DATAGRAM,
    }
}

/// Everything there is for `name`; `None` when nobody here has it. A name that is known has no other kinds of records:
/// nobody else may be asked for one.
fn find<'n>(names: &'n Names, view: &View, name: &str, kind: QTYPE, turn: usize) -> Option<Found<'n>> {
    let wants = |wanted| matches!(kind, QTYPE::ANY) || kind == QTYPE::TYPE(wanted);
    if let Some(addresses) = names.addresses(&view.networks, &view.linked(name)) {
        let mut records: Vec<RData<'n>> = addresses
            .iter()
            .filter(|address| wants(if address.is_ipv4() { TYPE::A } else { TYPE::AAAA }))
            .map(|address| address_record(*address))
            .collect();
        let first = turn % records.len().max(1);
        records.rotate_left(first);
        return Some(Found { records, additional: Vec::new() });
    }
    if let Some(ports) = names.ports(&view.networks, name) {
        let mut found = Found::default();
        let first = turn % ports.len().max(1);
        for port in ports[first..].iter().chain(&ports[..first]).filter(|_| wants(TYPE::SRV)) {
            let Ok(target) = Name::new(&port.target) else { continue };
            found.records.push(RData::SRV(SRV { priority: 0, weight: 0, port: port.port, target }));
            let addresses = names.addresses(&view.networks, &port.target).unwrap_or_default();
            found.additional.extend(addresses.iter().map(|address| (port.target.as_str(), *address)));
        }
        return Some(found);
    }
    let pointer = names.pointer(&view.networks, reverse(name)?)?;
    let record = Name::new(pointer).ok().filter(|_| wants(TYPE::PTR)).map(|name| RData::PTR(PTR(name)));
    Some(Found { records: record.into_iter().collect(), additional: Vec::new() })
}

fn address_record<'n>(address: IpAddr) -> RData<'n> {
    match address {
        IpAddr::V4(address) => RData::A(A::from(address)),
        IpAddr::V6(address) => RData::AAAA(AAAA { address: address.to_bits() }),
    }
}

/// A packet in the form that the parser takes: it refuses types that it does not know, and those must be answered too, if
/// only with nothing. They are asked as another, and the reply gets theirs back.
struct Readable<'p> {
    packet: Cow<'p, [u8]>,
    end: usize,
    kind: u16,
}

impl<'p> Readable<'p> {
    fn of(packet: &'p [u8]) -> Option<Self> {
        let end = question::end(packet)?;
        let kind = question::kind(packet, end);
        let mut packet = Cow::Borrowed(packet);
        if QTYPE::try_from(kind).is_err() {
            question::set_kind(packet.to_mut(), end, TYPE::NULL.into());
        }
        Some(Self { packet, end, kind })
    }

    /// The query, if all of it can be read and it has not two `OPT` records.
    fn parse(&self) -> Option<Packet<'_>> {
        let query = Packet::parse(&self.packet).ok()?;
        query.additional_records.iter().all(|record| !matches!(record.rdata, RData::OPT(_))).then_some(query)
    }

    /// Puts a reply together; what does not fit is left out and marked as cut short, for the client to ask over TCP.
    fn reply(&self, query: &Packet<'_>, code: RCODE, found: Found<'_>, transport: Transport) -> Answer {
        let question = &query.questions[0];
        let mut reply = Packet::new_reply(query.id());
        reply.set_flags(PacketFlag::RECURSION_AVAILABLE);
        if query.has_flags(PacketFlag::RECURSION_DESIRED) {
            reply.set_flags(PacketFlag::RECURSION_DESIRED);
        }
        *reply.rcode_mut() = if code == RCODE::BADVERS { RCODE::NoError } else { code };
        *reply.opt_mut() =
            query.opt().map(|_| OPT { opt_codes: Vec::new(), udp_packet_size: LARGEST_DATAGRAM, version: 0 });
        reply.questions.push(question.clone());
        let record = |data| ResourceRecord::new(question.qname.clone(), CLASS::IN, TIME_TO_LIVE, data);
        reply.answers = found.records.into_iter().map(record).collect();
        let additional = found.additional.into_iter().filter_map(|(name, address)| {
            Some(ResourceRecord::new(Name::new(name).ok()?, CLASS::IN, TIME_TO_LIVE, address_record(address)))
        });
        reply.additional_records = additional.collect();
        let limit = match (transport, query.opt()) {
            (Transport::Tcp, _) => usize::from(u16::MAX),
            (Transport::Udp, Some(opt)) => usize::from(opt.udp_packet_size.min(LARGEST_DATAGRAM)).max(PLAIN_DATAGRAM),
            (Transport::Udp, None) => PLAIN_DATAGRAM,
        };
        loop {
            let Ok(mut bytes) = reply.build_bytes_vec_compressed() else { return Answer::Ignore };
            if bytes.len() <= limit {
                question::set_kind(&mut bytes, self.end, self.kind);
                if code == RCODE::BADVERS {
                    question::set_bad_version(&mut bytes, self.end);
                }
                return Answer::Reply(bytes);
            }
            if reply.additional_records.is_empty() {
                reply.set_flags(PacketFlag::TRUNCATION);
                reply.answers.truncate(reply.answers.len() / 2);
            }
            // They are a favour: what is asked for is whole without them.
            reply.additional_records.clear();
        }
    }
}

/// The address that a name under `in-addr.arpa` or `ip6.arpa` is about.
fn reverse(name: &str) -> Option<IpAddr> {
    if let Some(reversed) = name.strip_suffix(".in-addr.arpa") {
        let address: Ipv4Addr = reversed.parse().ok()?;
        return Some(Ipv4Addr::from_bits(address.to_bits().swap_bytes()).into());
    }
    let mut bits = 0;
    let mut digits = 0;
    for digit in name.strip_suffix(".ip6.arpa")?.rsplit('.') {
        let [digit] = digit.as_bytes() else { return None };
        bits = bits << 4 | u128::from(char::from(*digit).to_digit(16)?);
        digits += 1;
    }
    (digits == 32).then(|| Ipv6Addr::from_bits(bits).into())
}

#[cfg(test)]
#[path = "answer_tests.rs"]
mod tests;
