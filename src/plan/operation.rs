//! The operations of a plan and their causes.

use std::time::Duration;

use crate::compose::model::Condition;
use crate::name::{ContainerId, ContainerName, ImageReference, NetworkName, ServiceName, SnapshotName, VolumeName};

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operation {
    /// Makes a network.
    CreateNetwork {
        /// Its key.
        network: NetworkName,
    },
    /// Makes a named volume.
    CreateVolume {
        /// Its key.
        volume: VolumeName,
    },
    /// Fetches an image.
    PullImage {
        /// Which.
        image: ImageReference,
    },
    /// Makes the image of a service as its `build` says.
    BuildImage {
        /// The service.
        service: ServiceName,
    },
    /// Makes a container.
    CreateContainer {
        /// Its service.
        service: ServiceName,
        /// Its number in the service, from 1.
        number: u32,
        /// The container it takes the place of, removed earlier in the plan: the new one takes over its anonymous
        /// volumes.
        replaces: Option<ContainerId>,
    },
    /// Changes what can be changed of a container as it runs: its network limits.
    UpdateContainer {
        /// Which.
        container: ContainerId,
        /// What people call it.
        name: ContainerName,
        /// Its service.
        service: ServiceName,
    },
    /// Runs the `pre_start` hooks of a service.
    PreStart {
        /// The service.
        service: ServiceName,
        /// The container that those are for which are for each; without one those that are for the service.
        number: Option<u32>,
    },
    /// Replaces containers of a service one after the other, as its `deploy.update_config` says.
    RollOut {
        /// The service.
        service: ServiceName,
        /// Those that are replaced, by number.
        containers: Vec<Replaced>,
        /// Whether their anonymous volumes go with them.
        volumes: bool,
    },
    /// Starts a container, made earlier or by this plan.
    StartContainer {
        /// Its service.
        service: ServiceName,
        /// Its number in the service.
        number: u32,
    },
    /// Waits until a service meets a condition.
    AwaitCondition {
        /// Which service.
        service: ServiceName,
        /// What to wait for.
        condition: Condition,
        /// Whether it is an error when it cannot be met (`required: false` warns instead).
        required: bool,
    },
    /// Stops a container.
    StopContainer {
        /// Which.
        container: ContainerId,
        /// What people call it.
        name: ContainerName,
        /// How long it has before it is killed.
        grace: Duration,
    },
    /// Sends a container a signal.
    KillContainer {
        /// Which.
        container: ContainerId,
        /// What people call it.
        name: ContainerName,
        /// The number of the signal.
        signal: i32,
    },
    /// Stops all processes of a container until it is let go on.
    PauseContainer {
        /// Which.
        container: ContainerId,
        /// What people call it.
        name: ContainerName,
    },
    /// Lets a paused container go on.
    UnpauseContainer {
        /// Which.
        container: ContainerId,
        /// What people call it.
        name: ContainerName,
    },
    /// Removes a stopped container.
    RemoveContainer {
        /// Which.
        container: ContainerId,
        /// What people call it.
        name: ContainerName,
        /// Whether its anonymous volumes go too.
        volumes: bool,
    },
    /// Removes a network.
    RemoveNetwork {
        /// Its key.
        network: NetworkName,
    },
    /// Puts volumes where a snapshot has them: all, or none.
    RestoreVolumes {
        /// The snapshot.
        snapshot: SnapshotName,
        /// Their names on the host.
        volumes: Vec<String>,
    },
    /// Removes a volume and what is in it.
    RemoveVolume {
        /// Its key.
        volume: VolumeName,
        /// Its name on the host; all that were made under the key when not given.
        name: Option<String>,
    },
}

/// A container that another one takes the place of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replaced {
    /// Which.
    pub container: ContainerId,
    /// What people call it, and the new one after it.
    pub name: ContainerName,
    /// Its number in the service, which the new one gets.
    pub number: u32,
    /// How long it has before it is killed.
    pub grace: Duration,
}

/// Why an operation is in a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause {
    /// It does not exist yet.
    Missing,
    /// It exists and does not run.
    NotRunning,
    /// Its configuration changed: these fields, or an unknown one when there are none.
    ConfigChanged(Vec<String>),
    /// Its network limits changed.
    LimitsChanged,
    /// An update that was interrupted has left it.
    Unfinished,
    /// Its image changed.
    ImageChanged,
    /// The user asked for it.
    Requested,
    /// `pull_policy: always`.
    PullPolicy,
    /// A dependency was recreated, and `restart: true` is set.
    DependencyRecreated(ServiceName),
    /// It shares namespaces or volumes with a container of this service, which this plan makes anew or starts.
    SharesWith(ServiceName),
    /// It is attached to this network, which this plan makes anew.
    NetworkRecreated(NetworkName),
    /// It has this volume mounted, which this plan makes anew.
    VolumeRecreated(VolumeName),
    /// Somebody took it off this network.
    Disconnected(NetworkName),
    /// This service depends on it.
    NeededBy(ServiceName),
    /// `scale` is lower than its number.
    ScaledDown,
    /// Its service is not in the project any more.
    Orphan,
    /// The project goes down.
    Down,
}

/// An operation with its cause: a node of the plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What to do.
    pub operation: Operation,
    /// Why.
    pub cause: Cause,
}
