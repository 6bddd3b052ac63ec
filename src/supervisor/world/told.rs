//! What is said and remembered of containers.

use std::collections::BTreeSet;
use std::path::PathBuf;

use tokio::sync::broadcast;

use super::World;
use crate::name::ContainerId;
use crate::plan::ObservedState;
use crate::state::{ContainerState, VERSION};
use crate::supervisor::control::{ContainerChange, ContainerEvent, Event};
use crate::supervisor::observe::Record;
use crate::supervisor::unit::UnitHandle;

impl World {
    /// Where a container's log is.
    pub(in crate::supervisor) fn log(&self, record: &Record) -> PathBuf {
        self.paths.container(&record.id).log()
    }

    /// Changes a container's state record; a disk that refuses costs `ps` its detail, not the container its life.
    pub(in crate::supervisor) fn update_state(&self, record: &Record, change: impl FnOnce(&mut ContainerState)) {
        let paths = self.paths.container(&record.id);
        let result = paths.read_state().and_then(|before| {
            let mut state = ContainerState { version: VERSION, ..before.clone() };
            change(&mut state);
            if state == before { Ok(()) } else { paths.write_state(&state) }
        });
        if let Err(error) = result {
            self.warn(&format!("cannot record the state of {}: {error}", record.name));
        }
    }

    /// Tells every client what happened to a container.
    pub(in crate::supervisor) fn announce(&self, record: &Record, change: ContainerChange) {
        match &change {
            ContainerChange::Started { .. } => self.happenings.note(record, "start", &[]),
            ContainerChange::Exited { code, oom, .. } => {
                if *oom {
                    self.happenings.note(record, "oom", &[]);
                }
                self.happenings.note(record, "die", &[("exitCode", code.to_string())]);
            }
        }
        // Nobody follows one that is not to be found.
        if self.is_aside(&record.id) {
            return;
        }
        self.say(event(record, change));
    }

    /// Notes that those of these containers that run have been restarted by hand.
    pub(in crate::supervisor) fn note_restarts(&self, ids: &BTreeSet<&ContainerId>) {
        let units = self.units.borrow();
        for unit in units.values().filter(|unit| ids.contains(&&unit.record.id) && unit.state.borrow().is_live()) {
            self.happenings.note(&unit.record, "restart", &[]);
        }
    }

    /// Tells every client what went wrong beside its request.
    pub(in crate::supervisor) fn warn(&self, message: &str) {
        self.say(Event::Warning(message.to_owned()));
    }

    /// Tells every client; nobody listening is fine.
    pub(in crate::supervisor) fn say(&self, event: Event) {
        let _ = self.events.send(event);
    }

    /// What is said from now on.
    pub(in crate::supervisor) fn listen(&self) -> broadcast::Receiver<Event> {
        self.events.subscribe()
    }

    /// Whether a container counts as running.
    pub(in crate::supervisor) fn is_running(&self, id: &ContainerId) -> bool {
        let running = |unit: &UnitHandle| matches!(unit.state.borrow().observed(), ObservedState::Running { .. });
        self.with_unit(id, running).unwrap_or(false)
    }
}

/// A change of a container, as clients are told of it.
pub(super) fn event(record: &Record, change: ContainerChange) -> Event {
    Event::Container(ContainerEvent {
        id: record.id.clone(),
        name: record.name.clone(),
        service: record.service.clone(),
        is_one_off: record.one_off.is_some(),
        change,
    })
}
