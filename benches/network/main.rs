//! What networks cost: to make, to attach to and to leave, beside bare netlink messages; and what passes through them, beside
//! bare links and bridges, and beside a proxy of Docker's kind. What is compared is measured in turn in one run, so the
//! figures to look at are the ratios. As root: `make bench`.

#![expect(clippy::print_stdout, reason = "a bench prints what it measured")]
#![expect(clippy::unwrap_used, reason = "a step that fails ends the bench")]

#[path = "../start/cable.rs"]
mod cable;
mod making;
mod proxy;
mod traffic;
mod wire;

use std::fs::File;
use std::os::fd::AsFd as _;

use nix::sched::{CloneFlags, unshare};
use rcompose::network::loopback_up;

fn main() {
    if rustix::process::geteuid().as_raw() != 0 {
        println!("this bench makes network namespaces: run it as root");
        return;
    }
    unshare(CloneFlags::CLONE_NEWNET).unwrap();
    loopback_up(File::open("/proc/thread-self/ns/net").unwrap().as_fd()).unwrap();
    making::networks();
    let bridge = cable::make_bridge();
    making::containers();
    traffic::traffic(bridge);
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
