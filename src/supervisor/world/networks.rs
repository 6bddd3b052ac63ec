//! The networks that a project has, and those of others that it is on.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::World;
use crate::name::NetworkName;
use crate::state::NetworkRecord;
use crate::supervisor::failure::Failure;
use crate::supervisor::shared::{self, ForeignName};
use crate::supervisor::{lease, network, standalone};

impl World {
    /// The record of a network.
    pub(in crate::supervisor) fn network(&self, key: &NetworkName) -> Option<NetworkRecord> {
        let own = self.networks.borrow().get(key).cloned();
        own.or_else(|| self.external.borrow().get(key).cloned())
    }

    /// Adds a network of another project.
    pub(in crate::supervisor) fn insert_external(&self, key: &NetworkName, record: NetworkRecord) {
        self.external.borrow_mut().insert(key.clone(), record);
    }

    /// Forgets a network of another project.
    pub(in crate::supervisor) fn remove_external(&self, key: &NetworkName) {
        self.external.borrow_mut().remove(key);
    }

    /// The networks of other projects by this project's keys.
    pub(in crate::supervisor) fn externals(&self) -> BTreeMap<NetworkName, NetworkRecord> {
        self.external.borrow().clone()
    }

    /// The names of the networks that others have made and containers of this project are on; it may have some of its own.
    pub(in crate::supervisor) fn used_externals(&self) -> BTreeSet<String> {
        let units = self.units.borrow();
        let endpoints = units.values().flat_map(|unit| &unit.record.endpoints);
        endpoints.filter_map(|endpoint| endpoint.external.clone()).chain(self.leases.networks()).collect()
    }

    /// The names of all networks that containers of this project may be on.
    pub(in crate::supervisor) fn network_names(&self) -> BTreeSet<String> {
        let (networks, external) = (self.networks.borrow(), self.external.borrow());
        networks.values().chain(external.values()).map(|record| record.name.clone()).collect()
    }

    /// Lets the resolvers know these of the containers of other projects, and no others.
    pub(in crate::supervisor) fn learn(&self, names: BTreeSet<ForeignName>) {
        let before = self.foreign.replace(names.clone());
        if before == names {
            return;
        }
        let (gone, come) = shared::difference(&before, &names);
        self.names.send_modify(|known| {
            for (network, addresses) in &gone {
                addresses.iter().for_each(|address| known.remove(network, *address));
            }
            come.iter().for_each(|(network, name, address)| known.insert(network, name, *address));
        });
    }

    /// The name of a network, by which it is known to the resolvers.
    pub(in crate::supervisor) fn network_name(&self, key: &NetworkName) -> String {
        self.network(key).map_or_else(|| format!("{}_{key}", self.project), |record| record.name)
    }

    /// Adds a network: its record, then its bridge, so that a bridge that nobody knows of never is.
    ///
    /// # Errors
    /// [`Failure`] when the record cannot be written, the bridge not made, or the firewall refuses.
    pub(in crate::supervisor) fn insert_network(&self, record: NetworkRecord) -> Result<(), Failure> {
        self.paths.write_network(&record)?;
        network::make_bridge(&record).inspect_err(|_| {
            // The first error is the one to tell.
            let _ = self.paths.remove_network(&record.key);
        })?;
        self.networks.borrow_mut().insert(record.key.clone(), record);
        self.apply_firewall()
    }

    /// Removes a network with its bridge; absent is fine.
    ///
    /// # Errors
    /// [`Failure`] when the kernel refuses.
    pub(in crate::supervisor) fn remove_network(&self, key: &NetworkName) -> Result<(), Failure> {
        let Some(record) = self.network(key) else { return Ok(()) };
        lease::leave(self, key);
        network::remove_bridge(&self.layout, &record)?;
        self.paths.remove_network(key)?;
        self.networks.borrow_mut().remove(key);
        self.layout.leave_network(&record.name, &self.project)?;
        self.apply_firewall()
    }

    /// The addresses given out on a network.
    pub(in crate::supervisor) fn used_addresses(&self, key: &NetworkName) -> BTreeSet<IpAddr> {
        let units = self.units.borrow();
        let endpoints = units.values().flat_map(|unit| &unit.record.endpoints);
        endpoints
            .filter(|endpoint| endpoint.network == *key)
            .flat_map(|endpoint| &endpoint.addresses)
            .copied()
            .chain(self.leases.addresses(key))
            .collect()
    }

    /// The records of all networks of the project.
    pub(in crate::supervisor) fn networks(&self) -> Vec<NetworkRecord> {
        self.networks.borrow().values().cloned().collect()
    }

    /// Sees to it that a network of no project is there.
    ///
    /// # Errors
    /// [`Failure`] when the kernel refuses.
    pub(in crate::supervisor) fn uphold(&self, record: &NetworkRecord) -> Result<(), Failure> {
        standalone::uphold(record, &mut self.nftables.borrow_mut())
    }

    /// Makes bridges again that a boot took away.
    pub(super) fn restore_networks(&self) {
        for record in self.networks.borrow().values() {
            if let Err(failure) = network::make_bridge(record) {
                self.warn(&format!("network {}: {failure}", record.name));
            }
        }
    }
}
