//! Containers that run without being found: no name leads to them, and no published port, until they are admitted.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use super::control::ContainerChange;
use super::failure::Failure;
use super::observe::Record;
use super::publish;
use super::shared;
use super::world::World;
use crate::name::ContainerId;
use crate::network::PortReservation;

/// Which containers nobody is to find, and what keeps the ports of those whose place others may take while they run.
#[derive(Debug, Default)]
pub(super) struct Asides {
    /// With the container whose ports each gets, if it gets any.
    containers: RefCell<BTreeMap<ContainerId, Option<ContainerId>>>,
    ports: RefCell<BTreeMap<ContainerId, Rc<Vec<PortReservation>>>>,
}

impl World {
    /// Has nobody find a container from its start on. `heir_of` is the one whose ports it gets.
    pub(super) fn set_aside(&self, id: &ContainerId, heir_of: Option<ContainerId>) {
        self.asides.containers.borrow_mut().insert(id.clone(), heir_of);
    }

    /// Whether a container is not to be found.
    pub(super) fn is_aside(&self, id: &ContainerId) -> bool {
        self.asides.containers.borrow().contains_key(id)
    }

    /// Has a container be found as any other when it is started next.
    pub(super) fn forget_aside(&self, id: &ContainerId) {
        self.asides.containers.borrow_mut().remove(id);
    }

    /// Keeps the ports of a container for whoever takes its place while it runs.
    pub(super) fn keep_ports(&self, id: &ContainerId, ports: Rc<Vec<PortReservation>>) {
        self.asides.ports.borrow_mut().insert(id.clone(), ports);
    }

    /// Lets go of them.
    pub(super) fn release_ports(&self, id: &ContainerId) {
        self.asides.ports.borrow_mut().remove(id);
    }

    /// Whether somebody may take a container's place on its ports.
    pub(super) fn has_ports(&self, id: &ContainerId) -> bool {
        self.asides.ports.borrow().contains_key(id)
    }

    /// The ports that a container inherits, and from whom.
    pub(super) fn inheritance(&self, id: &ContainerId) -> Option<(ContainerId, Rc<Vec<PortReservation>>)> {
        let heir_of = self.asides.containers.borrow().get(id).cloned().flatten()?;
        let ports = self.asides.ports.borrow().get(&heir_of).cloned()?;
        Some((heir_of, ports))
    }

    /// Has a running container be found, and at the same moment the one `in_place_of` which it is no more.
    ///
    /// # Errors
    /// [`Failure`] when the firewall refuses.
    pub(super) fn admit(&self, id: &ContainerId, in_place_of: Option<&ContainerId>) -> Result<(), Failure> {
        self.forget_aside(id);
        let record = |id: &ContainerId| self.with_unit(id, |unit| Rc::clone(&unit.record));
        let (Some(new), old) = (record(id), in_place_of.and_then(record)) else { return Ok(()) };
        if !self.is_running(id) {
            return Ok(());
        }
        let published = self.paths.container(id).read_state().map(|state| state.ports).unwrap_or_default();
        let forwards = publish::forwards(self, &new, &published);
        self.names.send_modify(|names| {
            old.iter().for_each(|old| self.remove_names(names, old));
            self.remove_names(names, &new);
            self.insert_names(names, &new);
        });
        let before = self.forwards.borrow().clone();
        if let Some(old) = &old {
            self.forwards.borrow_mut().remove(&old.id);
        }
        if !forwards.is_empty() {
            self.forwards.borrow_mut().insert(id.clone(), forwards);
        }
        if *self.forwards.borrow() != before {
            self.apply_firewall()?;
        }
        shared::announce(self, &new);
        self.announce(&new, ContainerChange::Started { log: self.log(&new) });
        Ok(())
    }

    /// Has nobody find a running container any more.
    pub(super) fn hide(&self, id: &ContainerId) {
        let Some(record) = self.with_unit(id, |unit| Rc::clone(&unit.record)) else { return };
        self.names.send_modify(|names| self.remove_names(names, &record));
        if self.forwards.borrow_mut().remove(id).is_some() {
            self.apply_firewall_or_warn();
        }
    }

    /// Gives a container another name, which the record holds already.
    ///
    /// # Errors
    /// [`Failure`] when the record cannot be written.
    pub(super) fn rename(&self, before: &Record, after: &Rc<Record>) -> Result<(), Failure> {
        self.replace_record(Rc::clone(after))?;
        if self.is_running(&after.id) {
            self.names.send_modify(|names| {
                self.remove_names(names, before);
                self.insert_names(names, after);
            });
            shared::announce(self, after);
        }
        Ok(())
    }
}
