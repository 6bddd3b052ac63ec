//! Compose files that lie elsewhere: what a reference says, and what is fetched for it.

mod git;
mod oci;

use std::collections::BTreeMap;
use std::path::Path;

use rcompose::cli::remote::{RemoteFiles, hint};
use rcompose::compose::{Fetched, RemoteError, RemoteReference, localize};

use crate::Memory;

/// A user with a cache of their own.
struct User {
    directory: tempfile::TempDir,
    environment: BTreeMap<String, String>,
}

impl User {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut environment = BTreeMap::from(["PATH", "HOME"].map(|name| (name.to_owned(), String::new())));
        environment.insert("PATH".to_owned(), "/usr/local/bin:/usr/bin:/bin".to_owned());
        environment.insert("HOME".to_owned(), directory.path().to_str().unwrap().to_owned());
        Self { directory, environment }
    }

    fn with(mut self, name: &str, value: &str) -> Self {
        self.environment.insert(name.to_owned(), value.to_owned());
        self
    }

    fn fetch(&self, text: &str) -> Result<Fetched, RemoteError> {
        Ok(localize(text, &RemoteFiles::new(self.environment.clone()))?.expect("the reference is remote"))
    }

    /// What is told of a fetch that fails: the error with its causes, and the hint. Nothing is left of it.
    #[track_caller]
    fn failure(&self, text: &str) -> String {
        let error = self.fetch(text).unwrap_err();
        assert_eq!(self.list("staging"), [""; 0]);
        format!("{}\n{}", error.in_one_line(), hint(&error).unwrap_or_default())
    }

    /// The names in a directory of the cache.
    fn list(&self, directory: &str) -> Vec<String> {
        names(&self.directory.path().join(".cache/rcompose").join(directory))
    }
}

fn names(directory: &Path) -> Vec<String> {
    let Ok(entries) = fs_err::read_dir(directory) else { return Vec::new() };
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// What `text` is understood as.
fn understood(text: &str) -> String {
    match RemoteReference::parse(text) {
        Ok(None) => "path".to_owned(),
        Ok(Some(RemoteReference::Git(git))) => {
            let commit = git.commit.map(|commit| format!(" ({commit})")).unwrap_or_default();
            let reference = git.reference.unwrap_or_else(|| "-".to_owned());
            format!("{} {reference}{commit} {:?}", git.url, git.subdirectory)
        }
        Ok(Some(RemoteReference::Oci(reference))) => reference.canonical(),
        Err(RemoteError::Invalid { reason, .. }) => format!("! {reason}"),
        Err(other) => panic!("{other}"),
    }
}

#[test]
fn git_references() {
    for (text, expected) in [
        ("https://example.com/a/b.git", r#"https://example.com/a/b.git - """#),
        ("HTTPS://example.com/b.git", r#"https://example.com/b.git - """#),
        ("http://example.com/b.git", r#"http://example.com/b.git - """#),
        ("https://example.com/b.git#", r#"https://example.com/b.git - """#),
        ("https://example.com/b.git#main", r#"https://example.com/b.git main """#),
        ("https://example.com/b.git#v1/x:a/b", r#"https://example.com/b.git v1/x "a/b""#),
        ("https://example.com/b.git#:a/../c/./d.yaml", r#"https://example.com/b.git - "c/d.yaml""#),
        ("https://example.com/b.git#a%2Fb:c%20d", r#"https://example.com/b.git a/b "c d""#),
        ("https://example.com/b.git?ref=v1&subdir=x+y", r#"https://example.com/b.git v1 "x y""#),
        ("https://example.com/b.git?branch=v1#:x", r#"https://example.com/b.git refs/heads/v1 "x""#),
        ("https://example.com/b.git?tag=refs/tags/v1", r#"https://example.com/b.git refs/tags/v1 """#),
        ("https://example.com/b.git?ref=m&commit=abcdef0", r#"https://example.com/b.git m (abcdef0) """#),
        ("https://example.com/b.git?keep-git-dir&submodules=false", r#"https://example.com/b.git - """#),
        ("https://me:secret@example.com:8443/b.git", r#"https://me:secret@example.com:8443/b.git - """#),
        ("ssh://git@example.com:22/b#main", r#"ssh://git@example.com:22/b main """#),
        ("git://example.com/b", r#"git://example.com/b - """#),
        ("file:///srv/b.git", r#"file:///srv/b.git - """#),
        ("git@example.com:a/b", r#"git@example.com:a/b - """#),
        ("git@example.com:a/b.git?ref=x#:c", r#"git@example.com:a/b.git x "c""#),
        ("github.com/a/b", r#"https://github.com/a/b - """#),
        ("github.com/a/b#main:c", r#"https://github.com/a/b main "c""#),
    ] {
        assert_eq!(understood(text), expected, "{text}");
    }
}

#[test]
fn oci_references() {
    for (text, expected) in [
        ("oci://example.com/a/b", "example.com/a/b:latest"),
        ("oci://me/app:1", "docker.io/me/app:1"),
        ("oci://127.0.0.1:5000/a", "127.0.0.1:5000/a:latest"),
        ("oci://", "! a repository is lower-case letters and digits, joined by `/`, `.`, `_` or `-`"),
        ("oci://a@sha256:12", "! a digest is `sha256:` and 64 hexadecimal digits"),
        ("oci://rootfs:/etc", "! an artifact lies in a registry"),
    ] {
        assert_eq!(understood(text), expected, "{text}");
    }
}

#[test]
fn paths() {
    for text in [
        "",
        "-",
        "compose.yaml",
        "/srv/b.git",
        "./git@host:x",
        "../a",
        "a/git@host:x",
        ".git",
        "a.b@example.com:b",
        "user@exa_mple:b",
        "example.com:b",
        "github.com",
        "GitHub.com/a/b",
        "./github.com/a/b",
        "oci:a",
        "://",
        "a@b",
    ] {
        assert_eq!(understood(text), "path", "{text}");
    }
}

#[test]
fn references_that_cannot_be() {
    for (text, reason) in [
        ("https://example.com/b", "over https comes only a git repository, whose path ends in `.git`"),
        ("https://example.com/b.git/", "over https comes only a git repository, whose path ends in `.git`"),
        ("ftp://example.com/b.git", "repositories come over https, ssh and git, not `ftp`"),
        ("git+ssh://a/b.git", "repositories come over https, ssh and git, not `git+ssh`"),
        ("OCI://a/b", "repositories come over https, ssh and git, not `OCI`"),
        ("https:///b.git", "the host is missing"),
        ("ssh://", "the host is missing"),
        ("git@host:", "the path of the repository is missing"),
        ("github.com/", "the path of the repository is missing"),
        ("https://exa mple.com/b.git", "an address has no spaces"),
        ("https://example.com/b.git#a b", "`a b` is no name of a branch, tag or commit"),
        ("https://example.com/b.git#--upload-pack=x", "`--upload-pack=x` is no name of a branch, tag or commit"),
        ("https://example.com/b.git#+a*", "`+a*` is no name of a branch, tag or commit"),
        ("https://example.com/b.git#a..b", "`a..b` is no name of a branch, tag or commit"),
        ("https://example.com/b.git##ref=a", "one `#` stands before the ref"),
        ("https://example.com/b.git#%zz", "`%` stands before two hexadecimal digits"),
        ("https://example.com/b.git#%ff", "it is not UTF-8"),
        ("https://example.com/b.git#:../x", "the subdirectory `../x` is outside of the repository"),
        ("https://example.com/b.git#:a/../../x", "the subdirectory `a/../../x` is outside of the repository"),
        ("https://example.com/b.git#:%2e%2e/x", "the subdirectory `../x` is outside of the repository"),
        ("https://example.com/b.git#:/etc", "the subdirectory `/etc` must be relative"),
        ("https://example.com/b.git#:a%00b", "a path holds no NUL"),
        ("https://example.com/b.git?bogus=1", "`bogus` is none of ref, branch, tag, commit and subdir"),
        ("https://example.com/b.git?ref=", "`ref` has no value"),
        ("https://example.com/b.git?ref=a&ref=a", "`ref` is there twice"),
        ("https://example.com/b.git?ref=a#b", "`ref` says `a`, and `b` is said too"),
        ("https://example.com/b.git?commit=12", "`12` is not the id of a commit"),
        ("-u@host:path", "a user name does not begin with `-`"),
        ("ssh://-oProxyCommand=x/path", "neither host nor path begin with `-`"),
        ("ssh://-u@host/path", "a user name does not begin with `-`"),
        ("git@-host:path", "neither host nor path begin with `-`"),
        ("git@host:-path", "neither host nor path begin with `-`"),
    ] {
        assert_eq!(understood(text), format!("! {reason}"), "{text}");
    }
}

#[test]
fn secrets_are_not_shown() {
    for (text, shown) in [
        ("https://me:secret@example.com/b.git", "https://***@example.com/b.git"),
        ("https://token@example.com/b.git#x", "https://***@example.com/b.git#x"),
        ("ssh://git:secret@example.com/b", "ssh://git:***@example.com/b"),
        ("ssh://git@example.com/b", "ssh://git@example.com/b"),
        ("git@example.com:b", "git@example.com:b"),
    ] {
        let reference = RemoteReference::parse(text).unwrap().unwrap();
        assert_eq!(reference.name(), shown);
        assert!(!format!("{reference:?}").contains("secret"));
    }
    let error = RemoteReference::parse("https://me:secret@example.com/b").unwrap_err();
    assert_eq!(
        error.to_string(),
        "invalid reference `https://***@example.com/b`: over https comes only a git repository, whose path ends in `.git`"
    );
}

#[test]
fn a_reader_of_local_files_fetches_nothing() {
    let error = localize("oci://me/app", &Memory::default()).unwrap_err();
    assert_eq!(error.to_string(), "`oci://me/app` is remote, and only local files can be read here");
    assert_eq!(localize("compose.yaml", &Memory::default()).unwrap(), None);
}

#[test]
fn a_source_can_be_switched_off() {
    let git = |value| User::new().with("COMPOSE_EXPERIMENTAL_GIT_REMOTE", value).failure("git@example.com:b");
    insta::assert_snapshot!(git("false"), @"cannot fetch `git@example.com:b`: `COMPOSE_EXPERIMENTAL_GIT_REMOTE` switches this source off");
    assert_eq!(git("0"), git("F"));
    insta::assert_snapshot!(git("maybe"), @"cannot fetch `git@example.com:b`: `COMPOSE_EXPERIMENTAL_GIT_REMOTE` is `maybe`: it must be true or false");
    let user = User::new().with("COMPOSE_EXPERIMENTAL_OCI_REMOTE", "False");
    insta::assert_snapshot!(user.failure("oci://me/app"), @"cannot fetch `oci://me/app`: `COMPOSE_EXPERIMENTAL_OCI_REMOTE` switches this source off");
}

#[test]
fn a_cache_needs_a_place() {
    let user = User::new().with("HOME", "").with("XDG_CACHE_HOME", "relative");
    insta::assert_snapshot!(user.failure("oci://me/app"), @"
    cannot fetch `oci://me/app`: there is no place to keep it: neither RCOMPOSE_CACHE nor XDG_CACHE_HOME nor HOME is set
    set RCOMPOSE_CACHE to a directory
    ");
}
