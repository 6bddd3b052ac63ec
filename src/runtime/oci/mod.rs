//! The OCI command line's verbs: a container per bundle, driven by single commands as runc is.
//!
//! ```text
//! create ──spawn──▶ cradle ──clone──▶ init ──▶ hooks ──▶ waits at a socket in the container's directory
//!    │  ◀── channel to init ──┘                              ▲
//!    └── says when it is whole: the cradle ends,             │
//!        init falls to the caller's subreaper       start ───┘ executes the program
//! ```
//!
//! No process of ours stays with a container: whoever called `create` (conmon, containerd's shim, systemd) is the one
//! that reaps it. If `create` dies half-way, the cradle undoes what there is. Between two commands all that is known is in
//! a directory for each container below the [`Root`]: `state.json`, written whole, and what `exec` needs.

mod attended;
mod bundle;
mod container;
mod cradle;
mod create;
mod delete;
mod error;
mod exec;
mod features;
mod hook;
mod id;
mod json;
mod kill;
mod resources;
mod root;
mod solitary;
mod start;
mod state;

pub use bundle::BundleError;
pub use container::Container;
pub use create::{Create, Created};
pub use error::OciError;
pub use exec::{Exec, parse_cgroups, read_process};
pub use features::features;
pub use hook::HookError;
pub use id::{Id, InvalidId};
pub use kill::parse_signal;
pub use resources::parse_resources;
pub use root::Root;
pub use state::{State, Status};

pub(super) use attended::Attended;
pub(super) use cradle::{ROLE, main};
pub(super) use solitary::Solitary;
