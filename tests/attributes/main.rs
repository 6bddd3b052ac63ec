//! What each attribute of a service does to its container: seen in the running container from inside, by a command run
//! in it, and from outside, in what the kernel says of its first process.
//!
//! A test begins with a line that names the attributes and what is looked at, from which `docs/attributes.md` is made:
//! `` /// `mem_limit`: the limit of its cgroup; the same file on the host. ``
#![expect(clippy::unwrap_used, reason = "a step that fails ends its test, and says so")]
#![expect(clippy::print_stderr, reason = "a failed test shows what its containers said")]

#[path = "../support/mod.rs"]
#[expect(dead_code, unused_imports, reason = "the scenarios use the rest of it")]
mod support;

mod devices;
mod etc;
mod files;
mod inspect;
mod io;
#[path = "../support/kernel.rs"]
mod kernel;
mod namespaces;
mod network;
mod process;
mod resources;
mod runtimes;
mod security;
mod table;
mod unit;
mod userns;
