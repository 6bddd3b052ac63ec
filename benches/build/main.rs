//! What builds cost, as whole commands: a context of many files, one that has changed, programs, a large file; beside
//! `docker build` and `buildah build`, where these are, in turn with them, and beside `cp -a`.
//!
//! As root: `make bench`. Programs run in the `busybox` of this machine, which is to be a static one (Debian: `busybox-static`).

#![expect(clippy::print_stdout, reason = "a bench prints what it measured")]
#![expect(clippy::unwrap_used, reason = "a step that fails ends the bench")]

mod builders;
mod project;

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use builders::Builder;
use nix::sys::resource::{UsageWho, getrusage};
use project::Project;

/// How often each is measured; figures are medians.
const ROUNDS: usize = 5;

fn main() {
    if !rustix::process::geteuid().is_root() {
        println!("this bench makes containers: run it as root");
        return;
    }
    // On a disk, as real contexts are.
    let directory = tempfile::Builder::new().prefix("rcompose-bench-").tempdir_in("/var/tmp").unwrap();
    let large = Project::large(&directory.path().join("large"));
    let ours = Builder::ours(directory.path());
    ours.build(&large, true);
    // Nobody else has been waited for.
    let memory = getrusage(UsageWho::RUSAGE_CHILDREN).unwrap().max_rss() / 1024;
    let builders: Vec<_> = std::iter::once(ours).chain(builders::peers(directory.path())).collect();
    print!("| milliseconds |");
    builders.iter().for_each(|builder| print!(" {} |", builder.name));
    println!("\n|---{}|", "|---".repeat(builders.len()));

    let files = Project::files(&directory.path().join("files"));
    measure("`COPY` of 10,000 files, for the first time", &builders, 1, |builder| builder.build(&files, true));
    measure("again, with nothing changed", &builders, ROUNDS, |builder| builder.build(&files, false));
    measure_changed("again, with one file changed", &builders, &files);
    let stages = Project::stages(&directory.path().join("stages"));
    for builder in &builders {
        builder.build(&stages, false);
    }
    measure_changed("ten steps in three stages, with one of the 10,000 files changed", &builders, &stages);
    let programs = Project::programs(&directory.path().join("programs"));
    for builder in &builders {
        builder.build(&programs, false);
    }
    measure("ten times `RUN true`, without the cache", &builders, ROUNDS, |builder| builder.build(&programs, true));
    let ours = measure("`COPY` of one file of 1 GB", &builders, ROUNDS, |builder| builder.build(&large, true));
    let copied: Vec<_> = (0..ROUNDS).map(|_| copied(large.context(), &directory.path().join("copy"))).collect();
    let copied = median(copied);
    println!("\n`cp -a` of that file: {:.0} ms, {:.2} of `COPY`", milliseconds(copied), ratio(copied, ours[0]));
    println!("most memory that `rcompose build` of it has had: {memory} MB");
    builders.iter().for_each(Builder::clean);
}

/// Has each of them build, in turn, and prints a row of medians.
fn measure(
    what: &str,
    builders: &[Builder],
    rounds: usize,
    mut build: impl FnMut(&Builder) -> Duration,
) -> Vec<Duration> {
    let mut times = vec![Vec::new(); builders.len()];
    for _ in 0..rounds {
        for (builder, times) in builders.iter().zip(&mut times) {
            times.push(build(builder));
            // What one leaves to be written is not to slow the next one down.
            rustix::fs::sync();
        }
    }
    let medians: Vec<Duration> = times.into_iter().map(median).collect();
    print!("| {what} |");
    medians.iter().for_each(|time| print!(" {:.0} |", milliseconds(*time)));
    println!();
    medians
}

/// As [`measure`], with another content in a file each time.
fn measure_changed(what: &str, builders: &[Builder], project: &Project) {
    let mut number = 0;
    measure(what, builders, ROUNDS, |builder| {
        number += 1;
        project.change(number);
        builder.build(project, false)
    });
}

fn copied(from: &Path, to: &Path) -> Duration {
    let start = Instant::now();
    assert!(Command::new("cp").arg("-a").args([from, to]).status().unwrap().success());
    let elapsed = start.elapsed();
    std::fs::remove_dir_all(to).unwrap();
    rustix::fs::sync();
    elapsed
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn ratio(one: Duration, other: Duration) -> f64 {
    one.as_secs_f64() / other.as_secs_f64()
}
