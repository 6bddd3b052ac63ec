//! What a container needs of the host that its init could not get by itself.

use std::collections::BTreeMap;
use std::os::fd::OwnedFd;

/// Detached mounts that the shim has made.
#[derive(Debug, Default)]
pub(in crate::runtime) struct Outside {
    /// Bind mounts, by their index in the specification.
    pub(super) trees: BTreeMap<usize, OwnedFd>,
}
