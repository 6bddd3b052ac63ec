//! The directory below which containers have theirs.

use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::Mode;
use rustix::io::Errno;

use super::state::{STATE, StateRecord};
use super::{Container, Id, OciError};
use crate::runtime::record;

/// The state directory: `--root`.
#[derive(Debug, Clone)]
pub struct Root {
    path: PathBuf,
}

impl Root {
    /// The state directory at `path`, which need not exist.
    ///
    /// # Errors
    /// [`OciError::Directory`] when it is the root of the file system or the working directory is gone.
    pub fn new(path: &Path) -> Result<Self, OciError> {
        let path = std::path::absolute(path).map_err(OciError::directory("use", path))?;
        if path.components().all(|part| matches!(part, std::path::Component::RootDir | std::path::Component::ParentDir))
        {
            return Err(OciError::directory("use", path)(io::ErrorKind::InvalidInput.into()));
        }
        Ok(Self { path })
    }

    /// The directory of a container, whether it is there or not.
    pub(super) fn directory(&self, id: &Id) -> PathBuf {
        self.path.join(id.as_str())
    }

    /// Makes the directory of a new container.
    pub(super) fn claim(&self, id: &Id) -> Result<PathBuf, OciError> {
        if let Some(parent) = self.path.parent() {
            fs_err::create_dir_all(parent).map_err(OciError::directory("make", parent))?;
        }
        // Configurations hold passwords, and the socket lets whoever reaches it start a container.
        match rustix::fs::mkdir(&self.path, Mode::RWXU) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(error) => return Err(OciError::directory("make", &self.path)(error.into())),
        }
        let directory = self.directory(id);
        match rustix::fs::mkdir(&directory, Mode::RWXU) {
            Ok(()) => Ok(directory),
            Err(Errno::EXIST) => Err(OciError::Exists),
            Err(error) => Err(OciError::directory("make", directory)(error.into())),
        }
    }

    /// The container `id`.
    ///
    /// # Errors
    /// [`OciError::NotFound`], [`OciError::Runtime`].
    pub fn container(&self, id: &Id) -> Result<Container, OciError> {
        let directory = self.directory(id);
        let record: Option<StateRecord> = record::read(&directory, STATE)?;
        Ok(Container::new(directory, record.ok_or(OciError::NotFound)?))
    }

    /// All containers, by id.
    ///
    /// # Errors
    /// [`OciError::Directory`] when the directory cannot be read; one that is not there has no containers.
    pub fn containers(&self) -> Result<Vec<Container>, OciError> {
        let entries = match fs_err::read_dir(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            result => result.map_err(OciError::directory("read", &self.path))?,
        };
        let mut ids: Vec<Id> = entries.filter_map(|entry| Id::new(entry.ok()?.file_name().to_str()?).ok()).collect();
        ids.sort();
        // One that is deleted meanwhile is none.
        Ok(ids.iter().filter_map(|id| self.container(id).ok()).collect())
    }
}
