//! What the kernel is to give a process, and when: `process.scheduler`, `ioPriority`, `execCPUAffinity`,
//! `linux.memoryPolicy` and `linux.personality`.

use oci_spec::runtime::{
    IOPriorityClass, LinuxMemoryPolicy, LinuxPersonalityDomain, LinuxSchedulerFlag, LinuxSchedulerPolicy,
    MemoryPolicyFlagType, MemoryPolicyModeType, Process, Scheduler, Spec,
};
use rustix::thread::CpuSet;

use super::InitError;
use crate::sys::scheduling;

/// `SCHED_ISO`, which the kernel reserves and does not have, is refused before a shim is started.
const SCHED_ISO: u32 = 4;
/// See `personality(2)`.
const PER_LINUX: u32 = 0;
const PER_LINUX32: u32 = 8;
/// `MPOL_WEIGHTED_INTERLEAVE`, since Linux 6.9.
const MPOL_WEIGHTED_INTERLEAVE: i32 = 6;

/// Applies them to this process, which must still have the rights for it.
pub(super) fn apply(spec: &Spec, process: &Process) -> Result<(), InitError> {
    let linux = spec.linux().as_ref();
    if let Some(personality) = linux.and_then(|linux| linux.personality().as_ref()) {
        let persona = match personality.domain() {
            LinuxPersonalityDomain::PerLinux => PER_LINUX,
            LinuxPersonalityDomain::PerLinux32 => PER_LINUX32,
        };
        scheduling::set_personality(persona).map_err(InitError::Personality)?;
    }
    if let Some(policy) = linux.and_then(|linux| linux.memory_policy().as_ref()) {
        let nodes = number_list(policy.nodes().as_deref().unwrap_or_default()).map_err(InitError::NumberList)?;
        scheduling::set_memory_policy(memory_policy(policy), &mask(&nodes)).map_err(InitError::MemoryPolicy)?;
    }
    if let Some(priority) = process.io_priority() {
        let class = match priority.class() {
            IOPriorityClass::IoprioClassRt => 1,
            IOPriorityClass::IoprioClassBe => 2,
            IOPriorityClass::IoprioClassIdle => 3,
        };
        let value = u16::try_from(priority.priority()).unwrap_or(u16::MAX);
        scheduling::set_io_priority(class, value).map_err(InitError::IoPriority)?;
    }
    if let Some(scheduler) = process.scheduler() {
        scheduling::set_scheduler(&attributes(scheduler)).map_err(InitError::Scheduler)?;
    }
    Ok(())
}

fn attributes(scheduler: &Scheduler) -> scheduling::Scheduler {
    let policy = match scheduler.policy() {
        LinuxSchedulerPolicy::SchedOther => libc::SCHED_OTHER,
        LinuxSchedulerPolicy::SchedFifo => libc::SCHED_FIFO,
        LinuxSchedulerPolicy::SchedRr => libc::SCHED_RR,
        LinuxSchedulerPolicy::SchedBatch => libc::SCHED_BATCH,
        LinuxSchedulerPolicy::SchedIdle => libc::SCHED_IDLE,
        LinuxSchedulerPolicy::SchedDeadline => libc::SCHED_DEADLINE,
        LinuxSchedulerPolicy::SchedIso => SCHED_ISO.cast_signed(),
    };
    let flag = |flag: &LinuxSchedulerFlag| match flag {
        LinuxSchedulerFlag::SchedResetOnFork => libc::SCHED_FLAG_RESET_ON_FORK,
        LinuxSchedulerFlag::SchedFlagReclaim => libc::SCHED_FLAG_RECLAIM,
        LinuxSchedulerFlag::SchedFlagDLOverrun => libc::SCHED_FLAG_DL_OVERRUN,
        LinuxSchedulerFlag::SchedFlagKeepPolicy => libc::SCHED_FLAG_KEEP_POLICY,
        LinuxSchedulerFlag::SchedFlagKeepParams => libc::SCHED_FLAG_KEEP_PARAMS,
        LinuxSchedulerFlag::SchedFlagUtilClampMin => libc::SCHED_FLAG_UTIL_CLAMP_MIN,
        LinuxSchedulerFlag::SchedFlagUtilClampMax => libc::SCHED_FLAG_UTIL_CLAMP_MAX,
    };
    let flags = scheduler.flags().iter().flatten().map(flag).fold(0, |all, flag| all | flag.unsigned_abs());
    scheduling::Scheduler {
        policy: policy.unsigned_abs(),
        flags: u64::from(flags),
        nice: scheduler.nice().unwrap_or_default(),
        priority: scheduler.priority().and_then(|priority| u32::try_from(priority).ok()).unwrap_or_default(),
        runtime: scheduler.runtime().unwrap_or_default(),
        deadline: scheduler.deadline().unwrap_or_default(),
        period: scheduler.period().unwrap_or_default(),
    }
}

fn memory_policy(policy: &LinuxMemoryPolicy) -> i32 {
    let mode = match policy.mode() {
        MemoryPolicyModeType::MpolDefault => libc::MPOL_DEFAULT,
        MemoryPolicyModeType::MpolBind => libc::MPOL_BIND,
        MemoryPolicyModeType::MpolInterleave => libc::MPOL_INTERLEAVE,
        MemoryPolicyModeType::MpolWeightedInterleave => MPOL_WEIGHTED_INTERLEAVE,
        MemoryPolicyModeType::MpolPreferred => libc::MPOL_PREFERRED,
        MemoryPolicyModeType::MpolPreferredMany => 5,
        MemoryPolicyModeType::MpolLocal => libc::MPOL_LOCAL,
    };
    policy.flags().iter().flatten().fold(mode, |mode, flag| {
        mode | match flag {
            MemoryPolicyFlagType::MpolFNumaBalancing => libc::MPOL_F_NUMA_BALANCING,
            MemoryPolicyFlagType::MpolFRelativeNodes => libc::MPOL_F_RELATIVE_NODES,
            MemoryPolicyFlagType::MpolFStaticNodes => libc::MPOL_F_STATIC_NODES,
        }
    })
}

/// Lets this process run on the processors of `list` only.
pub(in crate::runtime) fn set_affinity(list: &str) -> Result<(), InitError> {
    let mut processors = CpuSet::new();
    for number in number_list(list).map_err(InitError::NumberList)? {
        processors.set(number);
    }
    rustix::thread::sched_setaffinity(None, &processors)
        .map_err(|error| InitError::Affinity { list: list.to_owned(), source: error.into() })
}

/// Lets this process run on every processor of its cgroup: a caller that keeps to some does not ask for that.
pub(in crate::runtime) fn reset_affinity() {
    let mut processors = CpuSet::new();
    (0..CpuSet::MAX_CPU).for_each(|number| processors.set(number));
    // Then it runs where its caller does.
    let _ = rustix::thread::sched_setaffinity(None, &processors);
}

fn mask(numbers: &[usize]) -> Vec<u64> {
    let words = numbers.iter().max().map_or(0, |highest| highest / 64 + 1);
    let mut mask = vec![0; words];
    for number in numbers {
        mask[number / 64] |= 1 << (number % 64);
    }
    mask
}

/// What the kernel writes as `0-3,7`; none in an empty text. Returns the text that is no such list.
pub(in crate::runtime) fn number_list(text: &str) -> Result<Vec<usize>, String> {
    let part = |part: &str| -> Option<std::ops::RangeInclusive<usize>> {
        let number = |text: &str| text.trim().parse().ok().filter(|&number: &usize| number < CpuSet::MAX_CPU);
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last) = (number(first)?, number(last)?);
        (first <= last).then_some(first..=last)
    };
    if text.trim().is_empty() {
        return Ok(Vec::new());
    }
    let ranges: Option<Vec<_>> = text.split(',').map(part).collect();
    Ok(ranges.ok_or_else(|| text.to_owned())?.into_iter().flatten().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_numbers() {
        for (text, expected) in [("", vec![]), ("0", vec![0]), ("0-2,7", vec![0, 1, 2, 7]), (" 1 , 3 ", vec![1, 3])] {
            assert_eq!(number_list(text).unwrap(), expected, "{text}");
        }
        for text in ["a", "1-", "-1", "3-1", "1,,2", "1024", "99999999999999999999"] {
            assert_eq!(number_list(text).unwrap_err(), text);
        }
    }

    #[test]
    fn masks() {
        assert_eq!(mask(&[]), [0; 0]);
        assert_eq!(mask(&[0, 3, 65]), [9, 2]);
    }
}
