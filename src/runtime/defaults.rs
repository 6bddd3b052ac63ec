//! Docker's defaults for what a container sees and may do, for those who make a specification.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use oci_spec::runtime::{Capabilities, Capability, LinuxCapabilities, LinuxDeviceCgroup, LinuxDeviceType, Mount};

/// Where programs are looked for, for an image that sets no `PATH`.
pub const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Docker's `/dev/shm`, in bytes.
const SHM_SIZE: u64 = 64 << 20;

/// The character devices that a container may open, by major and minor number (`None`: any).
const DEVICES: &[(i64, Option<i64>)] = &[
    (1, Some(3)), // null
    (1, Some(5)), // zero
    (1, Some(7)), // full
    (1, Some(8)), // random
    (1, Some(9)), // urandom
    (5, Some(0)), // tty
    (5, Some(1)), // console
    (5, Some(2)), // ptmx
    (136, None),  // pts/*
];

/// The capabilities of a container that asks for nothing else.
pub const CAPABILITIES: [Capability; 14] = [
    Capability::AuditWrite,
    Capability::Chown,
    Capability::DacOverride,
    Capability::Fowner,
    Capability::Fsetid,
    Capability::Kill,
    Capability::Mknod,
    Capability::NetBindService,
    Capability::NetRaw,
    Capability::Setfcap,
    Capability::Setgid,
    Capability::Setpcap,
    Capability::Setuid,
    Capability::SysChroot,
];

/// The others. With [`CAPABILITIES`], what `ALL` stands for. See `capabilities(7)`.
pub const FURTHER_CAPABILITIES: [Capability; 27] = [
    Capability::AuditControl,
    Capability::AuditRead,
    Capability::BlockSuspend,
    Capability::Bpf,
    Capability::CheckpointRestore,
    Capability::DacReadSearch,
    Capability::IpcLock,
    Capability::IpcOwner,
    Capability::Lease,
    Capability::LinuxImmutable,
    Capability::MacAdmin,
    Capability::MacOverride,
    Capability::NetAdmin,
    Capability::NetBroadcast,
    Capability::Perfmon,
    Capability::SysAdmin,
    Capability::SysBoot,
    Capability::SysModule,
    Capability::SysNice,
    Capability::SysPacct,
    Capability::SysPtrace,
    Capability::SysRawio,
    Capability::SysResource,
    Capability::SysTime,
    Capability::SysTtyConfig,
    Capability::Syslog,
    Capability::WakeAlarm,
];

/// Files through which a container could read or change what is the host's, hidden from it.
const MASKED_PATHS: &[&str] = &[
    "/proc/acpi",
    "/proc/asound",
    "/proc/interrupts",
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/sched_debug",
    "/proc/scsi",
    "/proc/timer_list",
    "/proc/timer_stats",
    "/sys/devices/virtual/powercap",
    "/sys/firmware",
];

/// Files through which a container could change what is the host's.
const READONLY_PATHS: &[&str] = &["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"];

/// What a process has that may do everything.
#[must_use]
pub fn every_capability() -> LinuxCapabilities {
    capability_sets(CAPABILITIES.into_iter().chain(FURTHER_CAPABILITIES).collect())
}

/// A process has all of `kept`. Inheritable and ambient ones stay empty (CVE-2022-24769).
#[must_use]
pub fn capability_sets(kept: Capabilities) -> LinuxCapabilities {
    let mut capabilities = LinuxCapabilities::default();
    capabilities
        .set_bounding(Some(kept.clone()))
        .set_effective(Some(kept.clone()))
        .set_permitted(Some(kept))
        .set_inheritable(Some(Capabilities::new()))
        .set_ambient(Some(Capabilities::new()));
    capabilities
}

/// What is hidden, on a machine with this many processors.
#[must_use]
pub fn masked_paths(processors: u32) -> Vec<String> {
    let throttle = (0..processors).map(|cpu| format!("/sys/devices/system/cpu/cpu{cpu}/thermal_throttle"));
    MASKED_PATHS.iter().map(|path| (*path).to_owned()).chain(throttle).collect()
}

/// What cannot be written to.
#[must_use]
pub fn readonly_paths() -> Vec<String> {
    READONLY_PATHS.iter().map(|path| (*path).to_owned()).collect()
}

/// What the kernel shows of itself, but for `/dev/shm`. All of it can be written to in a `privileged` container.
#[must_use]
pub fn mounts(privileged: bool) -> Vec<Mount> {
    let mut mounts = vec![
        mount("/proc", "proc", "proc", &["nosuid", "noexec", "nodev"]),
        mount("/dev", "tmpfs", "tmpfs", &["nosuid", "strictatime", "mode=755", "size=65536k"]),
        mount(
            "/dev/pts",
            "devpts",
            "devpts",
            &["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"],
        ),
        mount("/sys", "sysfs", "sysfs", &["nosuid", "noexec", "nodev", "ro"]),
        mount("/sys/fs/cgroup", "cgroup", "cgroup", &["ro", "nosuid", "noexec", "nodev"]),
        mount("/dev/mqueue", "mqueue", "mqueue", &["nosuid", "noexec", "nodev"]),
    ];
    if privileged {
        mounts.iter_mut().filter_map(|mount| mount.options_mut().as_mut()).for_each(|it| it.retain(|it| it != "ro"));
    }
    mounts
}

/// `/dev/shm`, of `size` bytes or the usual 64 MiB.
#[must_use]
pub fn shared_memory(size: Option<u64>) -> Mount {
    let size = format!("size={}", size.unwrap_or(SHM_SIZE));
    mount("/dev/shm", "tmpfs", "shm", &["nosuid", "noexec", "nodev", "mode=1777", &size])
}

/// A mount as the specification has it.
#[must_use]
pub fn mount(target: &str, kind: &str, source: impl AsRef<Path>, options: &[&str]) -> Mount {
    let mut mount = Mount::default();
    mount
        .set_destination(PathBuf::from(target))
        .set_typ(Some(kind.to_owned()))
        .set_source(Some(source.as_ref().to_owned()))
        .set_options(Some(options.iter().map(|option| (*option).to_owned()).collect()));
    mount
}

/// What a container may do with devices: all if it is `privileged`.
#[must_use]
pub fn devices(privileged: bool) -> Vec<LinuxDeviceCgroup> {
    if privileged { every_device() } else { harmless_devices() }
}

/// A rule of devices: `None` is any number.
#[must_use]
pub fn device_rule(
    allow: bool,
    kind: LinuxDeviceType,
    major: Option<i64>,
    minor: Option<i64>,
    access: &str,
) -> LinuxDeviceCgroup {
    let mut rule = LinuxDeviceCgroup::default();
    *rule.allow_mut() = allow;
    *rule.typ_mut() = Some(kind);
    *rule.major_mut() = major;
    *rule.minor_mut() = minor;
    *rule.access_mut() = Some(access.to_owned());
    rule
}

/// Nothing, then any `mknod`, then the opening of the harmless.
fn harmless_devices() -> Vec<LinuxDeviceCgroup> {
    let mut rules = vec![
        device_rule(false, LinuxDeviceType::A, None, None, "rwm"),
        device_rule(true, LinuxDeviceType::C, None, None, "m"),
        device_rule(true, LinuxDeviceType::B, None, None, "m"),
    ];
    rules.extend(
        DEVICES.iter().map(|(major, minor)| device_rule(true, LinuxDeviceType::C, Some(*major), *minor, "rwm")),
    );
    rules
}

fn every_device() -> Vec<LinuxDeviceCgroup> {
    vec![device_rule(true, LinuxDeviceType::A, None, None, "rwm")]
}

/// Anyone in the container's own network may bind low ports, and those in `groups` (all that there are) may ping.
#[must_use]
pub fn network_sysctls(groups: &str) -> HashMap<String, String> {
    [("net.ipv4.ip_unprivileged_port_start", "0"), ("net.ipv4.ping_group_range", groups)]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}
