//! What the supervisor knows and owns: units, networks, names, the firewall.
//!
//! Everything here runs on one thread; a borrow of a cell never crosses an `await`, so a method is a transaction.

mod names;
mod networks;
mod told;

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use tokio::sync::{broadcast, watch};

use super::aside::Asides;
use super::control::{ContainerChange, Event};
use super::happening::Happenings;
use super::lease::{self, Leases};
use super::lower::KernelVersion;
use super::observe::{self, Ended, Record};
use super::one_off::{self, Attendances};
use super::shared::ForeignName;
use super::unit::{Command, UnitHandle, UnitState};
use crate::compose::model::Project;
use crate::image::Store;
use crate::name::{ContainerId, NetworkName, ProjectName, ServiceName};
use crate::network::{self, Names, Nftables, PortForward, RelayRoom, ResolvConf, SubnetPool, View};
use crate::plan::{Observed, ObservedState};
use crate::runtime::{self, Handle};
use crate::state::{Layout, NetworkRecord, ProjectLayout, StateError};
use crate::sys::descriptors;

/// A project as its supervisor sees it.
#[derive(Debug)]
pub(super) struct World {
    /// Whose world this is.
    pub(super) project: ProjectName,
    /// Where everything lies.
    pub(super) layout: Layout,
    /// Where the project's part lies.
    pub(super) paths: ProjectLayout,
    /// The images.
    pub(super) store: Store,
    /// What the resolvers of all containers answer from.
    pub(super) names: watch::Sender<Names>,
    /// What this machine's own `resolv.conf` says; kept true by a task.
    pub(super) resolv_conf: watch::Sender<ResolvConf>,
    /// How many names may be asked of its servers at once.
    pub(super) room: network::Room,
    /// How many connections may be relayed at once.
    pub(super) relay_room: network::RelayRoom,
    /// Where the user has subnets taken from.
    pub(super) subnet_pools: RefCell<Vec<SubnetPool>>,
    /// The name of this machine.
    pub(super) host_name: String,
    /// The processors of this machine.
    pub(super) processors: u32,
    /// The version of its kernel.
    pub(super) kernel: KernelVersion,
    /// Kept open: closing a socket that has deleted something waits 15 ms in the kernel.
    nftables: RefCell<Nftables>,
    units: RefCell<BTreeMap<ContainerId, UnitHandle>>,
    networks: RefCell<BTreeMap<NetworkName, NetworkRecord>>,
    /// Those of other projects that containers of this one are on, by this project's keys.
    external: RefCell<BTreeMap<NetworkName, NetworkRecord>>,
    /// What the resolvers know of containers of other projects.
    foreign: RefCell<BTreeSet<ForeignName>>,
    pub(super) forwards: RefCell<BTreeMap<ContainerId, Vec<PortForward>>>,
    /// The containers that nobody is to find.
    pub(super) asides: Asides,
    /// The containers that wait for a client to be attached.
    pub(super) attendances: Attendances,
    /// How many containers are being removed that go when they have ended.
    pub(super) departures: Cell<usize>,
    /// What the name servers of containers see.
    views: RefCell<BTreeMap<ContainerId, watch::Sender<View>>>,
    /// The programs of the host that are on networks.
    pub(super) leases: Leases,
    /// The anonymous volumes of removed containers by target, for those that take their place.
    retired: RefCell<BTreeMap<ContainerId, BTreeMap<String, String>>>,
    events: broadcast::Sender<Event>,
    /// What has happened to containers.
    pub(super) happenings: Happenings,
}

impl World {
    /// Reads the project from disk, takes over its running containers and makes its networks whole again.
    ///
    /// # Errors
    /// [`StateError`] when a record cannot be read.
    pub(super) fn adopt(
        layout: Layout,
        project: ProjectName,
        store: Store,
        nftables: Nftables,
    ) -> Result<Rc<Self>, StateError> {
        let paths = layout.project(&project);
        paths.remove_debris()?;
        layout.remove_snapshot_debris(&project)?;
        layout.remove_volume_debris(&project)?;
        // A client that cannot follow loses the oldest events; nothing waits for it.
        let events = broadcast::channel(1024).0;
        let networks = paths.read_networks()?.into_iter().map(|record| (record.key.clone(), record)).collect();
        let world = Rc::new(Self {
            names: watch::channel(Names::default()).0,
            nftables: RefCell::new(nftables),
            resolv_conf: super::resolver::follow_host(),
            room: network::Room::default(),
            relay_room: relay_room(&events),
            subnet_pools: RefCell::default(),
            host_name: host_name(),
            kernel: kernel_version(),
            processors: std::thread::available_parallelism().map_or(1, |count| u32::try_from(count.get()).unwrap_or(1)),
            units: RefCell::default(),
            networks: RefCell::new(networks),
            external: RefCell::default(),
            foreign: RefCell::default(),
            forwards: RefCell::default(),
            asides: Asides::default(),
            attendances: Attendances::default(),
            departures: Cell::default(),
            views: RefCell::default(),
            leases: Leases::default(),
            retired: RefCell::default(),
            events,
            happenings: Happenings::resume(&layout, &project),
            project,
            layout,
            paths,
            store,
        });
        world.restore_networks();
        for record in world.paths.read_containers::<observe::Configuration>()? {
            world.adopt_container(Rc::new(record))?;
        }
        super::snapshot::let_go_of_the_dead(&world)?;
        lease::adopt(&world)?;
        // Not for a new project: removing a table that is not there makes the kernel wait 20 ms for a grace period.
        if !world.networks.borrow().is_empty() {
            world.apply_firewall_or_warn();
        }
        Ok(world)
    }

    fn adopt_container(self: &Rc<Self>, record: Rc<Record>) -> Result<(), StateError> {
        for endpoint in &record.endpoints {
            // One that is gone is missed when the container is started.
            if let Some(Ok(Some(network))) = endpoint.external.as_ref().map(|name| super::shared::find(self, name)) {
                self.insert_external(&endpoint.network, network);
            }
        }
        let run = self.paths.container(&record.id);
        let (initial, live) = match Handle::adopt(run.run()) {
            Ok(Some(handle)) => {
                let health = observe::health(&run.read_state()?);
                (UnitState::Running { health, probes: Vec::new() }, Some(super::start::resume(self, &record, handle)))
            }
            _ => {
                // Where its shim was killed, with the supervisor before us, it goes on unwatched.
                if let Err(error) = runtime::delete(run.run()) {
                    self.warn(&error.to_string());
                }
                match observe::ended(&run, &run.read_state()?) {
                    Some(Ended { code, oom, .. }) => {
                        one_off::ended(self, &record);
                        (UnitState::Exited { code, oom }, None)
                    }
                    None => (UnitState::Created, None),
                }
            }
        };
        self.insert_unit(super::unit::spawn(self, record, initial, live));
        Ok(())
    }

    /// Adds a unit.
    pub(super) fn insert_unit(&self, unit: UnitHandle) {
        self.units.borrow_mut().insert(unit.record.id.clone(), unit);
    }

    /// Keeps a changed record of a container, on disk too.
    ///
    /// # Errors
    /// [`StateError`].
    pub(super) fn replace_record(&self, record: Rc<Record>) -> Result<(), StateError> {
        self.paths.container(&record.id).write_record(&*record)?;
        if let Some(unit) = self.units.borrow_mut().get_mut(&record.id) {
            unit.record = record;
        }
        Ok(())
    }

    /// Forgets a unit: its task ends.
    pub(super) fn remove_unit(&self, id: &ContainerId) {
        self.units.borrow_mut().remove(id);
        self.views.borrow_mut().remove(id);
    }

    /// Keeps the anonymous volumes of a removed container for the one that takes its place.
    pub(super) fn retire(&self, record: &Record) {
        self.retired.borrow_mut().insert(record.id.clone(), record.anonymous_volumes.clone());
    }

    /// The anonymous volume that a removed container had at `target`.
    pub(super) fn retired_volume(&self, id: &ContainerId, target: &str) -> Option<String> {
        self.retired.borrow().get(id)?.get(target).cloned()
    }

    /// Forgets what no container has taken over: a later plan has no replacement for them.
    pub(super) fn forget_retired(&self) {
        self.retired.borrow_mut().clear();
    }

    /// Removes the project's anonymous volumes that no container has any more.
    ///
    /// # Errors
    /// [`StateError`].
    pub(super) fn remove_unused_anonymous_volumes(&self) -> Result<(), StateError> {
        for volume in self.layout.read_volumes()? {
            let is_ours = volume.project.as_ref() == Some(&self.project) && volume.key.is_none();
            if is_ours && !super::share::is_borrowed(self, &volume.name)? {
                self.layout.remove_volume(&self.project, &volume.name)?;
            }
        }
        Ok(())
    }

    /// Waits until no container is being started or stopped.
    pub(super) async fn settled(&self) {
        let states: Vec<_> = self.units.borrow().values().map(|unit| unit.state.clone()).collect();
        for mut state in states {
            // One whose unit is gone has settled.
            let _ = state.wait_for(UnitState::is_settled).await;
        }
    }

    /// What is true of every container, as events: for a client that has missed some.
    pub(super) fn standing(&self) -> Vec<Event> {
        let units = self.units.borrow();
        let standing = units.values().filter_map(|unit| {
            let change = match *unit.state.borrow() {
                UnitState::Created | UnitState::Starting => return None,
                UnitState::Running { .. } | UnitState::Stopping => {
                    ContainerChange::Started { log: self.log(&unit.record) }
                }
                UnitState::Backoff { code } => ContainerChange::Exited { code, oom: false, restarting: true },
                UnitState::Exited { code, oom } => ContainerChange::Exited { code, oom, restarting: false },
            };
            Some(told::event(&unit.record, change))
        });
        standing.collect()
    }

    /// Gives `f` the unit with this id.
    pub(super) fn with_unit<T>(&self, id: &ContainerId, f: impl FnOnce(&UnitHandle) -> T) -> Option<T> {
        self.units.borrow().get(id).map(f)
    }

    /// The records of all units.
    pub(super) fn records(&self) -> Vec<Rc<Record>> {
        self.units.borrow().values().map(|unit| Rc::clone(&unit.record)).collect()
    }

    /// Whether `f` holds for any unit.
    pub(super) fn any_unit(&self, f: impl Fn(&UnitHandle) -> bool) -> bool {
        self.units.borrow().values().any(f)
    }

    /// Gives `f` the unit of each replica of a service, by number.
    pub(super) fn units_of<T>(&self, service: &ServiceName, f: impl Fn(&UnitHandle) -> T) -> Vec<T> {
        let units = self.units.borrow();
        let mut of: Vec<&UnitHandle> =
            units.values().filter(|unit| unit.record.service == *service && unit.record.one_off.is_none()).collect();
        of.sort_by_key(|unit| unit.record.number);
        of.into_iter().map(f).collect()
    }

    /// The running replicas that are in namespaces of the container of `record`, which may have ended.
    pub(super) fn running_who_join(&self, record: &Record) -> Vec<(Rc<Record>, tokio::sync::mpsc::Sender<Command>)> {
        let units = self.units.borrow();
        let joins = |unit: &&UnitHandle| {
            let running = matches!(unit.state.borrow().observed(), ObservedState::Running { .. });
            running && unit.record.one_off.is_none() && unit.record.config.service.joins(&record.service)
        };
        units.values().filter(joins).map(|unit| (Rc::clone(&unit.record), unit.commands.clone())).collect()
    }

    /// Whether any container, or program of the host, still needs a supervisor.
    pub(super) fn is_live(&self) -> bool {
        !self.leases.is_empty()
            || self.departures.get() > 0
            || self.units.borrow().values().any(|unit| unit.state.borrow().is_live())
    }

    /// What exists, for the plan.
    ///
    /// # Errors
    /// [`StateError`] when a record cannot be read.
    pub(super) fn observe(&self, project: Option<&Project>) -> Result<Observed, StateError> {
        let observed_unit = |unit: &UnitHandle| {
            observe::observed_container(&unit.record, &unit.record.config.parts(), unit.state.borrow().observed())
        };
        let units = self.units.borrow();
        let (one_offs, replicas): (Vec<_>, Vec<_>) = units.values().partition(|unit| unit.record.one_off.is_some());
        let mut observed = Observed {
            containers: replicas.into_iter().map(observed_unit).collect(),
            one_offs: one_offs.into_iter().map(observed_unit).collect(),
            networks: self.networks.borrow().values().map(observe::network_definition).collect(),
            ..Observed::default()
        };
        observe::observe_rest(&self.layout, &self.project, project, &self.store, &mut observed)?;
        Ok(observed)
    }
}

/// Room for as many connections as there are descriptors for.
fn relay_room(events: &broadcast::Sender<Event>) -> RelayRoom {
    let (descriptors, events) = (descriptors::raise_limit(), events.clone());
    RelayRoom::new(descriptors, move |held| {
        let message = format!(
            "{held} connections are relayed to containers, as many as the limit of {descriptors} open files of the \
             supervisor has room for; more are refused"
        );
        // Nobody listening is fine.
        let _ = events.send(Event::Warning(message));
    })
}

/// 6 and 12 of `6.12.48-1`; nothing is older than a version that cannot be read.
fn kernel_version() -> KernelVersion {
    let release = rustix::system::uname().release().to_string_lossy().into_owned();
    let mut numbers = release.split(|character: char| !character.is_ascii_digit()).map(str::parse);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(kernel)), Some(Ok(major))) => (kernel, major),
        _ => (0, 0),
    }
}

/// The name of this machine.
fn host_name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}
