//! What is to be built: a Dockerfile, where its files come from, and what it is told.

use std::collections::BTreeMap;
use std::path::PathBuf;

use jiff::Timestamp;

use super::run::SshAgent;
use super::share::{CacheFrom, CacheTo};
use crate::image::Blueprint;
use crate::name::{ImageReference, RegistryReference};

/// An image that is to be built.
#[derive(Debug, Clone)]
pub struct Target {
    /// What the user calls it: the name of a service.
    pub name: String,
    /// What its Dockerfile is called in messages.
    pub dockerfile: String,
    /// The Dockerfile.
    pub text: String,
    /// The directory that `COPY` takes files from; `None` when there are none.
    pub context: Option<PathBuf>,
    /// The text of what is left out of it, with the name of the file that says so.
    pub ignore: Option<(String, String)>,
    /// What stands in for stages and images of a name, or is there under that name alone.
    pub contexts: BTreeMap<String, NamedContext>,
    /// The stage that is wanted, by name or number; the last one if none is given.
    pub stage: Option<String>,
    /// Build arguments.
    pub arguments: BTreeMap<String, String>,
    /// Labels over those of the Dockerfile.
    pub labels: BTreeMap<String, String>,
    /// What the image is to be called.
    pub names: Vec<RegistryReference>,
    /// `linux/amd64`: what it is for; this machine's when `None`.
    pub platform: Option<String>,
    /// Which steps are done whatever is in the cache.
    pub fresh: Fresh,
    /// Where others may have made its steps.
    pub cache_from: Vec<CacheFrom>,
    /// Where others are told of its steps.
    pub cache_to: Vec<CacheTo>,
    /// What programs that are run find around them.
    pub surroundings: Surroundings,
    /// The time of everything that is made: files are not newer, and the image is of then.
    pub epoch: Option<Timestamp>,
}

/// What a name stands for in `FROM` and `--from`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NamedContext {
    /// A directory of this machine.
    Directory {
        /// Which.
        directory: PathBuf,
        /// The text of what is left out of it, with the name of the file that says so.
        ignore: Option<(String, String)>,
    },
    /// An image.
    Image(ImageReference),
    /// An image whose layers are in the store.
    Loaded(Box<Blueprint>),
    /// What comes of another target that is built together with this one.
    Target(String),
}

/// Which steps are done whatever is in the cache.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Fresh {
    /// None.
    #[default]
    Nothing,
    /// Those of these stages, by name or number.
    Stages(Vec<String>),
    /// All.
    Everything,
}

/// What programs that are run find around them. None of it is in a key, but for the hosts and the network.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Surroundings {
    /// Which network, unless `RUN --network` says so.
    pub network: RunNetwork,
    /// Names with their addresses: `/etc/hosts`.
    pub extra_hosts: Vec<(String, String)>,
    /// The size of `/dev/shm` in bytes.
    pub shm_size: Option<u64>,
    /// Limits by name: soft and hard, `-1` for none.
    pub ulimits: BTreeMap<String, (i64, i64)>,
    /// `RUN --security=insecure` may be so: the entitlement `security.insecure`.
    pub insecure: bool,
    /// `RUN --network=host` may be so: the entitlement `network.host`.
    pub host_network: bool,
    /// Every `RUN` is.
    pub privileged: bool,
    /// The most memory that a program may use, in bytes.
    pub memory: Option<u64>,
    /// Secrets by id.
    pub secrets: BTreeMap<String, SecretSource>,
    /// SSH agents by id.
    pub ssh: BTreeMap<String, SshAgent>,
}

/// The network of a program that is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, PartialOrd, Ord, Hash)]
pub enum RunNetwork {
    /// One that leads outside.
    #[default]
    Default,
    /// None.
    None,
    /// The machine's own.
    Host,
}

impl RunNetwork {
    /// As `RUN --network` has it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::None => "none",
            Self::Host => "host",
        }
    }
}

/// Where a secret comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretSource {
    /// A file of this machine.
    File(PathBuf),
    /// The text itself.
    Content(Vec<u8>),
}
