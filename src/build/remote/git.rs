//! Commits of git repositories, fetched by the user's `git`: the only program of others that is run.
//!
//! A repository is given no say in what happens here: its hooks are not looked at, its submodules only for builds,
//! protocols are those of `GIT_ALLOW_PROTOCOL` or else https, ssh and git, and nothing asks for a password.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

use super::cache::{Cache, CacheError};
use super::git_error::GitError;
use crate::image::Digest;
use crate::name::GitReference;

/// How long git may take to say what a ref is, and to fetch a commit.
const RESOLVE_TIME: Duration = Duration::from_secs(60);
const FETCH_TIME: Duration = Duration::from_secs(600);

/// What git may speak unless the user allows something else.
const ALLOWED_PROTOCOLS: &str = "https:ssh:git";

/// Variables that make git work on another repository than it is told: they are set where hooks run.
const LOCATION_VARIABLES: &[&str] = &[
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_COMMON_DIR",
    "GIT_NAMESPACE",
    "GIT_PREFIX",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
];

/// Settings that hold whatever the user's configuration says.
const SETTINGS: &[&str] = &[
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.bare=false",
    "submodule.recurse=false",
    "fetch.recurseSubmodules=false",
    "gc.auto=0",
    "maintenance.auto=false",
    // A server that sends less than 1 kB/s for half a minute has gone.
    "http.lowSpeedLimit=1000",
    "http.lowSpeedTime=30",
];

/// How many lines of what git says are told.
const LINES_TOLD: usize = 10;

/// What comes with the files of a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Checkout<'a> {
    /// The repository itself, as `.git`, without the history before.
    pub keep_git_dir: bool,
    /// The files of submodules.
    pub submodules: bool,
    /// What the id of the commit must begin with, besides what the reference says of it.
    pub checksum: Option<&'a str>,
}

/// The files of a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckedOut {
    /// The id of the commit.
    pub commit: String,
    /// The directory of its files, in the cache.
    pub root: PathBuf,
}

/// Brings the commit that `reference` names now, as `git` with this `environment` finds it. What the reference says goes
/// before what `how` says.
///
/// # Errors
/// [`GitError`].
pub async fn check_out(
    reference: &GitReference,
    how: Checkout<'_>,
    cache: &Cache,
    environment: &BTreeMap<String, String>,
) -> Result<CheckedOut, GitError> {
    let git = Git::new(environment, &reference.url);
    git.check_protocol(&reference.protocol)?;
    let commit = git.resolve(reference, how.checksum).await?;
    let root = cache.entry("git", &entry_of(reference, how, &commit));
    if !root.is_dir() {
        git.check_out(&commit, how, cache, &root).await?;
    }
    Ok(CheckedOut { commit, root })
}

/// A commit says all about its files, but not where those of submodules come from.
fn entry_of(reference: &GitReference, how: Checkout<'_>, commit: &str) -> String {
    let mut name = commit.to_owned();
    if how.keep_git_dir {
        name.push_str("-git");
    }
    if how.submodules {
        name.push_str(&format!("-{}", &Digest::of(reference.url.as_bytes()).hex()[..16]));
    }
    name
}

/// The program, with what it is told in every case.
struct Git<'a> {
    environment: &'a BTreeMap<String, String>,
    allowed: &'a str,
    url: &'a str,
}

impl<'a> Git<'a> {
    fn new(environment: &'a BTreeMap<String, String>, url: &'a str) -> Self {
        let allowed = environment.get("GIT_ALLOW_PROTOCOL").map_or(ALLOWED_PROTOCOLS, String::as_str);
        Self { environment, allowed, url }
    }

    /// git refuses, too, but its words would not help.
    fn check_protocol(&self, protocol: &str) -> Result<(), GitError> {
        if self.allowed.split(':').any(|allowed| allowed == protocol) {
            return Ok(());
        }
        Err(GitError::Protocol { protocol: protocol.to_owned(), allowed: self.allowed.to_owned() })
    }

    /// The id of the commit that is wanted.
    async fn resolve(&self, reference: &GitReference, checksum: Option<&str>) -> Result<String, GitError> {
        let wanted = reference.reference.as_deref().unwrap_or("HEAD");
        let commit = if is_commit_id(wanted) { wanted.to_owned() } else { self.ask(wanted).await? };
        for expected in reference.commit.as_deref().into_iter().chain(checksum) {
            if !commit.starts_with(&expected.to_ascii_lowercase()) {
                let (reference, expected) = (wanted.to_owned(), expected.to_owned());
                return Err(GitError::OtherCommit { reference, actual: commit, expected });
            }
        }
        Ok(commit)
    }

    /// Asks the repository. A pattern alone would match the end of longer names, too: `main` is asked for, and `x/main`
    /// comes first.
    async fn ask(&self, wanted: &str) -> Result<String, GitError> {
        // A branch before a tag of the same name, as `git checkout` has it; what `^{}` shows is the commit of a tag.
        let names = match wanted {
            "HEAD" => vec!["HEAD".to_owned()],
            _ if wanted.starts_with("refs/") => vec![format!("{wanted}^{{}}"), wanted.to_owned()],
            _ => ["refs/heads/", "refs/tags/", "refs/"]
                .iter()
                .flat_map(|prefix| [format!("{prefix}{wanted}^{{}}"), format!("{prefix}{wanted}")])
                .collect(),
        };
        let mut command = self.command(&["ls-remote", "--quiet", "--"]);
        command.arg(self.url).args(&names);
        let output = self.run("ls-remote", command, RESOLVE_TIME).await?;
        let found: BTreeMap<&str, &str> =
            output.lines().filter_map(|line| line.split_once('\t')).map(|(id, name)| (name, id)).collect();
        let id = names.iter().find_map(|name| found.get(name.as_str())).filter(|id| is_commit_id(id));
        id.map(ToString::to_string).ok_or_else(|| GitError::NoSuchReference { reference: wanted.to_owned() })
    }

    /// Makes `entry` the files of `commit`, without the history before it.
    async fn check_out(&self, commit: &str, how: Checkout<'_>, cache: &Cache, entry: &Path) -> Result<(), GitError> {
        let staging = cache.stage()?;
        let files = staging.path().join("files");
        // What names another directory by a relative path, as submodules do, is right after a rename of both.
        let repository = if how.keep_git_dir { files.join(".git") } else { staging.path().join("repository") };
        fs_err::create_dir(&files).map_err(CacheError::from)?;
        // No template: it could bring hooks.
        let mut command = self.command(&["init", "--quiet", "--bare", "--template="]);
        command.arg(format!("--object-format={}", if commit.len() == 64 { "sha256" } else { "sha1" })).arg(&repository);
        self.run("init", command, RESOLVE_TIME).await?;
        let in_repository = |arguments: &[&str]| {
            let mut command = self.command(&[]);
            command.arg("--git-dir").arg(&repository).arg("--work-tree").arg(&files).args(arguments);
            command.current_dir(&files);
            command
        };
        let mut command =
            in_repository(&["fetch", "--quiet", "--depth=1", "--no-tags", "--no-recurse-submodules", "--"]);
        command.arg(self.url).arg(commit);
        self.run("fetch", command, FETCH_TIME).await?;
        let command = in_repository(&["checkout", "--quiet", "--force", "--detach", commit, "--"]);
        self.run("checkout", command, FETCH_TIME).await?;
        if how.submodules && files.join(".gitmodules").is_file() {
            // Relative addresses of submodules begin at this one.
            let command = in_repository(&["config", "remote.origin.url", self.url]);
            self.run("config", command, RESOLVE_TIME).await?;
            let command = in_repository(&["submodule", "--quiet", "update", "--init", "--recursive", "--depth=1"]);
            self.run("submodule", command, FETCH_TIME).await?;
        }
        if how.keep_git_dir {
            forget_address(&repository).map_err(CacheError::from)?;
        } else {
            remove_git_files(&files).map_err(CacheError::from)?;
        }
        Ok(staging.commit(&files, entry)?)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("git");
        command.env_clear().envs(self.environment);
        for variable in LOCATION_VARIABLES {
            command.env_remove(variable);
        }
        let default = |command: &mut Command, name: &str, value: &str| {
            if self.environment.get(name).is_none_or(String::is_empty) {
                command.env(name, value);
            }
        };
        command.env("GIT_ALLOW_PROTOCOL", self.allowed).env("LC_ALL", "C");
        default(&mut command, "GIT_TERMINAL_PROMPT", "0");
        if !self.environment.contains_key("GIT_SSH") {
            let ssh = "ssh -o BatchMode=yes -o ControlMaster=no -o ConnectTimeout=15";
            default(&mut command, "GIT_SSH_COMMAND", ssh);
        }
        for setting in SETTINGS {
            command.args(["-c", setting]);
        }
        command.args(arguments).stdin(Stdio::null()).kill_on_drop(true);
        command
    }

    async fn run(&self, step: &'static str, mut command: Command, limit: Duration) -> Result<String, GitError> {
        let output = tokio::time::timeout(limit, command.output()).await.map_err(|_| GitError::Slow { step, limit })?;
        let output = output.map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => GitError::Missing,
            _ => GitError::Run(error),
        })?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        let said = match self.secret() {
            Some(secret) => said.replace(secret, "***@"),
            None => said.into_owned(),
        };
        let output = if said.trim().is_empty() { output.status.to_string() } else { readable(&said) };
        Err(GitError::Failed { step, output })
    }

    /// What of the address is not to be shown: `user:password@`.
    fn secret(&self) -> Option<&str> {
        let authority = self.url.split_once("://")?.1.split('/').next()?;
        authority.rfind('@').map(|end| &authority[..=end])
    }
}

/// The end of what git said, which may be what a server had it say: no control characters reach the terminal.
fn readable(text: &str) -> String {
    let lines: Vec<&str> = text.lines().map(str::trim_end).filter(|line| !line.is_empty()).collect();
    let told = lines[lines.len().saturating_sub(LINES_TOLD)..].join("; ");
    told.chars().map(|character| if character.is_control() { ' ' } else { character }).collect()
}

/// Whether `text` is a whole SHA-1 or SHA-256.
fn is_commit_id(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

/// Removes what remembers the address, which may hold a password, and what says that there are no files.
fn forget_address(repository: &Path) -> io::Result<()> {
    match fs_err::remove_file(repository.join("FETCH_HEAD")) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let config = repository.join("config");
    let text = fs_err::read_to_string(&config)?;
    let mut kept = String::new();
    let mut is_remote = false;
    for line in text.lines() {
        if line.starts_with('[') {
            is_remote = line.starts_with("[remote");
        }
        if !is_remote {
            kept.push_str(&line.replace("bare = true", "bare = false"));
            kept.push('\n');
        }
    }
    fs_err::write(config, kept)
}

/// Removes the files by which submodules name their repositories, which are not there for whoever has the files.
fn remove_git_files(directory: &Path) -> io::Result<()> {
    for entry in fs_err::read_dir(directory)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            remove_git_files(&entry.path())?;
        } else if entry.file_name() == ".git" {
            fs_err::remove_file(entry.path())?;
        }
    }
    Ok(())
}
