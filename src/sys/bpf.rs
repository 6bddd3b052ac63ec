//! Programs that decide in the kernel which devices the processes of a cgroup may use: `bpf(2)`.

use std::io;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};

/// One instruction: `struct bpf_insn`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(C)]
pub struct Instruction {
    /// What to do.
    pub code: u8,
    /// The register it is done to, and in the upper half the one it is done with.
    pub registers: u8,
    /// How many instructions to skip, or where in memory.
    pub offset: i16,
    /// The operand.
    pub immediate: i32,
}

/// `enum bpf_cmd`.
const PROGRAM_LOAD: libc::c_int = 5;
const PROGRAM_ATTACH: libc::c_int = 8;
const PROGRAM_GET_BY_ID: libc::c_int = 13;
const PROGRAM_QUERY: libc::c_int = 16;
/// `BPF_PROG_TYPE_CGROUP_DEVICE`, and the place it is attached to, `BPF_CGROUP_DEVICE`.
const CGROUP_DEVICE_PROGRAM: u32 = 15;
const CGROUP_DEVICE: u32 = 6;
/// `BPF_F_ALLOW_MULTI`: programs of the cgroups above it go on to have a say. `BPF_F_REPLACE`: in place of another.
const ALLOW_MULTIPLE: u32 = 1 << 1;
const REPLACE: u32 = 1 << 2;

/// The part of `union bpf_attr` that loads a program.
#[repr(C)]
struct Load {
    kind: u32,
    instruction_count: u32,
    instructions: u64,
    license: u64,
    log_level: u32,
    log_size: u32,
    log: u64,
    kernel_version: u32,
    flags: u32,
}

/// The part that attaches one.
#[repr(C)]
struct Attach {
    target: u32,
    program: u32,
    place: u32,
    flags: u32,
    replaced: u32,
}

/// The part that asks for those that are attached.
#[repr(C)]
struct Query {
    target: u32,
    place: u32,
    query_flags: u32,
    attach_flags: u32,
    ids: u64,
    count: u32,
    padding: u32,
}

/// The part that finds one again.
#[repr(C)]
struct Find {
    id: u32,
    next: u32,
    flags: u32,
}

/// Has `program` decide for the cgroup (a directory of version 2), in place of the one it had by this function, if any.
///
/// # Errors
/// `EPERM` without CAP_BPF or CAP_SYS_ADMIN, `EINVAL` or `ENOSYS` where the kernel lacks it or refuses the program.
pub fn restrict_devices(cgroup: impl AsFd, program: &[Instruction]) -> io::Result<()> {
    let old = device_programs(&cgroup)?.first().map(|id| find(*id)).transpose()?;
    let program = load(program)?;
    let mut attach = Attach {
        target: number(&cgroup),
        program: number(&program),
        place: CGROUP_DEVICE,
        flags: ALLOW_MULTIPLE | if old.is_some() { REPLACE } else { 0 },
        replaced: old.as_ref().map_or(0, number),
    };
    call(PROGRAM_ATTACH, &mut attach).map(drop)
}

/// The ids of the programs that decide for this cgroup itself.
///
/// # Errors
/// As [`restrict_devices`].
pub fn device_programs(cgroup: impl AsFd) -> io::Result<Vec<u32>> {
    let mut ids = [0_u32; 64];
    let mut query = Query {
        target: number(&cgroup),
        place: CGROUP_DEVICE,
        query_flags: 0,
        attach_flags: 0,
        ids: ids.as_mut_ptr() as u64,
        count: 64,
        padding: 0,
    };
    call(PROGRAM_QUERY, &mut query)?;
    Ok(ids.into_iter().take(query.count as usize).collect())
}

fn find(id: u32) -> io::Result<OwnedFd> {
    call(PROGRAM_GET_BY_ID, &mut Find { id, next: 0, flags: 0 }).map(owned)
}

fn load(program: &[Instruction]) -> io::Result<OwnedFd> {
    let count = u32::try_from(program.len()).map_err(|_| io::Error::from_raw_os_error(libc::E2BIG))?;
    let mut load = Load {
        kind: CGROUP_DEVICE_PROGRAM,
        instruction_count: count,
        instructions: program.as_ptr() as u64,
        // It calls none of the kernel's functions that ask for a licence of their own.
        license: c"MIT".as_ptr() as u64,
        log_level: 0,
        log_size: 0,
        log: 0,
        kernel_version: 0,
        flags: 0,
    };
    call(PROGRAM_LOAD, &mut load).map(owned)
}

fn number(fd: &impl AsFd) -> u32 {
    fd.as_fd().as_raw_fd().cast_unsigned()
}

fn owned(fd: i32) -> OwnedFd {
    // SAFETY: the commands that this is used for return a new descriptor, close-on-exec, which nobody else owns.
    unsafe { OwnedFd::from_raw_fd(fd) }
}

/// `attribute` is one of the structs above, whose pointers are to memory that outlives the call.
fn call<T>(command: libc::c_int, attribute: &mut T) -> io::Result<i32> {
    // SAFETY: the struct begins as the kernel's union does for this command and is of the given size, which is all that
    // the kernel reads, and writes an answer to.
    let result = unsafe { libc::syscall(libc::SYS_bpf, command, std::ptr::from_mut(attribute), size_of::<T>()) };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(i32::try_from(result).unwrap_or_default()) }
}
