//! The harness of the tests that run the real binary: a [`Sandbox`] of namespaces and directories of its own, the
//! [`Stack`]s in it, and a check afterwards that nothing of it is left on the machine.

mod background;
mod eventually;
pub(crate) mod http;
mod leaks;
mod name_server;
mod namespaces;
mod outcome;
mod patience;
mod processes;
pub(crate) mod registry;
mod sandbox;
mod stack;
mod terminal;

pub(crate) use background::Background;
pub(crate) use eventually::{eventually, holds_for};
pub(crate) use name_server::NameServer;
pub(crate) use outcome::Outcome;
pub(crate) use patience::patient;
pub(crate) use sandbox::Sandbox;
pub(crate) use stack::Stack;
pub(crate) use terminal::Terminal;
