//! Values that the format allows and no container can have: refused with their place before anything is made.

use super::Effect::{self, Impossible};
use super::When::{self, OtherKeys, Unless, Whole};
use super::says_something;
use crate::compose::node::Node;

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

/// By place, as the rules of [`super::RULES`].
#[rustfmt::skip]
pub(super) const RULES: &[(&str, When, Effect)] = &[
    ("services.*.uts", Unless(&["host"]), Impossible("must be `host`, or left out for a host name of its own")),
    ("services.*.ulimits", OtherKeys(ULIMITS), Impossible("there is no such limit: as, core, cpu, data, fsize, locks, memlock, msgqueue, nice, nofile, nproc, rss, rtprio, rttime, sigpending and stack are")),
    ("services.*.ulimits.*", Whole(soft_above_hard), Impossible("the soft limit is above the hard one: lower `soft` or raise `hard`")),
];

fn soft_above_hard(ulimit: &Node) -> bool {
    let limit = |key| ulimit.text_of(key).and_then(|text| text.parse::<i64>().ok());
    // -1 is unlimited.
    let unsigned = |value: i64| u64::try_from(value).unwrap_or(u64::MAX);
    limit("soft").zip(limit("hard")).is_some_and(|(soft, hard)| unsigned(soft) > unsigned(hard))
}

/// What a service cannot have together: the key that is refused, and why.
pub(super) fn conflicts(service: &Node) -> Vec<(&'static str, &'static str)> {
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
    conflicts
}
