//! Pulls that succeed.

use rcompose::image::{Credentials, PullEvent};

use crate::registry::{Behaviour, Content, Registry};
use crate::{Machine, block_on, gzip, plain, reference, text, zstd};

#[test]
fn layers_of_all_compressions_are_unpacked_in_order() {
    let mut content = Content::default();
    let layers = [gzip(&[("a", "gzip")]), zstd(&[("b", "zstd"), ("d/.wh.gone", "")]), plain(&[("c", "plain")])];
    let digest = content.image("library/app", "1", &layers);
    let registry = Registry::start(content, Behaviour::default());
    let machine = Machine::new();
    let name = format!("{}/library/app:1", registry.host());
    let image = machine.pull(&name).unwrap();

    let found: Vec<String> = image.layers.iter().zip(["a", "b", "c"]).map(|(layer, name)| text(layer, name)).collect();
    assert_eq!(found, ["gzip", "zstd", "plain"]);
    assert_eq!(image.digest.unwrap().to_string(), digest);
    assert_eq!(image.config.cmd.as_ref().unwrap(), &["library/app", "1"]);
    assert_eq!(machine.store.lookup(&rcompose::name::ImageReference::Registry(reference(&name))).unwrap(), Some(image));
    let events = machine.events();
    assert_eq!(events.first(), Some(&PullEvent::Resolving));
    assert_eq!(events.last(), Some(&PullEvent::Done { unchanged: false }));
    assert_eq!(events.iter().filter(|event| matches!(event, PullEvent::Unpacked { .. })).count(), 3);
    assert!(machine.list("staging").is_empty());
}

#[test]
fn pulling_again_asks_only_whether_it_changed() {
    let mut content = Content::default();
    let digest = content.image("app", "1", &[gzip(&[("a", "1")])]);
    let registry = Registry::start(content, Behaviour::default());
    let machine = Machine::new();
    let name = format!("{}/app:1", registry.host());
    let image = machine.pull(&name).unwrap();
    let before = registry.requests().len();
    assert_eq!(machine.pull(&name).unwrap(), image);
    assert_eq!(registry.requests()[before..], ["HEAD /v2/app/manifests/1"]);
    assert_eq!(machine.events().last(), Some(&PullEvent::Done { unchanged: true }));

    // A digest cannot change: once there, not even that is asked.
    let pinned = format!("{}/app@{digest}", registry.host());
    machine.pull(&pinned).unwrap();
    let before = registry.requests().len();
    assert_eq!(machine.pull(&pinned).unwrap(), image);
    assert_eq!(registry.requests().len(), before);
}

#[test]
fn a_changed_tag_fetches_only_the_new_layer() {
    let base = gzip(&[("base", "same")]);
    let mut content = Content::default();
    content.image("app", "1", &[base.clone(), gzip(&[("top", "old")])]);
    let old = Registry::start(content, Behaviour::default());
    let mut content = Content::default();
    content.image("app", "1", &[base.clone(), gzip(&[("top", "new")])]);
    let new = Registry::start(content, Behaviour::default());
    let mut machine = Machine::configured(&format!("[registry.\"a.test\"]\nmirrors = [\"http://{}\"]", old.host()));
    let first = machine.pull("a.test/app:1").unwrap();
    let moved = format!("[registry.\"a.test\"]\nmirrors = [\"http://{}\"]", new.host());
    machine.config = rcompose::image::RegistryConfig::parse(&moved).unwrap();
    let second = machine.pull("a.test/app:1").unwrap();
    assert_ne!(first.id, second.id);
    assert_eq!(first.layers[0], second.layers[0]);
    assert_eq!(text(&second.layers[1], "top"), "new");
    let blob = format!("GET /v2/app/blobs/{}", crate::registry::digest(&base.0));
    assert!(!new.requests().contains(&blob));
}

#[test]
fn the_image_for_this_machine_is_chosen_from_an_index() {
    let mut content = Content::default();
    let mine = content.image("app", "mine", &[plain(&[("a", "mine")])]);
    let other = content.image("app", "other", &[plain(&[("a", "other")])]);
    let architecture = if cfg!(target_arch = "x86_64") { "amd64" } else { "arm64" };
    let entry = |digest: &str, architecture: &str| {
        serde_json::json!({"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": digest, "size": 1,
            "platform": {"os": "linux", "architecture": architecture}})
    };
    let entries = [entry(&other, "s390x"), entry(&mine, architecture)];
    let index = content.manifest("app", "1", &serde_json::json!({"schemaVersion": 2, "manifests": entries}));
    let registry = Registry::start(content, Behaviour::default());
    let image = Machine::new().pull(&format!("{}/app:1", registry.host())).unwrap();
    assert_eq!(image.config.cmd.unwrap(), ["app", "mine"]);
    assert_eq!(image.digest.unwrap().to_string(), index);
}

#[test]
fn tokens_and_passwords_are_shown_when_asked_for() {
    let mut content = Content::default();
    content.image("app", "1", &[plain(&[("a", "1")]), plain(&[("b", "2")])]);
    let login = Some("Basic bWU6c2VjcmV0");
    for (behaviour, tokens) in [
        (Behaviour { token: Some("t0k3n"), ..Behaviour::default() }, 1),
        (Behaviour { token: Some("t0k3n"), login, ..Behaviour::default() }, 1),
        (Behaviour { login, ..Behaviour::default() }, 0),
    ] {
        let registry = Registry::start(content.clone(), behaviour);
        let mut machine = Machine::new();
        let auths = format!(r#"{{"auths": {{"{}": {{"auth": "bWU6c2VjcmV0"}}}}}}"#, registry.host());
        machine.config.credentials = Credentials::parse(&auths).unwrap();
        machine.pull(&format!("{}/app:1", registry.host())).unwrap();
        let asked = registry.requests().iter().filter(|request| request.starts_with("GET /token")).count();
        assert_eq!(asked, tokens);
    }
}

#[test]
fn a_blob_that_breaks_off_is_continued() {
    let big: String = (0..50_000).map(|number| format!("{number} ")).collect();
    let mut content = Content::default();
    content.image("app", "1", &[plain(&[("big", &big)])]);
    for ignore_ranges in [false, true] {
        // The configuration is short enough to come whole.
        let behaviour = Behaviour { break_after: Some(100_000), ignore_ranges, ..Behaviour::default() };
        let registry = Registry::start(content.clone(), behaviour);
        let machine = Machine::new();
        let image = machine.pull(&format!("{}/app:1", registry.host())).unwrap();
        assert_eq!(text(&image.layers[0], "big"), big);
    }
}

#[test]
fn two_pulls_of_one_layer_fetch_it_once() {
    let shared = gzip(&[("shared", "once")]);
    let mut content = Content::default();
    content.image("a", "1", &[shared.clone(), plain(&[("a", "a")])]);
    content.image("b", "1", &[shared.clone(), plain(&[("b", "b")])]);
    let registry = Registry::start(content, Behaviour::default());
    let machine = Machine::new();
    let (a, b) = (format!("{}/a:1", registry.host()), format!("{}/b:1", registry.host()));
    let (a, b) = block_on(async { tokio::join!(machine.pull_async(&a), machine.pull_async(&b)) });
    assert_eq!(a.unwrap().layers[0], b.unwrap().layers[0]);
    let digest = crate::registry::digest(&shared.0);
    assert_eq!(registry.requests().iter().filter(|request| request.ends_with(&digest)).count(), 1);
}

#[test]
fn a_layer_that_is_there_twice_is_mounted_once() {
    let (low, high) = (plain(&[("a", "low")]), plain(&[("a", "high")]));
    let mut content = Content::default();
    content.image("app", "1", &[low.clone(), high, low]);
    let registry = Registry::start(content, Behaviour::default());
    let machine = Machine::new();
    let image = machine.pull(&format!("{}/app:1", registry.host())).unwrap();
    let found: Vec<String> = image.layers.iter().map(|layer| text(layer, "a")).collect();
    assert_eq!(found, ["high", "low"]);
}

#[test]
fn mirrors_are_asked_in_order() {
    let mut content = Content::default();
    content.image("library/app", "1", &[plain(&[("a", "1")])]);
    let empty = Registry::start(Content::default(), Behaviour::default());
    let broken = Registry::start(Content::default(), Behaviour { status: Some(503), ..Behaviour::default() });
    let good = Registry::start(content, Behaviour::default());
    let never = Registry::start(Content::default(), Behaviour::default());
    let mirrors = [&empty, &broken, &good, &never].map(|registry| format!("http://{}", registry.host()));
    let machine = Machine::configured(&format!("[registry.\"docker.io\"]\nmirrors = {mirrors:?}"));
    machine.pull("app:1").unwrap();
    assert_eq!(empty.requests(), ["GET /v2/library/app/manifests/1"]);
    assert_eq!(broken.requests().len(), 1);
    assert!(never.requests().is_empty());
}
