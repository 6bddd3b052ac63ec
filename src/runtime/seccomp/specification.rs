//! `linux.seccomp` of the runtime specification as a policy. Where that is silent, as runc and libseccomp understand it.
//!
//! See <https://github.com/opencontainers/runtime-spec/blob/main/config-linux.md#seccomp>.

use std::collections::{BTreeMap, BTreeSet};

use oci_spec::runtime::{LinuxSeccomp, LinuxSeccompAction, LinuxSeccompArg, LinuxSeccompOperator, LinuxSyscall};

use super::SeccompError;
use super::architecture::{Architecture, X32_BIT};
use super::policy::{Condition, Operator, Policy, Ranges, Rule, Treatment, Verdict};

/// What a process says after its filter is installed, to hand over the listener: answered by nobody until that is done.
const UNLISTENED: &str = "write";

/// The policy of a specification.
pub(super) fn policy(seccomp: &LinuxSeccomp) -> Result<Policy, SeccompError> {
    let default = verdict(seccomp.default_action(), seccomp.default_errno_ret())?;
    if default == Verdict::NOTIFY {
        return Err(SeccompError::NotifyByDefault);
    }
    let rules = rules(seccomp, default)?;
    let listed: BTreeSet<Architecture> =
        seccomp.architectures().iter().flatten().filter_map(|name| Architecture::of(*name)).collect();
    let ranges = |architecture: Architecture| ranges(architecture, &rules, default);
    // What is not listed ends a program of that kind; but x32 is not there on most machines, and so on none of these.
    let x32 = match listed.contains(&Architecture::X32) {
        true => ranges(Architecture::X32),
        false => Ranges(vec![(0, Verdict::ABSENT.into())]),
    };
    let x86 = match listed.contains(&Architecture::X86) {
        true => ranges(Architecture::X86),
        false => Ranges(vec![(0, Verdict::KILL_PROCESS.into())]),
    };
    Ok(Policy { x86_64: ranges(Architecture::X86_64).and(X32_BIT, x32), x86 })
}

/// The rules of each call by its name, in the order of the specification.
fn rules(seccomp: &LinuxSeccomp, default: Verdict) -> Result<BTreeMap<&str, Vec<Rule>>, SeccompError> {
    let mut rules: BTreeMap<&str, Vec<Rule>> = BTreeMap::new();
    for syscall in seccomp.syscalls().iter().flatten() {
        let verdict = verdict(syscall.action(), syscall.errno_ret())?;
        if verdict == Verdict::NOTIFY && syscall.names().iter().any(|name| name == UNLISTENED) {
            return Err(SeccompError::NotifyWrite);
        }
        let alternatives = alternatives(syscall)?;
        for name in syscall.names() {
            let of_call = rules.entry(name).or_default();
            // What is to happen anyway needs no rule, and so does not come before another one.
            if verdict != default {
                of_call.extend(alternatives.iter().cloned().map(|conditions| Rule { conditions, verdict }));
            }
        }
    }
    Ok(rules)
}

/// The conditions of a rule: all must hold, but where two are about one argument, any one is enough.
fn alternatives(syscall: &LinuxSyscall) -> Result<Vec<Vec<Condition>>, SeccompError> {
    let conditions: Vec<Condition> =
        syscall.args().iter().flatten().map(condition).collect::<Result<_, SeccompError>>()?;
    let arguments: BTreeSet<u8> = conditions.iter().map(|condition| condition.argument).collect();
    if arguments.len() < conditions.len() {
        return Ok(conditions.into_iter().map(|condition| vec![condition]).collect());
    }
    Ok(vec![conditions])
}

fn condition(arg: &LinuxSeccompArg) -> Result<Condition, SeccompError> {
    let argument =
        u8::try_from(arg.index()).ok().filter(|index| *index < 6).ok_or(SeccompError::Argument(arg.index()))?;
    let (operator, value) = match arg.op() {
        LinuxSeccompOperator::ScmpCmpEq => (Operator::Equal, arg.value()),
        LinuxSeccompOperator::ScmpCmpNe => (Operator::NotEqual, arg.value()),
        LinuxSeccompOperator::ScmpCmpLt => (Operator::Less, arg.value()),
        LinuxSeccompOperator::ScmpCmpLe => (Operator::LessOrEqual, arg.value()),
        LinuxSeccompOperator::ScmpCmpGt => (Operator::Greater, arg.value()),
        LinuxSeccompOperator::ScmpCmpGe => (Operator::GreaterOrEqual, arg.value()),
        LinuxSeccompOperator::ScmpCmpMaskedEq => {
            (Operator::MaskedEqual(arg.value()), arg.value_two().unwrap_or_default())
        }
    };
    Ok(Condition { argument, operator, value })
}

fn ranges(architecture: Architecture, rules: &BTreeMap<&str, Vec<Rule>>, default: Verdict) -> Ranges {
    let numbers = architecture.numbers();
    // A name that this architecture does not have, or nobody: profiles are written for many kernels.
    let known = rules.iter().filter_map(|(name, rules)| Some((*numbers.get(name)?, rules)));
    let calls: BTreeMap<u32, Treatment> = known.map(|(number, rules)| (number, treatment(rules, default))).collect();
    // Calls younger than the profile are not there, so that programs do with older ones; an error they do not expect
    // would have them fail.
    let highest = calls.last_key_value().map(|(number, _)| *number);
    let absent = highest.filter(|_| !default.lets_pass()).map(|highest| (highest + 1, Verdict::ABSENT));
    Ranges::new(calls, default, absent)
}

/// A rule without conditions beats those with; of several the first holds.
fn treatment(rules: &[Rule], default: Verdict) -> Treatment {
    match rules.iter().find(|rule| rule.conditions.is_empty()) {
        Some(rule) => rule.verdict.into(),
        None => Treatment { rules: rules.to_vec(), otherwise: default },
    }
}

fn verdict(action: LinuxSeccompAction, errno: Option<u32>) -> Result<Verdict, SeccompError> {
    let number = || {
        let given = errno.unwrap_or(libc::EPERM.unsigned_abs());
        u16::try_from(given).map_err(|_| SeccompError::Errno { action, errno: given })
    };
    let verdict = match action {
        LinuxSeccompAction::ScmpActErrno => return number().map(Verdict::errno),
        LinuxSeccompAction::ScmpActTrace => return number().map(Verdict::trace),
        LinuxSeccompAction::ScmpActKill | LinuxSeccompAction::ScmpActKillThread => Verdict::KILL_THREAD,
        LinuxSeccompAction::ScmpActKillProcess => Verdict::KILL_PROCESS,
        LinuxSeccompAction::ScmpActTrap => Verdict::TRAP,
        LinuxSeccompAction::ScmpActNotify => Verdict::NOTIFY,
        LinuxSeccompAction::ScmpActLog => Verdict::LOG,
        LinuxSeccompAction::ScmpActAllow => Verdict::ALLOW,
    };
    match errno {
        None => Ok(verdict),
        Some(errno) => Err(SeccompError::Errno { action, errno }),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::runtime::seccomp::compile::compile;
    use crate::runtime::seccomp::interpreter::{Call, run};

    fn parsed(seccomp: &Value) -> Result<Policy, SeccompError> {
        policy(&serde_json::from_value(seccomp.clone()).unwrap())
    }

    #[track_caller]
    fn check(seccomp: &Value, calls: &[(Call, Verdict)]) {
        let program = compile(&parsed(seccomp).unwrap());
        for (call, expected) in calls {
            assert_eq!(run(&program, call), *expected, "{call:?} with {seccomp}");
        }
    }

    fn number(name: &str) -> u32 {
        Architecture::X86_64.numbers()[name]
    }

    #[test]
    fn every_action() {
        for (action, errno, expected) in [
            ("SCMP_ACT_KILL", None, Verdict::KILL_THREAD),
            ("SCMP_ACT_KILL_THREAD", None, Verdict::KILL_THREAD),
            ("SCMP_ACT_KILL_PROCESS", None, Verdict::KILL_PROCESS),
            ("SCMP_ACT_TRAP", None, Verdict::TRAP),
            ("SCMP_ACT_ERRNO", None, Verdict::DENY),
            ("SCMP_ACT_ERRNO", Some(13), Verdict::errno(13)),
            ("SCMP_ACT_TRACE", None, Verdict::trace(1)),
            ("SCMP_ACT_TRACE", Some(65535), Verdict::trace(65535)),
            ("SCMP_ACT_LOG", None, Verdict::LOG),
            ("SCMP_ACT_NOTIFY", None, Verdict::NOTIFY),
        ] {
            let mut rule = json!({"names": ["getpid"], "action": action});
            if let Some(errno) = errno {
                rule["errnoRet"] = json!(errno);
            }
            let calls = [(Call::native(39, 0), expected), (Call::native(40, 0), Verdict::ALLOW)];
            check(&json!({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [rule]}), &calls);
        }
    }

    #[test]
    fn the_default_and_what_is_younger_than_the_profile() {
        let rules = json!([{"names": ["read", "openat2", "fly"], "action": "SCMP_ACT_ALLOW"}]);
        check(
            &json!({"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 13, "syscalls": rules}),
            &[
                (Call::native(0, 0), Verdict::ALLOW),
                (Call::native(1, 0), Verdict::errno(13)),
                (Call::native(437, 0), Verdict::ALLOW),
                (Call::native(438, 0), Verdict::ABSENT),
                (Call::native(X32_BIT, 0), Verdict::ABSENT),
            ],
        );
        let nothing_else = json!({"defaultAction": "SCMP_ACT_KILL_PROCESS", "syscalls": []});
        check(&nothing_else, &[(Call::native(9999, 0), Verdict::KILL_PROCESS)]);
        let tracer = json!({"defaultAction": "SCMP_ACT_TRACE", "syscalls": rules});
        check(&tracer, &[(Call::native(9999, 0), Verdict::trace(1))]);
    }

    #[test]
    fn arguments() {
        let args = |args: Value| {
            let rule = json!({"names": ["personality"], "action": "SCMP_ACT_ERRNO", "args": args});
            json!({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [rule]})
        };
        let call = |argument: u64| Call::native(number("personality"), argument);
        for (op, value, two, denied, allowed) in [
            ("EQ", 1u64 << 32 | 5, 0, vec![1 << 32 | 5], vec![5, 1 << 32]),
            ("NE", 5, 0, vec![4, 1 << 32 | 5], vec![5]),
            ("LT", 1 << 32, 0, vec![0, 0xffff_ffff], vec![1 << 32, u64::MAX]),
            ("LE", 1 << 32, 0, vec![0, 1 << 32], vec![1 << 32 | 1]),
            ("GT", 1 << 32, 0, vec![1 << 32 | 1, u64::MAX], vec![0, 1 << 32]),
            ("GE", 1 << 32, 0, vec![1 << 32, u64::MAX], vec![0xffff_ffff]),
            ("MASKED_EQ", 0xf0, 0x10, vec![0x10, 0x1f, 1 << 40 | 0x10], vec![0, 0x20]),
        ] {
            let args = args(json!([{"index": 0, "value": value, "valueTwo": two, "op": format!("SCMP_CMP_{op}")}]));
            let calls = denied.into_iter().map(|argument| (call(argument), Verdict::DENY));
            let calls = calls.chain(allowed.into_iter().map(|argument| (call(argument), Verdict::ALLOW)));
            check(&args, &calls.collect::<Vec<_>>());
        }
        // Two about one argument: either. About two: both.
        let either = args(json!([
            {"index": 0, "value": 1, "op": "SCMP_CMP_EQ"},
            {"index": 0, "value": 2, "op": "SCMP_CMP_EQ"},
        ]));
        check(&either, &[(call(1), Verdict::DENY), (call(2), Verdict::DENY), (call(3), Verdict::ALLOW)]);
        let both = args(json!([
            {"index": 0, "value": 1, "op": "SCMP_CMP_EQ"},
            {"index": 5, "value": 2, "op": "SCMP_CMP_EQ"},
        ]));
        let second = Call { arguments: [1, 0, 0, 0, 0, 2], ..call(1) };
        check(&both, &[(call(1), Verdict::ALLOW), (second, Verdict::DENY)]);
    }

    #[test]
    fn several_rules_of_one_call() {
        let rule = |value: u64, errno: u32| {
            let args = json!([{"index": 0, "value": value, "op": "SCMP_CMP_EQ"}]);
            json!({"names": ["dup"], "action": "SCMP_ACT_ERRNO", "errnoRet": errno, "args": args})
        };
        let dup = |argument: u64| Call::native(number("dup"), argument);
        let rules = |rules: &[Value]| json!({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": rules});
        check(
            &rules(&[rule(1, 10), rule(2, 11), rule(2, 12)]),
            &[(dup(1), Verdict::errno(10)), (dup(2), Verdict::errno(11)), (dup(3), Verdict::ALLOW)],
        );
        let always = json!({"names": ["dup"], "action": "SCMP_ACT_LOG"});
        check(&rules(&[rule(1, 10), always]), &[(dup(1), Verdict::LOG)]);
        let default = json!({"names": ["dup"], "action": "SCMP_ACT_ALLOW"});
        check(&rules(&[default, rule(1, 10)]), &[(dup(1), Verdict::errno(10))]);
    }

    #[test]
    fn architectures() {
        let seccomp = |architectures: Value| {
            let args = json!([{"index": 0, "value": u64::MAX, "op": "SCMP_CMP_EQ"}]);
            let rules = json!([
                {"names": ["mkdir", "ioctl"], "action": "SCMP_ACT_ERRNO"},
                {"names": ["personality"], "action": "SCMP_ACT_ERRNO", "args": args},
            ]);
            json!({"defaultAction": "SCMP_ACT_ALLOW", "architectures": architectures, "syscalls": rules})
        };
        let of_32_bits = [39, 54, 136].map(|number| Call::x86(number, 0xffff_ffff));
        let alone = seccomp(json!(["SCMP_ARCH_X86_64", "SCMP_ARCH_AARCH64"]));
        check(&alone, &of_32_bits.map(|call| (call, Verdict::KILL_PROCESS)));
        let with_32_bits = seccomp(json!(["SCMP_ARCH_X86"]));
        check(&with_32_bits, &of_32_bits.map(|call| (call, Verdict::DENY)));
        check(&with_32_bits, &[(Call::x86(40, 0), Verdict::ALLOW), (Call::native(83, 0), Verdict::DENY)]);
        let with_x32 = seccomp(json!(["SCMP_ARCH_X86_64", "SCMP_ARCH_X32"]));
        let x32 = |number| Call::native(X32_BIT | number, 0);
        check(&with_x32, &[(x32(83), Verdict::DENY), (x32(514), Verdict::DENY), (x32(0), Verdict::ALLOW)]);
        check(&alone, &[(x32(0), Verdict::ABSENT)]);
        let other = Call { architecture: 0xC000_00B7, ..Call::native(0, 0) };
        check(&alone, &[(other, Verdict::KILL_PROCESS)]);
    }

    #[test]
    fn mistakes() {
        let rule = |rule: Value| json!({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [rule]});
        for (seccomp, expected) in [
            (
                json!({"defaultAction": "SCMP_ACT_ALLOW", "defaultErrnoRet": 1}),
                "action SCMP_ACT_ALLOW cannot return error number 1",
            ),
            (
                rule(json!({"names": [], "action": "SCMP_ACT_ERRNO", "errnoRet": 65536})),
                "action SCMP_ACT_ERRNO cannot return error number 65536",
            ),
            (json!({"defaultAction": "SCMP_ACT_NOTIFY"}), "the default action cannot be SCMP_ACT_NOTIFY"),
            (
                rule(json!({"names": ["write"], "action": "SCMP_ACT_NOTIFY"})),
                "`write` cannot have the action SCMP_ACT_NOTIFY: it is needed to hand over the listener",
            ),
            (
                rule(
                    json!({"names": [], "action": "SCMP_ACT_LOG", "args": [{"index": 6, "value": 0, "op": "SCMP_CMP_EQ"}]}),
                ),
                "a system call has no argument 6: they are numbered from 0 to 5",
            ),
        ] {
            assert_eq!(parsed(&seccomp).unwrap_err().to_string(), expected);
        }
    }
}
