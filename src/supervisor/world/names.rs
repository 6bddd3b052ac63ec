//! The names and ports by which running containers are reached, and the firewall that both go through.

use std::collections::BTreeSet;

use tokio::sync::watch;

use super::World;
use crate::name::ContainerId;
use crate::network::{self as net, Firewall, Names, PortForward, View};
use crate::state::NetworkRecord;
use crate::supervisor::failure::{Failure, FailureKind};
use crate::supervisor::observe::Record;
use crate::supervisor::{network, resolver, shared};

impl World {
    /// Makes a running container known: its names, its published ports.
    ///
    /// # Errors
    /// [`Failure`] when the firewall refuses.
    pub(in crate::supervisor) fn expose(&self, record: &Record, forwards: Vec<PortForward>) -> Result<(), Failure> {
        if self.is_aside(&record.id) {
            return Ok(());
        }
        self.names.send_modify(|names| self.insert_names(names, record));
        if forwards.is_empty() {
            return Ok(());
        }
        self.forwards.borrow_mut().insert(record.id.clone(), forwards);
        self.apply_firewall()
    }

    /// Takes back what [`World::expose`] made known.
    pub(in crate::supervisor) fn withdraw(&self, record: &Record) {
        self.release_ports(&record.id);
        self.names.send_modify(|names| self.remove_names(names, record));
        shared::announce(self, record);
        if self.forwards.borrow_mut().remove(&record.id).is_some() {
            self.apply_firewall_or_warn();
        }
    }

    /// Has the names and ports of a running container lead to where it is now, and not to where it was `before`.
    ///
    /// # Errors
    /// [`Failure`] when the firewall refuses.
    pub(in crate::supervisor) fn move_names(
        &self,
        before: &Record,
        after: &Record,
        forwards: Vec<PortForward>,
    ) -> Result<(), Failure> {
        self.names.send_modify(|names| {
            self.remove_names(names, before);
            self.insert_names(names, after);
        });
        let known = self.forwards.borrow().get(&after.id).cloned().unwrap_or_default();
        if known == forwards {
            return Ok(());
        }
        self.forwards.borrow_mut().insert(after.id.clone(), forwards);
        self.apply_firewall()
    }

    pub(in crate::supervisor) fn insert_names(&self, names: &mut Names, record: &Record) {
        for endpoint in &record.endpoints {
            let network = self.network_name(&endpoint.network);
            for address in &endpoint.addresses {
                names.insert_pointer(&network, *address, record.name.as_str());
                endpoint.names.iter().for_each(|name| names.insert(&network, name, *address));
            }
            for (label, port) in resolver::named_ports(&record.config.service.ports) {
                for name in &endpoint.names {
                    names.insert_port(&network, &format!("{label}.{name}"), port, record.name.as_str());
                }
            }
        }
    }

    pub(in crate::supervisor) fn remove_names(&self, names: &mut Names, record: &Record) {
        for endpoint in &record.endpoints {
            let network = self.network_name(&endpoint.network);
            endpoint.addresses.iter().for_each(|address| names.remove(&network, *address));
        }
    }

    /// Has the name server of a container see `view` from now on, which is returned as it will be at any moment.
    pub(in crate::supervisor) fn view(&self, id: &ContainerId, view: View) -> watch::Receiver<View> {
        let mut views = self.views.borrow_mut();
        let sender = views.entry(id.clone()).or_insert_with(|| watch::channel(View::default()).0);
        sender.send_replace(view);
        sender.subscribe()
    }

    /// Puts the firewall in the state that networks and published ports ask for.
    pub(in crate::supervisor) fn apply_firewall(&self) -> Result<(), Failure> {
        let networks = self.networks.borrow();
        let external = self.external.borrow();
        let bridge = |record: &NetworkRecord| {
            let shared = !self.layout.projects_on(&record.name)?.is_empty();
            Ok::<_, Failure>(net::Bridge { shared, ..network::bridge(record)? })
        };
        let all = networks.values().chain(external.values()).filter(|record| record.has_bridge());
        let bridges: Vec<_> = all.map(bridge).collect::<Result<_, _>>()?;
        let result = if bridges.is_empty() {
            Firewall::remove(self.project.as_str(), &mut self.nftables.borrow_mut())
        } else {
            // A supervisor that died between two containers of which one was to take the place of the other left both.
            let mut taken = BTreeSet::new();
            let mut is_first = |forward: &&PortForward| {
                taken.insert((forward.host_ip, forward.host_port, forward.protocol.to_string()))
            };
            let firewall = Firewall {
                project: self.project.as_str().to_owned(),
                bridges,
                forwards: self.forwards.borrow().values().flatten().filter(&mut is_first).cloned().collect(),
            };
            firewall.apply(&mut self.nftables.borrow_mut())
        };
        result.map_err(|error| Failure::from_error(FailureKind::System, &error))
    }

    /// Puts the firewall where it was when somebody has removed it.
    pub(in crate::supervisor) fn restore_firewall(&self) {
        // Those of no project, too: nobody else sees to them.
        let standalone = self.layout.read_standalone_networks().unwrap_or_default();
        let ids: Vec<String> = self.external.borrow().values().map(NetworkRecord::id).collect();
        for record in standalone.iter().filter(|record| ids.contains(&record.id())) {
            if let Err(failure) = self.uphold(record) {
                self.warn(&failure.to_string());
            }
        }
        if !(self.networks.borrow().is_empty() && self.external.borrow().is_empty()) {
            self.apply_firewall_or_warn();
        }
    }

    /// As [`World::apply_firewall`], for when nobody can be failed.
    pub(in crate::supervisor) fn apply_firewall_or_warn(&self) {
        if let Err(failure) = self.apply_firewall() {
            self.warn(&failure.to_string());
        }
    }
}
