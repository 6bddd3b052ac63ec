//! What builds keep on disk: what there is, what of it to remove, and the removal.
//!
//! ```text
//! image store: layers that no image has ─┐
//! build/keys:  records that lead to them ┼▶ Item ─▶ Limits::choose ─▶ remove (alone with the store)
//! build/mounts, build/remote ────────────┘
//! ```
//! A layer that an image has takes nothing more by being in the cache as well. An image that a build has made, which has lost its
//! name to a newer one and which no container is made from, keeps nothing.

mod limits;
mod list;
mod remove;

use std::path::PathBuf;
use std::time::SystemTime;

use super::cache::Entry;
use crate::image::Digest;

pub use limits::Limits;
pub use list::{Listed, list};
pub use remove::remove;

/// What a thing is that a build keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// What a step has come to.
    Step,
    /// A directory of `RUN --mount=type=cache`.
    Mount,
    /// What came over the network.
    Source,
}

impl Kind {
    /// As people name it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Step => "step",
            Self::Mount => "mount",
            Self::Source => "source",
        }
    }
}

/// A thing that a build keeps.
#[derive(Debug, Clone)]
pub struct Item {
    /// What it is.
    pub kind: Kind,
    /// What it is known by.
    pub id: String,
    /// What it is called, for people.
    pub name: String,
    /// What it takes, in bytes.
    pub size: u64,
    /// An image has the same: removing it here frees nothing.
    pub is_shared: bool,
    /// When it was made.
    pub created: SystemTime,
    /// When it was used last.
    pub used: SystemTime,
    place: Place,
}

/// Where a thing is.
#[derive(Debug, Clone)]
enum Place {
    /// A layer of the store, and the records that lead to it.
    Layer(Digest, Vec<Entry>),
    Directory(PathBuf),
}
