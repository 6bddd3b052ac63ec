//! Networks with real traffic, each test on a machine of its own: a fresh network namespace. Needs root.
#![expect(clippy::unwrap_used, reason = "test harness")]

#[path = "../support/netns.rs"]
mod netns;

mod bridge;
mod cable;
mod distribution_firewall;
mod dns;
mod examine;
mod firewall;
mod foreign_firewall;
mod ipv6;
mod lab;
mod port;
mod published6;
mod relay;
mod sctp;
mod shaping;
