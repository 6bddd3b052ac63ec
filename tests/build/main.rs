//! Layers and the commands of a build, over the files of this machine (`/`), as seen from inside and by what they leave.
//!
//! Each test runs in a mount and a network namespace of its own and takes its directories with it.
#![expect(clippy::unwrap_used, reason = "test harness")]

mod harness;
mod killed;
mod layer;
mod mounts;
#[path = "../support/patience.rs"]
mod patience;
mod run;
