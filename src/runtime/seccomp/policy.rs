//! What a filter is to do, before it is a program: for each number of a call, rules about its arguments.

use std::collections::BTreeMap;

use super::architecture::{Architecture, Width};

/// What the kernel is told to do with a call. See `seccomp(2)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Verdict(pub(super) u32);

impl Verdict {
    pub(super) const ALLOW: Self = Self(libc::SECCOMP_RET_ALLOW);
    pub(super) const LOG: Self = Self(libc::SECCOMP_RET_LOG);
    pub(super) const NOTIFY: Self = Self(libc::SECCOMP_RET_USER_NOTIF);
    pub(super) const TRAP: Self = Self(libc::SECCOMP_RET_TRAP);
    pub(super) const KILL_THREAD: Self = Self(libc::SECCOMP_RET_KILL_THREAD);
    pub(super) const KILL_PROCESS: Self = Self(libc::SECCOMP_RET_KILL_PROCESS);
    /// Not permitted: EPERM.
    pub(super) const DENY: Self = Self::errno(1);
    /// Not there, ENOSYS: what programs probe for and then do without.
    pub(super) const ABSENT: Self = Self::errno(38);

    pub(super) const fn errno(errno: u16) -> Self {
        Self(libc::SECCOMP_RET_ERRNO | errno as u32)
    }

    pub(super) const fn trace(message: u16) -> Self {
        Self(libc::SECCOMP_RET_TRACE | message as u32)
    }

    /// Whether a call with this verdict takes place, if perhaps not unseen.
    pub(super) fn lets_pass(self) -> bool {
        let action = self.0 & libc::SECCOMP_RET_ACTION_FULL;
        [libc::SECCOMP_RET_ALLOW, libc::SECCOMP_RET_LOG, libc::SECCOMP_RET_TRACE].contains(&action)
    }
}

/// How an argument is compared. All numbers are unsigned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    /// Equal in the bits of this mask.
    MaskedEqual(u64),
}

/// A question about an argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Condition {
    /// Which argument, from 0 to 5.
    pub(super) argument: u8,
    pub(super) operator: Operator,
    pub(super) value: u64,
}

/// A verdict for when every condition holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rule {
    pub(super) conditions: Vec<Condition>,
    pub(super) verdict: Verdict,
}

/// What becomes of a call: the verdict of the first rule that holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Treatment {
    pub(super) rules: Vec<Rule>,
    pub(super) otherwise: Verdict,
}

impl From<Verdict> for Treatment {
    fn from(otherwise: Verdict) -> Self {
        Self { rules: Vec::new(), otherwise }
    }
}

/// Numbers of equal treatment: from each key up to the next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ranges(pub(super) Vec<(u32, Treatment)>);

impl Ranges {
    /// `calls` by number; all others are treated as `default`, and from the number `after.0` on as `after.1`.
    pub(super) fn new(calls: BTreeMap<u32, Treatment>, default: Verdict, after: Option<(u32, Verdict)>) -> Self {
        let mut ranges = Self(vec![(0, default.into())]);
        for (number, treatment) in calls {
            ranges.push(number, treatment);
            ranges.push(number + 1, default.into());
        }
        if let Some((number, verdict)) = after {
            ranges.0.retain(|&(first, _)| first < number);
            ranges.push(number, verdict.into());
        }
        ranges
    }

    /// Adds a range above all others, in place of one that begins with the same number.
    fn push(&mut self, first: u32, treatment: Treatment) {
        self.0.pop_if(|last| last.0 == first);
        if self.0.last().is_none_or(|(_, last)| *last != treatment) {
            self.0.push((first, treatment));
        }
    }

    /// These below `first`, and `above` from there on, where the numbers of `above` begin.
    pub(super) fn and(mut self, first: u32, above: Self) -> Self {
        self.0.retain(|&(number, _)| number < first);
        let begun = above.0.iter().rposition(|&(number, _)| number <= first).unwrap_or(0);
        for (number, treatment) in above.0.into_iter().skip(begun) {
            self.push(number.max(first), treatment);
        }
        self
    }
}

/// A whole filter. There is always a treatment for the kernel's own architecture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Policy {
    /// Of 64-bit programs; from [`super::architecture::X32_BIT`] on, of [`Architecture::X32`].
    pub(super) x86_64: Ranges,
    /// Of 32-bit programs.
    pub(super) x86: Ranges,
}

impl Policy {
    pub(super) fn of(&self, architecture: Architecture) -> (&Ranges, Width) {
        let ranges = if architecture == Architecture::X86 { &self.x86 } else { &self.x86_64 };
        (ranges, architecture.width())
    }
}
