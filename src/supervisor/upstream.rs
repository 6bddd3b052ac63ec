//! The name servers that are asked for names nobody in the project has.

use std::net::{IpAddr, SocketAddr};

/// The port of the domain name system.
const PORT: u16 = 53;

/// The name servers of a `resolv.conf`, in order. See `resolv.conf(5)`.
pub(super) fn parse(resolv_conf: &str) -> Vec<SocketAddr> {
    let server = |line: &str| {
        let address = line.trim().strip_prefix("nameserver")?.trim().parse::<IpAddr>().ok()?;
        Some(SocketAddr::new(address, PORT))
    };
    resolv_conf.lines().filter_map(server).collect()
}

/// Those of a service: its `dns`, else the host's.
pub(super) fn of(dns: &[IpAddr], host: &[SocketAddr]) -> Vec<SocketAddr> {
    if dns.is_empty() {
        return host.to_vec();
    }
    dns.iter().map(|address| SocketAddr::new(*address, PORT)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_servers() {
        let host = parse("# by hand\nsearch lan\nnameserver 10.0.0.1\nnameserver ::1\noptions edns0\nnameserver x\n");
        assert_eq!(host, ["10.0.0.1:53".parse().unwrap(), "[::1]:53".parse().unwrap()]);
        assert_eq!(of(&[], &host), host);
        assert_eq!(of(&["9.9.9.9".parse().unwrap()], &host), ["9.9.9.9:53".parse().unwrap()]);
    }
}
