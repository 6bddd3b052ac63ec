//! What is said of Dockerfiles, contexts and programs that are not as they should be.

use crate::support::{Outcome, Sandbox};

/// Builds `dockerfile` with a file `present` beside it, and a `.dockerignore` that leaves out `ignored`.
#[track_caller]
fn build(name: &str, dockerfile: &str, more: &str) -> String {
    let sandbox = Sandbox::new(name);
    let compose = format!("services: {{app: {{build: {{context: ., network: none{more}}}}}}}\n");
    let stack = sandbox.stack("app", &compose);
    let directory = stack.file().parent().unwrap();
    for (name, text) in
        [("Dockerfile", dockerfile), ("present", "x\n"), ("ignored", "x\n"), (".dockerignore", "ignored\n")]
    {
        fs_err::write(directory.join(name), text).unwrap();
    }
    let outcome: Outcome = stack.rcompose(&["--progress", "quiet", "build"]).fails_with(1);
    outcome.stderr
}

/// All of `texts` stand in what was said.
#[track_caller]
fn says(said: &str, texts: &[&str]) {
    texts.iter().for_each(|text| assert!(said.contains(text), "no `{text}` in: {said}"));
}

#[test]
fn a_word_that_is_no_instruction() {
    says(
        &build("bad-syntax", "FROM scratch\nCOPPY a b\n", ""),
        &["unknown instruction `COPPY`", "Dockerfile:2:1", "did you mean `COPY`?"],
    );
}

#[test]
fn a_stage_that_is_not_there() {
    says(
        &build("bad-target", "FROM scratch AS build\nFROM scratch AS run\n", ", target: biuld"),
        &["invalid target `biuld`", "did you mean `build`?"],
    );
}

#[test]
fn a_file_that_is_not_there() {
    says(
        &build("bad-file", "FROM scratch\nCOPY presnt /x\n", ""),
        &["Dockerfile:2:1", "`presnt` is not there", "did you mean `present`?"],
    );
}

#[test]
fn a_file_that_is_ignored() {
    says(
        &build("bad-ignored", "FROM scratch\nCOPY ignored /x\n", ""),
        &["`ignored` is left out of the context by `ignored` in .dockerignore"],
    );
}

#[test]
fn a_file_outside_of_the_context() {
    says(&build("bad-outside", "FROM scratch\nCOPY ../secret /x\n", ""), &["is not there", "Dockerfile:2:1"]);
}

#[test]
fn a_program_that_fails() {
    says(
        &build("bad-run", "FROM rootfs:/\nRUN echo one; echo two >&2; \\\n  exit 3\nRUN true\n", ""),
        &["exit code: 3", "Dockerfile:2:1", "one", "two"],
    );
}

#[test]
fn a_program_that_is_not_there() {
    says(
        &build("bad-program", "FROM rootfs:/\nRUN [\"/no/such/program\"]\n", ""),
        &["/no/such/program", "Dockerfile:2:1"],
    );
}

#[test]
fn a_secret_that_is_required() {
    says(
        &build("bad-secret", "FROM rootfs:/\nRUN --mount=type=secret,id=token,required true\n", ""),
        &["secret `token` was not given to the build"],
    );
}

#[test]
fn what_the_compose_file_has_to_allow() {
    says(
        &build("bad-security", "FROM rootfs:/\nRUN --security=insecure true\n", ""),
        &["the Compose file does not allow it", "build.entitlements: [security.insecure]"],
    );
}

#[test]
fn a_base_that_comes_to_nothing() {
    says(&build("bad-base", "FROM $BASE\n", ""), &["invalid name of an image `$BASE`: it comes to nothing"]);
}

#[test]
fn a_stage_that_is_copied_from_before_it_is_there() {
    says(
        &build("bad-order", "FROM scratch AS one\nCOPY --from=two /a /\nFROM scratch AS two\nFROM one\n", ""),
        &["invalid stage `two`: only stages above this one can be copied from"],
    );
}

#[test]
fn no_dockerfile_and_no_context() {
    let sandbox = Sandbox::new("bad-context");
    let compose = "services:\n  app: {build: .}\n  other: {build: ./none}\n";
    let stack = sandbox.stack("app", compose);
    fs_err::write(stack.file().parent().unwrap().join("app.Dockerfile"), "FROM scratch\n").unwrap();
    stack.rcompose(&["build", "app"]).fails_with(1).says(&[
        "cannot read the Dockerfile of service `app`",
        "there is `app.Dockerfile`: say so with `build.dockerfile`",
    ]);
    stack.rcompose(&["build", "other"]).fails_with(1).says(&["which service `other` is built from"]);
}

#[test]
fn what_the_rules_say_is_told_and_an_error_where_the_file_wants_that() {
    let sandbox = Sandbox::new("checked");
    let stack = sandbox.stack("app", "services: {app: {build: {context: ., network: none}}}\n");
    let file = stack.file().parent().unwrap().join("Dockerfile");
    let write = |text: &str| fs_err::write(&file, text).unwrap();
    write("FROM scratch\nLABEL a=b\n");
    stack.rcompose(&["build", "--check"]).succeeds().prints(&["Check complete, no warnings found."]);
    let careless = "FROM scratch\nENV PASSWORD=x\nMAINTAINER me\n";
    write(careless);
    let said = stack.rcompose(&["build", "--check"]).fails_with(1);
    for text in ["SecretsUsedInArgOrEnv", "Dockerfile:2:5", "MaintainerDeprecated", "2 warnings have been found!"] {
        assert!(said.stdout.contains(text), "no `{text}` in: {said}");
    }
    stack.rcompose(&["build"]).succeeds();
    write(&format!("# check=error=true\n{careless}"));
    let said = stack.rcompose(&["build"]).fails_with(1).stderr;
    says(&said, &["MaintainerDeprecated", "nothing is built: a Dockerfile says `check=error=true`"]);
    write(&format!("# check=error=true;skip=MaintainerDeprecated,SecretsUsedInArgOrEnv\n{careless}"));
    stack.rcompose(&["build"]).succeeds();
}
