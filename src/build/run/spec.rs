//! The container of a command, as the runtime takes it.

use std::path::Path;

use oci_spec::runtime::{
    Capabilities, Linux, LinuxCpu, LinuxDevice, LinuxMemory, LinuxNamespace, LinuxNamespaceType, LinuxPids,
    LinuxResources, Mount as OciMount, PosixRlimit, PosixRlimitBuilder, PosixRlimitType, Process, Root, Spec, User,
    VERSION,
};

use super::{Limits, Network, Run, RunError, Security, Ulimit};
use crate::name::ContainerId;
use crate::runtime::{Cgroups, cgroup_parent, defaults};

/// What a container is called that is not called otherwise, as with BuildKit.
const HOSTNAME: &str = "buildkitsandbox";

/// The groups that there are.
const GROUPS: &str = "0 2147483647";

/// The specification, with these mounts and this environment.
pub(super) fn spec(run: &Run<'_>, id: &ContainerId, mounts: Vec<OciMount>, env: Vec<String>) -> Result<Spec, RunError> {
    let linux = linux(run, id, &mounts);
    let mut root = Root::default();
    root.set_readonly(Some(false));
    let mut spec = Spec::default();
    spec.set_version(VERSION.to_owned())
        .set_root(Some(root))
        .set_hostname(Some(run.hostname.clone().unwrap_or_else(|| HOSTNAME.to_owned())))
        .set_process(Some(process(run, env)?))
        .set_mounts(Some(mounts))
        .set_linux(Some(linux));
    Ok(spec)
}

fn process(run: &Run<'_>, env: Vec<String>) -> Result<Process, RunError> {
    let capabilities = match run.security {
        Security::Sandbox => defaults::capability_sets(Capabilities::from(defaults::CAPABILITIES)),
        Security::Insecure => defaults::every_capability(),
    };
    let rlimits = run.limits.ulimits.iter().map(rlimit).collect::<Result<Vec<_>, _>>()?;
    let mut process = Process::default();
    process
        .set_user(User::default())
        .set_args(Some(run.args.clone()))
        .set_env(Some(env))
        .set_cwd(Path::new("/").join(&run.cwd))
        .set_capabilities(Some(capabilities))
        .set_rlimits(Some(rlimits))
        .set_terminal(Some(false))
        .set_no_new_privileges(Some(false));
    Ok(process)
}

fn rlimit(ulimit: &Ulimit) -> Result<PosixRlimit, RunError> {
    let unknown = |_| RunError::Ulimit { name: ulimit.name.clone() };
    let kind: PosixRlimitType = format!("RLIMIT_{}", ulimit.name.to_uppercase()).parse().map_err(unknown)?;
    let limit = |value: i64| u64::try_from(value).unwrap_or(u64::MAX);
    let rlimit = PosixRlimitBuilder::default().typ(kind).soft(limit(ulimit.soft)).hard(limit(ulimit.hard)).build();
    Ok(rlimit.expect("every field has a default"))
}

fn linux(run: &Run<'_>, id: &ContainerId, mounts: &[OciMount]) -> Linux {
    // Where something is mounted no node is made.
    let is_covered = |device: &&LinuxDevice| {
        mounts.iter().map(OciMount::destination).any(|at| at != Path::new("/dev") && device.path().starts_with(at))
    };
    let devices: Vec<LinuxDevice> = run.devices.iter().filter(|device| !is_covered(device)).cloned().collect();
    let mut kinds = vec![
        LinuxNamespaceType::Mount,
        LinuxNamespaceType::Pid,
        LinuxNamespaceType::Ipc,
        LinuxNamespaceType::Uts,
        LinuxNamespaceType::Cgroup,
    ];
    let own_network = !matches!(run.network, Network::Host);
    if own_network {
        kinds.push(LinuxNamespaceType::Network);
    }
    let namespaces = kinds.into_iter().map(|kind| {
        let mut namespace = LinuxNamespace::default();
        namespace.set_typ(kind);
        namespace
    });
    let parent = run.limits.cgroup_parent.as_deref().filter(|parent| !parent.is_empty());
    let cgroup = match parent {
        None => Path::new("rcompose").join(id.as_str()),
        Some(parent) => Path::new("/").join(cgroup_parent(parent)).join(id.as_str()),
    };
    let is_sandbox = run.security == Security::Sandbox;
    let mut linux = Linux::default();
    linux
        .set_namespaces(Some(namespaces.collect()))
        .set_sysctl(own_network.then(|| defaults::network_sysctls(GROUPS)))
        .set_resources(Some(resources(&run.limits, !is_sandbox)))
        .set_cgroups_path(Some(cgroup))
        .set_devices(Some(devices))
        .set_seccomp(None)
        .set_masked_paths(is_sandbox.then(|| defaults::masked_paths(processors())))
        .set_readonly_paths(is_sandbox.then(defaults::readonly_paths));
    linux
}

fn processors() -> u32 {
    std::thread::available_parallelism().map_or(1, |count| u32::try_from(count.get()).unwrap_or(1))
}

fn resources(limits: &Limits, privileged: bool) -> LinuxResources {
    let bytes = |bytes: u64| i64::try_from(bytes).unwrap_or(i64::MAX);
    let mut resources = LinuxResources::default();
    resources.set_devices(Some(defaults::devices(privileged)));
    if let Some(limit) = limits.memory.map(bytes) {
        let mut memory = LinuxMemory::default();
        // As much swap as memory, like Docker; the field is their sum.
        let swap = limits.memory_swap.filter(|swap| *swap != 0).unwrap_or(limit.saturating_mul(2));
        memory.set_limit(Some(limit)).set_swap(Some(swap).filter(|_| Cgroups::of_this_machine().limits_swap));
        resources.set_memory(Some(memory));
    }
    let mut cpu = LinuxCpu::default();
    cpu.set_shares(limits.cpu_shares)
        .set_quota(limits.cpu_quota)
        .set_period(limits.cpu_period)
        .set_cpus(limits.cpuset_cpus.clone())
        .set_mems(limits.cpuset_mems.clone());
    if cpu != LinuxCpu::default() {
        resources.set_cpu(Some(cpu));
    }
    if let Some(limit) = limits.pids {
        let mut pids = LinuxPids::default();
        pids.set_limit(limit);
        resources.set_pids(Some(pids));
    }
    resources
}
