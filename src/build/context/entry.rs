//! One file of a tree, as a look at it found it.

use std::path::PathBuf;

use rustix::fs::{FileType, Statx, StatxFlags, makedev};

/// What `statx(2)` is asked for.
pub(super) const WANTED: StatxFlags = StatxFlags::BASIC_STATS;

/// What a file cannot change without: as long as it is the same, so are content, mode, owner and attributes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stamp {
    /// Inode number.
    pub inode: u64,
    /// In bytes.
    pub size: u64,
    /// Of content, in nanoseconds since 1970.
    pub modified: i64,
    /// Of anything, in nanoseconds since 1970: no program can set it.
    pub changed: i64,
}

/// A file, directory or whatever else a tree holds.
#[derive(Debug, Clone)]
pub struct Entry {
    /// From the root of the tree; names only.
    pub path: PathBuf,
    /// What it is.
    pub kind: FileType,
    /// Permission bits with setuid, setgid and sticky.
    pub mode: u32,
    /// Its owner.
    pub uid: u32,
    /// Its group.
    pub gid: u32,
    /// The number of a device.
    pub device: u64,
    /// The file system that it is on.
    pub file_system: u64,
    /// How many names it has.
    pub links: u32,
    /// Blocks of 512 bytes that it takes: fewer than its size needs when it has holes.
    pub blocks: u64,
    /// When it was last changed, and which it is.
    pub stamp: Stamp,
    /// A directory that is there only for the sake of something in it.
    pub is_implied: bool,
}

impl Entry {
    pub(super) fn new(path: PathBuf, status: &Statx) -> Self {
        Self {
            path,
            kind: FileType::from_raw_mode(status.stx_mode.into()),
            mode: u32::from(status.stx_mode) & 0o7777,
            uid: status.stx_uid,
            gid: status.stx_gid,
            device: makedev(status.stx_rdev_major, status.stx_rdev_minor),
            file_system: makedev(status.stx_dev_major, status.stx_dev_minor),
            links: status.stx_nlink,
            blocks: status.stx_blocks,
            stamp: Stamp::of(status),
            is_implied: false,
        }
    }

    /// Whether it is a directory.
    #[must_use]
    pub fn is_directory(&self) -> bool {
        self.kind == FileType::Directory
    }
}

impl Stamp {
    pub(super) fn of(status: &Statx) -> Self {
        let time = |time: &rustix::fs::StatxTimestamp| {
            time.tv_sec.saturating_mul(1_000_000_000).saturating_add(i64::from(time.tv_nsec))
        };
        Self {
            inode: status.stx_ino,
            size: status.stx_size,
            modified: time(&status.stx_mtime),
            changed: time(&status.stx_ctime),
        }
    }
}
