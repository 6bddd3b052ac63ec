//! From a policy to the program that the kernel runs on every system call and, at installation, once for every number.
//!
//! So it is a binary search over ranges of numbers with the same treatment, not the list of comparisons that libseccomp
//! makes.

use super::architecture::{Architecture, Width};
use super::policy::{Condition, Operator, Policy, Rule, Treatment, Verdict};
use crate::sys::seccomp::Instruction;

/// `struct seccomp_data`: the call's number, the architecture, and the halves of an argument.
pub(super) const NUMBER: u32 = 0;
pub(super) const ARCHITECTURE: u32 = 4;
const fn low(argument: u8) -> u32 {
    16 + 8 * argument as u32
}
const fn high(argument: u8) -> u32 {
    low(argument) + 4
}

/// `AUDIT_ARCH_X86_64` and `AUDIT_ARCH_I386`.
pub(super) const X86_64: u32 = 0xC000_003E;
pub(super) const X86: u32 = 0x4000_0003;

// See `linux/bpf_common.h`: load a word, mask it, return, and jumps, each with a constant operand.
pub(super) const LOAD: u16 = 0x20;
pub(super) const AND: u16 = 0x54;
pub(super) const RETURN: u16 = 0x06;
pub(super) const IF_EQUAL: u16 = 0x15;
pub(super) const IF_GREATER: u16 = 0x25;
pub(super) const IF_AT_LEAST: u16 = 0x35;
pub(super) const JUMP: u16 = 0x05;

/// `BPF_MAXINSNS`.
pub(super) const MOST: usize = 4096;

fn instruction(code: u16, operand: u32, jump_true: u8, jump_false: u8) -> Instruction {
    Instruction { code, jump_true, jump_false, operand }
}

fn plain(code: u16, operand: u32) -> Instruction {
    instruction(code, operand, 0, 0)
}

/// The program of a policy. It may be longer than the kernel takes.
pub(super) fn compile(policy: &Policy) -> Vec<Instruction> {
    let tree = |architecture| {
        let (ranges, width) = policy.of(architecture);
        let mut program = vec![plain(LOAD, NUMBER)];
        program.extend(search(&ranges.0, width));
        program
    };
    let mut program = vec![plain(LOAD, ARCHITECTURE), instruction(IF_EQUAL, X86_64, 1, 0)];
    let native = tree(Architecture::X86_64);
    program.push(plain(JUMP, length(&native)));
    program.extend(native);
    // What the kernel could run but is none of the two.
    program.extend([instruction(IF_EQUAL, X86, 1, 0), plain(RETURN, Verdict::KILL_PROCESS.0)]);
    program.extend(tree(Architecture::X86));
    program
}

fn length(program: &[Instruction]) -> u32 {
    u32::try_from(program.len()).expect("a policy has at most some thousand calls")
}

fn search(ranges: &[(u32, Treatment)], width: Width) -> Vec<Instruction> {
    if let [(_, treatment)] = ranges {
        return leaf(treatment, width);
    }
    let (low, high) = ranges.split_at(ranges.len() / 2);
    let pivot = high[0].0;
    let (low, high) = (search(low, width), search(high, width));
    let mut program = Vec::with_capacity(low.len() + high.len() + 2);
    match u8::try_from(low.len()) {
        Ok(skip) => program.push(instruction(IF_AT_LEAST, pivot, skip, 0)),
        Err(_) => {
            // A conditional jump reaches 255 instructions, an unconditional one any number.
            program.push(instruction(IF_AT_LEAST, pivot, 0, 1));
            program.push(plain(JUMP, length(&low)));
        }
    }
    program.extend(low);
    program.extend(high);
    program
}

fn leaf(treatment: &Treatment, width: Width) -> Vec<Instruction> {
    let mut program: Vec<Instruction> = treatment.rules.iter().flat_map(|rule| rule_program(rule, width)).collect();
    program.push(plain(RETURN, treatment.otherwise.0));
    program
}

/// Returns the verdict, or goes on behind the rule. At most six conditions of six instructions: every jump is short.
fn rule_program(rule: &Rule, width: Width) -> Vec<Instruction> {
    let mut program = vec![plain(RETURN, rule.verdict.0)];
    for condition in rule.conditions.iter().rev() {
        let rest = u8::try_from(program.len()).expect("a rule has one condition for each of six arguments");
        let mut test = condition_program(condition, rest, width);
        test.append(&mut program);
        program = test;
    }
    program
}

/// Falls through when the condition holds, skips `rest` more instructions when it does not.
fn condition_program(condition: &Condition, rest: u8, width: Width) -> Vec<Instruction> {
    let (upper, lower) = halves(condition.value);
    let load_low = plain(LOAD, low(condition.argument));
    let mut low = vec![load_low];
    low.extend(match condition.operator {
        Operator::Equal => vec![instruction(IF_EQUAL, lower, 0, rest)],
        Operator::NotEqual => vec![instruction(IF_EQUAL, lower, rest, 0)],
        Operator::Less => vec![instruction(IF_AT_LEAST, lower, rest, 0)],
        Operator::LessOrEqual => vec![instruction(IF_GREATER, lower, rest, 0)],
        Operator::Greater => vec![instruction(IF_GREATER, lower, 0, rest)],
        Operator::GreaterOrEqual => vec![instruction(IF_AT_LEAST, lower, 0, rest)],
        Operator::MaskedEqual(mask) => vec![plain(AND, halves(mask).1), instruction(IF_EQUAL, lower, 0, rest)],
    });
    let ignored = matches!(condition.operator, Operator::MaskedEqual(mask) if halves(mask).0 == 0) && upper == 0;
    if width == Width::Half || ignored {
        return low;
    }
    // From behind the test of the upper half: where the lower half begins, holds, or does not.
    let holds = u8::try_from(low.len()).expect("at most three instructions");
    let fails = holds + rest;
    let mut program = vec![plain(LOAD, high(condition.argument))];
    program.extend(match condition.operator {
        Operator::Equal => vec![instruction(IF_EQUAL, upper, 0, fails)],
        Operator::NotEqual => vec![instruction(IF_EQUAL, upper, 0, holds)],
        Operator::Less | Operator::LessOrEqual => {
            vec![instruction(IF_GREATER, upper, fails + 1, 0), instruction(IF_EQUAL, upper, 0, holds)]
        }
        Operator::Greater | Operator::GreaterOrEqual => {
            vec![instruction(IF_GREATER, upper, holds + 1, 0), instruction(IF_EQUAL, upper, 0, fails)]
        }
        Operator::MaskedEqual(mask) => vec![plain(AND, halves(mask).0), instruction(IF_EQUAL, upper, 0, fails)],
    });
    program.extend(low);
    program
}

/// The upper and the lower 32 bits.
#[expect(clippy::cast_possible_truncation, reason = "that is what a half is")]
fn halves(value: u64) -> (u32, u32) {
    ((value >> 32) as u32, value as u32)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::runtime::seccomp::interpreter::{Call, evaluate, run};
    use crate::runtime::seccomp::policy::Ranges;

    fn verdict() -> impl Strategy<Value = Verdict> {
        prop_oneof![
            Just(Verdict::ALLOW),
            Just(Verdict::LOG),
            Just(Verdict::TRAP),
            Just(Verdict::KILL_THREAD),
            (1u16..200).prop_map(Verdict::errno),
        ]
    }

    /// Few different values, in both halves, so that comparisons are often close.
    fn value() -> impl Strategy<Value = u64> {
        let half = || prop_oneof![0u64..3, Just(0xffff_ffff), Just(0x7E02_0000)];
        (half(), half()).prop_map(|(high, low)| high << 32 | low)
    }

    fn condition(argument: u8) -> impl Strategy<Value = Condition> {
        let operator = prop_oneof![
            Just(Operator::Equal),
            Just(Operator::NotEqual),
            Just(Operator::Less),
            Just(Operator::LessOrEqual),
            Just(Operator::Greater),
            Just(Operator::GreaterOrEqual),
            value().prop_map(Operator::MaskedEqual),
        ];
        (operator, value()).prop_map(move |(operator, value)| Condition { argument, operator, value })
    }

    fn treatment() -> impl Strategy<Value = Treatment> {
        let rule = (proptest::sample::subsequence(vec![0u8, 1, 2, 3, 4, 5], 0..=6), verdict())
            .prop_flat_map(|(arguments, verdict)| {
                let conditions: Vec<_> = arguments.into_iter().map(condition).collect();
                (conditions, Just(verdict))
            })
            .prop_map(|(conditions, verdict)| Rule { conditions, verdict });
        (proptest::collection::vec(rule, 0..4), verdict()).prop_map(|(rules, otherwise)| Treatment { rules, otherwise })
    }

    fn ranges(most: u32) -> impl Strategy<Value = (BTreeMap<u32, Treatment>, Verdict)> {
        (proptest::collection::btree_map(0..most, treatment(), 0..80), verdict())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn the_program_does_what_the_policy_says(
            (native, native_default) in ranges(100),
            (other, other_default) in ranges(30),
            calls in proptest::collection::vec((any::<bool>(), 0u32..120, proptest::array::uniform6(value())), 100),
        ) {
            let policy = Policy {
                x86_64: Ranges::new(native, native_default, Some((90, Verdict::ABSENT))),
                x86: Ranges::new(other, other_default, None),
            };
            let program = compile(&policy);
            for (is_native, number, arguments) in calls {
                let architecture = if is_native { X86_64 } else { X86 };
                let arguments = if is_native { arguments } else { arguments.map(|argument| argument & 0xffff_ffff) };
                let call = Call { architecture, number, arguments };
                prop_assert_eq!(run(&program, &call), evaluate(&policy, &call), "{:?}", call);
            }
        }
    }
}
