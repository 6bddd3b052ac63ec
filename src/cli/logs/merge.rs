//! Several logs as one, in order of time.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Merges `sources` by `time`: the earliest next item first, the earlier source at a tie.
///
/// Items of one source keep their order even where its clock was set back. Only one item of each source is held
/// at a time. An iterator of `Result`s with `time` of `Err` as `None` yields an error as soon as it is met.
pub fn merged<I, K>(sources: Vec<I>, time: fn(&I::Item) -> K) -> Merged<I, K>
where
    I: Iterator,
    K: Ord,
{
    let mut merged = Merged { heads: Vec::with_capacity(sources.len()), order: BinaryHeap::new(), sources, time };
    for index in 0..merged.sources.len() {
        merged.heads.push(None);
        merged.advance(index);
    }
    merged
}

/// The iterator of [`merged`].
#[derive(Debug)]
pub struct Merged<I: Iterator, K> {
    sources: Vec<I>,
    /// The next item of each source that has one.
    heads: Vec<Option<I::Item>>,
    /// The sources that have one, the earliest on top.
    order: BinaryHeap<Reverse<(K, usize)>>,
    time: fn(&I::Item) -> K,
}

impl<I: Iterator, K: Ord> Merged<I, K> {
    fn advance(&mut self, index: usize) {
        self.heads[index] = self.sources[index].next();
        if let Some(item) = &self.heads[index] {
            self.order.push(Reverse(((self.time)(item), index)));
        }
    }
}

impl<I: Iterator, K: Ord> Iterator for Merged<I, K> {
    type Item = I::Item;

    fn next(&mut self) -> Option<I::Item> {
        let Reverse((_, index)) = self.order.pop()?;
        let item = self.heads[index].take();
        self.advance(index);
        item
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn merge(sources: &[Vec<(u32, char)>]) -> Vec<(u32, char)> {
        let sources = sources.iter().map(|source| source.iter().copied()).collect();
        merged(sources, |(time, _)| *time).collect()
    }

    #[test]
    fn the_earliest_comes_first_and_the_earlier_source_at_a_tie() {
        let sources = [vec![(1, 'a'), (4, 'a')], vec![], vec![(0, 'b'), (1, 'b'), (9, 'b')]];
        assert_eq!(merge(&sources), [(0, 'b'), (1, 'a'), (1, 'b'), (4, 'a'), (9, 'b')]);
        assert_eq!(merge(&[]), []);
    }

    #[test]
    fn a_clock_set_back_does_not_reorder_a_source() {
        assert_eq!(merge(&[vec![(5, 'a'), (1, 'a')], vec![(3, 'b')]]), [(3, 'b'), (5, 'a'), (1, 'a')]);
    }

    proptest! {
        #[test]
        fn nothing_is_lost_and_order_is_kept(mut sources: Vec<Vec<u32>>, sorted: bool) {
            if sorted {
                sources.iter_mut().for_each(|source| source.sort_unstable());
            }
            let tagged = sources.iter().enumerate();
            let tagged = tagged.map(|(index, source)| source.iter().map(move |time| (*time, index))).collect();
            let result: Vec<_> = merged(tagged, |(time, _)| *time).collect();
            for (index, source) in sources.iter().enumerate() {
                let kept = result.iter().filter(|item| item.1 == index).map(|item| item.0);
                prop_assert!(kept.eq(source.iter().copied()));
            }
            prop_assert!(!sorted || result.is_sorted());
        }
    }
}
