//! What a process that lives as long as a container does to stay small.

/// Gives freed memory back to the kernel. See `malloc_trim(3)`.
pub fn trim() {
    #[cfg(target_env = "gnu")]
    // SAFETY: the call has no precondition.
    unsafe {
        libc::malloc_trim(0);
    }
}
