//! The namespaces a container gets of its own, and those of others that it joins.

use std::os::fd::{AsFd, OwnedFd};

use oci_spec::runtime::{LinuxNamespace, LinuxNamespaceType};
use rustix::fs::{CWD, Mode, OFlags};
use rustix::thread::{LinkNameSpaceType, UnshareFlags, move_into_link_name_space};

use super::InitError;

/// What becomes of each kind: new, joined, or (not mentioned) the host's.
#[derive(Debug)]
pub(in crate::runtime) struct Namespaces {
    /// To be made by clone.
    pub(in crate::runtime) new: UnshareFlags,
    /// To be made once the process is in its cgroup.
    pub(super) new_cgroup: bool,
    joined: Vec<(&'static str, LinkNameSpaceType, OwnedFd)>,
}

impl Namespaces {
    /// Opens those that exist. A mount namespace is always new: the root is mounted in it.
    pub(in crate::runtime) fn open(namespaces: &[LinuxNamespace]) -> Result<Self, InitError> {
        let mut result = Self { new: UnshareFlags::NEWNS, new_cgroup: false, joined: Vec::new() };
        for namespace in namespaces {
            let (name, kind, flag) = match namespace.typ() {
                LinuxNamespaceType::Mount => continue,
                LinuxNamespaceType::Cgroup => {
                    result.new_cgroup = true;
                    continue;
                }
                LinuxNamespaceType::Uts => ("uts", LinkNameSpaceType::HostNameAndNISDomainName, UnshareFlags::NEWUTS),
                LinuxNamespaceType::Ipc => ("ipc", LinkNameSpaceType::InterProcessCommunication, UnshareFlags::NEWIPC),
                LinuxNamespaceType::Pid => ("pid", LinkNameSpaceType::ProcessID, UnshareFlags::NEWPID),
                LinuxNamespaceType::Network => ("network", LinkNameSpaceType::Network, UnshareFlags::NEWNET),
                LinuxNamespaceType::Time => ("time", LinkNameSpaceType::Time, UnshareFlags::NEWTIME),
                // Refused before a shim is started.
                LinuxNamespaceType::User => continue,
            };
            match namespace.path() {
                None => result.new |= flag,
                Some(path) => {
                    let fd = rustix::fs::openat(CWD, path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())
                        .map_err(|error| InitError::NamespacePath { path: path.clone(), source: error.into() })?;
                    result.joined.push((name, kind, fd));
                }
            }
        }
        Ok(result)
    }

    /// Joins a pid namespace: takes effect for children, so before the clone.
    pub(in crate::runtime) fn enter_pid(&self) -> Result<(), InitError> {
        self.enter_where(|kind| kind == LinkNameSpaceType::ProcessID)
    }

    /// Joins all others.
    pub(super) fn enter(&self) -> Result<(), InitError> {
        self.enter_where(|kind| kind != LinkNameSpaceType::ProcessID)
    }

    fn enter_where(&self, wanted: impl Fn(LinkNameSpaceType) -> bool) -> Result<(), InitError> {
        self.joined.iter().filter(|(_, kind, _)| wanted(*kind)).try_for_each(|(name, kind, fd)| {
            move_into_link_name_space(fd.as_fd(), Some(*kind))
                .map_err(|error| InitError::JoinNamespace { kind: name, source: error.into() })
        })
    }
}
