//! Memory, processors, processes.

use crate::inspect::{Running, up};

/// `mem_limit`: the limit in its own cgroup; the same file on the host.
#[test]
fn mem_limit() {
    let web = Running::with("mem_limit: 64m");
    let limit = (64 << 20).to_string();
    let file = "cat /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null || cat /sys/fs/cgroup/memory.max";
    assert_eq!(web.inside(file), limit);
    assert_eq!(web.cgroup("memory", "memory.limit_in_bytes", "memory.max"), limit);
}

#[test]
fn an_amount_that_is_none_is_refused() {
    up("mem_limit: much").fails().says(&["compose.yaml:6:16", "mem_limit"]);
}
