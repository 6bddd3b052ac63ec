//! Containers of the host's own files (`/` under a writable layer), run by the real binary, seen from inside.
//!
//! Each test runs in a mount and a network namespace of its own and takes its directories with it.
#![expect(clippy::unwrap_used, reason = "test harness")]

#[path = "../support/agent.rs"]
mod agent;
mod attach;
mod attack;
mod cgroup;
mod container;
mod exec;
mod harness;
mod isolation;
#[path = "../support/kernel.rs"]
mod kernel;
mod log;
mod many;
mod mounts;
#[path = "../support/patience.rs"]
mod patience;
mod process;
mod seccomp;
mod shim;
mod userns;
