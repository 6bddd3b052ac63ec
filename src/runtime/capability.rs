//! Capability sets of the specification as the kernel's bit sets.

use std::collections::BTreeSet;

use oci_spec::runtime::{Capabilities, Capability, LinuxCapabilities};
use rustix::thread::{CapabilitySet, CapabilitySets};

/// The five sets of a process. With inheritable and ambient ones, a program that is no superuser has what only setuid files
/// may give (CVE-2022-24769): they are as the specification says, and what is made from a Compose file says none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sets {
    pub(super) bounding: CapabilitySet,
    pub(super) effective: CapabilitySet,
    pub(super) permitted: CapabilitySet,
    pub(super) inheritable: CapabilitySet,
    pub(super) ambient: CapabilitySet,
}

impl Sets {
    /// Of a process; one without any mentioned has none.
    pub(super) fn of(capabilities: Option<&LinuxCapabilities>) -> Self {
        let set = |get: fn(&LinuxCapabilities) -> &Option<Capabilities>| {
            capabilities.and_then(|sets| get(sets).as_ref()).map_or(CapabilitySet::empty(), bits)
        };
        let permitted = set(LinuxCapabilities::permitted);
        let inheritable = set(LinuxCapabilities::inheritable);
        Self {
            bounding: set(LinuxCapabilities::bounding),
            effective: set(LinuxCapabilities::effective) & permitted,
            permitted,
            inheritable,
            // The kernel raises no other.
            ambient: set(LinuxCapabilities::ambient) & permitted & inheritable,
        }
    }

    /// Those of these that are in `available` too: nobody gives what he does not have.
    pub(super) fn within(self, available: CapabilitySet) -> Self {
        Self {
            bounding: self.bounding & available,
            effective: self.effective & available,
            permitted: self.permitted & available,
            inheritable: self.inheritable & available,
            ambient: self.ambient & available,
        }
    }
}

/// Makes effective again what a change of identity has made ineffective.
pub(super) fn raise_permitted() -> rustix::io::Result<()> {
    let sets = rustix::thread::capabilities(None)?;
    rustix::thread::set_capabilities(None, CapabilitySets { effective: sets.permitted, ..sets })
}

/// The names of what is asked for in any set and not in `available`.
pub(super) fn missing(capabilities: Option<&LinuxCapabilities>, available: CapabilitySet) -> BTreeSet<String> {
    let sets = capabilities
        .into_iter()
        .flat_map(|sets| [sets.bounding(), sets.effective(), sets.permitted(), sets.inheritable(), sets.ambient()]);
    sets.flatten()
        .flatten()
        .filter(|capability| !available.contains(bit(**capability)))
        .map(|capability| format!("CAP_{capability}"))
        .collect()
}

/// The names of ambient ones that the kernel does not raise: those that are not permitted and inheritable too.
pub(super) fn not_inheritable(capabilities: Option<&LinuxCapabilities>) -> BTreeSet<String> {
    let wanted = capabilities.and_then(|sets| sets.ambient().as_ref()).into_iter().flatten();
    let raised = Sets::of(capabilities).ambient;
    wanted
        .filter(|capability| !raised.contains(bit(**capability)))
        .map(|capability| format!("CAP_{capability}"))
        .collect()
}

fn bits(capabilities: &Capabilities) -> CapabilitySet {
    capabilities.iter().map(|&capability| bit(capability)).collect()
}

/// See `linux/capability.h`.
fn bit(capability: Capability) -> CapabilitySet {
    match capability {
        Capability::AuditControl => CapabilitySet::AUDIT_CONTROL,
        Capability::AuditRead => CapabilitySet::AUDIT_READ,
        Capability::AuditWrite => CapabilitySet::AUDIT_WRITE,
        Capability::BlockSuspend => CapabilitySet::BLOCK_SUSPEND,
        Capability::Bpf => CapabilitySet::BPF,
        Capability::CheckpointRestore => CapabilitySet::CHECKPOINT_RESTORE,
        Capability::Chown => CapabilitySet::CHOWN,
        Capability::DacOverride => CapabilitySet::DAC_OVERRIDE,
        Capability::DacReadSearch => CapabilitySet::DAC_READ_SEARCH,
        Capability::Fowner => CapabilitySet::FOWNER,
        Capability::Fsetid => CapabilitySet::FSETID,
        Capability::IpcLock => CapabilitySet::IPC_LOCK,
        Capability::IpcOwner => CapabilitySet::IPC_OWNER,
        Capability::Kill => CapabilitySet::KILL,
        Capability::Lease => CapabilitySet::LEASE,
        Capability::LinuxImmutable => CapabilitySet::LINUX_IMMUTABLE,
        Capability::MacAdmin => CapabilitySet::MAC_ADMIN,
        Capability::MacOverride => CapabilitySet::MAC_OVERRIDE,
        Capability::Mknod => CapabilitySet::MKNOD,
        Capability::NetAdmin => CapabilitySet::NET_ADMIN,
        Capability::NetBindService => CapabilitySet::NET_BIND_SERVICE,
        Capability::NetBroadcast => CapabilitySet::NET_BROADCAST,
        Capability::NetRaw => CapabilitySet::NET_RAW,
        Capability::Perfmon => CapabilitySet::PERFMON,
        Capability::Setgid => CapabilitySet::SETGID,
        Capability::Setfcap => CapabilitySet::SETFCAP,
        Capability::Setpcap => CapabilitySet::SETPCAP,
        Capability::Setuid => CapabilitySet::SETUID,
        Capability::SysAdmin => CapabilitySet::SYS_ADMIN,
        Capability::SysBoot => CapabilitySet::SYS_BOOT,
        Capability::SysChroot => CapabilitySet::SYS_CHROOT,
        Capability::SysModule => CapabilitySet::SYS_MODULE,
        Capability::SysNice => CapabilitySet::SYS_NICE,
        Capability::SysPacct => CapabilitySet::SYS_PACCT,
        Capability::SysPtrace => CapabilitySet::SYS_PTRACE,
        Capability::SysRawio => CapabilitySet::SYS_RAWIO,
        Capability::SysResource => CapabilitySet::SYS_RESOURCE,
        Capability::SysTime => CapabilitySet::SYS_TIME,
        Capability::SysTtyConfig => CapabilitySet::SYS_TTY_CONFIG,
        Capability::Syslog => CapabilitySet::SYSLOG,
        Capability::WakeAlarm => CapabilitySet::WAKE_ALARM,
    }
}
