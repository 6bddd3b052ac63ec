//! What is mounted: volumes, file systems in memory, configs and secrets.

use nix::mount::{MntFlags, MsFlags, mount, umount2};

use crate::inspect::{Running, up};
use crate::kernel::kernel_since;
use crate::support::Sandbox;
use crate::support::registry::{Behaviour, Content};

const WEB: &str = "services:\n  web:\n    image: rootfs:/\n    init: true\n    command: [sleep, '1000']\n";

/// `volumes: bind`: the files of the host, writable or not; a file written inside, and `/proc/PID/mountinfo`.
#[test]
fn bind() {
    let sandbox = Sandbox::new("bind");
    sandbox.file("attributes/data/file", "of the host");
    let web = Running::of(sandbox, &format!("{WEB}    volumes: ['./data:/data', './data:/kept:ro', './new:/new']\n"));
    assert_eq!(web.inside("cat /data/file && echo more > /data/other"), "of the host");
    web.run("echo more > /kept/file").fails().says(&["Read-only"]);
    assert_eq!(fs_err::read_to_string(web.sandbox().path().join("attributes/data/other")).unwrap(), "more\n");
    assert!(web.sandbox().path().join("attributes/new").is_dir(), "a source that is missing is made");
    assert!(web.mount("/kept").contains(" ro,") && web.mount("/data").contains(" rw,"));
}

#[test]
fn a_missing_source_that_is_not_to_be_made() {
    let keys = "volumes: [{type: bind, source: ./none, target: /data, bind: {create_host_path: false}}]";
    up(keys).fails().says(&["bind source path does not exist", "attributes/none"]);
}

/// `volumes: bind.propagation`: what the host mounts later; the peer group in `/proc/PID/mountinfo`.
#[test]
fn propagation() {
    let sandbox = Sandbox::new("propagation");
    let data = sandbox.path().join("data");
    fs_err::create_dir_all(data.join("later")).unwrap();
    let none = None::<&str>;
    mount(Some("outer"), &data, Some("tmpfs"), MsFlags::empty(), none).unwrap();
    mount(none, &data, none, MsFlags::MS_SHARED, none).unwrap();
    fs_err::create_dir(data.join("later")).unwrap();
    let volume = |target, how| {
        format!("      - {{type: bind, source: {}, target: {target}, bind: {{propagation: {how}}}}}\n", data.display())
    };
    let volumes = format!("    volumes:\n{}{}", volume("/slave", "rslave"), volume("/private", "rprivate"));
    let web = Running::of(sandbox, &format!("{WEB}{volumes}"));
    mount(Some("later"), &data.join("later"), Some("tmpfs"), MsFlags::empty(), none).unwrap();
    let seen = web.inside(
        "grep -c ' /slave/later ' /proc/self/mountinfo; grep -c ' /private/later ' /proc/self/mountinfo || true",
    );
    assert!(web.mount("/slave").contains("master:") && !web.mount("/private").contains("master:"));
    umount2(&data, MntFlags::MNT_DETACH).unwrap();
    assert_eq!(seen, "1\n0");
}

/// `volumes: volume`: the files of the volume, over restarts; its directory on the host.
#[test]
fn volume() {
    let web = Running::of(
        Sandbox::new("volume"),
        &format!("{WEB}    volumes: ['data:/data', 'data:/kept:ro', '/anonymous']\nvolumes: {{data: {{}}}}\n"),
    );
    web.inside("echo kept > /data/file");
    web.run("echo more > /kept/file").fails().says(&["Read-only"]);
    let file = web.sandbox().path().join("root/volumes/attributes_data/data/file");
    assert_eq!(fs_err::read_to_string(file).unwrap(), "kept\n");
    assert!(web.mount("/anonymous").contains("/volumes/"));
}

/// `volumes: volume.nocopy`: an empty directory, where without it the files of the image are; the volume on the host.
#[test]
fn nocopy() {
    let web = Running::of(
        Sandbox::new("nocopy"),
        &format!(
            "{WEB}    volumes:\n      - {{type: volume, source: a, target: /etc/cron.d, volume: {{nocopy: true}}}}\n      \
             - {{type: volume, source: b, target: /etc/apt}}\nvolumes: {{a: {{}}, b: {{}}}}\n"
        ),
    );
    assert_eq!(web.inside("ls /etc/cron.d"), "");
    let volumes = web.sandbox().path().join("root/volumes");
    assert!(fs_err::read_dir(volumes.join("attributes_a/data")).unwrap().next().is_none());
    let filled = fs_err::read_dir(volumes.join("attributes_b/data")).unwrap().count();
    assert_eq!(web.inside("ls -A /etc/apt | wc -l"), filled.to_string());
    assert!(filled > 0);
}

/// `volumes: volume.subpath`: a part of the volume, which a link in it does not lead out of; `/proc/PID/mountinfo`.
#[test]
fn subpath() {
    let sandbox = Sandbox::new("subpath");
    let volume = |path| format!("{{type: volume, source: data, target: /part, volume: {{subpath: {path}}}}}");
    let file = |mounts: &str| format!("{WEB}    volumes: [{mounts}]\nvolumes: {{data: {{}}}}\n");
    let stack = sandbox.stack("attributes", &file("'data:/data'"));
    stack.rcompose(&["up", "-d"]).succeeds();
    let fill = "mkdir -p /data/a/b && echo part > /data/a/b/file && ln -s /etc /data/out";
    stack.rcompose(&["exec", "-T", "web", "sh", "-c", fill]).succeeds();
    stack.rewrite(&file(&volume("out")));
    stack.rcompose(&["up", "-d"]).fails().says(&["/data/out", "No such file"]);
    let web = Running::of(sandbox, &file(&volume("a/b")));
    assert_eq!(web.inside("ls /part; cat /part/file"), "file\npart");
    assert!(web.mount("/part").contains("/attributes_data/data/a/b "), "{}", web.mount("/part"));
}

#[test]
fn a_subpath_that_leads_out_has_a_place() {
    let keys = "volumes: [{type: volume, target: /a, volume: {subpath: ../b}}]";
    up(keys).fails().says(&["compose.yaml:6:", "stays in the volume"]);
    let keys = "volumes: [{type: image, source: app, target: /a, image: {subpath: /b}}]";
    up(keys).fails().says(&["compose.yaml:6:", "stays in the image"]);
}

/// A layer of these files, as (blob, tar); one of the name `.wh.NAME` hides NAME of the layers below.
fn layer(files: &[(&str, &str)]) -> (Vec<u8>, Vec<u8>) {
    let mut tar = tar::Builder::new(Vec::new());
    for (path, text) in files {
        let mut header = tar::Header::new_ustar();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, path, text.as_bytes()).unwrap();
    }
    let tar = tar.into_inner().unwrap();
    (tar.clone(), tar)
}

/// A registry's content with Docker Hub's `assets:1`, of two layers, and `one:1`, of one.
fn assets(version: &str) -> Content {
    let mut content = Content::default();
    let lower = layer(&[("www/page", "below"), ("www/gone", "below"), ("kept", "below")]);
    let upper = layer(&[("www/page", version), ("www/.wh.gone", "")]);
    content.image("library/assets", "1", &[lower, upper]);
    content.image("library/one", "1", &[layer(&[("www/page", "alone")])]);
    content
}

const IMAGES: &str = "    volumes:
      - {type: image, source: 'assets:1', target: /all}
      - {type: image, source: 'assets:1', target: /part, image: {subpath: www}}
      - {type: image, source: 'one:1', target: /one, read_only: true}
      - {type: image, source: 'rootfs:DIR', target: /dir}
";

/// `volumes: image`: the layers as one, read-only, or a part of them; the mounts in `/proc/PID/mountinfo`, and a new container
/// once the image is another one.
#[test]
fn image() {
    let sandbox = Sandbox::new("image");
    let registry = sandbox.hub(assets("first"), Behaviour::default());
    let directory = sandbox.file("tree/file", "of a directory").parent().unwrap().display().to_string();
    let file = format!("{WEB}{}", IMAGES.replace("DIR", &directory));
    let web = Running::of(sandbox, &file);
    assert_eq!(web.inside("cd /all; find . -type f | sort; cat www/page kept"), "./kept\n./www/page\nfirstbelow");
    assert_eq!(web.inside("ls /part; cat /part/page /one/www/page /dir/file"), "page\nfirstaloneof a directory");
    for target in ["/all", "/part", "/one", "/dir"] {
        web.run(&format!("touch {target}/new")).fails().says(&["Read-only file system"]);
        assert!(web.mount(target).contains(" ro,"), "{}", web.mount(target));
    }
    assert!(web.mount("/all").contains(" - overlay ") && !web.mount("/one").contains(" - overlay "));

    let before = web.id_of("web");
    web.rcompose(&["up", "-d"]).succeeds();
    assert_eq!(web.id_of("web"), before, "nothing has changed");
    drop(registry);
    let registry = web.sandbox().hub(assets("second"), Behaviour::default());
    web.rcompose(&["pull"]).succeeds();
    web.rcompose(&["up", "-d"]).succeeds();
    assert_ne!(web.id_of("web"), before, "the image is another one");
    assert_eq!(web.inside("cat /all/www/page /part/page"), "secondsecond");

    // What was pulled needs no registry; what was not is missed before anything is made.
    drop(registry);
    web.rcompose(&["down", "-t", "1"]).succeeds();
    web.rcompose(&["up", "-d"]).succeeds();
    web.write(&format!("{WEB}    pull_policy: never\n    volumes: [{{type: image, source: 'two:1', target: /two}}]\n"));
    let outcome = web.rcompose(&["up", "-d"]).fails().says(&["two:1", "web"]);
    assert!(!outcome.stderr.contains("Creating"), "{outcome}");
}

/// With ids of its own root inside is the owner of root's files, as in its root.
#[test]
fn an_image_with_own_ids() {
    if !kernel_since(6, 15) {
        eprintln!("skipped: this kernel has no overlay of layers whose owners are mapped");
        return;
    }
    let sandbox = Sandbox::new("image-ids");
    let _registry = sandbox.hub(assets("first"), Behaviour::default());
    let volumes = "    volumes: [{type: image, source: 'assets:1', target: /part, image: {subpath: www}}]\n";
    let web = Running::of(sandbox, &format!("{WEB}    userns_mode: auto\n{volumes}"));
    assert_eq!(web.inside("stat -c %u:%g /part/page; cat /part/page"), "0:0\nfirst");
    web.run("touch /part/new").fails().says(&["Read-only file system"]);
}

/// `volumes_from`: the volumes and binds of the other container, at their places; `/proc/PID/mountinfo`.
#[test]
fn volumes_from() {
    let sandbox = Sandbox::new("from");
    sandbox.file("attributes/conf/file", "of the host");
    let other = "  other:\n    image: rootfs:/\n    init: true\n    command: [sleep, '2000']\n    \
                 volumes: ['data:/data', /anonymous, './conf:/conf:ro', './conf:/own']\n    tmpfs: /memory\n";
    let file = |from: &str| {
        format!("{WEB}    volumes_from: ['{from}']\n    volumes: [/own]\n{other}volumes: {{data: {{}}}}\n")
    };
    let web = Running::of(sandbox, &file("other"));
    web.inside("echo of-web > /data/file && echo of-web > /anonymous/file");
    let seen = web.rcompose(&["exec", "-T", "other", "cat", "/data/file", "/anonymous/file"]).succeeds().stdout;
    assert_eq!(seen, "of-web\nof-web\n");
    assert_eq!(web.inside("cat /conf/file; ls /own"), "of the host");
    web.run("echo more > /conf/file").fails().says(&["Read-only"]);
    let mounts = web.proc("mountinfo");
    assert!(mounts.contains(" /anonymous ") && !mounts.contains(" /memory "));
    web.write(&file("other:ro"));
    web.rcompose(&["up", "-d"]).succeeds();
    web.run("echo more > /data/file").fails().says(&["Read-only"]);
    assert_eq!(web.inside("cat /anonymous/file"), "of-web");
}

/// `volumes_from: container`: the volumes of a container of another project, which outlive that, the anonymous ones too; the
/// directories of the volumes on the host.
#[test]
fn volumes_from_another_project() {
    let sandbox = Sandbox::new("borrowed");
    let owner = sandbox.stack("owner", &format!("{WEB}    volumes: [/anonymous]\n"));
    owner.rcompose(&["up", "-d"]).succeeds();
    owner.rcompose(&["exec", "-T", "web", "sh", "-c", "echo kept > /anonymous/file"]).succeeds();
    drop(owner);
    let web = Running::of(sandbox, &format!("{WEB}    volumes_from: ['container:owner-web-1:ro']\n"));
    assert_eq!(web.inside("cat /anonymous/file"), "kept");
    web.run("echo more > /anonymous/file").fails().says(&["Read-only"]);
    let volumes = || fs_err::read_dir(web.sandbox().path().join("root/volumes")).unwrap().count();
    let mut down = web.sandbox().command();
    down.args(["-p", "owner", "down", "-v", "-t", "1"]);
    web.sandbox().run(down).succeeds();
    assert_eq!((volumes(), web.inside("cat /anonymous/file").as_str()), (1, "kept"));
    // Another one has it from this one, and is the last to have it.
    let last = web.sandbox().stack("last", &format!("{WEB}    volumes_from: ['container:attributes-web-1']\n"));
    last.rcompose(&["up", "-d"]).succeeds();
    web.rcompose(&["down", "-v", "-t", "1"]).succeeds();
    assert_eq!(volumes(), 1);
    last.rcompose(&["down", "-v", "-t", "1"]).succeeds();
    assert_eq!(volumes(), 0);
}

/// `tmpfs`, `volumes: tmpfs`: file systems in memory with the options given; `/proc/PID/mountinfo`.
#[test]
fn tmpfs() {
    let web = Running::with(
        "tmpfs: ['/one', '/two:size=1m,mode=700,uid=7,gid=8,nr_inodes=64,exec,suid']\n\
         volumes: [{type: tmpfs, target: /three, tmpfs: {size: 2m, mode: 0o1770}}]",
    );
    assert_eq!(web.inside("stat -c '%a %u %g' /one /two /three"), "1777 0 0\n700 7 8\n1770 0 0");
    assert_eq!(web.inside("stat -f -c '%T %c' /two"), "tmpfs 64");
    assert_eq!(web.inside("df -k --output=size /two /three | tail -2 | tr -d ' '"), "1024\n2048");
    web.run("head -c 2m /dev/zero > /two/big").fails().says(&["No space left"]);
    for option in ["nosuid", "nodev", "noexec"] {
        assert!(web.mount("/one").contains(option));
    }
    let two = web.mount("/two");
    assert!(two.contains("size=1024k") && !two.contains("noexec") && !two.contains("nosuid"), "{two}");
}

/// `shm_size`: the size of `/dev/shm`; `/proc/PID/mountinfo`.
#[test]
fn shm_size() {
    let web = Running::with("shm_size: 8m");
    assert_eq!(web.inside("df -k --output=size /dev/shm | tail -1 | tr -d ' '"), "8192");
    assert!(web.mount("/dev/shm").contains("size=8192k"));
}

/// `configs`, `secrets`: files with the content, owner and mode asked for, which cannot be written; what is mounted.
#[test]
fn configs_and_secrets() {
    let sandbox = Sandbox::new("grants");
    sandbox.file("attributes/key", "of a file");
    let web = Running::of(
        sandbox,
        &format!(
            "{WEB}    configs: [{{source: conf, target: /etc/app.conf, uid: '7', gid: '8', mode: 0o440}}]\n    secrets: [key]\n\
             configs: {{conf: {{content: 'of the file'}}}}\nsecrets: {{key: {{file: ./key}}}}\n"
        ),
    );
    assert_eq!(web.inside("cat /etc/app.conf; echo; cat /run/secrets/key"), "of the file\nof a file");
    assert_eq!(web.inside("stat -c '%a %u %g' /etc/app.conf"), "440 7 8");
    web.run("echo more >> /run/secrets/key").fails().says(&["Read-only"]);
    assert!(web.mount("/etc/app.conf").contains(" ro,") && web.mount("/run/secrets/key").contains("/attributes/key "));
}

/// `volumes: bind.recursive`: whether what is mounted below is there, and can be written to; `/proc/PID/mountinfo`.
#[test]
fn recursive() {
    let sandbox = Sandbox::new("recursive");
    let data = sandbox.path().join("data");
    fs_err::create_dir_all(data.join("below")).unwrap();
    let none = None::<&str>;
    mount(Some("inner"), &data.join("below"), Some("tmpfs"), MsFlags::empty(), none).unwrap();
    let volume = |how| {
        let source = data.display();
        format!(
            "      - {{type: bind, source: {source}, target: /{how}, read_only: true, bind: {{recursive: {how}}}}}\n"
        )
    };
    let volumes: String = ["enabled", "readonly", "writable", "disabled"].into_iter().map(volume).collect();
    let web = Running::of(sandbox, &format!("{WEB}    volumes:\n{volumes}"));
    let below = |how: &str| web.run(&format!("touch /{how}/below/x && stat -f -c %T /{how}/below"));
    for how in ["enabled", "readonly"] {
        below(how).fails().says(&["Read-only"]);
        assert!(web.mount(&format!("/{how}/below")).contains(" ro,"));
    }
    assert_eq!(below("writable").succeeds().stdout, "tmpfs\n");
    assert!(web.mount("/writable").contains(" ro,") && web.mount("/writable/below").contains(" rw,"));
    below("disabled").fails().says(&["Read-only"]);
    assert!(!web.proc("mountinfo").contains(" /disabled/below "));
    umount2(&data.join("below"), MntFlags::MNT_DETACH).unwrap();
}
