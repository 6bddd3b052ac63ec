//! What builds keep on this machine, and how much of it is too much.

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};

use super::open_cache;
use super::settings::{BuildSettings, Limit};
use crate::build::Cache;
use crate::build::disk::{Item, Limits, Listed, list, remove};
use crate::cli::build::BuildFailure;
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::rmi::users;
use crate::image::Store;

/// For how long an image may be about to become that of a container: an `up` may have looked it up before it lost its name.
pub(in crate::cli) const SETTLED: Duration = Duration::from_secs(3600);

/// How often builds look whether there is too much: that takes a look at every file of cache mounts.
const EVERY: Duration = Duration::from_secs(600);

/// The least that builds may keep unless something else is said, in bytes.
const LEAST: u64 = 2 << 30;

/// What builds keep on this machine.
#[derive(Debug)]
pub(in crate::cli) struct Disk<'a> {
    context: &'a Context,
    store: Store,
    cache: Cache,
}

impl<'a> Disk<'a> {
    pub(super) fn new(context: &'a Context, store: Store, cache: Cache) -> Self {
        Self { context, store, cache }
    }

    /// That of the machine.
    ///
    /// # Errors
    /// [`CliError`].
    pub(in crate::cli) fn open(context: &'a Context) -> Result<Self, CliError> {
        Ok(Self::new(context, Store::open(&context.layout.images())?, open_cache(context)?))
    }

    /// All of it. Images that were made within `settled` count as used.
    ///
    /// # Errors
    /// [`CliError`].
    pub(in crate::cli) fn list(&self, settled: Duration) -> Result<Listed, CliError> {
        let used: BTreeSet<String> = users(self.context)?.into_keys().collect();
        let settled = SystemTime::now().checked_sub(settled).unwrap_or(SystemTime::UNIX_EPOCH);
        Ok(list(&self.store, &self.cache, &used, settled).map_err(BuildFailure::from)?)
    }

    /// Removes what `limits` do not allow, unless something is being built or fetched: then nothing, and `None`.
    ///
    /// # Errors
    /// [`CliError`].
    pub(in crate::cli) fn prune(&self, limits: &Limits, settled: Duration) -> Result<Option<Vec<Item>>, CliError> {
        let Some(alone) = self.store.alone()? else { return Ok(None) };
        self.store.clear_abandoned();
        let listed = self.list(settled)?;
        let chosen = limits.choose(&listed.items);
        remove(&alone, &self.cache, &chosen, &listed.images).map_err(BuildFailure::from)?;
        Ok(Some(chosen.into_iter().cloned().collect()))
    }

    /// Removes what is too much, now and then.
    ///
    /// # Errors
    /// [`CliError`].
    pub(super) fn collect(&self, settings: &BuildSettings) -> Result<(), CliError> {
        if !self.cache.is_due(EVERY)? {
            return Ok(());
        }
        let age = match settings.cache_age {
            Limit::Of(age) => Some(age),
            Limit::Usual | Limit::None => None,
        };
        let limits = Limits {
            size: Some(match settings.cache_size {
                Limit::Of(size) => size,
                Limit::Usual => self.usual_size()?,
                Limit::None => u64::MAX,
            }),
            expired: age.and_then(|age| SystemTime::now().checked_sub(age)),
            ..Limits::default()
        };
        // While others build, the last of them does it.
        self.prune(&limits, SETTLED).map(drop)
    }

    /// A tenth of the disk.
    fn usual_size(&self) -> Result<u64, CliError> {
        let disk = rustix::fs::statvfs(self.context.layout.images()).map_err(std::io::Error::from)?;
        Ok((disk.f_blocks * disk.f_frsize / 10).max(LEAST))
    }
}
