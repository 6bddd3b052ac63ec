//! What makes the commands easier to use, and files out of projects: completion, manual pages, `alpha`, `bridge`.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::support::{Sandbox, Terminal};

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
    sandbox.rcompose(&["completion", "tcsh"]).fails_with(1);
}

/// A shell at a terminal, in the directory of the stack, that knows `rcompose` and completes it.
fn shell(sandbox: &Sandbox, program: &str, arguments: &[&str], begin: &str) -> Terminal {
    sandbox.file("shop/compose.yaml", SHOP);
    let mut command = Command::new(program);
    command.args(arguments);
    sandbox.equip(&mut command);
    let directory = Path::new(env!("CARGO_BIN_EXE_rcompose")).parent().unwrap();
    command.env("PATH", format!("{}:/usr/bin:/bin", directory.display())).env("TERM", "xterm");
    command.current_dir(sandbox.path().join("shop"));
    let shell = Terminal::spawn(&command);
    shell.types(&format!("{begin}; echo rea''dy\n"));
    shell.shows("ready");
    shell
}

/// What a shell at a terminal makes of the key for completion.
fn completes(shell: &mut Terminal) {
    // What is completed is what is run: nothing of this service runs.
    shell.types("rcompose port we\t 80\n");
    shell.shows("service `web` is not running");
    // Two that begin so are listed.
    shell.types("rcompose logs w\t\t");
    shell.shows("worker");
    shell.types("\x15rcompose sta\t\t");
    shell.shows("stats");
    shell.types("\x15rcompose cp we\t");
    shell.shows("web:");
    shell.types("\x15exit\n");
    shell.wait();
}

#[test]
fn bash_completes() {
    let sandbox = Sandbox::new("completion-bash");
    completes(&mut shell(&sandbox, "bash", &["--norc", "--noprofile", "-i"], "source <(rcompose completion bash)"));
}

#[test]
fn zsh_completes() {
    let sandbox = Sandbox::new("completion-zsh");
    let begin = "autoload -U compinit; compinit -u -D; source <(rcompose completion zsh)";
    completes(&mut shell(&sandbox, "zsh", &["-f", "-i"], begin));
}

#[test]
fn fish_completes() {
    let sandbox = Sandbox::new("completion-fish");
    sandbox.file("shop/compose.yaml", SHOP);
    let completed = |line: &str| {
        let mut fish = Command::new("fish");
        sandbox.equip(&mut fish);
        let directory = Path::new(env!("CARGO_BIN_EXE_rcompose")).parent().unwrap();
        fish.env("PATH", format!("{}:/usr/bin:/bin", directory.display())).current_dir(sandbox.path().join("shop"));
        fish.arg("--no-config").arg("-c").arg(format!("rcompose completion fish | source; complete -C '{line}'"));
        sandbox.run(fish).succeeds().stdout
    };
    assert_eq!(completed("rcompose port we"), "web\n");
    assert_eq!(completed("rcompose logs w"), "web\nworker\n");
    assert!(completed("rcompose sta").contains("stats\t"), "with what it does");
    assert!(completed("rcompose cp we").starts_with("web:"));
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
