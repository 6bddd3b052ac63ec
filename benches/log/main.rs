//! What it costs to take what a container writes, beside a program that only reads the pipe and writes files.
//!
//! As root: `make bench`. Megabytes a second depend on what else the machine does; the seconds of processor time that
//! the shim needs for a gigabyte, and their ratio to the floor, do so less.

#![expect(clippy::print_stdout, reason = "a bench prints what it measured")]
#![expect(clippy::unwrap_used, reason = "a step that fails ends the bench")]

mod figures;
mod floor;
mod ours;
mod produce;

use std::path::Path;
use std::time::Instant;

use nix::mount::MsFlags;
use nix::sched::CloneFlags;
use produce::Shape;
use rcompose::runtime::log::{Format, Limits, Reader};

/// How much is written in each round, in bytes.
const AMOUNT: u64 = 1_000_000_000;
/// What the paced container writes, in bytes a second, and for how many seconds.
const RATE: u64 = 500_000_000;
const SECONDS: u64 = 10;
const EVERYTHING: Limits = Limits { max_size: u64::MAX, max_files: 1 };

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[1..] {
        ["__produce", shape, lines, rate, ref wait @ ..] => {
            let shape = Shape::ALL.into_iter().find(|known| known.name() == shape).unwrap();
            let took = produce::write(shape, lines.parse().unwrap(), rate.parse().unwrap()).unwrap();
            if wait == ["wait"] {
                println!("took {}", took.as_nanos());
                std::thread::sleep(std::time::Duration::MAX);
            }
        }
        ["__floor", directory, head] => floor::run(Path::new(directory), head == "head"),
        _ if !rustix::process::geteuid().is_root() => println!("this bench makes containers: run it as root"),
        _ => bench(),
    }
}

fn bench() {
    rcompose::runtime::run_roles_with(Path::new(env!("CARGO_BIN_EXE_rcompose"))).unwrap();
    nix::sched::unshare(CloneFlags::CLONE_NEWNS | CloneFlags::CLONE_NEWNET).unwrap();
    nix::mount::mount(None::<&str>, "/", None::<&str>, MsFlags::MS_REC | MsFlags::MS_PRIVATE, None::<&str>).unwrap();
    // On a disk, as real logs are.
    let directory = tempfile::Builder::new().prefix("rcompose-bench-").tempdir_in("/var/tmp").unwrap();
    let mut ours = ours::Ours::new(directory.path());
    println!("| what is written | into | MB/s | s of processor for a GB | ratio | lines lost |");
    println!("|---|---|---|---|---|---|");
    for shape in Shape::ALL {
        let lines = AMOUNT / shape.length() as u64;
        let name = shape.name();
        let floor = floor::measure(directory.path(), false, shape, lines);
        floor.print(&format!("{name} | files, as it is"), None);
        floor::measure(directory.path(), true, shape, lines)
            .print(&format!("{name} | files, with a time"), Some(&floor));
        for (driver, format) in [("`local`", Format::Chunks), ("`json-file`", Format::Json)] {
            let figures = ours.measure(format, Limits::default(), shape, lines, 0, |_| {});
            figures.print(&format!("{name} | {driver}"), Some(&floor));
        }
    }
    for (driver, format) in [("`local`", Format::Chunks), ("`json-file`", Format::Json)] {
        let figures = ours.measure(format, Limits::default(), Shape::Lines, SECONDS * RATE / 100, RATE, |_| {});
        let cores = figures.processor.as_secs_f64() / figures.elapsed.as_secs_f64();
        println!(
            "500 MB/s for {SECONDS} s into {driver}: {:.0} MB/s, {cores:.2} processors, {} lines lost",
            figures.rate(),
            figures.lost
        );
    }
    for (driver, format) in [("`local`", Format::Chunks), ("`json-file`", Format::Json)] {
        let figures = ours.measure(format, EVERYTHING, Shape::Lines, AMOUNT / 100, 0, |log| read(driver, log));
        println!("all of it kept by {driver}: {} lines lost", figures.lost);
    }
}

/// How fast the end of a log is found, and all of it is read.
fn read(driver: &str, log: &Path) {
    let begun = Instant::now();
    assert_eq!(Reader::tail(log, 10).unwrap().map(Result::unwrap).count(), 10);
    let tail = begun.elapsed();
    let begun = Instant::now();
    let bytes: usize = Reader::open(log).unwrap().map(|record| record.unwrap().line.len()).sum();
    let rate = bytes as f64 / 1e6 / begun.elapsed().as_secs_f64();
    println!(
        "of 1 GB in {driver}: the last 10 lines in {:.2} ms; all of it at {rate:.0} MB/s",
        tail.as_secs_f64() * 1e3
    );
}
