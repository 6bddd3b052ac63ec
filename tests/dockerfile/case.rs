//! A case: a project in one file, with what its image is to be.
//!
//! ```text
//! # What it shows.
//! === Dockerfile
//! FROM scratch
//! COPY a /a
//! === a 0600
//! text
//! === expect
//! 0600 /a "text\n"
//! === config
//! Cmd ["a"]
//! ```
//!
//! A name that ends in `/` is a directory; `%20` in one is a blank. What follows a name is a mode, `-> target` of a symlink,
//! `= other` for a further name of a file, `fifo`, or `hex` for bytes that are no text, with `*N` for N bytes of zero. Without
//! a `compose.yaml` there is one service `app` that builds the directory. `http:name` is a file of the network, at
//! `@HTTP@/name`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use rustix::fs::{FileType, Mode};

use crate::image::Stored;
use crate::support::Sandbox;
use crate::web::Web;

const COMPOSE: &str = "services: {app: {build: {context: .}}}\n";

/// The sections of a case: headings and texts.
struct Case<'a> {
    preface: &'a str,
    sections: Vec<(&'a str, &'a str)>,
}

impl<'a> Case<'a> {
    fn parse(text: &'a str) -> Self {
        let (preface, mut rest) = text.split_once("=== ").unwrap();
        let mut sections = Vec::new();
        loop {
            let (heading, body) = rest.split_once('\n').unwrap_or((rest, ""));
            let (body, next) = match body.strip_prefix("=== ") {
                Some(next) => ("", Some(next)),
                None => match body.split_once("\n=== ") {
                    Some((text, next)) => (&body[..=text.len()], Some(next)),
                    None => (body, None),
                },
            };
            sections.push((heading, body));
            match next {
                Some(next) => rest = next,
                None => return Self { preface, sections },
            }
        }
    }

    /// Its files, each with what is said about it after its name.
    fn files(&self) -> impl Iterator<Item = (String, &str, Vec<u8>)> {
        let is_file = |heading: &str| !matches!(heading, "expect" | "config");
        self.sections.iter().filter(move |(heading, _)| is_file(heading)).map(|(heading, text)| {
            let (name, rest) = heading.split_once(' ').unwrap_or((heading, ""));
            let content = if rest == "hex" { bytes(text) } else { text.as_bytes().to_vec() };
            (name.replace("%20", " "), rest, content)
        })
    }

    /// Writes its files to `directory`, and serves those of the network, if there are any.
    fn unpack(&self, directory: &Path) -> Option<Web> {
        let remote =
            self.files().filter_map(|(name, _, content)| Some((format!("/{}", name.strip_prefix("http:")?), content)));
        let remote: BTreeMap<_, _> = remote.collect();
        let web = (!remote.is_empty()).then(|| Web::serve(remote));
        for (name, rest, content) in self.files().filter(|(name, ..)| !name.starts_with("http:")) {
            let path = directory.join(&name);
            let content = match (&web, String::from_utf8(content)) {
                (Some(web), Ok(text)) => text.replace("@HTTP@", &web.url()).into_bytes(),
                (_, text) => text.map_or_else(|error| error.into_bytes(), String::into_bytes),
            };
            fs_err::create_dir_all(path.parent().unwrap()).unwrap();
            if let Some(target) = rest.strip_prefix("-> ") {
                symlink(target, path).unwrap();
                continue;
            } else if let Some(other) = rest.strip_prefix("= ") {
                fs_err::hard_link(directory.join(other), path).unwrap();
                continue;
            } else if rest == "fifo" {
                rustix::fs::mknodat(rustix::fs::CWD, &path, FileType::Fifo, Mode::from(0o644), 0).unwrap();
            } else if name.ends_with('/') {
                fs_err::create_dir_all(&path).unwrap();
            } else {
                fs_err::write(&path, content).unwrap();
            }
            let usual = if name.ends_with('/') { 0o755 } else { 0o644 };
            let mode = u32::from_str_radix(rest, 8).unwrap_or(usual);
            fs_err::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
        }
        web
    }
}

/// Bytes in hexadecimal digits, and `*N` for N bytes of zero.
fn bytes(text: &str) -> Vec<u8> {
    let word = |word: &str| match word.strip_prefix('*') {
        Some(count) => vec![0; count.parse().unwrap()],
        None => hex::decode(word).unwrap(),
    };
    text.split_whitespace().flat_map(word).collect()
}

/// Builds the case at `path` and compares its image with what is expected; with `UPDATE=1` that is written instead. What is
/// wrong is returned.
pub(crate) fn check(sandbox: &Sandbox, path: &Path) -> Option<String> {
    let text = fs_err::read_to_string(path).unwrap();
    let case = Case::parse(&text);
    let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
    let directory = sandbox.path().join("cases").join(&name);
    fs_err::create_dir_all(&directory).unwrap();
    let web = case.unpack(&directory);
    let compose = directory.join("compose.yaml");
    if !compose.exists() {
        fs_err::write(&compose, COMPOSE).unwrap();
    }
    let stack = sandbox.stack_of(&name, &[compose]);
    let outcome = stack.rcompose(&["--progress", "plain", "build"]);
    if !outcome.status.success() {
        return Some(format!("{name}: {outcome}"));
    }
    let image = Stored::of(sandbox, &name, "app");
    let known = |text: String| web.as_ref().map_or(text.clone(), |web| text.replace(&web.url(), "@HTTP@"));
    let (tree, configuration) = (known(image.tree()), known(image.configuration()));
    if std::env::var_os("UPDATE").is_some() {
        let mut updated = case.preface.to_owned();
        for (heading, text) in case.sections.iter().filter(|(heading, _)| !matches!(*heading, "expect" | "config")) {
            write!(updated, "=== {heading}\n{text}").unwrap();
        }
        write!(updated, "=== expect\n{tree}=== config\n{configuration}").unwrap();
        fs_err::write(path, updated).unwrap();
        return None;
    }
    let expected = |wanted: &str| case.sections.iter().find(|(heading, _)| *heading == wanted).unwrap().1;
    let mut wrong = String::new();
    for (what, is, should) in
        [("files", &tree, expected("expect")), ("configuration", &configuration, expected("config"))]
    {
        if is != should {
            write!(wrong, "{name}: its {what} should be\n{should}and are\n{is}\n").unwrap();
        }
    }
    Some(wrong).filter(|wrong| !wrong.is_empty())
}
