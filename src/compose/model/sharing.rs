//! Whose namespaces and volumes a service shares.

use super::{IpcMode, NetworkMode, PidMode, Service};
use crate::name::ServiceName;

/// Another container, as a service names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Peer<'a> {
    /// That of a service of the project: the first, if it has several.
    Service(&'a ServiceName),
    /// A container of this machine, by its name or the beginning of its id.
    Container(&'a str),
}

/// An entry of `volumes_from`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VolumesFrom<'a> {
    /// The service; `None` when it is a container.
    pub service: Option<&'a str>,
    /// The container; `None` when it is a service.
    pub container: Option<&'a str>,
    /// `:ro`.
    pub read_only: bool,
}

impl Service {
    /// The container whose network it uses.
    #[must_use]
    pub fn network_of(&self) -> Option<Peer<'_>> {
        match self.network_mode.as_ref()? {
            NetworkMode::Service(name) => Some(Peer::Service(name)),
            NetworkMode::Container(name) => Some(Peer::Container(name)),
            NetworkMode::None | NetworkMode::Host | NetworkMode::Bridge | NetworkMode::Network(_) => None,
        }
    }

    /// The container whose processes it sees.
    #[must_use]
    pub fn processes_of(&self) -> Option<Peer<'_>> {
        match self.pid.as_ref()? {
            PidMode::Service(name) => Some(Peer::Service(name)),
            PidMode::Container(name) => Some(Peer::Container(name)),
            PidMode::Host => None,
        }
    }

    /// The container whose message queues, semaphores and shared memory it uses.
    #[must_use]
    pub fn ipc_of(&self) -> Option<Peer<'_>> {
        match self.ipc.as_ref()? {
            IpcMode::Service(name) => Some(Peer::Service(name)),
            IpcMode::Container(name) => Some(Peer::Container(name)),
            IpcMode::Shareable | IpcMode::Private | IpcMode::Host | IpcMode::None => None,
        }
    }

    /// Whether it has a network namespace of its own.
    #[must_use]
    pub fn has_own_network(&self) -> bool {
        self.network_mode != Some(NetworkMode::Host) && self.network_of().is_none()
    }

    /// Whether a container of it is in a namespace of a container of `other`, or has its volumes: it cannot stay when that
    /// is made anew.
    #[must_use]
    pub fn shares_with(&self, other: &ServiceName) -> bool {
        self.joins(other) || self.volumes_from().any(|from| from.service == Some(other.as_str()))
    }

    /// Whether a container of it is in a namespace of a container of `other`.
    #[must_use]
    pub fn joins(&self, other: &ServiceName) -> bool {
        let peers = [self.network_of(), self.processes_of(), self.ipc_of()];
        peers.into_iter().flatten().any(|peer| peer == Peer::Service(other))
    }

    /// `volumes_from`, read.
    pub fn volumes_from(&self) -> impl Iterator<Item = VolumesFrom<'_>> {
        self.volumes_from.iter().map(|text| {
            let (container, text) = match text.strip_prefix("container:") {
                Some(rest) => (true, rest),
                None => (false, text.as_str()),
            };
            let (name, mode) = text.split_once(':').unwrap_or((text, ""));
            let (service, container) = if container { (None, Some(name)) } else { (Some(name), None) };
            VolumesFrom { service, container, read_only: mode == "ro" }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::name::ImageReference;

    #[test]
    fn volumes_of_others() {
        let mut service = Service::new(ImageReference::parse("busybox").unwrap());
        service.volumes_from = ["db", "db:ro", "container:x:rw"].map(str::to_owned).into();
        let read: Vec<_> = service.volumes_from().map(|it| (it.service, it.container, it.read_only)).collect();
        assert_eq!(read, [(Some("db"), None, false), (Some("db"), None, true), (None, Some("x"), false)]);
        assert!(service.shares_with(&"db".parse().unwrap()) && !service.joins(&"db".parse().unwrap()));
    }
}
