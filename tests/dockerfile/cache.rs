//! What a step is known by: for each rule what makes no difference, and what does.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use crate::image::Stored;
use crate::support::{Outcome, Sandbox, Stack};

/// A service `app` that is built again and again.
pub(crate) struct Build<'a> {
    sandbox: &'a Sandbox,
    /// The project.
    pub(crate) stack: Stack<'a>,
}

impl<'a> Build<'a> {
    /// A directory with files `a` and `b`, and this Dockerfile, whose programs have no network.
    pub(crate) fn new(sandbox: &'a Sandbox, dockerfile: &str) -> Self {
        let build = Self { sandbox, stack: sandbox.stack("app", "") };
        build.compose("");
        build.write("Dockerfile", dockerfile);
        build.write("a", "a\n");
        build.write("b", "b\n");
        build
    }

    /// Says more under `build`.
    pub(crate) fn compose(&self, more: &str) {
        self.stack.rewrite(&format!("services: {{app: {{build: {{context: ., network: none{more}}}}}}}\n"));
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.stack.file().parent().unwrap().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::write(path, text).unwrap();
    }

    /// Builds, and says of each step whether it was cached: `+` for what was done, `.` for what was not.
    #[track_caller]
    pub(crate) fn steps(&self) -> String {
        self.steps_with(&[])
    }

    #[track_caller]
    pub(crate) fn steps_with(&self, flags: &[&str]) -> String {
        let outcome = self.stack.rcompose(&[&["--progress", "plain", "build"], flags].concat()).succeeds();
        done(&outcome)
    }

    pub(crate) fn image(&self) -> Stored {
        Stored::of(self.sandbox, "app", "app")
    }
}

/// Of each step of a build, but for those that begin a stage, in the order of their numbers.
pub(crate) fn done(outcome: &Outcome) -> String {
    let mut steps: Vec<(usize, bool, bool)> = Vec::new();
    for line in outcome.stderr.lines() {
        let Some((number, text)) = line.strip_prefix('#').and_then(|line| line.split_once(' ')) else { continue };
        let Ok(number) = number.parse::<usize>() else { continue };
        if text.starts_with('[') {
            let is_base = text.contains("] FROM ");
            if !steps.iter().any(|(known, ..)| *known == number) {
                steps.push((number, is_base, false));
            }
        } else if text.starts_with("DONE ")
            && let Some(step) = steps.iter_mut().find(|(known, ..)| *known == number)
        {
            step.2 = true;
        }
    }
    steps.sort_unstable();
    steps.iter().filter(|(_, is_base, _)| !is_base).map(|(_, _, done)| if *done { '+' } else { '.' }).collect()
}

#[test]
fn nothing_changed() {
    let sandbox = Sandbox::new("cache-nothing");
    let build = Build::new(&sandbox, "FROM rootfs:/\nWORKDIR /w\nCOPY a .\nRUN cat a > c\nCMD [\"x\"]\n");
    assert_eq!(build.steps(), "+++");
    let first = build.image().id;
    assert_eq!(build.steps(), "...");
    assert_eq!(build.image().id, first);
    build.write("Dockerfile", "FROM rootfs:/\nWORKDIR /w\nCOPY a .\nRUN cat a > c\nCMD [\"y\"]\n");
    assert_eq!(build.steps(), "...", "what changes the configuration alone is no step");
    assert_ne!(build.image().id, first);
    assert_eq!(build.steps_with(&["--no-cache"]), "+++");
}

#[test]
fn copied_files_count_by_content_owner_and_mode() {
    let sandbox = Sandbox::new("cache-copy");
    let build = Build::new(&sandbox, "FROM scratch\nCOPY a /x\n");
    assert_eq!(build.steps(), "+");
    let file = fs_err::OpenOptions::new().write(true).open(build.path("a")).unwrap();
    file.set_modified(SystemTime::now() - Duration::from_secs(1000)).unwrap();
    assert_eq!(build.steps(), ".", "not by time");
    build.write("b", "other\n");
    assert_eq!(build.steps(), ".", "what is not copied does not count");
    fs_err::create_dir(build.path("d")).unwrap();
    for name in ["c", "d/c"] {
        build.write(name, "a\n");
    }
    build.write("Dockerfile", "FROM scratch\nCOPY d/c /x\n");
    assert_eq!(build.steps(), "+");
    build.write("Dockerfile", "FROM scratch\nCOPY c /x\n");
    assert_eq!(build.steps(), ".", "nor what directory the same file was in");
    build.write("c", "more\n");
    assert_eq!(build.steps(), "+", "content");
    fs_err::set_permissions(build.path("c"), std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    assert_eq!(build.steps(), "+", "mode");
    build.write("Dockerfile", "FROM scratch\nCOPY --chown=1:1 c /x\n");
    assert_eq!(build.steps(), "+", "owner");
    build.write("Dockerfile", "FROM scratch\nCOPY --chown=1:1 c /y\n");
    assert_eq!(build.steps(), "+", "place");
    build.write("Dockerfile", "FROM scratch\nCOPY . /all\n");
    build.write(".dockerignore", "a\n");
    build.steps();
    build.write("a", "ignored\n");
    assert_eq!(build.steps(), ".", "what is ignored");
    build.write(".dockerignore", "");
    assert_eq!(build.steps(), "+");
}

#[test]
fn arguments_count_from_where_they_stand() {
    let sandbox = Sandbox::new("cache-arg");
    let build = Build::new(&sandbox, "FROM rootfs:/\nRUN echo 1 > /one\nARG A=1\nRUN echo 2 > /two\nLABEL a=$A\n");
    assert_eq!(build.steps(), "++");
    assert_eq!(build.steps_with(&["--build-arg", "A=2"]), ".+");
    assert_eq!(build.steps_with(&["--build-arg", "OTHER=2"]), "..", "what nobody declares");
    assert_eq!(build.steps_with(&["--build-arg", "http_proxy=http://127.0.0.1:1"]), "..", "proxies");
    build.write("Dockerfile", "FROM rootfs:/\nRUN echo 1 > /one\nARG http_proxy\nRUN echo 2 > /two\n");
    assert_eq!(build.steps(), ".+", "declared without a value it is not there, and the other one is gone");
    assert_eq!(build.steps(), "..");
    assert_eq!(build.steps_with(&["--build-arg", "http_proxy=http://127.0.0.1:1"]), ".+", "but for those declared");
}

#[test]
fn what_a_program_sees_counts() {
    let sandbox = Sandbox::new("cache-run");
    let build = Build::new(&sandbox, "FROM rootfs:/\nRUN echo > /one\n");
    assert_eq!(build.steps(), "+");
    for (what, dockerfile, expected) in [
        ("the command", "FROM rootfs:/\nRUN echo  > /one\n", "+"),
        ("a variable", "FROM rootfs:/\nENV A=1\nRUN echo > /one\n", "+"),
        ("its value", "FROM rootfs:/\nENV A=2\nRUN echo > /one\n", "+"),
        ("the shell", "FROM rootfs:/\nSHELL [\"/bin/bash\", \"-c\"]\nRUN echo > /one\n", "+"),
        ("a label", "FROM rootfs:/\nLABEL a=1\nRUN echo > /one\n", "."),
        ("a mount", "FROM rootfs:/\nRUN --mount=type=tmpfs,target=/tmp echo > /one\n", "+"),
        ("the same mount", "FROM rootfs:/\nRUN --mount=target=/tmp,type=tmpfs echo > /one\n", "."),
        ("where a cache is", "FROM rootfs:/\nRUN --mount=type=cache,target=/tmp echo > /one\n", "+"),
        ("its id", "FROM rootfs:/\nRUN --mount=type=cache,target=/tmp,id=x echo > /one\n", "+"),
        ("confinement", "FROM rootfs:/\nRUN --security=insecure echo > /one\n", "+"),
    ] {
        build.write("Dockerfile", dockerfile);
        build.compose(", entitlements: [security.insecure]");
        assert_eq!(build.steps(), expected, "{what}");
    }
    build.write("Dockerfile", "FROM rootfs:/\nRUN echo > /one\n");
    for (what, more, expected) in
        [("limits", ", ulimits: {nofile: 100}, shm_size: 1m", "."), ("hosts", ", extra_hosts: {one: 10.0.0.1}", "+")]
    {
        build.compose(more);
        assert_eq!(build.steps(), expected, "{what}");
    }
    build.compose("");
    build.write("Dockerfile", "FROM rootfs:/\nUSER nobody\nWORKDIR /tmp\nRUN echo > one\n");
    assert_eq!(build.steps(), "++");
    build.write("Dockerfile", "FROM rootfs:/\nUSER root\nWORKDIR /tmp\nRUN echo > one\n");
    assert_eq!(build.steps(), "++", "the user, of a directory too");
}

#[test]
fn secrets_do_not_count_and_what_is_mounted_does() {
    let sandbox = Sandbox::new("cache-mounts");
    let dockerfile = "FROM rootfs:/\nRUN --mount=type=secret,id=s --mount=source=a,target=/a cat /a > /one\n";
    let build = Build::new(&sandbox, dockerfile);
    let file = |more: &str| {
        let compose =
            "services: {app: {build: {context: ., network: none, secrets: [s]}}}\nsecrets: {s: {file: ./s}}\n";
        build.stack.rewrite(compose);
        build.write("s", more);
    };
    file("one");
    assert_eq!(build.steps(), "+");
    file("two");
    assert_eq!(build.steps(), ".", "the content of a secret");
    build.write("b", "changed\n");
    assert_eq!(build.steps(), ".", "what is not mounted");
    build.write("a", "changed\n");
    assert_eq!(build.steps(), "+", "what is");
    build.write("Dockerfile", &dockerfile.replace("id=s ", "id=s,target=/s "));
    assert_eq!(build.steps(), "+", "where the secret is");
}

#[test]
fn a_stage_that_comes_to_the_same_changes_nothing() {
    let sandbox = Sandbox::new("cache-stage");
    let of = |line: &str| {
        format!("FROM rootfs:/ AS make\nRUN {line}\nFROM scratch\nCOPY --from=make /made /made\nCOPY b /b\n")
    };
    let build = Build::new(&sandbox, &of("echo same > /made"));
    assert_eq!(build.steps(), "+++");
    build.write("Dockerfile", &of("echo same  > /made; touch /another"));
    assert_eq!(build.steps(), "+..", "only what is copied counts");
    assert_eq!(build.steps(), "...");
    build.write("Dockerfile", &of("echo other > /made"));
    assert_eq!(build.steps(), "+++");
}

#[test]
fn a_linked_copy_stays_when_what_is_below_changes() {
    let sandbox = Sandbox::new("cache-link");
    let of = |flag: &str| format!("FROM scratch\nCOPY a /a\nCOPY {flag} b /b\n");
    let build = Build::new(&sandbox, &of("--link"));
    assert_eq!(build.steps(), "++");
    build.write("a", "changed\n");
    assert_eq!(build.steps(), "+.");
    assert_eq!(build.image().tree(), "0644 /a \"changed\\n\"\n0644 /b \"b\\n\"\n");
    build.write("Dockerfile", &of(""));
    assert_eq!(build.steps(), ".+");
    build.write("a", "again\n");
    assert_eq!(build.steps(), "++", "one that is not");
}

#[test]
fn stages_that_are_to_be_made_anew() {
    let sandbox = Sandbox::new("cache-filter");
    let build = Build::new(
        &sandbox,
        "FROM rootfs:/ AS one\nRUN date +%s%N > /one\nFROM rootfs:/ AS two\nRUN echo > /two\nFROM scratch\nCOPY --from=one /one /\nCOPY --from=two /two /\n",
    );
    assert_eq!(build.steps().len(), 4);
    assert_eq!(build.steps(), "....");
    build.compose(", no_cache_filter: [one]");
    let steps = build.steps();
    assert_eq!(steps.matches('+').count(), 3, "the stage, what is copied of it, and what goes over that: {steps}");
    build.compose(", no_cache: true");
    assert_eq!(build.steps(), "++++");
}

#[test]
fn services_share_steps() {
    let sandbox = Sandbox::new("cache-shared");
    let stack = sandbox.stack("app", "services:\n  one: {build: {context: ., network: none, target: one}}\n  two: {build: {context: ., network: none, target: two}}\n");
    let dockerfile = "FROM rootfs:/ AS base\nRUN date +%N > /base\nFROM base AS one\nRUN echo > /one\nFROM base AS two\nRUN echo > /two\n";
    fs_err::write(stack.file().parent().unwrap().join("Dockerfile"), dockerfile).unwrap();
    let outcome = stack.rcompose(&["--progress", "plain", "build"]).succeeds();
    assert_eq!(done(&outcome), "+++", "{outcome}");
    let layers =
        |service: &str| Stored::of(&sandbox, "app", service).document["rootfs"]["diff_ids"].as_array().unwrap().clone();
    assert_eq!(layers("one")[0], layers("two")[0]);
}

#[test]
fn the_same_files_are_the_same_image_with_an_epoch() {
    let ids: Vec<String> = ["cache-epoch-1", "cache-epoch-2"]
        .map(|name| {
            let sandbox = Sandbox::new(name);
            let build = Build::new(
                &sandbox,
                "FROM scratch AS files\nCOPY a /a\nFROM scratch\nWORKDIR /w\nCOPY --from=files /a .\n",
            );
            build.compose(", args: {SOURCE_DATE_EPOCH: '1700000000'}");
            build.steps();
            let image = build.image();
            assert_eq!(image.document["created"], "2023-11-14T22:13:20Z");
            image.id
        })
        .into();
    assert_eq!(ids[0], ids[1]);
}

#[test]
fn records_that_are_damaged_or_lead_nowhere_are_made_anew() {
    let sandbox = Sandbox::new("cache-damaged");
    let build = Build::new(&sandbox, "FROM scratch\nCOPY a /a\n");
    assert_eq!(build.steps(), "+");
    let images = sandbox.path().join("root/images");
    for entry in fs_err::read_dir(images.join("layers")).unwrap() {
        fs_err::remove_dir_all(entry.unwrap().path()).unwrap();
    }
    assert_eq!(build.steps(), "+", "a layer that is gone");
    for directory in fs_err::read_dir(images.join("build/keys")).unwrap() {
        for file in fs_err::read_dir(directory.unwrap().path()).unwrap() {
            fs_err::write(file.unwrap().path(), "{\"version\":").unwrap();
        }
    }
    assert_eq!(build.steps(), "+", "a record that cannot be read");
    assert_eq!(build.steps(), ".");
}
