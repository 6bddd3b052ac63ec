//! Copies what is in a file, by the quickest way that its file systems offer.
//!
//! ```text
//! share the blocks (FICLONE) ─▶ else copy_file_range ─▶ else sendfile ─▶ else read and write
//! ```
//!
//! The second does not cross over to an overlay, the third does: both stay in the kernel. Holes stay holes.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt as _;

use rustix::fs::{SeekFrom, copy_file_range, ftruncate, ioctl_ficlone, seek, sendfile};
use rustix::io::Errno;

/// As much as is copied between two looks at whether to stop, in bytes.
const STEP: u64 = 64 << 20;

/// As much as is read and written at once, when nothing else works.
const CHUNK: usize = 256 * 1024;

/// What has worked between the file systems of one copy.
#[derive(Debug)]
pub(super) struct Ways {
    shares: bool,
    ranges: bool,
    sends: bool,
}

impl Default for Ways {
    fn default() -> Self {
        Self { shares: true, ranges: true, sends: true }
    }
}

/// Why a content was not copied.
#[derive(Debug)]
pub(super) enum Failure {
    Read(io::Error),
    Write(io::Error),
    Cancelled,
}

impl Ways {
    /// Whether [`share`](Self::share) has not failed yet.
    pub(super) fn shares(&self) -> bool {
        self.shares
    }

    /// Lets `to`, which is empty, have the blocks of `from`; false when it cannot. What is seen of an overlay has no blocks.
    pub(super) fn share(&mut self, from: &OwnedFd, to: &OwnedFd) -> bool {
        if !self.shares {
            return false;
        }
        match ioctl_ficlone(to, from) {
            Ok(()) => return true,
            // The disk is full, or broken: that is to be said by whoever writes.
            Err(Errno::NOSPC | Errno::DQUOT | Errno::IO) => {}
            Err(_) => self.shares = false,
        }
        false
    }

    /// Copies the `size` bytes of `from`, which is open for reading, to `to`, which is empty. With fewer `blocks` of 512
    /// bytes than that needs there are holes.
    pub(super) fn copy(
        &mut self,
        from: &OwnedFd,
        to: &OwnedFd,
        (size, blocks): (u64, u64),
        cancelled: &dyn Fn() -> bool,
    ) -> Result<(), Failure> {
        if size == 0 || self.share(from, to) {
            return Ok(());
        }
        if blocks.saturating_mul(512) >= size {
            return self.range(from, to, (0, size), cancelled);
        }
        self.around_holes(from, to, size, cancelled)
    }

    fn around_holes(
        &mut self,
        from: &OwnedFd,
        to: &OwnedFd,
        size: u64,
        cancelled: &dyn Fn() -> bool,
    ) -> Result<(), Failure> {
        let mut at = 0;
        while at < size {
            let start = match seek(from, SeekFrom::Data(at)) {
                Ok(start) => start,
                // No more data.
                Err(Errno::NXIO) => break,
                Err(Errno::INVAL) => return self.range(from, to, (at, size), cancelled),
                Err(errno) => return Err(Failure::Read(errno.into())),
            };
            let end = seek(from, SeekFrom::Hole(start)).map_err(|errno| Failure::Read(errno.into()))?;
            self.range(from, to, (start, end.min(size)), cancelled)?;
            at = end;
        }
        ftruncate(to, size).map_err(|errno| Failure::Write(errno.into()))
    }

    /// Copies from one offset to another; less if the file ends before.
    fn range(
        &mut self,
        from: &OwnedFd,
        to: &OwnedFd,
        (mut at, end): (u64, u64),
        cancelled: &dyn Fn() -> bool,
    ) -> Result<(), Failure> {
        while at < end {
            if cancelled() {
                return Err(Failure::Cancelled);
            }
            let length = usize::try_from((end - at).min(STEP)).unwrap_or(CHUNK);
            let count = match self.step(from, to, at, length)? {
                Some(count) => count,
                None => read_and_write(from, to, at, length.min(CHUNK))?,
            };
            if count == 0 {
                break;
            }
            at += count as u64;
        }
        Ok(())
    }

    /// Has the kernel copy up to `length` bytes at an offset; `None` when it does not.
    fn step(&mut self, from: &OwnedFd, to: &OwnedFd, at: u64, length: usize) -> Result<Option<usize>, Failure> {
        if self.ranges {
            let (mut read, mut written) = (at, at);
            match copy_file_range(from, Some(&mut read), to, Some(&mut written), length) {
                // Some file systems of the kernel's own know no size and copy nothing.
                Ok(0) => {}
                Ok(count) => return Ok(Some(count)),
                Err(Errno::INTR) => return Ok(None),
                Err(errno) if cannot(errno) => self.ranges = false,
                Err(errno) => return Err(Failure::Write(errno.into())),
            }
        }
        if self.sends {
            let mut read = at;
            seek(to, SeekFrom::Start(at)).map_err(|errno| Failure::Write(errno.into()))?;
            match sendfile(to, from, Some(&mut read), length) {
                Ok(0) => {}
                Ok(count) => return Ok(Some(count)),
                Err(Errno::INTR) => {}
                Err(errno) if cannot(errno) => self.sends = false,
                Err(errno) => return Err(Failure::Write(errno.into())),
            }
        }
        Ok(None)
    }
}

fn cannot(errno: Errno) -> bool {
    matches!(
        errno,
        Errno::NOSYS | Errno::XDEV | Errno::INVAL | Errno::OPNOTSUPP | Errno::PERM | Errno::BADF | Errno::IO
    )
}

fn read_and_write(from: &OwnedFd, to: &OwnedFd, at: u64, length: usize) -> Result<usize, Failure> {
    let file = |fd: &OwnedFd| fd.try_clone().map(File::from);
    let mut buffer = vec![0; length];
    let count = loop {
        match file(from).and_then(|file| file.read_at(&mut buffer, at)) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            count => break count.map_err(Failure::Read)?,
        }
    };
    file(to).and_then(|file| file.write_all_at(&buffer[..count], at)).map_err(Failure::Write)?;
    Ok(count)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt as _;

    use super::*;

    /// Copies with only some ways allowed and gives the copy.
    fn copied(directory: &std::path::Path, from: &File, mut ways: Ways) -> File {
        let status = from.metadata().unwrap();
        let path = directory.join("copy");
        let _ = fs_err::remove_file(&path);
        let to = File::options().read(true).write(true).create_new(true).open(path).unwrap();
        let (source, target): (OwnedFd, OwnedFd) = (from.try_clone().unwrap().into(), to.try_clone().unwrap().into());
        ways.copy(&source, &target, (status.size(), status.blocks()), &|| false).unwrap();
        to
    }

    #[test]
    fn each_way_copies_all_of_it_and_keeps_the_holes() {
        let here = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("target");
        for place in [std::path::Path::new("/dev/shm"), &here] {
            let directory = tempfile::tempdir_in(place).unwrap();
            let from =
                File::options().read(true).write(true).create_new(true).open(directory.path().join("from")).unwrap();
            let noise: Vec<u8> = (0..70_000_u32).map(|number| (number * 31 / 7).to_le_bytes()[0]).collect();
            from.write_all_at(&noise, 0).unwrap();
            from.write_all_at(&noise, 8 << 20).unwrap();
            from.set_len(16 << 20).unwrap();
            let mut expected = vec![0; 16 << 20];
            expected[..noise.len()].copy_from_slice(&noise);
            expected[8 << 20..(8 << 20) + noise.len()].copy_from_slice(&noise);
            for (shares, ranges, sends) in
                [(true, true, true), (false, true, false), (false, false, true), (false, false, false)]
            {
                let copy = copied(directory.path(), &from, Ways { shares, ranges, sends });
                let mut found = vec![0; 16 << 20];
                copy.read_exact_at(&mut found, 0).unwrap();
                assert!(found == expected, "{place:?} {shares} {ranges} {sends}");
                let status = copy.metadata().unwrap();
                assert_eq!(status.size(), 16 << 20);
                assert!(status.blocks() * 512 < 2 << 20, "{place:?}: {} blocks", status.blocks());
            }
        }
    }

    #[test]
    fn it_stops_when_it_is_asked_to() {
        let directory = tempfile::tempdir().unwrap();
        fs_err::write(directory.path().join("from"), "content").unwrap();
        let from: OwnedFd = File::open(directory.path().join("from")).unwrap().into();
        let to: OwnedFd = File::create(directory.path().join("to")).unwrap().into();
        let mut ways = Ways { shares: false, ranges: true, sends: true };
        assert!(matches!(ways.copy(&from, &to, (7, 8), &|| true), Err(Failure::Cancelled)));
    }
}
