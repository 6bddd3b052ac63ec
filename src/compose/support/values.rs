//! Values that the format allows and no container can have: refused with their place before anything is made.

use super::Effect::{self, Impossible};
use super::When::{self, OtherKeys, Whole};
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
    ("services.*.ulimits", OtherKeys(ULIMITS), Impossible("there is no such limit: as, core, cpu, data, fsize, locks, memlock, msgqueue, nice, nofile, nproc, rss, rtprio, rttime, sigpending and stack are")),
    ("services.*.ulimits.*", Whole(soft_above_hard), Impossible("the soft limit is above the hard one: lower `soft` or raise `hard`")),
];

fn soft_above_hard(ulimit: &Node) -> bool {
    let limit = |key| ulimit.text_of(key).and_then(|text| text.parse::<i64>().ok());
    // -1 is unlimited.
    let unsigned = |value: i64| u64::try_from(value).unwrap_or(u64::MAX);
    limit("soft").zip(limit("hard")).is_some_and(|(soft, hard)| unsigned(soft) > unsigned(hard))
}
