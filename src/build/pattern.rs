//! Patterns of paths, in the two languages that Dockerfiles have for them.
//!
//! - [`Glob`]: one name, as the wildcards of `COPY` sources. See <https://pkg.go.dev/path/filepath#Match>.
//! - [`Patterns`]: a list, as `.dockerignore`, `--exclude` and `--parents` have it: besides, `**` stands for any number of
//!   directories, what begins with `!` is an exception, the last pattern that matches wins, and a pattern that matches a
//!   directory matches all that is in it.

use regex::Regex;

/// A pattern that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no pattern: a `[` is not closed, or nothing follows a `\\`")]
pub struct BadPattern(pub String);

/// A pattern of a single name.
#[derive(Debug, Clone)]
pub struct Glob {
    parts: Vec<Part>,
}

#[derive(Debug, Clone)]
enum Part {
    /// Any number of characters.
    Many,
    /// One character.
    Any,
    Class {
        is_negated: bool,
        ranges: Vec<(char, char)>,
    },
    One(char),
}

/// Whether `text` holds a character that stands for others.
#[must_use]
pub fn has_wildcard(text: &str) -> bool {
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            '*' | '?' | '[' => return true,
            '\\' => drop(characters.next()),
            _ => {}
        }
    }
    false
}

impl Glob {
    /// Reads a pattern.
    ///
    /// # Errors
    /// [`BadPattern`].
    pub fn new(pattern: &str) -> Result<Self, BadPattern> {
        parts(pattern).map(|parts| Self { parts }).ok_or_else(|| BadPattern(pattern.to_owned()))
    }

    /// Whether it is a pattern of `name`.
    #[must_use]
    pub fn matches(&self, name: &str) -> bool {
        let name: Vec<char> = name.chars().collect();
        let (mut at, mut part) = (0, 0);
        // Where the last `*` was, and how far it reaches: it is stretched when what follows it does not fit.
        let mut stretch = None;
        loop {
            match self.parts.get(part) {
                Some(Part::Many) => {
                    stretch = Some((part, at));
                    part += 1;
                    continue;
                }
                Some(one) if name.get(at).is_some_and(|character| one.fits(*character)) => {
                    (part, at) = (part + 1, at + 1);
                    continue;
                }
                None if at == name.len() => return true,
                _ => {}
            }
            match stretch {
                Some((star, end)) if end < name.len() => {
                    stretch = Some((star, end + 1));
                    (part, at) = (star + 1, end + 1);
                }
                _ => return false,
            }
        }
    }
}

impl Part {
    fn fits(&self, character: char) -> bool {
        match self {
            Self::Many => false,
            Self::Any => true,
            Self::One(one) => *one == character,
            Self::Class { is_negated, ranges } => {
                ranges.iter().any(|(low, high)| (*low..=*high).contains(&character)) != *is_negated
            }
        }
    }
}

fn parts(pattern: &str) -> Option<Vec<Part>> {
    let mut parts = Vec::new();
    let mut rest = pattern.chars().peekable();
    while let Some(character) = rest.next() {
        parts.push(match character {
            '*' => Part::Many,
            '?' => Part::Any,
            '\\' => Part::One(rest.next()?),
            '[' => {
                let is_negated = rest.next_if_eq(&'^').is_some();
                let mut ranges = Vec::new();
                while ranges.is_empty() || rest.next_if_eq(&']').is_none() {
                    let low = member(&mut rest)?;
                    let high = if rest.next_if_eq(&'-').is_some() { member(&mut rest)? } else { low };
                    ranges.push((low, high));
                }
                Part::Class { is_negated, ranges }
            }
            other => Part::One(other),
        });
    }
    Some(parts)
}

/// One end of a range in brackets.
fn member(rest: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Option<char> {
    match rest.next()? {
        '-' | ']' => None,
        '\\' => rest.next(),
        other => Some(other),
    }
}

/// A list of patterns of paths.
#[derive(Debug, Clone, Default)]
pub struct Patterns {
    patterns: Vec<Pattern>,
}

#[derive(Debug, Clone)]
struct Pattern {
    /// As it was written, for messages.
    text: String,
    is_exception: bool,
    names: Vec<String>,
    matcher: Matcher,
}

#[derive(Debug, Clone)]
enum Matcher {
    Exact(String),
    Prefix(String),
    Suffix(String),
    Regex(Regex),
}

impl Patterns {
    /// Reads patterns; empty ones are left out.
    ///
    /// # Errors
    /// [`BadPattern`] for the first that cannot be read.
    pub fn new<'a>(patterns: impl IntoIterator<Item = &'a str>) -> Result<Self, BadPattern> {
        let patterns = patterns.into_iter().map(str::trim).filter(|pattern| !pattern.is_empty());
        Ok(Self { patterns: patterns.map(Pattern::new).collect::<Result<_, _>>()? })
    }

    /// Whether it is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.patterns.is_empty()
    }

    /// Whether the list is about `path`, which is relative and plain: names with slashes between them.
    #[must_use]
    pub fn matches(&self, path: &str) -> bool {
        self.decisive(path).is_some()
    }

    /// The pattern because of which `path` is matched, as it was written.
    #[must_use]
    pub fn decisive(&self, path: &str) -> Option<&str> {
        let ends = || path.match_indices('/').map(|(end, _)| end).chain([path.len()]);
        let mut decisive = None;
        for pattern in &self.patterns {
            // An exception matters to what is matched, and the others to what is not.
            if pattern.is_exception == decisive.is_some() && ends().any(|end| pattern.fits(&path[..end])) {
                decisive = (!pattern.is_exception).then_some(&*pattern.text);
            }
        }
        decisive
    }

    /// Whether everything in the directory `path`, which is matched, is matched too, as no exception reaches so far.
    #[must_use]
    pub fn covers(&self, path: &str) -> bool {
        !self.patterns.iter().any(|pattern| pattern.is_exception && pattern.may_fit_below(path))
    }

    /// Whether something in the directory `path` may be matched.
    #[must_use]
    pub fn reaches_into(&self, path: &str) -> bool {
        self.patterns.iter().any(|pattern| !pattern.is_exception && pattern.may_fit_below(path))
    }
}

impl Pattern {
    fn new(text: &str) -> Result<Self, BadPattern> {
        let bad = || BadPattern(text.to_owned());
        let cleaned = clean(text);
        let (is_exception, cleaned) = match cleaned.strip_prefix('!') {
            Some("") => return Err(bad()),
            Some(rest) => (true, clean(rest.trim_start())),
            None => (false, cleaned),
        };
        // A path begins at the directory anyway.
        let cleaned = cleaned.trim_start_matches('/');
        for name in cleaned.split('/') {
            Glob::new(name)?;
        }
        let names = cleaned.split('/').map(str::to_owned).collect();
        Ok(Self { text: text.to_owned(), is_exception, names, matcher: matcher(cleaned).ok_or_else(bad)? })
    }

    fn fits(&self, path: &str) -> bool {
        match &self.matcher {
            Matcher::Exact(exact) => exact == path,
            Matcher::Prefix(prefix) => path.starts_with(&**prefix),
            // `**/name` is `name` at the top, too.
            Matcher::Suffix(suffix) => path.ends_with(&**suffix) || suffix.strip_prefix('/') == Some(path),
            Matcher::Regex(regex) => regex.is_match(path),
        }
    }

    fn may_fit_below(&self, path: &str) -> bool {
        let mut names = self.names.iter();
        for directory in path.split('/').filter(|name| !name.is_empty()) {
            match names.next() {
                None => return false,
                Some(name) if name.contains("**") => return true,
                Some(name) if !Glob::new(name).is_ok_and(|glob| glob.matches(directory)) => return false,
                Some(_) => {}
            }
        }
        names.next().is_some()
    }
}

/// `.`, `..` and double slashes resolved by text alone, as Go's `path.Clean` does; `.` for nothing.
fn clean(text: &str) -> String {
    let is_absolute = text.starts_with('/');
    let mut names: Vec<&str> = Vec::new();
    for name in text.split('/') {
        match name {
            "" | "." => {}
            ".." if names.last().is_some_and(|last| *last != "..") => drop(names.pop()),
            ".." if is_absolute => {}
            name => names.push(name),
        }
    }
    match (is_absolute, names.is_empty()) {
        (false, true) => ".".to_owned(),
        (false, false) => names.join("/"),
        (true, _) => format!("/{}", names.join("/")),
    }
}

/// The same rules as those of <https://pkg.go.dev/github.com/moby/patternmatcher>, oddities included: `**` before anything
/// but a slash stands for any beginning.
fn matcher(pattern: &str) -> Option<Matcher> {
    if let Some(rest) = pattern.strip_prefix("**")
        && !has_wildcard(rest)
        && !rest.contains('\\')
    {
        return Some(Matcher::Suffix(rest.to_owned()));
    }
    if let Some(start) = pattern.strip_suffix("**")
        && !has_wildcard(start)
        && !start.contains('\\')
    {
        return Some(Matcher::Prefix(start.to_owned()));
    }
    if !has_wildcard(pattern) && !pattern.contains('\\') {
        return Some(Matcher::Exact(pattern.to_owned()));
    }
    Regex::new(&expression(pattern)).ok().map(Matcher::Regex)
}

fn expression(pattern: &str) -> String {
    let mut expression = "^".to_owned();
    let mut rest = pattern.chars().peekable();
    while let Some(character) = rest.next() {
        match character {
            '*' if rest.next_if_eq(&'*').is_some() => {
                rest.next_if_eq(&'/');
                expression.push_str(if rest.peek().is_none() { ".*" } else { "(.*/)?" });
            }
            '*' => expression.push_str("[^/]*"),
            '?' => expression.push_str("[^/]"),
            '\\' => rest.next().into_iter().for_each(|next| push_literal(&mut expression, next)),
            '[' => push_class(&mut expression, &mut rest),
            other => push_literal(&mut expression, other),
        }
    }
    expression.push('$');
    expression
}

fn push_literal(expression: &mut String, character: char) {
    expression.push_str(&regex::escape(character.encode_utf8(&mut [0; 4])));
}

/// What is in brackets, which is known to be well formed.
fn push_class(expression: &mut String, rest: &mut std::iter::Peekable<std::str::Chars<'_>>) {
    expression.push('[');
    if rest.next_if_eq(&'^').is_some() {
        expression.push('^');
    }
    while let Some(character) = rest.next() {
        match character {
            ']' => break,
            '-' => expression.push('-'),
            '\\' => rest.next().into_iter().for_each(|next| push_literal(expression, next)),
            other => push_literal(expression, other),
        }
    }
    expression.push(']');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs() {
        for (pattern, name, expected) in [
            ("abc", "abc", true),
            ("*", "abc", true),
            ("*", "", true),
            ("*c", "abc", true),
            ("a*", "a", true),
            ("a*", "abc", true),
            ("a*b*c*d*e*", "axbxcxdxe", true),
            ("a*b*c*d*e*", "axbxcxdxexxx", true),
            ("a*b?c*x", "abxbbxdbxebxczzx", true),
            ("a*b?c*x", "abxbbxdbxebxczzy", false),
            ("ab[c]", "abc", true),
            ("ab[b-d]", "abc", true),
            ("ab[e-g]", "abc", false),
            ("ab[^c]", "abc", false),
            ("ab[^b-d]", "abc", false),
            ("ab[^e-g]", "abc", true),
            ("a\\*b", "a*b", true),
            ("a\\*b", "ab", false),
            ("a?b", "a☺b", true),
            ("a[^a]b", "a☺b", true),
            ("[a-ζ]*", "α", true),
            ("[\\]a]", "]", true),
            ("[\\-]", "-", true),
            ("[x\\-]", "z", false),
            ("*x", "xxx", true),
            ("arr[[]0].txt", "arr[0].txt", true),
            ("", "", true),
            ("", "a", false),
            ("a", "", false),
        ] {
            assert_eq!(Glob::new(pattern).unwrap().matches(name), expected, "{pattern} {name}");
        }
        for pattern in ["[", "[^", "[^bc", "a[", "[]a]", "[-]", "[x-]", "[-x]", "[a-b-c]", "a\\"] {
            assert!(Glob::new(pattern).is_err(), "{pattern}");
        }
    }

    fn check(patterns: &[&str], path: &str, expected: bool) {
        let list = Patterns::new(patterns.iter().copied()).unwrap();
        assert_eq!(list.matches(path), expected, "{patterns:?} {path}");
    }

    #[test]
    fn lists() {
        for (pattern, path, expected) in [
            ("**", "file", true),
            ("**", "dir/file", true),
            ("**/", "file", true),
            ("**/", "dir/file", true),
            ("**/**", "dir/file", true),
            ("dir/**", "dir/file", true),
            ("dir/**", "dir/dir2/file", true),
            ("dir/**", "dir", false),
            ("**/dir", "dir/file", true),
            ("**/dir", "a/b/dir/file", true),
            ("**/dir", "adir", false),
            ("**/dir2/*", "dir/dir2/file", true),
            ("**/dir2/*", "dir/dir2/dir2/file", true),
            ("**/dir2/**", "dir/dir2/dir2/file", true),
            ("**file", "file", true),
            ("**file", "dir/afile", true),
            ("**/file", "dir/dir/file", true),
            ("**/file*", "dir/dir/file.txt", true),
            ("**/file*txt", "dir/dir/file.txt", true),
            ("**/file*.txt", "dir/dir/file.txt", true),
            ("**/**/*.txt", "dir/dir/file.txt", true),
            ("**/**/*.txt2", "dir/dir/file.txt", false),
            ("**/*.txt", "file.txt", true),
            ("a**/*.txt", "a/file.txt", true),
            ("a**/*.txt", "a/dir/file.txt", true),
            ("a/*.txt", "a/file.txt", true),
            ("a/*.txt", "a/dir/file.txt", false),
            ("a[b-d]e", "ae", false),
            ("a[b-d]e", "ace", true),
            ("a[^b-d]e", "aze", true),
            (".*", ".foo", true),
            (".*", "foo", false),
            ("abc.def", "abcdef", false),
            ("abc.def", "abc.def", true),
            ("abc?def", "abcZdef", true),
            ("a\\*b", "a*b", true),
            ("a\\*b", "axb", false),
            ("**/foo/bar", "foo/bar", true),
            ("**/foo/bar", "dir/foo/bar", true),
            ("abc/**", "abc/def/ghi", true),
            ("**/.foo", ".foo", true),
            ("**/.foo", "bar.foo", false),
            ("a(b)c/def", "a(b)c/def", true),
            ("a.|)$(}+{bc", "a.|)$(}+{bc", true),
            ("./a/../b/", "b/c", true),
            ("/a", "a", true),
            ("x[a&&b]y", "x&y", true),
        ] {
            check(&[pattern], path, expected);
        }
    }

    #[test]
    fn the_last_match_wins() {
        check(&["*", "!keep"], "keep", false);
        check(&["*", "!keep"], "other", true);
        check(&["!keep", "*"], "keep", true);
        check(&["a", "!a/b", "a/b/c"], "a/x", true);
        check(&["a", "!a/b", "a/b/c"], "a/b/x", false);
        check(&["a", "!a/b", "a/b/c"], "a/b/c", true);
        check(&["**", "!**/*.md"], "x/y/z.md", false);
        check(&["", "  "], "x", false);
        assert!(Patterns::new(["!"]).is_err());
        assert!(Patterns::new(["a/["]).is_err());
        let list = Patterns::new(["*.log", "./build/"]).unwrap();
        assert_eq!((list.decisive("build/x"), list.decisive("x")), (Some("./build/"), None));
    }

    #[test]
    fn whole_directories_are_left_out_unless_an_exception_reaches_in() {
        for (patterns, path, expected) in [
            (&["node_modules"][..], "node_modules", true),
            (&["*", "!src"], "target", true),
            (&["*", "!src/main.rs"], "src", false),
            (&["*", "!src/main.rs"], "src/deep", true),
            (&["*", "!**/*.rs"], "target", false),
            (&["*", "!*/keep"], "target", false),
            (&["*", "!*/keep"], "target/debug", true),
        ] {
            let list = Patterns::new(patterns.iter().copied()).unwrap();
            assert_eq!(list.covers(path), expected, "{patterns:?} {path}");
        }
        let list = Patterns::new(["a/*/c"]).unwrap();
        for (path, expected) in [("", true), ("a", true), ("a/b", true), ("b", false), ("a/b/c", false)] {
            assert_eq!(list.reaches_into(path), expected, "{path}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_pattern_makes_it_panic(pattern in r"[a\[\]^*?!/.\\&~-]{0,8}", path in "[ab/]{0,6}") {
            if let Ok(list) = Patterns::new([&*pattern]) {
                // What is left out as a whole is left out in each part.
                let below = format!("{path}/x");
                if list.matches(&path) && list.covers(&path) {
                    proptest::prop_assert!(list.matches(&below));
                }
            }
        }
    }
}
