//! What is to go: a pure choice.

use std::cmp::Reverse;
use std::time::{Duration, SystemTime};

use super::{Item, Kind};

/// What may stay.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Limits {
    /// As many bytes as the things that stay may take together; of those that are too many the ones go that were not used for
    /// the longest time. Without it nothing stays.
    pub size: Option<u64>,
    /// What was used after this stays, whatever it takes.
    pub unused_since: Option<SystemTime>,
    /// What was not used since goes, whatever it takes.
    pub expired: Option<SystemTime>,
    /// Only things of these kinds go; of any, if there are none.
    pub kinds: Vec<Kind>,
    /// Only things go whose id begins so.
    pub id: Option<String>,
    /// What an image has as well goes too, which frees nothing.
    pub shared: bool,
}

impl Limits {
    /// Those of `items` that are to go, in the order in which they go.
    #[must_use]
    pub fn choose<'a>(&self, items: &'a [Item]) -> Vec<&'a Item> {
        let may_go = |item: &&Item| {
            (self.shared || !item.is_shared)
                && (self.kinds.is_empty() || self.kinds.contains(&item.kind))
                && self.id.as_ref().is_none_or(|id| item.id.starts_with(id))
                && self.unused_since.is_none_or(|since| item.used < since)
        };
        let mut candidates: Vec<&Item> = items.iter().filter(may_go).collect();
        candidates.sort_by_key(|item| order(item));
        let takes = |item: &Item| if item.is_shared { 0 } else { item.size };
        let mut total: u64 = items.iter().map(takes).sum();
        let mut chosen = Vec::new();
        for item in candidates {
            let is_expired = self.expired.is_some_and(|time| item.used < time);
            let is_too_much = self.size.is_none_or(|size| total > size);
            if is_expired || is_too_much {
                total -= takes(item);
                chosen.push(item);
            }
        }
        chosen
    }
}

/// The one that was not used for longest goes first. Of those that one build has used, within the same minutes, the newest: what
/// was made later is likely made over what was made before, and is of no use without it.
fn order(item: &Item) -> (Duration, Reverse<SystemTime>) {
    const MINUTES: u64 = 600;
    let used = item.used.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    (Duration::from_secs(used.as_secs() / MINUTES), Reverse(item.created))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::build::disk::Place;

    const HOUR: u64 = 3600;

    fn at(hours: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_000 * HOUR + hours * HOUR)
    }

    fn item(id: &str, kind: Kind, size: u64, created: u64, used: u64) -> Item {
        Item {
            kind,
            id: id.to_owned(),
            name: id.to_owned(),
            size,
            is_shared: id.starts_with("shared"),
            created: at(created),
            used: at(used),
            place: Place::Directory("/none".into()),
        }
    }

    #[test]
    fn what_goes() {
        let items = [
            item("base", Kind::Step, 10, 1, 9),
            item("over", Kind::Step, 10, 2, 9),
            item("old", Kind::Step, 10, 3, 4),
            item("shared", Kind::Step, 1000, 1, 1),
            item("mount", Kind::Mount, 10, 1, 5),
            item("source", Kind::Source, 10, 1, 6),
        ];
        let all = Limits::default();
        for (what, limits, expected) in [
            ("all", all.clone(), "old mount source over base"),
            ("shared ones too", Limits { shared: true, ..all.clone() }, "shared old mount source over base"),
            ("of a kind", Limits { kinds: vec![Kind::Mount, Kind::Source], ..all.clone() }, "mount source"),
            ("by id", Limits { id: Some("o".into()), ..all.clone() }, "old over"),
            ("unused", Limits { unused_since: Some(at(6)), ..all.clone() }, "old mount"),
            ("too much", Limits { size: Some(25), ..all.clone() }, "old mount source"),
            ("nothing is too much", Limits { size: Some(50), ..all.clone() }, ""),
            ("expired", Limits { size: Some(1 << 40), expired: Some(at(5)), ..all.clone() }, "old"),
            ("either", Limits { size: Some(30), expired: Some(at(5)), ..all.clone() }, "old mount"),
        ] {
            let chosen: Vec<&str> = limits.choose(&items).iter().map(|item| item.id.as_str()).collect();
            assert_eq!(chosen.join(" "), expected, "{what}");
        }
    }
}
