//! Installing a compiled seccomp filter.

use std::io;

/// One instruction of a filter: `struct sock_filter`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(C)]
pub struct Instruction {
    /// What to do.
    pub code: u16,
    /// How many instructions to skip when a comparison holds.
    pub jump_true: u8,
    /// How many when it does not.
    pub jump_false: u8,
    /// The operand.
    pub operand: u32,
}

/// Puts `program` between this thread and the kernel, for good.
///
/// # Errors
/// `EACCES` without both CAP_SYS_ADMIN and `no_new_privs`; `EINVAL` for a program the kernel does not accept.
pub fn install(program: &[Instruction]) -> io::Result<()> {
    let length = u16::try_from(program.len()).map_err(|_| io::Error::from_raw_os_error(libc::EINVAL))?;
    let program = libc::sock_fprog { len: length, filter: program.as_ptr().cast_mut().cast() };
    // SAFETY: `Instruction` has the layout of `sock_filter`, the array has `length` of them, the kernel only reads it.
    let result = unsafe { libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, 0, &raw const program) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
