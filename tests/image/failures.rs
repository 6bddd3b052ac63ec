//! Pulls that fail: each says why, and leaves nothing to be taken for an image.

use rcompose::image::{PullError, PullEvent, Timeouts, pull};
use rcompose::sys::FileLock;

use crate::registry::{Behaviour, Content, Registry, digest};
use crate::{Machine, block_on, gzip, plain, reference};

/// Pulls `app:1` from a registry of `behaviour`; the text of the error and all its causes, with `HOST` for the registry.
fn failure(content: Content, behaviour: Behaviour) -> (PullError, String) {
    let registry = Registry::start(content, behaviour);
    let machine = Machine::new();
    let error = machine.pull(&format!("{}/app:1", registry.host())).unwrap_err();
    assert!(machine.is_empty());
    let text = text_of(&error).replace(&registry.host(), "HOST");
    (error, text)
}

fn text_of(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {}", text_of(source)),
        None => error.to_string(),
    }
}

fn app(layers: &[(Vec<u8>, Vec<u8>)]) -> Content {
    let mut content = Content::default();
    content.image("app", "1", layers);
    content
}

#[test]
fn not_found() {
    let (error, text) = failure(Content::default(), Behaviour::default());
    assert!(matches!(error, PullError::NotFound { .. }));
    insta::assert_snapshot!(text, @"image `HOST/app:1` not found in registry `HOST`");
}

#[test]
fn unauthorized() {
    let behaviour = Behaviour { token: Some("t"), login: Some("Basic other"), ..Behaviour::default() };
    let (error, text) = failure(app(&[]), behaviour);
    assert!(matches!(error, PullError::Unauthorized { .. }));
    insta::assert_snapshot!(text, @"image `HOST/app:1` needs a login to registry `HOST`, or does not exist there");
    let (error, _) = failure(app(&[]), Behaviour { login: Some("Basic other"), ..Behaviour::default() });
    assert!(matches!(error, PullError::Unauthorized { .. }));
}

#[test]
fn nobody_listens() {
    let machine = Machine::new();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let error = machine.pull(&format!("{free}/app:1")).unwrap_err();
    assert!(matches!(error, PullError::Unreachable { .. }));
    insta::assert_snapshot!(text_of(&error).replace(&free.to_string(), "HOST"), @"cannot pull image `HOST/app:1`: registry `HOST` is unreachable: Connection refused (os error 111)");
}

#[test]
fn silence() {
    let (error, text) = failure(Content::default(), Behaviour { is_silent: true, ..Behaviour::default() });
    assert!(matches!(error, PullError::Unreachable { .. }));
    insta::assert_snapshot!(text, @"cannot pull image `HOST/app:1`: registry `HOST` is unreachable: no data for 500ms");
}

#[test]
fn a_server_error() {
    let (_, text) = failure(Content::default(), Behaviour { status: Some(500), ..Behaviour::default() });
    insta::assert_snapshot!(text, @"cannot pull image `HOST/app:1`: registry `HOST` answers 500");
}

#[test]
fn mirrors_that_failed_are_named() {
    let empty = Registry::start(Content::default(), Behaviour::default());
    let own = Registry::start(Content::default(), Behaviour::default());
    let config = format!("[registry.\"{}\"]\nmirrors = [\"http://{}\"]", own.host(), empty.host());
    let error = Machine::configured(&config).pull(&format!("{}/app:1", own.host())).unwrap_err();
    let text = text_of(&error).replace(&own.host(), "HOST").replace(&empty.host(), "MIRROR");
    insta::assert_snapshot!(text, @"image `HOST/app:1` not found in registry `HOST` (mirror `MIRROR`: not found)");
}

#[test]
fn a_forged_blob() {
    let layer = plain(&[("a", "good")]);
    let mut content = app(std::slice::from_ref(&layer));
    content.replace("app", &digest(&layer.0), &plain(&[("a", "evil")]).0);
    let (error, text) = failure(content, Behaviour::default());
    assert!(matches!(error, PullError::DigestMismatch { .. }));
    insta::assert_snapshot!(text, @"image `HOST/app:1`: a layer from registry `HOST` has digest sha256:e8d5df14f494aca4b9a74e785062f0f2ba0a476fc845a399000416e448e5f197, expected sha256:961cea8c72d2e942752a3a1169c719b3dad836717c5edfac688945921d9b6aeb");
}

#[test]
fn a_blob_of_another_length() {
    let layer = plain(&[("a", "good")]);
    for blob in [&layer.0[..layer.0.len() - 512], &[&layer.0[..], b"more"].concat()] {
        let mut content = app(std::slice::from_ref(&layer));
        content.replace("app", &digest(&layer.0), blob);
        let (error, _) = failure(content, Behaviour::default());
        assert!(matches!(error, PullError::SizeMismatch { .. }), "{error}");
    }
}

#[test]
fn a_layer_that_decompresses_to_something_else() {
    let (evil, good) = (gzip(&[("a", "evil")]).0, gzip(&[("a", "good")]).1);
    let (error, text) = failure(app(&[(evil, good)]), Behaviour::default());
    assert!(matches!(error, PullError::DigestMismatch { .. }));
    insta::assert_snapshot!(text, @"image `HOST/app:1`: a decompressed layer from registry `HOST` has digest sha256:e8d5df14f494aca4b9a74e785062f0f2ba0a476fc845a399000416e448e5f197, expected sha256:961cea8c72d2e942752a3a1169c719b3dad836717c5edfac688945921d9b6aeb");
}

#[test]
fn a_layer_that_does_not_decompress() {
    let (mut blob, tar) = gzip(&[("a", "good")]);
    blob[12] ^= 0xff;
    let (error, _) = failure(app(&[(blob, tar)]), Behaviour::default());
    assert!(matches!(error, PullError::Layer { .. }), "{error}");
}

#[test]
fn a_hostile_layer() {
    let mut header = tar::Header::new_ustar();
    header.as_old_mut().name[..9].copy_from_slice(b"../escape");
    header.set_size(0);
    header.set_mode(0o644);
    header.set_cksum();
    let tar = [header.as_bytes().as_slice(), &[0; 1024]].concat();
    let (error, text) = failure(app(&[(tar.clone(), tar)]), Behaviour::default());
    assert!(matches!(error, PullError::Layer { .. }));
    insta::assert_snapshot!(text, @"cannot unpack layer sha256:d5e4902b447382d68fcc293dd8ecba43a3df4e77982bfb346b7530051d7be928 of image `HOST/app:1`: layer entry `../escape`: the path has a `..`");
}

#[test]
fn a_pinned_manifest_that_is_another() {
    let mut content = app(&[plain(&[("a", "1")])]);
    let wanted = digest(b"wanted");
    let manifest = serde_json::json!({"schemaVersion": 2, "manifests": []});
    content.manifest("app", &wanted, &manifest);
    let registry = Registry::start(content, Behaviour::default());
    let machine = Machine::new();
    let error = machine.pull(&format!("{}/app@{wanted}", registry.host())).unwrap_err();
    assert!(matches!(error, PullError::DigestMismatch { .. }), "{error}");
    assert!(machine.is_empty());
}

#[test]
fn one_bad_layer_spoils_the_image_but_not_its_other_layers() {
    let (good, bad) = (plain(&[("a", "good")]), plain(&[("b", "bad")]));
    let mut content = app(&[good, bad.clone()]);
    content.replace("app", &digest(&bad.0), &plain(&[("b", "worse")]).0[..bad.0.len()]);
    let registry = Registry::start(content, Behaviour::default());
    let machine = Machine::new();
    machine.pull(&format!("{}/app:1", registry.host())).unwrap_err();
    assert!(machine.list("layers").len() <= 1);
    assert!(machine.list("images").is_empty() && machine.list("tags").is_empty() && machine.list("staging").is_empty());
}

#[test]
fn a_pull_that_is_given_up_cleans_up() {
    let big: String = (0..200_000).map(|number| format!("{number} ")).collect();
    let layer = plain(&[("big", &big)]);
    let lock = digest(&layer.1).replace(':', "-");
    let behaviour = Behaviour { stall_after: Some(600_000), ..Behaviour::default() };
    let registry = Registry::start(app(&[layer]), behaviour);
    let mut machine = Machine::new();
    machine.config.timeouts = Timeouts::default();
    let reference = reference(&format!("{}/app:1", registry.host()));
    let started = tokio::sync::Notify::new();
    let tell = |event| {
        if matches!(event, PullEvent::Progress { .. }) {
            started.notify_one();
        }
    };
    block_on(async {
        tokio::select! {
            ended = pull(&machine.store, &machine.config, &reference, tell) => panic!("{ended:?}"),
            () = started.notified() => {}
        }
    });
    // The thread that unpacks holds the lock of its layer until it has cleaned up.
    FileLock::exclusive(&machine.directory.path().join("locks").join(lock)).unwrap();
    assert!(machine.is_empty());
}
