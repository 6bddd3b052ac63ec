//! Contexts that are no directory of this machine: a git repository, an archive behind a URL, one on standard input.

use std::collections::BTreeMap;
use std::io::{self, Read, Write as _};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;
use sha2::{Digest as _, Sha256};

use super::{Cache, CacheError, Checkout, GitError, WebError, check_out, download, is_web_address};
use crate::build::copy::{decompressed, is_archive};
use crate::image::Digest;
use crate::name::GitReference;
use crate::runtime::FilesError;
use crate::runtime::files::{Files, Owners, Unpack};
use crate::sys::RootDir;

/// A Dockerfile alone is no longer than this, in bytes.
const MAX_DOCKERFILE: u64 = 16 << 20;

/// What a remote context turned out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RemoteContext {
    /// A directory, in the cache.
    Directory {
        /// Where.
        root: PathBuf,
        /// Which state of it: the id of a commit, or the digest of an archive.
        version: String,
    },
    /// Only a Dockerfile: the context is empty.
    Dockerfile(Vec<u8>),
}

/// Why there is no context.
#[derive(Debug, thiserror::Error)]
pub enum ContextError {
    /// An address that breaks a rule.
    #[error("invalid context `{address}`: {rule}")]
    Address {
        /// As it was written, without a password.
        address: String,
        /// The rule.
        rule: String,
    },
    /// The repository.
    #[error(transparent)]
    Git(#[from] GitError),
    /// The web server.
    #[error(transparent)]
    Web(#[from] WebError),
    /// The subdirectory is not there, or leads out.
    #[error("there is no directory `{}` in the context `{address}`", path.display())]
    Subdirectory {
        /// The subdirectory.
        path: PathBuf,
        /// The address, without a password.
        address: String,
    },
    /// The archive.
    #[error("cannot unpack the context")]
    Unpack(#[from] FilesError),
    /// What is neither an archive nor a Dockerfile.
    #[error("the context is neither an archive nor a Dockerfile: it is too long for that")]
    TooLong,
    /// It cannot be read.
    #[error("cannot read the context")]
    Read(#[source] io::Error),
    /// The cache.
    #[error(transparent)]
    Cache(#[from] CacheError),
}

/// A git repository, when `address` is that of one and not a path or another URL.
///
/// # Errors
/// The rule that it breaks.
pub fn git_reference(address: &str) -> Result<Option<GitReference>, String> {
    let path = address.split(['#', '?']).next().unwrap_or_default();
    if is_web_address(address) && !path.ends_with(".git") {
        return Ok(None);
    }
    GitReference::parse(address)
}

/// Brings the context that is at `address`; `None` when that is a path. Submodules of a repository come, too.
///
/// # Errors
/// [`ContextError`].
pub async fn fetch_context(
    address: &str,
    cache: &Cache,
    environment: &BTreeMap<String, String>,
    cancelled: &(dyn Fn() -> bool + Sync),
) -> Result<Option<RemoteContext>, ContextError> {
    let shown = || GitReference::without_password(address);
    let reference = git_reference(address).map_err(|rule| ContextError::Address { address: shown(), rule })?;
    if let Some(reference) = reference {
        let how = Checkout {
            keep_git_dir: reference.keep_git_dir.unwrap_or(false),
            submodules: reference.submodules.unwrap_or(true),
            checksum: None,
        };
        let checked_out = check_out(&reference, how, cache, environment).await?;
        let root = checked_out
            .directory(&reference.subdirectory)
            .ok_or_else(|| ContextError::Subdirectory { path: reference.subdirectory.clone(), address: shown() })?;
        return Ok(Some(RemoteContext::Directory { root, version: checked_out.commit }));
    }
    if !is_web_address(address) {
        return Ok(None);
    }
    let file = download(address, None, cache, cancelled).await?;
    open(&file.directory.join(&file.name), file.digest, cache).map(Some)
}

/// Takes the context that `input` has: an archive, compressed or not, or a Dockerfile.
///
/// # Errors
/// [`ContextError`].
pub fn read_context(input: &mut dyn Read, cache: &Cache) -> Result<RemoteContext, ContextError> {
    let staging = cache.stage()?;
    let path = staging.path().join("input");
    let mut file = fs_err::File::create(&path).map_err(CacheError::from)?;
    let (mut sha256, mut buffer) = (Sha256::new(), vec![0; 256 * 1024]);
    loop {
        let count = input.read(&mut buffer).map_err(ContextError::Read)?;
        if count == 0 {
            break;
        }
        sha256.update(&buffer[..count]);
        file.write_all(&buffer[..count]).map_err(CacheError::from)?;
    }
    open(&path, Digest::from(<[u8; 32]>::from(sha256.finalize())), cache)
}

fn open(file: &Path, digest: Digest, cache: &Cache) -> Result<RemoteContext, ContextError> {
    let opened = || fs_err::File::open(file).map_err(ContextError::Read);
    if !is_archive(&opened()?.into_parts().0.into()).map_err(ContextError::Read)? {
        let mut text = Vec::new();
        opened()?.take(MAX_DOCKERFILE + 1).read_to_end(&mut text).map_err(ContextError::Read)?;
        return if text.len() as u64 > MAX_DOCKERFILE {
            Err(ContextError::TooLong)
        } else {
            Ok(RemoteContext::Dockerfile(text))
        };
    }
    let root = cache.entry("contexts", &digest.hex());
    if !root.is_dir() {
        let staging = cache.stage()?;
        let made = staging.path().join("context");
        fs_err::create_dir(&made).map_err(CacheError::from)?;
        let target = RootDir::open(&made).map_err(CacheError::from)?;
        let mut tar = decompressed(opened()?.into_parts().0).map_err(ContextError::Read)?;
        let how = Unpack { owners: Owners::mine(), replace: true };
        Files::below(target).unpack(Path::new(""), how, &mut tar)?;
        staging.commit(&made, &root)?;
    }
    Ok(RemoteContext::Directory { root, version: digest.to_string() })
}

impl super::CheckedOut {
    /// A directory of the files, wherever its symlinks lead inside; `None` when there is none.
    #[must_use]
    pub fn directory(&self, path: &Path) -> Option<PathBuf> {
        let root = RootDir::open(&self.root).ok()?;
        let plain = crate::build::context::follow(&root, path).ok()?;
        root.open_at(&plain, OFlags::PATH | OFlags::DIRECTORY).ok()?;
        Some(self.root.join(plain))
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    /// A directory with a cache and a repository `repository.git` whose submodule is `module.git`.
    struct Lab {
        directory: tempfile::TempDir,
        environment: BTreeMap<String, String>,
    }

    impl Lab {
        fn new() -> Self {
            let directory = tempfile::tempdir().unwrap();
            let home = directory.path().to_str().unwrap().to_owned();
            let environment = [
                ("PATH", "/usr/local/bin:/usr/bin:/bin".to_owned()),
                ("HOME", home),
                ("GIT_ALLOW_PROTOCOL", "file".to_owned()),
                ("GIT_CONFIG_NOSYSTEM", "1".to_owned()),
            ];
            let environment = environment.map(|(name, value)| (name.to_owned(), value)).into();
            let lab = Self { directory, environment };
            lab.repository("module.git", &[("inside", "module")]);
            lab.repository(
                "repository.git",
                &[("file", "1"), ("sub/Dockerfile", "FROM scratch"), ("sub/up", "->../..")],
            );
            lab.git("repository.git", &["submodule", "--quiet", "add", &lab.url("module.git"), "module"]);
            lab.git("repository.git", &["commit", "--quiet", "-m", "two"]);
            lab
        }

        fn url(&self, name: &str) -> String {
            format!("file://{}", self.directory.path().join(name).display())
        }

        fn cache(&self) -> Cache {
            Cache::at(self.directory.path().join("cache"))
        }

        fn repository(&self, name: &str, files: &[(&str, &str)]) {
            fs_err::create_dir(self.directory.path().join(name)).unwrap();
            self.git(name, &["init", "--quiet", "--initial-branch=main"]);
            for (file, content) in files {
                let path = self.directory.path().join(name).join(file);
                fs_err::create_dir_all(path.parent().unwrap()).unwrap();
                match content.strip_prefix("->") {
                    Some(target) => std::os::unix::fs::symlink(target, path).unwrap(),
                    None => fs_err::write(path, content).unwrap(),
                }
            }
            self.git(name, &["add", "."]);
            self.git(name, &["commit", "--quiet", "-m", "one"]);
        }

        fn git(&self, name: &str, arguments: &[&str]) -> String {
            let settings = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "protocol.file.allow=always"];
            let mut command = Command::new("git");
            command.env_clear().envs(&self.environment).current_dir(self.directory.path().join(name));
            let output = command.args(settings).args(arguments).output().unwrap();
            assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
            String::from_utf8(output.stdout).unwrap().trim().to_owned()
        }

        fn fetch(&self, address: &str) -> Result<Option<RemoteContext>, ContextError> {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(fetch_context(address, &self.cache(), &self.environment, &|| false))
        }

        fn root(&self, address: &str) -> PathBuf {
            match self.fetch(address).unwrap() {
                Some(RemoteContext::Directory { root, .. }) => root,
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn a_repository_comes_with_its_submodules_and_without_git() {
        let lab = Lab::new();
        let url = lab.url("repository.git");
        let root = lab.root(&url);
        assert_eq!(fs_err::read_to_string(root.join("file")).unwrap(), "1");
        assert_eq!(fs_err::read_to_string(root.join("module/inside")).unwrap(), "module");
        assert!(!root.join(".git").exists() && !root.join("module/.git").exists());
        let commit = lab.git("repository.git", &["rev-parse", "HEAD"]);
        for address in [format!("{url}?checksum={}", &commit[..8]), format!("{url}#main"), format!("{url}#{commit}")] {
            assert!(
                matches!(lab.fetch(&address).unwrap(), Some(RemoteContext::Directory { version, .. }) if version == commit)
            );
        }
        assert!(!lab.root(&format!("{url}?submodules=0")).join("module/inside").exists());
        let kept = lab.root(&format!("{url}?keep-git-dir=1&submodules=0"));
        let name = kept.strip_prefix(lab.directory.path()).unwrap().to_str().unwrap().to_owned();
        assert_eq!(lab.git(&name, &["rev-parse", "HEAD"]), commit);
        assert_eq!(lab.git(&name, &["status", "--porcelain", "--ignore-submodules"]), "");
    }

    #[test]
    fn a_subdirectory_does_not_lead_out() {
        let lab = Lab::new();
        let url = lab.url("repository.git");
        let whole = lab.root(&url);
        assert_eq!(lab.root(&format!("{url}#:sub")), whole.join("sub"));
        assert_eq!(lab.root(&format!("{url}?subdir=sub")), whole.join("sub"));
        // The symlink leads to the root of the files, as it would in a container.
        assert_eq!(lab.root(&format!("{url}#:sub/up")), whole);
        assert!(matches!(lab.fetch(&format!("{url}#:none")), Err(ContextError::Subdirectory { .. })));
        assert!(matches!(lab.fetch(&format!("{url}#:file")), Err(ContextError::Subdirectory { .. })));
        assert!(matches!(lab.fetch(&format!("{url}#:../x")), Err(ContextError::Address { .. })));
        assert!(matches!(lab.fetch("ext::sh -c x"), Ok(None)), "a path, which is not there");
        assert!(matches!(lab.fetch(&format!("{url}#none")), Err(ContextError::Git(GitError::NoSuchReference { .. }))));
    }

    #[test]
    fn unsafe_protocols_are_refused() {
        let mut lab = Lab::new();
        lab.environment.remove("GIT_ALLOW_PROTOCOL");
        let error = lab.fetch(&lab.url("repository.git")).unwrap_err();
        assert!(matches!(error, ContextError::Git(GitError::Protocol { .. })), "{error}");
        assert!(matches!(lab.fetch("ext://x/y.git"), Err(ContextError::Address { .. })));
        assert!(matches!(lab.fetch("./directory"), Ok(None)));
    }

    #[test]
    fn standard_input_is_an_archive_or_a_dockerfile() {
        let lab = Lab::new();
        let dockerfile = read_context(&mut &b"FROM scratch\n"[..], &lab.cache()).unwrap();
        assert_eq!(dockerfile, RemoteContext::Dockerfile(b"FROM scratch\n".to_vec()));
        let mut tar = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_mode(0o640);
        header.set_size(4);
        tar.append_data(&mut header, "./sub/file", &b"text"[..]).unwrap();
        let tar = tar.into_inner().unwrap();
        for bytes in [tar.clone(), zstd::encode_all(&tar[..], 0).unwrap()] {
            let RemoteContext::Directory { root, version } = read_context(&mut &bytes[..], &lab.cache()).unwrap()
            else {
                panic!("it is an archive");
            };
            assert_eq!(version, Digest::of(&bytes).to_string());
            assert_eq!(fs_err::read_to_string(root.join("sub/file")).unwrap(), "text");
        }
        let staging = lab.directory.path().join("cache/staging");
        assert_eq!(fs_err::read_dir(staging).unwrap().count(), 0);
    }
}
