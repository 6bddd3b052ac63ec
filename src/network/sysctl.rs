//! The few network settings that netlink does not have. `/proc/sys/net` shows the namespace of the calling thread.

use std::io;

const FORWARD: &str = "/proc/sys/net/ipv4/ip_forward";

/// Lets packets be routed between links. Written only when needed: the file may be read-only where the value is right.
pub(super) fn enable_forwarding() -> io::Result<()> {
    if fs_err::read_to_string(FORWARD)?.trim() == "1" { Ok(()) } else { fs_err::write(FORWARD, "1") }
}

/// Says whether packets of 127.0.0.0/8 may leave and come back over `link`, so that a port published on 127.0.0.1 can be
/// a plain address translation.
pub(super) fn set_route_localnet(link: &str, on: bool) -> io::Result<()> {
    fs_err::write(format!("/proc/sys/net/ipv4/conf/{link}/route_localnet"), if on { "1" } else { "0" })
}

/// Takes IPv6 off `link`: a link-local address on the bridge would be a way to the host past every IPv4 rule.
pub(super) fn disable_ipv6(link: &str) -> io::Result<()> {
    match fs_err::write(format!("/proc/sys/net/ipv6/conf/{link}/disable_ipv6"), "1") {
        // A kernel without IPv6 needs no turning off.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}

/// Whether bridges translate addresses themselves (br_netfilter, which Docker loads). Then a container that uses a
/// published port of its own is answered by the bridge without a detour through the router, which takes a port that may send
/// back what it received.
pub(super) fn bridges_translate() -> bool {
    fs_err::read_to_string("/proc/sys/net/bridge/bridge-nf-call-iptables").is_ok_and(|text| text.trim() == "1")
}
