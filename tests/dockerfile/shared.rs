//! Caches that other machines have: `cache_from` and `cache_to`. Another machine is the same one whose store is gone.

use crate::cache::Build;
use crate::support::Sandbox;
use crate::support::registry::{Behaviour, Content, Registry};

/// Two stages, of which the image has the layers of one.
const DOCKERFILE: &str = "FROM rootfs:/ AS make
RUN echo made > /made; echo > /left
FROM scratch
COPY a /a
COPY --from=make /made /made
";

/// Says where the cache of `build` is, in both directions.
fn share(build: &Build<'_>, from: &str, to: &str) {
    build.compose(&format!(", cache_from: ['{from}'], cache_to: ['{to}']"));
}

/// Takes away all that was built.
fn forget(sandbox: &Sandbox) {
    fs_err::remove_dir_all(sandbox.path().join("root/images")).unwrap();
}

fn layers(sandbox: &Sandbox) -> usize {
    fs_err::read_dir(sandbox.path().join("root/images/layers")).unwrap().count()
}

/// How many steps were done.
fn done(steps: &str) -> usize {
    steps.matches('+').count()
}

#[track_caller]
fn is_known_elsewhere(sandbox: &Sandbox, build: &Build<'_>) {
    assert_eq!(build.steps(), "+++");
    let image = build.image().id;
    assert_eq!(build.steps(), "...");
    assert_eq!(build.image().id, image, "it is the same image each time");
    forget(sandbox);
    assert_eq!(build.steps(), "...");
    assert_eq!(build.image().id, image);
    assert_eq!(build.image().tree().lines().count(), 2);
    assert_eq!(layers(sandbox), 2, "what nobody needs is not fetched");
}

#[test]
fn in_a_directory() {
    let sandbox = Sandbox::new("cache-local");
    let build = Build::new(&sandbox, DOCKERFILE);
    share(&build, "type=local,src=cache", "type=local,dest=cache,mode=max");
    is_known_elsewhere(&sandbox, &build);
    forget(&sandbox);
    build.write("a", "changed\n");
    assert_eq!(done(&build.steps()), 2, "the files of a stage are fetched when something is copied from it");
    assert_eq!(layers(&sandbox), 3);
    forget(&sandbox);
    share(&build, "type=local,src=cache", "type=local,dest=other,mode=max");
    assert_eq!(build.steps(), "...");
    fs_err::remove_dir_all(build.path("cache")).unwrap();
    forget(&sandbox);
    build.write("a", "changed once more\n");
    share(&build, "type=local,src=other", "type=local,dest=other,mode=max");
    assert_eq!(done(&build.steps()), 2, "what is passed on is all of it");

    // Only what the image has.
    share(&build, "type=local,src=least", "type=local,dest=least");
    assert_eq!(build.steps(), "...");
    forget(&sandbox);
    assert_eq!(build.steps(), "...");
    build.write("a", "changed again\n");
    forget(&sandbox);
    assert_eq!(build.steps(), "+++", "what is needed and nobody has is done again");
}

#[test]
fn in_a_registry() {
    let sandbox = Sandbox::new("cache-registry");
    let registry = Registry::start(Content::default(), Behaviour::default());
    let build = Build::new(&sandbox, DOCKERFILE);
    let place = format!("{}/team/app:cache", registry.host());
    share(&build, &place, &format!("type=registry,ref={place},mode=max"));
    is_known_elsewhere(&sandbox, &build);
    let uploads = || registry.requests().iter().filter(|request| request.starts_with("PUT /v2/team/app/blobs")).count();
    let before = uploads();
    assert_eq!(build.steps(), "...");
    assert_eq!(uploads(), before, "what is there is not sent again");
}

#[test]
fn in_the_image() {
    let sandbox = Sandbox::new("cache-inline");
    let registry = Registry::start(Content::default(), Behaviour::default());
    let build = Build::new(&sandbox, DOCKERFILE);
    let image = format!("{}/team/app:1", registry.host());
    for inline in ["cache_to: ['type=inline']", "args: {BUILDKIT_INLINE_CACHE: '1'}"] {
        let compose = format!("context: ., network: none, cache_from: ['{image}'], {inline}");
        build.stack.rewrite(&format!("services: {{app: {{image: '{image}', build: {{{compose}}}}}}}\n"));
        build.write("a", inline);
        forget_if_any(&sandbox);
        assert!(done(&build.steps_with(&["--push"])) >= 2, "{inline}");
        forget(&sandbox);
        assert_eq!(build.steps(), "...", "{inline}");
        assert_eq!(layers(&sandbox), 2);
    }
}

fn forget_if_any(sandbox: &Sandbox) {
    if sandbox.path().join("root/images").exists() {
        forget(sandbox);
    }
}

#[test]
fn what_is_not_to_be_had() {
    let sandbox = Sandbox::new("cache-none");
    let build = Build::new(&sandbox, "FROM scratch\nCOPY a /\n");
    let rcompose = |more: &str| {
        build.compose(more);
        build.stack.rcompose(&["build"])
    };
    rcompose(", cache_from: ['type=gha', 'type=local,src=none']").succeeds().says(&[
        "`cache_from` of service `app`: there is no cache of type `gha`",
        "there is no cache `",
        "none`",
    ]);
    rcompose(", cache_to: ['type=s3,bucket=x']").succeeds().says(&["no cache of type `s3`"]);
    rcompose(", cache_to: ['type=local']").fails_with(1).says(&["`cache_to` of service `app`", "it has no `dest`"]);
    build.write("file", "");
    rcompose(", cache_to: ['type=local,dest=file']")
        .fails_with(1)
        .says(&["cannot write the cache of service `app`", "file"]);
    rcompose(", cache_to: ['type=local,dest=file,ignore-error=true']").succeeds();
    build.write("broken/index.json", "{");
    rcompose(", cache_from: ['type=local,src=broken']").succeeds().says(&["no cache to be had", "index.json"]);
}
