//! From what was changed to a layer of the store.

use std::path::PathBuf;

use super::hash::HashWriter;
use super::tidy::tidy;
use super::workspace::prepare;
use super::{Workspace, WorkspaceError};
use crate::image::{Digest, Store};
use crate::runtime::files::{Contents, pack_layer};

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
    /// `contents` has what is still to come to its files.
    ///
    /// The same files with the same times are the same layer, whoever makes it and wherever.
    ///
    /// # Errors
    /// [`WorkspaceError`].
    pub fn seal(
        self,
        store: &Store,
        epoch: Option<i64>,
        contents: &mut dyn Contents,
    ) -> Result<Sealed, WorkspaceError> {
        let workplace = self.unmount();
        let upper = workplace.path().join("upper");
        let opened = fs_err::File::open(&upper).map_err(prepare(&upper))?;
        let size = tidy(&opened.into_parts().0.into(), epoch)?;
        let mut hash = HashWriter::default();
        pack_layer(&upper, contents, &mut hash)?;
        let diff_id = hash.finish();
        let directory = store.add_layer(&upper, diff_id)?;
        Ok(Sealed { diff_id, directory, size })
    }
}
