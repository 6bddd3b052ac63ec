//! Starts one container: files, ports, shim, network, names, go. The OCI create/start split is used for what it is
//! for: between the two the namespaces exist, and the network is attached to them.

use std::net::IpAddr;
use std::os::fd::{AsFd, OwnedFd};
use std::rc::Rc;
use std::time::Duration;

use tokio::time::Instant;

use super::endpoint;
use super::etc;
use super::failure::{Failure, FailureKind};
use super::grant;
use super::host_devices;
use super::id_range;
use super::logging;
use super::observe::Record;
use super::one_off;
use super::publish;
use super::resolver::{self, AbortOnDrop};
use super::restart::Attempts;
use super::shaping;
use super::share;
use super::shared;
use super::update_policy::UpdatePolicy;
use super::world::World;
use crate::compose::model::{Mount, NetworkMode, UpdateOrder};
use crate::name::ContainerId;
use crate::network::{self, AddressPool, Endpoint, EndpointAddress, IpFamily};
use crate::runtime::{self, ExitStatus, Guardian, Handle, Rootfs, RuntimeError, Shim, Signal, Stdin};
use crate::state::EndpointRecord;

/// A container that runs.
#[derive(Debug)]
pub(super) struct Live {
    /// Its processes.
    pub(super) handle: Handle,
    /// When this supervisor first saw it run.
    pub(super) since: Instant,
    /// How long it had run by then.
    ran_before: Duration,
    /// What asks it to stop.
    pub(super) stop_signal: Signal,
    /// The task that answers its name queries.
    _resolver: Option<AbortOnDrop>,
    /// The tasks that relay to its ports what the kernel cannot send on.
    relays: Vec<AbortOnDrop>,
}

impl Live {
    /// How long it has run.
    pub(super) fn ran_for(&self) -> Duration {
        self.since.elapsed() + self.ran_before
    }

    /// Relays to where the container is now. Connections through relays end; those that the kernel sends on do not.
    pub(super) async fn relay_again(&mut self, world: &World, record: &Record) {
        let published = world.paths.container(&record.id).read_state().map(|state| state.ports).unwrap_or_default();
        self.relays.clear();
        // The sockets go with the tasks, which end when it is their turn.
        tokio::task::yield_now().await;
        self.relays = publish::resume(world, record, &published);
    }
}

/// Starts the container of `record`; `attempts` is written to its state.
///
/// # Errors
/// [`Failure`]; nothing of the attempt is left running.
pub(super) async fn start(world: &Rc<World>, record: &Rc<Record>, attempts: Attempts) -> Result<Live, Failure> {
    let paths = world.paths.container(&record.id);
    paths.create_run()?;
    runtime::delete(paths.run()).map_err(|error| runtime_failure(&error))?;
    renew_spoiled_layer(world, record)?;
    make_bind_sources(record)?;
    etc::write(world, record)?;
    grant::write(world, &record.config.grants)?;
    let mut ports = match world.inheritance(&record.id) {
        Some((from, kept)) => publish::inherit(world, &from, kept),
        None => publish::reserve(world, record)?,
    };
    if UpdatePolicy::both(&record.config.service).0.order == UpdateOrder::StartFirst {
        world.keep_ports(&record.id, Rc::clone(&ports.kept));
    }
    let mut config = config(world, record);
    host_devices::find(&record.config.service)?.give(&mut config.spec, &mut config.group_add);
    let ids = id_range::assign(world, &mut config.spec)?;
    let keep: Vec<_> =
        ports.kept.iter().flat_map(network::PortReservation::sockets).chain(ids.iter().map(AsFd::as_fd)).collect();
    let joined = share::join(world, record, &mut config.spec)?;
    let mut shim = Shim::spawn(&config, &keep).map_err(|error| runtime_failure(&error))?;
    let init = shim.created().await.map_err(|error| runtime_failure(&error))?;
    drop(joined);
    for warning in &init.warnings {
        world.warn(&format!("{}: {warning}", record.name));
    }
    // From here on an error drops the shim, which ends its init: nothing is left running.
    let resolver = match &record.config.service.network_mode {
        Some(NetworkMode::Host | NetworkMode::Service(_) | NetworkMode::Container(_)) => None,
        // Names of networks are refused before anything is made; a container without a network is what is left of them.
        Some(_) => {
            let netns = netns(init.pid)?;
            network::loopback_up(netns.as_fd()).map_err(|error| Failure::from_error(FailureKind::System, &error))?;
            None
        }
        None => {
            let netns = netns(init.pid)?;
            attach(world, record, &netns)?;
            for missing in resolver::missing_links(world, record) {
                world.warn(&format!(
                    "{}: no container {missing} of `external_links` runs on a network that it is on",
                    record.name
                ));
            }
            shaping::begin(world, record)?;
            Some(resolver::serve(world, record, &netns)?)
        }
    };
    // Before the program runs: what it asks for at once must be there.
    let relays = ports.relay(world)?;
    let forwards = publish::forwards(world, record, &ports.published);
    let exposed = world.expose(record, forwards);
    let attended = match exposed {
        Ok(()) => one_off::attended(world, record).await,
        Err(failure) => Err(failure),
    };
    let started = match attended {
        Ok(()) => shim.start().await.map_err(|error| runtime_failure(&error)),
        Err(failure) => Err(failure),
    };
    let handle = started.inspect_err(|_| {
        world.withdraw(record);
        if record.config.service.network_limits().is_some() {
            // The first error is the one to tell; it is tried again when the container is removed.
            let _ = shaping::end(record);
        }
    })?;
    world.update_state(record, |state| {
        state.stopped = false;
        state.restarting = false;
        state.failed_start = None;
        state.restarts = attempts.total;
        state.restarts_in_a_row = attempts.in_a_row;
        state.ports = ports.published;
    });
    if !world.is_aside(&record.id) {
        // Only now do others find it running.
        shared::announce(world, record);
    }
    Ok(Live {
        handle,
        since: Instant::now(),
        ran_before: Duration::ZERO,
        stop_signal: stop_signal(record),
        _resolver: resolver,
        relays,
    })
}

/// Takes over a container that runs since an earlier supervisor: names, ports and resolver as they were.
pub(super) fn resume(world: &Rc<World>, record: &Rc<Record>, handle: Handle) -> Live {
    let published = world.paths.container(&record.id).read_state().map(|state| state.ports).unwrap_or_default();
    let warn = |failure: &Failure| world.warn(&format!("{}: {failure}", record.name));
    if let Err(failure) = world.expose(record, publish::forwards(world, record, &published)) {
        warn(&failure);
    }
    // Of a change the supervisor may not have come to the end.
    if let Err(failure) = shaping::resume(world, record) {
        warn(&failure);
    }
    let resolver = match &record.config.service.network_mode {
        Some(_) => None,
        None => netns(handle.pid())
            .and_then(|netns| resolver::serve(world, record, &netns))
            .inspect_err(|failure| warn(failure))
            .ok(),
    };
    let relays = publish::resume(world, record, &published);
    // Of a clock that was set back nothing is known.
    let ran_before = Duration::try_from(handle.started_at().duration_until(jiff::Timestamp::now())).unwrap_or_default();
    Live { handle, since: Instant::now(), ran_before, stop_signal: stop_signal(record), _resolver: resolver, relays }
}

/// A power cut in the middle of a run may have spoiled the writable layer, and the kernel refuses it then: the container
/// begins with a new one. See <https://docs.kernel.org/filesystems/overlayfs.html#volatile-mount>.
fn renew_spoiled_layer(world: &World, record: &Record) -> Result<(), Failure> {
    let paths = world.paths.container(&record.id);
    let has_ended = ExitStatus::read(paths.run()).map_err(|error| runtime_failure(&error))?.is_some();
    if has_ended || !paths.volatile_mark().exists() {
        return Ok(());
    }
    if paths.read_state()?.failed_start.is_some() {
        // Nothing ran in it: the mark is that of an attempt whose root went with its init.
        return Ok(fs_err::remove_dir_all(paths.volatile_mark())?);
    }
    world.warn(&format!("{}: the machine went down while it ran: its writable layer is made anew", record.name));
    Ok(paths.discard_changes(record.config.service.storage_size())?)
}

fn stop_signal(record: &Record) -> Signal {
    crate::sys::signal::numbered(record.config.lowered.stop_signal).unwrap_or(Signal::TERM)
}

fn config(world: &World, record: &Record) -> runtime::Config {
    let paths = world.paths.container(&record.id);
    let lowered = &record.config.lowered;
    runtime::Config {
        id: record.id.clone(),
        spec: lowered.spec.clone(),
        rootfs: Rootfs::Overlay {
            lower: record.config.layers.clone(),
            upper: paths.upper(),
            work: paths.work(),
            // A power cut may spoil the writable layer: `up` makes the container again, and a whole disk need not be
            // synced at stop.
            volatile: true,
            // `rootfs:/` must not show a container its own state, nor that of others.
            hide: vec![world.layout.root().to_owned(), world.layout.run().to_owned()],
        },
        directory: paths.run().to_owned(),
        log: paths.log(),
        log_options: logging::options(record, &machine()),
        stdin: match record.one_off {
            _ if !record.config.service.stdin_open => Stdin::Null,
            Some(one_off) if one_off.attached => Stdin::Once,
            _ => Stdin::Open,
        },
        init: lowered.init,
        user: lowered.user.clone(),
        group_add: lowered.group_add.clone(),
        seccomp: lowered.seccomp,
        external: record.config.external.clone(),
        guardian: Some(Guardian {
            socket: world.paths.socket(),
            arguments: super::arguments(&world.project, &world.layout),
            log: world.paths.supervisor_log(),
        }),
    }
}

/// The name of this machine.
fn machine() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// The network namespace of a container whose init is held: its pid cannot be another's.
fn netns(pid: i32) -> Result<OwnedFd, Failure> {
    let file = fs_err::File::open(format!("/proc/{pid}/ns/net"))?;
    Ok(file.into_parts().0.into())
}

fn runtime_failure(error: &RuntimeError) -> Failure {
    let kind = match error {
        RuntimeError::Container { code: 127, .. } => FailureKind::CommandNotFound,
        RuntimeError::Container { code: 126, .. } => FailureKind::CommandNotExecutable,
        _ => FailureKind::System,
    };
    Failure::from_error(kind, error)
}

/// Makes missing bind sources as directories, as Docker does for the short form.
fn make_bind_sources(record: &Record) -> Result<(), Failure> {
    for mount in &record.config.service.volumes {
        let Mount::Bind { source, create_host_path, .. } = mount else { continue };
        if source.exists() {
            continue;
        }
        if !create_host_path {
            let message = format!("bind source path does not exist: {}", source.display());
            return Err(Failure::new(FailureKind::BindSourceMissing, message));
        }
        fs_err::create_dir_all(source)?;
    }
    Ok(())
}

/// Attaches the container to its networks.
fn attach(world: &World, record: &Record, netns: &OwnedFd) -> Result<(), Failure> {
    let endpoints = (0..record.endpoints.len()).map(|index| endpoint(world, record, index));
    let endpoints = endpoints.collect::<Result<Vec<_>, _>>()?;
    let failed = |error: network::AttachError| Failure::from_error(FailureKind::System, &error);
    match network::attach(netns.as_fd(), &endpoints) {
        Err(error) if !remove_stale_links(&endpoints) => Err(failed(error)),
        Err(_) => network::attach(netns.as_fd(), &endpoints).map_err(failed),
        Ok(()) => Ok(()),
    }
}

/// One of the container's places, as the network module wants to see it.
pub(super) fn endpoint(world: &World, record: &Record, index: usize) -> Result<Endpoint, Failure> {
    let endpoint = &record.endpoints[index];
    let network = world
        .network(&endpoint.network)
        .ok_or_else(|| Failure::new(FailureKind::System, format!("network {} does not exist", endpoint.network)))?;
    let pools = super::network::address_pools(&network)?;
    let leads_out = |family: &IpFamily| endpoint::way_out(world, record, *family) == Some(index);
    let ways_out = [IpFamily::V4, IpFamily::V6].into_iter().filter(leads_out);
    let attachment = record.config.service.networks.get(&endpoint.network);
    Ok(Endpoint {
        cable: super::network::cable(&network, host_interface(&record.id, link_number(record, index))),
        interface: endpoint.interface.clone(),
        sysctls: attachment.map(|of| of.sysctls(&endpoint.interface).collect()).unwrap_or_default(),
        addresses: interface_addresses(&pools, endpoint),
        mac: endpoint.mac,
        gateways: ways_out.filter_map(|family| endpoint::gateway(world, endpoint, family)).collect(),
        mtu: network.mtu,
    })
}

/// The addresses of an endpoint with the length of their prefixes: of what is on the link alone, those that all such
/// networks have.
pub(super) fn interface_addresses(pools: &[AddressPool], endpoint: &EndpointRecord) -> Vec<EndpointAddress> {
    let given = endpoint.addresses.iter().filter_map(|address| {
        let prefix = pools.iter().find(|pool| pool.subnet.contains(*address))?.subnet.prefix();
        Some(EndpointAddress { address: *address, prefix })
    });
    let prefix = |address: &IpAddr| if address.is_ipv4() { 16 } else { 64 };
    let link_local = endpoint.link_local.iter();
    given.chain(link_local.map(|address| EndpointAddress { address: *address, prefix: prefix(address) })).collect()
}

/// Removes the links of an earlier run, which are there as long as somebody shares the network namespace of that run.
/// Returns whether there were any.
fn remove_stale_links(endpoints: &[Endpoint]) -> bool {
    let links = endpoints.iter().filter_map(|endpoint| endpoint.cable.host_interface());
    let stale: Vec<_> = links.filter(|link| network::link_exists(link).unwrap_or(false)).collect();
    !stale.is_empty() && stale.into_iter().all(|link| network::delete_bridge(link).is_ok())
}

/// The number in the names of the links of one of the container's places. It stays when another place is given up.
pub(super) fn link_number(record: &Record, index: usize) -> usize {
    record.endpoints.get(index).and_then(|endpoint| endpoint.link).unwrap_or(index)
}

/// The first number that no link of the container has.
pub(super) fn free_link_number(record: &Record) -> usize {
    let taken: Vec<usize> = (0..record.endpoints.len()).map(|index| link_number(record, index)).collect();
    (0..).find(|number| !taken.contains(number)).expect("there are more numbers than links")
}

/// A prefix + 8 digits of the container's id + the index: within the kernel's 15 characters, and unique.
pub(super) fn host_interface(id: &ContainerId, index: usize) -> String {
    format!("{}{}-{index}", network::VETH_PREFIX, &id.short()[..8])
}
