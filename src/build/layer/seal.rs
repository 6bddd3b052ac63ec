//! From what was changed to a layer of the store.

use std::io;
use std::os::fd::OwnedFd;
use std::path::PathBuf;

use super::hash::HashWriter;
use super::tidy::tidy;
use super::{Workspace, WorkspaceError};
use crate::image::{Digest, Store, unpack_layer};
use crate::runtime::files::{FilesError, pack_opened_layer};
use crate::sys::reopen;

/// A layer that is in the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    /// The digest of its tar archive, which is what the layer is known by.
    pub diff_id: Digest,
    /// Where it is.
    pub directory: PathBuf,
    /// How many bytes its files hold.
    pub size: u64,
}

impl Workspace {
    /// Makes what was changed a layer of `store`, which is the one that the workspace was made in. With an `epoch` (seconds since
    /// 1970, `SOURCE_DATE_EPOCH`) no file of it was changed later than that. Nothing that was changed is a layer too, always
    /// the same one.
    ///
    /// The same files with the same times are the same layer, whoever makes it and wherever.
    ///
    /// # Errors
    /// [`WorkspaceError`].
    pub fn seal(self, store: &Store, epoch: Option<i64>) -> Result<Sealed, WorkspaceError> {
        let (workplace, memory, upper) = self.unmount()?;
        let readable = reopen(&upper, rustix::fs::OFlags::RDONLY | rustix::fs::OFlags::DIRECTORY)
            .map_err(super::workspace::prepare(workplace.path()))?;
        let size = tidy(&readable, epoch)?;
        if memory.is_some() {
            let diff_id = unpack(store, upper)?;
            let directory = store.layer(diff_id).ok_or_else(|| gone(&workplace))?;
            return Ok(Sealed { diff_id, directory, size });
        }
        let mut hash = HashWriter::default();
        pack_opened_layer(upper, &mut hash)?;
        let diff_id = hash.finish();
        let directory = store.add_layer(&workplace.path().join("upper"), diff_id)?;
        Ok(Sealed { diff_id, directory, size })
    }
}

fn gone(workplace: &crate::image::Workplace) -> WorkspaceError {
    super::workspace::prepare(workplace.path())(io::ErrorKind::NotFound.into())
}

/// Writes a layer that is in memory to the store, as if it had been pulled.
fn unpack(store: &Store, upper: OwnedFd) -> Result<Digest, WorkspaceError> {
    let (reader, mut writer) = io::pipe().map_err(WorkspaceError::Mount)?;
    std::thread::scope(|scope| {
        let packing = scope.spawn(move || -> Result<(), FilesError> { pack_opened_layer(upper, &mut writer) });
        let unpacked = unpack_layer(store, reader);
        let packed = packing.join().expect("packing does not panic");
        let diff_id = unpacked?;
        packed?;
        Ok(diff_id)
    })
}
