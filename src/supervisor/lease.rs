//! Programs of the host on the project's networks: `host-run`.
//!
//! ```text
//! client: new network namespace ──HostRun──▶ supervisor: addresses, cables, name server, record
//!         enters it, execs       ◀──Done───  watches the process, which stays the same
//! ```
//!
//! The process of the client becomes the program, so that nobody stands between it and its terminal, its signals and whoever
//! waits for it. Its end, however it comes, is that of the lease.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::os::fd::{AsFd as _, OwnedFd};
use std::rc::Rc;
use std::time::Duration;

use rustix::process::Pid;
use tokio::sync::watch;

use super::control::HostRun;
use super::endpoint;
use super::etc;
use super::failure::{Failure, FailureKind};
use super::network::{address_pools, cable};
use super::resolver::{self, AbortOnDrop};
use super::shared;
use super::start::interface_addresses;
use super::world::World;
use crate::compose::model::Attachment;
use crate::name::{NetworkName, ProjectName};
use crate::network::{self, Endpoint, IpFamily, Upstream, View};
use crate::plan::ObservedState;
use crate::runtime::Signal;
use crate::state::{EndpointRecord, LeaseRecord, NetworkRecord, StateError, VERSION};
use crate::sys::pidfd::{PidFd, start_time};
use crate::sys::random;
use crate::sys::readiness::readable;

/// The file that becomes `/etc/hosts`.
pub const HOSTS: &str = "hosts";
/// The file that becomes `/etc/resolv.conf`.
pub const RESOLV_CONF: &str = "resolv.conf";
/// What the host is called by programs that cannot reach its loopback; as Docker Desktop has it.
const HOST_NAME: &str = "host.docker.internal";
/// The network that services are on that name none.
const DEFAULT: &str = "default";
/// How long a program may take to end when it is asked to, as a service that says nothing else.
const GRACE: Duration = Duration::from_secs(10);

/// The programs of the host that are on networks, by process id.
#[derive(Debug, Default)]
pub(super) struct Leases {
    held: RefCell<BTreeMap<u32, Lease>>,
    /// How many there are.
    count: watch::Sender<usize>,
}

#[derive(Debug)]
struct Lease {
    record: LeaseRecord,
    process: Rc<PidFd>,
    netns: OwnedFd,
    /// Kept for the name server, which goes by it.
    _view: watch::Sender<View>,
    _resolver: AbortOnDrop,
}

impl Leases {
    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.held.borrow().is_empty()
    }

    /// The addresses that they have on a network.
    pub(super) fn addresses(&self, network: &NetworkName) -> Vec<IpAddr> {
        let held = self.held.borrow();
        let endpoints = held.values().flat_map(|lease| &lease.record.endpoints);
        endpoints.filter(|endpoint| endpoint.network == *network).flat_map(|of| of.addresses.iter().copied()).collect()
    }

    /// The names of the networks that they are on.
    pub(super) fn networks(&self) -> Vec<String> {
        let held = self.held.borrow();
        let endpoints = held.values().flat_map(|lease| &lease.record.endpoints);
        endpoints.filter_map(|endpoint| endpoint.external.clone()).collect()
    }

    /// Resolves when there is one less, or one more, than when it was called.
    pub(super) async fn ended(&self) {
        // The sender is this value's own.
        let _ = self.count.subscribe().changed().await;
    }

    fn insert(&self, lease: Lease) {
        self.held.borrow_mut().insert(lease.record.pid, lease);
        self.count.send_replace(self.held.borrow().len());
    }

    fn take(&self, pid: u32) -> Option<Lease> {
        let lease = self.held.borrow_mut().remove(&pid);
        self.count.send_replace(self.held.borrow().len());
        lease
    }
}

/// What to say to who wants to be on networks of a project that has none running.
#[must_use]
pub fn not_up(project: &ProjectName) -> Failure {
    let message = format!("project {project} is not up: its networks are there after `rcompose up -d`");
    Failure::new(FailureKind::Plan, message)
}

/// Puts a network namespace of the process `pid` on networks. All of it happens before anybody else's turn.
///
/// # Errors
/// [`FailureKind::Plan`] for what cannot be, [`FailureKind::System`] when the kernel refuses: nothing is left then.
pub(super) fn grant(world: &Rc<World>, wish: &HostRun, pid: Option<i32>) -> Result<(), Failure> {
    if !world.any_unit(|unit| matches!(unit.state.borrow().observed(), ObservedState::Running { .. })) {
        return Err(not_up(&world.project));
    }
    let gone = || Failure::new(FailureKind::System, "the client cannot be seen from here");
    let pid = pid.and_then(Pid::from_raw).ok_or_else(gone)?;
    let start_time = start_time(pid)?;
    let process = PidFd::open(pid, start_time)?.ok_or_else(gone)?;
    // Not `pidfd_getfd`, which some machines refuse even root.
    let netns = fs_err::File::open(format!("/proc/{pid}/fd/{}", wish.netns))?;
    let netns: OwnedFd = netns.into_parts().0.into();
    let record = LeaseRecord {
        version: VERSION,
        pid: pid.as_raw_pid().unsigned_abs(),
        start_time,
        netns: rustix::fs::fstat(&netns).map_err(std::io::Error::from)?.st_ino,
        link: random::hex(4),
        command: wish.command.clone(),
        endpoints: endpoints(world, wish)?,
    };
    // Of a process that had this id before, and whose end has not been told yet.
    end(world, record.pid);
    // First the record, so that what nobody knows of never is.
    world.paths.write_lease(&record)?;
    let begun = write_files(world, &record)
        .and_then(|()| connect(world, &record, &netns))
        .and_then(|()| hold(world, record.clone(), process, netns.try_clone()?));
    begun.inspect_err(|_| release(world, &record, Some(&netns)))
}

/// Takes over the leases of an earlier supervisor, and ends those whose processes have ended.
pub(super) fn adopt(world: &Rc<World>) -> Result<(), StateError> {
    for record in world.paths.read_leases()? {
        let Some((process, netns)) = find(&record) else {
            release(world, &record, None);
            continue;
        };
        for endpoint in record.endpoints.iter().filter(|endpoint| world.network(&endpoint.network).is_none()) {
            if let Some(Ok(Some(network))) = endpoint.external.as_ref().map(|name| shared::find(world, name)) {
                world.insert_external(&endpoint.network, network);
            }
        }
        if let Err(failure) = hold(world, record.clone(), process, netns) {
            world.warn(&format!("process {}: {failure}", record.pid));
            release(world, &record, None);
        }
    }
    Ok(())
}

/// The process of a lease with its network namespace, if it runs and is still there.
fn find(record: &LeaseRecord) -> Option<(PidFd, OwnedFd)> {
    let pid = Pid::from_raw(i32::try_from(record.pid).ok()?)?;
    let process = PidFd::open(pid, record.start_time).ok()??;
    let netns = fs_err::File::open(format!("/proc/{}/ns/net", record.pid)).ok()?;
    let netns: OwnedFd = netns.into_parts().0.into();
    let is_its_own = rustix::fs::fstat(&netns).is_ok_and(|status| status.st_ino == record.netns);
    (is_its_own && !process.has_exited().ok()?).then_some((process, netns))
}

/// Asks every program to end, and after `grace` makes it.
pub(super) async fn end_all(world: &World, grace: Option<Duration>) {
    signal_all(world, Signal::TERM);
    let mut count = world.leases.count.subscribe();
    // The sender lives as long as the world.
    if tokio::time::timeout(grace.unwrap_or(GRACE), count.wait_for(|count| *count == 0)).await.is_err() {
        signal_all(world, Signal::KILL);
        let _ = count.wait_for(|count| *count == 0).await;
    }
}

fn signal_all(world: &World, signal: Signal) {
    for Lease { record, process, .. } in world.leases.held.borrow().values() {
        let doing = if signal == Signal::KILL { "killing" } else { "stopping" };
        world.warn(&format!("{doing} `{}` (process {}), which `host-run` started", record.command, record.pid));
        if let Err(error) = process.signal(signal) {
            world.warn(&format!("process {}: {error}", record.pid));
        }
    }
}

/// Takes every program off a network that is about to be removed.
pub(super) fn leave(world: &World, key: &NetworkName) {
    for lease in world.leases.held.borrow_mut().values_mut() {
        let (left, stays) = std::mem::take(&mut lease.record.endpoints).into_iter().partition(|of| of.network == *key);
        let left: Vec<EndpointRecord> = left;
        lease.record.endpoints = stays;
        if !left.is_empty() {
            let of = LeaseRecord { endpoints: left, ..lease.record.clone() };
            disconnect(world, &of, Some(&lease.netns));
            let LeaseRecord { command, pid, .. } = of;
            world.warn(&format!("`{command}` (process {pid}) is on network {key} no more, which is removed"));
            if let Err(error) = world.paths.write_lease(&lease.record) {
                world.warn(&error.to_string());
            }
        }
    }
}

/// Refuses to remove a network that a program is on.
pub(super) fn in_use(world: &World, key: &NetworkName) -> Result<(), Failure> {
    let held = world.leases.held.borrow();
    let is_on = |lease: &&Lease| lease.record.endpoints.iter().any(|endpoint| endpoint.network == *key);
    let Some(Lease { record, .. }) = held.values().find(is_on) else { return Ok(()) };
    let (network, LeaseRecord { command, pid, .. }) = (world.network_name(key), record);
    Err(Failure::new(FailureKind::Plan, format!("network {network} is in use by `{command}` (process {pid})")))
}

/// The addresses that programs have on a network by way of other projects.
pub(super) fn addresses_of_others(world: &World, network: &str) -> Result<Vec<IpAddr>, Failure> {
    let mut addresses = Vec::new();
    for project in world.layout.project_names()?.into_iter().filter(|project| *project != world.project) {
        // What cannot be read is for its own project to complain about.
        let records = world.layout.project(&project).read_leases().unwrap_or_default();
        let endpoints = records.into_iter().flat_map(|record| record.endpoints);
        let there = endpoints.filter(|endpoint| endpoint.external.as_deref() == Some(network));
        addresses.extend(there.flat_map(|endpoint| endpoint.addresses));
    }
    Ok(addresses)
}

/// The networks that are wished for, by the keys that they have in the project.
fn networks(world: &World, wish: &HostRun) -> Result<Vec<(NetworkName, NetworkRecord)>, Failure> {
    let mut all: BTreeMap<_, _> = world.networks().into_iter().map(|record| (record.key.clone(), record)).collect();
    all.extend(world.externals());
    let plan = |message: String| Failure::new(FailureKind::Plan, message);
    let known = || all.keys().map(NetworkName::as_str).collect::<Vec<_>>().join(", ");
    let matching = |is_meant: &dyn Fn(&NetworkName, &NetworkRecord) -> bool| {
        let found: Vec<_> = all.clone().into_iter().filter(|(key, record)| is_meant(key, record)).collect();
        Some(found).filter(|found| !found.is_empty())
    };
    if all.is_empty() {
        return Err(plan(format!("project {} has no networks", world.project)));
    }
    if wish.networks.is_empty() {
        let none = || plan(format!("all networks of the project are internal: choose with `--network` of {}", known()));
        let lead_out = matching(&|_, record| !record.internal);
        return lead_out.or_else(|| matching(&|key, _| key.as_str() == DEFAULT)).ok_or_else(none);
    }
    let mut chosen = Vec::new();
    for text in &wish.networks {
        let unknown = || plan(format!("project {} has no network {text}: it has {}", world.project, known()));
        let by_name = || matching(&|_, record| record.name == *text);
        let found = matching(&|key, _| key.as_str() == text).or_else(by_name).ok_or_else(unknown)?;
        chosen.extend(found.into_iter().take(1));
    }
    let mut seen = BTreeSet::new();
    chosen.retain(|(key, _): &(NetworkName, _)| seen.insert(key.clone()));
    Ok(chosen)
}

/// A place on each of the networks.
fn endpoints(world: &World, wish: &HostRun) -> Result<Vec<EndpointRecord>, Failure> {
    let mut endpoints: Vec<EndpointRecord> = Vec::new();
    for (key, network) in networks(world, wish)? {
        let addresses = endpoint::addresses(world, &key, &network, &Attachment::default())
            .map_err(|failure| failure.because_of(format!("no address on network {}", network.name)))?;
        let prefix = network.interface_prefix.as_deref().unwrap_or("eth");
        endpoints.push(EndpointRecord {
            mac: network::mac_address(addresses.first().copied().unwrap_or(IpAddr::from([0, 0, 0, 0]))),
            interface: endpoint::free_interface(prefix, &[], &endpoints),
            link: Some(endpoints.len()),
            link_local: Vec::new(),
            names: wish.name.iter().map(ToString::to_string).collect(),
            network: key,
            addresses,
            // Said of the project's own too: other projects that are on it read this.
            external: Some(network.name),
        });
    }
    Ok(endpoints)
}

/// Writes the files that stand in for the host's.
fn write_files(world: &World, record: &LeaseRecord) -> Result<(), Failure> {
    let resolv_conf = etc::resolv_conf(&[], &[], &world.resolv_conf.borrow());
    let mut hosts = fs_err::read_to_string("/etc/hosts").unwrap_or_default();
    if !hosts.is_empty() && !hosts.ends_with('\n') {
        hosts.push('\n');
    }
    for family in [IpFamily::V4, IpFamily::V6] {
        if let Some((_, gateway)) = way_out(world, record, family) {
            hosts.push_str(&format!("{gateway}\t{HOST_NAME}\n"));
        }
    }
    etc::write_public(&world.paths.lease_file(record.pid, RESOLV_CONF), &resolv_conf)?;
    Ok(etc::write_public(&world.paths.lease_file(record.pid, HOSTS), &hosts)?)
}

/// The first place that leads out by `family`, with what it routes through.
fn way_out(world: &World, record: &LeaseRecord, family: IpFamily) -> Option<(usize, IpAddr)> {
    let mut places = record.endpoints.iter().enumerate();
    places.find_map(|(index, endpoint)| Some((index, endpoint::gateway(world, endpoint, family)?)))
}

fn connect(world: &World, record: &LeaseRecord, netns: &OwnedFd) -> Result<(), Failure> {
    let mut endpoints = Vec::new();
    for (index, endpoint) in record.endpoints.iter().enumerate() {
        let missing = || Failure::new(FailureKind::System, format!("network {} does not exist", endpoint.network));
        let network = world.network(&endpoint.network).ok_or_else(missing)?;
        let ways_out = [IpFamily::V4, IpFamily::V6].map(|family| way_out(world, record, family));
        let here = ways_out.into_iter().flatten().filter(|(of, _)| *of == index);
        endpoints.push(Endpoint {
            cable: cable(&network, host_interface(record, endpoint)),
            interface: endpoint.interface.clone(),
            addresses: interface_addresses(&address_pools(&network)?, endpoint),
            mac: endpoint.mac,
            gateways: here.map(|(_, gateway)| gateway).collect(),
            mtu: network.mtu,
            sysctls: Vec::new(),
        });
    }
    network::attach(netns.as_fd(), &endpoints).map_err(|error| Failure::from_error(FailureKind::System, &error))
}

/// Serves the names, makes its own known, and watches for the end of a program that is connected.
fn hold(world: &Rc<World>, record: LeaseRecord, process: PidFd, netns: OwnedFd) -> Result<(), Failure> {
    let families = [IpFamily::V4, IpFamily::V6];
    let leads_out = families.iter().any(|family| way_out(world, &record, *family).is_some());
    let machine = || Upstream::Machine(world.resolv_conf.subscribe());
    let view = watch::channel(View {
        networks: record.endpoints.iter().map(|endpoint| world.network_name(&endpoint.network)).collect(),
        upstream: if leads_out { machine() } else { Upstream::Nobody },
        room: world.room.clone(),
        ..View::default()
    });
    let resolver = resolver::answer(world, &netns, view.1)?;
    world.names.send_modify(|names| {
        for endpoint in &record.endpoints {
            let network = world.network_name(&endpoint.network);
            for (name, address) in
                endpoint.names.iter().flat_map(|name| endpoint.addresses.iter().map(move |of| (name, of)))
            {
                names.insert(&network, name, *address);
                names.insert_pointer(&network, *address, name);
            }
        }
    });
    let (pid, process) = (record.pid, Rc::new(process));
    world.leases.insert(Lease { record, process: Rc::clone(&process), netns, _view: view.0, _resolver: resolver });
    let world = Rc::clone(world);
    tokio::task::spawn_local(async move {
        match readable(process.as_fd()) {
            Ok(ended) => drop(ended.readable().await),
            Err(error) => return world.warn(&format!("the end of process {pid} will not be seen: {error}")),
        }
        // Another process may have the id by now, with a lease of its own.
        let is_this = |lease: &Lease| Rc::ptr_eq(&lease.process, &process);
        if world.leases.held.borrow().get(&pid).is_some_and(is_this) {
            end(&world, pid);
        }
    });
    Ok(())
}

/// Ends a lease, if there is one.
fn end(world: &World, pid: u32) {
    if let Some(lease) = world.leases.take(pid) {
        release(world, &lease.record, Some(&lease.netns));
    }
}

/// Takes back all that a program has had; what fails is told, and the rest goes on.
fn release(world: &World, record: &LeaseRecord, netns: Option<&OwnedFd>) {
    disconnect(world, record, netns);
    if let Err(error) = world.paths.remove_lease(record.pid) {
        world.warn(&error.to_string());
    }
}

/// Removes names and cables, which a process that the program has left behind would keep.
fn disconnect(world: &World, record: &LeaseRecord, netns: Option<&OwnedFd>) {
    for endpoint in &record.endpoints {
        let network = world.network_name(&endpoint.network);
        if !endpoint.names.is_empty() {
            world.names.send_modify(|names| endpoint.addresses.iter().for_each(|of| names.remove(&network, *of)));
        }
        let link = host_interface(record, endpoint);
        let result = match netns {
            Some(netns) => network::detach(netns.as_fd(), &endpoint.interface).map_err(|error| error.to_string()),
            // Gone with the namespace, unless somebody else is in there.
            None => network::delete_bridge(&link).map_err(|error| error.to_string()),
        };
        if let Err(error) = result {
            world.warn(&format!("process {}: {error}", record.pid));
        }
    }
}

/// The name of the host's end of a cable.
fn host_interface(record: &LeaseRecord, endpoint: &EndpointRecord) -> String {
    format!("{}{}-{}", network::VETH_PREFIX, record.link, endpoint.link.unwrap_or_default())
}
