//! A client in a container.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Ipv6Addr, TcpStream, UdpSocket};
use std::time::Duration;

use simple_dns::rdata::RData;
use simple_dns::{CLASS, Name, Packet, PacketFlag, Question, TYPE};

use crate::netns::Netns;

/// Where every container's name server is.
pub(super) const SERVER: (Ipv4Addr, u16) = (Ipv4Addr::new(127, 0, 0, 11), 53);
/// Nothing takes that long unless it does not come.
const PATIENCE: Duration = Duration::from_secs(30);

pub(super) fn query(name: &str, kind: TYPE) -> Vec<u8> {
    numbered_query(4711, name, kind)
}

pub(super) fn numbered_query(id: u16, name: &str, kind: TYPE) -> Vec<u8> {
    let mut packet = Packet::new_query(id);
    packet.set_flags(PacketFlag::RECURSION_DESIRED);
    packet.questions.push(Question::new(Name::new(name).unwrap(), kind.into(), CLASS::IN.into(), false));
    packet.build_bytes_vec().unwrap()
}

/// A reply as text: the code, whether it is cut short, the records.
pub(super) fn text(reply: &[u8]) -> String {
    let reply = Packet::parse(reply).unwrap();
    let cut = if reply.has_flags(PacketFlag::TRUNCATION) { " cut" } else { "" };
    let records = reply.answers.iter().map(|record| match &record.rdata {
        RData::A(a) => format!(" {} ttl {}", Ipv4Addr::from_bits(a.address), record.ttl),
        RData::AAAA(aaaa) => format!(" {} ttl {}", Ipv6Addr::from_bits(aaaa.address), record.ttl),
        RData::PTR(name) => format!(" {}", name.0),
        other => format!(" {other:?}"),
    });
    format!("{:?}{cut}{}", reply.rcode(), records.collect::<String>())
}

/// A socket that is connected to the resolver. The calling thread is in the container.
pub(super) fn socket() -> UdpSocket {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket.connect(SERVER).unwrap();
    socket
}

/// The same as a connection.
pub(super) fn connection() -> TcpStream {
    let stream = TcpStream::connect(SERVER).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

pub(super) fn receive(socket: &UdpSocket) -> Vec<u8> {
    let mut reply = [0; 1 << 16];
    let length = socket.recv(&mut reply).unwrap();
    reply[..length].to_vec()
}

pub(super) fn framed(query: &[u8]) -> Vec<u8> {
    [&u16::try_from(query.len()).unwrap().to_be_bytes()[..], query].concat()
}

/// The next framed message of a connection.
pub(super) fn next_message(stream: &mut TcpStream) -> Vec<u8> {
    let mut length = [0; 2];
    stream.read_exact(&mut length).unwrap();
    let mut message = vec![0; u16::from_be_bytes(length).into()];
    stream.read_exact(&mut message).unwrap();
    message
}

pub(super) fn ask_udp(netns: &Netns, query: &[u8]) -> String {
    netns.run(|| {
        let socket = socket();
        socket.send(query).unwrap();
        let reply = receive(&socket);
        assert_eq!(reply[..2], query[..2]);
        text(&reply)
    })
}

pub(super) fn ask_tcp(netns: &Netns, query: &[u8]) -> String {
    netns.run(|| {
        let mut stream = connection();
        stream.write_all(&framed(query)).unwrap();
        let reply = next_message(&mut stream);
        assert_eq!(reply[..2], query[..2]);
        text(&reply)
    })
}
