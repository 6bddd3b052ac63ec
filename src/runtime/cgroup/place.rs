//! Where the cgroup of a container is.
//!
//! With version 1, root's containers are below the root of each hierarchy. With version 2, limits are only possible where
//! controllers are handed down, and a cgroup with processes of its own hands down none: containers are below the nearest
//! cgroup above us that systemd has delegated and that holds no processes, or, for a user without root, that belongs to
//! them; else root's are below the root.

use std::path::{Component, Path, PathBuf};

use super::directory::{MOUNT, PARENT};
use super::{Version, monitor, unified, version};

/// What systemd sets on a cgroup whose inside it leaves to others; the second is for older ones.
const DELEGATED: [&str; 2] = ["user.delegate", "trusted.delegate"];

/// What the cgroups of a machine are, and limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cgroups {
    /// Whether they are of version 2 alone.
    pub unified: bool,
    /// Whether they limit swap.
    pub limits_swap: bool,
}

impl Cgroups {
    /// Looks at them.
    #[must_use]
    pub fn of_this_machine() -> Self {
        let root = Path::new(MOUNT);
        if version() == Version::One {
            let limits_swap = root.join("memory/memory.memsw.limit_in_bytes").exists();
            return Self { unified: false, limits_swap };
        }
        // The root has no limits: any cgroup below it tells.
        let entries = std::fs::read_dir(root).into_iter().flatten().flatten();
        let mut limited = entries.map(|entry| entry.path()).filter(|path| path.join("memory.max").exists());
        Self { unified: true, limits_swap: limited.next().is_none_or(|path| path.join("memory.swap.max").exists()) }
    }
}

/// The cgroup that a parent's name stands for: a path, or a slice of systemd. In a slice, containers are one level further
/// down: controllers that systemd does not need itself it takes back, unless something below hands them on.
#[must_use]
pub fn cgroup_parent(name: &str) -> PathBuf {
    match slice(name.trim_matches('/')) {
        Some(path) => path.join(PARENT),
        None => normal(Path::new(name)),
    }
}

/// The cgroup of a container, relative to the root of each hierarchy. `path` is the specification's `cgroupsPath`.
pub(in crate::runtime) fn place(path: Option<&Path>, id: &str) -> PathBuf {
    let scope = path.and_then(|path| scope(path.to_str()?));
    match (scope, path) {
        (Some(scope), _) => scope,
        (None, Some(path)) if path.is_absolute() => normal(path),
        (None, Some(path)) => default_parent().join(normal(path)),
        (None, None) => default_parent().join(PARENT).join(id),
    }
}

fn normal(path: &Path) -> PathBuf {
    path.components().filter(|part| matches!(part, Component::Normal(_))).collect()
}

/// The form `slice:prefix:name`, as runc has it.
fn scope(text: &str) -> Option<PathBuf> {
    let [parent, prefix, name] = text.split(':').collect::<Vec<_>>()[..] else { return None };
    let parent = slice(if parent.is_empty() { "system.slice" } else { parent })?;
    if name.is_empty() || name.contains('/') || prefix.contains('/') {
        return None;
    }
    Some(parent.join(if name.ends_with(".slice") {
        name.to_owned()
    } else if prefix.is_empty() {
        format!("{name}.scope")
    } else {
        format!("{prefix}-{name}.scope")
    }))
}

/// The path of a slice: `a-b.slice` is in `a.slice`, and `-.slice` is the root.
fn slice(name: &str) -> Option<PathBuf> {
    let stem = name.strip_suffix(".slice")?;
    if stem == "-" {
        return Some(PathBuf::new());
    }
    let parts: Vec<&str> = stem.split('-').collect();
    if parts.iter().any(|part| part.is_empty() || part.contains('/')) {
        return None;
    }
    Some((1..=parts.len()).map(|count| format!("{}.slice", parts[..count].join("-"))).collect())
}

/// The cgroup below which containers are that ask for no other.
pub(super) fn default_parent() -> PathBuf {
    if version() == Version::One {
        return PathBuf::new();
    }
    let text = std::fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let own = text.lines().find_map(|line| line.strip_prefix("0::/")).unwrap_or_default();
    let is_root = rustix::process::geteuid().is_root();
    below(monitor::origin(Path::new(own)), |path| is_ours(&unified::of(path), is_root))
}

/// The nearest of a cgroup and those above it that is `ours`, but for the root, which is for whoever has no other.
fn below(own: &Path, ours: impl Fn(&Path) -> bool) -> PathBuf {
    let mut candidates = own.ancestors().filter(|path| !path.as_os_str().is_empty());
    candidates.find(|path| ours(path)).map_or_else(PathBuf::new, Path::to_owned)
}

/// Whether containers may be made in a cgroup, with limits.
fn is_ours(directory: &Path, is_root: bool) -> bool {
    let is_delegated = || DELEGATED.iter().any(|name| rustix::fs::getxattr(directory, *name, &mut [0; 8]).is_ok());
    let is_writable = || {
        let writable = |path: &Path| rustix::fs::access(path, rustix::fs::Access::WRITE_OK).is_ok();
        writable(directory) && writable(&directory.join("cgroup.subtree_control"))
    };
    let is_allowed = if is_root { is_delegated() } else { is_writable() };
    is_allowed && std::fs::read_to_string(directory.join("cgroup.procs")).is_ok_and(|pids| pids.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_slices_and_scopes() {
        for (path, expected) in [
            ("/a/b", "a/b"),
            ("/../a/./b", "a/b"),
            ("/a:b:c", "a:b:c"),
            ("machine.slice:libpod:abc", "machine.slice/libpod-abc.scope"),
            ("a-b-c.slice:x:y", "a.slice/a-b.slice/a-b-c.slice/x-y.scope"),
            ("-.slice:x:y", "x-y.scope"),
            (":x:y", "system.slice/x-y.scope"),
            ("system.slice::y", "system.slice/y.scope"),
            ("system.slice:x:y.slice", "system.slice/y.slice"),
        ] {
            assert_eq!(place(Some(Path::new(path)), "id"), Path::new(expected), "{path}");
        }
        for text in ["", "a:b", "nothing:b:c", "a--b.slice:c:d", "a.slice:b:../c", "a.slice:b:", "a/b.slice:c:d"] {
            assert_eq!(scope(text), None, "{text}");
        }
    }

    #[test]
    fn parents() {
        for (name, expected) in [
            ("machines", "machines"),
            ("/machines/blue/", "machines/blue"),
            ("../../machines", "machines"),
            ("batch.slice", "batch.slice/rcompose"),
            ("batch-night.slice", "batch.slice/batch-night.slice/rcompose"),
            ("/batch.slice", "batch.slice/rcompose"),
        ] {
            assert_eq!(cgroup_parent(name), Path::new(expected), "{name}");
        }
    }

    #[test]
    fn the_nearest_that_is_ours() {
        let own = Path::new("user.slice/user@1.service/app.slice/run.scope");
        for (ours, expected) in [
            (
                vec!["user.slice/user@1.service", "user.slice/user@1.service/app.slice"],
                "user.slice/user@1.service/app.slice",
            ),
            (vec!["user.slice/user@1.service/app.slice/run.scope"], "user.slice/user@1.service/app.slice/run.scope"),
            (vec!["elsewhere"], ""),
        ] {
            assert_eq!(
                below(own, |path| ours.iter().any(|ours| path == Path::new(ours))),
                Path::new(expected),
                "{ours:?}"
            );
        }
    }
}
