//! Archives that `ADD` unpacks, known by what is in them and not by what they are called.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::FileType;

use super::{CopyError, Destination};
use crate::build::context::{Entry, Tree};
use crate::runtime::files::{Files, Owners, Unpack};
use crate::sys::{Owner, RootDir};

/// As much as is read at once.
const CHUNK: usize = 256 * 1024;

/// Opens a file as an archive; `None` when it is none.
pub(super) fn open(tree: &Tree, entry: &Entry) -> Result<Option<Box<dyn Read>>, CopyError> {
    if entry.kind != FileType::RegularFile {
        return Ok(None);
    }
    let read = |source: io::Error| CopyError::Read { path: entry.path.clone(), source };
    let file = tree.open(&entry.path, entry.kind).map_err(read)?;
    if !is_archive(&file).map_err(read)? {
        return Ok(None);
    }
    rewound(&file).and_then(decompressed).map(Some).map_err(read)
}

/// Unpacks an archive into a directory, whose path has no symlinks. Files that are there are replaced.
pub(super) fn unpack(
    mut archive: Box<dyn Read>,
    path: &Path,
    into: &Destination<'_>,
    to: &Path,
    owner: Option<Owner>,
) -> Result<(), CopyError> {
    let directory = into.root.open_plain(to, rustix::fs::OFlags::RDONLY | rustix::fs::OFlags::DIRECTORY);
    let directory = directory.map_err(|source| CopyError::Write { path: Path::new("/").join(to), source })?;
    let owners = owner.map_or(Owners::OfArchive, Owners::One);
    Files::below(RootDir::from(directory))
        .unpack(Path::new(""), Unpack { owners, replace: true }, &mut archive)
        .map_err(|source| CopyError::Unpack { path: path.to_owned(), source })
}

fn rewound(file: &OwnedFd) -> io::Result<File> {
    rustix::fs::seek(file, rustix::fs::SeekFrom::Start(0))?;
    Ok(File::from(file.try_clone()?))
}

/// Whether it begins, decompressed, with the header of an entry.
pub(in crate::build) fn is_archive(file: &OwnedFd) -> io::Result<bool> {
    let mut archive = tar::Archive::new(decompressed(rewound(file)?)?);
    // Whatever goes wrong in there, it is no archive.
    Ok(archive.entries().is_ok_and(|mut entries| matches!(entries.next(), Some(Ok(_)))))
}

/// What is in a file that may be compressed by gzip, bzip2, xz or zstd: its first bytes tell.
pub(in crate::build) fn decompressed(file: impl Read + 'static) -> io::Result<Box<dyn Read>> {
    let mut file = BufReader::with_capacity(CHUNK, file);
    let magic = file.fill_buf()?;
    Ok(if magic.starts_with(&[0x1f, 0x8b]) {
        Box::new(flate2::bufread::MultiGzDecoder::new(file))
    } else if magic.starts_with(b"BZh") {
        Box::new(bzip2::bufread::MultiBzDecoder::new(file))
    } else if magic.starts_with(&[0xfd, b'7', b'z', b'X', b'Z', 0]) {
        Box::new(lzma_rust2::XzReader::new(file, true))
    } else if magic.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
        Box::new(zstd::Decoder::with_buffer(file)?)
    } else {
        Box::new(file)
    })
}
