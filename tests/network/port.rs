//! Reserved ports: nobody else gets them, and whoever has one is named.

use std::io::Read;
use std::net::{Ipv4Addr, TcpListener, TcpStream, UdpSocket};

use rcompose::network::TransportProtocol::{Tcp, Udp};
use rcompose::network::{PortError, reserve_port};

use crate::netns::on_own_machine;

const ANY: Ipv4Addr = Ipv4Addr::UNSPECIFIED;

#[test]
fn a_reserved_port_is_nobody_elses() {
    on_own_machine(|| {
        let held = [reserve_port(None, Some(8080..=8080), Tcp), reserve_port(None, Some(8080..=8080), Udp)];
        assert!(held.iter().all(Result::is_ok));
        // std's listener sets SO_REUSEADDR, as servers do.
        assert!(TcpListener::bind((ANY, 8080)).is_err());
        assert!(UdpSocket::bind((ANY, 8080)).is_err());
        let again = reserve_port(Some(Ipv4Addr::LOCALHOST), Some(8080..=8080), Tcp);
        assert!(matches!(again, Err(PortError::InUse { port: 8080, .. })), "{again:?}");
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
