//! What survives the process: projects, containers, networks and volumes on disk, and where everything lies.
//!
//! Records are JSON with a version field, written to a temporary file and renamed; a reader needs no lock and never
//! sees half a record. A project's records are written by its supervisor alone, which holds the [`ProjectLock`].

mod grants;
mod id_range;
mod journal;
mod layout;
mod lease;
mod lock;
mod network;
mod record;
mod shared;
mod snapshot;
mod store;
mod volume;

pub use id_range::TakenIds;
pub use journal::{Journal, REMEMBERED};
pub use layout::{ContainerLayout, Layout, ProjectLayout};
pub use lease::LeaseRecord;
pub use lock::ProjectLock;
pub use record::{
    ContainerRecord, ContainerState, EndpointRecord, FailedStart, HealthRecord, LinkRecord, NetworkRecord,
    OneOffRecord, PoolRecord, PublishedPort, VERSION, VolumeRecord,
};
pub use snapshot::{SavedVolume, SnapshotRecord};
pub use store::StateError;
pub use volume::is_volume_name;
