//! Configs and secrets of every source, with the owner and mode that were asked for.

use crate::support::Sandbox;

#[test]
fn they_are_of_whom_the_service_says_wherever_they_come_from() {
    let sandbox = Sandbox::new("secrets");
    let stack = sandbox.stack(
        "guarded",
        "
services:
  web:
    image: rootfs:/
    init: true
    read_only: true
    user: '1234:1235'
    command: [sleep, '1000']
    secrets:
      - {source: of-file, uid: '1234', gid: '1235', mode: 0400}
      - {source: of-variable, uid: '1234', gid: '1235', mode: 0440}
      - {source: of-root, mode: 0400}
    configs: [{source: of-text, target: /etc/app/conf, uid: '1234', mode: 0600}]
secrets:
  of-file: {file: ./key}
  of-variable: {environment: TOKEN}
  of-root: {environment: TOKEN}
configs:
  of-text: {content: 'port=${PORT:-80}'}
",
    );
    let key = sandbox.file("guarded/key", "from a file");
    fs_err::set_permissions(&key, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    sandbox.file("guarded/.env", "TOKEN=from a variable\n");
    stack.rcompose(&["up", "-d"]).succeeds();
    let inside = |script: &str| stack.rcompose(&["exec", "-T", "web", "sh", "-c", script]);
    let read = "cd /run/secrets; cat of-file; echo; cat of-variable; echo; cat /etc/app/conf";
    assert_eq!(inside(read).succeeds().stdout, "from a file\nfrom a variable\nport=80");
    let owners = inside("cd /run/secrets; stat -c '%n %u:%g %a' of-file of-variable of-root /etc/app/conf");
    assert_eq!(
        owners.succeeds().stdout,
        "of-file 1234:1235 400\nof-variable 1234:1235 440\nof-root 0:0 400\n/etc/app/conf 1234:0 600\n"
    );
    inside("cat /run/secrets/of-root").fails().says(&["Permission denied"]);
    inside("echo x > /etc/app/conf").fails().says(&["Read-only file system"]);
    // What is a secret here is none of anybody else's: neither of others on this machine nor of other containers.
    let mounted = inside("grep -c /run/secrets /proc/self/mountinfo").succeeds().stdout;
    assert_eq!(mounted, "3\n");
    // Other content is another container.
    let before = stack.container("web").id;
    sandbox.file("guarded/.env", "TOKEN=renewed\n");
    stack.rcompose(&["up", "-d"]).succeeds();
    assert_ne!(stack.container("web").id, before);
    assert_eq!(inside("cat /run/secrets/of-variable").succeeds().stdout, "renewed");
}
