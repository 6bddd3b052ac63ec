//! From the bytes of a layer blob to a directory: hashed, decompressed, hashed again and unpacked in one pass.
//!
//! ```text
//! blob ─▶ sha256 (digest) ─▶ gunzip | unzstd ─▶ channel ─▶ sha256 (diff id) ─▶ tar entries ─▶ directory
//! └──────────── thread of its own ─────────┘              └────────── the caller's thread ──────────┘
//! ```
//!
//! Inflating is what bounds a pull; hashing and writing on another core hide behind it.

mod apply;
mod entry;
mod meter;
mod stream;

use std::io::{self, Read};
use std::path::PathBuf;

pub(super) use stream::ChunkReader;
use stream::chunk_channel;

use super::digest::{Digest, HashingReader};
use crate::sys::RootDir;

/// Why a layer cannot be unpacked.
#[derive(Debug, thiserror::Error)]
pub enum LayerError {
    /// The blob or what it decompresses to cannot be read.
    #[error("cannot read the layer")]
    Read(#[source] io::Error),
    /// The staging directory.
    #[error("cannot open the directory for the layer")]
    Directory(#[source] io::Error),
    /// An entry that is no business of a layer.
    #[error("layer entry `{}`: {reason}", path.display())]
    Refused {
        /// The name in the archive.
        path: PathBuf,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// An entry that the filesystem did not take.
    #[error("cannot unpack layer entry `{}`", path.display())]
    Entry {
        /// The name in the archive.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// More than any sensible layer holds: a decompression bomb.
    #[error("the layer unpacks to more than {limit} {unit}")]
    TooLarge {
        /// The limit.
        limit: u64,
        /// Of what: `bytes`, `entries`.
        unit: &'static str,
    },
}

/// What a layer turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unpacked {
    /// The digest of the blob.
    pub(super) digest: Digest,
    /// The length of the blob, in bytes.
    pub(super) size: u64,
    /// The digest of the uncompressed tar.
    pub(super) diff_id: Digest,
}

/// Unpacks the layer `blob` of (supposedly) `size` bytes into the empty directory `root`.
///
/// The caller compares what comes back with what was wanted before it trusts the directory.
pub(super) fn unpack(blob: impl Read + Send, size: u64, root: &RootDir) -> Result<Unpacked, LayerError> {
    std::thread::scope(|scope| {
        let (sender, tar) = chunk_channel();
        let blob = scope.spawn(move || decompress(blob, &sender));
        let applied = apply::apply(HashingReader::new(tar), size, root);
        // Its own failure is the cause of whatever the reading side saw.
        let blob = blob.join().expect("decompression does not panic").map_err(LayerError::Read);
        match (blob, applied) {
            (Ok(Some((digest, size))), Ok(diff_id)) => Ok(Unpacked { digest, size, diff_id }),
            (Err(error), _) | (_, Err(error)) => Err(error),
            (Ok(None), Ok(_)) => Err(LayerError::Read(io::ErrorKind::UnexpectedEof.into())),
        }
    })
}

/// Decompresses `blob` into `output`; gives its digest and length, or `None` when the reader gave up.
fn decompress(blob: impl Read, output: &stream::ChunkSender) -> io::Result<Option<(Digest, u64)>> {
    let mut blob = io::BufReader::with_capacity(stream::CHUNK, HashingReader::new(blob));
    // What it is shows in its first bytes; media types are missing or wrong often enough.
    let magic = io::BufRead::fill_buf(&mut blob)?;
    let done = if magic.starts_with(&[0x1f, 0x8b]) {
        // Builders that compress in parallel write many members.
        output.send_all(&mut flate2::bufread::MultiGzDecoder::new(&mut blob))?
    } else if magic.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
        output.send_all(&mut zstd::Decoder::with_buffer(&mut blob)?)?
    } else {
        output.send_all(&mut blob)?
    };
    if !done {
        return Ok(None);
    }
    io::copy(&mut blob, &mut io::sink())?;
    blob.into_inner().finish().map(Some)
}
