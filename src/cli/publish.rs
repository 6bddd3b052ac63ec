//! Which ports of the machine a project opens to the world: where they are published if nobody says it, and what is told.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use crate::compose::model::network_options::HOST_BINDING;
use crate::compose::model::{Network, Port, Project, Service};
use crate::name::ServiceName;
use crate::plan::{Operation, Plan};

/// Gives `address` to the ports that neither name one nor are of a network that does.
pub(super) fn bind(project: &mut Project, address: IpAddr) {
    let Project { services, networks, .. } = project;
    for service in services.values_mut() {
        let names_one = |key| networks.get(key).is_some_and(|network| network.driver_opts.contains_key(HOST_BINDING));
        if !service.networks.keys().any(names_one) {
            service.ports.iter_mut().for_each(|port| _ = port.host_ip.get_or_insert(address));
        }
    }
}

/// What to tell of the ports that `plan` opens to whoever reaches the machine, if it does.
pub(super) fn opened(project: &Project, plan: &Plan) -> Option<String> {
    let started = plan.steps().filter_map(|(_, step)| match &step.operation {
        Operation::StartContainer { service, .. } => project.services.get_key_value(service),
        _ => None,
    });
    let started: BTreeMap<&ServiceName, &Service> = started.collect();
    let opened: Vec<String> =
        started.into_iter().filter_map(|(name, service)| of_service(project, name, service)).collect();
    (!opened.is_empty()).then(|| {
        format!(
            "open to other machines: {}; `x-rcompose: {{publish: 127.0.0.1}}` in the file keeps ports to this one",
            opened.join(", ")
        )
    })
}

fn of_service(project: &Project, name: &ServiceName, service: &Service) -> Option<String> {
    let is_bound =
        |key| project.networks.get(key).and_then(Network::host_binding).is_some_and(|to| !to.is_unspecified());
    let by_network = service.networks.keys().any(is_bound);
    let is_open = |port: &&Port| match port.host_ip {
        Some(address) => address.is_unspecified(),
        None => !by_network,
    };
    let text = |port: &Port| match port.published {
        None => format!("{}/{} at any port", port.target, port.protocol),
        Some((first, last)) if first == last => format!("{first}/{}", port.protocol),
        Some((first, last)) => format!("one of {first}-{last}/{}", port.protocol),
    };
    let ports: BTreeSet<(Option<(u16, u16)>, String)> =
        service.ports.iter().filter(is_open).map(|port| (port.published, text(port))).collect();
    const SHOWN: usize = 4;
    let more = ports.len().saturating_sub(SHOWN);
    let mut shown: Vec<String> = ports.into_iter().map(|(_, text)| text).take(SHOWN).collect();
    if shown.is_empty() || service.network_mode.is_some() {
        return None;
    }
    if more > 0 {
        shown.push(format!("{more} more"));
    }
    Some(format!("{name} {}", shown.join(" ")))
}
