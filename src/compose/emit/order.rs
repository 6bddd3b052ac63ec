//! The order of keys that users choose, in YAML: `web2` before `web10`, signs before letters.

use std::cmp::Ordering;

/// Which of two keys is printed first, as docker compose has it.
pub(super) fn of_keys(one: &str, two: &str) -> Ordering {
    let (one, two): (Vec<char>, Vec<char>) = (one.chars().collect(), two.chars().collect());
    let Some(at) = one.iter().zip(&two).position(|(a, b)| a != b) else { return one.len().cmp(&two.len()) };
    let (a, b) = (one[at], two[at]);
    let in_number = at > 0 && one[at - 1].is_numeric();
    match (a.is_alphabetic(), b.is_alphabetic()) {
        (true, true) => a.cmp(&b),
        // What goes on after a number with a letter is the shorter number.
        (true, false) => {
            if in_number {
                Ordering::Less
            } else {
                Ordering::Greater
            }
        }
        (false, true) => {
            if in_number {
                Ordering::Greater
            } else {
                Ordering::Less
            }
        }
        (false, false) => {
            let begin = one[..at].iter().rposition(|c| !c.is_ascii_digit()).map_or(0, |before| before + 1);
            number(&one[begin..]).cmp(&number(&two[begin..])).then_with(|| a.cmp(&b))
        }
    }
}

/// The digits that a text begins with: how many there are without leading zeros, which they are, how many with them.
fn number(text: &[char]) -> (usize, &[char], usize) {
    let all = text.iter().take_while(|c| c.is_ascii_digit()).count();
    let zeros = text[..all].iter().take_while(|c| **c == '0').count();
    (all - zeros, &text[zeros..all], all)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As docker compose 2.40.3 prints them.
    #[test]
    fn keys() {
        let mut keys = ["lower", "web10", "A1", "_U", "A[0]", "web2", "A-b", "web", "A.b", "0", "web02", "a", "Z"];
        keys.sort_by(|one, two| of_keys(one, two));
        assert_eq!(keys, ["_U", "0", "A-b", "A.b", "A[0]", "A1", "Z", "a", "lower", "web", "web2", "web02", "web10"]);
    }
}
