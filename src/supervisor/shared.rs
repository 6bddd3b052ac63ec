//! Networks that several projects are on: one makes it, the others name it as `external`. Each keeps clear of the addresses
//! of the others' containers, and knows their names for as long as they run.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::IpAddr;
use std::rc::Rc;

use rustix::fs::inotify::{self, CreateFlags, WatchFlags};

use super::failure::{Failure, FailureKind};
use super::observe::{Configuration, Record};
use super::world::World;
use crate::compose::model::Project;
use crate::name::{NetworkName, ProjectName};
use crate::runtime::{ExitStatus, Handle};
use crate::state::{EndpointRecord, NetworkRecord};
use crate::sys::readiness::readable_owned;

/// A name that a container of another project has on a network, and its address.
pub(super) type ForeignName = (String, String, IpAddr);

/// Finds the external networks of a project, which others have made, and tells those that the project is there.
///
/// # Errors
/// [`FailureKind::Plan`] for a network that nobody has made.
pub(super) fn join(world: &World, project: &Project) -> Result<(), Failure> {
    for (key, network) in project.networks.iter().filter(|(_, network)| network.external) {
        let record = find(world, &network.name)?.ok_or_else(|| {
            let message = format!(
                "network {} is declared as external and does not exist: make it first, with `network create` or `up` of the project that has it",
                network.name
            );
            Failure::new(FailureKind::Plan, message)
        })?;
        admit(world, key, record)?;
    }
    world.learn(names_of_others(world)?);
    Ok(())
}

/// The key in this project of the network with this id, which becomes known to it if it is another's.
///
/// # Errors
/// [`FailureKind::Plan`] when it has been removed.
pub(super) fn key_of(world: &World, id: &str) -> Result<NetworkName, Failure> {
    let (own, externals) = (world.networks(), world.externals());
    if let Some(record) = own.iter().find(|record| record.id() == id) {
        return Ok(record.key.clone());
    }
    if let Some((key, _)) = externals.iter().find(|(_, record)| record.id() == id) {
        return Ok(key.clone());
    }
    let gone = || Failure::new(FailureKind::Plan, "the network exists no more".to_owned());
    let all = world.layout.networks()?;
    let record = all.into_iter().map(|(_, record)| record).find(|record| record.id() == id).ok_or_else(gone)?;
    let is_free = |key: &NetworkName| own.iter().all(|record| record.key != *key) && !externals.contains_key(key);
    let names =
        (0_u32..).map(|number| if number == 0 { record.name.clone() } else { format!("{}.{number}", record.name) });
    let mut keys = names.filter_map(|name| NetworkName::new(&name).ok());
    let key = keys.find(is_free).expect("there are more numbers than networks");
    admit(world, &key, record)?;
    world.learn(names_of_others(world)?);
    Ok(key)
}

/// Makes a network that others have made one of this project's, and says so to those who are on it.
fn admit(world: &World, key: &NetworkName, record: NetworkRecord) -> Result<(), Failure> {
    // Nobody else sees to it that one of no project is there.
    if world.layout.read_standalone_networks()?.iter().any(|standalone| standalone.id() == record.id()) {
        world.uphold(&record)?;
    }
    world.layout.announce_on(&record.name, &world.project)?;
    world.insert_external(key, record);
    Ok(())
}

/// The network with this name, of whichever project, or of none.
pub(super) fn find(world: &World, name: &str) -> Result<Option<NetworkRecord>, Failure> {
    let all = world.layout.networks()?;
    Ok(all.into_iter().map(|(_, record)| record).find(|record| record.name == name))
}

/// The addresses that containers of other projects, and programs of the host, have on a network.
pub(super) fn used_addresses(world: &World, network: &str) -> Result<BTreeSet<IpAddr>, Failure> {
    let found = others_on(world, network)?;
    let containers = found.into_iter().flat_map(|(_, _, endpoint)| endpoint.addresses);
    Ok(containers.chain(super::lease::addresses_of_others(world, network)?).collect())
}

/// A container of another project on a network that is to be removed.
pub(super) fn user(world: &World, network: &str) -> Result<Option<String>, Failure> {
    let found = others_on(world, network)?.into_iter().next();
    Ok(found.map(|(project, record, _)| format!("container {} of project {project}", record.name)))
}

/// The places of other projects' containers on a network.
fn others_on(world: &World, network: &str) -> Result<Vec<(ProjectName, Record, EndpointRecord)>, Failure> {
    let mut projects = world.layout.projects_on(network)?;
    if projects.is_empty() {
        return Ok(Vec::new());
    }
    // Whoever has made it need not have said so.
    let foreign = world.layout.foreign_networks(&world.project)?;
    let owner = foreign.into_iter().find(|(_, record)| record.name == network);
    let key_of_owner: Option<(ProjectName, NetworkName)> = owner.map(|(project, record)| (project, record.key));
    projects.extend(key_of_owner.iter().map(|(project, _)| project.clone()));
    projects.remove(&world.project);
    let mut found = Vec::new();
    for project in projects {
        let own_key = key_of_owner.as_ref().filter(|(owner, _)| *owner == project).map(|(_, key)| key);
        // What cannot be read is for its own project to complain about.
        let records = world.layout.project(&project).read_containers::<Configuration>().unwrap_or_default();
        for record in records {
            let is_there = |endpoint: &&EndpointRecord| match &endpoint.external {
                Some(name) => name == network,
                None => own_key == Some(&endpoint.network),
            };
            if let Some(endpoint) = record.endpoints.iter().find(is_there).cloned() {
                found.push((project.clone(), record, endpoint));
            }
        }
    }
    Ok(found)
}

/// The names of the running containers of other projects on the networks of this one, with the network's.
fn names_of_others(world: &World) -> Result<BTreeSet<ForeignName>, Failure> {
    let mut names = BTreeSet::new();
    for network in world.network_names() {
        for (project, record, endpoint) in others_on(world, &network)? {
            let run = world.layout.project(&project).container(&record.id);
            let is_there = Handle::adopt(run.run()).is_ok_and(|handle| handle.is_some());
            let has_ended = ExitStatus::read(run.run()).is_ok_and(|exit| exit.is_some());
            if is_there && !has_ended {
                for address in &endpoint.addresses {
                    names.extend(endpoint.names.iter().map(|name| (network.clone(), name.clone(), *address)));
                }
            }
        }
    }
    Ok(names)
}

/// Tells those who are on the same networks that a container has come or gone.
pub(super) fn announce(world: &World, record: &Record) {
    for endpoint in &record.endpoints {
        let network = world.network_name(&endpoint.network);
        let told = world.layout.projects_on(&network).and_then(|projects| {
            if projects.is_empty() { Ok(()) } else { world.layout.announce_on(&network, &world.project) }
        });
        if let Err(error) = told {
            world.warn(&format!("{}: other projects do not learn of it: {error}", record.name));
        }
    }
}

/// Leaves the networks of others that no container of this project is on any more.
pub(super) fn leave(world: &World, used: &BTreeSet<String>) -> Result<(), Failure> {
    for (key, record) in world.externals() {
        if !used.contains(&record.name) {
            world.layout.leave_network(&record.name, &world.project)?;
            world.remove_external(&key);
            // Its rules for ports on that network.
            world.apply_firewall_or_warn();
        }
    }
    Ok(())
}

/// Learns of the containers of other projects as they come and go, for as long as the project is supervised.
pub(super) async fn follow(world: Rc<World>) -> io::Result<()> {
    let directory = world.layout.shared_networks().map_err(io::Error::other)?;
    loop {
        // A new one each time, made before the directory is read, so that no change goes unseen.
        let watch = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC)?;
        inotify::add_watch(&watch, &directory, WatchFlags::CLOSE_WRITE | WatchFlags::DELETE)?;
        match names_of_others(&world) {
            Ok(names) => world.learn(names),
            Err(failure) => world.warn(&failure.to_string()),
        }
        readable_owned(watch)?.readable().await?.retain_ready();
    }
}

/// What changes from `before` to `now`: the names to forget, and those to learn.
pub(super) fn difference(
    before: &BTreeSet<ForeignName>,
    now: &BTreeSet<ForeignName>,
) -> (BTreeMap<String, BTreeSet<IpAddr>>, Vec<ForeignName>) {
    let mut gone: BTreeMap<String, BTreeSet<IpAddr>> = BTreeMap::new();
    for (network, _, address) in before.difference(now) {
        gone.entry(network.clone()).or_default().insert(*address);
    }
    // An address that lost one name is forgotten with all of them: the others come again.
    let come = now.iter().filter(|name| {
        !before.contains(*name) || gone.get(&name.0).is_some_and(|addresses| addresses.contains(&name.2))
    });
    let come = come.cloned().collect();
    (gone, come)
}
