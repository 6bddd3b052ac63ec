//! `--tail`: how many lines from the end.

use std::collections::{VecDeque, vec_deque};
use std::num::ParseIntError;
use std::str::FromStr;

/// How many lines from the end of each log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tail {
    /// All.
    All,
    /// That many.
    Last(usize),
}

/// A text is neither `all` nor a number.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected a number of lines, or `all`")]
pub struct InvalidTail {
    /// What is wrong with it as a number.
    pub source: ParseIntError,
}

impl FromStr for Tail {
    type Err = InvalidTail;

    fn from_str(text: &str) -> Result<Self, InvalidTail> {
        match text {
            "all" => Ok(Self::All),
            number => number.parse().map(Self::Last).map_err(|source| InvalidTail { source }),
        }
    }
}

impl Tail {
    /// The last of `lines`, of which no more are held than are asked for.
    pub fn of<I: Iterator>(self, lines: I) -> Tailed<I> {
        match self {
            Self::All => Tailed::All(lines),
            Self::Last(count) => {
                let mut last = VecDeque::new();
                for line in lines {
                    last.push_back(line);
                    if last.len() > count {
                        last.pop_front();
                    }
                }
                Tailed::Last(last.into_iter())
            }
        }
    }
}

/// The iterator of [`Tail::of`].
#[derive(Debug)]
pub enum Tailed<I: Iterator> {
    /// All lines, read as they are asked for.
    All(I),
    /// The last of them, read already.
    Last(vec_deque::IntoIter<I::Item>),
}

impl<I: Iterator> Iterator for Tailed<I> {
    type Item = I::Item;

    fn next(&mut self) -> Option<I::Item> {
        match self {
            Self::All(lines) => lines.next(),
            Self::Last(lines) => lines.next(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tails() {
        for (text, expected) in
            [("all", vec![1, 2, 3]), ("0", vec![]), ("2", vec![2, 3]), ("3", vec![1, 2, 3]), ("9", vec![1, 2, 3])]
        {
            let tail: Tail = text.parse().unwrap();
            assert_eq!(tail.of(1..=3).collect::<Vec<_>>(), expected, "{text}");
        }
        assert!("".parse::<Tail>().is_err() && "-1".parse::<Tail>().is_err() && "some".parse::<Tail>().is_err());
    }
}
