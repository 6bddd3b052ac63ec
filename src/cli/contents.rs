//! What is in the files of configs and secrets, as digests: a container that was made with another content is made anew.

use std::collections::BTreeSet;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use crate::compose::model::{FileObject, FileSource, Project};

/// Notes the digest of each file that a config or secret of `project` is from. One that cannot be read has none: whoever
/// needs it says so.
pub(super) fn note(project: &mut Project) {
    let sources = project.configs.values().chain(project.secrets.values()).filter_map(FileObject::source);
    let paths: BTreeSet<PathBuf> = sources
        .filter_map(|source| match source {
            FileSource::File(path) => Some(path),
            FileSource::Content(_) => None,
        })
        .collect();
    project.file_digests =
        paths.into_iter().filter_map(|path| digest(&path).ok().map(|digest| (path, digest))).collect();
}

fn digest(path: &Path) -> io::Result<String> {
    // Who opened a FIFO would wait for its writer.
    if !fs_err::metadata(path)?.is_file() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let mut file = fs_err::File::open(path)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hex::encode(hasher.finalize())),
            count => hasher.update(&buffer[..count]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::name::ProjectName;
    use crate::plan::content_digest;

    #[test]
    fn files_that_can_be_read_have_a_digest() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        fs_err::write(path("conf"), "a").unwrap();
        rustix::fs::mknodat(rustix::fs::CWD, path("fifo"), rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
        let file = |name: &str| FileObject { file: Some(path(name)), ..FileObject::default() };
        let mut project = Project::new(ProjectName::new("shop").unwrap(), directory.path());
        project.configs.insert("conf".to_owned(), file("conf"));
        project.configs.insert("text".to_owned(), FileObject::with_content("b"));
        project.secrets.insert("fifo".to_owned(), file("fifo"));
        project.secrets.insert("missing".to_owned(), file("missing"));
        note(&mut project);
        assert_eq!(project.file_digests, [(path("conf"), content_digest(b"a"))].into());
    }
}
