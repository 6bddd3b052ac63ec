//! Compose files that are made here, to be printed as all others are.

use std::io;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::compose::{Files, LeaveOut, LoadError, LoadOptions, Resolved, resolve};

/// `file` as it stands: nothing in it is replaced, added or looked for.
///
/// # Errors
/// [`LoadError`] when it is no Compose file.
pub(super) fn resolved(options: LoadOptions, file: Value) -> Result<Resolved, LoadError> {
    let options = LoadOptions {
        files: vec![PathBuf::from(Generated::PATH)],
        profiles: vec!["*".to_owned()],
        all_resources: true,
        leave_out: LeaveOut {
            interpolation: true,
            normalisation: true,
            paths: true,
            env_files: true,
            consistency: true,
        },
        ..options
    };
    Ok(resolve(&options, &Generated(file.to_string()))?.0)
}

/// A file that is only made.
struct Generated(String);

impl Generated {
    const PATH: &str = "/generated.yaml";
}

impl Files for Generated {
    fn read(&self, path: &Path) -> io::Result<String> {
        if path == Path::new(Self::PATH) { Ok(self.0.clone()) } else { Err(io::ErrorKind::NotFound.into()) }
    }

    fn exists(&self, path: &Path) -> bool {
        path == Path::new(Self::PATH)
    }

    fn canonicalize(&self, path: &Path) -> Option<PathBuf> {
        self.exists(path).then(|| path.to_owned())
    }
}
