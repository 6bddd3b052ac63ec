//! Which namespaces a container has of its own, which it shares with the host, and which with another container.

use std::path::Path;

use oci_spec::runtime::{LinuxNamespace, LinuxNamespaceType, Spec};

use crate::compose::model::{IpcMode, Peer, Service};

/// The namespaces that are made for a container of a service: those of another container are joined when it starts, see
/// [`join`].
pub(super) fn own(service: &Service) -> Vec<LinuxNamespace> {
    let mut own = vec![LinuxNamespaceType::Mount];
    if service.pid.is_none() {
        own.push(LinuxNamespaceType::Pid);
    }
    if matches!(service.ipc, None | Some(IpcMode::Private | IpcMode::Shareable | IpcMode::None)) {
        own.push(LinuxNamespaceType::Ipc);
    }
    if has_own_name(service) {
        own.push(LinuxNamespaceType::Uts);
    }
    if has_own_users(service) {
        own.push(LinuxNamespaceType::User);
    }
    if service.cgroup.as_deref() != Some("host") {
        own.push(LinuxNamespaceType::Cgroup);
    }
    if service.has_own_network() {
        own.push(LinuxNamespaceType::Network);
    }
    own.into_iter().map(|kind| namespace(kind, None)).collect()
}

/// The namespaces that a container shares with another one, by the name that `/proc/PID/ns` has for them.
#[must_use]
pub fn shared(service: &Service) -> Vec<(LinuxNamespaceType, &'static str, Peer<'_>)> {
    let of = |kind, name, peer: Option<_>| peer.map(|peer| (kind, name, peer));
    let shared = [
        of(LinuxNamespaceType::Pid, "pid", service.processes_of()),
        of(LinuxNamespaceType::Ipc, "ipc", service.ipc_of()),
        of(LinuxNamespaceType::Network, "net", service.network_of()),
    ];
    shared.into_iter().flatten().collect()
}

/// Has a container join the namespace at `path`.
pub fn join(spec: &mut Spec, kind: LinuxNamespaceType, path: &Path) {
    if let Some(linux) = spec.linux_mut() {
        linux.namespaces_mut().get_or_insert_default().push(namespace(kind, Some(path)));
    }
}

/// Whether a container has a host name of its own: to set another's would be to set the host's.
#[must_use]
pub fn has_own_name(service: &Service) -> bool {
    service.uts.as_deref() != Some("host")
}

/// Whether a container has ids of its own: which of the host's they are is found when it starts.
#[must_use]
pub fn has_own_users(service: &Service) -> bool {
    service.userns_mode.as_deref() == Some("auto")
}

fn namespace(kind: LinuxNamespaceType, path: Option<&Path>) -> LinuxNamespace {
    let mut namespace = LinuxNamespace::default();
    namespace.set_typ(kind).set_path(path.map(Path::to_owned));
    namespace
}
