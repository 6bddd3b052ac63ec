//! Runs a target on mutated files, with a stable compiler: `mutate compose_yaml|dns|dockerfile|env_file MINUTES [SEED]`.
//!
//! It begins with the files and the texts of the tests and examples, cuts, copies and crosses their lines, puts odd values in
//! the place of good ones, and keeps what leads to an outcome not seen before. Each input is written to `artifacts/` before
//! it is run: after a crash, an overflow of the stack or the end of memory it is still there.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use std::{env, fs, process, thread};

use rcompose_fuzz::{Random, packets};
use rustix::process::{Resource, Rlimit, setrlimit};
use rustix::time::{ClockId, clock_gettime};

/// How long an input may take, and how long it may be.
const PATIENCE: Duration = Duration::from_secs(1);
const MAX_BYTES: usize = 20_000;
const MAX_MEMORY: u64 = 1 << 30;

/// Bytes that mean something to YAML.
const ODD: &[u8] = b"[]{}:,&*!|>'\"%@`#-? \t\r\0$\\";
/// What to put in the place of a value.
const VALUES: &[&str] = &[
    "",
    "RUN <<EOF",
    "EOF",
    "\\",
    "# escape=`",
    "FROM a AS b",
    "COPY --from=b --link a /b",
    "RUN --mount=type=cache,target=/a x",
    "ONBUILD RUN x",
    "[\"a\", \"b\"]",
    "${a:-${b}}",
    "${a0%%*/}",
    "${a//b/c}",
    "!**/a?",
    "~",
    "null",
    "true",
    "yes",
    "0",
    "-1",
    "1.10",
    "0777",
    "0x1F",
    "1_000",
    "1e400",
    ".inf",
    ".nan",
    "2001-01-01",
    "9223372036854775808",
    "99999999999999999999999",
    "''",
    "\"\"",
    "\" \"",
    "\"\\0\"",
    "\"\\ud800\"",
    "[]",
    "{}",
    "[[]]",
    "[~]",
    "{a: b}",
    "[a, a]",
    "*a",
    "&a x",
    "&a [*a]",
    "<<: *a",
    "!reset null",
    "!override []",
    "!reset",
    "!!str 1",
    "!!int x",
    "!foo x",
    "|",
    ">-",
    "- a",
    "? a",
    "a: b: c",
    "@",
    "`",
    "%",
    "$",
    "$$",
    "$A",
    "${A}",
    "${A",
    "${}",
    "${A:-${B:-${C}}}",
    "${A:?x}",
    "${A:-{}",
    "${A:+x}",
    "80:80",
    "1-65535:1-65535",
    "1-2:1-3",
    "[::1]:80:80",
    "127.0.0.1::80/udp",
    "/a:/b:ro,z",
    "n:/n",
    "./a:/b",
    "c:\\a:/b",
    "~/x",
    "../..",
    "/",
    ".",
    "1.5gb",
    "-1m",
    "1e3k",
    "1h5m",
    "-1s",
    "1d1w",
    "10us",
    "9999999h",
    "service:web",
    "host",
    "container:x",
    "é",
    "\u{feff}",
    "\u{2028}",
    "K=v",
    "K='v",
    "K=\"v\\",
    "export K",
    "# x",
    " #x",
    "'a\\'b'",
    "\"a\\0101\"",
];
const KEYS: &[&str] = &[
    "services",
    "networks",
    "volumes",
    "secrets",
    "configs",
    "include",
    "x-a",
    "name",
    "version",
    "image",
    "build",
    "extends",
    "depends_on",
    "environment",
    "env_file",
    "ports",
    "deploy",
    "healthcheck",
    "labels",
    "command",
    "profiles",
    "<<",
    "K",
    "A",
];

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let target = match arguments.first().map(String::as_str) {
        Some("compose_yaml") => rcompose_fuzz::compose_yaml,
        Some("dns") => rcompose_fuzz::dns,
        Some("dockerfile") => rcompose_fuzz::dockerfile,
        Some("env_file") => rcompose_fuzz::env_file,
        _ => {
            eprintln!("usage: mutate compose_yaml|dns|dockerfile|env_file [MINUTES [SEED] | INPUT]");
            return ExitCode::from(2);
        }
    };
    // An input that was kept is tried once more.
    if let Some(input) = arguments.get(1).and_then(|path| fs::read(path).ok()) {
        let start = Instant::now();
        println!("{}\n{:?}", target(&input), start.elapsed());
        return ExitCode::SUCCESS;
    }
    let number = |at: usize, default: u64| arguments.get(at).and_then(|text| text.parse().ok()).unwrap_or(default);
    let (minutes, seed) = (number(1, 1), number(2, u64::from(process::id())));
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let artifact = here.join("artifacts").join(format!("{}-{seed}", arguments[0]));
    fs::create_dir_all(here.join("artifacts")).expect("the directory of this package can be written to");
    let limit = Rlimit { current: Some(MAX_MEMORY), maximum: Some(MAX_MEMORY) };
    setrlimit(Resource::As, limit).expect("a limit can be lowered");
    watch(artifact.clone());

    let is_binary = arguments[0] == "dns";
    let mut corpus = if is_binary { packets::seeds() } else { seeds(&here.join(".."), &arguments[0]) };
    let mut seen = HashSet::new();
    let mut random = Random::new(seed);
    let end = Instant::now() + Duration::from_secs(minutes * 60);
    let mut runs = 0_u64;
    println!("{} seeds, random seed {seed}, inputs go through {}", corpus.len(), artifact.display());
    while Instant::now() < end {
        let mut input = random.of(&corpus).clone();
        for _ in 0..1 + random.below(6) {
            match is_binary {
                true => packets::mutate(&mut input, &corpus, &mut random),
                false => mutate(&mut input, &corpus, &mut random),
            }
        }
        fs::write(&artifact, &input).expect("the directory of this package can be written to");
        STARTED.store(now(), Ordering::SeqCst);
        let outcome = target(&input);
        STARTED.store(0, Ordering::SeqCst);
        if seen.insert(outcome) && input.len() < MAX_BYTES / 2 {
            corpus.push(input);
        }
        runs += 1;
    }
    println!("{runs} inputs, {} outcomes, nothing found", seen.len());
    let _ = fs::remove_file(artifact);
    ExitCode::SUCCESS
}

/// When the input that is running began, in milliseconds; 0 between inputs.
static STARTED: AtomicU64 = AtomicU64::new(0);

/// Milliseconds that this process has computed: what others compute meanwhile on a busy machine does not count.
fn now() -> u64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    let milliseconds = time.tv_sec * 1000 + time.tv_nsec / 1_000_000;
    u64::try_from(milliseconds).unwrap_or(u64::MAX).max(1)
}

/// Ends the process when an input takes too long.
fn watch(artifact: PathBuf) {
    thread::spawn(move || {
        loop {
            thread::sleep(PATIENCE / 8);
            let started = STARTED.load(Ordering::SeqCst);
            if started != 0 && now().saturating_sub(started) > PATIENCE.as_millis() as u64 {
                eprintln!("an input takes longer than {PATIENCE:?}: {}", artifact.display());
                process::abort();
            }
        }
    });
}

/// The files of tests and examples, and the texts of several lines in the tests.
fn seeds(root: &Path, target: &str) -> Vec<Vec<u8>> {
    let mut found = vec![b"services: {a: {image: x}}\n".to_vec(), b"A=1\nB=\"${A}\"\n".to_vec()];
    let word = match target {
        "env_file" => "=",
        "dockerfile" => " ",
        _ => "services",
    };
    let mut directories =
        vec![root.join("examples"), root.join("tests"), root.join("src/compose"), root.join("src/build")];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(&directory).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                directories.push(path);
                continue;
            }
            let Ok(text) = fs::read_to_string(&path) else { continue };
            match path.extension().and_then(|extension| extension.to_str()) {
                Some("yaml" | "yml") if target == "compose_yaml" => found.push(text.into_bytes()),
                Some("env") if target == "env_file" => found.push(text.into_bytes()),
                Some("Dockerfile") if target == "dockerfile" => found.push(text.into_bytes()),
                Some("rs") => found.extend(literals(&text, word)),
                _ => {}
            }
        }
    }
    found.retain(|seed| seed.len() < MAX_BYTES);
    found
}

/// The string literals of a source that have `word` in them.
fn literals(source: &str, word: &str) -> Vec<Vec<u8>> {
    let hidden = source.replace("\\\"", "\u{1}").replace("\\\\", "\u{2}");
    let texts = hidden.split('"').skip(1).step_by(2).filter(|text| text.contains(word));
    texts.map(|text| text.replace("\\n", "\n").replace('\u{1}', "\"").replace('\u{2}', "\\").into_bytes()).collect()
}

fn mutate(input: &mut Vec<u8>, corpus: &[Vec<u8>], random: &mut Random) {
    let mut lines: Vec<Vec<u8>> = input.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
    let at = random.below(lines.len());
    match random.below(12) {
        0 => drop(lines.remove(at)),
        1 => {
            let line = lines[at].clone();
            let to = random.below(lines.len() + 1);
            lines.insert(to, line);
        }
        2 => {
            let other = random.below(lines.len());
            lines.swap(at, other);
        }
        3 => {
            // A block of another file, at the indentation of this place.
            let other: Vec<&[u8]> = random.of(corpus).split(|byte| *byte == b'\n').collect();
            let from = random.below(other.len());
            let length = 1 + random.below(8.min(other.len() - from));
            lines.splice(at..at, other[from..from + length].iter().map(|line| line.to_vec()));
        }
        4 | 5 => {
            let value = random.of(VALUES).as_bytes().to_vec();
            let line = &mut lines[at];
            let start =
                line.windows(2).position(|pair| pair == b": " || pair == b"- ").map_or(line.len(), |found| found + 2);
            line.truncate(start);
            line.extend(value);
        }
        6 => {
            let indent = random.below(8);
            let end = (at + 1 + random.below(4)).min(lines.len());
            for line in &mut lines[at..end] {
                let text = line.iter().position(|byte| *byte != b' ').unwrap_or(line.len());
                line.splice(..text, vec![b' '; indent]);
            }
        }
        7 => {
            let indent = lines[at].iter().take_while(|byte| **byte == b' ').count();
            let line = format!("{}{}: {}", " ".repeat(indent), random.of(KEYS), random.of(VALUES));
            lines.insert(at, line.into_bytes());
        }
        8 => {
            let (times, line) = (2 + random.below(60), lines[at].clone());
            lines.splice(at..at, std::iter::repeat_n(line, times));
        }
        9 => {
            let token = random.of(VALUES).as_bytes();
            let column = random.below(lines[at].len() + 1);
            lines[at].splice(column..column, token.iter().copied());
        }
        10 => {
            let column = random.below(lines[at].len() + 1);
            let (times, byte) = (1 + random.below(40), ODD[random.below(ODD.len())]);
            lines[at].splice(column..column, vec![byte; times]);
        }
        _ => {
            let column = random.below(lines[at].len().max(1));
            let flipped = u8::try_from(random.below(256)).unwrap_or(0);
            if let Some(byte) = lines[at].get_mut(column) {
                *byte ^= flipped;
            }
        }
    }
    *input = lines.join(&b'\n');
    input.truncate(MAX_BYTES);
}
