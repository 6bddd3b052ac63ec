//! What users rely on, one obligation a test, through the real binary and on real processes.
#![expect(clippy::unwrap_used, reason = "a step that fails ends its test, and says so")]
#![expect(clippy::print_stderr, reason = "a failed test shows what its containers said")]

#[path = "../support/mod.rs"]
mod support;

mod attach;
mod attached;
mod bad_command;
mod bad_file;
mod bad_host;
mod bad_image;
mod command_line;
mod commit;
mod convergence;
mod cp;
mod create;
mod depends_on;
mod events;
mod evidence;
mod exec;
mod files;
mod full_disk;
mod gone;
mod grants;
mod graph;
mod harness;
mod health;
mod hooks;
mod host_run;
mod images;
mod kill_pause;
mod killed;
mod listings;
mod logs;
mod names;
mod net;
mod network_command;
mod network_connect;
mod networks;
mod pages;
mod paused;
mod port_command;
mod ports;
mod private;
mod provider;
mod ps;
mod push;
mod registry_image;
mod remove;
mod restart;
mod rmi;
mod rolling;
mod run;
mod scale;
mod snapshot;
mod start_stop;
mod stats;
mod steps;
mod supervisor;
mod timings;
mod tools;
mod unknown;
mod up;
mod volumes;
mod wait;
mod watch;
