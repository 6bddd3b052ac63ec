//! Where things are in the picture: services in columns, those that need something left of what they need.
//!
//! ```text
//! 1. columns   from the right: after all that it needs, in the first that has room (Coffman and Graham)
//! 2. ways      a line over several columns passes each of them; lines to one end share their ways
//! 3. order     in each column by the middle of the neighbours (Sugiyama), the order with the fewest crossings stays
//! 4. places    columns are as wide as their widest box, and centred
//! ```
//!
//! Nothing is random, and names decide where nothing else does: the same stack gives the same picture.

use std::collections::BTreeMap;

use super::{Graph, Need};
use crate::compose::model::Condition;

/// Between columns.
const ACROSS: f64 = 72.0;
/// Between what is in a column.
const BETWEEN: f64 = 18.0;
/// What a line takes that passes a column.
const WAY: f64 = 8.0;
/// A column of that many services is not too high to be read.
const FEW: usize = 8;
const SWEEPS: usize = 8;

/// Where things are.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Layout {
    /// The upper left corner of each service.
    pub(super) boxes: Vec<(f64, f64)>,
    /// The lines, with two points in each column that is passed.
    pub(super) lines: Vec<Line>,
    /// The size of the whole.
    pub(super) size: (f64, f64),
}

/// Who needs, what, and the points in between.
type Line = (usize, Need, Vec<(f64, f64)>);

/// What stands in a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Item {
    Service(usize),
    /// The way of lines of one kind to one end.
    Way(usize, u8),
}

fn kind(need: &Need) -> u8 {
    match need.condition {
        Condition::ServiceStarted => 0,
        Condition::ServiceHealthy => 1,
        Condition::ServiceCompletedSuccessfully => 2,
    }
}

/// Lays out services whose boxes have these sizes.
pub(super) fn lay_out(graph: &Graph, sizes: &[(f64, f64)]) -> Layout {
    let (tied, free): (Vec<usize>, Vec<usize>) = (0..sizes.len()).partition(|place| is_tied(graph, *place));
    let column_of = columns(graph, &tied);
    let mut columns: Vec<Vec<Item>> = vec![Vec::new(); column_of.values().max().map_or(0, |last| last + 1)];
    for place in &tied {
        columns[column_of[place]].push(Item::Service(*place));
    }
    let mut links: Vec<(usize, Item, Item)> = Vec::new();
    for place in &tied {
        for need in &graph.services[*place].needs {
            let way = Item::Way(need.on, kind(need));
            let mut from = Item::Service(*place);
            for (column, items) in columns.iter_mut().enumerate().take(column_of[&need.on]).skip(column_of[place] + 1) {
                if !items.contains(&way) {
                    items.push(way);
                }
                links.push((column - 1, from, way));
                from = way;
            }
            links.push((column_of[&need.on] - 1, from, Item::Service(need.on)));
        }
    }
    links.sort_unstable();
    links.dedup();
    order(&mut columns, &links);
    place(graph, sizes, &columns, &column_of, &free)
}

/// Whether a service needs another one, or is needed.
fn is_tied(graph: &Graph, place: usize) -> bool {
    let is_needed = |service: &super::Node| service.needs.iter().any(|need| need.on == place);
    !graph.services[place].needs.is_empty() || graph.services.iter().any(is_needed)
}

/// The column of each service, from the left.
fn columns(graph: &Graph, tied: &[usize]) -> BTreeMap<usize, usize> {
    let width = FEW.max(tied.len().isqrt() + 3);
    let mut ranks: BTreeMap<usize, usize> = BTreeMap::new();
    let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
    // Dependencies first; the loader has refused circles.
    while let Some(next) = tied.iter().find(|place| {
        !ranks.contains_key(place) && graph.services[**place].needs.iter().all(|need| ranks.contains_key(&need.on))
    }) {
        let needs = graph.services[*next].needs.iter();
        let mut rank = needs.map(|need| ranks[&need.on] + 1).max().unwrap_or(0);
        while counts.get(&rank).is_some_and(|count| *count >= width) {
            rank += 1;
        }
        *counts.entry(rank).or_default() += 1;
        ranks.insert(*next, rank);
    }
    let last = ranks.values().copied().max().unwrap_or(0);
    ranks.into_iter().map(|(place, rank)| (place, last - rank)).collect()
}

/// Puts what is in each column beside what it is linked to.
fn order(columns: &mut Vec<Vec<Item>>, links: &[(usize, Item, Item)]) {
    let mut best = (crossings(columns, links), columns.clone());
    for sweep in 0..SWEEPS {
        let to_the_right = sweep % 2 == 0;
        for step in 1..columns.len() {
            let column = if to_the_right { step } else { columns.len() - 1 - step };
            let neighbours = columns[if to_the_right { column - 1 } else { column + 1 }].clone();
            let here = columns[column].clone();
            let middle = |item: &Item| {
                let linked = links.iter().filter_map(|(left, from, to)| match to_the_right {
                    true if left + 1 == column && to == item => Some(from),
                    false if *left == column && from == item => Some(to),
                    _ => None,
                });
                let places = linked.filter_map(|of| neighbours.iter().position(|one| one == of));
                let (sum, count) = places.fold((0, 0), |(sum, count), place| (sum + place, count + 1));
                // Who has no neighbour there keeps its place; thousandths do.
                let own = here.iter().position(|one| one == item).unwrap_or(0);
                (sum * 1000).checked_div(count).unwrap_or(own * 1000)
            };
            columns[column].sort_by_key(middle);
        }
        let found = crossings(columns, links);
        if found < best.0 {
            best = (found, columns.clone());
        }
    }
    *columns = best.1;
}

fn crossings(columns: &[Vec<Item>], links: &[(usize, Item, Item)]) -> usize {
    let place = |column: usize, item: &Item| columns[column].iter().position(|one| one == item).unwrap_or(0);
    let ends: Vec<(usize, usize, usize)> =
        links.iter().map(|(left, from, to)| (*left, place(*left, from), place(left + 1, to))).collect();
    let crosses = |(one, other): (&(usize, usize, usize), &(usize, usize, usize))| {
        one.0 == other.0 && ((one.1 < other.1 && one.2 > other.2) || (one.1 > other.1 && one.2 < other.2))
    };
    ends.iter()
        .enumerate()
        .flat_map(|(index, one)| ends[..index].iter().map(move |other| (one, other)))
        .filter(|pair| crosses(*pair))
        .count()
}

fn place(
    graph: &Graph,
    sizes: &[(f64, f64)],
    columns: &[Vec<Item>],
    column_of: &BTreeMap<usize, usize>,
    free: &[usize],
) -> Layout {
    let height = |item: &Item| match item {
        Item::Service(place) => sizes[*place].1,
        Item::Way(..) => WAY,
    };
    let total = |items: &Vec<Item>| items.iter().map(|item| height(item) + BETWEEN).sum::<f64>() - BETWEEN;
    let highest = columns.iter().map(total).fold(0.0, f64::max);
    let mut boxes = vec![(0.0, 0.0); sizes.len()];
    let mut ways: BTreeMap<(usize, Item), [(f64, f64); 2]> = BTreeMap::new();
    let mut x = 0.0;
    for (column, items) in columns.iter().enumerate() {
        let width = items
            .iter()
            .map(|item| if let Item::Service(place) = item { sizes[*place].0 } else { 0.0 })
            .fold(0.0, f64::max);
        let mut y = (highest - total(items)) / 2.0;
        for item in items {
            match item {
                Item::Service(place) => boxes[*place] = (x + (width - sizes[*place].0) / 2.0, y),
                Item::Way(..) => {
                    let middle = y + WAY / 2.0;
                    ways.insert((column, *item), [(x, middle), (x + width, middle)]);
                }
            }
            y += height(item) + BETWEEN;
        }
        x += width + ACROSS;
    }
    let mut size = ((x - ACROSS).max(0.0), highest);
    grid(sizes, free, &mut boxes, &mut size);
    let mut lines = Vec::new();
    for (from, service) in graph.services.iter().enumerate() {
        for need in &service.needs {
            let passed = (column_of[&from] + 1)..column_of[&need.on];
            let points = passed.filter_map(|column| ways.get(&(column, Item::Way(need.on, kind(need))))).flatten();
            lines.push((from, *need, points.copied().collect()));
        }
    }
    Layout { boxes, lines, size }
}

/// Puts those that nothing ties to others in rows below.
fn grid(sizes: &[(f64, f64)], free: &[usize], boxes: &mut [(f64, f64)], size: &mut (f64, f64)) {
    let widest = free.iter().map(|place| sizes[*place].0).fold(0.0, f64::max) + BETWEEN;
    let in_a_row = free.len().isqrt().max(4);
    let mut fits = 1;
    while fits < in_a_row
        && widest * f64::from(u32::try_from(fits + 1).unwrap_or(u32::MAX)) - BETWEEN <= size.0.max(900.0)
    {
        fits += 1;
    }
    let mut y = if size.1 > 0.0 && !free.is_empty() { size.1 + BETWEEN * 2.0 } else { size.1 };
    for row in free.chunks(fits) {
        let mut x = 0.0;
        for place in row {
            boxes[*place] = (x, y);
            x += widest;
        }
        size.0 = size.0.max(x - BETWEEN);
        y += row.iter().map(|place| sizes[*place].1).fold(0.0, f64::max) + BETWEEN;
    }
    if !free.is_empty() {
        size.1 = y - BETWEEN;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::graph::States;
    use crate::cli::graph::tests::{graph, project, shop};
    use serde_json::json;

    const SIZE: (f64, f64) = (100.0, 50.0);

    fn laid_out(graph: &Graph) -> Layout {
        lay_out(graph, &vec![SIZE; graph.services.len()])
    }

    /// That no two boxes overlap, and whoever needs something is left of it.
    fn is_readable(graph: &Graph) -> Layout {
        let layout = laid_out(graph);
        for (index, (x, y)) in layout.boxes.iter().enumerate() {
            assert!(x + SIZE.0 <= layout.size.0 + 0.1 && y + SIZE.1 <= layout.size.1 + 0.1, "{index} is outside");
            for (other_x, other_y) in &layout.boxes[..index] {
                let apart = (x - other_x).abs() >= SIZE.0 || (y - other_y).abs() >= SIZE.1;
                assert!(apart, "{index} is over another one: {layout:?}");
            }
        }
        for (from, need, _) in &layout.lines {
            assert!(layout.boxes[*from].0 + SIZE.0 < layout.boxes[need.on].0, "{from} {need:?}");
        }
        layout
    }

    #[test]
    fn who_needs_something_is_left_of_it() {
        let layout = is_readable(&graph(&shop(), &States::new()));
        assert_eq!(layout.lines.len(), 5);
        // app needs db, and migrate is between the two.
        let passes: Vec<_> = layout.lines.iter().map(|(_, _, points)| points.len()).collect();
        assert!(passes.contains(&2), "{passes:?}");
    }

    #[test]
    fn fifty_services_are_readable_and_the_same_each_time() {
        let on = json!({"condition": "service_started", "restart": false, "required": true});
        let mut services = serde_json::Map::new();
        for number in 0..50_u32 {
            let needs: serde_json::Map<_, _> = [number / 2, number / 7]
                .into_iter()
                .filter(|other| *other < number && number % 10 != 0)
                .map(|other| (format!("s{other:02}"), on.clone()))
                .collect();
            services.insert(format!("s{number:02}"), json!({"image": "x", "depends_on": needs}));
        }
        let project = project(&services.into(), &json!({}), &json!({}));
        let graph = graph(&project, &States::new());
        let layout = is_readable(&graph);
        assert!(layout.size.1 < 1600.0 && layout.size.0 < 2600.0, "{:?}", layout.size);
        assert_eq!(laid_out(&graph), layout);
    }

    #[test]
    fn who_is_alone_stands_in_rows() {
        let services: serde_json::Map<_, _> =
            (0..9).map(|number| (format!("s{number}"), json!({"image": "x"}))).collect();
        let layout = is_readable(&graph(&project(&services.into(), &json!({}), &json!({})), &States::new()));
        assert!(layout.size.0 > 300.0 && layout.size.1 > 100.0, "{:?}", layout.size);
        assert_eq!(laid_out(&graph(&project(&json!({}), &json!({}), &json!({})), &States::new())).size, (0.0, 0.0));
    }
}
