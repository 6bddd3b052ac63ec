//! A machine with networks and containers, and ways to ask who reaches whom.

use std::io::{ErrorKind, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::AsFd;
use std::process::Command;
use std::thread;
use std::time::Duration;

use rcompose::network::{
    BRIDGE_PREFIX, Bridge, BridgeSubnet, Cable, Endpoint, EndpointAddress, IpFamily, Subnet, attach, create_bridge,
    mac_address,
};

use crate::netns::Netns;

/// How long to wait for what must not arrive; what is let through arrives within a few milliseconds.
pub(crate) const LOST: Duration = Duration::from_millis(300);
/// How long to wait for what must arrive, on a machine however busy.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// Network number `number` of the test: 10.`number`.0.0/24.
pub(crate) fn network(number: u8, internal: bool) -> Bridge {
    let bridge = Bridge {
        name: format!("rc-0000000{number}"),
        subnets: vec![pool(&format!("10.{number}.0.0/24"))],
        mtu: None,
        internal,
        isolated: false,
        shared: false,
    };
    create_bridge(&bridge).unwrap();
    bridge
}

/// As [`network`], with fd00:`number`::/64 beside, or instead.
pub(crate) fn network_of(number: u8, families: &[IpFamily]) -> Bridge {
    let subnet = |family: &IpFamily| match family {
        IpFamily::V4 => pool(&format!("10.{number}.0.0/24")),
        IpFamily::V6 => pool(&format!("fd00:{number}::/64")),
    };
    let subnets = families.iter().map(subnet).collect();
    let bridge = Bridge {
        name: format!("rc-0000000{number}"),
        subnets,
        mtu: None,
        internal: false,
        isolated: false,
        shared: false,
    };
    create_bridge(&bridge).unwrap();
    bridge
}

/// A subnet with its first address as the gateway.
pub(crate) fn pool(subnet: &str) -> BridgeSubnet {
    let subnet: Subnet = subnet.parse().unwrap();
    BridgeSubnet { subnet, gateway: Some(subnet.gateway()), masquerade: true, unprotected: false }
}

/// The endpoint of host `host` on `bridge`.
pub(crate) fn endpoint(bridge: &Bridge, host: u8) -> Endpoint {
    let address = |of: &BridgeSubnet| {
        let address = of.subnet.nth(host.into()).unwrap();
        EndpointAddress { address, prefix: of.subnet.prefix() }
    };
    let addresses: Vec<_> = bridge.subnets.iter().map(address).collect();
    let gateways = bridge.subnets.iter().filter(|_| !bridge.internal).filter_map(|of| of.gateway);
    Endpoint {
        cable: veth(
            &format!("v{}-{host}", bridge.name.trim_start_matches(BRIDGE_PREFIX).trim_start_matches('0')),
            bridge,
        ),
        interface: "eth0".to_owned(),
        mac: mac_address(addresses[0].address),
        gateways: gateways.collect(),
        addresses,
        mtu: bridge.mtu,
        sysctls: Vec::new(),
    }
}

/// A cable to `bridge`, whose end there has this name.
pub(crate) fn veth(host_interface: &str, bridge: &Bridge) -> Cable {
    let (host_interface, isolated) = (host_interface.to_owned(), bridge.isolated);
    Cable::Veth { host_interface, bridge: bridge.name.clone(), isolated }
}

/// A container with one endpoint.
pub(crate) fn container(bridge: &Bridge, host: u8) -> Netns {
    let netns = Netns::new();
    attach(netns.as_fd(), &[endpoint(bridge, host)]).unwrap();
    netns
}

/// A server in `netns` that greets each client with its name and the address it sees the client under, until the test ends.
pub(crate) fn serve_tcp(netns: &Netns, name: &'static str, port: u16) {
    // Of both families: clients of IPv4 are shown as they are.
    let listener = netns.run(|| TcpListener::bind((Ipv6Addr::UNSPECIFIED, port)).unwrap());
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let client = stream.peer_addr().unwrap().ip().to_canonical();
            let _ = write!(stream, "{name} {client}");
        }
    });
}

/// The same over datagrams.
pub(crate) fn serve_udp(netns: &Netns, name: &'static str, port: u16) {
    let socket = netns.run(|| UdpSocket::bind((Ipv6Addr::UNSPECIFIED, port)).unwrap());
    thread::spawn(move || {
        let mut packet = [0; 64];
        while let Ok((_, client)) = socket.recv_from(&mut packet) {
            socket.send_to(format!("{name} {}", client.ip().to_canonical()).as_bytes(), client).unwrap();
        }
    });
}

/// What the server at `address` says, or how it is out of reach.
pub(crate) fn tcp(address: (impl Into<IpAddr>, u16)) -> Result<String, ErrorKind> {
    let address = SocketAddr::new(address.0.into(), address.1);
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE).map_err(|error| error.kind())?;
    let mut greeting = String::new();
    stream.read_to_string(&mut greeting).map_err(|error| error.kind())?;
    Ok(greeting)
}

/// The same over datagrams; only an answer from `address` itself counts.
pub(crate) fn udp(address: (impl Into<IpAddr>, u16)) -> Result<String, ErrorKind> {
    let address = SocketAddr::new(address.0.into(), address.1);
    let own: IpAddr = if address.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let socket = UdpSocket::bind((own, 0)).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket.connect(address).map_err(|error| error.kind())?;
    socket.send(b"?").map_err(|error| error.kind())?;
    let mut greeting = [0; 64];
    let length = socket.recv(&mut greeting).map_err(|error| error.kind())?;
    Ok(String::from_utf8_lossy(&greeting[..length]).into_owned())
}

/// Whether anybody accepts connections at `address`, asked where the answer should be no.
pub(crate) fn reaches(address: (impl Into<IpAddr>, u16)) -> bool {
    TcpStream::connect_timeout(&SocketAddr::new(address.0.into(), address.1), LOST).is_ok()
}

/// Has `ip` of the system do something on the machine of the test.
pub(crate) fn ip(arguments: &str) -> String {
    let output = Command::new("ip").args(arguments.split(' ')).output().unwrap();
    assert!(output.status.success(), "ip {arguments}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}
