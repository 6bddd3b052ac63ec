//! RUN: a command in a workspace, in a container that lasts no longer than it, and no longer than this process.

mod request;
mod script;

pub use request::{
    Attach, Attached, BindSource, Cache, Limits, Mount, Network, Ownership, Run, Security, Sharing, Site, Ulimit,
};
pub use script::{Heredoc, Script, script};
