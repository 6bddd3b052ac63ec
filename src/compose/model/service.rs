//! A service.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use serde_json::Value;

use super::amount::{bytes, duration, limit, microseconds};
use super::element::element;
use super::{
    AiModelBinding, Attachment, BlkioConfig, Build, CredentialSpec, Dependency, Deploy, Develop, DeviceMapping,
    DeviceRequest, Extension, FileGrant, Healthcheck, Hook, Hosts, IpcMode, Logging, Mount, NetworkMode, PidMode, Port,
    Provider, PullPolicy, Restart, Tmpfs, Ulimit,
};
use crate::name::{ContainerName, ImageReference, NetworkName, ServiceName};

element! {
    /// A service, resolved, with the attributes as in the file; methods answer where two attributes say one thing.
    /// `None` and empty mean "as the image says" where the image has a say.
    pub struct Service(
        /// `image`; `<project>-<service>` when the file names none, since the service is built.
        image: ImageReference
    ) {
        /// `annotations`.
        annotations: BTreeMap<String, String>,
        /// `attach`: whether `up` follows its log; true by default.
        attach: Option<bool>,
        /// `blkio_config`.
        blkio_config: Option<BlkioConfig>,
        /// `build`.
        build: Option<Build>,
        /// `cap_add`: upper case, without `CAP_`; may hold `ALL`.
        #[serde(deserialize_with = "super::variable::capabilities")]
        cap_add: Vec<String>,
        /// `cap_drop`: as `cap_add`.
        #[serde(deserialize_with = "super::variable::capabilities")]
        cap_drop: Vec<String>,
        /// `cgroup`: `host` or `private`.
        cgroup: Option<String>,
        /// `cgroup_parent`.
        cgroup_parent: Option<String>,
        /// `command`: `None` takes the image's; an empty list empties it.
        command: Option<Vec<String>>,
        /// `configs`.
        configs: Vec<FileGrant>,
        /// `container_name`.
        container_name: Option<ContainerName>,
        /// `cpu_count`, on Windows.
        cpu_count: Option<i64>,
        /// `cpu_percent`, on Windows.
        cpu_percent: Option<f64>,
        /// `cpu_period` in microseconds.
        #[serde(with = "microseconds")]
        cpu_period: Option<i64>,
        /// `cpu_quota` in microseconds.
        #[serde(with = "microseconds")]
        cpu_quota: Option<i64>,
        /// `cpu_rt_period` in microseconds.
        #[serde(with = "microseconds")]
        cpu_rt_period: Option<i64>,
        /// `cpu_rt_runtime` in microseconds.
        #[serde(with = "microseconds")]
        cpu_rt_runtime: Option<i64>,
        /// `cpu_shares`.
        cpu_shares: Option<u64>,
        /// `cpus`: processors; see [`Service::nano_cpus`].
        cpus: Option<f64>,
        /// `cpuset`: `0-3` or `0,1`.
        cpuset: Option<String>,
        /// `credential_spec`, on Windows.
        credential_spec: Option<CredentialSpec>,
        /// `depends_on`.
        depends_on: BTreeMap<ServiceName, Dependency>,
        /// `deploy`.
        deploy: Option<Deploy>,
        /// `develop`.
        develop: Option<Develop>,
        /// `device_cgroup_rules`: `c 1:3 mr`.
        device_cgroup_rules: Vec<String>,
        /// `devices`.
        devices: Vec<DeviceMapping>,
        /// `dns`.
        #[serde(deserialize_with = "super::address::list")]
        dns: Vec<IpAddr>,
        /// `dns_opt`.
        dns_opt: Vec<String>,
        /// `dns_search`.
        dns_search: Vec<String>,
        /// `domainname`.
        domainname: Option<String>,
        /// `entrypoint`: anything but `None` also drops the image's command.
        entrypoint: Option<Vec<String>>,
        /// `environment` over `env_file`, resolved; a variable without a value is left out.
        #[serde(deserialize_with = "super::variable::set")]
        environment: BTreeMap<String, String>,
        /// `expose`, for people.
        expose: Vec<String>,
        /// `external_links`: `CONTAINER[:ALIAS]`.
        external_links: Vec<String>,
        /// `extra_hosts`.
        extra_hosts: Hosts,
        /// `gpus`.
        gpus: Vec<DeviceRequest>,
        /// `group_add`: names or gids.
        group_add: Vec<String>,
        /// `healthcheck`; `None` takes the image's.
        healthcheck: Option<Healthcheck>,
        /// `hostname`; the short container id when `None`.
        hostname: Option<String>,
        /// `init`: a small init reaps and forwards signals as PID 1.
        init: bool,
        /// `ipc`.
        ipc: Option<IpcMode>,
        /// `isolation`, on Windows.
        isolation: Option<String>,
        /// `labels`.
        labels: BTreeMap<String, String>,
        /// `links`: `SERVICE[:ALIAS]`.
        links: Vec<String>,
        /// `logging`.
        logging: Option<Logging>,
        /// `mac_address`: that of its first network.
        mac_address: Option<super::MacAddress>,
        /// `mem_limit` in bytes; see [`Service::memory_limit`].
        #[serde(with = "bytes")]
        mem_limit: Option<u64>,
        /// `mem_reservation` in bytes; see [`Service::memory_reservation`].
        #[serde(with = "bytes")]
        mem_reservation: Option<u64>,
        /// `mem_swappiness`, 0 to 100.
        #[serde(with = "bytes")]
        mem_swappiness: Option<u64>,
        /// `memswap_limit` in bytes, memory and swap together; `-1` is unlimited.
        #[serde(with = "limit")]
        memswap_limit: Option<i64>,
        /// `models`.
        models: BTreeMap<String, Option<AiModelBinding>>,
        /// `network_mode`; excludes `networks`.
        network_mode: Option<NetworkMode>,
        /// `networks`; `default` when neither this nor `network_mode` is given.
        #[serde(deserialize_with = "attachments")]
        networks: BTreeMap<NetworkName, Attachment>,
        /// `oom_kill_disable`.
        oom_kill_disable: bool,
        /// `oom_score_adj`, -1000 to 1000.
        oom_score_adj: Option<i32>,
        /// `pid`.
        pid: Option<PidMode>,
        /// `pids_limit`; see [`Service::process_limit`].
        pids_limit: Option<i64>,
        /// `platform`: `os[/arch[/variant]]`.
        platform: Option<String>,
        /// `ports`, ranges expanded.
        ports: Vec<Port>,
        /// `post_start`: what runs in a container after its start.
        post_start: Vec<Hook>,
        /// `pre_start`: what runs in containers of its own before.
        pre_start: Vec<Hook>,
        /// `pre_stop`: what runs in a container before it is stopped.
        pre_stop: Vec<Hook>,
        /// `privileged`.
        privileged: bool,
        /// `profiles`.
        profiles: Vec<String>,
        /// `provider`.
        provider: Option<Provider>,
        /// `pull_policy`; see [`Service::pull_policy`].
        pull_policy: Option<PullPolicy>,
        /// `pull_refresh_after`: the age at which `refresh` pulls.
        pull_refresh_after: Option<String>,
        /// `x-rcompose`: what Compose has no attribute for.
        #[serde(rename = "x-rcompose")]
        rcompose: Option<Extension>,
        /// `read_only`: the root file system is read-only.
        read_only: bool,
        /// `restart`; see [`Service::restart`].
        restart: Option<Restart>,
        /// `runtime`: the OCI runtime.
        runtime: Option<String>,
        /// `scale`; see [`Service::replicas`].
        scale: Option<u32>,
        /// `secrets`.
        secrets: Vec<FileGrant>,
        /// `security_opt`.
        security_opt: Vec<String>,
        /// `shm_size` in bytes; 64 MiB when `None`.
        #[serde(with = "bytes")]
        shm_size: Option<u64>,
        /// `stdin_open`.
        stdin_open: bool,
        /// `stop_grace_period`; see [`Service::stop_grace_period`].
        #[serde(with = "duration")]
        stop_grace_period: Option<Duration>,
        /// `stop_signal`: `SIGINT`, `INT` or a number; `None` takes the image's, else SIGTERM.
        stop_signal: Option<String>,
        /// `storage_opt`.
        storage_opt: BTreeMap<String, String>,
        /// `sysctls`.
        sysctls: BTreeMap<String, String>,
        /// `tmpfs`; see [`Service::mounts`].
        tmpfs: Vec<Tmpfs>,
        /// `tty`.
        tty: bool,
        /// `ulimits` by name: `nofile`.
        ulimits: BTreeMap<String, Ulimit>,
        /// `use_api_socket`.
        use_api_socket: bool,
        /// `user`: `name|uid[:group|gid]`.
        user: Option<String>,
        /// `userns_mode`.
        userns_mode: Option<String>,
        /// `uts`.
        uts: Option<String>,
        /// `volumes`; see [`Service::mounts`].
        volumes: Vec<Mount>,
        /// `volumes_from`: `SERVICE[:ro]` or `container:NAME[:ro]`.
        volumes_from: Vec<String>,
        /// `working_dir`.
        working_dir: Option<String>,
        /// Other `x-*`.
        #[serde(flatten)]
        extensions: BTreeMap<String, Value>,
    }
}

/// A network that is only named is attached to with the defaults.
fn attachments<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<NetworkName, Attachment>, D::Error> {
    use serde::Deserialize as _;
    let given = BTreeMap::<NetworkName, Option<Attachment>>::deserialize(deserializer)?;
    Ok(given.into_iter().map(|(network, attachment)| (network, attachment.unwrap_or_default())).collect())
}
