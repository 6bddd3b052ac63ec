//! The few network settings that netlink does not have. `/proc/sys/net` shows the namespace of the calling thread.

use std::io;

use super::IpFamily;

const FORWARD_IPV4: &str = "/proc/sys/net/ipv4/ip_forward";
const IPV6: &str = "/proc/sys/net/ipv6/conf";

/// Whether packets of `family` are routed between links.
pub(super) fn forwards(family: IpFamily) -> bool {
    let file = match family {
        IpFamily::V4 => FORWARD_IPV4.to_owned(),
        IpFamily::V6 => format!("{IPV6}/all/forwarding"),
    };
    is_on(&file)
}

/// Whether packets of 127.0.0.0/8 may leave and come back over `link`.
pub(super) fn has_route_localnet(link: &str) -> bool {
    ["all", link].iter().any(|of| is_on(&format!("/proc/sys/net/ipv4/conf/{of}/route_localnet")))
}

fn is_on(file: &str) -> bool {
    fs_err::read_to_string(file).is_ok_and(|text| text.trim() == "1")
}

/// Lets packets of `family` be routed between links.
pub(super) fn enable_forwarding(family: IpFamily) -> io::Result<()> {
    match family {
        IpFamily::V4 => set(FORWARD_IPV4, "1"),
        IpFamily::V6 => {
            let file = format!("{IPV6}/all/forwarding");
            if fs_err::read_to_string(&file)?.trim() == "1" {
                return Ok(());
            }
            keep_router_advertisements()?;
            fs_err::write(file, "1")
        }
    }
}

/// A machine that routes IPv6 does not listen to other routers any more, and loses the way out that it has from them,
/// unless it is told that it may do both: `2`. See the kernel's `ip-sysctl`, `accept_ra`.
fn keep_router_advertisements() -> io::Result<()> {
    for link in fs_err::read_dir(IPV6)? {
        let file = link?.path().join("accept_ra");
        // A link that has gone meanwhile listens to nobody.
        if fs_err::read_to_string(&file).is_ok_and(|text| text.trim() == "1") {
            fs_err::write(&file, "2")?;
        }
    }
    Ok(())
}

/// Says whether packets of 127.0.0.0/8 may leave and come back over `link`, so that a port published on 127.0.0.1 can be
/// a plain address translation.
pub(super) fn set_route_localnet(link: &str, on: bool) -> io::Result<()> {
    fs_err::write(format!("/proc/sys/net/ipv4/conf/{link}/route_localnet"), if on { "1" } else { "0" })
}

/// Takes IPv6 off `link`: a link-local address on the bridge would be a way to the host past every IPv4 rule.
pub(super) fn disable_ipv6(link: &str) -> io::Result<()> {
    match set(&format!("{IPV6}/{link}/disable_ipv6"), "1") {
        // A kernel without IPv6 needs no turning off.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}

/// Readies `link` for addresses of IPv6 that are ours to give: no router in the network tells others, and no address is
/// held back for a second while the network is asked who else may have it.
pub(super) fn enable_ipv6(link: &str) -> io::Result<()> {
    [("disable_ipv6", "0"), ("accept_ra", "0"), ("accept_dad", "0")]
        .into_iter()
        .try_for_each(|(name, value)| set(&format!("{IPV6}/{link}/{name}"), value))
}

/// Writes only what is not so already: the file may be read-only where the value is right.
fn set(file: &str, value: &str) -> io::Result<()> {
    if fs_err::read_to_string(file)?.trim() == value { Ok(()) } else { fs_err::write(file, value) }
}

/// Whether bridges translate addresses themselves (br_netfilter, which Docker loads). Then a container that uses a
/// published port of its own is answered by the bridge without a detour through the router, which takes a port that may send
/// back what it received.
pub(super) fn bridges_translate() -> bool {
    fs_err::read_to_string("/proc/sys/net/bridge/bridge-nf-call-iptables").is_ok_and(|text| text.trim() == "1")
}
