//! Links and bridges made by `ip`, with nothing of ours: what there is to compare with.

use std::os::fd::{AsFd as _, AsRawFd as _, OwnedFd};
use std::process::Command;

use rcompose::sys::netns::in_netns;

use crate::making::namespace;

/// An end of a pair of links: its namespace, its name and its address with the length of the prefix.
pub(crate) type End<'a> = (&'a OwnedFd, &'a str, &'a str);

/// A pair of links between two namespaces.
pub(crate) fn pair(left: End<'_>, right: End<'_>) {
    let path = |netns: &OwnedFd| format!("/proc/{}/fd/{}", std::process::id(), netns.as_raw_fd());
    run(&format!("link add {} netns {} type veth peer name {} netns {}", left.1, path(left.0), right.1, path(right.0)));
    for (netns, link, address) in [left, right] {
        inside(netns, &format!("link set {link} up"));
        if !address.is_empty() {
            inside(netns, &format!("addr add {address} dev {link}"));
        }
    }
}

/// A bridge with two neighbours, 10.251.0.1 being its own address, 10.251.0.2 and 10.251.0.3 theirs; a link to it from afar
/// as well, 10.253.0.2, from where packets are routed.
pub(crate) struct BareBridge {
    pub(crate) machine: OwnedFd,
    pub(crate) neighbours: [OwnedFd; 2],
    pub(crate) far: OwnedFd,
}

impl BareBridge {
    pub(crate) fn new() -> Self {
        let (machine, neighbours, far) = (namespace(), [namespace(), namespace()], namespace());
        in_netns(machine.as_fd(), || {
            pass_by_netfilter(false);
            std::fs::write("/proc/sys/net/ipv4/ip_forward", "1").unwrap();
        })
        .unwrap();
        inside(&machine, "link add br0 type bridge");
        inside(&machine, "addr add 10.251.0.1/24 dev br0");
        inside(&machine, "link set br0 up");
        for (number, neighbour) in (2..).zip(&neighbours) {
            let port = format!("port{number}");
            pair((neighbour, "eth0", &format!("10.251.0.{number}/24")), (&machine, &port, ""));
            inside(&machine, &format!("link set {port} master br0"));
            inside(neighbour, "route add default via 10.251.0.1");
        }
        pair((&far, "eth0", "10.253.0.2/24"), (&machine, "outside", "10.253.0.1/24"));
        inside(&far, "route add default via 10.253.0.1");
        Self { machine, neighbours, far }
    }
}

/// Says whether what a bridge switches goes through the firewall of IP as well, in the namespace of the calling thread:
/// Docker has it so. `false` where the kernel has nothing of the kind.
pub(crate) fn pass_by_netfilter(on: bool) -> bool {
    let set = |of| std::fs::write(format!("/proc/sys/net/bridge/bridge-nf-call-{of}"), if on { "1" } else { "0" });
    set("iptables").is_ok() && set("ip6tables").is_ok()
}

/// Runs `ip` in a namespace.
pub(crate) fn inside(netns: &OwnedFd, arguments: &str) {
    in_netns(netns.as_fd(), || run(arguments)).unwrap();
}

fn run(arguments: &str) {
    assert!(Command::new("ip").args(arguments.split(' ')).status().unwrap().success(), "ip {arguments}");
}
