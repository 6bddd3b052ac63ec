//! What files a build sees, and where they come from.

use serde_json::{Value, json};

use crate::cache::Build;
use crate::support::Sandbox;

#[test]
fn what_is_left_out_is_not_mounted() {
    let sandbox = Sandbox::new("build-hidden");
    let list = "find . -mindepth 1 | LC_ALL=C sort | tr '\\n' ' '";
    let dockerfile = format!(
        "FROM rootfs:/ AS list\nRUN --mount=target=/c cd /c; {list} > /all\n\
         RUN --mount=source=sub,target=/c,rw cd /c; {list} > /sub; touch new; rm keep; stat -c %a . > /mode\n\
         FROM scratch\nCOPY --from=list /all /sub /mode /\n"
    );
    let build = Build::new(&sandbox, &dockerfile);
    for file in ["sub/keep", "sub/drop", "secret/key", "deep/secret", "deep/open", "empty/x"] {
        build.write(file, "");
    }
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o751);
    fs_err::set_permissions(build.path("sub"), mode).unwrap();
    build.write(
        ".dockerignore",
        "compose.yaml\nDockerfile\n.dockerignore\n**/secret\nsub/*\n!sub/keep\nempty\n!empty/y\n",
    );
    build.steps();
    let image = build.image();
    assert_eq!(
        image.tree(),
        "0644 /all \"./a ./b ./deep ./deep/open ./sub ./sub/keep \"\n0644 /mode \"751\\n\"\n0644 /sub \"./keep \"\n"
    );
    assert!(build.path("sub/keep").exists() && !build.path("sub/new").exists(), "the context is as it was");
    build.write("secret/key", "other");
    assert_eq!(build.steps(), "...", "what is not seen does not count");
}

#[test]
fn an_image_in_a_directory() {
    let sandbox = Sandbox::new("build-layout");
    let build = Build::new(&sandbox, "FROM scratch\nCOPY a /a\nENV FROM=layout\n");
    // A cache in the layout of OCI has no image; what this one is made of makes one.
    build.compose(", cache_to: ['type=local,dest=layout']");
    build.steps();
    let config = build.image().document.to_string();
    let put = |bytes: &str| {
        let digest = crate::support::registry::digest(bytes.as_bytes());
        build.write(&format!("layout/blobs/sha256/{}", &digest[7..]), bytes);
        json!({"mediaType": "", "digest": digest, "size": bytes.len()})
    };
    let index: Value = serde_json::from_slice(&fs_err::read(build.path("layout/index.json")).unwrap()).unwrap();
    let cache = index["manifests"][0]["digest"].as_str().unwrap().replace("sha256:", "layout/blobs/sha256/");
    let mut manifest: Value = serde_json::from_slice(&fs_err::read(build.path(&cache)).unwrap()).unwrap();
    manifest["config"] = put(&config);
    manifest["config"]["mediaType"] = json!("application/vnd.oci.image.config.v1+json");
    let mut descriptor = put(&manifest.to_string());
    descriptor["annotations"] = json!({"org.opencontainers.image.ref.name": "two"});
    let digest = descriptor["digest"].as_str().unwrap().to_owned();
    build.write(
        "layout/index.json",
        &json!({"schemaVersion": 2, "manifests": [index["manifests"][0], descriptor]}).to_string(),
    );

    build.write("Dockerfile", "FROM base\nCOPY --from=base /a /b\nLABEL from=$FROM\n");
    for context in ["oci-layout://layout:two".to_owned(), format!("oci-layout://./layout@{digest}")] {
        fs_err::remove_dir_all(sandbox.path().join("root/images")).unwrap();
        build.compose(&format!(", additional_contexts: {{base: '{context}'}}"));
        assert_eq!(build.steps(), "+", "{context}");
        assert_eq!(build.image().document["config"]["Labels"]["from"], "layout");
        assert_eq!(build.image().tree(), "0644 /a \"a\\n\"\n0644 /b \"a\\n\"\n");
    }
    for (context, reason) in [
        ("layout:three", "there is no image `oci-layout://layout:three`"),
        ("nowhere", "there is no image `oci-layout://nowhere`"),
        ("layout", "not a container image"),
    ] {
        build.compose(&format!(", additional_contexts: {{base: 'oci-layout://{context}'}}"));
        build.stack.rcompose(&["build"]).fails_with(1).says(&[reason]);
    }
}

#[test]
fn a_key_signs_and_is_not_seen() {
    let sandbox = Sandbox::new("build-ssh");
    let dockerfile = "FROM rootfs:/ AS list
RUN --mount=type=ssh,id=k ssh-add -L > /keys; ssh-add -T /keys && echo right > /signed
FROM scratch
COPY --from=list /keys /signed /
";
    let build = Build::new(&sandbox, dockerfile);
    let key = build.path("key");
    let make = |passphrase: &str| {
        let mut command = std::process::Command::new("ssh-keygen");
        command.args(["-q", "-t", "ed25519", "-C", "me", "-N", passphrase, "-f"]).arg(&key);
        assert!(command.status().unwrap().success());
    };
    make("");
    build.compose(", ssh: [k=key]");
    build.steps();
    let public = fs_err::read_to_string(build.path("key.pub")).unwrap();
    let public = public.rsplit_once(' ').unwrap().0;
    let tree = build.image().tree();
    assert!(tree.contains(&format!("/keys \"{public} me\\n\"")) && tree.contains("/signed \"right\\n\""), "{tree}");
    fs_err::remove_file(&key).unwrap();
    make("secret");
    build.stack.rcompose(&["build"]).fails_with(1).says(&["SSH key `k`", "protected by a passphrase", "ssh-add KEY"]);
    build.write("key", "none");
    build.stack.rcompose(&["build"]).fails_with(1).says(&["no private key"]);
}

#[test]
fn devices_of_the_machine() {
    let sandbox = Sandbox::new("build-devices");
    let dockerfile = "FROM rootfs:/ AS list\nRUN --security=insecure [ -c /dev/kmsg ] && ls /dev/shm /dev/pts && echo yes > /nodes\n\
                      RUN [ ! -e /dev/kmsg ]; echo no > /confined\nFROM scratch\nCOPY --from=list /nodes /confined /\n";
    let build = Build::new(&sandbox, dockerfile);
    build.compose(", entitlements: [security.insecure]");
    build.steps();
    assert_eq!(build.image().tree(), "0644 /confined \"no\\n\"\n0644 /nodes \"yes\\n\"\n");
}

#[test]
fn what_is_better_done_otherwise_is_said_in_short() {
    let sandbox = Sandbox::new("build-lint");
    let build = Build::new(&sandbox, "FROM scratch as one\nCOPY a /a\nCMD x\n");
    let text = "2 warnings found (use --check to expand):\n - FromAsCasing: ";
    let told = build.stack.rcompose(&["--progress", "plain", "build"]).succeeds();
    assert!(told.stderr.contains(text) && told.stderr.contains("(Dockerfile:3)"), "{told}");
    for quiet in [&["build", "-q"][..], &["--progress", "json", "build"], &["--progress", "quiet", "build"]] {
        let told = build.stack.rcompose(quiet).succeeds();
        assert!(!told.stderr.contains("warnings found"), "{told}");
    }
}

#[test]
fn as_a_file_for_bake() {
    let sandbox = Sandbox::new("build-print");
    // What docker compose 2.40.3 prints for this file, but for the version.
    let compose = r#"services:
  base: {build: {context: ./base}}
  web:
    image: own/web:2
    build:
      context: .
      dockerfile: Docker.web
      args: {A: "1", B: }
      additional_contexts: {base: "service:base", img: "docker-image://alpine"}
      cache_from: ["a:b", "type=local,src=c"]
      cache_to: ["type=inline"]
      entitlements: [network.host]
      extra_hosts: ["one:10.0.0.1"]
      labels: {x: y}
      network: host
      no_cache: true
      platforms: [linux/amd64, linux/arm64]
      privileged: true
      provenance: mode=max
      sbom: true
      pull: true
      secrets: [s, {source: e, target: t}]
      shm_size: 64m
      ssh: [default, k=/key]
      tags: [other:3]
      target: final
      ulimits: {nofile: 100, nproc: {soft: 1, hard: 2}}
  inl:
    image: own/inl
    build: {context: ., dockerfile_inline: "FROM scratch"}
secrets: {s: {file: ./s}, e: {environment: HOME}}
"#;
    let stack = sandbox.stack("p", compose);
    let at = stack.file().parent().unwrap().display().to_string();
    let printed = |flags: &[&str]| -> Value {
        let text = stack.rcompose(&[&["build", "--print"], flags].concat()).succeeds().stdout;
        serde_json::from_str(&text).unwrap()
    };
    let mut file = printed(&[]);
    for target in file["target"].as_object_mut().unwrap().values_mut() {
        target["labels"].as_object_mut().unwrap().remove("com.docker.compose.version").unwrap();
    }
    let labels = |service: &str| json!({"com.docker.compose.project": "p", "com.docker.compose.service": service});
    let mut of_web = labels("web");
    of_web["x"] = json!("y");
    let expected = json!({
        "group": {"default": {"targets": ["base", "inl", "web"]}},
        "target": {
            "base": {"context": format!("{at}/base"), "dockerfile": format!("{at}/base/Dockerfile"),
                "labels": labels("base"), "tags": ["p-base"], "output": ["type=docker"]},
            "inl": {"context": at, "dockerfile-inline": "FROM scratch", "labels": labels("inl"), "tags": ["own/inl"],
                "output": ["type=docker"]},
            "web": {
                "context": at, "contexts": {"base": "target:base", "img": "docker-image://alpine"},
                "dockerfile": format!("{at}/Docker.web"), "args": {"A": "1"}, "labels": of_web,
                "tags": ["other:3", "own/web:2"], "cache-from": ["a:b", "type=local,src=c"],
                "cache-to": ["type=inline"], "target": "final",
                "secret": [format!("id=s,type=file,src={at}/s"), "id=t,type=env,env=HOME"],
                "ssh": ["default=", "k=/key"], "platforms": ["linux/amd64", "linux/arm64"], "pull": true,
                "no-cache": true, "network": "host", "shm-size": "67108864", "ulimits": ["nofile=100", "nproc=1:2"],
                "entitlements": ["network.host", "security.insecure"], "extra-hosts": {"one": "10.0.0.1"},
                "output": ["type=image,push=false"], "attest": ["type=provenance,mode=max", "type=sbom"],
            },
        },
    });
    assert_eq!(file, expected, "{file:#}");

    let file = printed(&["--push", "--build-arg", "C=2", "--ssh", "z=/z", "--pull", "--no-cache", "inl", "base"]);
    let inl = &file["target"]["inl"];
    assert_eq!((&inl["args"], &inl["ssh"]), (&json!({"C": "2"}), &json!(["z=/z"])));
    assert_eq!(
        (&inl["pull"], &inl["no-cache"], &inl["output"]),
        (&json!(true), &json!(true), &json!(["type=registry"]))
    );
    assert_eq!(file["target"]["base"]["output"], json!(["type=docker"]), "it has a name for this machine alone");
    assert!(printed(&["web"])["target"]["base"].is_object(), "what it needs is there");
}
