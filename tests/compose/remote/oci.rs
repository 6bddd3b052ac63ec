//! Projects published as artifacts.

use serde_json::{Value, json};

use super::{User, names};
use crate::registry::{Behaviour, Content, Registry};

type File<'a> = (&'a str, Value, &'a [u8]);

/// A file of the project.
fn main<'a>(name: &str, text: &'a str) -> File<'a> {
    ("file+yaml", json!({"com.docker.compose.version": "2.40.3", "com.docker.compose.file": name}), text.as_bytes())
}

/// A file that a service extends.
fn extended<'a>(name: &str, text: &'a str) -> File<'a> {
    ("file+yaml", json!({"com.docker.compose.file": name, "com.docker.compose.extends": "true"}), text.as_bytes())
}

fn env<'a>(name: &str, text: &'a str) -> File<'a> {
    ("envfile", json!({"com.docker.compose.envfile": name}), text.as_bytes())
}

/// Adds a project under `repository:tag` as `docker compose publish` does, each file with its media type and annotations,
/// and gives its manifest's digest.
fn artifact(content: &mut Content, repository: &str, tag: &str, files: &[File]) -> String {
    let config = content.blob(repository, "application/vnd.oci.empty.v1+json", b"{}");
    let mut layer = |(kind, annotations, bytes): &File| {
        let mut layer = content.blob(repository, &format!("application/vnd.docker.compose.{kind}"), bytes);
        layer["annotations"] = annotations.clone();
        layer
    };
    let layers: Vec<_> = files.iter().map(&mut layer).collect();
    let manifest = json!({
        "schemaVersion": 2, "artifactType": "application/vnd.docker.compose.project", "config": config, "layers": layers,
    });
    content.manifest(repository, tag, &manifest)
}

/// What is told when these files are fetched, with `HOST` for the registry.
#[track_caller]
fn failure(files: &[File]) -> String {
    let mut content = Content::default();
    artifact(&mut content, "app", "1", files);
    failure_of(content)
}

#[track_caller]
fn failure_of(content: Content) -> String {
    let (registry, user) = (Registry::start(content, Behaviour::default()), User::new());
    let text = user.failure(&format!("oci://{}/app:1", registry.host())).replace(&registry.host(), "HOST");
    assert_eq!(user.list("oci"), [""; 0]);
    text
}

#[test]
fn a_project_is_one_file_and_what_lies_beside_it() {
    let mut content = Content::default();
    let digest = artifact(
        &mut content,
        "app",
        "1",
        &[
            main("compose.yaml", "name: a\n"),
            main("compose.prod.yaml", "name: b\n"),
            extended("1234.yaml", "services: {}\n"),
            env("5678.env", "A=1\n"),
            // Of two services.
            env("5678.env", "A=1\n"),
            ("config.empty.v1+json", Value::Null, b"{}"),
        ],
    );
    let (registry, user) = (Registry::start(content, Behaviour::default()), User::new());
    let reference = format!("oci://{}/app:1", registry.host());
    let fetched = user.fetch(&reference).unwrap();
    assert!(fetched.root.ends_with(format!(".cache/rcompose/oci/{}", digest.trim_start_matches("sha256:"))));
    assert_eq!(fetched.file, fetched.root.join("compose.yaml"));
    let text = |name: &str| fs_err::read_to_string(fetched.root.join(name)).unwrap();
    assert_eq!(names(&fetched.root), ["1234.yaml", "5678.env", "compose.yaml"]);
    assert_eq!(text("compose.yaml"), "name: a\n\n---\nname: b\n");
    assert_eq!(text("1234.yaml"), "services: {}\n");
    assert_eq!(text("5678.env"), "A=1\n");
    assert_eq!(user.list("staging"), [""; 0]);

    let asked = registry.requests().len();
    assert_eq!(user.fetch(&reference).unwrap(), fetched);
    assert_eq!(registry.requests()[asked..], ["GET /v2/app/manifests/1"], "the files are there");
    assert_eq!(user.fetch(&format!("oci://{}/app@{digest}", registry.host())).unwrap(), fetched);
}

#[test]
fn older_manifests_and_indexes() {
    let mut content = Content::default();
    let layer = content.blob("app", "application/vnd.docker.compose.file+yaml", b"name: old\n");
    let config = content.blob("app", "application/vnd.docker.compose.config.empty.v1+json", b"{}");
    content.manifest("app", "old", &json!({"schemaVersion": 2, "config": config, "layers": [layer]}));
    let project = artifact(&mut content, "app", "project", &[main("compose.yaml", "name: new\n")]);
    let entry = |digest: &str, kind: Value| json!({"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": digest, "size": 1, "artifactType": kind});
    let image = content.image("app", "image", &[]);
    let manifests = [entry(&image, Value::Null), entry(&project, json!("application/vnd.docker.compose.project"))];
    content.manifest("app", "bundle", &json!({"schemaVersion": 2, "manifests": manifests}));
    let (registry, user) = (Registry::start(content, Behaviour::default()), User::new());
    for (tag, text) in [("old", "name: old\n"), ("bundle", "name: new\n")] {
        let fetched = user.fetch(&format!("oci://{}/app:{tag}", registry.host())).unwrap();
        assert_eq!(fs_err::read_to_string(fetched.file).unwrap(), text);
    }
}

#[test]
fn mirrors_and_logins() {
    let mut content = Content::default();
    artifact(&mut content, "me/app", "latest", &[main("compose.yaml", "name: a\n")]);
    // `me:secret`
    let behaviour = Behaviour { token: Some("t"), login: Some("Basic bWU6c2VjcmV0"), ..Behaviour::default() };
    let registry = Registry::start(content, behaviour);
    let user = User::new();
    let config = user.directory.path().join("config.toml");
    fs_err::write(&config, format!("[registry.\"docker.io\"]\nmirrors = [\"http://{}\"]\n", registry.host())).unwrap();
    let docker = user.directory.path().join(".docker");
    fs_err::create_dir(&docker).unwrap();
    let auths = json!({"auths": {registry.host(): {"auth": "bWU6c2VjcmV0"}}});
    fs_err::write(docker.join("config.json"), auths.to_string()).unwrap();
    let user = user.with("RCOMPOSE_CONFIG", config.to_str().unwrap());
    assert!(user.fetch("oci://me/app").is_ok());
}

/// CVE-2025-62725: names of files in an artifact that lead out of its directory are refused before anything is written.
#[test]
fn names_that_lead_elsewhere() {
    let text = |file: File| failure(&[main("compose.yaml", "name: a\n"), file]);
    insta::assert_snapshot!(text(extended("../base.yaml", "")), @r#"cannot fetch `oci://HOST/app:1`: artifact `HOST/app:1`: "../base.yaml" is not the name of a file"#);
    insta::assert_snapshot!(text(env("/etc/profile", "")), @r#"cannot fetch `oci://HOST/app:1`: artifact `HOST/app:1`: "/etc/profile" is not the name of a file"#);
    insta::assert_snapshot!(text(env("..", "")), @r#"cannot fetch `oci://HOST/app:1`: artifact `HOST/app:1`: ".." is not the name of a file"#);
    insta::assert_snapshot!(text(env("a/b", "")), @r#"cannot fetch `oci://HOST/app:1`: artifact `HOST/app:1`: "a/b" is not the name of a file"#);
    insta::assert_snapshot!(text(env("a\u{1b}[2J", "")), @r#"cannot fetch `oci://HOST/app:1`: artifact `HOST/app:1`: "a\u{1b}[2J" is not the name of a file"#);
    insta::assert_snapshot!(text(main("../compose.yaml", "")), @r#"cannot fetch `oci://HOST/app:1`: artifact `HOST/app:1`: "../compose.yaml" is not the name of a file"#);
}

#[test]
fn files_that_contradict() {
    let text = |files: &[File]| failure(&[&[main("compose.yaml", "name: a\n")], files].concat());
    insta::assert_snapshot!(text(&[env("a.env", "A=1"), env("a.env", "A=2")]), @r#"cannot fetch `oci://HOST/app:1`: artifact `HOST/app:1` has two different files "a.env""#);
    insta::assert_snapshot!(text(&[extended("compose.yaml", "name: b\n")]), @r#"cannot fetch `oci://HOST/app:1`: artifact `HOST/app:1` has two different files "compose.yaml""#);
    insta::assert_snapshot!(text(&[("envfile", json!({}), b"")]), @"cannot fetch `oci://HOST/app:1`: artifact `HOST/app:1`: file sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 has no name");
    insta::assert_snapshot!(failure(&[env("a.env", "A=1")]), @"cannot fetch `oci://HOST/app:1`: artifact `HOST/app:1` has no compose file");
}

#[test]
fn artifacts_have_limits() {
    let large = "#".repeat((1 << 20) + 1);
    insta::assert_snapshot!(failure(&[main("compose.yaml", &large)]), @r#"cannot fetch `oci://HOST/app:1`: artifact `HOST/app:1`: file "compose.yaml" has 1048577 bytes, 1048576 are allowed"#);
    let names: Vec<String> = (0..101).map(|number| format!("{number}.env")).collect();
    let many: Vec<File> = names.iter().map(|name| env(name, "")).collect();
    insta::assert_snapshot!(failure(&many), @"cannot fetch `oci://HOST/app:1`: artifact `HOST/app:1` has 101 files: 100 are allowed");
}

#[test]
fn what_is_no_project() {
    let mut content = Content::default();
    content.image("app", "1", &[]);
    insta::assert_snapshot!(failure_of(content), @"cannot fetch `oci://HOST/app:1`: `HOST/app:1` is not a `application/vnd.docker.compose.project`, but `application/vnd.oci.image.config.v1+json`");
    let mut content = Content::default();
    content.manifest("app", "1", &json!({"schemaVersion": 2, "manifests": []}));
    insta::assert_snapshot!(failure_of(content), @"cannot fetch `oci://HOST/app:1`: index `HOST/app:1` has no `application/vnd.docker.compose.project`");
    let mut content = Content::default();
    content.manifest("app", "1", &json!({"schemaVersion": 1}));
    insta::assert_snapshot!(failure_of(content), @"cannot fetch `oci://HOST/app:1`: cannot use artifact `HOST/app:1`: neither a manifest nor an index (schema version 1)");
    insta::assert_snapshot!(failure_of(Content::default()), @"cannot fetch `oci://HOST/app:1`: registry `HOST` does not give artifact `HOST/app:1`: not found");
}

#[test]
fn content_that_is_not_what_its_digest_says() {
    let mut content = Content::default();
    artifact(&mut content, "app", "1", &[main("compose.yaml", "name: a\n")]);
    content.replace("app", &crate::registry::digest(b"name: a\n"), b"name: b\n");
    insta::assert_snapshot!(failure_of(content), @"cannot fetch `oci://HOST/app:1`: registry `HOST` does not give artifact `HOST/app:1`: a layer has digest sha256:9aa29ea4012f59d336d24b7c12ddf5dea51a5c4ba44ae92dea070ce4e893708c, expected sha256:1e7e5f3c45fc71cc0d92ffd6a4136ce35256118f2cb9a940b09a9e336022a571");
    let mut content = Content::default();
    artifact(&mut content, "app", "1", &[main("compose.yaml", "name: a\n")]);
    content.replace("app", &crate::registry::digest(b"name: a\n"), &[b'#'; 100]);
    insta::assert_snapshot!(failure_of(content), @"cannot fetch `oci://HOST/app:1`: registry `HOST` does not give artifact `HOST/app:1`: a layer sha256:1e7e5f3c45fc71cc0d92ffd6a4136ce35256118f2cb9a940b09a9e336022a571 is not 8 bytes long");
}
