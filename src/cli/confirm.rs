//! Questions on standard error, answered on standard input.

use std::io::{self, BufRead as _, Write as _};

/// Asks, and takes only a yes for one: an end of the input is none.
///
/// # Errors
/// What the streams say.
pub(super) fn confirmed(question: &str) -> io::Result<bool> {
    write!(io::stderr(), "{question}")?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    Ok(is_yes(&answer))
}

/// Whether an answer means yes, as docker reads it.
fn is_yes(answer: &str) -> bool {
    matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes" | "1" | "t" | "true")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_yes_is_one() {
        for (answer, yes) in [("y\n", true), ("Yes", true), ("true\n", true), ("\n", false), ("", false), ("n", false)]
        {
            assert_eq!(is_yes(answer), yes, "{answer:?}");
        }
    }
}
