//! Patterns of paths, as copies have them.
//!
//! - [`Glob`]: one name, as the wildcards of `COPY` sources. See <https://pkg.go.dev/path/filepath#Match>.
//! - [`Patterns`]: a list, as `--exclude` and `--parents` have it: with the rules of a `.dockerignore`.

use super::dockerfile::Ignore;
use super::dockerfile::ignore::Pattern;

/// A pattern that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no pattern: {rule}")]
pub struct BadPattern {
    /// As it was written.
    pub text: String,
    /// What is wrong with it.
    pub rule: &'static str,
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

/// A pattern of a single name.
#[derive(Debug, Clone)]
pub struct Glob(Pattern);

impl Glob {
    /// Reads a pattern, in which `**` is no more than `*`.
    ///
    /// # Errors
    /// [`BadPattern`].
    pub fn new(pattern: &str) -> Result<Self, BadPattern> {
        let mut single = pattern.to_owned();
        while single.contains("**") {
            single = single.replace("**", "*");
        }
        Pattern::new(&single).map(Self).map_err(|rule| BadPattern { text: pattern.to_owned(), rule })
    }

    /// Whether it is a pattern of `name`.
    #[must_use]
    pub fn matches(&self, name: &str) -> bool {
        self.0.matches(name)
    }
}

/// A list of patterns of paths, which are relative and plain: names with slashes between them.
#[derive(Debug, Clone, Default)]
pub struct Patterns(Ignore);

impl Patterns {
    /// Reads patterns; empty ones are left out.
    ///
    /// # Errors
    /// [`BadPattern`] for the first that cannot be read.
    pub fn new<'a>(patterns: impl IntoIterator<Item = &'a str>) -> Result<Self, BadPattern> {
        let ignore = Ignore::of(patterns).map_err(|error| BadPattern { text: error.text, rule: error.rule })?;
        Ok(Self(ignore))
    }

    /// Whether it is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the list is about `path`, or about a directory that it is in.
    #[must_use]
    pub fn matches(&self, path: &str) -> bool {
        self.0.excludes(path)
    }

    /// The pattern because of which `path` is matched.
    #[must_use]
    pub fn decisive(&self, path: &str) -> Option<&str> {
        self.0.excluding(path)
    }

    /// Whether everything in the directory `path`, which is matched, is matched too, as no exception reaches so far.
    #[must_use]
    pub fn covers(&self, path: &str) -> bool {
        self.0.prunes(path)
    }

    /// Whether something in the directory `path` may be matched.
    #[must_use]
    pub fn reaches_into(&self, path: &str) -> bool {
        path.is_empty() || self.0.may_exclude_below(path)
    }
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
        assert_eq!((list.decisive("build/x"), list.decisive("x")), (Some("build"), None));
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
}
