//! `.dockerignore`: which paths of a context are left out.
//!
//! ```text
//! # comment           the line begins with `#`
//! *.o                 in the context's root only: `*` does not go over `/`
//! **/*.o              anywhere
//! /build/             as `build`, with all that is in it
//! !build/keep         but this one: the last line that matches decides
//! ```
//!
//! A directory that is left out may hold what is not, so it may have to be entered: [`Ignore::prunes`] tells when it need
//! not.

mod pattern;

pub(in crate::build) use pattern::Pattern;

/// The rules of a `.dockerignore`.
#[derive(Debug, Clone, Default)]
pub struct Ignore {
    rules: Vec<Rule>,
}

#[derive(Debug, Clone)]
struct Rule {
    pattern: Pattern,
    /// It begins with `!`.
    keeps: bool,
    /// Where it stands, from 1.
    line: usize,
}

/// Why a text is no `.dockerignore`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: `{text}` is no pattern: {rule}")]
pub struct IgnoreError {
    /// The line, from 1.
    pub line: usize,
    /// What stands there.
    pub text: String,
    /// What is wrong with it.
    pub rule: &'static str,
}

impl Ignore {
    /// Reads the text of a `.dockerignore`.
    ///
    /// # Errors
    /// The first line that is no pattern.
    pub fn parse(text: &str) -> Result<Self, IgnoreError> {
        let mut rules = Vec::new();
        for (index, raw) in text.trim_start_matches('\u{feff}').lines().enumerate() {
            if raw.starts_with('#') || raw.trim().is_empty() {
                continue;
            }
            let line = index + 1;
            let error = |rule| IgnoreError { line, text: raw.trim().to_owned(), rule };
            rules.push(rule(raw.trim(), line).map_err(error)?);
        }
        Ok(Self { rules })
    }

    /// The rules of patterns that stand elsewhere, such as in `--exclude`: as lines of a `.dockerignore`, but that none is
    /// a comment.
    ///
    /// # Errors
    /// The first of them that is no pattern, with its number.
    pub fn of<'p>(patterns: impl IntoIterator<Item = &'p str>) -> Result<Self, IgnoreError> {
        let mut rules = Vec::new();
        for (index, text) in patterns.into_iter().enumerate().filter(|(_, text)| !text.trim().is_empty()) {
            let line = index + 1;
            let error = |rule| IgnoreError { line, text: text.to_owned(), rule };
            rules.push(rule(text.trim(), line).map_err(error)?);
        }
        Ok(Self { rules })
    }

    /// Whether nothing is left out.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// Whether a rule begins with `!`.
    #[must_use]
    pub fn keeps_some(&self) -> bool {
        self.rules.iter().any(|rule| rule.keeps)
    }

    /// Whether a path is left out; it is relative to the context, with `/` between its parts and none around them.
    #[must_use]
    pub fn excludes(&self, path: &str) -> bool {
        self.decides(path).is_some_and(|rule| !rule.keeps)
    }

    /// The line of the rule that leaves a path out, from 1.
    #[must_use]
    pub fn excluded_by(&self, path: &str) -> Option<usize> {
        self.decides(path).filter(|rule| !rule.keeps).map(|rule| rule.line)
    }

    /// The pattern of the rule that leaves a path out.
    #[must_use]
    pub fn excluding(&self, path: &str) -> Option<&str> {
        self.decides(path).filter(|rule| !rule.keeps).map(|rule| rule.pattern.text())
    }

    /// Whether a directory is left out with all that can be in it, so that nothing has to be looked for there.
    #[must_use]
    pub fn prunes(&self, directory: &str) -> bool {
        let Some(last) = self.rules.iter().rposition(|rule| rule.matches(directory)) else { return false };
        // What is below matches the rule too; only a later one can keep some of it.
        !self.rules[last].keeps
            && !self.rules[last..].iter().any(|rule| rule.keeps && rule.pattern.reaches_into(directory))
    }

    /// Whether something in a directory may be left out by a rule, as far as patterns tell.
    #[must_use]
    pub fn may_exclude_below(&self, directory: &str) -> bool {
        self.rules.iter().any(|rule| !rule.keeps && rule.pattern.reaches_into(directory))
    }

    /// Whether everything at the root of the context is left out by one rule.
    #[must_use]
    pub fn excludes_root(&self) -> bool {
        self.rules.iter().any(|rule| !rule.keeps && matches!(rule.pattern.text(), "*" | "**" | "**/*"))
    }

    /// The last rule that matches.
    fn decides(&self, path: &str) -> Option<&Rule> {
        self.rules.iter().rev().find(|rule| rule.matches(path))
    }
}

impl Rule {
    /// Whether the rule is about a path, or about a directory that it is in.
    fn matches(&self, path: &str) -> bool {
        self.pattern.matches(path) || path.match_indices('/').any(|(end, _)| self.pattern.matches(&path[..end]))
    }
}

fn rule(text: &str, line: usize) -> Result<Rule, &'static str> {
    let (keeps, text) = match text.strip_prefix('!') {
        Some(text) => (true, text.trim()),
        None => (false, text),
    };
    if text.is_empty() {
        return Err("there is nothing behind the `!`");
    }
    let clean = clean(text);
    let relative = match clean.strip_prefix('/') {
        Some(rest) if !rest.is_empty() => rest,
        _ => &clean,
    };
    Ok(Rule { pattern: Pattern::new(relative)?, keeps, line })
}

/// The shortest path that means the same: without `.`, `//`, a `/` at the end, and what `..` takes back.
pub(super) fn clean(path: &str) -> String {
    let rooted = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => drop(parts.pop()),
            ".." if rooted => {}
            part => parts.push(part),
        }
    }
    match (rooted, parts.is_empty()) {
        (true, _) => format!("/{}", parts.join("/")),
        (false, true) => ".".to_owned(),
        (false, false) => parts.join("/"),
    }
}

#[cfg(test)]
mod tests;
