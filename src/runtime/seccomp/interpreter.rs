//! Filters run and policies evaluated in tests: the former as the kernel does, the latter as one reads them.

use super::architecture::{Architecture, Width};
use super::compile::{AND, ARCHITECTURE, IF_AT_LEAST, IF_EQUAL, IF_GREATER, JUMP, LOAD, NUMBER, RETURN, X86, X86_64};
use super::policy::{Condition, Operator, Policy, Verdict};
use crate::sys::seccomp::Instruction;

/// `struct seccomp_data`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Call {
    pub(super) architecture: u32,
    pub(super) number: u32,
    pub(super) arguments: [u64; 6],
}

impl Call {
    /// One of a 64-bit program whose first argument alone matters.
    pub(super) fn native(number: u32, first: u64) -> Self {
        Self { architecture: X86_64, number, arguments: [first, 0, 0, 0, 0, 0] }
    }

    /// One of a 32-bit program.
    pub(super) fn x86(number: u32, first: u64) -> Self {
        Self { architecture: X86, ..Self::native(number, first) }
    }

    fn word(&self, offset: u32) -> u32 {
        let half = (offset.wrapping_sub(16)) / 4;
        match offset {
            NUMBER => self.number,
            ARCHITECTURE => self.architecture,
            _ => {
                let argument = self.arguments[half as usize / 2];
                u32::try_from(if half % 2 == 1 { argument >> 32 } else { argument & 0xffff_ffff }).unwrap()
            }
        }
    }
}

/// Runs a filter.
pub(super) fn run(program: &[Instruction], call: &Call) -> Verdict {
    let (mut at, mut accumulator) = (0, 0);
    loop {
        let now = program[at];
        at += 1;
        let condition = match now.code {
            RETURN => return Verdict(now.operand),
            LOAD => {
                accumulator = call.word(now.operand);
                continue;
            }
            AND => {
                accumulator &= now.operand;
                continue;
            }
            JUMP => {
                at += now.operand as usize;
                continue;
            }
            IF_EQUAL => accumulator == now.operand,
            IF_GREATER => accumulator > now.operand,
            IF_AT_LEAST => accumulator >= now.operand,
            code => unreachable!("{code}"),
        };
        at += usize::from(if condition { now.jump_true } else { now.jump_false });
    }
}

/// What a policy says, without a program.
pub(super) fn evaluate(policy: &Policy, call: &Call) -> Verdict {
    let architecture = match call.architecture {
        X86_64 => Architecture::X86_64,
        X86 => Architecture::X86,
        _ => return Verdict::KILL_PROCESS,
    };
    let (ranges, width) = policy.of(architecture);
    let (_, treatment) = ranges.0.iter().rfind(|(first, _)| *first <= call.number).unwrap();
    let holds = |condition: &Condition| holds(condition, call.arguments[usize::from(condition.argument)], width);
    let rule = treatment.rules.iter().find(|rule| rule.conditions.iter().all(holds));
    rule.map_or(treatment.otherwise, |rule| rule.verdict)
}

fn holds(condition: &Condition, argument: u64, width: Width) -> bool {
    let seen = |value: u64| if width == Width::Half { value & 0xffff_ffff } else { value };
    let (argument, value) = (seen(argument), seen(condition.value));
    match condition.operator {
        Operator::Equal => argument == value,
        Operator::NotEqual => argument != value,
        Operator::Less => argument < value,
        Operator::LessOrEqual => argument <= value,
        Operator::Greater => argument > value,
        Operator::GreaterOrEqual => argument >= value,
        Operator::MaskedEqual(mask) => argument & seen(mask) == value,
    }
}
