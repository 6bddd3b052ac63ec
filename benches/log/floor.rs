//! The least that takes what a program writes into files: it reads a pipe, writes what it has read, and begins another
//! file when one is full. With a head before each piece, it is the least that knows when that was.

use std::io::IoSlice;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::fs::{Mode, OFlags, open};

use crate::figures::{Figures, processor};
use crate::produce::Shape;

/// As the runtime keeps by default: three files of 10 MB.
const FILE: u64 = 10_000_000;

/// Has a program of its own take as much.
pub(crate) fn measure(directory: &Path, head: bool, shape: Shape, lines: u64) -> Figures {
    let own = std::env::current_exe().unwrap();
    let (name, lines_text) = (shape.name(), lines.to_string());
    let mut producer =
        Command::new(&own).args(["__produce", name, &lines_text, "0"]).stdout(Stdio::piped()).spawn().unwrap();
    let pipe = producer.stdout.take().unwrap();
    let mut floor = Command::new(&own);
    floor.arg("__floor").arg(directory).arg(if head { "head" } else { "raw" }).stdin(pipe).stdout(Stdio::piped());
    let output = floor.spawn().unwrap().wait_with_output().unwrap();
    assert!(producer.wait().unwrap().success() && output.status.success());
    let said: Vec<u64> =
        str::from_utf8(&output.stdout).unwrap().split_whitespace().map(|word| word.parse().unwrap()).collect();
    let [bytes, elapsed, processor] = said[..] else { panic!("{said:?}") };
    assert_eq!(bytes, lines * shape.length() as u64);
    Figures { bytes, elapsed: Duration::from_nanos(elapsed), processor: Duration::from_nanos(processor), lost: 0 }
}

/// That program: takes its standard input, and says how many bytes that was, how long it took, and how much of a
/// processor.
pub(crate) fn run(directory: &Path, head: bool) {
    let path = directory.join("floor");
    let rotated = directory.join("floor.1");
    let file = || -> OwnedFd {
        open(&path, OFlags::CREATE | OFlags::WRONLY | OFlags::TRUNC | OFlags::CLOEXEC, Mode::from(0o640)).unwrap()
    };
    let stdin = rustix::stdio::stdin();
    let mut buffer = vec![0; 64 * 1024];
    let (mut current, mut size, mut total) = (file(), 0, 0);
    let begun = std::time::Instant::now();
    loop {
        let count = rustix::io::read(stdin, &mut *buffer).unwrap();
        if count == 0 {
            break;
        }
        let time = rustix::time::clock_gettime(rustix::time::ClockId::Realtime);
        let mut before = [0; 16];
        if head {
            before[..8].copy_from_slice(&time.tv_sec.to_ne_bytes());
            before[8..].copy_from_slice(&count.to_ne_bytes());
        }
        let parts = [IoSlice::new(if head { &before } else { &[] }), IoSlice::new(&buffer[..count])];
        size += rustix::io::writev(&current, &parts).unwrap() as u64;
        total += count;
        if size > FILE {
            std::fs::rename(&path, &rotated).unwrap();
            (current, size) = (file(), 0);
        }
    }
    let (elapsed, used) = (begun.elapsed(), processor(std::process::id()));
    println!("{total} {} {}", elapsed.as_nanos(), used.as_nanos());
}
