//! `watch` and `up --watch`: what is saved on this machine comes into the containers.

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::support::{Background, Sandbox, Stack, eventually};

/// A stack `shop` whose service `web`, which runs and does nothing, has these rules.
fn compose(further: &str, rules: &str) -> String {
    format!(
        "services:\n  web:\n    image: rootfs:/\n    init: true\n    command: [sleep, '1000']\n{further}    develop:\n      \
         watch:\n{rules}"
    )
}

const SYNC: &str = "        - {path: ./src, action: sync, target: /srv/app, ignore: [node_modules/, '*.log']}\n";

/// The roots of the running containers of `service`, as their processes have them.
fn roots(sandbox: &Sandbox, stack: &Stack<'_>, service: &str) -> Vec<PathBuf> {
    let count = stack.containers().iter().filter(|container| container.service == service).count();
    let root = |number: usize| {
        let index = number.to_string();
        let line = ["exec", "-T", "--index", &index, service, "sh", "-c", "readlink /proc/self/ns/mnt"];
        let namespace = stack.rcompose(&line).succeeds().stdout;
        let of_container = |pid: &i32| {
            fs_err::read_link(format!("/proc/{pid}/ns/mnt"))
                .is_ok_and(|link| link.to_str().is_some_and(|link| link == namespace.trim()))
        };
        let pid = sandbox.processes().iter().map(|process| process.pid).find(of_container).unwrap();
        PathBuf::from(format!("/proc/{pid}/root"))
    };
    (1..=count).map(root).collect()
}

/// Waits until a file of a container holds `content`.
#[track_caller]
fn holds(root: &Path, file: &str, content: &str) {
    let path = root.join(file);
    eventually(&format!("`{content}` in {}", path.display()), Duration::from_secs(20), || {
        (fs_err::read_to_string(&path).ok()? == content).then_some(())
    });
}

/// Waits until a container has no such file any more.
#[track_caller]
fn lacks(root: &Path, file: &str) {
    let path = root.join(file);
    eventually(&format!("the end of {}", path.display()), Duration::from_secs(20), || {
        fs_err::symlink_metadata(&path).is_err().then_some(())
    });
}

/// Runs `watch` until it watches.
fn watching(stack: &Stack<'_>, arguments: &[&str]) -> Background {
    let watch = stack.spawn(&[&["watch"], arguments].concat());
    watch.prints(" ⦿ Watch enabled");
    watch
}

#[track_caller]
fn ends(watch: Background) {
    watch.signal(Signal::SIGINT);
    watch.wait(Duration::from_secs(10)).fails_with(130);
}

#[test]
fn what_is_saved_comes_into_every_replica() {
    let sandbox = Sandbox::new("watch");
    let stack = sandbox.stack("shop", &compose("    scale: 2\n", SYNC));
    let src = |name: &str| sandbox.path().join("shop/src").join(name);
    sandbox.file("shop/src/before", "before");
    sandbox.file("shop/src/node_modules/deep/module", "1");
    let watch = watching(&stack, &[]);
    let roots = roots(&sandbox, &stack, "web");
    assert_eq!(roots.len(), 2);
    // Whose the files are is up to the image.
    for root in &roots {
        fs_err::create_dir_all(root.join("srv/app")).unwrap();
        nix::unistd::chown(&root.join("srv/app"), Some(1234.into()), Some(4321.into())).unwrap();
    }
    let saved = sandbox.file("shop/src/index.html", "one");
    fs_err::set_permissions(&saved, std::fs::Permissions::from_mode(0o640)).unwrap();
    for root in &roots {
        holds(root, "srv/app/index.html", "one");
        let status = fs_err::metadata(root.join("srv/app/index.html")).unwrap();
        assert_eq!((status.uid(), status.gid()), (1234, 4321));
    }
    watch.prints(" ⦿ Syncing service \"web\" after ");

    // As editors save: a file beside it, which takes its place.
    sandbox.file("shop/src/.index.html.swp", "swap");
    sandbox.file("shop/src/new", "two");
    fs_err::rename(src("new"), src("index.html")).unwrap();
    sandbox.file("shop/src/deep/er/file", "deep");
    sandbox.file("shop/src/node_modules/deep/module", "2");
    sandbox.file("shop/src/error.log", "log");
    sandbox.file("shop/src/last", "last");
    for root in &roots {
        holds(root, "srv/app/last", "last");
        holds(root, "srv/app/index.html", "two");
        holds(root, "srv/app/deep/er/file", "deep");
        for never in [".index.html.swp", "new", "node_modules", "error.log", "before"] {
            lacks(root, &format!("srv/app/{never}"));
        }
    }
    // What is removed, moved or becomes something else; and nothing comes back.
    fs_err::write(roots[0].join("srv/app/deep/made"), "in the container").unwrap();
    fs_err::rename(src("deep"), src("moved")).unwrap();
    fs_err::remove_file(src("index.html")).unwrap();
    sandbox.file("shop/src/index.html/now", "a directory");
    std::os::unix::fs::symlink("moved/er/file", src("link")).unwrap();
    for root in &roots {
        holds(root, "srv/app/moved/er/file", "deep");
        holds(root, "srv/app/index.html/now", "a directory");
        holds(root, "srv/app/link", "deep");
        lacks(root, "srv/app/deep");
    }
    assert!(!src("deep").exists() && !src("moved/made").exists());
    ends(watch);
    assert_eq!(stack.containers().len(), 2, "they run on");
    assert!(stack.containers().iter().all(|container| container.state == "running"));
}

#[test]
fn a_restart_and_a_command_follow_the_files() {
    let sandbox = Sandbox::new("watch-actions");
    let stack = sandbox.stack(
        "shop",
        &compose(
            "    stop_grace_period: 1s\n    entrypoint: [sh, -c, 'echo began; cat /srv/conf/app.conf; exec sleep 1000']\n",
            "        - {path: ./app.conf, action: sync+restart, target: /srv/conf/}\n        \
             - {path: ./reload, action: restart}\n        \
             - path: ./css\n          action: sync+exec\n          target: /srv/css\n          \
             exec: {command: [sh, -c, 'cat /srv/css/*; echo; exit 3'], user: root}\n",
        ),
    );
    for directory in ["css", "reload"] {
        fs_err::create_dir_all(sandbox.path().join("shop").join(directory)).unwrap();
    }
    sandbox.file("shop/app.conf", "port = 1\n");
    let watch = watching(&stack, &["web"]);
    sandbox.file("shop/app.conf", "port = 2\n");
    watch.prints("service(s) [\"web\"] restarted");
    stack.logs_show("web", "port = 2");
    let runs = |stack: &Stack<'_>| stack.rcompose(&["logs", "--no-log-prefix", "web"]).stdout.matches("began").count();
    assert_eq!(runs(&stack), 2);
    sandbox.file("shop/reload/now", "");
    eventually("a second restart", Duration::from_secs(20), || (runs(&stack) == 3).then_some(()));
    sandbox.file("shop/css/a.css", "body {}");
    watch.prints("web-1 -> | body {}");
    eventually("what the command ended with", Duration::from_secs(20), || {
        watch.stderr().contains("the command of `watch` exited with status 3 in shop-web-1").then_some(())
    });
    assert_eq!(runs(&stack), 3, "no restart");
    ends(watch);
}

#[test]
fn an_attached_up_watches_too() {
    let sandbox = Sandbox::new("watch-up");
    let stack = sandbox.stack(
        "shop",
        &compose(
            "    stop_grace_period: 1s\n    entrypoint: [sh, -c, 'cat /srv/app/a; exec sleep 1000']\n",
            "        - {path: ./src, action: sync+restart, target: /srv/app}\n",
        ),
    );
    fs_err::create_dir_all(sandbox.path().join("shop/src")).unwrap();
    let up = stack.spawn(&["up", "--watch", "--abort-on-container-exit"]);
    up.prints(" ⦿ Watch enabled");
    sandbox.file("shop/src/a", "first save\n");
    up.prints("| first save");
    up.prints("(restarting)");
    sandbox.file("shop/src/a", "second save\n");
    up.prints("| second save");
    up.signal(Signal::SIGINT);
    let outcome = up.wait(Duration::from_secs(20));
    assert!(matches!(outcome.status.code(), Some(130 | 143)), "{outcome}");
    assert_eq!(stack.container("web").state, "exited");
}

#[test]
fn a_container_that_starts_anew_gets_all_of_it() {
    let sandbox = Sandbox::new("watch-anew");
    let rules = "        - {path: ./src, action: sync, target: /srv/app, initial_sync: true}\n";
    let stack = sandbox.stack("shop", &compose("    tmpfs: [/srv/app/cache]\n", rules));
    sandbox.file("shop/src/a", "a");
    sandbox.file("shop/src/cache/b", "b");
    stack.rcompose(&["up", "-d"]).succeeds();
    let watch = watching(&stack, &["--no-up"]);
    let first = roots(&sandbox, &stack, "web").remove(0);
    // Once it watches, what there was is there.
    assert_eq!(fs_err::read_to_string(first.join("srv/app/a")).unwrap(), "a");
    assert_eq!(fs_err::read_to_string(first.join("srv/app/cache/b")).unwrap(), "b");
    stack.rcompose(&["stop", "-t", "1"]).succeeds();
    sandbox.file("shop/src/c", "c");
    fs_err::remove_file(sandbox.path().join("shop/src/a")).unwrap();
    stack.rcompose(&["start"]).succeeds();
    let second = roots(&sandbox, &stack, "web").remove(0);
    holds(&second, "srv/app/c", "c");
    holds(&second, "srv/app/cache/b", "b");
    lacks(&second, "srv/app/a");
    stack.rcompose(&["up", "-d", "--force-recreate", "-t", "1"]).succeeds();
    let third = roots(&sandbox, &stack, "web").remove(0);
    holds(&third, "srv/app/c", "c");
    ends(watch);
}

#[test]
fn ten_thousand_changes_are_few_batches() {
    const FILES: usize = 10_000;
    let sandbox = Sandbox::new("watch-burst");
    // In memory on both sides: what is tried is watching, and no disk.
    let memory = tempfile::tempdir_in("/dev/shm").unwrap();
    let src = memory.path().join("src");
    fs_err::create_dir(&src).unwrap();
    let rule = format!("        - {{path: {}, action: sync, target: /srv/app/src}}\n", src.display());
    let stack = sandbox.stack("shop", &compose("    tmpfs: [/srv/app]\n", &rule));
    let watch = watching(&stack, &[]);
    let root = roots(&sandbox, &stack, "web").remove(0);
    for directory in 0..100 {
        let directory = src.join(directory.to_string());
        fs_err::create_dir(&directory).unwrap();
        for file in 0..FILES / 100 {
            fs_err::write(directory.join(file.to_string()), "x").unwrap();
        }
    }
    let count = || {
        let files = |directory: std::io::Result<fs_err::DirEntry>| {
            fs_err::read_dir(directory.unwrap().path()).map_or(0, Iterator::count)
        };
        fs_err::read_dir(root.join("srv/app/src")).map_or(0, |directories| directories.map(files).sum())
    };
    eventually("all files", Duration::from_secs(60), || (count() == FILES).then_some(()));
    let batches = watch.stdout().matches("Syncing service").count();
    assert!(batches < 100, "{batches} batches");
    fs_err::remove_dir_all(&src).unwrap();
    lacks(&root, "srv/app/src");
    fs_err::create_dir(&src).unwrap();
    fs_err::write(src.join("again"), "again").unwrap();
    holds(&root, "srv/app/src/again", "again");
    ends(watch);
}

#[test]
fn what_the_build_leaves_out_is_left_out() {
    let sandbox = Sandbox::new("watch-dockerignore");
    let stack = sandbox.stack("shop", &compose("", SYNC));
    fs_err::create_dir_all(sandbox.path().join("shop/src/out")).unwrap();
    stack.rcompose(&["up", "-d"]).succeeds();
    // There is no `build` yet; what it would leave out is known all the same.
    stack.rewrite(&compose("    build: .\n", SYNC));
    sandbox.file("shop/.dockerignore", "# what is made\nsrc/out\n!src/out/kept\n**/*.tmp\n");
    let watch = watching(&stack, &["--no-up"]);
    let root = roots(&sandbox, &stack, "web").remove(0);
    for name in ["out/made", "out/kept", "a.tmp", "z"] {
        sandbox.file(&format!("shop/src/{name}"), name);
    }
    holds(&root, "srv/app/z", "z");
    holds(&root, "srv/app/out/kept", "out/kept");
    assert!(!root.join("srv/app/out/made").exists() && !root.join("srv/app/a.tmp").exists());
    ends(watch);
}

#[test]
fn a_mounted_directory_is_there_already() {
    let sandbox = Sandbox::new("watch-mounted");
    let stack = sandbox.stack(
        "shop",
        &compose(
            "    volumes: ['./mounted:/srv/mounted', './src/inner:/srv/app/inner', 'kept:/srv/app/gone/kept']\n",
            &format!("        - {{path: ./mounted/deep, action: sync, target: /srv/elsewhere}}\n{SYNC}"),
        ),
    );
    fs_err::write(stack.file(), format!("{}\nvolumes: {{kept: }}\n", fs_err::read_to_string(stack.file()).unwrap()))
        .unwrap();
    for file in ["mounted/deep/a", "src/inner/b", "src/gone/c"] {
        sandbox.file(&format!("shop/{file}"), "1");
    }
    let watch = watching(&stack, &[]);
    assert!(watch.stderr().contains("its containers have"), "{}", watch.stderr());
    assert!(watch.stderr().contains("shop/mounted/deep` of service `web` is not watched"), "{}", watch.stderr());
    let root = roots(&sandbox, &stack, "web").remove(0);
    fs_err::write(root.join("srv/app/gone/kept/data"), "data").unwrap();
    let inner = sandbox.path().join("shop/src/inner/b");
    let inode = fs_err::metadata(&inner).unwrap().ino();
    sandbox.file("shop/mounted/deep/a", "2");
    sandbox.file("shop/src/inner/b", "2");
    fs_err::remove_dir_all(sandbox.path().join("shop/src/gone")).unwrap();
    sandbox.file("shop/src/z", "z");
    holds(&root, "srv/app/z", "z");
    assert!(!root.join("srv/elsewhere").exists());
    assert_eq!(fs_err::read_to_string(&inner).unwrap(), "2");
    assert_eq!(fs_err::metadata(&inner).unwrap().ino(), inode, "the file itself is left alone");
    assert_eq!(fs_err::read_to_string(root.join("srv/app/gone/kept/data")).unwrap(), "data", "volumes are");
    ends(watch);
}

#[test]
fn what_cannot_be_written_is_told_and_watching_goes_on() {
    let sandbox = Sandbox::new("watch-guarded");
    let stack = sandbox.stack(
        "shop",
        &compose("    read_only: true\n    tmpfs: [/srv/app]\n", SYNC).replace(
            "ignore: [node_modules/, '*.log']}\n",
            "ignore: [node_modules/, '*.log']}\n        - {path: ./other, action: sync, target: /srv/other}\n",
        ),
    );
    for directory in ["src", "other"] {
        fs_err::create_dir_all(sandbox.path().join("shop").join(directory)).unwrap();
    }
    let watch = watching(&stack, &[]);
    let root = roots(&sandbox, &stack, "web").remove(0);
    sandbox.file("shop/other/a", "a");
    eventually("that it cannot be written to", Duration::from_secs(20), || {
        watch.stderr().contains("cannot sync shop-web-1: cannot write `/srv/other").then_some(())
    });
    sandbox.file("shop/src/a", "a");
    holds(&root, "srv/app/a", "a");
    ends(watch);
}

#[test]
fn what_cannot_be_watched() {
    let sandbox = Sandbox::new("watch-mistakes");
    let stack = sandbox.stack("shop", "services: {web: {image: 'rootfs:/', command: [sleep, '1000']}}");
    for line in [&["watch"][..], &["watch", "--no-up"], &["up", "--watch"]] {
        stack.rcompose(line).fails_with(1).says(&["none of the selected services is configured for watch"]);
    }
    stack.rcompose(&["watch", "wbe"]).fails_with(1).says(&["wbe"]);
    stack.rewrite(&compose("", "        - {path: ., action: rebuild}\n"));
    let said = "cannot watch service `web`: the action `rebuild` needs `build`, which it does not have";
    stack.rcompose(&["watch"]).fails_with(1).says(&[said]);
    stack.rewrite(&compose("", "        - {path: ., action: sync, target: /a, ignore: ['[z-a]']}\n"));
    stack.rcompose(&["watch"]).fails_with(1).says(&["`[z-a]` in `ignore` of service `web` is not a pattern"]);
    stack.rewrite(&compose("", "        - {path: ./none/none, action: sync, target: /a}\n"));
    stack.rcompose(&["watch"]).fails_with(1).says(&["cannot watch `", "/shop/none`"]);
    stack.rcompose(&["up", "-d", "--watch"]).fails_with(1).says(&["cannot be used with"]);
}
