//! A program of the host in a network namespace of its own, with files of its own in place of those that say where names
//! are looked up. All else is the host's: no container is made.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use rustix::mount::{MountPropagationFlags, mount_bind, mount_change};

use crate::sys::{mount, netns};

/// Where the C library asks others before name servers: `nss-resolve(8)` and `nscd(8)`, which answer as the host.
const FOREIGN_RESOLVERS: [&str; 3] =
    ["/run/systemd/resolve/io.systemd.Resolve", "/run/nscd/socket", "/var/run/nscd/socket"];

/// Why a program of the host could not be given a network of its own.
#[derive(Debug, thiserror::Error)]
pub enum HostProgramError {
    /// The network namespace could not be made or entered.
    #[error("cannot make a network namespace")]
    Network(#[source] io::Error),
    /// The mount namespace could not be made.
    #[error("cannot make a mount namespace")]
    Mounts(#[source] io::Error),
    /// A file could not be put in place.
    #[error("cannot put another file in the place of `{target}`")]
    File {
        /// Whose place.
        target: &'static str,
        /// Why.
        source: io::Error,
    },
}

/// A new network namespace, to be connected before it is entered.
///
/// # Errors
/// [`HostProgramError::Network`].
pub fn network() -> Result<OwnedFd, HostProgramError> {
    netns::create().map_err(HostProgramError::Network)
}

/// Moves the calling thread to `network`, with these files as its `/etc/resolv.conf` and `/etc/hosts`: what it executes has
/// them. Mounts that the host makes later are seen, and those of the program are its own.
///
/// # Errors
/// [`HostProgramError`].
pub fn enter(network: impl AsFd, resolv_conf: &Path, hosts: &Path) -> Result<(), HostProgramError> {
    netns::enter(network.as_fd()).map_err(HostProgramError::Network)?;
    mount::copy_mounts().map_err(HostProgramError::Mounts)?;
    let flags = MountPropagationFlags::DOWNSTREAM | MountPropagationFlags::REC;
    mount_change("/", flags).map_err(|error| HostProgramError::Mounts(error.into()))?;
    put(resolv_conf, "/etc/resolv.conf")?;
    put(hosts, "/etc/hosts")?;
    let others = FOREIGN_RESOLVERS.into_iter().filter(|path| Path::new(path).exists());
    // Nobody listens there then, and the C library goes on to the name server.
    others.into_iter().try_for_each(|path| put(Path::new("/dev/null"), path))
}

/// Puts `file` in the place of `target`, wherever links lead.
fn put(file: &Path, target: &'static str) -> Result<(), HostProgramError> {
    mount_bind(file, target).map_err(|error| HostProgramError::File { target, source: error.into() })
}
