//! Images for other machines: their files are as good as any, their programs are not run.

use serde_json::json;

use crate::cache::Build;
use crate::support::Sandbox;
use crate::support::registry::{Behaviour, Content};

/// An image `many` for two machines, with a file that says for which.
fn many() -> Content {
    let mut content = Content::default();
    let repository = "library/many";
    let mut manifests = Vec::new();
    for architecture in ["amd64", "arm64"] {
        let mut header = tar::Header::new_gnu();
        header.set_size(architecture.len() as u64);
        header.set_mode(0o644);
        let mut archive = tar::Builder::new(Vec::new());
        archive.append_data(&mut header, "arch", architecture.as_bytes()).unwrap();
        let archive = archive.into_inner().unwrap();
        let layer = content.blob(repository, "application/vnd.oci.image.layer.v1.tar", &archive);
        let config = json!({
            "os": "linux", "architecture": architecture, "config": {},
            "rootfs": {"type": "layers", "diff_ids": [layer["digest"]]},
        });
        let config =
            content.blob(repository, "application/vnd.oci.image.config.v1+json", config.to_string().as_bytes());
        let manifest = json!({"schemaVersion": 2, "config": config, "layers": [layer]});
        let digest = content.manifest(repository, architecture, &manifest);
        let platform = json!({"os": "linux", "architecture": architecture});
        manifests.push(json!({"mediaType": "", "digest": digest, "size": 1, "platform": platform}));
    }
    content.manifest(repository, "latest", &json!({"schemaVersion": 2, "manifests": manifests}));
    content
}

#[test]
fn files_of_an_image_for_another_machine() {
    let sandbox = Sandbox::new("build-platform");
    let registry = sandbox.hub(many(), Behaviour::default());
    let dockerfile = "FROM --platform=linux/arm64 many AS other
FROM --platform=$BUILDPLATFORM many AS own
FROM scratch
COPY --from=other /arch /other
COPY --from=own /arch /own
";
    let build = Build::new(&sandbox, dockerfile);
    assert_eq!(build.steps(), "++");
    assert_eq!(build.image().tree(), "0644 /other \"arm64\"\n0644 /own \"amd64\"\n");
    assert_eq!(build.image().document["architecture"], "amd64");
    let before = registry.requests().len();
    assert_eq!(build.steps(), "..");
    assert_eq!(registry.requests().len(), before, "it is asked once");
    build.write("Dockerfile", "FROM --platform=linux/riscv64 many\n");
    build.stack.rcompose(&["build"]).fails_with(1).says(&["cannot begin with image `many` for linux/riscv64"]);
}

#[test]
fn an_image_for_another_machine() {
    let sandbox = Sandbox::new("build-for-other");
    let _registry = sandbox.hub(many(), Behaviour::default());
    let build = Build::new(&sandbox, "FROM many\nARG TARGETPLATFORM\nCOPY a /a\nLABEL for=$TARGETPLATFORM\n");
    build.compose(", platforms: [linux/arm64, linux/riscv64]");
    let told = build.stack.rcompose(&["build"]).succeeds();
    assert!(told.stderr.contains("built for linux/arm64 alone, and not for linux/riscv64"), "{told}");
    let document = build.image().document;
    assert_eq!(
        (&document["architecture"], &document["config"]["Labels"]["for"]),
        (&json!("arm64"), &json!("linux/arm64"))
    );
    assert_eq!(build.image().tree(), "0644 /a \"a\\n\"\n0644 /arch \"arm64\"\n");
    build.write("Dockerfile", "FROM scratch\nCOPY a /a\n");
    build.steps();
    assert_eq!(build.image().document["architecture"], "arm64", "an empty one is for it too");
}

#[test]
fn a_program_for_another_machine() {
    let sandbox = Sandbox::new("build-emulated");
    let _registry = sandbox.hub(many(), Behaviour::default());
    // This machine may have an emulator for one of them.
    let build = Build::new(&sandbox, "FROM --platform=linux/arm64 many\nRUN [\"/arch\"]\n");
    let told = build.stack.rcompose(&["build"]).fails_with(1);
    match std::path::Path::new("/proc/sys/fs/binfmt_misc/qemu-aarch64").exists() {
        true => assert!(!told.stderr.contains("no emulator"), "{told}"),
        false => drop(told.says(&["linux/arm64", "no emulator is registered", "qemu-user-static", "Dockerfile:2"])),
    }
}
