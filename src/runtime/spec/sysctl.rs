//! Which kernel parameters are a container's own. All others are the host's, for every process on it.

use oci_spec::runtime::LinuxNamespaceType;

use super::{Kinds, SpecError};

/// System V IPC.
const IPC: [&str; 8] = ["msgmax", "msgmnb", "msgmni", "sem", "shmall", "shmmax", "shmmni", "shm_rmid_forced"];

pub(super) fn check(key: &str, namespaces: &Kinds) -> Result<(), SpecError> {
    let field = format!("linux.sysctl: {key}");
    // As sysctl(8): dots separate, unless slashes do.
    let path = if key.contains('/') { key.to_owned() } else { key.replace('.', "/") };
    if path.split('/').any(|part| part.is_empty() || part == "." || part == "..") {
        return Err(SpecError::invalid(field, "it is no name of a kernel parameter"));
    }
    let (kind, namespace) = match path.split_once('/') {
        Some(("net", _)) => (LinuxNamespaceType::Network, "network"),
        Some(("kernel", name)) if IPC.contains(&name) => (LinuxNamespaceType::Ipc, "ipc"),
        Some(("fs", name)) if name.starts_with("mqueue/") => (LinuxNamespaceType::Ipc, "ipc"),
        Some(("kernel", "domainname")) => (LinuxNamespaceType::Uts, "uts"),
        Some(("kernel", "hostname")) => {
            return Err(SpecError::Unsupported { field, reason: ": the configuration has a field `hostname`" });
        }
        _ => {
            return Err(SpecError::Unsupported {
                field,
                reason: ": containers have no such parameter of their own, it would be changed for the whole machine",
            });
        }
    };
    namespaces.needed(&field, kind, namespace)
}
