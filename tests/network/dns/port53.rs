//! Containers that are name servers themselves.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, TcpListener, TcpStream, UdpSocket};
use std::time::Duration;

use rcompose::network::View;
use simple_dns::TYPE;

use super::client::{ask_tcp, ask_udp, query};
use super::{Served, isolated};
use crate::netns::on_own_machine;

/// Port 53 on an address, as a name server has it.
struct Application(UdpSocket, TcpListener);

impl Application {
    fn start(address: IpAddr) -> Self {
        let udp = UdpSocket::bind((address, 53)).unwrap();
        udp.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        Self(udp, TcpListener::bind((address, 53)).unwrap())
    }

    /// It is there for who asks it at `address`.
    fn is_reached_at(&self, address: IpAddr) {
        let any = if address.is_ipv4() { IpAddr::from(Ipv4Addr::UNSPECIFIED) } else { Ipv6Addr::UNSPECIFIED.into() };
        UdpSocket::bind((any, 0)).unwrap().send_to(b"hello", (address, 53)).unwrap();
        assert_eq!(self.0.recv(&mut [0; 16]).unwrap(), 5);
        let _stream = TcpStream::connect((address, 53)).unwrap();
        self.1.accept().unwrap();
    }
}

#[test]
fn a_container_has_port_53_for_itself_on_any_address_before_and_after() {
    let wildcards: [(IpAddr, &[IpAddr]); 3] = [
        (Ipv4Addr::UNSPECIFIED.into(), &[IpAddr::V4(Ipv4Addr::LOCALHOST)]),
        (Ipv6Addr::UNSPECIFIED.into(), &[IpAddr::V6(Ipv6Addr::LOCALHOST), IpAddr::V4(Ipv4Addr::LOCALHOST)]),
        (Ipv4Addr::LOCALHOST.into(), &[IpAddr::V4(Ipv4Addr::LOCALHOST)]),
    ];
    on_own_machine(|| {
        for (address, reached) in wildcards {
            for application_first in [false, true] {
                let netns = isolated();
                let start = || netns.run(|| Application::start(address));
                let early = application_first.then(start);
                let _served = Served::start(&netns, View::default());
                let application = early.unwrap_or_else(start);
                assert_eq!(ask_udp(&netns, &query("db", TYPE::AAAA)), "NoError fd00::2 ttl 0", "{address}");
                assert_eq!(ask_tcp(&netns, &query("db", TYPE::AAAA)), "NoError fd00::2 ttl 0", "{address}");
                netns.run(|| reached.iter().for_each(|address| application.is_reached_at(*address)));
            }
        }
    });
}

#[test]
fn another_supervisor_takes_the_port_over() {
    on_own_machine(|| {
        let netns = isolated();
        for _ in 0..3 {
            let _served = Served::start(&netns, View::default());
            assert_eq!(ask_udp(&netns, &query("db", TYPE::AAAA)), "NoError fd00::2 ttl 0");
            assert_eq!(ask_tcp(&netns, &query("db", TYPE::AAAA)), "NoError fd00::2 ttl 0");
        }
    });
}
