//! Docker's default profile: what is not simply allowed, and the capabilities that allow it after all.
//!
//! The numbers up to [`HIGHEST`] are a closed set, so the exceptions say the same as a list of what is allowed. It is as
//! Docker's, or stricter:
//!
//! - the family of a socket and the flags of a clone are compared as the kernel reads them, in 32 bits: a number above
//!   that in the upper half does not make AF_ALG another family;
//! - x32 programs, which hardly any kernel runs, find no call at all;
//! - numbers that no call has are absent, not forbidden.
//!
//! The arguments of `socketcall`, by which 32-bit programs open sockets, are behind a pointer where no filter can look:
//! as with Docker it is allowed whole, since they could not use networks otherwise.

use rustix::thread::CapabilitySet;
use syscalls::x86::Sysno as X86;
use syscalls::x86_64::Sysno as Native;

use super::architecture::X32_BIT;
use super::policy::{Condition, Operator, Policy, Ranges, Rule, Treatment, Verdict};

/// The highest number that Docker's profile knows (`removexattrat`), for either kind of program.
const HIGHEST: u32 = 466;

/// Numbers that x86-64 leaves out between its first and its second block.
const UNUSED_NATIVE: std::ops::RangeInclusive<u32> = 337..=423;
/// Numbers of 32-bit programs that no call has, or none that programs may make.
const UNUSED_X86: &[u32] = &[222, 223, 251, 285, 387, 388, 389, 390, 391, 392, 415];

/// The calls of either kind of program.
type Calls = (&'static [u32], &'static [u32]);

macro_rules! numbers {
    ($table:ident: $($name:ident)*) => { const { &[$($table::$name.id().unsigned_abs()),*] as &[u32] } };
}
macro_rules! calls {
    ($($both:ident)* $(; x86_64: $($native:ident)*)? $(; x86: $($x86:ident)*)?) => {
        (numbers!(Native: $($both)* $($($native)*)?), numbers!(X86: $($both)* $($($x86)*)?))
    };
}

/// Calls that are denied unless one of these capabilities is there.
const DENIED: &[(Calls, CapabilitySet)] = &[
    (
        calls!(
            fanotify_init fsconfig fsmount fsopen fspick lookup_dcookie lsm_get_self_attr lsm_list_modules
            lsm_set_self_attr mount mount_setattr move_mount open_tree quotactl quotactl_fd setdomainname sethostname
            setns umount2 unshare; x86: umount
        ),
        CapabilitySet::SYS_ADMIN,
    ),
    (calls!(bpf), CapabilitySet::SYS_ADMIN.union(CapabilitySet::BPF)),
    (calls!(perf_event_open), CapabilitySet::SYS_ADMIN.union(CapabilitySet::PERFMON)),
    (calls!(syslog), CapabilitySet::SYS_ADMIN.union(CapabilitySet::SYSLOG)),
    (calls!(open_by_handle_at), CapabilitySet::DAC_READ_SEARCH),
    (calls!(chroot), CapabilitySet::SYS_CHROOT),
    (calls!(acct), CapabilitySet::SYS_PACCT),
    (calls!(reboot), CapabilitySet::SYS_BOOT),
    (calls!(vhangup), CapabilitySet::SYS_TTY_CONFIG),
    (calls!(delete_module finit_module init_module), CapabilitySet::SYS_MODULE),
    (calls!(kcmp pidfd_getfd process_madvise), CapabilitySet::SYS_PTRACE),
    (calls!(ioperm iopl), CapabilitySet::SYS_RAWIO),
    (calls!(clock_settime settimeofday; x86: clock_settime64 stime), CapabilitySet::SYS_TIME),
    (calls!(get_mempolicy mbind set_mempolicy set_mempolicy_home_node), CapabilitySet::SYS_NICE),
    (
        calls!(
            _sysctl add_key afs_syscall create_module get_kernel_syms getpmsg io_uring_enter io_uring_register
            io_uring_setup kexec_load keyctl migrate_pages move_pages nfsservctl pivot_root putpmsg query_module
            request_key swapoff swapon sysfs uselib userfaultfd ustat vserver;
            x86_64: kexec_file_load security tuxcall uprobe;
            x86: bdflush r#break ftime gtty idle lock mpx nice oldfstat oldlstat oldolduname oldstat olduname prof
                profil readdir sgetmask sigaction signal sigpending sigsuspend ssetmask stty ulimit vm86 vm86old
        ),
        CapabilitySet::empty(),
    ),
];

/// The bits of an argument that the kernel reads where it expects an `int`.
const INT: u64 = 0xffff_ffff;
/// CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET.
const NEW_NAMESPACES: u64 = 0x7E02_0000;

/// No new namespaces.
fn clone() -> Treatment {
    when(&[(NEW_NAMESPACES, 0)], Verdict::ALLOW, Verdict::DENY)
}

/// No AF_ALG (38) nor AF_VSOCK (40), through which page caches and hypervisors have been attacked.
fn socket() -> Treatment {
    when(&[(INT, 38), (INT, 40)], Verdict::DENY, Verdict::ALLOW)
}

/// Only those that change nothing of substance: Linux, Linux 32-bit, UNAME26 of each; or only asking.
fn personality() -> Treatment {
    when(&[(INT, 0), (INT, 8), (INT, 0x2_0000), (INT, 0x2_0008), (INT, INT)], Verdict::ALLOW, Verdict::DENY)
}

/// A verdict for when the first argument has one of these values in these bits, and another for when it has not.
fn when(values: &[(u64, u64)], verdict: Verdict, otherwise: Verdict) -> Treatment {
    let rule = |&(mask, value): &(u64, u64)| Rule {
        conditions: vec![Condition { argument: 0, operator: Operator::MaskedEqual(mask), value }],
        verdict,
    };
    Treatment { rules: values.iter().map(rule).collect(), otherwise }
}

/// The profile for a container with these capabilities.
pub(super) fn policy(capabilities: CapabilitySet) -> Policy {
    let select = |native: bool| {
        let numbers = |calls: Calls| if native { calls.0 } else { calls.1 };
        let mut treatments = vec![None; HIGHEST as usize + 1];
        let mut set = |numbers: &[u32], treatment: &Treatment| {
            numbers.iter().for_each(|number| treatments[*number as usize] = Some(treatment.clone()));
        };
        for (calls, allowed_by) in DENIED {
            if !capabilities.intersects(*allowed_by) {
                set(numbers(*calls), &Verdict::DENY.into());
            }
        }
        if !capabilities.contains(CapabilitySet::SYS_ADMIN) {
            set(numbers(calls!(clone)), &clone());
            // Its flags are behind a pointer, where a filter cannot look: the C library falls back to clone.
            set(numbers(calls!(clone3)), &Verdict::ABSENT.into());
        }
        set(numbers(calls!(socket)), &socket());
        set(numbers(calls!(personality)), &personality());
        let unused: Vec<u32> = if native { UNUSED_NATIVE.collect() } else { UNUSED_X86.to_vec() };
        set(&unused, &Verdict::ABSENT.into());
        let calls = (0..).zip(treatments).filter_map(|(number, treatment)| Some((number, treatment?))).collect();
        Ranges::new(calls, Verdict::ALLOW, Some((HIGHEST + 1, Verdict::ABSENT)))
    };
    let x32 = Ranges(vec![(0, Verdict::ABSENT.into())]);
    Policy { x86_64: select(true).and(X32_BIT, x32), x86: select(false) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::seccomp::architecture::Architecture;
    use crate::runtime::seccomp::compile::compile;
    use crate::runtime::seccomp::interpreter::{Call, run};

    #[track_caller]
    fn check(capabilities: CapabilitySet, call: Call, expected: Verdict) {
        assert_eq!(run(&compile(&policy(capabilities)), &call), expected, "{call:?} with {capabilities:?}");
    }

    /// The call of this name by either kind of program that has it.
    fn named(name: &str, first: u64) -> Vec<Call> {
        let of = |architecture: Architecture| architecture.numbers().get(name).copied();
        let native = of(Architecture::X86_64).map(|number| Call::native(number, first));
        let x86 = of(Architecture::X86).map(|number| Call::x86(number, first));
        native.into_iter().chain(x86).collect()
    }

    #[track_caller]
    fn check_named(capabilities: CapabilitySet, name: &str, first: u64, expected: Verdict) {
        let calls = named(name, first);
        assert!(!calls.is_empty(), "{name}");
        calls.into_iter().for_each(|call| check(capabilities, call, expected));
    }

    #[test]
    fn without_capabilities() {
        let none = CapabilitySet::empty();
        for name in
            ["read", "execve", "ptrace", "close_range", "openat2", "mseal", "removexattrat", "socketcall", "ipc"]
        {
            check_named(none, name, 0, Verdict::ALLOW);
        }
        for name in
            ["mount", "umount", "bpf", "io_uring_setup", "unshare", "keyctl", "kexec_file_load", "vm86", "stime"]
        {
            check_named(none, name, 0, Verdict::DENY);
        }
        for name in ["clone3", "open_tree_attr", "file_setattr"] {
            check_named(none, name, 0, Verdict::ABSENT);
        }
        for (name, argument, expected) in [
            ("clone", 0x11, Verdict::ALLOW),
            ("clone", 0x0002_0011, Verdict::DENY),
            ("clone", 0x4000_0000, Verdict::DENY),
            ("socket", 2, Verdict::ALLOW),
            ("socket", 38, Verdict::DENY),
            ("socket", 39, Verdict::ALLOW),
            ("socket", 40, Verdict::DENY),
            ("socket", 1 << 32 | 38, Verdict::DENY),
            ("personality", 0, Verdict::ALLOW),
            ("personality", 0xffff_ffff, Verdict::ALLOW),
            ("personality", 0x0040_0000, Verdict::DENY),
        ] {
            check_named(none, name, argument, expected);
        }
        for number in [400, 470, X32_BIT, X32_BIT | 514, u32::MAX] {
            check(none, Call::native(number, 0), Verdict::ABSENT);
        }
        check(none, Call::x86(222, 0), Verdict::ABSENT);
        check(none, Call { architecture: 0xC000_00B7, ..Call::native(0, 0) }, Verdict::KILL_PROCESS);
    }

    #[test]
    fn capabilities_allow_what_needs_them() {
        for (capability, name, expected) in [
            (CapabilitySet::SYS_ADMIN, "mount", Verdict::ALLOW),
            (CapabilitySet::SYS_ADMIN, "clone3", Verdict::ALLOW),
            (CapabilitySet::SYS_ADMIN, "keyctl", Verdict::DENY),
            (CapabilitySet::SYS_CHROOT, "chroot", Verdict::ALLOW),
            (CapabilitySet::SYS_TIME, "stime", Verdict::ALLOW),
            (CapabilitySet::SYS_TIME, "mount", Verdict::DENY),
            (CapabilitySet::all(), "kexec_load", Verdict::DENY),
            (CapabilitySet::all(), "open_tree_attr", Verdict::ABSENT),
        ] {
            check_named(capability, name, 0, expected);
        }
    }

    /// A call that a later table adds must not become allowed by itself.
    #[test]
    fn so_many_calls_are_allowed() {
        let allowed = |policy: &Policy, call: fn(u32, u64) -> Call| {
            (0..600).filter(|number| run(&compile(policy), &call(*number, 0)) == Verdict::ALLOW).count()
        };
        // Of 383 and 459, with `clone`, `socket` and `personality` of harmless arguments.
        let nothing = policy(CapabilitySet::empty());
        assert_eq!((allowed(&nothing, Call::native), allowed(&nothing, Call::x86)), (308, 359));
    }

    #[test]
    fn it_is_short() {
        let length = compile(&policy(CapabilitySet::empty())).len();
        assert!(length < 460, "{length} instructions");
    }
}
