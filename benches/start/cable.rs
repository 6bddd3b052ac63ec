//! A bridge, and a veth pair to it made with two bare netlink datagrams.

use std::net::Ipv4Addr;
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::atomic::{AtomicU32, Ordering};

use rcompose::network::{Bridge, BridgeSubnet, Endpoint, EndpointAddress, create_bridge, mac_address};
use rcompose::sys::netlink::NetlinkSocket;
use rcompose::sys::netns::in_netns;

const BRIDGE: &str = "rc-bench";
const GATEWAY: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 1);

/// Makes the bridge in the network namespace of this process.
pub(crate) fn make_bridge() -> Bridge {
    let subnet = "10.77.0.0/16".parse().unwrap();
    let subnets = vec![BridgeSubnet { subnet, gateway: Some(GATEWAY.into()), masquerade: true, unprotected: false }];
    let bridge =
        Bridge { name: BRIDGE.to_owned(), subnets, mtu: None, internal: false, isolated: false, shared: false };
    create_bridge(&bridge).unwrap();
    bridge
}

/// A place on the bridge.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cable(u32);

impl Cable {
    pub(crate) fn next() -> Self {
        static LAST: AtomicU32 = AtomicU32::new(1);
        Self(LAST.fetch_add(1, Ordering::Relaxed) + 1)
    }

    fn address(self) -> Ipv4Addr {
        Ipv4Addr::from(GATEWAY.to_bits() - 1 + self.0)
    }

    pub(crate) fn endpoint(self) -> Endpoint {
        Endpoint {
            cable: rcompose::network::Cable::Veth {
                host_interface: format!("rvb{}", self.0),
                bridge: BRIDGE.to_owned(),
                isolated: false,
            },
            interface: "eth0".to_owned(),
            addresses: vec![EndpointAddress { address: self.address().into(), prefix: 16 }],
            mac: mac_address(self.address().into()),
            gateways: vec![GATEWAY.into()],
            mtu: None,
            sysctls: Vec::new(),
        }
    }

    /// Connects the namespace: the pair in one message, then everything inside in one datagram.
    pub(crate) fn attach(self, netns: &OwnedFd) {
        let bridge: u32 = nix::net::if_::if_nametoindex(BRIDGE).unwrap();
        let peer = [&link(0, false)[..], &text(3, "eth0"), &attribute(28, &netns.as_raw_fd().to_ne_bytes())].concat();
        let info = attribute(18, &[text(1, "veth"), attribute(2, &attribute(1, &peer))].concat());
        let pair =
            [&link(0, true)[..], &text(3, &format!("rvb{}", self.0)), &attribute(10, &bridge.to_ne_bytes()), &info];
        request(NetlinkSocket::route().unwrap(), &message(16, 0x600, &pair.concat()));

        let inside = in_netns(std::os::fd::AsFd::as_fd(netns), || {
            (NetlinkSocket::route().unwrap(), nix::net::if_::if_nametoindex("eth0").unwrap())
        });
        let (socket, eth0) = inside.unwrap();
        let own = self.address().octets();
        // struct ifaddrmsg and struct rtmsg.
        let ifaddr = [&[2, 16, 0, 0][..], &eth0.to_ne_bytes(), &attribute(2, &own), &attribute(1, &own)].concat();
        let route = [&[2, 0, 0, 0, 254, 4, 0, 1, 0, 0, 0, 0][..], &attribute(5, &GATEWAY.octets())].concat();
        let up = |index| message(16, 0, &link(index, true));
        let batch = [up(1), up(eth0), message(20, 0x600, &ifaddr), message(24, 0x600, &route)];
        request(socket, &batch.concat());
    }
}

pub(crate) fn request(mut socket: NetlinkSocket, datagram: &[u8]) {
    socket.send(datagram).unwrap();
    // No acknowledgement was asked for, so what is answered is an error.
    assert!(socket.receive().unwrap().is_none(), "the kernel refuses {datagram:?}");
}

pub(crate) fn message(kind: u16, flags: u16, payload: &[u8]) -> Vec<u8> {
    let size = u32::try_from(16 + payload.len()).unwrap();
    [&size.to_ne_bytes()[..], &kind.to_ne_bytes(), &(flags | 1).to_ne_bytes(), &[0; 8], payload].concat()
}

/// `struct ifinfomsg`.
pub(crate) fn link(index: u32, up: bool) -> [u8; 16] {
    let mut header = [0; 16];
    header[4..8].copy_from_slice(&index.to_ne_bytes());
    header[8] = u8::from(up);
    header[12] = u8::from(up);
    header
}

pub(crate) fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
    let mut bytes = u16::try_from(4 + value.len()).unwrap().to_ne_bytes().to_vec();
    bytes.extend(kind.to_ne_bytes());
    bytes.extend(value);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

pub(crate) fn text(kind: u16, value: &str) -> Vec<u8> {
    attribute(kind, &[value.as_bytes(), &[0]].concat())
}
