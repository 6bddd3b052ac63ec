//! The commands: each resolves what is meant, asks the supervisor or reads state, and prints.

pub(super) mod act;
pub(super) mod attach;
pub(super) mod config;
pub(super) mod create;
pub(super) mod down;
pub(super) mod exec;
pub(super) mod host_run;
pub(super) mod images;
pub(super) mod logs;
pub(super) mod ls;
pub(super) mod net;
pub(super) mod network;
pub(super) mod oci;
pub(super) mod port;
pub(super) mod ps;
pub(super) mod pull;
pub(super) mod stats;
pub(super) mod top;
pub(super) mod up;
pub(super) mod volumes;
pub(super) mod wait;
