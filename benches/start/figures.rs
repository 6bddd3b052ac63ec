//! Two ways to do the same, in turn, and their times side by side.

use std::time::Duration;

/// The times of one thing.
pub(crate) struct Row {
    name: &'static str,
    floor: Vec<Duration>,
    ours: Vec<Duration>,
}

impl Row {
    pub(crate) fn new(name: &'static str, mut floor: Vec<Duration>, mut ours: Vec<Duration>) -> Self {
        floor.sort_unstable();
        ours.sort_unstable();
        Self { name, floor, ours }
    }
}

/// Times both, one after the other, so that what else the machine does meets both alike.
pub(crate) fn compare<A, B>(
    name: &'static str,
    rounds: usize,
    mut floor: impl FnMut() -> A,
    mut ours: impl FnMut() -> B,
) -> Row {
    let (mut bare, mut whole) = (Vec::new(), Vec::new());
    for round in 0..=rounds {
        let times = (super::time(&mut floor), super::time(&mut ours));
        // The first fills caches.
        if round > 0 {
            bare.push(times.0);
            whole.push(times.1);
        }
    }
    Row::new(name, bare, whole)
}

/// Prints a table: milliseconds at the median and at the tenth percentile.
pub(crate) fn print(rows: &[Row]) {
    println!("| | floor: median, p10 (ms) | rcompose: median, p10 (ms) | ratio of the medians |");
    println!("|---|---|---|---|");
    for Row { name, floor, ours } in rows {
        let ratio = match (at(floor, 50), at(ours, 50)) {
            (Some(floor), Some(ours)) => format!("{:.2}", ours.as_secs_f64() / floor.as_secs_f64()),
            _ => String::new(),
        };
        println!("| {name} | {} | {} | {ratio} |", pair(floor), pair(ours));
    }
}

fn pair(sorted: &[Duration]) -> String {
    match (at(sorted, 50), at(sorted, 10)) {
        (Some(median), Some(low)) => format!("{:.2}, {:.2}", median.as_secs_f64() * 1e3, low.as_secs_f64() * 1e3),
        _ => "–".to_owned(),
    }
}

fn at(sorted: &[Duration], percent: usize) -> Option<Duration> {
    sorted.get(sorted.len() * percent / 100).copied()
}
