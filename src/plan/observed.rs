//! A snapshot of what exists for a project: the input of [`super::reconcile`] beside the project itself.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::Definition;
use crate::compose::model::{Dependency, NetworkLimits};
use crate::name::{ContainerId, ContainerName, ImageReference, NetworkName, ServiceName, VolumeName};

/// What exists for a project.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Observed {
    /// Its containers, in whatever state; no two with the same service and number.
    pub containers: Vec<ObservedContainer>,
    /// Those that `run` has made, which are no replicas.
    pub one_offs: Vec<ObservedContainer>,
    /// Its networks by key, with what they were made from; not the external ones.
    pub networks: BTreeMap<NetworkName, Definition>,
    /// Its volumes by key; not the external ones.
    pub volumes: BTreeMap<VolumeName, ObservedVolume>,
    /// The images in the store among those the project names, with their ids.
    pub images: BTreeMap<ImageReference, String>,
    /// Those of `images` that bring a health check.
    pub image_healthchecks: BTreeSet<ImageReference>,
}

/// A volume that exists.
#[derive(Debug, Clone, PartialEq)]
pub struct ObservedVolume {
    /// Its name on the host.
    pub name: String,
    /// What it was made from; `None` when an earlier version made it.
    pub definition: Option<Definition>,
}

/// A container that exists.
#[derive(Debug, Clone, PartialEq)]
pub struct ObservedContainer {
    /// Its id.
    pub id: ContainerId,
    /// Its name.
    pub name: ContainerName,
    /// The service it belongs to.
    pub service: ServiceName,
    /// Its number in the service, from 1.
    pub number: u32,
    /// What it was made from.
    pub definition: Definition,
    /// The id of the image it was made from.
    pub image: String,
    /// The images that it has mounted, with their ids.
    pub mounted_images: BTreeMap<ImageReference, String>,
    /// What stopping it waits for before it kills.
    pub stop_grace_period: Duration,
    /// What it was made to depend on: the order to stop and start in when the file is gone.
    pub depends_on: BTreeMap<ServiceName, Dependency>,
    /// The services whose containers' namespaces it runs in.
    pub joins: BTreeSet<ServiceName>,
    /// Whether it has a health check.
    pub is_checked: bool,
    /// The networks it is attached to.
    pub networks: BTreeSet<NetworkName>,
    /// The named volumes it has mounted.
    pub volumes: BTreeSet<VolumeName>,
    /// What its networks carry, if that is limited.
    pub limits: Option<NetworkLimits>,
    /// Whether it runs.
    pub state: ObservedState,
}

/// Whether a container runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ObservedState {
    /// Made, never started.
    Created,
    /// Runs, or is about to be restarted by its policy.
    Running {
        /// What its health check says.
        health: Health,
    },
    /// Has ended.
    Exited {
        /// Its exit code; 128 + signal when killed by one.
        code: i32,
    },
}

/// What a health check says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Health {
    /// There is no check.
    #[default]
    None,
    /// No verdict yet.
    Starting,
    /// The last probe passed.
    Healthy,
    /// `retries` probes in a row failed.
    Unhealthy,
}
