//! The mounts of a command, each kind and option as seen from inside.

use std::io::{Read, Write};
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixListener;

use rcompose::build::run::{BindSource, Cache, Cancel, Mount, Ownership, RunError, Sharing, SshAgent, script};

use crate::harness::Machine;

pub(crate) fn bind(target: &str, layer: &str, path: &str, writable: bool) -> Mount {
    let source = BindSource { layers: vec![layer.into()], path: path.into() };
    Mount::Bind { target: target.into(), source, writable }
}

fn cache(target: &str, id: &str, sharing: Sharing) -> Cache {
    let ownership = Ownership { mode: 0o750, uid: 1, gid: 2 };
    Cache { target: target.into(), id: id.to_owned(), sharing, read_only: false, from: None, ownership }
}

fn secret(id: &str, target: Option<&str>, env: Option<&str>, required: bool) -> Mount {
    let ownership = Ownership { mode: 0o400, uid: 1000, gid: 1001 };
    Mount::Secret { id: id.to_owned(), target: target.map(Into::into), env: env.map(Into::into), required, ownership }
}

/// A tree with a file, a directory, and links that try to lead out of it.
fn context(machine: &Machine) -> String {
    let context = machine.path("context");
    fs_err::create_dir_all(context.join("sub")).unwrap();
    fs_err::write(context.join("file"), "in the context").unwrap();
    fs_err::write(context.join("sub/below"), "below").unwrap();
    std::os::unix::fs::symlink("/etc/passwd", context.join("out")).unwrap();
    std::os::unix::fs::symlink("../../..", context.join("up")).unwrap();
    context.to_str().unwrap().to_owned()
}

#[test]
fn a_directory_and_a_file_that_cannot_be_written_to() {
    let machine = Machine::new();
    let context = context(&machine);
    let script =
        "cat /src/file /src/sub/below /one; echo; echo x > /src/new || echo x > /one || echo refused; ls target";
    let outcome = machine.sh_with(script, |run| {
        run.cwd = "/work".into();
        run.mounts = vec![
            bind("/src", &context, "/", false),
            bind("/one", &context, "file", false),
            bind("target", &context, "/sub", false),
        ];
    });
    assert_eq!(outcome.text(), "in the contextbelowin the context\nrefused\nbelow");
}

#[test]
fn what_is_written_to_a_bind_mount_is_thrown_away() {
    let machine = Machine::new();
    let context = context(&machine);
    let mut workspace = machine.workspace();
    let mut request = machine.request("echo changed > /src/file; rm -r /src/sub; mkdir /src/new; cat /src/file");
    request.mounts = vec![bind("/src", &context, "/", true)];
    assert_eq!(machine.run(&request, &mut workspace).text(), "changed");
    assert_eq!(fs_err::read_to_string(format!("{context}/file")).unwrap(), "in the context");
    assert!(std::path::Path::new(&context).join("sub/below").exists());
    // Each time anew.
    assert_eq!(machine.sh_with("cat /src/file", |run| run.mounts = request.mounts.clone()).text(), "in the context");
    // A part of it, and a file.
    let outcome = machine.sh_with("echo x > /sub/x; echo y > /file; cat /file; ls /sub", |run| {
        run.mounts = vec![bind("/sub", &context, "sub", true), bind("/file", &context, "/file", true)];
    });
    assert_eq!(outcome.text(), "y\nbelow\nx");
}

#[test]
fn of_several_layers() {
    let machine = Machine::new();
    let context = context(&machine);
    let above = machine.path("above");
    fs_err::create_dir_all(above.join("sub")).unwrap();
    fs_err::write(above.join("sub/above"), "").unwrap();
    // A whiteout.
    let whiteout = above.join("file");
    nix::sys::stat::mknod(&whiteout, nix::sys::stat::SFlag::S_IFCHR, nix::sys::stat::Mode::empty(), 0).unwrap();
    let source = |path: &str| BindSource { layers: vec![(&context).into(), above.clone()], path: path.into() };
    for writable in [false, true] {
        let outcome = machine.sh_with("ls /src /sub; ls /none 2>/dev/null | wc -l", |run| {
            let mount = |target: &str, path| Mount::Bind { target: target.into(), source: source(path), writable };
            let none = BindSource { layers: Vec::new(), path: "/".into() };
            run.mounts = vec![
                mount("/src", "/"),
                mount("/sub", "sub"),
                Mount::Bind { target: "/none".into(), source: none, writable },
            ];
        });
        assert_eq!(outcome.text(), "/src:\nout\nsub\nup\n\n/sub:\nabove\nbelow\n0");
    }
}

#[test]
fn no_link_leads_out_of_a_source() {
    let machine = Machine::new();
    let context = context(&machine);
    for (path, expected) in [("/nothing", "nothing"), ("out", "out")] {
        let outcome = machine.sh_with("cat /x", |run| run.mounts = vec![bind("/x", &context, path, false)]);
        let error = outcome.error();
        assert!(matches!(&error, RunError::Source { path, .. } if path.ends_with(expected)), "{error:?}");
    }
    let outcome = machine.sh_with("ls /x", |run| run.mounts = vec![bind("/x", &context, "up", false)]);
    assert_eq!(outcome.text(), "file\nout\nsub\nup");
}

#[test]
fn a_cache_outlasts_the_command() {
    let machine = Machine::new();
    let mut workspace = machine.workspace();
    let mut request = machine.request("stat -c '%a %u %g' /cache; echo kept > /cache/file; ls -A /cache");
    request.mounts = vec![Mount::Cache(cache("/cache", "one", Sharing::Locked))];
    assert_eq!(machine.run(&request, &mut workspace).text(), "750 1 2\nfile");
    assert_eq!(crate::harness::tree(&machine.seal(workspace).directory), [""; 0]);
    for (id, read_only, expected) in [("one", false, "kept\n0"), ("one", true, "kept\n1"), ("two", false, "0")] {
        let script = "cat /cache/file 2>/dev/null; touch /cache/new 2>/dev/null; echo $?";
        let mount = Cache { read_only, ..cache("/cache", id, Sharing::Shared) };
        let outcome = machine.sh_with(script, |run| run.mounts = vec![Mount::Cache(mount)]);
        assert_eq!(outcome.text(), expected, "{id} {read_only}");
    }
}

#[test]
fn a_cache_that_is_in_use() {
    let machine = Machine::new();
    let context = context(&machine);
    let run = |id: &str, sharing, script: &str| {
        let from = Some(BindSource { layers: vec![(&context).into()], path: "/sub".into() });
        let mount = Mount::Cache(Cache { from, ..cache("/cache", id, sharing) });
        machine.sh_with(script, |run| run.mounts = vec![mount]).text()
    };
    // While one has it, another gets one of its own; each begins with what it is made from.
    let (home, script) = (machine.path("caches"), "touch /cache/mine; ls /cache");
    assert_eq!(run("private", Sharing::Private, script), "below\nmine");
    let first = crate::harness::names(&home).remove(0);
    let lock = std::fs::File::open(home.join(&first).join("0.lock")).unwrap();
    lock.lock().unwrap();
    assert_eq!(run("private", Sharing::Private, "ls /cache"), "below");
    drop(lock);
    assert_eq!(run("private", Sharing::Private, "ls /cache"), "below\nmine");

    // Who waits for it can be told to stop.
    let lock = std::fs::File::open(home.join(&first).join("0.lock")).unwrap();
    lock.lock().unwrap();
    let cancel = Cancel::new().unwrap();
    let stop = cancel.clone();
    let stopping = std::thread::spawn(move || stop.cancel());
    let mut request = machine.request("true");
    let from = Some(BindSource { layers: vec![(&context).into()], path: "/sub".into() });
    request.mounts = vec![Mount::Cache(Cache { from, ..cache("/cache", "private", Sharing::Locked) })];
    let outcome = machine.run_until(&request, &mut machine.workspace(), &cancel, |_| {});
    assert!(matches!(outcome.result, Err(RunError::Cancelled)), "{outcome:?}");
    stopping.join().unwrap();
}

#[test]
fn memory_that_goes_with_the_command() {
    let machine = Machine::new();
    let mut workspace = machine.workspace();
    let script = "grep ' /scratch ' /proc/mounts | cut -d' ' -f1-4; echo x > /scratch/file; \
                  head -c 2000000 /dev/zero 2>/dev/null > /scratch/large || echo full";
    let mut request = machine.request(script);
    request.mounts = vec![Mount::Tmpfs { target: "/scratch".into(), size: Some(1 << 20) }];
    let text = machine.run(&request, &mut workspace).text();
    assert!(text.starts_with("tmpfs /scratch tmpfs rw,nosuid") && text.contains("size=1024k"), "{text}");
    assert!(text.ends_with("full"), "{text}");
    assert_eq!(crate::harness::tree(&machine.seal(workspace).directory), [""; 0]);
}

#[test]
fn secrets() {
    let machine = Machine::new();
    let script = "stat -c '%a %u %g' /run/secrets/token; cat /run/secrets/token /other/place; echo; echo $TOKEN; \
                  grep -c secrets/token /proc/mounts; ls /run/secrets; echo x > /other/place 2>/dev/null || echo refused; \
                  ls /other";
    let mut workspace = machine.workspace();
    let mut request = machine.request(script);
    request.secrets.insert("token".to_owned(), b"s3cret".to_vec());
    request.mounts = vec![
        secret("token", None, None, true),
        secret("token", Some("/other/place"), Some("TOKEN"), true),
        secret("absent", None, None, false),
    ];
    let outcome = machine.run(&request, &mut workspace);
    assert_eq!(outcome.text(), "400 1000 1001\ns3crets3cret\ns3cret\n1\ntoken\nrefused\nplace");
    assert_eq!(crate::harness::tree(&machine.seal(workspace).directory), [""; 0]);

    let only_variable = vec![secret("token", None, Some("T"), true)];
    let with = |mounts: Vec<Mount>, secret: &[u8], script: &str| {
        machine.sh_with(script, |run| {
            run.secrets.insert("token".to_owned(), secret.to_vec());
            run.mounts = mounts;
        })
    };
    let outcome = with(only_variable.clone(), b"text", "echo $T; ls /run/secrets 2>/dev/null | grep -c token || true");
    assert_eq!(outcome.text(), "text\n0");
    assert!(matches!(with(only_variable, b"\xff", "true").error(), RunError::SecretIsNoText { .. }));
    let missing = with(vec![secret("absent", None, None, true)], b"", "true").error();
    assert_eq!(missing.to_string(), "secret `absent` was not given to the build");
}

#[test]
fn an_agent() {
    let machine = Machine::new();
    let socket = machine.path("agent.sock");
    let listener = UnixListener::bind(&socket).unwrap();
    let agent = std::thread::spawn(move || {
        let (mut client, _) = listener.accept().unwrap();
        let mut question = [0; 5];
        client.read_exact(&mut question).unwrap();
        client.write_all(&[b"answer to ", &question[..]].concat()).unwrap();
    });
    let ask = "import os, socket; s = socket.socket(socket.AF_UNIX); s.connect(os.environ['SSH_AUTH_SOCK']); \
               s.send(b'hello'); print(s.makefile('rb').read().decode(), oct(os.stat(os.environ['SSH_AUTH_SOCK']).st_mode), \
               os.environ['SSH_AUTH_SOCK'])";
    let mount = |id: &str, required| Mount::Ssh {
        id: id.to_owned(),
        target: None,
        required,
        ownership: Ownership { mode: 0o600, uid: 65534, gid: 65534 },
    };
    let outcome = machine.sh_with("", |run| {
        run.args = ["python3", "-c", ask].map(str::to_owned).to_vec();
        run.user = "nobody".to_owned();
        run.agents.insert("default".to_owned(), SshAgent::Socket(socket.clone()));
        run.mounts = vec![mount("absent", false), mount("default", true)];
    });
    assert_eq!(outcome.text(), "answer to hello 0o140600 /run/buildkit/ssh_agent.0");
    agent.join().unwrap();
    let error = machine.sh_with("", |run| run.mounts = vec![mount("absent", true)]).error();
    assert_eq!(error.to_string(), "SSH agent `absent` was not given to the build");
}

#[test]
fn a_script_with_an_interpreter() {
    let machine = Machine::new();
    let heredoc = rcompose::build::run::Heredoc { name: "EOF", content: "#!/usr/bin/env python3\nprint(6 * 7)\n" };
    let script = script(None, "<<EOF", &[heredoc]);
    let mut workspace = machine.workspace();
    let mut request = machine.request("");
    (request.args, request.mounts) = (script.args, script.mount.into_iter().collect());
    assert_eq!(machine.run(&request, &mut workspace).text(), "42");
    assert_eq!(crate::harness::tree(&machine.seal(workspace).directory), [""; 0]);
}

#[test]
fn the_directory_of_a_cache_is_its_owners() {
    let machine = Machine::new();
    let mount = Mount::Cache(cache("/cache", "one", Sharing::Shared));
    machine.sh_with("true", |run| run.mounts = vec![mount]).text();
    assert_eq!(machine.path("caches").metadata().unwrap().mode() & 0o777, 0o700);
}
