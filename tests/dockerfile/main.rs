//! Dockerfiles through the real binary: what the files and the configuration of their images are.
#![expect(clippy::unwrap_used, reason = "a step that fails ends its test, and says so")]
#![expect(clippy::print_stderr, reason = "a failed test shows what its containers said")]

#[expect(dead_code, reason = "tests of networks use the rest of it")]
#[path = "../support/netns.rs"]
mod netns;
#[expect(dead_code, unused_imports, reason = "the scenarios use the rest of it")]
#[path = "../support/mod.rs"]
mod support;

mod cache;
mod case;
mod cases;
mod command;
mod contexts;
mod disk;
mod image;
mod mistakes;
mod network;
mod platforms;
mod shared;
mod web;
