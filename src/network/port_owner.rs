//! Who has a port: `/proc/net/*` knows the inode of its socket, `/proc/PID/fd` who holds that. See `proc_net(5)`.

use std::net::Ipv4Addr;

use super::TransportProtocol;

/// `TCP_LISTEN` as `/proc/net/tcp` spells it.
const LISTEN: &str = "0A";

/// The process that has `port` on `address`, or on every address: `nginx (pid 4711)`. `None` where `/proc` does not
/// tell, as for a port that is bound but not listened on.
pub(super) fn find(address: Ipv4Addr, port: u16, protocol: TransportProtocol) -> Option<String> {
    // A socket of IPv6 may serve IPv4 as well; whether it does is not told, so that its addresses are not compared.
    let inode = [(protocol.to_string(), Some(address)), (format!("{protocol}6"), None)].iter().find_map(
        |(file, address)| {
            let table = fs_err::read_to_string(format!("/proc/thread-self/net/{file}")).ok()?;
            inode_of(&table, *address, port, protocol)
        },
    )?;
    holder(&format!("socket:[{inode}]"))
}

/// The inode of the first socket in `table` that is bound to `port`, on `address` or on every one.
fn inode_of(table: &str, address: Option<Ipv4Addr>, port: u16, protocol: TransportProtocol) -> Option<String> {
    table.lines().skip(1).find_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let [_, local, _, state, _, _, _, _, _, inode, ..] = fields[..] else { return None };
        let (bits, local_port) = local.split_once(':')?;
        let serves = protocol == TransportProtocol::Udp || state == LISTEN;
        // Eight digits in the byte order of this machine, of an address in that of the network.
        let clash = address.is_none_or(|address| {
            address.is_unspecified()
                || u32::from_str_radix(bits, 16).is_ok_and(|bits| bits == 0 || bits.to_ne_bytes() == address.octets())
        });
        (serves && clash && u16::from_str_radix(local_port, 16) == Ok(port)).then(|| inode.to_owned())
    })
}

/// The first process with a descriptor of `socket`. Processes that end or are not ours to see are passed over.
fn holder(socket: &str) -> Option<String> {
    fs_err::read_dir("/proc").ok()?.flatten().find_map(|process| {
        let pid: u32 = process.file_name().to_str()?.parse().ok()?;
        let mut descriptors = fs_err::read_dir(process.path().join("fd")).ok()?.flatten();
        descriptors.find(|fd| fs_err::read_link(fd.path()).is_ok_and(|target| target.as_os_str() == socket))?;
        let name = fs_err::read_to_string(process.path().join("comm")).ok()?;
        Some(format!("{} (pid {pid})", name.trim_end()))
    })
}

#[cfg(test)]
mod tests {
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
            (Some(loopback), 8080, Some("111")),
            (Some(other), 8080, None),
            (Some(Ipv4Addr::UNSPECIFIED), 8080, Some("111")),
            (Some(other), 80, Some("222")),
            (None, 80, Some("222")),
            (Some(loopback), 8081, None),
        ] {
            let found = inode_of(TABLE, address, port, TransportProtocol::Tcp);
            assert_eq!(found.as_deref(), expect, "{address:?} {port}");
        }
    }
}
