//! `userns_mode: auto`: a range of ids on the host for each container, that no user and no other container has.

use std::os::fd::OwnedFd;

use oci_spec::runtime::{LinuxIdMapping, LinuxIdMappingBuilder, LinuxNamespaceType, Spec};

use super::failure::{Failure, FailureKind};
use super::world::World;
use crate::state::TakenIds;

/// How many ids a container has, as with Docker.
const SIZE: u32 = 65_536;
/// Where no system gives ids to users, and the kernel's own ids of 31 bits have not ended yet.
const DEFAULT: Range = Range { first: 0x7000_0000, count: 0x0ffe_0000 };
/// Who may have been given ids for containers.
const OWNERS: [&str; 2] = ["rcompose", "containers"];

/// Ids of the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Range {
    first: u32,
    count: u32,
}

/// What of the host's files says which ids are whose.
#[derive(Debug, Default)]
struct Files {
    passwd: String,
    group: String,
    subuid: String,
    subgid: String,
}

/// Gives the container that is made from `spec` a range if it is to have one. What is returned goes to its shim, which
/// holds it.
pub(super) fn assign(world: &World, spec: &mut Spec) -> Result<Option<OwnedFd>, Failure> {
    let namespaces = spec.linux().as_ref().and_then(|linux| linux.namespaces().as_deref()).unwrap_or_default();
    if !namespaces.iter().any(|namespace| namespace.typ() == LinuxNamespaceType::User) {
        return Ok(None);
    }
    let read = |name: &str| fs_err::read_to_string(std::path::Path::new("/etc").join(name)).unwrap_or_default();
    let files = Files { passwd: read("passwd"), group: read("group"), subuid: read("subuid"), subgid: read("subgid") };
    let Some(TakenIds { uid, gid, held }) = world.layout.take_id_range(candidates(&files), SIZE)? else {
        let message = "each range of ids that containers may have is taken: give `rcompose` a larger one in /etc/subuid \
                       and /etc/subgid";
        return Err(Failure::new(FailureKind::System, message.to_owned()));
    };
    if let Some(linux) = spec.linux_mut() {
        linux.set_uid_mappings(Some(vec![mapping(uid)])).set_gid_mappings(Some(vec![mapping(gid)]));
    }
    Ok(Some(held))
}

fn mapping(first: u32) -> LinuxIdMapping {
    let builder = LinuxIdMappingBuilder::default().container_id(0_u32).host_id(first).size(SIZE);
    builder.build().expect("every field has a default")
}

/// The first uid and gid of each range that may be given.
fn candidates(files: &Files) -> Box<dyn Iterator<Item = (u32, u32)>> {
    if let (Some(uids), Some(gids)) = (given(&files.subuid), given(&files.subgid)) {
        return Box::new(slots(uids).zip(slots(gids)));
    }
    let single = [&files.passwd, &files.group].into_iter().flat_map(|file| ids(file));
    let given = [&files.subuid, &files.subgid].into_iter().flat_map(|file| subordinate(file).map(|(_, range)| range));
    let taken: Vec<Range> = single.map(|first| Range { first, count: 1 }).chain(given).collect();
    let is_free = move |first: &u32| !taken.iter().any(|range| overlaps(*range, *first));
    Box::new(slots(DEFAULT).filter(is_free).map(|first| (first, first)))
}

fn slots(range: Range) -> impl Iterator<Item = u32> {
    (0..range.count / SIZE).map(move |slot| range.first + slot * SIZE)
}

/// What `subuid(5)` gives to the first of [`OWNERS`] that it names.
fn given(file: &str) -> Option<Range> {
    OWNERS.into_iter().find_map(|owner| {
        let line = |(name, range): (&str, Range)| (name == owner && range.count >= SIZE).then_some(range);
        subordinate(file).find_map(line)
    })
}

fn subordinate(file: &str) -> impl Iterator<Item = (&str, Range)> {
    file.lines().filter_map(|line| {
        let mut fields = line.split(':');
        let (name, first, count) = (fields.next()?, fields.next()?.parse().ok()?, fields.next()?.trim().parse().ok()?);
        // Beyond the last id there is nothing to give.
        let count = std::cmp::min(count, u32::MAX - first);
        Some((name, Range { first, count }))
    })
}

/// Whether a range of a container that begins at `first` has an id of `range`.
fn overlaps(range: Range, first: u32) -> bool {
    range.first < first + SIZE && first < range.first.saturating_add(range.count)
}

/// Those of `passwd(5)` or `group(5)`: the third field alike.
fn ids(file: &str) -> impl Iterator<Item = u32> {
    file.lines().filter_map(|line| line.split(':').nth(2)?.parse().ok())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn all(files: &Files) -> Vec<(u32, u32)> {
        candidates(files).collect()
    }

    fn files(passwd: &str, subuid: &str, subgid: &str) -> Files {
        let [passwd, subuid, subgid] = [passwd, subuid, subgid].map(str::to_owned);
        Files { passwd, subuid, subgid, group: String::new() }
    }

    #[test]
    fn what_is_given_is_used() {
        let given = "someone:1:70000\ncontainers:500000:200000\nrcompose:1000000:131072\n";
        let groups = "rcompose:3000000:65536";
        assert_eq!(all(&files("", given, groups)), [(1_000_000, 3_000_000)]);
        let given = "containers:500000:200000";
        assert_eq!(all(&files("", given, given)), [(500_000, 500_000), (565_536, 565_536), (631_072, 631_072)]);
    }

    #[test]
    fn without_it_what_nobody_has() {
        let first = DEFAULT.first;
        assert_eq!(all(&files("", "", ""))[..2], [(first, first), (first + SIZE, first + SIZE)]);
        assert_eq!(all(&files("", "", "")).len(), 4094);
        let passwd = format!("root:x:0:0::/:\nodd:x:{}:0::/:\n", first + SIZE + 7);
        assert_eq!(all(&files(&passwd, "", ""))[1].0, first + 2 * SIZE);
        // Too few to be a range, and somebody else's.
        let subuid = format!("rcompose:1:10\nsomeone:{}:{}", first - 5, 6);
        assert_eq!(all(&files("", &subuid, ""))[0].0, first + SIZE);
    }

    proptest! {
        /// No two containers have an id in common, and nobody in the files has one of theirs.
        #[test]
        fn ranges_are_apart(ids: Vec<u32>, others in prop::collection::vec((any::<u32>(), any::<u32>()), 0..4)) {
            let passwd: String = ids.iter().map(|id| format!("u:x:{id}:0::/:\n")).collect();
            let subuid: String = others.iter().map(|(first, count)| format!("someone:{first}:{count}\n")).collect();
            let ranges = all(&files(&passwd, &subuid, ""));
            prop_assert!(ranges.windows(2).all(|pair| pair[0].0 + SIZE <= pair[1].0));
            for (first, _) in ranges {
                prop_assert!(!ids.iter().any(|id| (first..first + SIZE).contains(id)));
            }
        }

        #[test]
        fn any_file(text: String) {
            let every = Files { passwd: text.clone(), group: text.clone(), subuid: text.clone(), subgid: text };
            all(&every);
        }
    }
}
