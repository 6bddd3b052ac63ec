//! How the kernel schedules this process, its disk accesses and its memory: calls that no crate wraps.

use std::io;

/// The arguments of `sched_setattr(2)`; what a policy has no use for is 0.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Scheduler {
    /// `SCHED_*`.
    pub policy: u32,
    /// `SCHED_FLAG_*`.
    pub flags: u64,
    /// From -20 to 19.
    pub nice: i32,
    /// From 1 to 99.
    pub priority: u32,
    /// Nanoseconds.
    pub runtime: u64,
    /// Nanoseconds.
    pub deadline: u64,
    /// Nanoseconds.
    pub period: u64,
}

/// Has this process scheduled as `scheduler` says.
///
/// # Errors
/// What the kernel says; `EPERM` without CAP_SYS_NICE, `EBUSY` for a deadline that cannot be guaranteed.
pub fn set_scheduler(scheduler: &Scheduler) -> io::Result<()> {
    // SAFETY: every field of the plain struct is an integer, for which zero is valid.
    let mut attributes: libc::sched_attr = unsafe { std::mem::zeroed() };
    attributes.size = u32::try_from(size_of::<libc::sched_attr>()).expect("a small struct");
    attributes.sched_policy = scheduler.policy;
    attributes.sched_flags = scheduler.flags;
    attributes.sched_nice = scheduler.nice;
    attributes.sched_priority = scheduler.priority;
    attributes.sched_runtime = scheduler.runtime;
    attributes.sched_deadline = scheduler.deadline;
    attributes.sched_period = scheduler.period;
    // SAFETY: the struct is valid and holds its own size; the kernel only reads it. 0 is this process.
    let result = unsafe { libc::syscall(libc::SYS_sched_setattr, 0, &raw const attributes, 0) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Sets the IO priority of this process: `class` is 1 (real time), 2 (best effort) or 3 (idle). See `ioprio_set(2)`.
///
/// # Errors
/// What the kernel says; `EPERM` for class 1 without CAP_SYS_ADMIN or CAP_SYS_NICE.
pub fn set_io_priority(class: u16, priority: u16) -> io::Result<()> {
    const IOPRIO_WHO_PROCESS: libc::c_int = 1;
    const IOPRIO_CLASS_SHIFT: u32 = 13;
    let value = libc::c_int::from(class) << IOPRIO_CLASS_SHIFT | libc::c_int::from(priority);
    // SAFETY: the call takes numbers only. 0 is this process.
    let result = unsafe { libc::syscall(libc::SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, value) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Sets the NUMA memory policy of this process; bit n of `nodes` is node n. See `set_mempolicy(2)`.
///
/// # Errors
/// What the kernel says; `EINVAL` for nodes that the machine does not have.
pub fn set_memory_policy(mode: i32, nodes: &[u64]) -> io::Result<()> {
    // The kernel takes one bit less than it is told.
    let bits = if nodes.is_empty() { 0 } else { nodes.len() * 64 + 1 };
    let pointer = if nodes.is_empty() { std::ptr::null() } else { nodes.as_ptr() };
    // SAFETY: the array has that many bits, or there is none; the kernel only reads it.
    let result = unsafe { libc::syscall(libc::SYS_set_mempolicy, mode, pointer, bits) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Sets the execution domain of this process. See `personality(2)`.
///
/// # Errors
/// What the kernel says.
pub fn set_personality(persona: u32) -> io::Result<()> {
    // SAFETY: the call takes a number and changes how later ones behave, not memory.
    let result = unsafe { libc::personality(libc::c_ulong::from(persona)) };
    if result >= 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
