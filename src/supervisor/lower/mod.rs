//! A service and its image to a container: the OCI runtime-spec, and what that cannot say.
//!
//! Pure: whatever must exist on the host (volume directories, the files behind `/etc/hosts`) was made by the caller
//! and is passed in as paths. The values that a service leaves open are Docker's.

mod block_io;
pub mod cdi;
pub mod devices;
mod labels;
mod mounts;
pub mod namespaces;
mod process;
mod resources;
mod seccomp_profile;
mod security;
mod security_opt;
mod signal;

pub use block_io::block_device_paths;
pub use labels::labels;
pub use mounts::anonymous_volumes;
pub use process::arguments;
pub use seccomp_profile::{KernelVersion, ProfileError, SeccompProfile};
pub use security_opt::profile_file;
pub use signal::{signal_number, stop_signal};

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use oci_spec::runtime::{Linux, Mount, Root, Spec, VERSION};

use crate::compose::model::{Healthcheck, NetworkMode, Project, Service};
use crate::name::{ContainerId, ImageReference, ServiceName};
use crate::runtime::{Seccomp, defaults};
use security_opt::{SeccompOption, SecurityOptions};

/// Who runs what names no user: by number, since its groups count even where it has another name.
const ROOT: &str = "0";

/// What an image says where the service says nothing. See <https://github.com/opencontainers/image-spec/blob/main/config.md>.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ImageDefaults {
    /// `Entrypoint`.
    pub entrypoint: Option<Vec<String>>,
    /// `Cmd`.
    pub cmd: Option<Vec<String>>,
    /// `Env`: `NAME=value`.
    pub env: Vec<String>,
    /// `WorkingDir`.
    pub working_dir: Option<String>,
    /// `User`.
    pub user: Option<String>,
    /// `Volumes`: absolute paths in the container.
    pub volumes: BTreeSet<String>,
    /// `StopSignal`.
    pub stop_signal: Option<String>,
    /// `Labels`.
    pub labels: BTreeMap<String, String>,
    /// `Healthcheck`.
    pub healthcheck: Option<Healthcheck>,
}

/// What a container is made from.
#[derive(Debug, Clone, Copy)]
pub struct LowerInput<'a> {
    /// The project.
    pub project: &'a Project,
    /// The key of the service in it.
    pub name: &'a ServiceName,
    /// The service.
    pub service: &'a Service,
    /// The number of the container in the service, from 1.
    pub number: u32,
    /// What tells it from others that `run` has made, if it is one of these: it has no number then.
    pub slug: Option<&'a str>,
    /// Its id.
    pub id: &'a ContainerId,
    /// What its image says.
    pub image: &'a ImageDefaults,
    /// The id of its image.
    pub image_id: &'a str,
    /// [`crate::plan::service_hash`] of the service.
    pub config_hash: &'a str,
    /// The file on the host that becomes `/etc/hosts`.
    pub hosts: &'a Path,
    /// The file on the host that becomes `/etc/hostname`.
    pub hostname: &'a Path,
    /// The file on the host that becomes `/etc/resolv.conf`.
    pub resolv_conf: &'a Path,
    /// The directory on the host of each volume, named and anonymous, by its target in the container.
    pub volumes: &'a BTreeMap<String, PathBuf>,
    /// The directories on the host of each image that it mounts, lowest first.
    pub mounted_images: &'a BTreeMap<ImageReference, Vec<PathBuf>>,
    /// The mounts of other containers that it has too: `volumes_from`. Of two at one target the later one counts.
    pub inherited: &'a [Mount],
    /// The file on the host of each config and secret, by its target in the container.
    pub files: &'a BTreeMap<String, PathBuf>,
    /// The name of this machine.
    pub host_name: &'a str,
    /// The processors of this machine: some of what is masked has a path for each.
    pub processors: u32,
    /// What its cgroups are and limit.
    pub machine: &'a Machine,
    /// What is in [`profile_file`].
    pub profile: Option<&'a SeccompProfile>,
    /// The version of this machine's kernel.
    pub kernel: KernelVersion,
}

/// What cgroups can do on a machine, and what for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Machine {
    /// Whether cgroups are of version 2.
    pub unified: bool,
    /// Whether they limit swap.
    pub limits_swap: bool,
    /// The major and minor number of each block device that the service names, by path; others are none.
    pub block_devices: BTreeMap<String, (i64, i64)>,
}

/// A container as the runtime takes it.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Lowered {
    /// The runtime-spec. Its root path is `rootfs`, relative to the bundle; its user is 0:0.
    pub spec: Spec,
    /// `name|uid[:group|gid]`, to be looked up in the container's own `/etc/passwd`; `None` in what earlier versions have made.
    pub user: Option<String>,
    /// Further groups, by name or gid, to be looked up likewise.
    pub group_add: Vec<String>,
    /// Whether the container has the runtime's filter of system calls, or the one of the `spec`.
    #[serde(default)]
    pub seccomp: Seccomp,
    /// Whether a small init is PID 1.
    pub init: bool,
    /// The number of the signal that asks the container to stop.
    pub stop_signal: i32,
    /// Every label: the image's, the service's over them, and the project's own over both.
    pub labels: BTreeMap<String, String>,
    /// What the service asks for that has no effect on this machine.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// Why a service cannot become a container.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LowerError {
    /// Neither the service nor its image says what to run.
    #[error("service `{service}` has no command, and neither has its image")]
    NoCommand {
        /// The service.
        service: ServiceName,
    },
    /// `cap_add` or `cap_drop` names a capability that does not exist.
    #[error("service `{service}` names an unknown capability `{capability}`")]
    UnknownCapability {
        /// The service.
        service: ServiceName,
        /// The name.
        capability: String,
    },
    /// `ulimits` names a limit that does not exist.
    #[error("service `{service}` names an unknown limit `{ulimit}`")]
    UnknownUlimit {
        /// The service.
        service: ServiceName,
        /// The name.
        ulimit: String,
    },
    /// `stop_signal`, or the image's, is not a signal.
    #[error("service `{service}` stops with an unknown signal `{signal}`")]
    UnknownSignal {
        /// The service.
        service: ServiceName,
        /// The text.
        signal: String,
    },
    /// A limit is none, or contradicts another one.
    #[error("service `{service}`: {reason}")]
    Resources {
        /// The service.
        service: ServiceName,
        /// Which, and why.
        reason: String,
    },
    /// The caller gave no path for a volume, config or secret.
    #[error("service `{service}` has nothing on the host to mount at `{target}`")]
    NoSource {
        /// The service.
        service: ServiceName,
        /// The path in the container.
        target: String,
    },
}

/// Makes the container of a service.
///
/// # Errors
/// [`LowerError`] for what no check of the service alone could find: it depends on the image or the kernel's names.
pub fn lower(input: &LowerInput) -> Result<Lowered, LowerError> {
    let service = input.service;
    let labels = labels(input);
    let mut warnings = Vec::new();

    let options = SecurityOptions::of(service);
    let own_name = namespaces::has_own_name(service);

    let mut root = Root::default();
    root.set_readonly(Some(service.read_only));
    let mut spec = Spec::default();
    spec.set_version(VERSION.to_owned())
        .set_root(Some(root))
        .set_hostname(own_name.then(|| hostname(service, input.id, input.host_name).to_owned()))
        .set_domainname(service.domainname.clone().filter(|_| own_name))
        .set_process(Some(process::process(input)?))
        .set_mounts(Some(mounts::mounts(input)?))
        .set_annotations(Some(labels::annotations(service, &labels)))
        .set_linux(Some(linux(input, options, &mut warnings)?));
    let user = [&service.user, &input.image.user].into_iter().flatten().find(|user| !user.is_empty());
    Ok(Lowered {
        spec,
        user: Some(user.map_or(ROOT, String::as_str).to_owned()),
        group_add: service.group_add.clone(),
        seccomp: match options.seccomp {
            SeccompOption::Builtin => Seccomp::Default,
            SeccompOption::Unconfined | SeccompOption::File(_) => Seccomp::Specified,
        },
        init: service.init,
        stop_signal: signal::stop_signal(input.name, service, input.image)?,
        labels,
        warnings,
    })
}

/// The host name of a container: `hostname`, else that of the host where it is in its network or UTS namespace, else its
/// short id.
#[must_use]
pub fn hostname<'a>(service: &'a Service, id: &'a ContainerId, host_name: &'a str) -> &'a str {
    let in_the_host = service.network_mode == Some(NetworkMode::Host) || !namespaces::has_own_name(service);
    service.hostname.as_deref().unwrap_or(if in_the_host { host_name } else { id.short() })
}

fn linux(input: &LowerInput, options: SecurityOptions<'_>, warnings: &mut Vec<String>) -> Result<Linux, LowerError> {
    let mut linux = Linux::default();
    linux
        .set_namespaces(Some(namespaces::own(input.service)))
        .set_sysctl(Some(resources::sysctls(input.service, !input.service.has_own_network())))
        .set_resources(Some(resources::resources(input, warnings)?))
        .set_cgroups_path(Some(resources::cgroups_path(input.service, input.id)))
        .set_seccomp(security::seccomp(input)?);
    if options.system_paths {
        linux.set_masked_paths(None).set_readonly_paths(None);
    } else {
        linux
            .set_masked_paths(Some(defaults::masked_paths(input.processors)))
            .set_readonly_paths(Some(defaults::readonly_paths()));
    }
    Ok(linux)
}

#[cfg(test)]
mod tests;
