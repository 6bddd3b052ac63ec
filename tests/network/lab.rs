//! A machine with networks and containers, and ways to ask who reaches whom.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpListener, TcpStream, UdpSocket};
use std::os::fd::AsFd;
use std::thread;
use std::time::Duration;

use rcompose::network::{Bridge, Endpoint, attach, create_bridge};

use crate::netns::Netns;

/// How long to wait for what must not arrive; what is let through arrives within a few milliseconds.
pub(crate) const LOST: Duration = Duration::from_millis(300);
/// How long to wait for what must arrive, on a machine however busy.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// Network number `number` of the test: 10.`number`.0.0/24.
pub(crate) fn network(number: u8, internal: bool) -> Bridge {
    let bridge = Bridge {
        name: format!("rc-0000000{number}"),
        subnet: format!("10.{number}.0.0/24").parse().unwrap(),
        gateway: Ipv4Addr::new(10, number, 0, 1),
        mtu: None,
        internal,
    };
    create_bridge(&bridge).unwrap();
    bridge
}

/// The endpoint of host `host` on `bridge`.
pub(crate) fn endpoint(bridge: &Bridge, host: u8) -> Endpoint {
    let [a, b, c, _] = bridge.gateway.octets();
    Endpoint {
        host_interface: format!("v{b}-{host}"),
        bridge: bridge.name.clone(),
        interface: "eth0".to_owned(),
        address: Ipv4Addr::new(a, b, c, host),
        prefix: bridge.subnet.prefix(),
        mac: [2, 0x42, a, b, c, host],
        gateway: (!bridge.internal).then_some(bridge.gateway),
        mtu: bridge.mtu,
    }
}

/// A container with one endpoint.
pub(crate) fn container(bridge: &Bridge, host: u8) -> Netns {
    let netns = Netns::new();
    attach(netns.as_fd(), &[endpoint(bridge, host)]).unwrap();
    netns
}

/// A server in `netns` that greets each client with its name and the address it sees the client under, until the test ends.
pub(crate) fn serve_tcp(netns: &Netns, name: &'static str, port: u16) {
    let listener = netns.run(|| TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).unwrap());
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let client = stream.peer_addr().unwrap().ip();
            let _ = write!(stream, "{name} {client}");
        }
    });
}

/// The same over datagrams.
pub(crate) fn serve_udp(netns: &Netns, name: &'static str, port: u16) {
    let socket = netns.run(|| UdpSocket::bind((Ipv4Addr::UNSPECIFIED, port)).unwrap());
    thread::spawn(move || {
        let mut packet = [0; 64];
        while let Ok((_, client)) = socket.recv_from(&mut packet) {
            socket.send_to(format!("{name} {}", client.ip()).as_bytes(), client).unwrap();
        }
    });
}

/// What the server at `address` says, or how it is out of reach.
pub(crate) fn tcp(address: (Ipv4Addr, u16)) -> Result<String, ErrorKind> {
    let address: SocketAddr = SocketAddrV4::new(address.0, address.1).into();
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE).map_err(|error| error.kind())?;
    let mut greeting = String::new();
    stream.read_to_string(&mut greeting).map_err(|error| error.kind())?;
    Ok(greeting)
}

/// The same over datagrams; only an answer from `address` itself counts.
pub(crate) fn udp(address: (Ipv4Addr, u16)) -> Result<String, ErrorKind> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket.connect(address).map_err(|error| error.kind())?;
    socket.send(b"?").map_err(|error| error.kind())?;
    let mut greeting = [0; 64];
    let length = socket.recv(&mut greeting).map_err(|error| error.kind())?;
    Ok(String::from_utf8_lossy(&greeting[..length]).into_owned())
}

/// Whether anybody accepts connections at `address`, asked where the answer should be no.
pub(crate) fn reaches(address: (Ipv4Addr, u16)) -> bool {
    TcpStream::connect_timeout(&SocketAddrV4::new(address.0, address.1).into(), LOST).is_ok()
}
