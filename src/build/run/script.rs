//! What a `RUN` in shell form runs.

use std::path::{Path, PathBuf};

use super::Mount;

/// Where the files of scripts are mounted.
const PIPES: &str = "/dev/pipes";

/// The shell of Dockerfiles that choose none.
const SHELL: [&str; 2] = ["/bin/sh", "-c"];

/// A text that follows an instruction: `<<EOF`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Heredoc<'a> {
    /// The word that ends it.
    pub name: &'a str,
    /// The text, with a newline at its end, and without leading tabs if it was given with `<<-`.
    pub content: &'a str,
}

/// What is run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    /// The program and its arguments.
    pub args: Vec<String>,
    /// The file that it needs.
    pub mount: Option<Mount>,
}

/// What the command line `line` runs with `shell`, as BuildKit has it. If it is nothing but a heredoc, that is the script,
/// executed itself when its first line says what with (`#!`); in any other case the shell is given the heredocs with the line.
#[must_use]
pub fn script(shell: Option<&[String]>, line: &str, heredocs: &[Heredoc<'_>]) -> Script {
    let (text, mount) = match heredocs {
        [] => (line.to_owned(), None),
        [only] if is_only(line, only.name) && only.content.starts_with("#!") => {
            let target: PathBuf = Path::new(PIPES).join(only.name);
            let text = target.display().to_string();
            (text, Some(Mount::File { target, content: only.content.as_bytes().to_vec(), mode: 0o755 }))
        }
        [only] if is_only(line, only.name) => (only.content.to_owned(), None),
        several => {
            let text = several
                .iter()
                .fold(line.to_owned(), |text, heredoc| format!("{text}\n{}{}", heredoc.content, heredoc.name));
            (text, None)
        }
    };
    let mut args = shell.map_or_else(|| SHELL.map(str::to_owned).to_vec(), <[String]>::to_vec);
    args.push(text);
    Script { args, mount }
}

/// Whether a line is `<<NAME` in one of its forms.
fn is_only(line: &str, name: &str) -> bool {
    let Some(rest) = line.trim().strip_prefix("<<") else { return false };
    let rest = rest.strip_prefix('-').unwrap_or(rest);
    let quoted = |quote: char| rest.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote));
    rest == name || quoted('"') == Some(name) || quoted('\'') == Some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_heredocs() {
        let bash: Vec<String> = ["/bin/bash", "-ec"].map(str::to_owned).to_vec();
        let heredoc = |content| vec![Heredoc { name: "EOF", content }];
        let two = vec![Heredoc { name: "A", content: "a\n" }, Heredoc { name: "B", content: "b\n" }];
        for (shell, line, heredocs, expected) in [
            (None, "make all", vec![], "/bin/sh -c make all"),
            (Some(&bash[..]), "make", vec![], "/bin/bash -ec make"),
            (None, "<<EOF", heredoc("echo 1\necho 2\n"), "/bin/sh -c echo 1\necho 2\n"),
            (None, "<<-'EOF' ", heredoc("echo 1\n"), "/bin/sh -c echo 1\n"),
            (None, "<<EOF", heredoc("#!/usr/bin/python3\n1\n"), "/bin/sh -c /dev/pipes/EOF"),
            (None, "python3 <<EOF", heredoc("print(1)\n"), "/bin/sh -c python3 <<EOF\nprint(1)\nEOF"),
            (None, "cat <<A <<B", two, "/bin/sh -c cat <<A <<B\na\nA\nb\nB"),
        ] {
            assert_eq!(script(shell, line, &heredocs).args.join(" "), expected, "{line}");
        }
        let Some(Mount::File { target, content, mode }) = script(None, "<<EOF", &heredoc("#!/bin/x\n")).mount else {
            panic!("no file")
        };
        assert_eq!((target.to_str(), &content[..], mode), (Some("/dev/pipes/EOF"), &b"#!/bin/x\n"[..], 0o755));
    }
}
