//! Reserved ports: nobody else gets them, and whoever has one is named.

use std::io::Read;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, TcpListener, TcpStream, UdpSocket};

use rcompose::network::TransportProtocol::{Sctp, Tcp, Udp};
use rcompose::network::{PortError, PortReservation, TransportProtocol, reserve_range};

use crate::netns::on_own_machine;

const ANY: Ipv4Addr = Ipv4Addr::UNSPECIFIED;

/// A port of one address of IPv4, every one if not given.
fn reserve_port(
    address: Option<Ipv4Addr>,
    range: Option<std::ops::RangeInclusive<u16>>,
    protocol: TransportProtocol,
) -> Result<PortReservation, PortError> {
    let address = IpAddr::from(address.unwrap_or(ANY));
    rcompose::network::reserve_port(&[address], range, protocol).map(|mut reserved| reserved.remove(0))
}

#[test]
fn a_reserved_port_is_nobody_elses() {
    on_own_machine(|| {
        let held = [reserve_port(None, Some(8080..=8080), Tcp), reserve_port(None, Some(8080..=8080), Udp)];
        assert!(held.iter().all(Result::is_ok));
        // std's listener sets SO_REUSEADDR, as servers do.
        assert!(TcpListener::bind((ANY, 8080)).is_err());
        assert!(UdpSocket::bind((ANY, 8080)).is_err());
        let again = reserve_port(Some(Ipv4Addr::LOCALHOST), Some(8080..=8080), Tcp);
        assert!(matches!(again, Err(PortError::InUse { .. })), "{again:?}");
        drop(held);
        assert!(TcpListener::bind((ANY, 8080)).is_ok());
    });
}

#[test]
fn whoever_has_a_port_is_named() {
    on_own_machine(|| {
        let _tcp = TcpListener::bind((ANY, 8080)).unwrap();
        let _udp = UdpSocket::bind((Ipv4Addr::LOCALHOST, 8081)).unwrap();
        let pid = std::process::id();
        let name = std::fs::read_to_string("/proc/self/comm").unwrap();
        for (port, protocol) in [(8080, Tcp), (8081, Udp)] {
            let error = reserve_port(None, Some(port..=port), protocol).unwrap_err();
            let expect = format!("port 0.0.0.0:{port}/{protocol} is already in use by {} (pid {pid})", name.trim());
            assert_eq!(error.to_string(), expect);
        }
    });
}

#[test]
fn a_range_gives_its_first_free_port_and_no_range_any() {
    on_own_machine(|| {
        let first = reserve_port(None, Some(8080..=8082), Tcp).unwrap();
        let second = reserve_port(None, Some(8080..=8082), Tcp).unwrap();
        assert_eq!((first.port(), second.port()), (8080, 8081));
        assert_ne!(reserve_port(None, None, Tcp).unwrap().port(), 0);
    });
}

#[test]
fn an_address_must_be_the_machines() {
    on_own_machine(|| {
        let error = reserve_port(Some(Ipv4Addr::new(192, 0, 2, 1)), Some(80..=80), Tcp).unwrap_err();
        insta::assert_snapshot!(error, @"cannot publish a port on 192.0.2.1: this machine does not have the address");
    });
}

#[test]
fn connections_of_a_server_that_is_gone_do_not_keep_its_port() {
    on_own_machine(|| {
        let server = TcpListener::bind((Ipv4Addr::LOCALHOST, 8080)).unwrap();
        let mut client = TcpStream::connect((Ipv4Addr::LOCALHOST, 8080)).unwrap();
        // The side that closes first is left in TIME_WAIT.
        drop(server.accept().unwrap());
        assert_eq!(client.read(&mut [0]).unwrap(), 0);
        drop((client, server));
        assert_eq!(reserve_port(None, Some(8080..=8080), Tcp).unwrap().port(), 8080);
        assert!(TcpListener::bind((ANY, 8080)).is_ok());
    });
}

#[test]
fn a_port_of_both_families_is_one_number() {
    on_own_machine(|| {
        let both = [IpAddr::from(ANY), Ipv6Addr::UNSPECIFIED.into()];
        let reserve = |range| rcompose::network::reserve_port(&both, range, Tcp);
        let held = reserve(None).unwrap();
        assert_eq!(held[0].port(), held[1].port());
        assert!(TcpListener::bind((Ipv6Addr::LOCALHOST, held[0].port())).is_err());
        // A server of IPv6 alone is in the way as well, and is named.
        let _server = TcpListener::bind((Ipv6Addr::LOCALHOST, 8080)).unwrap();
        assert_eq!(reserve(Some(8080..=8081)).unwrap()[0].port(), 8081);
        let error = reserve(Some(8080..=8080)).unwrap_err().to_string();
        let pid = std::process::id();
        assert!(error.starts_with("port [::]:8080/tcp is already in use by ") && error.contains(&format!("{pid}")));
    });
}

#[test]
fn a_long_range_is_kept_without_a_socket_for_each_port() {
    on_own_machine(|| {
        let any = IpAddr::from(ANY);
        let held = reserve_range(any, 20_000..=29_999, Udp).unwrap();
        assert_eq!(held.sockets().count(), 1);
        let clash = reserve_range(IpAddr::from(Ipv4Addr::LOCALHOST), 29_999..=31_000, Udp).unwrap_err().to_string();
        let pid = std::process::id();
        assert!(clash.contains("127.0.0.1:29999/udp is already in use by") && clash.contains(&format!("(pid {pid})")));
        let one = reserve_port(None, Some(25_000..=25_000), Udp).unwrap_err();
        assert!(one.to_string().contains("0.0.0.0:25000/udp is already in use by"), "{one}");
        for (address, range, protocol) in [
            (any, 20_000..=29_999, Tcp),
            (any, 30_000..=40_000, Udp),
            (Ipv6Addr::UNSPECIFIED.into(), 20_000..=29_999, Udp),
        ] {
            reserve_range(address, range, protocol).unwrap();
        }
        drop(held);
        // Any port of it that somebody else has is found.
        let _server = UdpSocket::bind((Ipv4Addr::LOCALHOST, 24_321)).unwrap();
        let error = reserve_range(any, 20_000..=29_999, Udp).unwrap_err().to_string();
        assert!(error.contains("0.0.0.0:24321/udp is already in use by"), "{error}");
    });
}

#[test]
fn a_port_of_sctp_is_one_containers() {
    on_own_machine(|| {
        let held = reserve_port(None, Some(132..=132), Sctp).unwrap();
        assert!(matches!(reserve_port(None, Some(132..=132), Sctp), Err(PortError::InUse { .. })));
        drop(held);
        reserve_port(None, Some(132..=132), Sctp).unwrap();
        assert_ne!(reserve_port(None, None, Sctp).unwrap().port(), 0);
    });
}
