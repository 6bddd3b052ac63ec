//! What a build spends on files: the key of a context in which nothing has changed, and copies beside `cp -a`, in turn, in
//! the same run.
//!
//! As root, for the overlay that copies go into: `cargo bench --bench build`.

#![expect(clippy::print_stdout, reason = "a bench prints what it measured")]
#![expect(clippy::unwrap_used, reason = "a step that fails ends the bench")]

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use rcompose::build::context::{Index, Tree};
use rcompose::build::copy::{Copy, Destination, Excludes, Source, checksum, copy};
use rcompose::build::layer::Workspace;
use rcompose::image::Store;
use rcompose::sys::RootDir;

const FILES: usize = 10_000;
const DIRECTORIES: usize = 200;
const KEYS: usize = 60;
const LARGE: usize = 1 << 30;
const COPIES: usize = 7;

fn main() {
    if rustix::process::geteuid().as_raw() != 0 {
        println!("this bench mounts overlays: run it as root");
        return;
    }
    // On a disk, as real contexts are.
    let directory = tempfile::Builder::new().prefix("rcompose-bench-").tempdir_in("/var/tmp").unwrap();
    unchanged(directory.path());
    many_small(directory.path());
    one_large(directory.path());
}

/// A context of many files, nothing of which has changed: the index is loaded, every file looked at, the key made.
fn unchanged(directory: &Path) {
    let context = directory.join("context");
    make_files(&context);
    let place = directory.join("indexes");
    std::fs::create_dir(&place).unwrap();
    let key = || {
        let index = Index::load(&place, &context);
        let tree = Tree::context(RootDir::open(&context).unwrap(), None, Some(index));
        let key = checksum(&everything(), &tree).unwrap();
        tree.save_index().unwrap();
        key
    };
    let start = Instant::now();
    let first = key();
    println!("the key of {FILES} files, all of them read:     {:8.1} ms", milliseconds(start.elapsed()));
    // Those that were written within the last tick of the clock are read once more.
    key();
    let mut times = times(KEYS, || assert_eq!(key(), first));
    print("the key of the same files, nothing changed:", &mut times);
}

fn many_small(directory: &Path) {
    let context = directory.join("context");
    beside_cp(directory, &context, &format!("{FILES} files of 1 KB"), COPIES);
}

fn one_large(directory: &Path) {
    let context = directory.join("large");
    std::fs::create_dir(&context).unwrap();
    let mut file = std::fs::File::create(context.join("file")).unwrap();
    let noise: Vec<u8> = (0_u32..1 << 20).map(|number| number.wrapping_mul(2_654_435_761).to_le_bytes()[3]).collect();
    for _ in 0..LARGE / noise.len() {
        file.write_all(&noise).unwrap();
    }
    file.sync_all().unwrap();
    beside_cp(directory, &context, "one file of 1 GB", COPIES);
}

/// Copies a directory with `cp -a`, and as `COPY` does into the layer of a workspace.
fn beside_cp(directory: &Path, context: &Path, what: &str, rounds: usize) {
    let store = Store::open(&directory.join("store")).unwrap();
    let (mut theirs, mut ours) = (Vec::new(), Vec::new());
    for round in 0..=rounds {
        let target = directory.join("copy");
        let start = Instant::now();
        assert!(Command::new("cp").arg("-a").arg(context).arg(&target).status().unwrap().success());
        let elapsed = start.elapsed();
        remove(&target);

        let tree = Tree::context(RootDir::open(context).unwrap(), None, None);
        let workspace = Workspace::over(&[], &store).unwrap();
        let upper = workspace.upper().unwrap();
        let into = Destination { root: workspace.root(), upper: upper.as_ref(), accounts: None, cancelled: &|| false };
        let start = Instant::now();
        copy(&everything(), &tree, &into).unwrap();
        let own = start.elapsed();
        drop(workspace);
        rustix::fs::sync();
        // The first fills caches.
        if round > 0 {
            theirs.push(elapsed);
            ours.push(own);
        }
    }
    print(&format!("cp -a of {what}:"), &mut theirs);
    print(&format!("COPY of {what}:"), &mut ours);
    println!("    speed of cp -a: {:.2}", median(&theirs).as_secs_f64() / median(&ours).as_secs_f64());
}

fn everything() -> Copy {
    Copy {
        sources: vec![Source::Path(".".to_owned())],
        destination: "/app/".to_owned(),
        chown: None,
        chmod: None,
        exclude: Excludes::default(),
        parents: false,
        link: false,
        unpack: false,
    }
}

fn make_files(context: &Path) {
    let text = [b'x'; 1024];
    for number in 0..FILES {
        let above: PathBuf = context.join(format!("directory-{:03}", number % DIRECTORIES));
        std::fs::create_dir_all(&above).unwrap();
        std::fs::write(above.join(format!("source-file-{number}.rs")), text).unwrap();
    }
}

fn remove(directory: &Path) {
    std::fs::remove_dir_all(directory).unwrap();
    rustix::fs::sync();
}

fn times(rounds: usize, mut work: impl FnMut()) -> Vec<Duration> {
    let time = |()| {
        let start = Instant::now();
        work();
        start.elapsed()
    };
    std::iter::repeat_n((), rounds).map(time).collect()
}

fn median(times: &[Duration]) -> Duration {
    let mut sorted = times.to_vec();
    sorted.sort();
    sorted[sorted.len() / 2]
}

fn print(what: &str, times: &mut [Duration]) {
    times.sort();
    let (least, most) = (times[0], times[times.len() - 1]);
    println!(
        "{what:<50} {:8.1} ms   ({:.1} to {:.1})",
        milliseconds(median(times)),
        milliseconds(least),
        milliseconds(most)
    );
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
