//! What is fuzzed: loading a project whose files are bytes that nobody checked, reading a Dockerfile of such, and
//! answering packets that anybody sent.

pub mod packets;

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};

use rcompose::build::dockerfile::{BaseImage, Expansion, Ignore, Surroundings, check, parse, parse_trigger};
use rcompose::compose::{Files, LoadError, LoadOptions, load};
use rcompose::network::{Link, Names, View, answered, relayed};

/// Files by name, in one directory.
struct Directory<'b>(Vec<(&'static str, &'b [u8])>);

impl Files for Directory<'_> {
    fn read(&self, path: &Path) -> io::Result<String> {
        let found = self.0.iter().find(|(name, _)| path.ends_with(name)).ok_or(io::ErrorKind::NotFound)?;
        String::from_utf8(found.1.to_vec()).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
    }

    fn exists(&self, path: &Path) -> bool {
        self.0.iter().any(|(name, _)| path.ends_with(name))
    }

    fn canonicalize(&self, path: &Path) -> Option<PathBuf> {
        Some(path.to_owned())
    }
}

/// Loads the bytes as a Compose file, and prints what comes of them either way. Returns a sketch of the outcome: two inputs
/// with one sketch have most likely gone the same way.
pub fn compose_yaml(bytes: &[u8]) -> String {
    outcome(&Directory(vec![("compose.yaml", bytes), (".env", b"TAG=1\nEMPTY=\n")]))
}

/// Loads a project that has the bytes as its `.env` and as env files of a service, in both formats.
pub fn env_file(bytes: &[u8]) -> String {
    const COMPOSE: &[u8] =
        b"services:\n  web:\n    image: nginx:${TAG:-1}\n    env_file: [one.env, {path: two.env, format: raw}]\n    \
        environment: [A, B]\n";
    let whole = outcome(&Directory(vec![("compose.yaml", COMPOSE), (".env", bytes)]));
    let service = outcome(&Directory(vec![("compose.yaml", COMPOSE), ("one.env", bytes), ("two.env", b"")]));
    let raw = outcome(&Directory(vec![("compose.yaml", COMPOSE), ("one.env", b""), ("two.env", bytes)]));
    format!("{whole}|{service}|{raw}")
}

/// Asks with the bytes for a name of a project; and takes what is after a length and as many bytes for the reply of a server to
/// them.
pub fn dns(bytes: &[u8]) -> String {
    let mut names = Names::default();
    for last in 1..=40 {
        names.insert("back", "db", Ipv4Addr::new(10, 0, 0, last));
    }
    names.insert("back", "db", Ipv6Addr::from([0xfd00, 0, 0, 0, 0, 0, 0, 1]));
    names.insert_pointer("back", Ipv4Addr::new(10, 0, 0, 1), "shop-db-1");
    names.insert_port("back", "_sql._tcp.db", 5432, "shop-db-1");
    let links = vec![Link::new("store", "db", "shop-db-")];
    let view = View { networks: vec!["back".to_owned()], links, ..View::default() };
    let answer = answered(bytes, &names, &view);
    let relay = bytes.split_first_chunk().and_then(|(length, rest)| {
        let (query, reply) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
        relayed(query, reply)
    });
    let sketch = |reply: Option<Vec<u8>>| {
        reply.map_or_else(String::new, |reply| {
            assert!(reply.len() >= 12, "a reply has a head");
            format!("{:x?} {}", &reply[2..12], reply.len().ilog2())
        })
    };
    format!("{}|{}", sketch(answer), sketch(relay))
}

/// Reads the bytes as a Dockerfile, expands and checks it; and as the `.dockerignore` that is checked with.
///
/// # Panics
/// When a place is not in the text, or a directory that need not be entered has something in it that is kept.
pub fn dockerfile(bytes: &[u8]) -> String {
    let Ok(text) = std::str::from_utf8(bytes) else { return String::new() };
    let ignore = Ignore::parse(text).unwrap_or_default();
    for (directory, path) in [("a", "a/b"), ("a/b", "a/b/c"), ("src", "src/a.o")] {
        assert!(!ignore.prunes(directory) || ignore.excludes(path), "nothing is kept in what is pruned");
    }
    let _ = parse_trigger(text, "image");
    let file = match parse(text, "Dockerfile") {
        Ok(file) => file,
        Err(mistakes) => {
            for mistake in mistakes.iter().take(8) {
                assert!(text.get(mistake.span.range.clone()).is_some(), "a mistake has its place in the text");
                let _ = mistake.render(false);
            }
            return sketch(mistakes.iter().map(|mistake| mistake.kind.to_string()));
        }
    };
    let value = |name: &str| (!name.ends_with('0')).then(|| "a/b c*".to_owned());
    let mut expanded = String::new();
    for instruction in file.stages.iter().flat_map(|stage| &stage.instructions) {
        expanded.push_str(&instruction.name()[..2]);
        if let Err(mistake) = instruction.expanded(&Expansion::new(file.directives.escape, &value)) {
            let _ = mistake.render(false);
            expanded.push('!');
        }
    }
    let none = BTreeMap::new();
    let image = |_: &str| Some(BaseImage::default());
    let surroundings = Surroundings { arguments: &none, platform: &none, image: &image, ignore: Some(&ignore) };
    let checked = check(&file, &surroundings);
    for warning in checked.warnings.iter().take(8) {
        let _ = warning.render(false);
    }
    let rules = checked.warnings.iter().take(4).map(|warning| format!("{:?}", warning.rule));
    expanded.truncate(24);
    format!("ok {} {expanded} {}", file.stages.len().min(4), rules.collect::<String>())
}

fn outcome(files: &Directory<'_>) -> String {
    let options = LoadOptions {
        files: vec!["compose.yaml".into()],
        working_dir: "/project".into(),
        profiles: vec!["*".to_owned()],
        ..LoadOptions::default()
    };
    match load(&options, files) {
        Ok(loaded) => {
            let printed = [loaded.resolved.to_json(), loaded.resolved.to_yaml()];
            let shape: u32 = printed.iter().map(|text| text.len().max(1).ilog2()).sum();
            format!("ok {shape} {}", sketch(loaded.warnings.iter().map(|warning| warning.kind.to_string())))
        }
        Err(LoadError::Diagnostics(found)) => {
            // Drawing many takes long and shows nothing that a few do not.
            for diagnostic in found.iter().take(8) {
                let _ = diagnostic.render(false).len();
                let _ = (diagnostic.span.line(), diagnostic.span.column());
            }
            sketch(found.iter().map(|diagnostic| diagnostic.kind.to_string()))
        }
        Err(error) => sketch([error.to_string()].into_iter()),
    }
}

/// The first messages, without what they quote.
fn sketch(messages: impl Iterator<Item = String>) -> String {
    let plain = |message: String| {
        let unquoted: String = message.split('`').step_by(2).collect();
        unquoted.chars().filter(|c| !c.is_ascii_digit()).take(60).collect::<String>()
    };
    messages.take(3).map(plain).collect::<Vec<_>>().join(";")
}

/// Numbers that look random (xorshift).
pub struct Random(u64);

impl Random {
    /// They follow from `seed`.
    pub fn new(seed: u64) -> Self {
        Self(seed | 1)
    }

    /// A number below `end`.
    pub fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 11).unwrap_or(0) % end.max(1)
    }

    /// One of `items`.
    pub fn of<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len())]
    }
}
