//! What makes the commands easier to use, and files out of projects: completion, manual pages, `alpha`, `bridge`.

use serde_json::Value;

use crate::support::Sandbox;

const SHOP: &str = "
name: shop
services:
  web: {image: 'rootfs:/', init: true, command: [sleep, '1000'], depends_on: [db], ports: ['127.0.0.1:8080:80']}
  worker: {image: 'rootfs:/', profiles: [jobs]}
  db:
    image: rootfs:/
    init: true
    command: [sh, -c, 'echo $$HOME; sleep 1000']
    environment: {PRICE: 5$$}
    volumes: ['data:/data']
volumes: {data: {}}
";

/// What a shell is told when the key for completion is pressed behind `line`.
fn completed(sandbox: &Sandbox, line: &[&str]) -> Vec<String> {
    let mut command = sandbox.command();
    command.args(["--", "rcompose"]).args(line);
    command.env("RCOMPOSE_COMPLETE", "bash").env("_CLAP_COMPLETE_INDEX", line.len().to_string());
    command.env("_CLAP_IFS", "\n").env("_CLAP_COMPLETE_COMP_TYPE", "9").env("_CLAP_COMPLETE_SPACE", "true");
    let text = sandbox.run(command).succeeds().stdout;
    text.lines().map(str::to_owned).collect()
}

#[test]
fn services_of_the_file_are_completed() {
    let sandbox = Sandbox::new("completion");
    let file = sandbox.file("shop/compose.yaml", SHOP);
    let file = file.to_str().unwrap();
    assert_eq!(completed(&sandbox, &["-f", file, "logs", "w"]), ["web", "worker"]);
    assert_eq!(completed(&sandbox, &["-f", file, "up", "web", "d"]), ["db"]);
    assert_eq!(completed(&sandbox, &["stat"]), ["stats"]);
    assert_eq!(completed(&sandbox, &["ps", "--orph"]), ["--orphans"]);
    for shell in ["bash", "zsh", "fish"] {
        sandbox.rcompose(&["completion", shell]).succeeds().prints(&["RCOMPOSE_COMPLETE", "rcompose"]);
    }
    let checked = sandbox.rcompose(&["completion", "bash"]).succeeds().stdout;
    let script = sandbox.file("completion.bash", &checked);
    let mut bash = std::process::Command::new("bash");
    bash.arg("-n").arg(script);
    sandbox.run(bash).succeeds();
    sandbox.rcompose(&["completion", "tcsh"]).fails_with(1);
}

#[test]
fn every_command_has_a_page() {
    let sandbox = Sandbox::new("man");
    sandbox.rcompose(&["man", "pages"]).succeeds();
    let page = |name: &str| fs_err::read_to_string(sandbox.path().join("pages").join(name)).unwrap();
    assert!(page("rcompose.1").contains("docker compose without Docker"));
    assert!(page("rcompose-logs.1").contains("no\\-log\\-prefix"));
}

#[test]
fn a_graph_and_a_file_of_what_there_is() {
    let sandbox = Sandbox::new("alpha");
    let stack = sandbox.stack("shop", SHOP);
    let dot = stack.rcompose(&["alpha", "viz", "--ports"]).succeeds().stdout;
    for line in ["digraph \"shop\" {", "\"web\" -> \"db\";", "127.0.0.1:8080:80 (tcp, ingress)"] {
        assert!(dot.contains(line), "no {line} in {dot}");
    }
    stack.rcompose(&["up", "-d"]).succeeds();
    let line = ["alpha", "generate", "--name", "copy", "shop-web-1", "shop-db-1"];
    let text = sandbox.rcompose(&line).succeeds().stdout;
    let file = sandbox.file("copy/compose.yaml", &text);
    let line = ["-f", file.to_str().unwrap(), "config", "--format", "json"];
    let copy: Value = serde_json::from_str(&sandbox.rcompose(&line).succeeds().stdout).unwrap();
    assert_eq!(copy["name"], "copy");
    let (web, db) = (&copy["services"]["web"], &copy["services"]["db"]);
    assert_eq!(web["command"], serde_json::json!(["sleep", "1000"]), "{text}");
    assert_eq!(web["ports"][0]["published"], "8080");
    assert_eq!(web["depends_on"]["db"]["condition"], "service_started");
    assert_eq!((&db["environment"]["PRICE"], &db["command"][2]), (&"5$$".into(), &"echo $$HOME; sleep 1000".into()));
    assert_eq!(copy["volumes"]["data"]["name"], "shop_data");
    sandbox.rcompose(&["alpha", "generate", "nobody"]).fails_with(1).says(&["container nobody not found"]);
    sandbox.rcompose(&["bridge", "convert", "-o", "out"]).fails_with(1).says(&["Kubernetes", "kompose"]);
}
