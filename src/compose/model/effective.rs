//! What a service comes to where Compose has two attributes for one thing, or a default.

use std::time::Duration;

use super::{Extension, Mount, NetworkLimits, Probe, PullPolicy, ResourceAmounts, Restart, RestartCondition, Service};
use crate::name::{ImageReference, VolumeName};
use crate::text::units;

/// Docker's grace period.
const STOP_GRACE_PERIOD: Duration = Duration::from_secs(10);

impl Service {
    /// How many containers: `scale`, else `deploy.replicas`, else 1.
    #[must_use]
    pub fn replicas(&self) -> u32 {
        self.scale.or(self.deploy.as_ref().and_then(|deploy| deploy.replicas)).unwrap_or(1)
    }

    /// When a container is started again: `deploy.restart_policy`, else `restart`, else never.
    #[must_use]
    pub fn restart(&self) -> Restart {
        match self.deploy.as_ref().and_then(|deploy| deploy.restart_policy.as_ref()) {
            None => self.restart.unwrap_or_default(),
            Some(policy) => match policy.condition.unwrap_or(RestartCondition::Any) {
                RestartCondition::None => Restart::No,
                RestartCondition::Any => Restart::Always,
                RestartCondition::UnlessStopped => Restart::UnlessStopped,
                RestartCondition::OnFailure => {
                    Restart::OnFailure { max_attempts: policy.max_attempts.filter(|attempts| *attempts > 0) }
                }
            },
        }
    }

    /// Whether it gives this machine a name: `extra_hosts` with `host-gateway`.
    #[must_use]
    pub fn names_host(&self) -> bool {
        self.extra_hosts.0.values().flatten().any(|address| address == "host-gateway")
    }

    /// When its image is pulled; what is missing by default.
    #[must_use]
    pub fn pull_policy(&self) -> PullPolicy {
        self.pull_policy.unwrap_or_default()
    }

    /// How long a container may take to stop.
    #[must_use]
    pub fn stop_grace_period(&self) -> Duration {
        self.stop_grace_period.unwrap_or(STOP_GRACE_PERIOD)
    }

    /// Whether `up` follows its log.
    #[must_use]
    pub fn attach(&self) -> bool {
        self.attach.unwrap_or(true)
    }

    /// What its health check runs, if the service says: [`Probe::None`] for nothing.
    #[must_use]
    pub fn probe(&self) -> Option<&Probe> {
        self.healthcheck.as_ref().and_then(|check| check.probe())
    }

    /// `x-rcompose.strict_health`: Docker's timing of probes instead of the eager one.
    #[must_use]
    pub fn strict_health(&self) -> bool {
        self.rcompose.as_ref().is_some_and(|extension| extension.strict_health)
    }

    /// `x-rcompose.restart_unhealthy`: a container that is unhealthy is started again as one that failed.
    #[must_use]
    pub fn restart_unhealthy(&self) -> bool {
        self.rcompose.as_ref().is_some_and(|extension| extension.restart_unhealthy)
    }

    /// `storage_opt.size`: how much everything that the container keeps may take up, in bytes.
    #[must_use]
    pub fn storage_size(&self) -> Option<u64> {
        self.storage_opt.get("size").and_then(|text| units::bytes(text).ok()).filter(|size| *size > 0)
    }

    /// `x-rcompose.network`, if it says anything.
    #[must_use]
    pub fn network_limits(&self) -> Option<&NetworkLimits> {
        let limits = self.rcompose.as_ref()?.network.as_ref();
        limits.filter(|limits| **limits != NetworkLimits::default())
    }

    /// Puts other limits in the place of those it has.
    pub fn set_network_limits(&mut self, limits: Option<NetworkLimits>) {
        let extension = self.rcompose.get_or_insert_default();
        extension.network = limits;
        if *extension == Extension::default() {
            self.rcompose = None;
        }
    }

    /// The memory a container may use at most, in bytes: `mem_limit` or `deploy.resources.limits.memory`.
    #[must_use]
    pub fn memory_limit(&self) -> Option<u64> {
        self.mem_limit.or(self.limits().and_then(|limits| limits.memory)).filter(|bytes| *bytes > 0)
    }

    /// The memory a container keeps when it is short, in bytes: `mem_reservation` or
    /// `deploy.resources.reservations.memory`.
    #[must_use]
    pub fn memory_reservation(&self) -> Option<u64> {
        let deploy = self.deploy.as_ref().and_then(|deploy| deploy.resources.as_ref());
        let reservations = deploy.and_then(|resources| resources.reservations.as_ref());
        self.mem_reservation.or(reservations.and_then(|amounts| amounts.memory)).filter(|bytes| *bytes > 0)
    }

    /// Processors, in billionths: `cpus` or `deploy.resources.limits.cpus`.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a float saturates; negative is none")]
    pub fn nano_cpus(&self) -> Option<u64> {
        let cpus = self.cpus.or(self.limits().and_then(|limits| limits.cpus));
        cpus.filter(|cpus| *cpus > 0.0).map(|cpus| (cpus * 1e9).round() as u64)
    }

    /// How many processes: `pids_limit` or `deploy.resources.limits.pids`; `-1` is unlimited.
    #[must_use]
    pub fn process_limit(&self) -> Option<i64> {
        self.pids_limit.or(self.limits().and_then(|limits| limits.pids)).filter(|pids| *pids != 0)
    }

    /// Everything that is mounted, `volumes` and `tmpfs`, in order of the targets: a mount is made after the one it
    /// lies in. Of two at one target the later one counts.
    #[must_use]
    pub fn mounts(&self) -> Vec<Mount> {
        let tmpfs = self.tmpfs.iter().cloned().map(Mount::Tmpfs);
        let all = self.volumes.iter().cloned().chain(tmpfs);
        let by_target = all.map(|mount| (mount.target().trim_end_matches('/').to_owned(), mount));
        by_target.collect::<std::collections::BTreeMap<_, _>>().into_values().collect()
    }

    /// The keys of the volumes that it mounts.
    pub fn named_volumes(&self) -> impl Iterator<Item = &VolumeName> {
        self.volumes.iter().filter_map(Mount::named_volume)
    }

    /// The images that it needs: its own, those of its hooks, and those that it mounts.
    pub fn images(&self) -> impl Iterator<Item = &ImageReference> {
        let hooks = self.pre_start.iter().filter_map(|hook| hook.image.as_ref());
        std::iter::once(&self.image).chain(hooks).chain(self.mounted_images())
    }

    /// The images that it mounts, as volumes of `type: image`.
    pub fn mounted_images(&self) -> impl Iterator<Item = &ImageReference> {
        self.volumes.iter().filter_map(Mount::image)
    }

    fn limits(&self) -> Option<&ResourceAmounts> {
        self.deploy.as_ref()?.resources.as_ref()?.limits.as_ref()
    }

    /// Makes the targets of configs and secrets absolute.
    pub(in crate::compose) fn settle(&mut self) {
        self.configs.iter_mut().for_each(|grant| grant.settle("/"));
        self.secrets.iter_mut().for_each(|grant| grant.settle("/run/secrets/"));
    }
}
