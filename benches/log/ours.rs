//! A container that writes, and its shim that takes it.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rcompose::name::ContainerId;
use rcompose::runtime::log::{Format, Limits, Options, Reader};
use rcompose::runtime::{Config, Rootfs, Seccomp, Shim, Signal, Stdin, delete};
use serde_json::json;
use tokio::runtime::Runtime;

use crate::figures::{Figures, processor};
use crate::produce::{self, Shape};

/// Docker's defaults: what the runtime's tests use.
const DEFAULT: &str = include_str!("../../tests/runtime/default.json");
/// The program of the containers, in their root.
const PROGRAM: &str = "produce";
/// What it may be linked to.
const LIBRARIES: [&str; 3] =
    ["/lib64/ld-linux-x86-64.so.2", "/lib/x86_64-linux-gnu/libc.so.6", "/lib/x86_64-linux-gnu/libgcc_s.so.1"];
/// How often the end of the log is looked at.
const TICK: Duration = Duration::from_millis(10);

/// Where containers are made.
pub(crate) struct Ours {
    directory: PathBuf,
    runtime: Runtime,
    made: u32,
}

impl Ours {
    pub(crate) fn new(directory: &Path) -> Self {
        let root = directory.join("root");
        ["proc", "dev", "sys"].iter().for_each(|name| std::fs::create_dir_all(root.join(name)).unwrap());
        std::fs::copy(std::env::current_exe().unwrap(), root.join(PROGRAM)).unwrap();
        // Unless it is linked statically.
        for library in LIBRARIES.iter().filter(|library| Path::new(library).exists()) {
            let copy = root.join(&library[1..]);
            std::fs::create_dir_all(copy.parent().unwrap()).unwrap();
            std::fs::copy(library, copy).unwrap();
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        Self { directory: directory.to_owned(), runtime, made: 0 }
    }

    /// Has a container write, at most `rate` bytes a second if that is not 0, and returns what its shim took. `look` is
    /// shown the log.
    pub(crate) fn measure(
        &mut self,
        format: Format,
        limits: Limits,
        shape: Shape,
        lines: u64,
        rate: u64,
        look: impl FnOnce(&Path),
    ) -> Figures {
        let config = self.config(
            &format!("/{PROGRAM}"),
            &["__produce", shape.name(), &lines.to_string(), &rate.to_string(), "wait"],
            Options { limits, format, ..Options::default() },
        );
        let handle = self.runtime.block_on(async {
            let mut shim = Shim::spawn(&config, &[]).unwrap();
            shim.created().await.unwrap();
            shim.start().await.unwrap()
        });
        let shim = shim_pid(&config);
        let begun = processor(shim);
        let start = Instant::now();
        let elapsed = loop {
            std::thread::sleep(TICK);
            let last = Reader::tail(&config.log, 1).unwrap().next();
            if let Some(record) = last.map(Result::unwrap)
                && let Some(nanoseconds) = record.line.strip_prefix("took ")
            {
                break Duration::from_nanos(nanoseconds.trim_end().parse().unwrap());
            }
            assert!(start.elapsed() < Duration::from_mins(5), "the container does not end");
        };
        let processor = processor(shim) - begun;
        handle.signal(Signal::KILL).unwrap();
        self.runtime.block_on(handle.exited()).unwrap();
        let lost = lost(&config.log, lines);
        look(&config.log);
        delete(&config.directory).unwrap();
        std::fs::remove_dir_all(&config.directory).unwrap();
        Figures { bytes: lines * shape.length() as u64, elapsed, processor, lost }
    }

    fn config(&mut self, program: &str, arguments: &[&str], log_options: Options) -> Config {
        self.made += 1;
        let directory = self.directory.join(self.made.to_string());
        ["upper", "work", "root"].iter().for_each(|name| std::fs::create_dir_all(directory.join(name)).unwrap());
        let mut spec: serde_json::Value = serde_json::from_str(DEFAULT).unwrap();
        spec["process"]["args"] = json!([&[program][..], arguments].concat());
        let id = format!("{:064x}", u128::from(std::process::id()) << 32 | u128::from(self.made));
        Config {
            id: ContainerId::new(id).unwrap(),
            spec: serde_json::from_value(spec).unwrap(),
            rootfs: Rootfs::Overlay {
                lower: vec![self.directory.join("root")],
                upper: directory.join("upper"),
                work: directory.join("work"),
                volatile: true,
                hide: Vec::new(),
            },
            log: directory.join("log"),
            directory,
            log_options,
            stdin: Stdin::Null,
            init: false,
            user: None,
            group_add: Vec::new(),
            seccomp: Seccomp::Default,
            guardian: None,
            external: None,
        }
    }
}

fn shim_pid(config: &Config) -> u32 {
    let status: serde_json::Value =
        serde_json::from_slice(&std::fs::read(config.directory.join("status.json")).unwrap()).unwrap();
    u32::try_from(status["shim"]["pid"].as_u64().unwrap()).unwrap()
}

/// How many lines are missing between the first one that is kept and the `lines`th.
fn lost(log: &Path, lines: u64) -> u64 {
    let mut expected = None;
    let mut lost = 0;
    let mut goes_on = false;
    for record in Reader::open(log).unwrap().map(Result::unwrap) {
        let is_first = !std::mem::replace(&mut goes_on, record.goes_on);
        if !is_first || record.line.starts_with("took ") {
            continue;
        }
        // Of the first line that is kept, the beginning may not be.
        if expected.is_none() && record.line.starts_with('x') {
            continue;
        }
        let number = produce::number(record.line.as_bytes());
        lost += number - expected.unwrap_or(number);
        expected = Some(number + 1);
    }
    lost + (lines + 1 - expected.unwrap_or(lines + 1))
}
