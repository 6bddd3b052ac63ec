//! The network of programs that are run in builds: a bridge of each build's own, which leads outside and to nobody else.
//!
//! It is made when the first program asks for it, and goes with the build. A build that was killed leaves its bridge; the lock
//! of its file shows that, and the next build takes the bridge away.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io;
use std::net::IpAddr;
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use crate::build::run::{Attach, Attached, Network};
use crate::network::{
    self, AddressPool, Bridge, BridgeSubnet, Cable, Claim, Endpoint, EndpointAddress, Firewall, IpFamily, Nftables,
    ResolvConf, SubnetPool,
};
use crate::state::Layout;
use crate::sys::{FileLock, create_private_dir_all, random};

/// What the names of the files begin with that show which builds have a bridge.
const PREFIX: &str = "network-";

/// Where systemd-resolved keeps what it was told itself: the file in `/etc` leads to the loopback of the machine.
const RESOLVED: &str = "/run/systemd/resolve/resolv.conf";

/// As Docker has it where the machine itself has no server that others can reach.
const PUBLIC_SERVERS: [&str; 2] = ["8.8.8.8", "8.8.4.4"];

/// The network of the programs of a build.
#[derive(Debug)]
pub struct BuildNetwork {
    layout: Layout,
    directory: PathBuf,
    pools: Vec<SubnetPool>,
    made: Mutex<Option<Made>>,
}

/// A bridge that is there.
#[derive(Debug)]
struct Made {
    name: String,
    pool: AddressPool,
    used: Arc<Mutex<BTreeSet<IpAddr>>>,
    file: PathBuf,
    /// Says that the build is not over.
    _lock: FileLock,
}

impl BuildNetwork {
    /// That of a new build, with a subnet out of `pools` unless there are none; `directory` is where it is noted, and where
    /// those of killed ones are found, which are taken away now.
    #[must_use]
    pub fn new(layout: &Layout, pools: Vec<SubnetPool>, directory: &Path) -> Self {
        clear_abandoned(directory);
        let pools = if pools.is_empty() { SubnetPool::defaults() } else { pools };
        Self { layout: layout.clone(), directory: directory.to_owned(), pools, made: Mutex::default() }
    }

    /// As the builder takes it.
    #[must_use]
    pub fn as_network(&self) -> Network<'_> {
        Network::Own(self)
    }

    fn make(&self) -> io::Result<Made> {
        let failed = |error: &dyn std::error::Error| io::Error::other(chain(error));
        // Networks of projects choose their addresses under the same lock.
        let _choosing = self.layout.lock_networks().map_err(|error| failed(&error))?;
        let routes = network::routes().map_err(|error| failed(&error))?;
        let taken = routes.iter().map(|route| Claim { subnet: route.destination, owner: route.to_string() });
        let taken: Vec<Claim> = taken.collect();
        let start = u64::from(std::process::id());
        let subnet =
            network::choose_subnet(IpFamily::V4, &self.pools, &taken, start).map_err(|error| failed(&error))?;
        let gateway = AddressPool::default_gateway(&subnet, &BTreeSet::new());
        let name = format!("{}b{}", network::BRIDGE_PREFIX, random_name());
        let file = self.directory.join(format!("{PREFIX}{name}"));
        // A build that has ended meanwhile may have taken it away.
        create_private_dir_all(&self.directory)?;
        let lock = FileLock::exclusive(&file)?;
        let bridge = Bridge {
            name: name.clone(),
            subnets: vec![BridgeSubnet { subnet, gateway: Some(gateway), masquerade: true, unprotected: false }],
            mtu: None,
            internal: false,
            isolated: true,
            shared: false,
        };
        let made = Made {
            name: name.clone(),
            pool: AddressPool { subnet, gateway: Some(gateway), range: None, reserved: BTreeSet::new() },
            used: Arc::default(),
            file,
            _lock: lock,
        };
        network::create_bridge(&bridge).map_err(|error| failed(&error))?;
        let firewall = Firewall { project: firewall_of(&name), bridges: vec![bridge], forwards: Vec::new() };
        let mut nftables = Nftables::open().map_err(|error| failed(&error))?;
        firewall.apply(&mut nftables).map_err(|error| failed(&error))?;
        Ok(made)
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        // What stays is taken away by the next build.
        remove(&self.name);
        let _ = fs_err::remove_file(&self.file);
    }
}

impl Attach for BuildNetwork {
    fn resolv_conf(&self) -> io::Result<String> {
        Ok(resolv_conf(&[ResolvConf::read(Path::new("/etc/resolv.conf")), ResolvConf::read(Path::new(RESOLVED))]))
    }

    fn attach(&self, pid: i32, warn: &mut dyn FnMut(&str)) -> io::Result<Attached> {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if made.is_none() {
            *made = Some(self.make()?);
            // Who cannot read the rules of others does not know of any.
            let foreign = network::foreign_firewalls().unwrap_or_default();
            foreign.iter().filter(|of| of.is_of(IpFamily::V4)).for_each(|firewall| warn(&firewall.to_string()));
        }
        let Some(made) = made.as_ref() else { return Err(io::ErrorKind::NotFound.into()) };
        let mut used = made.used.lock().unwrap_or_else(PoisonError::into_inner);
        let address = made.pool.choose(&used).map_err(io::Error::other)?;
        let netns = fs_err::File::open(format!("/proc/{pid}/ns/net"))?;
        let endpoint = Endpoint {
            cable: Cable::Veth {
                host_interface: format!("{}{}", network::VETH_PREFIX, random_name()),
                bridge: made.name.clone(),
                isolated: true,
            },
            interface: "eth0".to_owned(),
            addresses: vec![EndpointAddress { address, prefix: made.pool.subnet.prefix() }],
            mac: network::mac_address(address),
            gateways: made.pool.gateway.into_iter().collect(),
            mtu: None,
            sysctls: Vec::new(),
        };
        network::attach(netns.file().as_fd(), &[endpoint]).map_err(|error| io::Error::other(chain(&error)))?;
        used.insert(address);
        Ok(Box::new(Leased { address, used: Arc::clone(&made.used) }))
    }
}

/// An address that a program has.
struct Leased {
    address: IpAddr,
    used: Arc<Mutex<BTreeSet<IpAddr>>>,
}

impl Drop for Leased {
    fn drop(&mut self) {
        self.used.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.address);
    }
}

/// The servers that can be reached from elsewhere, of the first of `known` that has one.
fn resolv_conf(known: &[ResolvConf]) -> String {
    let mut text = String::new();
    let reachable = |conf: &&ResolvConf| conf.servers.iter().any(|server| !server.ip().is_loopback());
    match known.iter().find(reachable) {
        Some(conf) => {
            for server in conf.servers.iter().filter(|server| !server.ip().is_loopback()) {
                let _ = writeln!(text, "nameserver {}", server.ip());
            }
            if !conf.search.is_empty() {
                let _ = writeln!(text, "search {}", conf.search.join(" "));
            }
        }
        None => text.extend(PUBLIC_SERVERS.map(|server| format!("nameserver {server}\n"))),
    }
    text
}

/// Takes away what builds have left that were killed.
fn clear_abandoned(directory: &Path) {
    for entry in fs_err::read_dir(directory).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let Some(bridge) = name.strip_prefix(PREFIX) else { continue };
        if let Ok(Some(_lock)) = FileLock::try_exclusive(&entry.path()) {
            remove(bridge);
            let _ = fs_err::remove_file(entry.path());
        }
    }
}

fn remove(bridge: &str) {
    // There is nobody to tell, and the next build tries again.
    let _ = network::delete_bridge(bridge);
    if let Ok(mut nftables) = Nftables::open() {
        let _ = Firewall::remove(&firewall_of(bridge), &mut nftables);
    }
}

/// What the table of a bridge is called by: no project has such a name.
fn firewall_of(bridge: &str) -> String {
    format!(".{bridge}")
}

/// Seven digits that nobody else has.
fn random_name() -> String {
    random::hex(4)[..7].to_owned()
}

fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| (**cause).source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_that_others_can_reach() {
        let conf = |text: &str| ResolvConf::parse(text);
        let stub = "nameserver 127.0.0.53\nsearch lan\n";
        for (etc, resolved, expected) in [
            ("nameserver 10.0.0.1\nnameserver 127.0.0.1\nsearch lan\n", "", "nameserver 10.0.0.1\nsearch lan\n"),
            (stub, "nameserver 192.168.1.1\n", "nameserver 192.168.1.1\n"),
            (stub, "", "nameserver 8.8.8.8\nnameserver 8.8.4.4\n"),
            ("", "", "nameserver 8.8.8.8\nnameserver 8.8.4.4\n"),
        ] {
            assert_eq!(resolv_conf(&[conf(etc), conf(resolved)]), expected, "{etc:?} {resolved:?}");
        }
    }
}
