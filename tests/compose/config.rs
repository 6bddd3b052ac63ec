//! `config` as a program: its flags, next to what docker compose prints for them.

use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;

use crate::registry::{Behaviour, Content, Registry};

/// A directory with a project in it.
struct Project(TempDir);

const SHOP: &str = "\
name: shop
services:
  web:
    image: nginx:${TAG:-1.27}
    command: serve $$HOME ${MODE:?needed}
    environment: {HOST: \"${DB_HOST}\", LEVEL: info}
    env_file: web.env
    volumes: [\"./html:/html\"]
    depends_on: [db]
  db:
    build: .
    profiles: [data]
    networks: [back]
  tool: {image: tool, profiles: [admin]}
networks: {back: {}, idle: {}}
volumes: {data: {}}
x-note: kept
";

impl Project {
    fn new(files: &[(&str, &str)]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        for (name, text) in files {
            fs_err::write(directory.path().join(name), text).unwrap();
        }
        Self(directory)
    }

    fn shop() -> Self {
        let env = "DB_HOST=db.local\nMODE=fast\n";
        Self::new(&[("compose.yaml", SHOP), (".env", env), ("web.env", "LEVEL=debug\nEXTRA=1\n")])
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn output(&self, line: &str) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rcompose"));
        command.env_clear().env("HOME", "/home/user").env("RCOMPOSE_CONFIG", self.path().join("config.toml"));
        command.env("DOCKER_CONFIG", self.path()).current_dir(self.path());
        command.args(["--allow", "all"]).args(line.split_whitespace()).output().unwrap()
    }

    /// What a command prints that passes, with the directory's path as `$DIR`.
    #[track_caller]
    fn run(&self, line: &str) -> String {
        let output = self.output(line);
        assert!(output.status.success(), "{line}\n{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().replace(self.path().to_str().unwrap(), "$DIR")
    }

    /// What a command says that fails.
    #[track_caller]
    fn fail(&self, line: &str) -> String {
        let output = self.output(line);
        assert_eq!(output.status.code(), Some(1), "{line}\n{}", String::from_utf8_lossy(&output.stdout));
        String::from_utf8(output.stderr).unwrap()
    }
}

#[test]
fn the_project_in_full() {
    insta::assert_snapshot!(Project::shop().run("--profile data config"), @r#"
    name: shop
    services:
      db:
        profiles:
          - data
        build:
          context: $DIR
          dockerfile: Dockerfile
        networks:
          back: null
      web:
        command:
          - serve
          - $$HOME
          - fast
        depends_on:
          db:
            condition: service_started
            required: true
        environment:
          EXTRA: "1"
          HOST: db.local
          LEVEL: info
        image: nginx:1.27
        networks:
          default: null
        volumes:
          - type: bind
            source: $DIR/html
            target: /html
            bind:
              create_host_path: true
    networks:
      back:
        name: shop_back
      default:
        name: shop_default
    x-note: kept
    "#);
}

#[test]
fn lists() {
    let shop = Project::shop();
    for (line, expected) in [
        ("--profile data config --services", "db\nweb\n"),
        ("--profile * config --services", "db\ntool\nweb\n"),
        ("--profile data config --networks", "back\ndefault\n"),
        ("--all-resources --profile data config --networks", "back\ndefault\nidle\n"),
        ("--profile data config --volumes", ""),
        ("--all-resources --profile data config --volumes", "data\n"),
        ("--profile data config --images", "shop-db\nnginx:1.27\n"),
        ("config --profiles --no-consistency", "admin\ndata\n"),
        ("--profile data config --models", ""),
        (
            "config --no-consistency --environment",
            "COMPOSE_PROJECT_NAME=shop\nDB_HOST=db.local\nDOCKER_CONFIG=$DIR\nHOME=/home/user\nMODE=fast\nPWD=$DIR\nRCOMPOSE_CONFIG=$DIR/config.toml\n",
        ),
        ("--profile data config -q", ""),
        ("--profile data config tool --images", "tool\n"),
    ] {
        assert_eq!(shop.run(line), expected, "{line}");
    }
    assert!(shop.fail("config --services").contains("switched off by its profiles"));
    assert!(shop.fail("config wbe").contains("did you mean `web`?"));
    assert!(shop.fail("--profile data config --hash wbe").contains("no such service"));
}

#[test]
fn models_are_listed_by_their_artifact() {
    let text = "services: {a: {image: x, models: [m]}}\nmodels: {m: {model: ai/small}, idle: {model: ai/large}}";
    assert_eq!(Project::new(&[("compose.yaml", text)]).run("config --models"), "ai/small\n");
}

#[test]
fn hashes() {
    let shop = Project::shop();
    let all = shop.run("--profile data config --hash *");
    let lines: Vec<_> = all.lines().filter_map(|line| line.split_once(' ')).collect();
    assert_eq!(lines.iter().map(|(name, _)| *name).collect::<Vec<_>>(), ["db", "web"]);
    assert!(lines.iter().all(|(_, hash)| hash.len() == 64), "{all}");
    let web = format!("web {}\n", lines[1].1);
    assert_eq!(shop.run("--profile data config --hash web"), web);
}

#[test]
fn variables() {
    let shop = Project::shop();
    let expected = [
        "NAME                REQUIRED            DEFAULT VALUE       ALTERNATE VALUE",
        "DB_HOST             false                                   ",
        "MODE                true                                    ",
        "TAG                 false               1.27                ",
        "",
    ];
    assert_eq!(shop.run("config --variables"), expected.join("\n"));
    let json: serde_json::Value = serde_json::from_str(&shop.run("config --variables --format json")).unwrap();
    let tag = serde_json::json!({"Name": "TAG", "DefaultValue": "1.27", "PresenceValue": "", "Required": false});
    assert_eq!(json["TAG"], tag);
    let yaml = shop.run("config --variables --format yaml");
    assert!(
        yaml.contains("MODE:\n    name: MODE\n    defaultvalue: \"\"\n    presencevalue: \"\"\n    required: true\n")
    );
}

#[test]
fn phases_may_be_left_out() {
    let shop = Project::shop();
    let raw = shop.run("config --no-interpolate");
    for text in
        ["image: nginx:${TAG:-1.27}", "command: serve $$HOME ${MODE:?needed}", "idle:", "tool:", "path: $DIR/web.env"]
    {
        assert!(raw.contains(text), "{text}\n{raw}");
    }
    let plain = shop.run("--profile data config --no-normalize");
    assert!(!plain.contains("default:") && !plain.contains("shop_back"), "{plain}");
    assert!(shop.run("--profile data config --no-path-resolution").contains("source: ./html"));
    let unread = shop.run("--profile data config --no-env-resolution");
    assert!(unread.contains("path: $DIR/web.env") && !unread.contains("EXTRA"), "{unread}");
    let undefined = Project::new(&[("compose.yaml", "services: {a: {image: x, networks: [none-such]}}")]);
    assert!(undefined.fail("config").contains("none-such"));
    assert!(undefined.run("config --no-consistency").contains("none-such"));
}

#[test]
fn what_is_left_unresolved_loads_to_the_same() {
    let shop = Project::shop();
    fs_err::write(shop.path().join("again.yaml"), shop.run("config --no-interpolate").replace("$DIR", ".")).unwrap();
    let again = shop.run("-f again.yaml --profile data config --format json");
    assert_eq!(again, shop.run("--profile data config --format json"));
}

#[test]
fn output_goes_to_a_file() {
    let shop = Project::shop();
    assert_eq!(shop.run("--profile data config -o out.yaml"), "");
    let written = fs_err::read_to_string(shop.path().join("out.yaml")).unwrap();
    assert!(written.starts_with("name: shop\n"), "{written}");
}

#[test]
fn digests_come_from_the_registry() {
    let mut content = Content::default();
    let digest = content.image("library/nginx", "1", &[]);
    let registry = Registry::start(content, Behaviour::default());
    let text = "services: {a: {image: 'nginx:1', cap_add: [ALL]}, b: {image: 'rootfs:/'}, c: {build: .}}";
    let project = Project::new(&[("compose.yaml", text)]);
    let config = format!("[registry.\"docker.io\"]\nmirrors = [\"http://{}\"]\n", registry.host());
    fs_err::write(project.path().join("config.toml"), config).unwrap();
    let pinned = format!("image: docker.io/library/nginx:1@{digest}\n");
    let resolved = project.run("config --resolve-image-digests");
    assert!(resolved.contains(&pinned) && resolved.contains("image: rootfs:/\n"), "{resolved}");
    let locked = project.run("config --lock-image-digests");
    assert_eq!(locked, format!("services:\n  a:\n    {pinned}  b:\n    image: rootfs:/\n  c: {{}}\n"));
    assert_eq!(registry.requests().len(), 2, "{:?}", registry.requests());

    let text = format!("services: {{a: {{image: '{}/library/nginx:2'}}}}", registry.host());
    let missing = Project::new(&[("compose.yaml", &text)]);
    assert!(missing.fail("config --resolve-image-digests").contains("not found"));
}

#[test]
fn strict_lists_what_is_not_done() {
    let text =
        "services:\n  a:\n    image: x\n    credential_spec: {file: f}\n    deploy: {placement: {constraints: [a]}}\n";
    let project = Project::new(&[("compose.yaml", text)]);
    project.run("config -q");
    let listed = project.fail("config --strict");
    for text in ["services.a.credential_spec", "compose.yaml:4:5", "services.a.deploy.placement", "compose.yaml:5:14"] {
        assert!(listed.contains(text), "{text}\n{listed}");
    }
    let clean = Project::new(&[("compose.yaml", "services: {a: {image: 'x:1'}}")]);
    assert_eq!(clean.run("config --strict"), clean.run("config"));
}

#[test]
fn the_schema_is_json() {
    let schema: serde_json::Value = serde_json::from_str(&Project::new(&[]).run("config --json-schema")).unwrap();
    assert_eq!(schema["$schema"], "http://json-schema.org/draft-07/schema#");
    assert!(schema["definitions"]["service"]["properties"]["image"]["description"].is_string());
}
