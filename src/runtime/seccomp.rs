//! Docker's default seccomp profile, compiled to a filter by ourselves.
//!
//! The kernel runs the filter on every system call and, at installation, once for every system call number. So it is a
//! binary search over ranges of numbers with the same treatment, not the list of comparisons that libseccomp makes.

use rustix::thread::CapabilitySet;

use crate::sys::seccomp::Instruction;

/// What happens to a system call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Action {
    Allow,
    /// Not permitted, whoever asks.
    Deny,
    /// Not there: what programs probe for and then do without.
    Absent,
    /// Permitted depending on an argument.
    Arguments(Check),
}

/// An argument to look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Check {
    /// `clone`: no new namespaces.
    CloneFlags,
    /// `socket`: no AF_ALG (38) nor AF_VSOCK (40), through which page caches and hypervisors have been attacked.
    SocketFamily,
    /// `personality`: only those that change nothing of substance, or only asking.
    Personality,
}

/// The highest number this table knows (`file_setattr`); what is newer is [`Action::Absent`].
const HIGHEST: u32 = 469;
/// Numbers that x86-64 leaves out between its first and its second block, shared with no call.
const UNUSED: std::ops::Range<u32> = 336..424;

/// The calls that are not simply allowed, and the capabilities any one of which allows them after all.
///
/// The numbers up to [`HIGHEST`] are a closed set, so the exceptions say the same as the list of what is allowed.
/// See `seccomp(2)` and Docker's documentation of its default profile.
fn exceptions() -> Vec<(libc::c_long, Action, CapabilitySet)> {
    use Action::{Absent, Arguments, Deny};
    use CapabilitySet as Cap;
    let never = Cap::empty();
    let mut table = vec![
        (libc::SYS_clone, Arguments(Check::CloneFlags), Cap::SYS_ADMIN),
        // Its flags are behind a pointer, where a filter cannot look: the C library falls back to clone.
        (libc::SYS_clone3, Absent, Cap::SYS_ADMIN),
        (libc::SYS_socket, Arguments(Check::SocketFamily), never),
        (libc::SYS_personality, Arguments(Check::Personality), never),
        (libc::SYS_open_by_handle_at, Deny, Cap::DAC_READ_SEARCH),
        (libc::SYS_chroot, Deny, Cap::SYS_CHROOT),
        (libc::SYS_acct, Deny, Cap::SYS_PACCT),
        (libc::SYS_reboot, Deny, Cap::SYS_BOOT),
        (libc::SYS_vhangup, Deny, Cap::SYS_TTY_CONFIG),
        (libc::SYS_bpf, Deny, Cap::SYS_ADMIN.union(Cap::BPF)),
        (libc::SYS_perf_event_open, Deny, Cap::SYS_ADMIN.union(Cap::PERFMON)),
        (libc::SYS_syslog, Deny, Cap::SYS_ADMIN.union(Cap::SYSLOG)),
    ];
    let mut add = |calls: &[libc::c_long], allowed_by: Cap| {
        table.extend(calls.iter().map(|&call| (call, Deny, allowed_by)));
    };
    add(
        &[
            libc::SYS_fanotify_init,
            libc::SYS_fsconfig,
            libc::SYS_fsmount,
            libc::SYS_fsopen,
            libc::SYS_fspick,
            libc::SYS_lookup_dcookie,
            libc::SYS_mount,
            libc::SYS_mount_setattr,
            libc::SYS_move_mount,
            libc::SYS_open_tree,
            libc::SYS_quotactl,
            libc::SYS_quotactl_fd,
            libc::SYS_setdomainname,
            libc::SYS_sethostname,
            libc::SYS_setns,
            libc::SYS_umount2,
            libc::SYS_unshare,
            459, // lsm_get_self_attr
            460, // lsm_set_self_attr
            461, // lsm_list_modules
            467, // open_tree_attr
        ],
        Cap::SYS_ADMIN,
    );
    add(&[libc::SYS_kexec_load, libc::SYS_kexec_file_load], Cap::SYS_BOOT);
    add(&[libc::SYS_init_module, libc::SYS_finit_module, libc::SYS_delete_module], Cap::SYS_MODULE);
    add(&[libc::SYS_kcmp, libc::SYS_pidfd_getfd, libc::SYS_process_madvise], Cap::SYS_PTRACE);
    add(&[libc::SYS_iopl, libc::SYS_ioperm], Cap::SYS_RAWIO);
    add(&[libc::SYS_settimeofday, libc::SYS_clock_settime], Cap::SYS_TIME);
    add(
        &[libc::SYS_get_mempolicy, libc::SYS_mbind, libc::SYS_set_mempolicy, libc::SYS_set_mempolicy_home_node],
        Cap::SYS_NICE,
    );
    add(
        &[
            libc::SYS__sysctl,
            libc::SYS_add_key,
            libc::SYS_afs_syscall,
            174, // create_module
            177, // get_kernel_syms
            libc::SYS_getpmsg,
            libc::SYS_io_uring_enter,
            libc::SYS_io_uring_register,
            libc::SYS_io_uring_setup,
            libc::SYS_keyctl,
            libc::SYS_migrate_pages,
            libc::SYS_move_pages,
            libc::SYS_nfsservctl,
            libc::SYS_pivot_root,
            libc::SYS_putpmsg,
            178, // query_module
            libc::SYS_request_key,
            libc::SYS_security,
            libc::SYS_swapoff,
            libc::SYS_swapon,
            libc::SYS_sysfs,
            libc::SYS_tuxcall,
            libc::SYS_uselib,
            libc::SYS_userfaultfd,
            libc::SYS_ustat,
            libc::SYS_vserver,
        ],
        never,
    );
    table
}

/// The filter for a process with these capabilities.
pub(super) fn default_filter(capabilities: CapabilitySet) -> Vec<Instruction> {
    let size = usize::try_from(HIGHEST).expect("a small number") + 1;
    let mut actions = vec![Action::Allow; size];
    for number in UNUSED {
        actions[number as usize] = Action::Absent;
    }
    for (call, action, allowed_by) in exceptions() {
        if !capabilities.intersects(allowed_by) {
            actions[usize::try_from(call).expect("call numbers are not negative")] = action;
        }
    }
    // Ranges of equal treatment, by their first number.
    let mut ranges: Vec<(u32, Action)> = Vec::new();
    for (number, action) in (0..).zip(actions) {
        if ranges.last().is_none_or(|&(_, last)| last != action) {
            ranges.push((number, action));
        }
    }
    ranges.push((HIGHEST + 1, Action::Absent));
    compile(&ranges)
}

/// `struct seccomp_data`: the call's number, the architecture, and the low half of an argument.
const NUMBER: u32 = 0;
const ARCHITECTURE: u32 = 4;
const fn argument(index: u32) -> u32 {
    16 + 8 * index
}
/// `AUDIT_ARCH_X86_64`.
const X86_64: u32 = 0xC000_003E;

const RETURN_ALLOW: u32 = 0x7fff_0000;
const RETURN_KILL: u32 = 0x8000_0000;
const RETURN_ERRNO: u32 = 0x0005_0000;
const RETURN_DENY: u32 = RETURN_ERRNO | libc::EPERM as u32;
const RETURN_ABSENT: u32 = RETURN_ERRNO | libc::ENOSYS as u32;

// See `linux/bpf_common.h`: load a word, return, and jumps, each with a constant operand.
const LOAD: u16 = 0x20;
const RETURN: u16 = 0x06;
const IF_EQUAL: u16 = 0x15;
const IF_AT_LEAST: u16 = 0x35;
const IF_ANY_BIT: u16 = 0x45;
const JUMP: u16 = 0x05;

fn instruction(code: u16, operand: u32, jump_true: u8, jump_false: u8) -> Instruction {
    Instruction { code, jump_true, jump_false, operand }
}

/// Prologue, then the search tree. x32 calls (bit 30 set) are above the highest number, hence absent.
fn compile(ranges: &[(u32, Action)]) -> Vec<Instruction> {
    let mut program = vec![
        instruction(LOAD, ARCHITECTURE, 0, 0),
        instruction(IF_EQUAL, X86_64, 1, 0),
        // 32-bit programs have other numbers, for which there is no table.
        instruction(RETURN, RETURN_KILL, 0, 0),
        instruction(LOAD, NUMBER, 0, 0),
    ];
    program.extend(search(ranges));
    program
}

fn search(ranges: &[(u32, Action)]) -> Vec<Instruction> {
    if let [(_, action)] = ranges {
        return leaf(*action);
    }
    let (low, high) = ranges.split_at(ranges.len() / 2);
    let pivot = high[0].0;
    let (low, high) = (search(low), search(high));
    let mut program = Vec::with_capacity(low.len() + high.len() + 2);
    match u8::try_from(low.len()) {
        Ok(skip) => program.push(instruction(IF_AT_LEAST, pivot, skip, 0)),
        Err(_) => {
            // A conditional jump reaches 255 instructions, an unconditional one any number.
            let skip = u32::try_from(low.len()).expect("a filter has at most 4096 instructions");
            program.push(instruction(IF_AT_LEAST, pivot, 0, 1));
            program.push(instruction(JUMP, skip, 0, 0));
        }
    }
    program.extend(low);
    program.extend(high);
    program
}

fn leaf(action: Action) -> Vec<Instruction> {
    let end = |value| instruction(RETURN, value, 0, 0);
    match action {
        Action::Allow => vec![end(RETURN_ALLOW)],
        Action::Deny => vec![end(RETURN_DENY)],
        Action::Absent => vec![end(RETURN_ABSENT)],
        Action::Arguments(Check::CloneFlags) => vec![
            instruction(LOAD, argument(0), 0, 0),
            // NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET.
            instruction(IF_ANY_BIT, 0x7E02_0000, 0, 1),
            end(RETURN_DENY),
            end(RETURN_ALLOW),
        ],
        Action::Arguments(Check::SocketFamily) => vec![
            instruction(LOAD, argument(0), 0, 0),
            instruction(IF_EQUAL, 38, 1, 0),
            instruction(IF_EQUAL, 40, 0, 1),
            end(RETURN_DENY),
            end(RETURN_ALLOW),
        ],
        Action::Arguments(Check::Personality) => vec![
            instruction(LOAD, argument(0), 0, 0),
            // Linux, Linux 32-bit, UNAME26 of each, and the question.
            instruction(IF_EQUAL, 0x0, 5, 0),
            instruction(IF_EQUAL, 0x8, 4, 0),
            instruction(IF_EQUAL, 0x2_0000, 3, 0),
            instruction(IF_EQUAL, 0x2_0008, 2, 0),
            instruction(IF_EQUAL, 0xffff_ffff, 1, 0),
            end(RETURN_DENY),
            end(RETURN_ALLOW),
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs a filter as the kernel would.
    fn run(program: &[Instruction], architecture: u32, number: u32, first_argument: u32) -> u32 {
        let (mut at, mut accumulator) = (0, 0);
        loop {
            let now = program[at];
            at += 1;
            let condition = match now.code {
                RETURN => return now.operand,
                LOAD => {
                    accumulator = match now.operand {
                        NUMBER => number,
                        ARCHITECTURE => architecture,
                        _ => first_argument,
                    };
                    continue;
                }
                JUMP => {
                    at += now.operand as usize;
                    continue;
                }
                IF_EQUAL => accumulator == now.operand,
                IF_AT_LEAST => accumulator >= now.operand,
                IF_ANY_BIT => accumulator & now.operand != 0,
                code => unreachable!("{code}"),
            };
            at += usize::from(if condition { now.jump_true } else { now.jump_false });
        }
    }

    fn check(capabilities: CapabilitySet, call: libc::c_long, first_argument: u32, expected: u32) {
        let filter = default_filter(capabilities);
        let number = u32::try_from(call).unwrap();
        assert_eq!(run(&filter, X86_64, number, first_argument), expected, "call {call}({first_argument:#x})");
    }

    #[test]
    fn default_profile() {
        let none = CapabilitySet::empty();
        for call in [libc::SYS_read, libc::SYS_execve, libc::SYS_ptrace, libc::SYS_close_range, libc::SYS_openat2, 462]
        {
            check(none, call, 0, RETURN_ALLOW);
        }
        for call in [libc::SYS_mount, libc::SYS_bpf, libc::SYS_io_uring_setup, libc::SYS_unshare, libc::SYS_keyctl] {
            check(none, call, 0, RETURN_DENY);
        }
        for call in [libc::SYS_clone3, 470, 400, 0x4000_0000] {
            check(none, call, 0, RETURN_ABSENT);
        }
        for (argument, expected) in [(0x11, RETURN_ALLOW), (0x0002_0011, RETURN_DENY), (0x4000_0000, RETURN_DENY)] {
            check(none, libc::SYS_clone, argument, expected);
        }
        for (family, expected) in [(2, RETURN_ALLOW), (38, RETURN_DENY), (39, RETURN_ALLOW), (40, RETURN_DENY)] {
            check(none, libc::SYS_socket, family, expected);
        }
        for (persona, expected) in [(0, RETURN_ALLOW), (0xffff_ffff, RETURN_ALLOW), (0x0040_0000, RETURN_DENY)] {
            check(none, libc::SYS_personality, persona, expected);
        }
    }

    #[test]
    fn capabilities_allow_what_needs_them() {
        check(CapabilitySet::SYS_ADMIN, libc::SYS_mount, 0, RETURN_ALLOW);
        check(CapabilitySet::SYS_ADMIN, libc::SYS_clone3, 0, RETURN_ALLOW);
        check(CapabilitySet::SYS_ADMIN, libc::SYS_keyctl, 0, RETURN_DENY);
        check(CapabilitySet::SYS_CHROOT, libc::SYS_chroot, 0, RETURN_ALLOW);
        check(CapabilitySet::SYS_TIME, libc::SYS_mount, 0, RETURN_DENY);
    }

    #[test]
    fn another_architecture_is_killed() {
        assert_eq!(run(&default_filter(CapabilitySet::empty()), 0x4000_0003, 1, 0), RETURN_KILL);
    }

    #[test]
    fn every_number_has_the_treatment_of_its_range() {
        let filter = default_filter(CapabilitySet::empty());
        assert!(filter.len() < 250, "{} instructions", filter.len());
        let exceptions = exceptions();
        for number in 0..=HIGHEST {
            if UNUSED.contains(&number) || exceptions.iter().any(|&(call, ..)| call == libc::c_long::from(number)) {
                continue;
            }
            assert_eq!(run(&filter, X86_64, number, 0), RETURN_ALLOW, "{number}");
        }
    }
}
