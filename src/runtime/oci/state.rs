//! What is known of a container between two commands: `state.json` in its directory.

use std::collections::BTreeMap;
use std::path::PathBuf;

use jiff::Timestamp;
use oci_spec::runtime::Spec;
use serde::{Deserialize, Serialize};

use super::Id;
use super::bundle::Bundle;
use crate::runtime::record::ProcessRecord;

pub(super) const STATE: &str = "state.json";
const VERSION: u32 = 1;

/// How far a container has come, as far as commands have brought it; whether it still lives is asked of the kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Phase {
    Creating,
    Created,
    Started,
}

/// The record.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct StateRecord {
    version: u32,
    pub(super) oci_version: String,
    pub(super) id: String,
    pub(super) bundle: PathBuf,
    pub(super) rootfs: PathBuf,
    pub(super) annotations: BTreeMap<String, String>,
    pub(super) created: Timestamp,
    pub(super) phase: Phase,
    pub(super) init: Option<ProcessRecord>,
    /// Whether the configuration says what to run.
    pub(super) has_process: bool,
    /// Whether its root was moved over the host's, as `--no-pivot` has it.
    #[serde(default)]
    pub(super) no_pivot: bool,
}

impl StateRecord {
    pub(super) fn new(id: &Id, bundle: &Bundle) -> Self {
        let annotations = bundle.spec.annotations().clone().unwrap_or_default();
        Self {
            version: VERSION,
            oci_version: Spec::version(&bundle.spec).clone(),
            id: id.to_string(),
            bundle: bundle.directory.clone(),
            rootfs: bundle.rootfs.clone(),
            annotations: annotations.into_iter().collect(),
            created: Timestamp::now(),
            phase: Phase::Creating,
            init: None,
            has_process: bundle.has_process,
            no_pivot: false,
        }
    }
}

/// What a container does, in the words of the runtime specification; `paused` is runc's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// It is being made.
    Creating,
    /// Its init waits for `start`.
    Created,
    /// Its program runs.
    Running,
    /// Its program is frozen.
    Paused,
    /// Its init has ended.
    Stopped,
}

impl std::fmt::Display for Status {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Creating => "creating",
            Self::Created => "created",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Stopped => "stopped",
        })
    }
}

/// What `state` and `list` print: the specification's state and what runc adds to it.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct State {
    /// Of the specification that the configuration follows.
    pub oci_version: String,
    /// The container's id.
    pub id: String,
    /// The pid of its init, as seen from here; 0 when it has ended.
    pub pid: i32,
    /// What it does.
    pub status: Status,
    /// The directory of its configuration.
    pub bundle: PathBuf,
    /// Its root file system on the host.
    pub rootfs: PathBuf,
    /// When it was made.
    pub created: Timestamp,
    /// As in the configuration.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
    /// The user who made it; empty, as for runc, in what `state` prints.
    pub owner: String,
}

impl State {
    pub(super) fn new(record: &StateRecord, status: Status) -> Self {
        let pid = record.init.filter(|_| status != Status::Stopped).map_or(0, |init| init.pid);
        Self {
            oci_version: record.oci_version.clone(),
            id: record.id.clone(),
            pid,
            status,
            bundle: record.bundle.clone(),
            rootfs: record.rootfs.clone(),
            created: record.created,
            annotations: record.annotations.clone(),
            owner: String::new(),
        }
    }
}

/// What hooks read: the specification's state and nothing else.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::runtime) struct HookState {
    oci_version: String,
    id: String,
    status: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pid: Option<i32>,
    bundle: PathBuf,
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    annotations: BTreeMap<String, String>,
}

impl HookState {
    pub(super) fn new(record: &StateRecord, status: Status) -> Self {
        Self {
            oci_version: record.oci_version.clone(),
            id: record.id.clone(),
            status: status.to_string(),
            pid: record.init.map(|init| init.pid).filter(|_| status != Status::Stopped),
            bundle: record.bundle.clone(),
            annotations: record.annotations.clone(),
        }
    }

    /// Of a container that has no record here.
    pub(super) fn of(spec: &Spec, id: &str, bundle: PathBuf, status: Status, pid: Option<i32>) -> Self {
        Self {
            oci_version: spec.version().clone(),
            id: id.to_owned(),
            status: status.to_string(),
            pid,
            bundle,
            annotations: spec.annotations().clone().unwrap_or_default().into_iter().collect(),
        }
    }

    /// As JSON, of a container in `status` whose init has this pid.
    pub(super) fn json_as(&self, status: Status, pid: i32) -> String {
        Self { status: status.to_string(), pid: Some(pid), ..self.clone() }.json()
    }

    pub(super) fn json(&self) -> String {
        serde_json::to_string(self).expect("texts and numbers can be written")
    }
}
