//! Values that the format allows and no container can have: refused with their place before anything is made.

use oci_spec::runtime::Capability;

use super::Effect::{self, Impossible};
use super::When::{self, Holds, Keys, OtherKeys, Unless, Whole};
use super::says_something;
use super::sysctls::{self, Namespace};
use crate::compose::model::{capability, log_names, syslog_facility, syslog_server};
use crate::compose::node::Node;
use crate::text::units;

/// The resource limits of Linux, as `ulimits` names them. See `getrlimit(2)`.
const ULIMITS: &[&str] = &[
    "as",
    "core",
    "cpu",
    "data",
    "fsize",
    "locks",
    "memlock",
    "msgqueue",
    "nice",
    "nofile",
    "nproc",
    "rss",
    "rtprio",
    "rttime",
    "sigpending",
    "stack",
];

/// The options of a tmpfs.
#[rustfmt::skip]
const TMPFS: &[&str] = &[
    "size", "mode", "uid", "gid", "nr_inodes", "nr_blocks", "mpol", "huge", "noswap", "ro", "rw", "suid", "nosuid", "dev", "nodev", "exec",
    "noexec", "sync", "async", "atime", "noatime", "diratime", "nodiratime", "relatime", "norelatime", "strictatime", "nostrictatime",
    "defaults", "dirsync", "private", "rprivate", "shared", "rshared", "slave", "rslave", "inode32", "inode64", "tmpcopyup",
];

/// The options of all log drivers.
pub(super) const LOG_OPTIONS: &[&str] = &[
    "cache-compress",
    "cache-disabled",
    "cache-max-file",
    "cache-max-size",
    "compress",
    "env",
    "env-regex",
    "labels",
    "labels-regex",
    "max-buffer-size",
    "max-file",
    "max-size",
    "mode",
    "syslog-address",
    "syslog-facility",
    "syslog-format",
    "tag",
];

/// By the key that makes them so: parameters that are the host's.
const SHARED_PARAMETERS: &[(&str, Namespace, &str)] = &[
    ("network_mode", Namespace::Network, "`net.*` would be set for the host, with `network_mode: host`"),
    ("ipc", Namespace::Ipc, "the parameters of IPC would be set for the host, with `ipc: host`"),
    ("uts", Namespace::Uts, "`kernel.domainname` would be set for the host, with `uts: host`"),
];

/// By place, as the rules of [`super::RULES`].
#[rustfmt::skip]
pub(super) const RULES: &[(&str, When, Effect)] = &[
    ("services.*.cap_add.*", Holds(is_no_capability), Impossible("there is no such capability: see capabilities(7)")),
    ("services.*.cap_drop.*", Holds(is_no_capability), Impossible("there is no such capability: see capabilities(7)")),
    ("services.*.devices.*.source", Holds(is_no_device), Impossible("is neither the absolute path of a device nor a CDI name: `vendor.com/class=name`")),
    ("services.*.devices.*.target", Holds(is_no_target), Impossible("is not an absolute path in the container")),
    ("services.*.devices.*.permissions", Holds(is_no_access), Impossible("is not made of `r`, `w` and `m`")),
    ("services.*.volumes.*.image.subpath", Holds(leads_out), Impossible("must be a relative path that stays in the image")),
    ("services.*.volumes.*.volume.subpath", Holds(leads_out), Impossible("must be a relative path that stays in the volume")),
    ("services.*.security_opt.*", Holds(is_no_security_option), Impossible("is none of `no-new-privileges[=true|false]`, `seccomp=builtin|unconfined|FILE`, `apparmor=…`, `label=…`, `systempaths=unconfined`")),
    ("services.*.storage_opt", OtherKeys(&["size"]), Impossible("there is the option `size` alone")),
    ("services.*.storage_opt.size", Holds(is_no_size), Impossible("it is a size above 0, such as 10g")),
    ("services.*.sysctls", Keys(sysctls::is_no_name), Impossible("it is no name of a kernel parameter")),
    ("services.*.sysctls", Keys(sysctls::is_host_name), Impossible("the host name is set with `hostname`")),
    ("services.*.sysctls", Keys(sysctls::is_of_the_machine), Impossible("it would be set for the whole machine: a container has only `net.*`, `fs.mqueue.*`, `kernel.domainname` and, of System V IPC, `kernel.msg*`, `kernel.sem` and `kernel.shm*` of its own")),
    ("services.*.tmpfs.*", Holds(has_unknown_option), Impossible("has an option that a tmpfs does not have")),
    ("services.*.logging.options.env-regex", Holds(is_no_regex), Impossible("it is no regular expression")),
    ("services.*.logging.options.labels-regex", Holds(is_no_regex), Impossible("it is no regular expression")),
    ("services.*.logging.options.max-file", Holds(is_no_count), Impossible("it is a number of files, at least 1")),
    ("services.*.logging.options.max-size", Holds(is_no_size), Impossible("it is a size above 0, such as 10m")),
    ("services.*.logging.options.mode", Unless(&["blocking", "non-blocking"]), Impossible("it is `blocking` or `non-blocking`")),
    ("services.*.logging.options.syslog-address", Holds(is_no_syslog_address), Impossible("it is udp://IP[:PORT], tcp://IP[:PORT], unix://PATH or unixgram://PATH; TLS and names of other machines are not supported yet")),
    ("services.*.logging.options.syslog-facility", Holds(is_no_facility), Impossible("it is a name such as `daemon` or `local0`, or a number below 24")),
    ("services.*.logging.options.tag", Holds(has_unknown_expression), Impossible("it may hold {{.ID}}, {{.FullID}}, {{.Name}}, {{.ImageID}}, {{.ImageFullID}}, {{.ImageName}} and {{.DaemonName}}")),
    ("services.*.volumes_from.*", Holds(has_unknown_mode), Impossible("must be `SERVICE` or `container:NAME`, with `:ro` or `:rw` after it or nothing")),
    ("services.*.userns_mode", Unless(&["auto", "host"]), Impossible("must be `host` or `auto`, which is a range of ids of its own")),
    ("services.*.uts", Unless(&["host"]), Impossible("must be `host`, or left out for a host name of its own")),
    ("services.*.ulimits", OtherKeys(ULIMITS), Impossible("there is no such limit: as, core, cpu, data, fsize, locks, memlock, msgqueue, nice, nofile, nproc, rss, rtprio, rttime, sigpending and stack are")),
    ("services.*.ulimits.*", Whole(soft_above_hard), Impossible("the soft limit is above the hard one: lower `soft` or raise `hard`")),
    ("services.*.x-rcompose.network", Whole(has_jitter_alone), Impossible("`jitter` is by how much `delay` varies: give a `delay` too")),
];

fn is_no_capability(name: &str) -> bool {
    let name = capability(name);
    name != "ALL" && name.parse::<Capability>().is_err()
}

fn is_no_device(source: &str) -> bool {
    let is_cdi = |(kind, name): (&str, &str)| kind.contains('/') && !kind.starts_with('/') && !name.is_empty();
    !source.starts_with('/') && !source.split_once('=').is_some_and(is_cdi)
}

fn is_no_target(target: &str) -> bool {
    !target.starts_with('/') && is_no_device(target)
}

fn is_no_access(access: &str) -> bool {
    access.chars().any(|letter| !"rwm".contains(letter))
}

/// Whether a path below a volume or an image would be one outside of it.
fn leads_out(path: &str) -> bool {
    path.starts_with('/') || path.split('/').any(|part| part == "..")
}

/// Whether an entry of `tmpfs` has an option that the kernel would refuse. See `tmpfs(5)`, `mount(8)`.
fn has_unknown_option(entry: &str) -> bool {
    let options = entry.split_once(':').map_or("", |(_, options)| options);
    options.split(',').filter(|option| !option.is_empty()).any(|option| {
        let name = option.split('=').next().unwrap_or_default();
        !TMPFS.contains(&name)
    })
}

fn has_unknown_mode(from: &str) -> bool {
    let from = from.strip_prefix("container:").unwrap_or(from);
    from.split_once(':').is_some_and(|(_, mode)| !matches!(mode, "ro" | "rw"))
}

/// Name and value of an entry of `security_opt`.
fn security_option(entry: &str) -> (&str, &str) {
    entry.split_once(['=', ':']).unwrap_or((entry, ""))
}

/// Whether an entry asks for more of a security module than to stay away.
pub(super) fn needs_security_module(entry: &str) -> bool {
    match security_option(entry) {
        ("apparmor", value) => value != "unconfined" && !value.is_empty(),
        ("label", value) => value != "disable" && !value.is_empty(),
        _ => false,
    }
}

fn is_no_security_option(entry: &str) -> bool {
    match security_option(entry) {
        ("no-new-privileges", value) => !matches!(value, "" | "true" | "false"),
        ("seccomp" | "apparmor" | "label", value) => value.is_empty(),
        ("systempaths", value) => value != "unconfined",
        _ => true,
    }
}

fn soft_above_hard(ulimit: &Node) -> bool {
    let limit = |key| ulimit.text_of(key).and_then(|text| text.parse::<i64>().ok());
    // -1 is unlimited.
    let unsigned = |value: i64| u64::try_from(value).unwrap_or(u64::MAX);
    limit("soft").zip(limit("hard")).is_some_and(|(soft, hard)| unsigned(soft) > unsigned(hard))
}

fn has_jitter_alone(limits: &Node) -> bool {
    limits.get("jitter").is_some_and(says_something) && !limits.get("delay").is_some_and(says_something)
}

/// What a service cannot have together: the key that is refused, and why.
pub(super) fn conflicts(service: &Node, services: &Node) -> Vec<(&'static str, &'static str)> {
    let mut conflicts = Vec::new();
    let mode = |key| service.text_of(key).unwrap_or_default();
    let peer = |text: &str| text.starts_with("service:") || text.starts_with("container:");
    let mut refuse = |keys: &[&'static str], why| {
        conflicts.extend(keys.iter().filter(|key| service.get(key).is_some_and(says_something)).map(|key| (*key, why)));
    };
    if peer(mode("network_mode")) {
        let keys = ["ports", "hostname", "domainname", "dns", "extra_hosts", "mac_address", "links"];
        refuse(&keys, "the network is that of another container, which alone can have this");
    }
    if mode("uts") == "host" {
        refuse(&["hostname", "domainname"], "the name is that of the host, with `uts: host`");
    }
    let owner = mode("ipc").strip_prefix("service:").and_then(|name| services.get(name));
    if owner.is_some_and(|owner| !matches!(owner.text_of("ipc"), Some("shareable" | "host"))) {
        refuse(&["ipc"], "that service keeps its IPC namespace to itself: give it `ipc: shareable`");
    }
    if mode("userns_mode") == "auto" {
        let why = "with `userns_mode: auto` root inside has no rights in what is the host's or another container's";
        let is_shared = |key| mode(key) == "host" || (peer(mode(key)) && key != "network_mode");
        let shared: Vec<_> = ["network_mode", "pid", "ipc"].into_iter().filter(|key| is_shared(*key)).collect();
        refuse(&shared, why);
        refuse(&["privileged"], why);
        refuse(
            &["runtime"],
            "with `userns_mode: auto` the owners of files are mapped, which only rcompose's own runtime does",
        );
    }
    let limits = service.get("x-rcompose").and_then(|own| own.get("network"));
    if limits.is_some_and(says_something) && !mode("network_mode").is_empty() {
        conflicts
            .push(("x-rcompose", "it has no network of its own whose `network` could be limited, with `network_mode`"));
    }
    for (key, namespace, why) in SHARED_PARAMETERS {
        if mode(key) == "host" && sysctls::any_of(service, *namespace) {
            conflicts.push(("sysctls", *why));
        }
    }
    conflicts
}

fn is_no_regex(text: &str) -> bool {
    log_names(text).is_none()
}

fn is_no_count(text: &str) -> bool {
    !text.parse::<u32>().is_ok_and(|count| count > 0)
}

fn is_no_size(text: &str) -> bool {
    !units::bytes(text).is_ok_and(|size| size > 0)
}

fn is_no_syslog_address(text: &str) -> bool {
    syslog_server(text).is_none()
}

fn is_no_facility(text: &str) -> bool {
    syslog_facility(text).is_none()
}

fn has_unknown_expression(tag: &str) -> bool {
    const KNOWN: [&str; 7] = [".ID", ".FullID", ".Name", ".ImageID", ".ImageFullID", ".ImageName", ".DaemonName"];
    let expressions = tag.split("{{").skip(1);
    expressions.map(|rest| rest.split("}}").next().unwrap_or_default().trim()).any(|text| !KNOWN.contains(&text))
}
