//! The conformance corpus: what `config --format json` prints, next to what Docker Compose prints. See `corpus/README.md`.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

/// The variable that selects the cases whose path contains its value.
const FILTER: &str = "CORPUS";

/// One folder of the corpus.
struct Case {
    /// Group and case: `services.ports/ranges`.
    name: String,
    dir: PathBuf,
}

/// What a run of the binary came to.
enum Outcome {
    Printed(Value),
    Rejected(String),
    /// Neither a clean success nor a clean refusal.
    Broken(String),
}

/// What a case asks for.
enum Expected {
    Printed(Value),
    Rejected,
}

#[test]
fn corpus() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/compose/corpus");
    let filter = std::env::var_os(FILTER).map(|filter| filter.into_string().unwrap());
    let mut cases = cases(&root);
    cases.retain(|case| filter.as_ref().is_none_or(|filter| case.name.contains(filter)));
    assert!(!cases.is_empty(), "no case contains the text of {FILTER}");

    let failures: Vec<String> = cases.iter().filter_map(|case| case.failure(&root)).collect();
    let passed = cases.len() - failures.len();
    assert!(failures.is_empty(), "\n{}\n{passed} of {} cases pass", failures.join("\n"), cases.len());
}

/// All cases, in the order of their names.
fn cases(root: &Path) -> Vec<Case> {
    let folders = |dir: &Path| {
        let entries = fs_err::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
        let mut folders: Vec<PathBuf> = entries.filter(|path| path.is_dir()).collect();
        folders.sort();
        folders
    };
    let groups = folders(root);
    let dirs = groups.iter().flat_map(|group| folders(group));
    dirs.map(|dir| Case { name: dir.strip_prefix(root).unwrap().to_str().unwrap().to_owned(), dir }).collect()
}

impl Case {
    /// How the case differs from what it expects, as a section of the report.
    fn failure(&self, root: &Path) -> Option<String> {
        let mut report = format!("== {}\n", self.name);
        match (self.expected(), self.run(root)) {
            (Expected::Rejected, Outcome::Rejected(_)) => return None,
            (Expected::Printed(expected), Outcome::Printed(got)) => {
                let before = report.len();
                differences("", &expected, &got, &mut report);
                if report.len() == before {
                    return None;
                }
            }
            (Expected::Rejected, Outcome::Printed(_)) => {
                let _ = writeln!(report, "accepted, expected to be rejected: {}", self.text("rejected").trim());
            }
            (Expected::Printed(_), Outcome::Rejected(message)) => {
                let _ = writeln!(report, "rejected, expected to be accepted:\n{}", message.trim());
            }
            (_, Outcome::Broken(message)) => {
                let _ = writeln!(report, "{}", message.trim());
            }
        }
        Some(report)
    }

    /// The text of a file of the case, empty if there is none.
    fn text(&self, file: &str) -> String {
        fs_err::read_to_string(self.dir.join(file)).unwrap_or_default()
    }

    fn expected(&self) -> Expected {
        let json = |file| serde_json::from_str::<Value>(&fs_err::read_to_string(self.dir.join(file)).unwrap()).unwrap();
        if self.dir.join("differs.json").exists() {
            let mut differs = json("differs.json");
            assert!(differs["reason"].is_string(), "{}: no reason to differ", self.name);
            return match differs.get_mut("expected") {
                Some(expected) => Expected::Printed(expected.take()),
                None => Expected::Rejected,
            };
        }
        match self.dir.join("rejected").exists() {
            true => Expected::Rejected,
            false => Expected::Printed(json("expected.json")),
        }
    }

    /// Runs the binary as the files of the case say.
    fn run(&self, root: &Path) -> Outcome {
        let words = |file| self.text(file).split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        let mut command = Command::new(env!("CARGO_BIN_EXE_rcompose"));
        command.args(words("args")).args(["config", "--format", "json"]).args(words("config-args"));
        command.current_dir(self.dir.join(self.text("cwd").trim_end()));
        command.env_clear().env("HOME", "/home/user");
        command.envs(self.text("env").lines().map(|line| line.split_once('=').unwrap()));
        command.stdin(match fs_err::File::open(self.dir.join("stdin")) {
            Ok(file) => Stdio::from(file.into_file()),
            Err(_) => Stdio::null(),
        });

        let output = command.output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        match output.status.code() {
            Some(0) => {
                let printed = String::from_utf8_lossy(&output.stdout);
                match serde_json::from_str(&self.portable(root, &printed)) {
                    Ok(value) => Outcome::Printed(value),
                    Err(error) => Outcome::Broken(format!("printed no JSON: {error}")),
                }
            }
            Some(1) => Outcome::Rejected(errors),
            _ => Outcome::Broken(format!("{}: {errors}", output.status)),
        }
    }

    /// Replaces the folders of the case, its group and the corpus, as `record.sh` does.
    fn portable(&self, root: &Path, text: &str) -> String {
        let group = self.dir.parent().unwrap();
        [(self.dir.as_path(), "$DIR"), (group, "$GROUP"), (root, "$CORPUS")]
            .into_iter()
            .fold(text.to_owned(), |text, (dir, name)| text.replace(dir.to_str().unwrap(), name))
    }
}

/// Appends to `report` a line for each place at which the values differ.
fn differences(path: &str, expected: &Value, got: &Value, report: &mut String) {
    let dot = if path.is_empty() { "" } else { "." };
    match (expected, got) {
        (Value::Object(expected), Value::Object(got)) => {
            for (key, value) in expected {
                match got.get(key) {
                    Some(got) => differences(&format!("{path}{dot}{key}"), value, got, report),
                    None => drop(writeln!(report, "{path}{dot}{key}: expected {value}, got nothing")),
                }
            }
            for (key, value) in got.iter().filter(|(key, _)| !expected.contains_key(*key)) {
                let _ = writeln!(report, "{path}{dot}{key}: expected nothing, got {value}");
            }
        }
        (Value::Array(expected), Value::Array(got)) if expected.len() == got.len() => {
            for (index, (expected, got)) in expected.iter().zip(got).enumerate() {
                differences(&format!("{path}[{index}]"), expected, got, report);
            }
        }
        _ if expected != got => {
            let _ = writeln!(report, "{path}: expected {expected}, got {got}");
        }
        _ => {}
    }
}
