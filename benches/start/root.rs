//! The root file system of the containers: a shell, `sleep` and `true`, and what these are linked to. And a directory for
//! each of them, made before anything is timed.

use std::cell::RefCell;
use std::path::{Path, PathBuf};

const FILES: [&str; 5] =
    ["/bin/sh", "/bin/sleep", "/bin/true", "/lib64/ld-linux-x86-64.so.2", "/lib/x86_64-linux-gnu/libc.so.6"];
const MOUNT_POINTS: [&str; 3] = ["proc", "dev", "sys"];

/// Where it is.
pub(crate) fn of(directory: &Path) -> PathBuf {
    directory.join("root")
}

/// Copies it from this machine.
pub(crate) fn make(directory: &Path) {
    let root = of(directory);
    MOUNT_POINTS.iter().for_each(|name| std::fs::create_dir_all(root.join(name)).unwrap());
    for file in FILES {
        let copy = root.join(&file[1..]);
        std::fs::create_dir_all(copy.parent().unwrap()).unwrap();
        std::fs::copy(file, copy).unwrap();
    }
}

/// Directories for containers.
pub(crate) struct Directories(RefCell<Vec<PathBuf>>);

impl Directories {
    /// Makes `count` of them.
    pub(crate) fn new(parent: &Path, count: usize) -> Self {
        let make = |number: usize| {
            let directory = parent.join(number.to_string());
            ["upper", "work", "root"].iter().for_each(|name| std::fs::create_dir_all(directory.join(name)).unwrap());
            directory
        };
        Self(RefCell::new((0..count).map(make).collect()))
    }

    /// One that has not been used: a volatile layer is mounted once.
    pub(crate) fn next(&self) -> PathBuf {
        self.0.borrow_mut().pop().unwrap()
    }
}
