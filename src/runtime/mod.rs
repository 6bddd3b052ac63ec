//! One OCI container, created to deleted.
//!
//! ```text
//! supervisor ──spawn──▶ shim ──clone3──▶ init: in its namespaces, makes its own root, waits for `start`, execs
//!            ◀─channel─▶     ◀─channel─▶
//! ```
//!
//! 1. [`Shim::spawn`] starts our binary again as `rcompose __shim`, from a sealed copy in memory.
//! 2. [`Shim::created`] returns once the container exists and waits: the moment to attach networks to its namespace.
//! 3. [`Shim::start`] lets it execute its program and returns a [`Handle`].
//! 4. The shim writes the log and, before it reaps init, the exit record; [`Handle::exited`] reads that.
//! 5. [`delete`] removes what a killed shim has left.
//!
//! If whoever spawned it goes away before `start`, the shim undoes what it did. After that it needs nobody:
//! [`Handle::adopt`] finds it again. [`exec`] runs a further process in a running container, and an
//! [`Attachment`] joins what it reads and writes.
//!
//! A [`Transient`] is a container that ends with whoever made it. [`oci`] makes containers that no shim stays with, for other engines to drive.

mod attach;
mod capability;
mod cgroup;
mod channel;
mod config;
pub mod defaults;
mod error;
mod exec;
mod external;
pub mod files;
mod guardian;
mod handle;
pub mod host_program;
mod id_map;
mod init;
pub mod log;
mod newborn;
pub mod oci;
mod oom_score;
mod process_table;
mod pump;
mod record;
mod seccomp;
mod security_module;
mod shim;
mod spawn;
mod spec;
mod transient;

use std::process::ExitCode;

pub use attach::{Attachment, Said, Stdin};
pub use cgroup::{
    CgroupError, Cgroups, CpuStats, DeviceIo, MemoryStats, MonitorCgroup, PidsStats, Stats, cgroup_parent,
};
pub use config::{Config, Rootfs, Seccomp};
pub use error::RuntimeError;
pub use exec::{ExecChild, ExecOptions, Probe, Stdio, exec, first_process, probe, watch};
pub use external::{ExternalError, ExternalRuntime, FoundRuntime, Runtimes};
pub use files::FilesError;
pub use guardian::Guardian;
pub use handle::{Handle, Traffic, delete};
pub use init::{Accounts, User, UserError};
pub use oom_score::may_set_oom_score;
pub use process_table::Process;
pub use record::ExitStatus;
pub use rustix::process::Signal;
pub use security_module::has_apparmor;
pub use spawn::{Init, Shim};
pub use spec::SpecError;
pub use transient::{Given, Transient};

/// Has the internal roles run by the program at `path` instead of this one: for programs that use this library without
/// calling [`dispatch`]. To be called before anything else.
///
/// # Errors
/// [`RuntimeError::Copy`].
pub fn run_roles_with(path: &std::path::Path) -> Result<(), RuntimeError> {
    crate::sys::self_exe::seal(path).map(drop).map_err(RuntimeError::Copy)
}

/// Begins with what the start of the first container waits for longest, while something else is done before.
pub fn prepare() {
    crate::sys::self_exe::prepare();
}

/// Runs the internal role named by the first argument, if it is one. To be called before any thread exists.
#[must_use]
pub fn dispatch(role: &str) -> Option<ExitCode> {
    match role {
        shim::ROLE => Some(shim::main()),
        exec::ROLE => Some(exec::main()),
        oci::ROLE => Some(oci::main()),
        transient::ROLE => Some(transient::main()),
        init::REAPER => Some(init::reap()),
        _ => None,
    }
}
