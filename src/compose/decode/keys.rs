//! Which keys each object of the Compose specification has, and which of them rcompose does something about.

/// The keys of an object.
#[derive(Debug)]
pub(super) struct Keys {
    /// What decoding reads, and what has no effect in any Compose without a swarm.
    pub(super) supported: &'static [&'static str],
    /// What the specification has besides.
    pub(super) not_yet: &'static [&'static str],
}

pub(super) const PROJECT: Keys = Keys {
    supported: &["configs", "name", "networks", "secrets", "services", "version", "volumes"],
    not_yet: &["include", "models"],
};

#[rustfmt::skip]
pub(super) const SERVICE: Keys = Keys {
    supported: &[
        "attach", "cap_add", "cap_drop", "command", "configs", "container_name", "cpus", "depends_on", "deploy", "dns", "dns_opt",
        "dns_search", "domainname", "entrypoint", "env_file", "environment", "expose", "extra_hosts", "group_add", "healthcheck",
        "hostname", "image", "init", "labels", "mem_limit", "network_mode", "networks", "pids_limit", "platform", "ports",
        "privileged", "profiles", "pull_policy", "read_only", "restart", "scale", "secrets", "shm_size", "stdin_open",
        "stop_grace_period", "stop_signal", "sysctls", "tmpfs", "tty", "ulimits", "user", "volumes", "working_dir",
    ],
    not_yet: &[
        "annotations", "blkio_config", "build", "cgroup", "cgroup_parent", "cpu_count", "cpu_percent", "cpu_period", "cpu_quota",
        "cpu_rt_period", "cpu_rt_runtime", "cpu_shares", "cpuset", "credential_spec", "develop", "device_cgroup_rules", "devices",
        "extends", "external_links", "gpus", "ipc", "isolation", "label_file", "links", "logging", "mac_address", "mem_reservation",
        "mem_swappiness", "memswap_limit", "models", "oom_kill_disable", "oom_score_adj", "pid", "post_start", "pre_start",
        "pre_stop", "provider", "pull_refresh_after", "runtime", "security_opt", "storage_opt", "use_api_socket", "userns_mode",
        "uts", "volumes_from",
    ],
};

pub(super) const ENV_FILE: Keys = Keys { supported: &["format", "path", "required"], not_yet: &[] };

pub(super) const DEPENDENCY: Keys = Keys { supported: &["condition", "required", "restart"], not_yet: &[] };

pub(super) const HEALTHCHECK: Keys = Keys {
    supported: &["disable", "interval", "retries", "start_interval", "start_period", "test", "timeout"],
    not_yet: &[],
};

pub(super) const DEPLOY: Keys = Keys {
    supported: &["replicas", "resources", "restart_policy"],
    not_yet: &["endpoint_mode", "labels", "mode", "placement", "rollback_config", "update_config"],
};

pub(super) const RESOURCES: Keys = Keys { supported: &["limits"], not_yet: &["reservations"] };

pub(super) const LIMITS: Keys = Keys { supported: &["cpus", "memory", "pids"], not_yet: &[] };

pub(super) const RESTART_POLICY: Keys =
    Keys { supported: &["condition", "max_attempts"], not_yet: &["delay", "window"] };

pub(super) const PORT: Keys = Keys {
    // `mode` is for swarms; `name` and `app_protocol` are for people.
    supported: &["app_protocol", "host_ip", "mode", "name", "protocol", "published", "target"],
    not_yet: &[],
};

pub(super) const MOUNT: Keys = Keys {
    // `consistency` was a hint for Docker Desktop.
    supported: &["bind", "consistency", "read_only", "source", "target", "tmpfs", "type", "volume"],
    not_yet: &["image"],
};

pub(super) const MOUNT_BIND: Keys =
    Keys { supported: &["create_host_path", "propagation", "selinux"], not_yet: &["recursive"] };

pub(super) const MOUNT_VOLUME: Keys = Keys { supported: &["nocopy"], not_yet: &["labels", "subpath"] };

pub(super) const MOUNT_TMPFS: Keys = Keys { supported: &["mode", "size"], not_yet: &[] };

pub(super) const GRANT: Keys = Keys { supported: &["gid", "mode", "source", "target", "uid"], not_yet: &[] };

pub(super) const ULIMIT: Keys = Keys { supported: &["hard", "soft"], not_yet: &[] };

pub(super) const EXTENSION: Keys = Keys { supported: &["strict_health"], not_yet: &[] };

pub(super) const ATTACHMENT: Keys = Keys {
    supported: &["aliases", "gw_priority", "ipv4_address", "mac_address", "priority"],
    not_yet: &["driver_opts", "interface_name", "ipv6_address", "link_local_ips"],
};

pub(super) const NETWORK: Keys = Keys {
    // `attachable` is for swarms.
    supported: &[
        "attachable",
        "driver",
        "driver_opts",
        "enable_ipv4",
        "enable_ipv6",
        "external",
        "internal",
        "ipam",
        "labels",
        "name",
    ],
    not_yet: &[],
};

pub(super) const IPAM: Keys = Keys { supported: &["config", "driver"], not_yet: &["options"] };

pub(super) const SUBNET: Keys = Keys { supported: &["gateway", "subnet"], not_yet: &["aux_addresses", "ip_range"] };

pub(super) const VOLUME: Keys =
    Keys { supported: &["driver", "external", "labels", "name"], not_yet: &["driver_opts"] };

pub(super) const CONFIG: Keys = Keys {
    supported: &["content", "environment", "file", "labels", "name"],
    not_yet: &["external", "template_driver"],
};

pub(super) const SECRET: Keys = Keys {
    supported: &["environment", "file", "labels", "name"],
    not_yet: &["driver", "driver_opts", "external", "template_driver"],
};
