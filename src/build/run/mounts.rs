//! The mounts of a command: what was asked for, made ready to be attached.

use std::collections::BTreeMap;
use std::io;
use std::path::{Component, Path, PathBuf};

use oci_spec::runtime::Mount as OciMount;

use super::agent::AgentRelay;
use super::cache::{self, Borrowed};
use super::error::prepare;
use super::tree::{Room, Tree};
use super::{Cache, Cancel, Mount, Network, Ownership, Run, RunError, Security, Site, SshAgent};
use crate::build::layer::{Stub, Workspace};
use crate::runtime::defaults::{self, mount};

/// Where a secret is whose place is not said.
const SECRETS: &str = "/run/secrets";
/// Where the sockets of agents are whose place is not said.
const AGENTS: &str = "/run/buildkit/ssh_agent";

/// What a file that everybody may read is.
const READABLE: Ownership = Ownership { mode: 0o644, uid: 0, gid: 0 };

/// All that is mounted in a container.
#[derive(Debug, Default)]
pub(super) struct Mounts {
    /// As the specification has them, each after the one that it lies in.
    pub(super) mounts: Vec<OciMount>,
    /// What the bind mounts among them show, by index.
    pub(super) trees: BTreeMap<usize, Tree>,
    /// What they add to the environment.
    pub(super) env: Vec<String>,
    /// Files that are nowhere else, once they are mounted.
    files: Vec<PathBuf>,
    /// What is in use until the command has ended.
    _held: (Vec<Borrowed>, Vec<AgentRelay>),
}

impl Mounts {
    /// Makes them ready. `directory` holds files for a moment; the rest is in the scratch of the workspace.
    pub(super) fn prepare(
        run: &Run<'_>,
        site: &Site<'_>,
        workspace: &Workspace,
        directory: &Path,
        cancel: &Cancel,
    ) -> Result<Self, RunError> {
        let mut maker = Maker {
            run,
            site,
            scratch: workspace.scratch(),
            directory,
            made: Vec::new(),
            held: (Vec::new(), Vec::new()),
            env: Vec::new(),
            files: Vec::new(),
        };
        maker.borrow_caches(cancel)?;
        maker.etc()?;
        for (number, mount) in run.mounts.iter().enumerate() {
            maker.add(number, mount)?;
        }
        let Maker { mut made, held, env, files, .. } = maker;
        let mut mounts = defaults::mounts(run.security == Security::Insecure);
        mounts.push(defaults::shared_memory(run.limits.shm_size));
        // Of two at one place the later one covers the other.
        made.sort_by_key(|(mount, _)| mount.destination().clone());
        let mut trees = BTreeMap::new();
        for (mount, tree) in made {
            trees.extend(tree.map(|tree| (mounts.len(), tree)));
            mounts.push(mount);
        }
        Ok(Self { mounts, trees, env, files, _held: held })
    }

    /// Removes the names of files, which are mounted by now: secrets are not to lie about.
    pub(super) fn remove_names(&self) {
        // What is left goes with the directory that they are in.
        self.files.iter().for_each(|path| drop(fs_err::remove_file(path)));
    }

    /// The places to mount at that a layer has to have: all that are not in another mount.
    pub(super) fn stubs(&self) -> Vec<Stub> {
        let mut stubs: Vec<Stub> = Vec::new();
        for (index, mount) in self.mounts.iter().enumerate() {
            let path = mount.destination().clone();
            if !stubs.iter().any(|stub| path.starts_with(&stub.path)) {
                let directory = self.trees.get(&index).is_none_or(|tree| tree.is_directory);
                stubs.push(Stub { path, directory });
            }
        }
        stubs
    }
}

struct Maker<'a> {
    run: &'a Run<'a>,
    site: &'a Site<'a>,
    scratch: &'a Path,
    directory: &'a Path,
    made: Vec<(OciMount, Option<Tree>)>,
    held: (Vec<Borrowed>, Vec<AgentRelay>),
    env: Vec<String>,
    files: Vec<PathBuf>,
}

impl Maker<'_> {
    /// In the order of their ids, so that no two builds wait for one another.
    fn borrow_caches(&mut self, cancel: &Cancel) -> Result<(), RunError> {
        let caches = self.run.mounts.iter().filter_map(|mount| match mount {
            Mount::Cache(cache) => Some(cache),
            _ => None,
        });
        let mut caches: Vec<&Cache> = caches.collect();
        caches.sort_by_key(|cache| cache::key(cache));
        for cache in caches {
            let borrowed = cache::borrow(cache, self.site.caches, cancel)?;
            let failed = |source| RunError::Cache { id: cache.id.clone(), source };
            let tree = Tree::directory(&borrowed.directory, cache.read_only).map_err(failed)?;
            self.held.0.push(borrowed);
            self.bind(&cache.target, tree);
        }
        Ok(())
    }

    /// `/etc/resolv.conf` and `/etc/hosts`.
    fn etc(&mut self) -> Result<(), RunError> {
        let resolv_conf = match self.run.network {
            Network::Own(network) => network.resolv_conf(),
            Network::Host | Network::None => match fs_err::read_to_string("/etc/resolv.conf") {
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
                read => read,
            },
        };
        let resolv_conf = resolv_conf.map_err(prepare("/etc/resolv.conf"))?;
        let mut hosts = "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n".to_owned();
        hosts.extend(self.run.extra_hosts.iter().map(|(name, address)| format!("{address}\t{name}\n")));
        for (name, what, content) in [("resolv.conf", "/etc/resolv.conf", resolv_conf), ("hosts", "/etc/hosts", hosts)]
        {
            let path = self.directory.join(name);
            let tree = Tree::file(&path, content.as_bytes(), READABLE, false);
            self.files.push(path);
            self.bind(Path::new(what), tree.map_err(prepare(what))?);
        }
        Ok(())
    }

    fn add(&mut self, number: usize, mount: &Mount) -> Result<(), RunError> {
        match mount {
            Mount::Bind { target, source, writable } => {
                let room = Room { directory: self.scratch, number };
                let tree = if *writable { Tree::discarding(source, &room) } else { Tree::read_only(source, &room) };
                let failed = |error| failed(&source.path, target, error);
                self.bind(target, tree.map_err(failed)?);
            }
            // Taken already.
            Mount::Cache(_) => {}
            Mount::Tmpfs { target, size } => {
                let size = size.map(|size| format!("size={size}"));
                let options: Vec<&str> = std::iter::once("nosuid").chain(size.as_deref()).collect();
                let target = self.place(target);
                self.made.push((self::mount(&target.to_string_lossy(), "tmpfs", "tmpfs", &options), None));
            }
            Mount::Secret { id, target, env, required, ownership } => match self.run.secrets.get(id) {
                None if *required => return Err(RunError::NoSecret { id: id.clone() }),
                None => {}
                Some(secret) => {
                    if let Some(env) = env {
                        let text = std::str::from_utf8(secret);
                        let no_text = |_| RunError::SecretIsNoText { id: id.clone(), env: env.clone() };
                        self.env.push(format!("{env}={}", text.map_err(no_text)?));
                    }
                    let usual = || env.is_none().then(|| Path::new(SECRETS).join(id));
                    if let Some(target) = target.clone().or_else(usual) {
                        self.file(number, &target, secret, *ownership, false)?;
                    }
                }
            },
            Mount::Ssh { id, target, required, ownership } => match self.run.agents.get(id) {
                None if *required => return Err(RunError::NoAgent { id: id.clone() }),
                None => {}
                Some(agent) => self.agent(number, target.as_deref(), agent, *ownership)?,
            },
            Mount::File { target, content, mode } => {
                let ownership = Ownership { mode: *mode, uid: 0, gid: 0 };
                self.file(number, target, content, ownership, true)?;
            }
        }
        Ok(())
    }

    fn file(
        &mut self,
        number: usize,
        target: &Path,
        content: &[u8],
        ownership: Ownership,
        executable: bool,
    ) -> Result<(), RunError> {
        let path = self.directory.join(format!("file-{number}"));
        let tree = Tree::file(&path, content, ownership, executable);
        self.files.push(path);
        self.bind(target, tree.map_err(|error| failed(Path::new("-"), target, error))?);
        Ok(())
    }

    fn agent(
        &mut self,
        number: usize,
        target: Option<&Path>,
        agent: &SshAgent,
        ownership: Ownership,
    ) -> Result<(), RunError> {
        let target = target.map_or_else(|| format!("{AGENTS}.{}", self.held.1.len()).into(), Path::to_owned);
        let path = self.directory.join(format!("agent-{number}"));
        let listened = AgentRelay::listen(&path, agent).and_then(|relay| Ok((relay, Tree::named(&path, ownership)?)));
        self.files.push(path);
        let source = match agent {
            SshAgent::Socket(socket) => socket,
            SshAgent::Keys(_) => Path::new("-"),
        };
        let (relay, tree) = listened.map_err(|error| failed(source, &target, error))?;
        if self.held.1.is_empty() {
            self.env.push(format!("SSH_AUTH_SOCK={}", self.place(&target).display()));
        }
        self.held.1.push(relay);
        self.bind(&target, tree);
        Ok(())
    }

    fn bind(&mut self, target: &Path, tree: Tree) {
        let target = self.place(target);
        // What it shows is handed over.
        self.made.push((mount(&target.to_string_lossy(), "bind", "none", &["bind"]), Some(tree)));
    }

    /// A target as an absolute path without dots, from the working directory.
    fn place(&self, target: &Path) -> PathBuf {
        let mut place = PathBuf::from("/");
        for part in Path::new("/").join(&self.run.cwd).join(target).components() {
            match part {
                Component::Normal(name) => place.push(name),
                Component::ParentDir => {
                    place.pop();
                }
                _ => {}
            }
        }
        place
    }
}

fn failed(path: &Path, target: &Path, source: io::Error) -> RunError {
    RunError::Source { path: path.to_owned(), target: target.to_owned(), source }
}
