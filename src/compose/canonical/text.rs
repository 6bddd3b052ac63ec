//! Texts that stand for lists of words.

use super::list::invalid;
use crate::compose::diagnostic::DiagnosticKind;
use crate::compose::node::{Node, Value};
use crate::compose::report::Report;

/// `command: a "b c"`: split into words as a shell would, but run by none.
pub(super) fn words(node: Node, report: &Report) -> Node {
    // What a variable stands for may be several words.
    let Some(text) = node.text().filter(|text| !(report.templates() && text.contains('$'))) else { return node };
    match split(text) {
        Ok(Split { words, dropped }) => {
            if let Some(at) = dropped {
                let kind = DiagnosticKind::NoShell(text[at..].chars().take(1).collect());
                report.warning(report.find(node.origin, &text[at..]), kind);
            }
            let items = words.into_iter().map(|word| Node::string(node.origin, word)).collect();
            Node::sequence(node.origin, items)
        }
        Err(reason) => {
            invalid(&node, "command", reason, report);
            Node { value: Value::Invalid, ..node }
        }
    }
}

/// `test: CMD` is run by a shell.
pub(super) fn probe(node: Node, _: &Report) -> Node {
    match node.text() {
        Some(text) => {
            let items = vec![Node::string(node.origin, "CMD-SHELL"), Node::string(node.origin, text)];
            Node::sequence(node.origin, items)
        }
        None => node,
    }
}

#[derive(Debug, PartialEq, Eq)]
struct Split {
    words: Vec<String>,
    /// Where an operator of a shell ends the command: Compose drops it and everything behind it.
    dropped: Option<usize>,
}

/// Splits at blanks that stand in no quotes. A backslash takes the next character as it is, but in single quotes; a `#`
/// begins no comment; what stands in backquotes or `$(…)` stays together and as it is.
fn split(text: &str) -> Result<Split, &'static str> {
    let (mut words, mut word) = (Vec::new(), None::<String>);
    let (mut escaped, mut quote, mut dropped) = (false, None, None);
    let push = |word: &mut Option<String>, c: char| word.get_or_insert_default().push(c);
    for (at, c) in text.char_indices() {
        match (c, quote) {
            (c, _) if escaped => {
                push(&mut word, c);
                escaped = false;
            }
            ('\\', quote) if quote != Some('\'') => escaped = true,
            (c, None) if c.is_ascii_whitespace() => words.extend(word.take()),
            ('"' | '\'', None) => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            ('`', None) => {
                quote = Some(c);
                push(&mut word, c);
            }
            ('(', None) if word.as_ref().is_some_and(|word| word.ends_with('$')) => {
                quote = Some(')');
                push(&mut word, c);
            }
            ('(' | ')', None) => return Err("a parenthesis means nothing where no shell runs, write it in quotes"),
            (';' | '&' | '|' | '<' | '>', None) => {
                // `2>` is one operator.
                if c == '>' && word.as_ref().is_some_and(|word| word.starts_with(|c: char| c.is_ascii_digit())) {
                    word = None;
                }
                dropped = Some(at);
                break;
            }
            ('"' | '\'', Some(open)) if open == c => quote = None,
            ('`' | ')', Some(open)) if open == c => {
                quote = None;
                push(&mut word, c);
            }
            (c, _) => push(&mut word, c),
        }
    }
    if dropped.is_none() && (quote.is_some() || escaped) {
        return Err("a quote is not closed");
    }
    words.extend(word);
    Ok(Split { words, dropped })
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn words() {
        let check = |text: &str| split(text).map(|split| split.words);
        for (text, wanted) in [
            ("a b  c", &["a", "b", "c"][..]),
            ("a \"b c\" 'd e'", &["a", "b c", "d e"]),
            ("a'b'\"c\"", &["abc"]),
            ("a '' b", &["a", "", "b"]),
            ("echo a #b", &["echo", "a", "#b"]),
            (r#"echo "a\nb" 'a\nb' a\ b"#, &["echo", "anb", r"a\nb", "a b"]),
            ("echo $(date +%s) `date`", &["echo", "$(date +%s)", "`date`"]),
            ("a && b", &["a"]),
            ("a >out 2>&1", &["a"]),
            ("a 2>/dev/null", &["a"]),
            ("sh -c 'a && b'", &["sh", "-c", "a && b"]),
            ("", &[]),
            ("  ", &[]),
        ] {
            assert_eq!(check(text).unwrap(), wanted, "{text}");
        }
        for text in ["a 'b", "a \"b", "a `b", "a $(b", "a \\", "(a)"] {
            assert!(check(text).is_err(), "{text}");
        }
        assert_eq!(split("a && b").unwrap().dropped, Some(2));
    }
}
