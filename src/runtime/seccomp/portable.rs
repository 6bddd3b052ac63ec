//! The default profile in terms of the specification: for runtimes that make their filters themselves.
//!
//! They know calls by name, for both kinds of program at once, and take several questions about one argument as
//! alternatives. So it is a list of what is allowed; of two kinds of program, the one that may less decides.

use oci_spec::runtime::{
    Arch, LinuxCapabilities, LinuxSeccomp, LinuxSeccompAction, LinuxSeccompArg, LinuxSeccompArgBuilder,
    LinuxSeccompBuilder, LinuxSeccompOperator, LinuxSyscall, LinuxSyscallBuilder,
};
use syscalls::x86::Sysno as X86;
use syscalls::x86_64::Sysno as Native;

use super::policy::{Operator, Policy, Ranges, Rule, Treatment, Verdict};
use super::{Sets, default};

/// One above the highest family of sockets that there is. See `socket(2)`.
const FAMILIES: u64 = 46;
const INT: u64 = 0xffff_ffff;

/// The filter for a container with these capabilities.
pub(in crate::runtime) fn portable(capabilities: Option<&LinuxCapabilities>) -> LinuxSeccomp {
    let policy = default::policy(Sets::of(capabilities).bounding);
    let mut allowed = Vec::new();
    let mut absent = Vec::new();
    let mut asked = Vec::new();
    for (name, treatment) in treatments(&policy) {
        match (treatment.rules.as_slice(), treatment.otherwise) {
            ([], Verdict::ALLOW) => allowed.push(name),
            ([], Verdict::ABSENT) => absent.push(name),
            ([], _) => {}
            (rules, Verdict::ALLOW) => asked.extend(other_values(rules).map(|value| (name.clone(), value))),
            (rules, _) => asked.extend(rules.iter().filter_map(compared).map(|value| (name.clone(), value))),
        }
    }
    let mut syscalls = vec![
        syscall(allowed, LinuxSeccompAction::ScmpActAllow, None),
        syscall(absent, LinuxSeccompAction::ScmpActErrno, Some(libc::ENOSYS.unsigned_abs())),
    ];
    for (name, (mask, value)) in asked {
        let mut call = syscall(vec![name], LinuxSeccompAction::ScmpActAllow, None);
        call.set_args(Some(vec![argument(mask, value)]));
        syscalls.push(call);
    }
    syscalls.retain(|call| !call.names().is_empty());
    LinuxSeccompBuilder::default()
        .default_action(LinuxSeccompAction::ScmpActErrno)
        .architectures(vec![Arch::ScmpArchX86_64, Arch::ScmpArchX86])
        .syscalls(syscalls)
        .build()
        .expect("every other field has a default")
}

/// What becomes of each call, by name.
fn treatments(policy: &Policy) -> std::collections::BTreeMap<String, Treatment> {
    let native = Native::iter().map(|call| (call.name(), call.id().unsigned_abs(), &policy.x86_64));
    let x86 = X86::iter().map(|call| (call.name(), call.id().unsigned_abs(), &policy.x86));
    let mut treatments = std::collections::BTreeMap::new();
    for (name, number, ranges) in native.chain(x86) {
        let treatment = of(ranges, number);
        let known = treatments.entry(name.to_owned()).or_insert_with(|| treatment.clone());
        if known.otherwise == Verdict::ALLOW && known.rules.is_empty() {
            *known = treatment.clone();
        }
    }
    treatments
}

fn of(ranges: &Ranges, number: u32) -> &Treatment {
    let after = ranges.0.partition_point(|(first, _)| *first <= number);
    &ranges.0[after.saturating_sub(1)].1
}

/// The mask and the value that the one question of a rule is about.
fn compared(rule: &Rule) -> Option<(u64, u64)> {
    match rule.conditions.as_slice() {
        [condition] if rule.verdict == Verdict::ALLOW => match condition.operator {
            Operator::MaskedEqual(mask) => Some((mask, condition.value)),
            _ => None,
        },
        _ => None,
    }
}

/// The families of sockets that none of these rules is about.
fn other_values(rules: &[Rule]) -> impl Iterator<Item = (u64, u64)> {
    let denied: Vec<u64> = rules.iter().flat_map(|rule| &rule.conditions).map(|condition| condition.value).collect();
    (0..FAMILIES).filter(move |family| !denied.contains(family)).map(|family| (INT, family))
}

fn syscall(names: Vec<String>, action: LinuxSeccompAction, errno: Option<u32>) -> LinuxSyscall {
    let mut builder = LinuxSyscallBuilder::default().names(names).action(action);
    if let Some(errno) = errno {
        builder = builder.errno_ret(errno);
    }
    builder.build().expect("every other field has a default")
}

fn argument(mask: u64, value: u64) -> LinuxSeccompArg {
    LinuxSeccompArgBuilder::default()
        .index(0usize)
        .value(mask)
        .value_two(value)
        .op(LinuxSeccompOperator::ScmpCmpMaskedEq)
        .build()
        .expect("every field is given")
}

#[cfg(test)]
mod tests {
    use rustix::thread::CapabilitySet;

    use super::*;
    use crate::runtime::seccomp::interpreter::{Call, evaluate};
    use crate::runtime::seccomp::specification;

    /// Calls that are the same for both kinds of program, and no more than what our own filter lets pass.
    #[test]
    fn it_says_what_our_own_filter_does() {
        let every: LinuxCapabilities =
            serde_json::from_value(serde_json::json!({"bounding": ["CAP_SYS_ADMIN", "CAP_SYS_CHROOT"]})).unwrap();
        for (capabilities, set) in
            [(None, CapabilitySet::empty()), (Some(&every), CapabilitySet::SYS_ADMIN | CapabilitySet::SYS_CHROOT)]
        {
            let own = default::policy(set);
            let portable = specification::policy(&portable(capabilities)).unwrap();
            let firsts = [0, 1, 2, 8, 16, 38, 39, 40, 45, 0x2_0008, INT, 0x1_0000_0026, 0x7E02_0000, 0x1000_0000];
            for first in firsts {
                let mut differing = Vec::new();
                for call in Native::iter() {
                    let asked = Call::native(call.id().unsigned_abs(), first);
                    let (ours, theirs) = (evaluate(&own, &asked), evaluate(&portable, &asked));
                    assert!(ours.lets_pass() || !theirs.lets_pass(), "{call} {first:#x}");
                    // A family that does not exist is refused by another error.
                    let is_no_family = call == Native::socket && (first & INT) >= FAMILIES;
                    if ours != theirs && !is_no_family {
                        differing.push(call.name());
                    }
                }
                assert_eq!(differing, [""; 0], "{first:#x}");
                for call in X86::iter() {
                    let asked = Call::x86(call.id().unsigned_abs(), first);
                    let (ours, theirs) = (evaluate(&own, &asked), evaluate(&portable, &asked));
                    assert!(ours.lets_pass() || !theirs.lets_pass(), "32-bit {call} {first:#x}");
                }
            }
        }
    }
}
