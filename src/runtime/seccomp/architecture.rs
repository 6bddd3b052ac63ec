//! The three ways in which a program may call an x86-64 kernel, and the numbers that each gives the calls.

use std::collections::BTreeMap;

use oci_spec::runtime::Arch;

/// How calls are numbered and their arguments passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Architecture {
    X86_64,
    /// 64-bit registers, 32-bit pointers. To the kernel it is [`Self::X86_64`] with a bit set in the number.
    X32,
    /// 32-bit programs.
    X86,
}

/// `__X32_SYSCALL_BIT`.
pub(super) const X32_BIT: u32 = 0x4000_0000;

/// The calls that have a number of their own for [`Architecture::X32`], in the order of these numbers.
/// See `arch/x86/entry/syscalls/syscall_64.tbl`.
const X32_CALLS: [&str; 36] = [
    "rt_sigaction",
    "rt_sigreturn",
    "ioctl",
    "readv",
    "writev",
    "recvfrom",
    "sendmsg",
    "recvmsg",
    "execve",
    "ptrace",
    "rt_sigpending",
    "rt_sigtimedwait",
    "rt_sigqueueinfo",
    "sigaltstack",
    "timer_create",
    "mq_notify",
    "kexec_load",
    "waitid",
    "set_robust_list",
    "get_robust_list",
    "vmsplice",
    "move_pages",
    "preadv",
    "pwritev",
    "rt_tgsigqueueinfo",
    "recvmmsg",
    "sendmmsg",
    "process_vm_readv",
    "process_vm_writev",
    "setsockopt",
    "getsockopt",
    "io_setup",
    "io_submit",
    "execveat",
    "preadv2",
    "pwritev2",
];
const X32_FIRST: u32 = 512;

impl Architecture {
    /// The one of this name, if the kernel could run its programs at all.
    pub(super) fn of(name: Arch) -> Option<Self> {
        match name {
            Arch::ScmpArchNative | Arch::ScmpArchX86_64 => Some(Self::X86_64),
            Arch::ScmpArchX32 => Some(Self::X32),
            Arch::ScmpArchX86 => Some(Self::X86),
            _ => None,
        }
    }

    /// The number of each call, by its name.
    pub(super) fn numbers(self) -> BTreeMap<&'static str, u32> {
        // The C library's names of what are words of Rust too.
        let plain = |name: &'static str| name.trim_start_matches("r#");
        match self {
            Self::X86_64 => (0u16..)
                .take(syscalls::x86_64::Sysno::table_size())
                .filter_map(|number| Some((plain(syscalls::x86_64::Sysno::new(number.into())?.name()), number.into())))
                .collect(),
            Self::X86 => (0u16..)
                .take(syscalls::x86::Sysno::table_size())
                .filter_map(|number| Some((plain(syscalls::x86::Sysno::new(number.into())?.name()), number.into())))
                .collect(),
            Self::X32 => {
                let mut numbers = Self::X86_64.numbers();
                numbers.extend(X32_CALLS.iter().copied().zip(X32_FIRST..));
                numbers.values_mut().for_each(|number| *number |= X32_BIT);
                numbers
            }
        }
    }

    /// How much of an argument there is to look at.
    pub(super) fn width(self) -> Width {
        if self == Self::X86 { Width::Half } else { Width::Full }
    }
}

/// How much of an argument there is to look at: 32-bit programs have no upper halves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Width {
    Full,
    Half,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers() {
        for (architecture, name, expected) in [
            (Architecture::X86_64, "read", Some(0)),
            (Architecture::X86_64, "file_setattr", Some(469)),
            (Architecture::X86_64, "socketcall", None),
            (Architecture::X86, "restart_syscall", Some(0)),
            (Architecture::X86, "break", Some(17)),
            (Architecture::X86, "socketcall", Some(102)),
            (Architecture::X86, "file_setattr", Some(469)),
            (Architecture::X32, "read", Some(X32_BIT)),
            (Architecture::X32, "ioctl", Some(X32_BIT | 514)),
            (Architecture::X32, "pwritev2", Some(X32_BIT | 547)),
            (Architecture::X86_64, "no_such_call", None),
        ] {
            assert_eq!(architecture.numbers().get(name).copied(), expected, "{architecture:?} {name}");
        }
    }
}
