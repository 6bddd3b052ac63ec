//! `rcompose oci`, the real binary, on bundles in directories of the test's own.
//!
//! The test is the subreaper of its containers, as an engine's monitor is. Afterwards nothing of a container may be left:
//! no process, no cgroup, no directory.
#![expect(clippy::unwrap_used, reason = "test harness")]
#![expect(clippy::print_stderr, reason = "a test that skips says so")]

#[path = "../support/agent.rs"]
mod agent;
mod bundle;
mod create;
mod events;
mod exec;
mod harness;
mod hooks;
mod kill;
mod lifecycle;
mod list;
mod log;
mod mounts;
mod namespaces;
#[path = "../support/patience.rs"]
mod patience;
mod process;
mod resources;
mod run;
mod seccomp;
mod spec;
mod state;
