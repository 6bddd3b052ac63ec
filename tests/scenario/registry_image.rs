//! An image of the test's own for the registry of the test: busybox, and a configuration that uses every field.

use serde_json::{Value, json};
use tar::{Builder, EntryType, Header};

use crate::support::registry::Content;

/// What containers of the image run, unless told otherwise.
const ENTRY: &str = "#!/bin/sh
echo \"arguments: $*\"
trap 'echo stopped by USR1; exit 0' USR1
echo ready > /tmp/ready
while :; do sleep 0.05; done
";

/// The commands of busybox that the scenarios use.
const COMMANDS: [&str; 7] = ["cat", "env", "id", "pwd", "sh", "sleep", "test"];

/// Adds the image `repository:tag`, in which the variable `GREETING` is `greeting`.
pub(crate) fn add(content: &mut Content, repository: &str, tag: &str, greeting: &str) -> String {
    content.configured_image(repository, tag, &config(greeting), &[layer()])
}

/// A registry's content with nothing but this image as Docker Hub's `app:1`.
pub(crate) fn hub(greeting: &str) -> Content {
    let mut content = Content::default();
    add(&mut content, "library/app", "1", greeting);
    content
}

fn config(greeting: &str) -> Value {
    json!({
        "Entrypoint": ["/entry"],
        "Cmd": ["from", "image"],
        "Env": ["PATH=/bin", format!("GREETING={greeting}")],
        "User": "app",
        "WorkingDir": "/srv/work",
        "Volumes": {"/data": {}},
        "StopSignal": "SIGUSR1",
        "Healthcheck": {"Test": ["CMD", "test", "-e", "/tmp/ready"], "Interval": 100_000_000},
    })
}

/// The only layer, as (blob, tar).
pub(crate) fn layer() -> (Vec<u8>, Vec<u8>) {
    let mut tar = Builder::new(Vec::new());
    for (directory, mode, owner) in
        [("bin", 0o755, 0), ("etc", 0o755, 0), ("tmp", 0o1777, 0), ("srv/work", 0o755, 0), ("data", 0o755, 1234)]
    {
        append(&mut tar, directory, EntryType::Directory, mode, owner, b"");
    }
    append(&mut tar, "bin/busybox", EntryType::Regular, 0o755, 0, &fs_err::read("/bin/busybox").unwrap());
    for command in COMMANDS {
        let mut header = header(EntryType::Symlink, 0o777, 0);
        tar.append_link(&mut header, format!("bin/{command}"), "busybox").unwrap();
    }
    append(&mut tar, "entry", EntryType::Regular, 0o755, 0, ENTRY.as_bytes());
    append(
        &mut tar,
        "etc/passwd",
        EntryType::Regular,
        0o644,
        0,
        b"root:x:0:0::/:/bin/sh\napp:x:1234:1234::/data:/bin/sh\n",
    );
    append(&mut tar, "etc/group", EntryType::Regular, 0o644, 0, b"root:x:0:\napp:x:1234:\n");
    append(&mut tar, "data/seed", EntryType::Regular, 0o644, 1234, b"from the image\n");
    let tar = tar.into_inner().unwrap();
    (tar.clone(), tar)
}

fn append(tar: &mut Builder<Vec<u8>>, path: &str, kind: EntryType, mode: u32, owner: u64, bytes: &[u8]) {
    let mut header = header(kind, mode, owner);
    header.set_size(bytes.len() as u64);
    tar.append_data(&mut header, path, bytes).unwrap();
}

fn header(kind: EntryType, mode: u32, owner: u64) -> Header {
    let mut header = Header::new_ustar();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_uid(owner);
    header.set_gid(owner);
    header.set_size(0);
    header
}
