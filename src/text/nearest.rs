//! `did you mean`: the nearest of the words that are allowed.

/// The word of `allowed` that `word` is most likely a misspelling of.
#[must_use]
pub fn nearest<'a>(word: &str, allowed: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // Longer words may differ in more places; a stranger is never suggested, and any two words of one letter are.
    let length = word.chars().count();
    let limit = if length < 2 { 0 } else { (length / 3).clamp(1, 3) };
    let near = allowed.into_iter().filter(|other| other.chars().count().abs_diff(length) <= limit);
    let far = |other: &str| if other.eq_ignore_ascii_case(word) { 0 } else { distance(word, other) };
    let (distance, best) = near.map(|other| (far(other), other)).min()?;
    (distance <= limit).then_some(best)
}

/// `did you mean `…`?` for [`nearest`].
#[must_use]
pub fn did_you_mean<'a>(word: &str, allowed: impl IntoIterator<Item = &'a str>) -> Option<String> {
    nearest(word, allowed).map(|best| format!("did you mean `{best}`?"))
}

/// Insertions, deletions, replacements and swaps of neighbours that make `from` into `to`
/// (optimal string alignment).
fn distance(from: &str, to: &str) -> usize {
    let (from, to): (Vec<char>, Vec<char>) = (from.chars().take(64).collect(), to.chars().take(64).collect());
    let mut rows = vec![(0..=to.len()).collect::<Vec<_>>()];
    for (i, a) in from.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, b) in to.iter().enumerate() {
            let replaced = rows[i][j] + usize::from(a != b);
            let mut best = replaced.min(rows[i][j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *a == to[j - 1] && from[i - 1] == *b {
                best = best.min(rows[i - 1][j - 1] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[from.len()][to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearest_words() {
        let allowed = ["image", "ports", "environment", "init"];
        for (word, wanted) in [
            ("imgae", Some("image")),
            ("port", Some("ports")),
            ("enviroment", Some("environment")),
            ("IMAGE", Some("image")),
            ("x", None),
            ("volumes", None),
            ("", None),
        ] {
            assert_eq!(nearest(word, allowed), wanted, "{word}");
        }
    }
}
