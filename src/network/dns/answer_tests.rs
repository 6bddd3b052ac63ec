//! Answers, from packet to packet.

use proptest::prelude::*;
use simple_dns::Question;

use super::*;
use crate::network::Link;

fn names(replicas: u8) -> Names {
    let mut names = Names::default();
    for last in 1..=replicas {
        names.insert("back", "db", Ipv4Addr::new(10, 0, 0, last));
    }
    names.insert("back", "dual", Ipv4Addr::new(10, 0, 1, 1));
    let six: Ipv6Addr = "fd00::1:1".parse().unwrap();
    names.insert("back", "dual", six);
    names.insert("back", "shop-dual-1", six);
    names.insert_pointer("back", six, "shop-dual-1");
    names.insert_pointer("back", Ipv4Addr::new(10, 0, 1, 1), "shop-dual-1");
    names.insert_port("back", "_sql._tcp.dual", 5432, "shop-dual-1");
    names
}

fn view() -> View {
    let links = vec![Link::new("database", "db", "shop-db-")];
    View { networks: vec!["back".to_owned()], links, ..View::default() }
}

fn query_of(name: &str, kind: QTYPE, class: CLASS, datagram: Option<u16>) -> Vec<u8> {
    let mut packet = Packet::new_query(1);
    packet.set_flags(PacketFlag::RECURSION_DESIRED);
    packet.questions.push(Question::new(Name::new(name).unwrap(), kind, class.into(), false));
    *packet.opt_mut() = datagram.map(|udp_packet_size| OPT { opt_codes: Vec::new(), udp_packet_size, version: 0 });
    packet.build_bytes_vec().unwrap()
}

fn query(name: &str, datagram: Option<u16>) -> Vec<u8> {
    query_of(name, TYPE::A.into(), CLASS::IN, datagram)
}

fn ask(query: &[u8], names: &Names, transport: Transport) -> Answer {
    answer(query, names, &view(), 0, transport)
}

/// A reply as text: the code, the answers, what goes with them.
fn text(answer: &Answer) -> String {
    let reply = match answer {
        Answer::Reply(reply) => Packet::parse(reply).unwrap(),
        Answer::Forward(name) => return format!("forward {name}"),
        Answer::Ignore => return "ignore".to_owned(),
    };
    let record = |record: &ResourceRecord<'_>| match &record.rdata {
        RData::A(a) => format!(" {} {}", record.name, Ipv4Addr::from_bits(a.address)),
        RData::AAAA(aaaa) => format!(" {} {}", record.name, Ipv6Addr::from_bits(aaaa.address)),
        RData::PTR(name) => format!(" {} {}", record.name, name.0),
        RData::SRV(srv) => format!(" {} {}:{}", record.name, srv.target, srv.port),
        other => format!(" {other:?}"),
    };
    assert!(reply.answers.iter().all(|record| record.ttl == 0), "nothing may be kept");
    let records: String = reply.answers.iter().chain(&reply.additional_records).map(record).collect();
    format!("{:?}{records}", reply.rcode())
}

#[test]
fn each_kind_of_question_has_its_answer() {
    const POINTER: &str = "1.0.0.0.1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.d.f.ip6.arpa";
    let names = names(1);
    for (name, kind, expect) in [
        ("db", QTYPE::TYPE(TYPE::A), "NoError db 10.0.0.1"),
        ("DB.", TYPE::A.into(), "NoError DB 10.0.0.1"),
        ("dB.Back", TYPE::A.into(), "NoError dB.Back 10.0.0.1"),
        ("database", TYPE::A.into(), "NoError database 10.0.0.1"),
        ("db", TYPE::AAAA.into(), "NoError"),
        ("dual", TYPE::AAAA.into(), "NoError dual fd00::1:1"),
        ("dual", QTYPE::ANY, "NoError dual 10.0.1.1 dual fd00::1:1"),
        ("dual", TYPE::MX.into(), "NoError"),
        ("dual", TYPE::HINFO.into(), "NoError"),
        ("dual", TYPE::HTTPS.into(), "NoError"),
        ("db", QTYPE::AXFR, "Refused"),
        ("1.1.0.10.IN-ADDR.ARPA", TYPE::PTR.into(), "NoError 1.1.0.10.IN-ADDR.ARPA shop-dual-1.back"),
        ("9.1.0.10.in-addr.arpa", TYPE::PTR.into(), "forward 9.1.0.10.in-addr.arpa"),
        ("_sql._tcp.dual", TYPE::SRV.into(), "NoError _sql._tcp.dual shop-dual-1.back:5432 shop-dual-1.back fd00::1:1"),
        ("_sql._tcp.dual", TYPE::A.into(), "NoError"),
        ("_web._tcp.dual", TYPE::SRV.into(), "forward _web._tcp.dual"),
        ("Other.Example", TYPE::A.into(), "forward other.example"),
        ("db.example.org", TYPE::A.into(), "forward db.example.org"),
        (r"d\.b", TYPE::A.into(), r"forward d\.b"),
        (".", TYPE::A.into(), "forward "),
    ] {
        assert_eq!(text(&ask(&query_of(name, kind, CLASS::IN, None), &names, Transport::Udp)), expect, "{kind:?}");
    }
    let pointer = ask(&query_of(POINTER, TYPE::PTR.into(), CLASS::IN, None), &names, Transport::Udp);
    assert_eq!(text(&pointer), format!("NoError {POINTER} shop-dual-1.back"));
    let chaos = ask(&query_of("db", TYPE::TXT.into(), CLASS::CH, None), &names, Transport::Udp);
    assert_eq!(text(&chaos), "NoError");
    let elsewhere = View { networks: Vec::new(), ..view() };
    assert_eq!(answer(&query("db", None), &names, &elsewhere, 0, Transport::Udp), Answer::Forward("db".to_owned()));
}

#[test]
fn replicas_take_turns() {
    let firsts = (0..3).map(|turn| {
        let answer = answer(&query("db", None), &names(3), &view(), turn, Transport::Udp);
        text(&answer).split(' ').nth(2).unwrap().to_owned()
    });
    assert_eq!(firsts.collect::<Vec<_>>(), ["10.0.0.1", "10.0.0.2", "10.0.0.3"]);
}

#[test]
fn a_type_that_nobody_has_heard_of_is_a_type() {
    let with_kind = |name: &str| {
        let mut packet = query(name, Some(1232));
        let end = question::end(&packet).unwrap();
        question::set_kind(&mut packet, end, 65_399);
        packet
    };
    assert_eq!(ask(&with_kind("other"), &names(1), Transport::Udp), Answer::Forward("other".to_owned()));
    let asked = with_kind("db");
    let Answer::Reply(reply) = ask(&asked, &names(1), Transport::Udp) else { panic!() };
    assert!(question::is_answered_by(&asked, &reply));
    assert_eq!((question::code(&reply), reply[7]), (0, 0), "no error, and nothing");
}

#[test]
fn what_does_not_fit_is_marked() {
    for (replicas, datagram, transport, cut) in [
        (20, None, Transport::Udp, false),
        (200, None, Transport::Udp, true),
        (40, Some(4096), Transport::Udp, false),
        (40, Some(600), Transport::Udp, true),
        (20, Some(0), Transport::Udp, false),
        (200, Some(4096), Transport::Udp, true),
        (200, None, Transport::Tcp, false),
    ] {
        let Answer::Reply(reply) = ask(&query("db", datagram), &names(replicas), transport) else { panic!() };
        let parsed = Packet::parse(&reply).unwrap();
        assert_eq!(parsed.has_flags(PacketFlag::TRUNCATION), cut, "{replicas} {datagram:?} {transport:?}");
        assert_eq!(parsed.answers.len() == usize::from(replicas), !cut);
        let limit = datagram.map_or(512, usize::from).clamp(512, 1232);
        assert!(transport == Transport::Tcp || reply.len() <= limit);
        assert_eq!(parsed.opt().is_some(), datagram.is_some(), "who speaks EDNS is answered in it");
    }
}

#[test]
fn what_is_wrong_with_a_packet_is_said() {
    let good = query("db", Some(1232));
    let with = |index: usize, value: u8| {
        let mut packet = good.clone();
        packet[index] = value;
        packet
    };
    // Version 1 of EDNS: the sixth byte after the empty name of the last record.
    let version = good.len() - 5;
    let mut two_options = [good.clone(), good[good.len() - 11..].to_vec()].concat();
    two_options[11] = 2;
    for (packet, expect) in [
        (Vec::new(), "ignore"),
        (with(2, 0x81), "ignore"),
        (good[..12].to_vec(), "FormatError"),
        (good[..good.len() - 1].to_vec(), "FormatError"),
        (with(2, 0x20), "NotImplemented"),
        (with(5, 2), "FormatError"),
        (with(12, 0xc0), "FormatError"),
        (with(version + 1, 0x80), "NoError db 10.0.0.1"),
        (two_options, "FormatError"),
    ] {
        assert_eq!(text(&ask(&packet, &names(1), Transport::Udp)), expect, "{packet:?}");
    }
    let Answer::Reply(reply) = ask(&with(version, 1), &names(1), Transport::Udp) else { panic!() };
    assert_eq!((question::code(&reply), reply.last_chunk().unwrap()), (0, &[0, 0, 41, 4, 208, 1, 0, 0, 0, 0, 0]));
}

proptest! {
    #[test]
    fn any_packet_can_be_taken(bytes in prop::collection::vec(any::<u8>(), 0..128)) {
        ask(&bytes, &names(1), Transport::Udp);
        failure(&bytes, RCODE::Refused, Transport::Udp);
        limit(&bytes, Transport::Udp);
    }

    #[test]
    fn any_damage_to_a_question_can_be_taken(index in 0usize..64, value: u8, cut in 0usize..64) {
        let mut packet = query("db", Some(1232));
        let index = index % packet.len();
        packet[index] = value;
        packet.truncate(packet.len() - cut % packet.len());
        if let Answer::Reply(reply) = ask(&packet, &names(3), Transport::Udp) {
            prop_assert_eq!(&reply[..2], &packet[..2]);
            let mut reply = reply;
            if let Some(end) = question::end(&reply) {
                // The parser takes no type that it does not know.
                question::set_kind(&mut reply, end, TYPE::A.into());
            }
            prop_assert!(Packet::parse(&reply).is_ok(), "{:?}", reply);
        }
        failure(&packet, RCODE::Refused, Transport::Udp);
    }
}
