//! What builds keep on disk, and who removes it.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use serde_json::Value;

use crate::cache::{Build, done};
use crate::support::{Sandbox, eventually};

/// A program whose layer no image has, and which fills a cache.
const DOCKERFILE: &str = "FROM rootfs:/ AS make
RUN --mount=type=cache,target=/cache,id=things echo a > /made; echo b > /left; head -c 200000 /dev/zero > /cache/zeros
FROM scratch
COPY --from=make /made /
";

fn build(sandbox: &Sandbox) -> Build<'_> {
    Build::new(sandbox, DOCKERFILE)
}

/// What is kept: what it is, what it is called, whether an image has it too.
fn kept(build: &Build<'_>) -> Vec<(String, String, bool)> {
    let listed = build.stack.rcompose(&["build", "df", "--format", "json"]).succeeds().stdout;
    let listed: Vec<Value> = serde_json::from_str(&listed).unwrap();
    let text = |item: &Value, key: &str| item[key].as_str().unwrap().to_owned();
    let item = |item: &Value| {
        let name = text(item, "Description").split_whitespace().take(3).collect::<Vec<_>>().join(" ");
        (text(item, "Type"), name, item["Shared"].as_bool().unwrap())
    };
    listed.iter().map(item).collect()
}

fn item(kind: &str, name: &str, shared: bool) -> (String, String, bool) {
    (kind.to_owned(), name.to_owned(), shared)
}

/// The images of the store, of which each was made long ago from now on.
fn images(sandbox: &Sandbox) -> Vec<PathBuf> {
    let entries = fs_err::read_dir(sandbox.path().join("root/images/images")).unwrap();
    let images: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    for image in &images {
        let file = fs_err::OpenOptions::new().write(true).open(image).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_secs(7200)).unwrap();
    }
    images
}

#[test]
fn what_is_kept_is_shown_and_removed() {
    let sandbox = Sandbox::new("build-prune");
    let build = build(&sandbox);
    assert_eq!(build.steps(), "++");
    let (mount, run, copy) = (
        item("mount", "things", false),
        item("step", "[make 2/2] RUN", false),
        item("step", "[stage-1 1/1] COPY", true),
    );
    assert_eq!(kept(&build), [mount, run.clone(), copy.clone()]);
    build.stack.rcompose(&["build", "df"]).succeeds().prints(&["things", "Shared with images: 2B", "Reclaimable: 2"]);

    build.stack.rcompose(&["build", "prune"]).succeeds().says(&["no image has"]);
    assert_eq!(kept(&build).len(), 3, "without a yes nothing is removed");
    build.stack.rcompose(&["build", "prune", "-f", "--filter", "until=1h"]).succeeds().prints(&["space: 0B"]);
    build.stack.rcompose(&["build", "prune", "-f", "--max-used-space", "1g"]).succeeds().prints(&["space: 0B"]);
    build.stack.rcompose(&["--dry-run", "build", "prune"]).succeeds().prints(&["Would be deleted:", "mount things"]);
    build.stack.rcompose(&["build", "prune", "-f", "--filter", "type=mount"]).succeeds().prints(&["mount things"]);
    assert_eq!(kept(&build), [run, copy.clone()]);
    assert_eq!(build.steps(), "..");
    build.stack.rcompose(&["build", "prune", "-f"]).succeeds().prints(&["step [make 2/2] RUN"]);
    assert_eq!(kept(&build), [copy]);
    assert_eq!(build.steps(), "+.", "what an image has is known still");
    let image = build.image().id;
    build.stack.rcompose(&["build", "prune", "-af"]).succeeds();
    assert_eq!(kept(&build), []);
    assert_eq!(build.image().id, image, "images stay");
    assert_eq!(build.steps(), "++");
    build
        .stack
        .rcompose(&["build", "prune", "--filter", "age=1h"])
        .fails_with(1)
        .says(&["the kinds are until, type, id"]);
}

#[test]
fn an_image_without_a_name_goes_unless_a_container_is_made_from_it() {
    let sandbox = Sandbox::new("prune-image");
    let build = Build::new(&sandbox, "FROM rootfs:/\nCOPY a /a\nCMD [\"sleep\", \"1000\"]\n");
    build.stack.rewrite("services: {app: {build: {context: .}, network_mode: none, init: true}}\n");
    build.stack.rcompose(&["up", "-d"]).succeeds();
    build.write("a", "other\n");
    assert_eq!(build.steps(), "+");
    assert_eq!(images(&sandbox).len(), 2);
    build.stack.rcompose(&["build", "prune", "-f"]).succeeds();
    assert_eq!(images(&sandbox).len(), 2, "the container has it");
    build.stack.rcompose(&["down", "-t", "0"]).succeeds();
    build.stack.rcompose(&["build", "prune", "-f"]).succeeds().prints(&["COPY a /a"]);
    assert_eq!(images(&sandbox).len(), 1);
    assert_eq!(fs_err::read_dir(sandbox.path().join("root/images/layers")).unwrap().count(), 1);
    build.stack.rcompose(&["up", "-d"]).succeeds();
}

#[test]
fn what_is_too_much_goes_by_itself() {
    let sandbox = Sandbox::new("prune-limit");
    sandbox.file("config.toml", "[build]\ncache_size = \"100k\"\n");
    let build = build(&sandbox);
    assert_eq!(build.steps(), "++");
    assert_eq!(
        kept(&build),
        [item("step", "[stage-1 1/1] COPY", true)],
        "the mount alone is too much, the step is newer"
    );
    sandbox.file("config.toml", "[build]\ncache_size = \"much\"\n");
    build.stack.rcompose(&["build"]).fails_with(1).says(&["config.toml", "`much` is not a size"]);
}

#[test]
fn what_a_build_uses_stays() {
    let sandbox = Sandbox::new("prune-busy");
    let dockerfile = "FROM rootfs:/\nRUN echo > /one\nRUN --mount=type=cache,target=/w echo waiting; sleep 1000\n";
    let build = Build::new(&sandbox, dockerfile);
    let running = build.stack.spawn(&["--progress", "plain", "build"]);
    eventually("the program runs", Duration::from_secs(20), || running.stderr().contains(" waiting").then_some(()));
    build.stack.rcompose(&["build", "prune", "-af"]).fails_with(1).says(&["being built", "try again"]);
    running.signal(nix::sys::signal::Signal::SIGINT);
    running.wait(Duration::from_secs(20));
    build.stack.rcompose(&["build", "prune", "-af"]).succeeds().prints(&["RUN echo > /one"]);
}

#[test]
fn what_a_killed_build_has_left_goes_with_the_next() {
    let sandbox = Sandbox::new("build-swept");
    let build = build(&sandbox);
    let left = sandbox.file(&format!("run/build/{}/file-1", "ab".repeat(32)), "secret");
    let staged = sandbox.file("root/images/staging/work-0/upper/file", "half");
    let outcome = build.stack.rcompose(&["--progress", "plain", "build"]).succeeds();
    assert_eq!(done(&outcome), "++");
    assert!(!left.exists() && !left.parent().unwrap().exists() && !staged.exists());
    let staged = sandbox.file("root/images/staging/work-0/upper/file", "half");
    build.stack.rcompose(&["build", "prune", "-f"]).succeeds();
    assert!(!staged.exists());
}
