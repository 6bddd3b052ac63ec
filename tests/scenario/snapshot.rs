//! Snapshots: what is in volumes is kept under a name, and put back.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::mount::{MsFlags, mount, umount};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::support::{Sandbox, Stack, eventually};

/// A service that has a volume, and one that has not.
const SHOP: &str = "
services:
  db:
    image: rootfs:/
    init: true
    command: [sleep, '1000']
    volumes: ['data:/data', 'more:/more']
  web: {image: 'rootfs:/', init: true, command: [sleep, '1000']}
volumes: {data: {}, more: {}}
";

const LONG: Duration = Duration::from_secs(30);

fn data(sandbox: &Sandbox, volume: &str) -> PathBuf {
    sandbox.path().join("root/volumes").join(volume).join("data")
}

#[track_caller]
fn text(path: &Path) -> String {
    fs_err::read_to_string(path).unwrap()
}

/// Writes many files of one content: a copy of them takes its time.
fn many(directory: &Path, content: &str) {
    for number in 0..800 {
        fs_err::write(directory.join(number.to_string()), content).unwrap();
    }
}

fn signal_supervisor(stack: &Stack<'_>, signal: Signal) {
    kill(Pid::from_raw(stack.supervisor().unwrap()), signal).unwrap();
}

/// Runs a command, and stops the supervisor in the middle of its copy to `target`, as long as there is `mark`.
fn caught(stack: &Stack<'_>, arguments: &[&str], target: &Path, mark: &Path) -> crate::support::Background {
    for _ in 0..20 {
        let command = stack.spawn(arguments);
        eventually("the copy has begun", LONG, || target.exists().then_some(()));
        signal_supervisor(stack, Signal::SIGSTOP);
        if mark.exists() {
            return command;
        }
        // It was quicker.
        signal_supervisor(stack, Signal::SIGCONT);
        command.wait(LONG).succeeds();
        stack.rcompose(&["snapshot", "rm", "-f", "seed"]).succeeds();
    }
    panic!("it always was quicker");
}

#[test]
fn services_get_back_what_they_had_and_are_started_again() {
    let sandbox = Sandbox::new("snap");
    let stack = sandbox.stack("shop", SHOP);
    stack.rcompose(&["up", "-d"]).succeeds();
    let file = data(&sandbox, "shop_data").join("file");
    fs_err::write(&file, "seeded").unwrap();
    stack
        .rcompose(&["snapshot", "create", "seed"])
        .succeeds()
        .says(&["Volume shop_data  Saved", "Volume shop_more  Saved"]);
    fs_err::write(&file, "used").unwrap();
    fs_err::write(file.with_file_name("litter"), "").unwrap();
    let (db, web) = (stack.container("db"), stack.container("web"));

    stack
        .rcompose(&["snapshot", "restore", "seed"])
        .fails_with(1)
        .says(&["shop_data is in use by shop-db-1", "--stop"]);
    assert_eq!(text(&file), "used");

    stack.rcompose(&["snapshot", "restore", "--stop", "seed"]).succeeds().says(&["shop-db-1  Started", "Restored"]);
    stack.rcompose(&["exec", "-T", "db", "cat", "/data/file"]).succeeds().prints(&["seeded"]);
    assert!(!file.with_file_name("litter").exists());
    assert_eq!((stack.container("db"), stack.container("web")), (db, web), "the same containers");
    let events = stack.rcompose(&["logs", "web"]).succeeds();
    assert_eq!(events.stdout, "", "the other service was left alone");
}

#[test]
fn restore_waits_for_the_health_of_what_it_starts() {
    let sandbox = Sandbox::new("snap-health");
    let compose = SHOP
        .replace("volumes: ['data", "healthcheck: {test: grep seeded /data/file, retries: 1000}\n    volumes: ['data");
    let stack = sandbox.stack("shop", &compose);
    stack.rcompose(&["create"]).succeeds();
    let file = data(&sandbox, "shop_data").join("file");
    fs_err::write(&file, "seeded").unwrap();
    stack.rcompose(&["up", "-d", "--wait"]).succeeds();
    stack.rcompose(&["snapshot", "create", "seed"]).succeeds();
    fs_err::write(&file, "used").unwrap();
    stack.rcompose(&["snapshot", "restore", "--stop", "seed"]).succeeds().says(&["shop-db-1  Healthy"]);
    assert_eq!(stack.container("db").health, "healthy");
}

#[test]
fn a_snapshot_survives_down_with_volumes() {
    let sandbox = Sandbox::new("snap-down");
    let stack = sandbox.stack("shop", SHOP);
    stack.rcompose(&["create"]).succeeds();
    let file = data(&sandbox, "shop_data").join("file");
    fs_err::write(&file, "seeded").unwrap();
    let owner = file.metadata().unwrap().ino();
    stack.rcompose(&["snapshot", "create", "seed"]).succeeds();
    stack.rcompose(&["down", "-v"]).succeeds();
    assert!(!file.exists());

    stack.rcompose(&["snapshot", "ls"]).succeeds().prints(&["SNAPSHOT NAME", "seed", "data,more"]);
    stack.rcompose(&["snapshot", "restore", "seed"]).succeeds();
    assert_eq!(text(&file), "seeded");
    assert_ne!(file.metadata().unwrap().ino(), owner);
    // It is the volume that it was: nothing is asked, nothing is made anew.
    let up = stack.rcompose(&["up", "-d"]).succeeds();
    assert!(!up.stderr.contains("shop_data") && !up.stderr.contains("warning"), "{up}");
    stack.rcompose(&["exec", "-T", "db", "cat", "/data/file"]).succeeds().prints(&["seeded"]);

    stack.rcompose(&["snapshot", "rm", "seed"]).succeeds().prints(&["seed"]);
    stack.rcompose(&["snapshot", "rm", "seed"]).fails_with(1).says(&["no such snapshot: seed"]);
    stack.rcompose(&["snapshot", "rm", "-f", "seed"]).succeeds();
    assert!(!sandbox.path().join("root/snapshots").exists());
}

#[test]
fn only_the_named_volumes_are_kept_and_put_back() {
    let sandbox = Sandbox::new("snap-some");
    let stack = sandbox.stack("shop", SHOP);
    stack.rcompose(&["snapshot", "create", "early"]).fails_with(1).says(&["project shop has no volumes"]);
    stack.rcompose(&["create"]).succeeds();
    let (one, other) = (data(&sandbox, "shop_data").join("file"), data(&sandbox, "shop_more").join("file"));
    fs_err::write(&one, "seeded").unwrap();
    fs_err::write(&other, "seeded").unwrap();
    stack.rcompose(&["snapshot", "create", "one", "dat"]).fails_with(1).says(&["no such volume: dat", "mean `data`"]);
    stack.rcompose(&["snapshot", "create", "one", "data"]).succeeds();
    stack.rcompose(&["snapshot", "create", "both"]).succeeds();
    fs_err::write(&one, "used").unwrap();
    fs_err::write(&other, "used").unwrap();

    let list = stack.rcompose(&["snapshot", "ls", "--format", "json"]).succeeds().stdout;
    let volumes = |line: &str| serde_json::from_str::<Value>(line).unwrap()["Volumes"].as_str().unwrap().to_owned();
    assert_eq!(list.lines().map(volumes).collect::<Vec<_>>(), ["data", "data,more"]);
    assert_eq!(stack.rcompose(&["snapshot", "ls", "-q"]).succeeds().stdout, "one\nboth\n");

    stack.rcompose(&["snapshot", "restore", "one", "more"]).fails_with(1).says(&["no such volume: more"]);
    stack.rcompose(&["snapshot", "restore", "both", "more"]).succeeds();
    assert_eq!((text(&one), text(&other)), ("used".to_owned(), "seeded".to_owned()));
    stack.rcompose(&["snapshot", "restore", "one"]).succeeds();
    assert_eq!(text(&one), "seeded");
}

#[test]
fn a_name_is_taken_over_only_when_asked() {
    let sandbox = Sandbox::new("snap-force");
    let stack = sandbox.stack("shop", SHOP);
    stack.rcompose(&["create"]).succeeds();
    let file = data(&sandbox, "shop_data").join("file");
    for content in ["first", "second"] {
        fs_err::write(&file, content).unwrap();
        stack.rcompose(&["snapshot", "create", content]).succeeds();
    }
    stack.rcompose(&["snapshot", "create", "first"]).fails_with(1).says(&["a snapshot first already", "--force"]);
    stack.rcompose(&["snapshot", "create", "--force", "first"]).succeeds();
    fs_err::remove_file(&file).unwrap();
    stack.rcompose(&["snapshot", "restore", "first"]).succeeds();
    assert_eq!(text(&file), "second");
}

#[test]
fn what_is_external_is_kept_only_when_it_is_named() {
    let sandbox = Sandbox::new("snap-external");
    let owner = sandbox.stack("owner", SHOP);
    owner.rcompose(&["up", "-d"]).succeeds();
    let user = sandbox.stack(
        "user",
        "{services: {app: {image: 'rootfs:/', command: ['true'], volumes: ['lent:/lent', 'own:/own']}},
         volumes: {own: {}, lent: {external: true, name: owner_data}}}",
    );
    user.rcompose(&["create"]).succeeds();
    user.rcompose(&["snapshot", "create", "own"]).succeeds();
    let list = user.rcompose(&["snapshot", "ls"]).succeeds().prints(&["own"]);
    assert!(!list.stdout.contains("lent"), "{list}");
    user.rcompose(&["snapshot", "create", "both", "own", "lent"])
        .succeeds()
        .says(&["owner-db-1 runs on while its volume is copied"]);
    user.rcompose(&["snapshot", "ls"]).succeeds().prints(&["lent,own"]);
    // Not even when it may stop its own: these are another project's.
    user.rcompose(&["snapshot", "restore", "--stop", "both"]).fails_with(1).says(&["owner-db-1 of project owner"]);
}

#[test]
fn what_run_has_begun_is_not_stopped() {
    let sandbox = Sandbox::new("snap-run");
    let stack = sandbox.stack("shop", SHOP);
    stack.rcompose(&["run", "-d", "--name", "job", "db", "sleep", "1000"]).succeeds();
    stack.rcompose(&["snapshot", "create", "seed"]).succeeds();
    stack.rcompose(&["snapshot", "restore", "--stop", "seed"]).fails_with(1).says(&["job, which was begun with `run`"]);
}

#[test]
fn who_writes_is_paused_until_all_is_copied() {
    let sandbox = Sandbox::new("snap-pause");
    // The second file never is ahead of the first, in whichever moment both are looked at.
    let script = "i=0; while :; do i=$$((i+1)); echo $$i > /data/n; mv /data/n /data/a; echo $$i > /more/n; mv /more/n /more/b; done";
    let compose = SHOP.replacen("[sleep, '1000']", &format!("[sh, -c, '{script}']"), 1);
    let stack = sandbox.stack("shop", &compose);
    stack.rcompose(&["up", "-d"]).succeeds();
    let newest = data(&sandbox, "shop_more").join("b");
    eventually("the first number", LONG, || newest.exists().then_some(()));
    many(&data(&sandbox, "shop_data"), "ballast");
    stack.rcompose(&["snapshot", "create", "seed"]).succeeds().says(&["shop-db-1  Paused", "shop-db-1  Unpaused"]);
    let after: u64 = text(&newest).trim().parse().unwrap();
    eventually("it goes on", LONG, || (text(&newest).trim().parse::<u64>().ok()? > after).then_some(()));
    let kept = sandbox.path().join("root/snapshots/shop/seed/volumes");
    let number = |path: &str| text(&kept.join(path)).trim().parse::<u64>().unwrap();
    let (first, second) = (number("shop_data/a"), number("shop_more/b"));
    assert!(first == second || first == second + 1, "{first} {second}");

    let outcome = stack.rcompose(&["snapshot", "create", "--no-pause", "hot"]).succeeds();
    let outcome = outcome.says(&["shop-db-1 runs on while its volume is copied"]);
    assert!(!outcome.stderr.contains("Paused"), "{outcome}");
}

#[test]
fn a_supervisor_that_dies_leaves_the_old_or_the_new() {
    let sandbox = Sandbox::new("snap-killed");
    let stack = sandbox.stack("shop", SHOP);
    stack.rcompose(&["create"]).succeeds();
    let (old, incoming) = (data(&sandbox, "shop_data"), sandbox.path().join("root/volumes/shop_data/incoming"));
    many(&old, "seeded");
    stack.rcompose(&["snapshot", "create", "seed"]).succeeds();
    many(&old, "used");
    let restore = caught(&stack, &["snapshot", "restore", "seed"], &incoming, &incoming);
    signal_supervisor(&stack, Signal::SIGKILL);
    restore.wait(LONG).fails();
    let contents: std::collections::BTreeSet<String> =
        fs_err::read_dir(&old).unwrap().map(|entry| text(&entry.unwrap().path())).collect();
    assert_eq!(contents.len(), 1, "{contents:?}");

    stack.rcompose(&["snapshot", "restore", "seed"]).succeeds();
    assert_eq!(text(&old.join("799")), "seeded");
    assert!(!incoming.exists());
}

#[test]
fn a_supervisor_that_dies_leaves_nobody_paused_and_no_half_of_a_snapshot() {
    let sandbox = Sandbox::new("snap-held");
    let stack = sandbox.stack("shop", SHOP);
    stack.rcompose(&["up", "-d"]).succeeds();
    many(&data(&sandbox, "shop_data"), "seeded");
    let (snapshots, held) = (sandbox.path().join("root/snapshots/shop"), sandbox.path().join("run/shop/held.json"));
    let create = caught(&stack, &["snapshot", "create", "seed"], &snapshots.join(".new/volumes/shop_data"), &held);
    assert_eq!(stack.container("db").state, "paused");
    signal_supervisor(&stack, Signal::SIGKILL);
    create.wait(LONG).fails();
    // Whoever is next lets it go on: a supervisor that somebody's shim has called, or that of this command.
    assert_eq!(stack.rcompose(&["snapshot", "ls", "-q"]).succeeds().stdout, "");
    stack.rcompose(&["up", "-d"]).succeeds();
    eventually("it goes on", LONG, || (stack.container("db").state == "running").then_some(()));
    assert!(!snapshots.join(".new").exists());
    stack.rcompose(&["snapshot", "create", "seed"]).succeeds();
}

#[test]
fn a_client_that_goes_away_takes_its_snapshot_along() {
    let sandbox = Sandbox::new("snap-gone");
    let stack = sandbox.stack("shop", SHOP);
    stack.rcompose(&["up", "-d"]).succeeds();
    many(&data(&sandbox, "shop_data"), "seeded");
    let (snapshots, held) = (sandbox.path().join("root/snapshots/shop"), sandbox.path().join("run/shop/held.json"));
    let create = caught(&stack, &["snapshot", "create", "seed"], &snapshots.join(".new/volumes/shop_data"), &held);
    create.signal(Signal::SIGKILL);
    signal_supervisor(&stack, Signal::SIGCONT);
    eventually("nothing is left of it", LONG, || (!snapshots.exists()).then_some(()));
    eventually("it goes on", LONG, || (stack.container("db").state == "running").then_some(()));
}

#[test]
fn a_full_disk_leaves_no_half_of_a_snapshot() {
    let sandbox = Sandbox::new("snap-full");
    let stack = sandbox.stack("shop", SHOP);
    stack.rcompose(&["create"]).succeeds();
    let file = data(&sandbox, "shop_data").join("file");
    fs_err::write(&file, vec![7; 3 << 20]).unwrap();
    let snapshots = sandbox.path().join("root/snapshots");
    fs_err::create_dir(&snapshots).unwrap();
    mount(Some("tmpfs"), &snapshots, Some("tmpfs"), MsFlags::empty(), Some("size=2m")).unwrap();
    let outcome = stack.rcompose(&["snapshot", "create", "seed"]);
    let left = fs_err::read_dir(&snapshots).unwrap().count();
    // On another file system than the volumes, too.
    fs_err::write(&file, "small").unwrap();
    let small = stack.rcompose(&["snapshot", "create", "seed"]);
    fs_err::write(&file, "other").unwrap();
    let back = stack.rcompose(&["snapshot", "restore", "seed"]);
    umount(&snapshots).unwrap();
    outcome.fails_with(1).says(&["cannot copy volume shop_data", "No space left on device"]);
    assert_eq!(left, 0);
    small.succeeds();
    back.succeeds();
    assert_eq!(text(&file), "small");
}

#[test]
fn two_at_once_take_turns() {
    let sandbox = Sandbox::new("snap-two");
    let stack = sandbox.stack("shop", SHOP);
    stack.rcompose(&["create"]).succeeds();
    many(&data(&sandbox, "shop_data"), "seeded");
    let both = [stack.spawn(&["snapshot", "create", "seed"]), stack.spawn(&["snapshot", "create", "seed"])];
    let mut codes = both.map(|one| one.wait(LONG).status.code());
    codes.sort_unstable();
    assert_eq!(codes, [Some(0), Some(1)], "the second finds the name taken");
    let kept = sandbox.path().join("root/snapshots/shop/seed/volumes/shop_data");
    assert_eq!(fs_err::read_dir(kept).unwrap().count(), 800);
}

#[test]
fn dry_run_says_what_would_be_done() {
    let sandbox = Sandbox::new("snap-dry");
    let stack = sandbox.stack("shop", SHOP);
    stack.rcompose(&["up", "-d"]).succeeds();
    stack.rcompose(&["snapshot", "create", "--dry-run", "seed"]).succeeds().prints(&["shop_data, shop_more"]);
    assert_eq!(stack.rcompose(&["snapshot", "ls", "-q"]).succeeds().stdout, "");
    stack.rcompose(&["snapshot", "create", "seed"]).succeeds();
    let plan = stack.rcompose(&["snapshot", "restore", "--stop", "--dry-run", "seed"]).succeeds();
    plan.prints(&[
        "stop container shop-db-1",
        "restore shop_data, shop_more from snapshot seed",
        "start container db-1",
    ]);
    assert_eq!(stack.container("db").state, "running");
}
