//! Containers that run one command beside the replicas of a service.
//!
//! ```text
//! client                 supervisor               shim
//!   │ Run                   │                       │
//!   ├──────────────────────▶│ make, create          │
//!   │                  Held ├──────────────────────▶│ init waits
//!   │◀──────────────────────┤                       │
//!   │ attach                                        │
//!   ├──────────────────────────────────────────────▶│
//!   │ newline               │ start                 │
//!   ├──────────────────────▶├──────────────────────▶│ init executes the command
//! ```
//! So whoever began it hears it from its first byte on.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use oci_spec::runtime::{BoxBuilder as ConsoleSizeBuilder, Spec};
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

use super::control::{Event, Resource, Status};
use super::execute;
use super::failure::Failure;
use super::observe::Record;
use super::provision;
use super::world::World;
use crate::compose::model::Project;
use crate::name::{ContainerId, ContainerName, ProjectName, ServiceName};
use crate::state::{EndpointRecord, OneOffRecord};
use crate::sys::random;

/// A container that runs one command.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct OneOff {
    /// Its id.
    pub id: ContainerId,
    /// Its name.
    pub name: ContainerName,
    /// What tells it from others of its service, as a label has it.
    pub slug: String,
    /// Its service.
    pub service: ServiceName,
    /// Whether it goes as soon as it has ended.
    pub remove: bool,
    /// Whether it waits for its client to be attached.
    pub attached: bool,
    /// Whether it answers to the names of its service.
    pub use_aliases: bool,
    /// The size of its terminal.
    pub size: Option<ConsoleSize>,
}

/// The size of a terminal, in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsoleSize {
    /// Lines.
    pub rows: u16,
    /// Characters in a line.
    pub columns: u16,
}

impl OneOff {
    /// One that is called `<project>-<service>-run-<12 digits>`, stays when it has ended, and waits for nobody.
    #[must_use]
    pub fn new(project: &ProjectName, service: &ServiceName) -> Self {
        let slug = random::hex(6);
        Self {
            id: ContainerId::new(random::hex(32)).expect("64 hexadecimal digits are a container id"),
            name: ContainerName::new(format!("{project}-{service}-run-{slug}"))
                .expect("a project name begins with a letter or digit, and names hold what a container name may"),
            slug,
            service: service.clone(),
            remove: false,
            attached: false,
            use_aliases: false,
            size: None,
        }
    }

    pub(super) fn record(&self) -> OneOffRecord {
        OneOffRecord { remove: self.remove, attached: self.attached }
    }

    /// Gives a container what is its own, and takes what the replicas' is.
    pub(super) fn adapt(&self, spec: &mut Spec, endpoints: &mut [EndpointRecord]) {
        if !self.use_aliases {
            let own = [self.name.as_str(), self.id.short()];
            endpoints.iter_mut().for_each(|endpoint| endpoint.names.retain(|name| own.contains(&name.as_str())));
        }
        if let (Some(ConsoleSize { rows, columns }), Some(process)) = (self.size, spec.process_mut()) {
            process.set_console_size(ConsoleSizeBuilder::default().height(rows).width(columns).build().ok());
        }
    }
}

/// The containers that wait for a client to be attached.
#[derive(Debug, Default)]
pub(super) struct Attendances(RefCell<BTreeMap<ContainerId, oneshot::Receiver<()>>>);

impl Attendances {
    /// Has a container wait for a word; it is not started once the sender is dropped without one.
    pub(super) fn expect(&self, id: &ContainerId) -> oneshot::Sender<()> {
        let (attends, attended) = oneshot::channel();
        self.0.borrow_mut().insert(id.clone(), attended);
        attends
    }

    fn take(&self, id: &ContainerId) -> Option<oneshot::Receiver<()>> {
        self.0.borrow_mut().remove(id)
    }
}

/// Waits until the client of a container is attached, if it is to be.
///
/// # Errors
/// [`super::FailureKind::Cancelled`] when it is gone.
pub(super) async fn attended(world: &World, record: &Record) -> Result<(), Failure> {
    let Some(attended) = world.attendances.take(&record.id) else { return Ok(()) };
    world.say(Event::Held(record.id.clone()));
    attended.await.map_err(|_| Failure::interrupted())
}

/// Makes the container of a command, and has the command begin.
///
/// # Errors
/// [`Failure`]; a container whose command cannot be executed stays, unless it is to go.
pub(super) async fn begin(world: &Rc<World>, project: &Project, one_off: &OneOff) -> Result<(), Failure> {
    let result = match provision::create_one_off(world, project, one_off) {
        Ok(()) => execute::start_container(world, &one_off.id).await,
        Err(failure) => {
            // The client is to know that it is not about what the container needs.
            let resource = Resource::Container(one_off.name.clone());
            world.say(Event::Progress { resource, status: Status::Error });
            Err(failure)
        }
    };
    world.attendances.take(&one_off.id);
    if result.is_err() && one_off.remove {
        // Its client is told when nothing is left of it.
        execute::remove_container(world, &one_off.id, &one_off.name, true).await?;
    }
    result.map_err(|failure| failure.because_of(format!("cannot run a command of service {}", one_off.service)))
}

/// Removes a container that has ended, if it is to go then.
pub(super) fn ended(world: &Rc<World>, record: &Rc<Record>) {
    if !record.one_off.is_some_and(|one_off| one_off.remove) {
        return;
    }
    // Until that is done, the project needs its supervisor.
    world.departures.set(world.departures.get() + 1);
    let (world, record) = (Rc::clone(world), Rc::clone(record));
    tokio::task::spawn_local(async move {
        if let Err(failure) = execute::remove_container(&world, &record.id, &record.name, true).await {
            world.warn(&format!("cannot remove {}: {failure}", record.name));
        }
        world.departures.set(world.departures.get() - 1);
    });
}
