//! What the networks of a container carry: `x-rcompose.network`, from its start to its end.

use super::failure::{Failure, FailureKind};
use super::observe::Record;
use super::start::{host_interface, link_number};
use super::world::World;
use crate::compose::model::{NetworkLimits, Project};
use crate::name::ServiceName;
use crate::network::{self, DETOUR_PREFIX, HostEnd, Shape, Shaping};

/// Refuses limits on networks whose packets do not come by the machine's end of a cable.
pub(super) fn check(project: &Project, service: &ServiceName) -> Result<(), Failure> {
    let config = &project.services[service];
    let networks = config.networks.keys().filter_map(|key| project.networks.get(key));
    for network in networks.filter(|_| config.network_limits().is_some()) {
        if let Some(driver) = network.driver.as_deref().filter(|driver| !matches!(*driver, "" | "bridge" | "default")) {
            let message = format!(
                "`x-rcompose.network` of service {service} cannot be obeyed on network {}, of the driver `{driver}`: its \
                 packets do not come by this machine",
                network.name
            );
            return Err(Failure::new(FailureKind::Plan, message));
        }
    }
    Ok(())
}

/// Limits what a container that is being started gets, if its service says so.
pub(super) fn begin(world: &World, record: &Record) -> Result<(), Failure> {
    match record.config.service.network_limits() {
        // Whatever is there is of an earlier run.
        Some(limits) => shape(world, record, None, &shaping(Some(limits))).inspect_err(|_| {
            // The first error is the one to tell.
            let _ = end(record);
        }),
        None => Ok(()),
    }
}

/// Has a container that runs since an earlier supervisor get what its record says.
pub(super) fn resume(world: &World, record: &Record) -> Result<(), Failure> {
    match record.config.service.network_limits() {
        Some(limits) => shape(world, record, None, &shaping(Some(limits))),
        None => Ok(()),
    }
}

/// Changes the limits of a running container from those of one record to those of another.
pub(super) fn change(world: &World, before: &Record, now: &Record) -> Result<(), Failure> {
    let [before, after] = [before, now].map(|record| shaping(record.config.service.network_limits()));
    shape(world, now, Some(&before), &after)
}

/// Removes what does not go with the links of a container.
pub(super) fn end(record: &Record) -> Result<(), Failure> {
    (0..record.endpoints.len()).try_for_each(|index| end_of(record, index))
}

/// The same for one of its places.
pub(super) fn end_of(record: &Record, index: usize) -> Result<(), Failure> {
    network::remove_detour(&detour(record, index)).map_err(|error| Failure::from_error(FailureKind::System, &error))
}

fn shape(world: &World, record: &Record, before: Option<&Shaping>, now: &Shaping) -> Result<(), Failure> {
    for (index, endpoint) in record.endpoints.iter().enumerate() {
        let Some(network) = world.network(&endpoint.network) else { continue };
        // Of the others [`check`] has told.
        let cable = super::network::cable(&network, host_interface(&record.id, link_number(record, index)));
        let Some(interface) = cable.host_interface() else { continue };
        let host_interface = interface.to_owned();
        let end = HostEnd { host_interface, detour: detour(record, index), mtu: network.mtu };
        network::shape(&end, before, now).map_err(|error| Failure::from_error(FailureKind::System, &error))?;
    }
    Ok(())
}

/// What limits mean, each direction for itself.
fn shaping(limits: Option<&NetworkLimits>) -> Shaping {
    let Some(limits) = limits else { return Shaping::default() };
    let shape = |rate| Shape {
        rate,
        delay: limits.delay.unwrap_or_default(),
        jitter: limits.jitter.unwrap_or_default(),
        loss: limits.loss.unwrap_or_default(),
    };
    let rates = limits.rate.clone().unwrap_or_default();
    Shaping { inward: shape(rates.inward), outward: shape(rates.outward) }
}

/// As [`host_interface`].
fn detour(record: &Record, index: usize) -> String {
    format!("{DETOUR_PREFIX}{}-{}", &record.id.short()[..8], link_number(record, index))
}
