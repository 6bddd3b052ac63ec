//! References to images in a store, ready to be a root filesystem.
//!
//! ```text
//! reference ─▶ endpoints (mirrors, registry) ─▶ manifest ─▶ config ─┬▶ layer ─▶ directory ─┐
//!              registry_config, resolve, auth                       ├▶ layer ─▶ directory ─┼▶ Image in the Store
//!                                                                   └▶ layer ─▶ directory ─┘
//! ```
//!
//! Every layer is hashed, decompressed and unpacked while it arrives; no blob is written to disk. Credential helpers
//! are not there yet.

mod artifact;
mod auth;
mod blueprint;
mod commit;
mod config;
mod credentials;
mod depot;
mod details;
mod digest;
mod error;
mod fetch;
mod inventory;
mod layer;
mod layout;
mod manifest;
mod pin;
mod pull;
mod push;
mod registry;
mod registry_config;
mod removal;
mod resolve;
mod root;
mod store;
mod web;
mod workplace;

use std::path::PathBuf;

pub use artifact::{Artifact, ArtifactError, ArtifactKind, ArtifactLayer, resolve_artifact};
pub use blueprint::{Blueprint, HistoryEntry, INLINE_CACHE};
pub use commit::{Change, CommitError, Committed, InvalidChange, commit};
pub use config::{ImageConfig, ImageHealthcheck};
pub use credentials::{Credentials, CredentialsError};
pub use depot::{Depot, DepotError, Parcel};
pub use details::{Details, host_platform, is_host_platform};
pub use digest::{Digest, InvalidDigest};
pub use error::{Content, MirrorFailures, PullError, TransportError};
pub use inventory::{Alone, Hold, Known};
pub use layer::LayerError;
pub use manifest::ManifestError;
pub use pin::resolve_digest;
pub use pull::{PullEvent, pull};
pub use push::{PushError, PushEvent, SmallBlob, push, push_application, push_artifact};
pub use registry_config::{RegistryConfig, RegistryConfigError, Timeouts};
pub use removal::Removal;
pub use store::{Store, StoreError};
pub use web::WebClient;
pub use workplace::Workplace;

/// An image of this machine.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Image {
    /// The digest of the configuration, or `rootfs:DIR`.
    pub id: String,
    /// What its containers run unless told otherwise.
    pub config: ImageConfig,
    /// Lower directories of an overlay mount, lowest first, absolute if the root of the store is; one for `rootfs:`.
    pub layers: Vec<PathBuf>,
    /// What the reference resolved to in its registry: the digest of a manifest or index.
    pub digest: Option<Digest>,
}
