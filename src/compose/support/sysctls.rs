//! Which kernel parameters a container can have: those of its namespaces. All others are the whole machine's.

use super::Node;

/// What has parameters of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Namespace {
    Network,
    Ipc,
    Uts,
}

/// System V IPC, below `kernel`. See `ipc_namespaces(7)`.
const IPC: [&str; 8] = ["msgmax", "msgmnb", "msgmni", "sem", "shmall", "shmmax", "shmmni", "shm_rmid_forced"];

/// The path of a parameter below `/proc/sys`. As sysctl(8): dots separate, unless slashes do.
fn path(name: &str) -> String {
    if name.contains('/') { name.to_owned() } else { name.replace('.', "/") }
}

fn namespace(name: &str) -> Option<Namespace> {
    match path(name).split_once('/')? {
        ("net", _) => Some(Namespace::Network),
        ("kernel", name) if IPC.contains(&name) => Some(Namespace::Ipc),
        ("fs", name) if name.starts_with("mqueue/") => Some(Namespace::Ipc),
        ("kernel", "domainname") => Some(Namespace::Uts),
        _ => None,
    }
}

/// Whether one of the `sysctls` of a service is of that namespace.
pub(super) fn any_of(service: &Node, wanted: Namespace) -> bool {
    let mut names = service.get("sysctls").and_then(Node::entries).into_iter().flatten();
    names.any(|(name, _)| namespace(name) == Some(wanted))
}

pub(super) fn is_no_name(name: &str) -> bool {
    path(name).split('/').any(|part| matches!(part, "" | "." | ".."))
}

pub(super) fn is_host_name(name: &str) -> bool {
    path(name) == "kernel/hostname"
}

pub(super) fn is_of_the_machine(name: &str) -> bool {
    !is_no_name(name) && !is_host_name(name) && namespace(name).is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whose_they_are() {
        for (name, expected) in [
            ("net.ipv4.ip_forward", Some(Namespace::Network)),
            ("net/ipv4/conf/eth0.1/rp_filter", Some(Namespace::Network)),
            ("kernel.shmmax", Some(Namespace::Ipc)),
            ("fs.mqueue.msg_max", Some(Namespace::Ipc)),
            ("kernel.domainname", Some(Namespace::Uts)),
            ("kernel.panic", None),
            ("fs.file-max", None),
            ("network.x", None),
            ("a", None),
        ] {
            assert_eq!((namespace(name), is_of_the_machine(name)), (expected, expected.is_none()), "{name}");
        }
        for name in ["", "net..x", "net.ipv4.", "net/../kernel/panic"] {
            assert!(is_no_name(name) && !is_of_the_machine(name), "{name}");
        }
        assert!(is_host_name("kernel/hostname") && !is_of_the_machine("kernel.hostname"));
    }
}
