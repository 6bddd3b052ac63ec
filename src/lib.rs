//! rcompose: docker compose without Docker.
//!
//! ```text
//! compose.yaml ─▶ compose ─▶ plan ─▶ supervisor ─┬▶ runtime ─┐
//!    .env         Project    Plan        ▲       ├▶ network ─┼▶ sys ─▶ kernel
//!                             ▲        Event     └▶ image   ─┘
//!                             │                  build: a Dockerfile to an image, on image and runtime
//!                             │                  cli: arguments in, text and exit code out
//!                         Observed ◀── state ◀── supervisor
//! ```
//!
//! # Processes
//!
//! | process | life | job |
//! |---|---|---|
//! | `rcompose` | one command | loads the file, pulls images, asks the supervisor, shows progress |
//! | supervisor | one per project, until its last container is gone | executes plans, watches shims, health, restarts, DNS |
//! | shim | one per container | parent of the container's init: writes the log and the exit record, revives a dead supervisor |
//!
//! # Invariants
//!
//! 1. `compose` (but for its `Files` reader), `plan`, `supervisor::lower` and `supervisor::restart` do no IO and
//!    read no clock: time and environment are arguments.
//! 2. The executor makes no decision: what is not in the plan is a bug in `plan::reconcile`. Same inputs, same plan.
//! 3. `runtime::init` runs single-threaded, without tokio, in a re-exec of the binary.
//! 4. Whoever waits for a container is its parent; liveness is a pidfd, never a bare pid from a file.
//! 5. A path inside a container's root is opened through `sys::RootDir` (openat2), never joined as a string.
//! 6. Every create has its delete; teardown continues past errors; every step of `down` is idempotent.
//! 7. Only `cli` writes to stdout and stderr or exits; only `sys` holds `unsafe`; only `state` knows the directory layout.
//! 8. Whatever is written to disk has a version field, is written to a temporary file and renamed.
//!
//! The one-way layering of the modules is enforced by `tests/layering.rs`.

pub mod build;
pub mod cli;
pub mod compose;
pub mod image;
pub mod name;
pub mod network;
pub mod plan;
pub mod runtime;
pub mod state;
pub mod supervisor;
pub mod sys;
pub mod text;
