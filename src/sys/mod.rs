//! Safe faces of kernel calls: the only module that holds `unsafe`.

#![expect(unsafe_code, reason = "kernel calls that no crate wraps; every block states its invariant")]

pub mod bpf;
pub mod clone;
pub mod descriptors;
mod file;
pub mod memory;
pub mod mount;
pub mod netlink;
pub mod netns;
pub mod overlay;
pub mod pidfd;
pub mod process;
pub mod quota;
pub mod random;
pub mod readiness;
mod root_dir;
pub mod scheduling;
pub mod seccomp;
pub mod self_exe;
pub mod signal;
pub mod spawn;

pub use file::{
    FileLock, create_one_of_many, create_private_dir_all, open_lock_file, path_of, try_lock_bytes, try_lock_directory,
    write_atomic,
};
pub use root_dir::{Owner, RootDir, reopen};
