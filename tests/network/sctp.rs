//! SCTP, packet by packet: the kernel need not speak it itself to lead it to a container and its answers back.

use std::net::{IpAddr, SocketAddr};
use std::os::fd::OwnedFd;
use std::time::Duration;

use rcompose::network::IpFamily::{V4, V6};
use rcompose::network::TransportProtocol::Sctp;
use rcompose::network::{Firewall, Nftables, PortForward};
use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketType, ipproto, recvfrom, sendto, socket};

use crate::lab::{LOST, PATIENCE, container, network_of};
use crate::netns::{Netns, on_own_machine};

const INIT: u8 = 1;
const INIT_ACK: u8 = 2;
/// The tag that the one who begins asks for, and which the answer has to bear.
const TAG: u32 = 0x1234_5678;

/// A packet with one chunk, as RFC 9260, sections 3.1 and 3.3.2, draws it.
fn packet(source: u16, destination: u16, tag: u32, chunk: u8) -> Vec<u8> {
    let mut packet = Vec::new();
    packet.extend(source.to_be_bytes());
    packet.extend(destination.to_be_bytes());
    packet.extend(tag.to_be_bytes());
    packet.extend([0; 4]); // the checksum
    packet.extend([chunk, 0, 0, 20]); // and its length
    packet.extend(TAG.to_be_bytes());
    packet.extend(65_536_u32.to_be_bytes()); // the window
    packet.extend([0, 1, 0, 1, 0, 0, 0, 1]); // one stream each way, the first number
    let checksum = crc32c(&packet);
    packet[8..12].copy_from_slice(&checksum.to_le_bytes());
    packet
}

/// The checksum of RFC 9260, appendix A.
fn crc32c(bytes: &[u8]) -> u32 {
    !bytes
        .iter()
        .fold(!0, |sum, byte| (0..8).fold(sum ^ u32::from(*byte), |sum, _| (sum >> 1) ^ (0x82f6_3b78 * (sum & 1))))
}

/// Hears and says SCTP of one family in a network namespace.
struct Peer(OwnedFd);

impl Peer {
    fn of(netns: &Netns, ip: IpAddr) -> Self {
        let family = if ip.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
        Self(netns.run(|| socket(family, SocketType::RAW, Some(ipproto::SCTP)).unwrap()))
    }

    fn say(&self, to: IpAddr, packet: &[u8]) {
        sendto(&self.0, packet, SendFlags::empty(), &SocketAddr::new(to, 0)).unwrap();
    }

    /// From whom a packet is, its ports and its chunk; nothing if none comes in `time`.
    fn hear(&self, time: Duration) -> Option<(IpAddr, u16, u16, u8)> {
        set_socket_timeout(&self.0, Timeout::Recv, Some(time)).unwrap();
        let mut bytes = [0_u8; 256];
        let (_, length, from) = recvfrom(&self.0, &mut bytes[..], RecvFlags::empty()).ok()?;
        let from = SocketAddr::try_from(from.unwrap()).unwrap().ip();
        // Of IPv4 the kernel gives the header too.
        let start = if from.is_ipv4() { usize::from(bytes[0] & 0xf) * 4 } else { 0 };
        let packet = &mut bytes[start..length];
        let checksum = u32::from_le_bytes(packet[8..12].try_into().unwrap());
        packet[8..12].fill(0);
        assert_eq!(checksum, crc32c(packet), "the checksum of what comes is right, whoever rewrote its ports");
        let port = |at: usize| u16::from_be_bytes([packet[at], packet[at + 1]]);
        Some((from, port(0), port(2), packet[12]))
    }
}

#[test]
fn a_published_port_leads_to_the_container_and_its_answer_back() {
    on_own_machine(|| {
        let (front, outside) = (network_of(1, &[V4, V6]), network_of(200, &[V4, V6]));
        let (web, outsider) = (container(&front, 2), container(&outside, 2));
        for [machine, container, client] in
            [["10.200.0.1", "10.1.0.2", "10.200.0.2"], ["fd00:200::1", "fd00:1::2", "fd00:200::2"]]
        {
            let [machine, container, client]: [IpAddr; 3] = [machine, container, client].map(|ip| ip.parse().unwrap());
            let to = SocketAddr::new(container, 80);
            let forward = PortForward { host_ip: machine, host_port: 8080, count: 1, protocol: Sctp, to };
            let (bridges, forwards) = (vec![front.clone()], vec![forward]);
            Firewall { project: "shop".to_owned(), bridges, forwards }.apply(&mut Nftables::open().unwrap()).unwrap();

            let (server, asking) = (Peer::of(&web, container), Peer::of(&outsider, client));
            asking.say(machine, &packet(40_000, 8081, 0, INIT));
            assert_eq!(server.hear(LOST), None, "no other port leads there");
            asking.say(machine, &packet(40_000, 8080, 0, INIT));
            assert_eq!(server.hear(PATIENCE), Some((client, 40_000, 80, INIT)), "its source kept");
            server.say(client, &packet(80, 40_000, TAG, INIT_ACK));
            assert_eq!(asking.hear(PATIENCE), Some((machine, 8080, 40_000, INIT_ACK)), "as from where it was sent");

            asking.say(container, &packet(40_001, 80, 0, INIT));
            assert_eq!(server.hear(LOST), None, "nor is the port open past the machine's address");
        }
    });
}

#[test]
fn the_checksum_is_that_of_the_standard() {
    assert_eq!(crc32c(b"123456789"), 0xe306_9283);
    assert_eq!(packet(1, 2, 0, INIT).len(), 32);
}
