//! Patterns of files as `.dockerignore` has them: the last that matches decides, and `!` takes back.

use std::os::unix::ffi::OsStrExt as _;
use std::path::{Component, Path};

use regex::bytes::Regex;

/// Patterns for paths below a directory.
#[derive(Debug, Default)]
pub(super) struct Patterns {
    /// Those that follow one another and are of a kind are one.
    groups: Vec<Group>,
    /// The components of those that take back; `None` for one that matches several.
    exceptions: Vec<Vec<Option<Regex>>>,
}

#[derive(Debug)]
struct Group {
    /// They take back what those before them match: `!`.
    takes_back: bool,
    /// Paths that they match, and all below these.
    regex: Regex,
}

impl Patterns {
    /// Of these texts, each relative to the directory. Empty ones say nothing.
    ///
    /// # Errors
    /// The text that is no pattern.
    pub(super) fn new<'t>(texts: impl IntoIterator<Item = &'t str>) -> Result<Self, String> {
        let mut kinds: Vec<(bool, Vec<String>)> = Vec::new();
        let mut exceptions = Vec::new();
        for text in texts {
            let (takes_back, path) = match text.trim().strip_prefix('!') {
                Some(rest) => (true, rest.trim()),
                None => (false, text.trim()),
            };
            let names = cleaned(path);
            if names.is_empty() {
                continue;
            }
            let wrong = |_| text.to_owned();
            let whole = translated(&names.join("/"));
            compiled(&whole).map_err(wrong)?;
            if takes_back {
                let component = |name: &&str| match name.contains("**") {
                    true => Ok(None),
                    false => compiled(&translated(name)).map(Some),
                };
                exceptions.push(names.iter().map(component).collect::<Result<_, _>>().map_err(wrong)?);
            }
            match kinds.last_mut() {
                Some((kind, alternatives)) if *kind == takes_back => alternatives.push(whole),
                _ => kinds.push((takes_back, vec![whole])),
            }
        }
        let group = |(takes_back, alternatives): (bool, Vec<String>)| {
            let regex = Regex::new(&format!("(?s)^(?:{})(?:/.*)?$", alternatives.join("|")));
            // Each is well-formed; all together may be too large.
            regex.map(|regex| Group { takes_back, regex }).map_err(|_| alternatives.join(" "))
        };
        Ok(Self { groups: kinds.into_iter().map(group).collect::<Result<_, _>>()?, exceptions })
    }

    /// Those of a `.dockerignore`, which has comments too.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub(super) fn of_file(text: &str) -> Result<Self, String> {
        Self::new(text.trim_start_matches('\u{feff}').lines().filter(|line| !line.starts_with('#')))
    }

    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    /// Whether `path`, relative to the directory, or a directory that it lies in is meant.
    pub(super) fn match_path(&self, path: &Path) -> bool {
        let path = path.as_os_str().as_bytes();
        self.groups.iter().fold(false, |matched, group| {
            // One that could change nothing is not asked.
            if group.takes_back == matched && group.regex.is_match(path) { !matched } else { matched }
        })
    }

    /// Whether all that lies in the directory `path` is meant, whatever it is.
    pub(super) fn match_all_below(&self, path: &Path) -> bool {
        self.match_path(path) && !self.exceptions.iter().any(|exception| reaches_below(exception, path))
    }
}

/// Whether a pattern of these components may match something in a directory.
fn reaches_below(components: &[Option<Regex>], directory: &Path) -> bool {
    let mut names = directory.components();
    for component in components {
        match (component, names.next()) {
            (None, _) | (_, None) => return true,
            (Some(component), Some(name)) if component.is_match(name.as_os_str().as_bytes()) => {}
            _ => return false,
        }
    }
    // It has no more components than the directory, and so no say about what is in there.
    false
}

/// The components of a pattern, without those that lead nowhere.
fn cleaned(path: &str) -> Vec<&str> {
    let mut names = Vec::new();
    for component in Path::new(path).components() {
        match component {
            Component::Normal(name) => names.extend(name.to_str()),
            Component::ParentDir => drop(names.pop()),
            Component::RootDir | Component::CurDir | Component::Prefix(_) => {}
        }
    }
    names
}

fn compiled(translated: &str) -> Result<Regex, regex::Error> {
    Regex::new(&format!("(?s)^(?:{translated})$"))
}

/// A pattern as a regular expression: `*` and `?` stop at a `/`, `**` does not; see `filepath.Match` of Go for the rest.
fn translated(pattern: &str) -> String {
    let mut text = String::new();
    let mut rest = pattern;
    while let Some(next) = rest.chars().next() {
        let mut taken = next.len_utf8();
        match next {
            '*' if rest.starts_with("**/") => {
                text.push_str("(?:.*/)?");
                taken = 3;
            }
            '*' if rest.starts_with("**") => {
                text.push_str(".*");
                taken = 2;
            }
            '*' => text.push_str("[^/]*"),
            '?' => text.push_str("[^/]"),
            '[' => match rest[1..].find(']') {
                Some(end) if end > 0 => {
                    taken = end + 2;
                    text.push_str(&rest[..taken]);
                }
                _ => text.push_str("\\["),
            },
            '\\' => {
                let escaped = rest[1..].chars().next().unwrap_or('\\');
                taken = (1 + escaped.len_utf8()).min(rest.len());
                text.push_str(&regex::escape(escaped.encode_utf8(&mut [0; 4])));
            }
            _ => text.push_str(&regex::escape(next.encode_utf8(&mut [0; 4]))),
        }
        rest = &rest[taken..];
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_patterns_match() {
        for (patterns, path, matched) in [
            (&["node_modules/"][..], "node_modules", true),
            (&["node_modules"], "node_modules/a/b.js", true),
            (&["node_modules"], "packages/node_modules", false),
            (&["**/node_modules"], "packages/node_modules/a", true),
            (&["**/node_modules"], "node_modules", true),
            (&["*.log"], "a.log", true),
            (&["*.log"], "a/b.log", false),
            (&["**/*.log"], "a/b.log", true),
            (&["**/*.log"], "a/b.logs", false),
            (&["a/**"], "a/b/c", true),
            (&["a/**"], "a", false),
            (&["/a"], "a", true),
            (&["./a/../b"], "b", true),
            (&["a?c"], "abc", true),
            (&["a?c"], "a/c", false),
            (&["[a-c].txt"], "b.txt", true),
            (&["[^a-c].txt"], "b.txt", false),
            (&["a.c"], "abc", false),
            (&["\\*"], "*", true),
            (&["\\*"], "a", false),
            (&["["], "[", true),
            (&["*.md", "!README.md"], "README.md", false),
            (&["*.md", "!README.md"], "NOTES.md", true),
            (&["!README.md", "*.md"], "README.md", true),
            (&["dist", "!dist/keep"], "dist/keep/x", false),
            (&["dist", "!dist/keep"], "dist/other", true),
            (&[""], "a", false),
            (&["."], "a", false),
            (&["grün/*"], "grün/ö", true),
        ] {
            let compiled = Patterns::new(patterns.iter().copied()).unwrap();
            assert_eq!(compiled.match_path(Path::new(path)), matched, "{patterns:?} {path}");
        }
        assert_eq!(Patterns::new(["[z-a]"]).unwrap_err(), "[z-a]");
    }

    #[test]
    fn whether_a_directory_need_be_looked_into() {
        for (patterns, path, all) in [
            (&["node_modules"][..], "node_modules", true),
            (&["node_modules"], "src", false),
            (&["dist", "!dist/keep/*.js"], "dist", false),
            (&["dist", "!dist/keep/*.js"], "dist/keep", false),
            (&["dist", "!dist/keep/*.js"], "dist/other", true),
            (&["dist", "!dist/keep/*.js"], "dist/keep/deep", true),
            (&["*", "!*.md"], "src", true),
            (&["*", "!src"], "src/deep", false),
            (&["*", "!**/*.md"], "src/deep", false),
        ] {
            let compiled = Patterns::new(patterns.iter().copied()).unwrap();
            assert_eq!(compiled.match_all_below(Path::new(path)), all, "{patterns:?} {path}");
        }
    }

    #[test]
    fn comments_are_for_files() {
        let patterns = Patterns::of_file("\u{feff}# about\n\na\n#b\n !a/c \n").unwrap();
        let matched = ["a", "a/c", "#b"].map(|path| patterns.match_path(Path::new(path)));
        assert_eq!(matched, [true, false, false]);
        assert!(Patterns::of_file("# only\n").unwrap().is_empty());
    }
}
