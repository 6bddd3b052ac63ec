//! The only IO of this module: reading files, behind a trait that tests fill with a map.

use std::io::{self, Read};
use std::path::Path;

/// Reads the files that a load asks for.
pub trait Files {
    /// The text of a file; `-` is standard input.
    ///
    /// # Errors
    /// Whatever reading it or decoding it as UTF-8 says.
    fn read(&self, path: &Path) -> io::Result<String>;

    /// Whether there is a file at `path`.
    fn exists(&self, path: &Path) -> bool;
}

/// The files of this machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct HostFiles;

impl Files for HostFiles {
    fn read(&self, path: &Path) -> io::Result<String> {
        if path == Path::new("-") {
            let mut text = String::new();
            io::stdin().read_to_string(&mut text)?;
            return Ok(text);
        }
        // Not `fs_err`: `LoadError::Read` names the path, and a path should be named once.
        std::fs::read_to_string(path)
    }

    fn exists(&self, path: &Path) -> bool {
        path.is_file()
    }
}
