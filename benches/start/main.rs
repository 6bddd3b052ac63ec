//! What a container costs, beside what the kernel takes for the same isolation: [`floor`] makes it with bare system calls
//! and nothing else, in the same run, in turn with ours. The figures to look at are the ratios.
//!
//! As root: `make bench`. Containers have what Docker gives by default (namespaces, capabilities, seccomp, masked paths,
//! device rules), limits of memory, processors and processes, and a log.

#![expect(clippy::print_stdout, reason = "a bench prints what it measured")]
#![expect(clippy::unwrap_used, reason = "a step that fails ends the bench")]

mod cable;
mod figures;
mod floor;
mod ours;
mod root;

use std::path::Path;

use figures::{compare, print};
use nix::mount::MsFlags;
use nix::sched::CloneFlags;

const ROUNDS: usize = 60;
const BURSTS: usize = 5;
const BURST: usize = 100;
const STOPS: usize = 20;
/// More than are made.
const CONTAINERS: usize = 2 * (ROUNDS + 1) + (BURSTS + 1) * BURST + 50;

fn main() {
    if rustix::process::geteuid().as_raw() != 0 {
        println!("this bench makes namespaces, mounts and cgroups: run it as root");
        return;
    }
    rcompose::runtime::run_roles_with(Path::new(env!("CARGO_BIN_EXE_rcompose"))).unwrap();
    nix::sched::unshare(CloneFlags::CLONE_NEWNS | CloneFlags::CLONE_NEWNET).unwrap();
    nix::mount::mount(None::<&str>, "/", None::<&str>, MsFlags::MS_REC | MsFlags::MS_PRIVATE, None::<&str>).unwrap();
    cable::make_bridge();
    // On a disk, as real state is.
    let directory = tempfile::Builder::new().prefix("rcompose-bench-").tempdir_in("/var/tmp").unwrap();
    root::make(directory.path());
    // One thread: the floor clones this process.
    let floor = floor::Floor::new(directory.path());
    let ours = ours::Ours::new(directory.path());

    let mut rows = vec![
        compare("create, start, exit of true", ROUNDS, || floor.run(None), || ours.run(None)),
        compare(
            "the same on a bridge network",
            ROUNDS,
            || floor.run(Some(cable::Cable::next())),
            || ours.run(Some(cable::Cable::next())),
        ),
    ];
    {
        let running = ours.sleeper();
        let pid = running.pid();
        rows.push(compare("exec of true", ROUNDS, || floor.exec(pid), || running.exec()));
    }
    rows.push(compare("100 at once", BURSTS, || floor.burst(BURST), || ours.burst(BURST)));
    print(&rows);
    let mut stops: Vec<_> = (0..STOPS).map(|_| ours.stop().as_secs_f64() * 1e3).collect();
    stops.sort_by(f64::total_cmp);
    println!(
        "from SIGTERM until its end is known: median {:.2}, p90 {:.2} ms",
        stops[STOPS / 2],
        stops[STOPS * 9 / 10]
    );
    println!("PSS of a shim: {} kB", ours.shim_memory());
}
