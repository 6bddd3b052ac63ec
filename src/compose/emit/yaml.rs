//! YAML in the layout of docker compose: two spaces, lists indented, quotes only where they are needed.

use std::fmt::Write;

use super::printed::{Entries, Printed};
use crate::compose::node::{Kind, Scalar, Style};

/// Writes the entries of a mapping, each on lines of its own.
pub(super) fn entries(output: &mut String, entries: &Entries, indent: usize) {
    for (key, value) in &entries.0 {
        let _ = write!(output, "{:indent$}", "");
        match scalar(key, true) {
            Written::Inline(key) => output.push_str(&key),
            Written::Block => output.push_str(&double_quoted(key)),
        }
        output.push(':');
        write(output, value, indent + 2);
    }
}

/// Writes what stands behind `key:` or `-`, line end included.
fn write(output: &mut String, value: &Printed, indent: usize) {
    match value {
        Printed::Map(map) if !map.0.is_empty() => {
            output.push('\n');
            entries(output, map, indent);
        }
        Printed::List(items) if !items.is_empty() => {
            output.push('\n');
            for item in items {
                let _ = write!(output, "{:indent$}-", "");
                let start = output.len();
                write(output, item, indent + 2);
                // A mapping or list begins on the line of its dash.
                if output[start..].starts_with('\n') {
                    output.replace_range(start..start + 1 + indent + 2, " ");
                }
            }
        }
        Printed::Map(_) => output.push_str(" {}\n"),
        Printed::List(_) => output.push_str(" []\n"),
        Printed::Text(text) => match scalar(text, false) {
            Written::Inline(text) => drop(writeln!(output, " {text}")),
            Written::Block => block(output, text, indent),
        },
        Printed::Null => output.push_str(" null\n"),
        Printed::Bool(value) => drop(writeln!(output, " {value}")),
        Printed::Number(number) => drop(writeln!(output, " {number}")),
    }
}

/// How a string is written.
enum Written {
    Inline(String),
    /// As lines of its own below a `|`.
    Block,
}

fn scalar(text: &str, is_key: bool) -> Written {
    let found = Analysis::of(text);
    Written::Inline(match () {
        () if found.is_multiline && !is_key && found.block_allowed => return Written::Block,
        () if found.is_multiline || is_misread(text, is_key) => double_quoted(text),
        () if found.plain_allowed => text.to_owned(),
        () if found.single_allowed => format!("'{}'", text.replace('\'', "''")),
        () => double_quoted(text),
    })
}

/// Whether a reader, perhaps an old one, would make something else of the text without quotes.
fn is_misread(text: &str, is_key: bool) -> bool {
    let old_boolean = ["y", "n", "yes", "no", "on", "off"].contains(&text.to_ascii_lowercase().as_str());
    let kind = Scalar { text: text.to_owned(), style: Style::Plain }.kind();
    kind != Kind::String || old_boolean || is_sexagesimal(text) || (is_key && text == "<<")
}

/// `12:30`: a number to the base of 60 in YAML 1.1.
fn is_sexagesimal(text: &str) -> bool {
    let text = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let mut parts = whole.split(':');
    let first = parts.next().unwrap_or_default();
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_');
    let rest: Vec<&str> = parts.collect();
    let below_60 = |part: &&str| match part.as_bytes() {
        [one] => one.is_ascii_digit(),
        [b'0'..=b'5', one] => one.is_ascii_digit(),
        _ => false,
    };
    first.starts_with(|c: char| c.is_ascii_digit())
        && digits(first)
        && digits(fraction)
        && !rest.is_empty()
        && rest.iter().all(below_60)
}

/// What the characters of a string allow it to be written as.
struct Analysis {
    plain_allowed: bool,
    single_allowed: bool,
    block_allowed: bool,
    is_multiline: bool,
}

impl Analysis {
    fn of(text: &str) -> Self {
        let is_space =
            |c: Option<char>| matches!(c, None | Some(' ' | '\t' | '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}'));
        let mut indicators = text.starts_with("---") || text.starts_with("...");
        let (mut tab, mut special, mut space_before_break, mut space_behind_break) = (false, false, false, false);
        let mut before = None;
        let mut chars = text.chars().peekable();
        while let Some(c) = chars.next() {
            let next = chars.peek().copied();
            indicators |= match c {
                '#' => before.is_none() || is_space(before),
                ',' | '[' | ']' | '{' | '}' | '&' | '*' | '!' | '|' | '>' | '\'' | '"' | '%' | '@' | '`' => {
                    before.is_none()
                }
                '?' | '-' => before.is_none() && is_space(next),
                ':' => is_space(next),
                _ => false,
            };
            match c {
                '\t' => tab = true,
                '\n' => space_before_break |= before == Some(' '),
                ' ' => space_behind_break |= before == Some('\n'),
                c => special |= !is_printable(c),
            }
            before = Some(c);
        }
        let is_multiline = text.contains('\n');
        let at_edge = text.starts_with([' ', '\n']) || text.ends_with([' ', '\n']);
        Self {
            plain_allowed: !(indicators || tab || special || at_edge || is_multiline),
            single_allowed: !(tab || special || space_before_break || space_behind_break),
            block_allowed: !(special || space_before_break || text.ends_with(' ') || text.is_empty()),
            is_multiline,
        }
    }
}

/// Whether a character may stand in YAML as it is; those beyond 16 bits are written as escapes, as there.
fn is_printable(c: char) -> bool {
    matches!(c, '\n' | ' '..='~' | '\u{a0}'..='\u{2027}' | '\u{202a}'..='\u{d7ff}' | '\u{e000}'..='\u{fefe}' | '\u{ff00}'..='\u{fffd}')
}

fn double_quoted(text: &str) -> String {
    let mut output = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => output.push_str("\\\""),
            '\\' => output.push_str("\\\\"),
            '\0' => output.push_str("\\0"),
            '\u{7}' => output.push_str("\\a"),
            '\u{8}' => output.push_str("\\b"),
            '\t' => output.push_str("\\t"),
            '\n' => output.push_str("\\n"),
            '\u{b}' => output.push_str("\\v"),
            '\u{c}' => output.push_str("\\f"),
            '\r' => output.push_str("\\r"),
            '\u{1b}' => output.push_str("\\e"),
            '\u{85}' => output.push_str("\\N"),
            '\u{2028}' => output.push_str("\\L"),
            '\u{2029}' => output.push_str("\\P"),
            c if is_printable(c) => output.push(c),
            c => match u32::from(c) {
                code @ 0..=0xff => drop(write!(output, "\\x{code:02X}")),
                code @ 0x100..=0xffff => drop(write!(output, "\\u{code:04X}")),
                code => drop(write!(output, "\\U{code:08X}")),
            },
        }
    }
    output.push('"');
    output
}

/// The lines of a text below ` |`, with how deep they are when the first one would not tell, and how they end.
fn block(output: &mut String, text: &str, indent: usize) {
    output.push_str(" |");
    if text.starts_with([' ', '\n']) {
        output.push('2');
    }
    if !text.ends_with('\n') {
        output.push('-');
    } else if text.ends_with("\n\n") || text == "\n" {
        output.push('+');
    }
    output.push('\n');
    for line in text.strip_suffix('\n').unwrap_or(text).split('\n') {
        if line.is_empty() {
            output.push('\n');
        } else {
            let _ = writeln!(output, "{:indent$}{line}", "");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &str) -> String {
        let mut output = String::new();
        write(&mut output, &Printed::text(text), 2);
        output
    }

    /// As docker compose 2.40.3 writes each.
    #[test]
    fn strings() {
        for (text, expected) in [
            ("plain text", "plain text"),
            ("a: b", "'a: b'"),
            ("a:b", "a:b"),
            ("a #b", "'a #b'"),
            ("a#b", "a#b"),
            ("it's", "it's"),
            ("say \"hi\"", "say \"hi\""),
            ("'", "''''"),
            ("", "\"\""),
            (" x ", "' x '"),
            ("12", "\"12\""),
            ("12:30", "\"12:30\""),
            ("22:70", "22:70"),
            ("~", "\"~\""),
            ("yes", "\"yes\""),
            ("=", "="),
            ("<<", "<<"),
            ("-", "'-'"),
            ("-a", "-a"),
            ("- a", "'- a'"),
            ("? a", "'? a'"),
            (":lead", ":lead"),
            ("trail:", "'trail:'"),
            ("a, b", "a, b"),
            ("[a", "'[a'"),
            ("a]", "a]"),
            ("a\tb", "\"a\\tb\""),
            ("a\rb", "\"a\\rb\""),
            ("é", "é"),
            ("\u{1f600}", "\"\\U0001F600\""),
            ("---", "'---'"),
            ("2001-01-01", "\"2001-01-01\""),
        ] {
            assert_eq!(written(text), format!(" {expected}\n"), "{text}");
        }
    }

    #[test]
    fn blocks() {
        for (text, expected) in [
            ("a\nb\n", " |\n  a\n  b\n"),
            ("a\nb", " |-\n  a\n  b\n"),
            ("a\n\n", " |+\n  a\n\n"),
            ("\n a\n  b", " |2-\n\n   a\n    b\n"),
            ("a \nb", " \"a \\nb\"\n"),
        ] {
            assert_eq!(written(text), expected, "{text:?}");
        }
    }
}
