//! Which ids of the host the ids in a user namespace are: `uidMappings` and `gidMappings`. See `user_namespaces(7)`.

use std::fmt::Write;

use oci_spec::runtime::{LinuxIdMapping, LinuxIdMappingBuilder};

/// The most lines that the kernel takes.
const MAX_LINES: usize = 340;

/// Why the kernel would not take them; `None` if it would.
pub(super) fn mistake(mappings: &[LinuxIdMapping]) -> Option<&'static str> {
    let ranges = |first: fn(&LinuxIdMapping) -> u32| {
        let mut ranges: Vec<(u64, u64)> = mappings
            .iter()
            .map(|mapping| (u64::from(first(mapping)), u64::from(first(mapping)) + u64::from(mapping.size())))
            .collect();
        ranges.sort_unstable();
        ranges
    };
    let (inside, outside) = (ranges(|mapping| mapping.container_id()), ranges(|mapping| mapping.host_id()));
    if mappings.is_empty() {
        Some("no id is mapped")
    } else if mappings.len() > MAX_LINES {
        Some("there are more than 340 mappings")
    } else if mappings.iter().any(|mapping| mapping.size() == 0) {
        Some("a mapping has size 0")
    } else if inside.iter().chain(&outside).any(|(_, end)| *end > u64::from(u32::MAX)) {
        Some("a mapping goes beyond id 4294967294")
    } else if inside.windows(2).any(|pair| pair[0].1 > pair[1].0) {
        Some("an id of the container is mapped twice")
    } else if outside.windows(2).any(|pair| pair[0].1 > pair[1].0) {
        Some("an id of the host is mapped twice")
    } else {
        None
    }
}

/// The id on the host of an id inside; `None` when it is not mapped.
pub(super) fn to_host(mappings: &[LinuxIdMapping], id: u32) -> Option<u32> {
    mappings.iter().find_map(|mapping| {
        let offset = id.checked_sub(mapping.container_id()).filter(|offset| *offset < mapping.size())?;
        mapping.host_id().checked_add(offset)
    })
}

/// The id inside of an id of the host; `None` when it is not mapped.
pub(super) fn to_inside(mappings: &[LinuxIdMapping], id: u32) -> Option<u32> {
    mappings.iter().find_map(|mapping| {
        let offset = id.checked_sub(mapping.host_id()).filter(|offset| *offset < mapping.size())?;
        mapping.container_id().checked_add(offset)
    })
}

/// What is written to `/proc/PID/uid_map` or `gid_map`.
pub(super) fn text(mappings: &[LinuxIdMapping]) -> String {
    mappings.iter().fold(String::new(), |mut text, mapping| {
        writeln!(text, "{} {} {}", mapping.container_id(), mapping.host_id(), mapping.size())
            .expect("a string grows as needed");
        text
    })
}

/// What `/proc/PID/uid_map` says. Lines that do not parse map nothing.
pub(super) fn parse(text: &str) -> Vec<LinuxIdMapping> {
    let line = |line: &str| {
        let mut numbers = line.split_whitespace().map(str::parse::<u32>);
        let mut next = || numbers.next()?.ok();
        Some(mapping((next()?, next()?, next()?)))
    };
    text.lines().filter_map(line).collect()
}

/// First id inside, first id on the host, and how many.
fn mapping((inside, outside, size): (u32, u32, u32)) -> LinuxIdMapping {
    let builder = LinuxIdMappingBuilder::default().container_id(inside).host_id(outside).size(size);
    builder.build().expect("every field has a default")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn mistakes() {
        for (mappings, expected) in [
            (vec![(0, 100_000, 65_536)], None),
            (vec![(0, 1000, 1), (1, 100_000, 10)], None),
            (vec![], Some("no id is mapped")),
            (vec![(0, 1, 0)], Some("a mapping has size 0")),
            (vec![(0, u32::MAX, 1)], Some("a mapping goes beyond id 4294967294")),
            (vec![(u32::MAX, 1, u32::MAX)], Some("a mapping goes beyond id 4294967294")),
            (vec![(5, 100, 10), (0, 200, 6)], Some("an id of the container is mapped twice")),
            (vec![(0, 100, 10), (20, 109, 5)], Some("an id of the host is mapped twice")),
            ((0..341).map(|id| (id, id, 1)).collect(), Some("there are more than 340 mappings")),
        ] {
            let mappings: Vec<_> = mappings.into_iter().map(mapping).collect();
            assert_eq!(mistake(&mappings), expected);
        }
    }

    #[test]
    fn ids_at_the_ends() {
        let mappings = [mapping((0, 100_000, 10)), mapping((1000, 5, 1))];
        for (id, expected) in [(0, Some(100_000)), (9, Some(100_009)), (10, None), (1000, Some(5)), (u32::MAX, None)] {
            assert_eq!(to_host(&mappings, id), expected, "{id}");
        }
    }

    proptest! {
        #[test]
        fn text_and_back(mappings: Vec<(u32, u32, u32)>) {
            let mappings: Vec<_> = mappings.into_iter().map(mapping).collect();
            prop_assert_eq!(parse(&text(&mappings)), mappings);
        }

        /// Two ids inside are never one outside, and what is mapped is what the ranges say.
        #[test]
        fn good_mappings_are_one_to_one(
            mappings in prop::collection::vec((0_u32..60, 0_u32..60, 0_u32..20), 0..5),
            one in 0_u32..90,
            other in 0_u32..90,
        ) {
            let mappings: Vec<_> = mappings.into_iter().map(mapping).collect();
            let is_inside = |id| mappings.iter().any(|mapping| {
                (mapping.container_id()..mapping.container_id() + mapping.size()).contains(&id)
            });
            prop_assert_eq!(to_host(&mappings, one).is_some(), is_inside(one));
            if mistake(&mappings).is_none() && one != other && to_host(&mappings, one).is_some() {
                prop_assert_ne!(to_host(&mappings, one), to_host(&mappings, other));
            }
        }

        #[test]
        fn nothing_panics(mappings: Vec<(u32, u32, u32)>, id: u32, junk: String) {
            let mappings: Vec<_> = mappings.into_iter().map(mapping).collect();
            let _ = (mistake(&mappings), to_host(&mappings, id), parse(&junk));
        }
    }
}
