//! Who has a port: `/proc/net/*` knows the inode of its socket, `/proc/PID/fd` who holds that. See `proc_net(5)`.

use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsFd as _, BorrowedFd};
use std::path::Path;

use rustix::process::{Pid, PidfdFlags, PidfdGetfdFlags};

use super::TransportProtocol;

/// What our own processes call themselves.
pub const OURS: &str = "rcompose";
/// `TCP_LISTEN` as `/proc/net/tcp` spells it.
const LISTEN: &str = "0A";

/// The process that has the port on this address, or on every address: `nginx (pid 4711)`. `None` where `/proc` does not
/// tell.
#[must_use]
pub fn find(address: SocketAddr, protocol: TransportProtocol) -> Option<String> {
    let (port, ip) = (address.port(), address.ip());
    // A socket of IPv6 may serve IPv4 as well; whether it does is not told, so that its addresses are not compared then.
    let places = match ip {
        IpAddr::V4(_) => vec![(protocol.to_string(), Some(ip)), (format!("{protocol}6"), None)],
        IpAddr::V6(_) => vec![(format!("{protocol}6"), Some(ip))],
    };
    let inode = places.iter().find_map(|(file, ip)| {
        let table = fs_err::read_to_string(format!("/proc/thread-self/net/{file}")).ok()?;
        inode_of(&table, *ip, port, protocol)
    });
    inode.map_or_else(|| keeper(address), holder)
}

/// The process of ours that keeps the port for a container: its socket is bound and does not listen, which `/proc/net` does
/// not show, so that the sockets themselves are looked at. Those of other network namespaces are taken for our own.
fn keeper(address: SocketAddr) -> Option<String> {
    let namespace = fs_err::read_link("/proc/thread-self/ns/net").ok()?;
    fs_err::read_dir("/proc").ok()?.flatten().find_map(|process| {
        let pid: i32 = process.file_name().to_str()?.parse().ok()?;
        first_argument(&process.path()).filter(|name| name == OURS)?;
        fs_err::read_link(process.path().join("ns/net")).ok().filter(|of| *of == namespace)?;
        let pidfd = rustix::process::pidfd_open(Pid::from_raw(pid)?, PidfdFlags::empty()).ok()?;
        let mut descriptors = fs_err::read_dir(process.path().join("fd")).ok()?.flatten();
        descriptors.find(|fd| {
            let number = fd.file_name().to_str().and_then(|number| number.parse().ok());
            let bound = number.and_then(|number| bound_to(pidfd.as_fd(), number));
            bound.is_some_and(|bound| {
                let same = bound.is_ipv4() == address.is_ipv4() && bound.port() == address.port();
                same && (bound.ip() == address.ip() || bound.ip().is_unspecified() || address.ip().is_unspecified())
            })
        })?;
        Some(format!("{OURS} (pid {pid})"))
    })
}

/// The address that a socket of another process is bound to.
fn bound_to(process: BorrowedFd<'_>, number: i32) -> Option<SocketAddr> {
    let fd = rustix::process::pidfd_getfd(process, number, PidfdGetfdFlags::empty()).ok()?;
    SocketAddr::try_from(rustix::net::getsockname(&fd).ok()?).ok()
}

/// The inode of the first socket in `table` that is bound to `port`, on `address` or on every one.
fn inode_of(table: &str, address: Option<IpAddr>, port: u16, protocol: TransportProtocol) -> Option<u64> {
    table.lines().skip(1).find_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let [_, local, _, state, _, _, _, _, _, inode, ..] = fields[..] else { return None };
        let (bits, local_port) = local.split_once(':')?;
        let serves = protocol == TransportProtocol::Udp || state == LISTEN;
        let clash = address.is_none_or(|address| {
            address.is_unspecified() || parse(bits).is_some_and(|bound| bound.is_unspecified() || bound == address)
        });
        let found = serves && clash && u16::from_str_radix(local_port, 16) == Ok(port);
        found.then(|| inode.parse().ok()).flatten()
    })
}

/// An address in digits: each four bytes of it, which are in the order of the network, as a number of this machine.
fn parse(digits: &str) -> Option<IpAddr> {
    let word = |at: usize| Some(u32::from_str_radix(digits.get(at..at + 8)?, 16).ok()?.to_ne_bytes());
    match digits.len() {
        8 => Some(IpAddr::from(word(0)?)),
        32 => {
            let words = [word(0)?, word(8)?, word(16)?, word(24)?];
            Some(IpAddr::from(<[u8; 16]>::try_from(words.concat()).ok()?))
        }
        _ => None,
    }
}

/// The first process with a descriptor of the socket. Processes that end or are not ours to see are passed over.
pub(super) fn holder(inode: u64) -> Option<String> {
    let socket = format!("socket:[{inode}]");
    fs_err::read_dir("/proc").ok()?.flatten().find_map(|process| {
        let pid: u32 = process.file_name().to_str()?.parse().ok()?;
        let mut descriptors = fs_err::read_dir(process.path().join("fd")).ok()?.flatten();
        descriptors
            .find(|fd| fs_err::read_link(fd.path()).is_ok_and(|target| target.as_os_str() == socket.as_str()))?;
        Some(format!("{} (pid {pid})", name(&process.path())?))
    })
}

/// What a process is called; one that was started by a link of `/proc` is called after that, and better by its own word.
fn name(process: &Path) -> Option<String> {
    let name = fs_err::read_to_string(process.join("comm")).ok()?.trim_end().to_owned();
    if name == "exe" { first_argument(process).or(Some(name)) } else { Some(name) }
}

/// The name in the first argument of a process.
fn first_argument(process: &Path) -> Option<String> {
    let arguments = fs_err::read_to_string(process.join("cmdline")).ok()?;
    let first = arguments.split('\0').next()?;
    Some(first.rsplit('/').next()?.to_owned())
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use super::*;

    const TABLE: &str =
        "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 111 1 0 100 0 0 10 0
   1: 00000000:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 222 1 0 100 0 0 10 0
   2: 0100007F:1F91 0100007F:C350 01 00000000:00000000 00:00000000 00000000     0        0 333 1 0 100 0 0 10 0
";

    #[test]
    #[cfg(target_endian = "little")]
    fn sockets_that_clash() {
        let [loopback, other] = [Ipv4Addr::LOCALHOST, Ipv4Addr::new(10, 0, 0, 1)];
        for (address, port, expect) in [
            (Some(loopback), 8080, Some(111)),
            (Some(other), 8080, None),
            (Some(Ipv4Addr::UNSPECIFIED), 8080, Some(111)),
            (Some(other), 80, Some(222)),
            (None, 80, Some(222)),
            (Some(loopback), 8081, None),
        ] {
            let found = inode_of(TABLE, address.map(IpAddr::from), port, TransportProtocol::Tcp);
            assert_eq!(found, expect, "{address:?} {port}");
        }
        assert_eq!(parse("000000FD010000000000000001000000"), Some("fd00:0:0:1::1".parse().unwrap()));
        assert_eq!(parse(&"0".repeat(32)), Some(Ipv6Addr::UNSPECIFIED.into()));
    }
}
