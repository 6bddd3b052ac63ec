//! `docs/security.md`: which test shows that an attack known from elsewhere does not work here.
//!
//! A test that is about one begins with its advisory: `` /// CVE-2024-21626: what is tried, and what comes of it. ``
#![expect(clippy::unwrap_used, reason = "a step that fails ends its test, and says so")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// Attacks on container runtimes, image stores and Compose itself, and what they were.
const KNOWN: &[(&str, &str)] = &[
    ("CVE-2018-15664", "a path in the container is swapped for a link while it is used"),
    ("CVE-2019-5736", "a container overwrites the runtime's binary through `/proc/PID/exe`"),
    ("CVE-2019-19921", "a volume over `/proc` receives what is meant for the kernel"),
    ("CVE-2021-30465", "a mount point is swapped for a link to the host"),
    ("CVE-2021-41103", "other users of the host walk into containers, to programs that are setuid"),
    ("CVE-2021-41190", "a manifest is read as one of another kind"),
    ("CVE-2022-24769", "inheritable capabilities outlive a change of user"),
    ("CVE-2022-29162", "the same for a further process"),
    ("CVE-2022-36109", "a file that shuts a group out is read by who leaves it through a setgid program"),
    ("CVE-2023-25809", "cgroups of the host are writable in a container"),
    ("CVE-2024-21626", "a working directory is a descriptor of the runtime's that leads out"),
    ("CVE-2024-25621", "other users of the host read what the engine keeps"),
    ("CVE-2024-45310", "directories are made on the host while a path is swapped for a link"),
    ("CVE-2025-31133", "masked paths are covered with what an image has at `/dev/null`"),
    ("CVE-2025-52565", "the console is mounted where an image's link leads"),
    ("CVE-2025-52881", "writes to `/proc` are redirected"),
    ("CVE-2025-62518", "an archive is read as two different ones"),
    ("CVE-2025-62596", "writes to `/proc` are redirected, by a path that is checked too late"),
    ("CVE-2025-62725", "a Compose file in a registry writes outside of its directory"),
    ("CVE-2026-30892", "a user that is no number comes out as root"),
    ("CVE-2026-31431", "pages of a file are changed through sockets of the kernel's crypto"),
    ("CVE-2026-41579", "an image whose `/dev` is a link has devices made on the host"),
    ("CVE-2026-47262", "an image's list of users or groups exhausts the engine's memory"),
    ("CVE-2026-47766", "an image whose `/proc` or `/sys` is a link has them mounted on the host"),
    ("CVE-2026-53488", "labels of an image run commands on the host"),
    ("GHSA-6fw5-f8r9-fgfm", "interrupt counters tell what others do"),
    ("GHSA-jq35-85cj-fj4p", "power readings tell what others compute"),
];

const PAGE: &str = "docs/security.md";
const HEAD: &str = "# Attacks that are known, and the tests that they do not work here\n\n\
    What container engines have been attacked with, and the tests of rcompose that try the same. This page is made from \
    those tests: `UPDATE=1 cargo nextest run --test security`.\n\n";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every source file below a directory, by path.
fn sources(directory: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<_> = fs_err::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let below = |path: PathBuf| match path.is_dir() {
        true => sources(&path),
        false => vec![path],
    };
    paths.into_iter().flat_map(below).filter(|path| path.extension().is_some_and(|end| end == "rs")).collect()
}

/// The tests by advisory, as `tests/runtime/attack/user.rs: name`, with what each shows.
fn tests() -> BTreeMap<String, Vec<(String, String)>> {
    let mut tests: BTreeMap<String, Vec<(String, String)>> = BTreeMap::new();
    for path in sources(&root().join("src")).into_iter().chain(sources(&root().join("tests"))) {
        let text = fs_err::read_to_string(&path).unwrap();
        let file = path.strip_prefix(root()).unwrap().display().to_string();
        for (advisories, shows, name) in of_file(&text) {
            for advisory in advisories {
                tests.entry(advisory).or_default().push((format!("`{file}`: `{name}`"), shows.clone()));
            }
        }
    }
    tests
}

/// The tests of a file that begin with advisories: these, what the test shows, its name.
fn of_file(text: &str) -> Vec<(Vec<String>, String, String)> {
    let mut found = Vec::new();
    let mut comment = String::new();
    let mut is_test = false;
    for line in text.lines().map(str::trim_start) {
        if let Some(more) = line.strip_prefix("/// ") {
            comment = format!("{comment} {}", more.trim()).trim().to_owned();
        } else if line.starts_with("#[") {
            is_test |= line == "#[test]" || line.starts_with("#[tokio::test");
        } else {
            let name = line.trim_start_matches("async ").strip_prefix("fn ").and_then(|rest| rest.split('(').next());
            if let (true, Some(name), Some((advisories, shows))) = (is_test, name, comment.split_once(": ")) {
                let advisories: Vec<_> = advisories.split([',', ' ']).filter(|word| is_advisory(word)).collect();
                if !advisories.is_empty() {
                    let advisories = advisories.into_iter().map(str::to_owned).collect();
                    found.push((advisories, shows.trim_end_matches('.').to_owned(), name.to_owned()));
                }
            }
            comment.clear();
            is_test = false;
        }
    }
    found
}

fn is_advisory(word: &str) -> bool {
    word.starts_with("CVE-") || word.starts_with("GHSA-")
}

#[test]
fn every_known_attack_is_tried() {
    let tests = tests();
    for (advisory, what) in KNOWN {
        assert!(tests.contains_key(*advisory), "no test of {advisory}: {what}");
    }
    for advisory in tests.keys() {
        assert!(KNOWN.iter().any(|(known, _)| known == advisory), "{advisory} is not in the list of this file");
    }
}

#[test]
fn the_page_shows_every_test() {
    let mut page = HEAD.to_owned();
    page.push_str("| advisory | the attack | what the test shows | test |\n|---|---|---|---|\n");
    let tests = tests();
    for (advisory, what) in KNOWN {
        for (test, shows) in tests.get(*advisory).into_iter().flatten() {
            writeln!(page, "| {advisory} | {what} | {shows} | {test} |").unwrap();
        }
    }
    let path = root().join(PAGE);
    if fs_err::read_to_string(&path).unwrap_or_default() == page {
        return;
    }
    if std::env::var_os("UPDATE").is_some() {
        return fs_err::write(&path, page).unwrap();
    }
    panic!("{PAGE} is not what the tests say: rewrite it with `UPDATE=1 cargo nextest run --test security`");
}

#[test]
fn what_a_comment_says() {
    let text = "/// CVE-1, CVE-2 and GHSA-x: a\n/// b.\n#[test]\nfn name() {}\n\n/// Words.\n#[test]\nfn other() {}\n";
    let advisories = ["CVE-1", "CVE-2", "GHSA-x"].map(str::to_owned).to_vec();
    assert_eq!(of_file(text), [(advisories, "a b".to_owned(), "name".to_owned())]);
}
