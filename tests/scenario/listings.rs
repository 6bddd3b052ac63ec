//! The commands that list what there is: projects, images, volumes, processes.

use std::time::Duration;

use serde_json::{Value, json};

use crate::registry_image as image;
use crate::support::registry::Behaviour;
use crate::support::{Sandbox, Stack, eventually};

#[track_caller]
fn ended(stack: &Stack<'_>, service: &str) {
    eventually(&format!("the end of {service}"), Duration::from_secs(10), || {
        (stack.container(service).state == "exited").then_some(())
    });
}

#[test]
fn ls_knows_every_project_and_what_its_containers_do() {
    let sandbox = Sandbox::new("ls");
    let service = "{image: 'rootfs:/', init: true, command: [sleep, '1000'], scale: 2}";
    let once = "{image: 'rootfs:/', command: ['true']}";
    let shop = sandbox.stack("shop", &format!("services: {{web: {service}, once: {once}}}"));
    let job = sandbox.stack("job", &format!("services: {{once: {once}}}"));
    assert_eq!(sandbox.rcompose(&["ls"]).succeeds().stdout, "NAME                STATUS              CONFIG FILES\n");
    assert_eq!(sandbox.rcompose(&["ls", "--format", "json"]).succeeds().stdout, "[]\n");
    shop.rcompose(&["up", "-d"]).succeeds();
    job.rcompose(&["up", "-d"]).succeeds();
    ended(&shop, "once");
    ended(&job, "once");

    let list = |line: &[&str]| -> Value {
        let text = sandbox.rcompose(&[&["ls", "--format", "json"], line].concat()).succeeds().stdout;
        serde_json::from_str(&text).unwrap()
    };
    let row = |stack: &Stack<'_>, name: &str, status: &str| json!({"Name": name, "Status": status, "ConfigFiles": stack.file().to_str().unwrap()});
    let (whole, single) = (row(&shop, "shop", "exited(1), running(2)"), row(&job, "job", "exited(1)"));
    assert_eq!(list(&[]), json!([row(&shop, "shop", "running(2)")]), "stopped projects only with -a");
    assert_eq!(list(&["-a"]), json!([single, whole]));
    assert_eq!(list(&["-a", "--filter", "name=^s"]), json!([whole]));
    assert_eq!(sandbox.rcompose(&["ls", "-a", "-q"]).succeeds().stdout, "job\nshop\n");
    sandbox.rcompose(&["ls", "--filter", "colour=red"]).fails_with(1).says(&["name=REGEX"]);

    shop.rcompose(&["down"]).succeeds();
    assert_eq!(sandbox.rcompose(&["ls", "-a", "-q"]).succeeds().stdout, "job\n");
}

#[test]
fn ps_leaves_orphans_out_when_asked_to() {
    let sandbox = Sandbox::new("ps-orphans");
    let service = "{image: 'rootfs:/', init: true, command: [sleep, '1000']}";
    let stack = sandbox.stack("shop", &format!("services: {{web: {service}, old: {service}}}"));
    stack.rcompose(&["up", "-d"]).succeeds();
    stack.rewrite(&format!("services: {{web: {service}}}"));
    let services = |line: &[&str]| stack.rcompose(&[&["ps", "--services"], line].concat()).succeeds().stdout;
    assert_eq!(services(&[]), "old\nweb\n");
    assert_eq!(services(&["--orphans=false"]), "web\n");
    assert_eq!(services(&["--filter", "status=exited"]), "");
    let shown =
        stack.rcompose(&["ps", "--format", "{{.Service}} {{.State}} {{.Label \"com.docker.compose.project\"}}"]);
    assert_eq!(shown.succeeds().stdout, "old running shop\nweb running shop\n");
    let shown = stack.rcompose(&["ps", "--format", "table {{.Name}}\\t{{.Status}}", "web"]).succeeds().stdout;
    assert!(shown.starts_with("NAME         STATUS\nshop-web-1   Up "), "{shown}");
    stack.rcompose(&["ps", "--format", "{{.Nmae}}"]).fails_with(1).says(&["no field Nmae"]);
    stack.rcompose(&["down", "--remove-orphans"]).succeeds();
}

#[test]
fn images_tells_what_containers_were_made_from() {
    let sandbox = Sandbox::new("images-list");
    let _registry = sandbox.hub(image::hub("hello"), Behaviour::default());
    let stack = sandbox.stack("app", "services: {app: {image: 'app:1'}, host: {image: 'rootfs:/', command: ['true']}}");
    stack.rcompose(&["up", "-d"]).succeeds();
    let text = stack.rcompose(&["images", "--format", "json", "app"]).succeeds().stdout;
    let list: Value = serde_json::from_str(&text).unwrap();
    let app = &list[0];
    for (field, value) in
        [("ContainerName", "app-app-1"), ("Repository", "app"), ("Tag", "1"), ("Platform", "linux/amd64")]
    {
        assert_eq!(app[field], value, "{field} of {text}");
    }
    let busybox = fs_err::metadata("/bin/busybox").unwrap().len();
    let size = app["Size"].as_u64().unwrap();
    assert!((busybox..busybox + 1000).contains(&size), "busybox is {busybox} bytes: {text}");
    let id = stack.rcompose(&["images", "-q", "app"]).succeeds().stdout;
    assert_eq!(format!("sha256:{}", id.trim()), app["ID"].as_str().unwrap());
    let table = stack.rcompose(&["images"]).succeeds().stdout;
    let rows: Vec<Vec<&str>> = table.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(rows[0], ["CONTAINER", "REPOSITORY", "TAG", "PLATFORM", "IMAGE", "ID", "SIZE", "CREATED"]);
    assert_eq!(rows[1][..5], ["app-app-1", "app", "1", "linux/amd64", &id[..12]]);
    assert_eq!(rows[2][..3], ["app-host-1", "rootfs:/", "<none>"]);
}

#[test]
fn volumes_are_those_of_the_project() {
    let sandbox = Sandbox::new("volume-list");
    let service =
        |volume: &str| format!("{{image: 'rootfs:/', command: ['true'], volumes: ['{volume}:/data', '/anonymous']}}");
    let compose = |volumes: &str| {
        format!("services: {{web: {}, db: {}}}\nvolumes: {volumes}\n", service("cache"), service("data"))
    };
    let stack = sandbox.stack("shop", &compose("{cache: {labels: {tier: front}}, data: {}}"));
    let other = sandbox.stack("other", &compose("{cache: {}, data: {}}"));
    stack.rcompose(&["up", "-d"]).succeeds();
    other.rcompose(&["up", "-d"]).succeeds();
    let shown = stack.rcompose(&["volumes"]).succeeds().stdout;
    assert_eq!(shown, "DRIVER    VOLUME NAME\nlocal     shop_cache\nlocal     shop_data\n");
    assert_eq!(stack.rcompose(&["volumes", "-q", "db"]).succeeds().stdout, "shop_data\n");
    let text = stack.rcompose(&["volumes", "--format", "json", "web"]).succeeds().stdout;
    let volume: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        (&volume["Name"], &volume["Driver"], &volume["Scope"]),
        (&"shop_cache".into(), &"local".into(), &"local".into())
    );
    assert!(volume["Labels"].as_str().unwrap().contains("tier=front"), "{text}");
    assert!(std::path::Path::new(volume["Mountpoint"].as_str().unwrap()).is_dir(), "{text}");
    let format = ["volumes", "--format", "{{.Name}} {{.Label \"com.docker.compose.volume\"}}"];
    assert_eq!(stack.rcompose(&format).succeeds().stdout, "shop_cache cache\nshop_data data\n");
    stack.rcompose(&["volumes", "dbb"]).fails_with(1).says(&["no such service: dbb", "did you mean `db`?"]);
}

#[test]
fn top_shows_the_processes_of_containers() {
    let sandbox = Sandbox::new("top");
    let service = "{image: 'rootfs:/', init: true, command: [sh, -c, 'sleep 4711 & sleep 4712 & wait'], scale: 2}";
    let stack =
        sandbox.stack("shop", &format!("services: {{web: {service}, once: {{image: 'rootfs:/', command: ['true']}}}}"));
    stack.rcompose(&["up", "-d"]).succeeds();
    let table = eventually("all processes", Duration::from_secs(10), || {
        let shown = stack.rcompose(&["top"]).succeeds().stdout;
        let commands: Vec<_> = shown.lines().map(|line| line.split_whitespace().skip(9).collect::<Vec<_>>()).collect();
        let sleeps = commands.iter().filter(|command| matches!(command[..], ["sleep", "4711" | "4712"])).count();
        (sleeps == 4).then_some(shown)
    });
    let rows: Vec<Vec<&str>> = table.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(rows[0], ["SERVICE", "#", "UID", "PID", "PPID", "C", "STIME", "TTY", "TIME", "CMD"]);
    let sleeps: Vec<_> = rows.iter().filter(|row| row[9..] == ["sleep", "4712"]).collect();
    assert_eq!(sleeps.iter().map(|row| row[1]).collect::<Vec<_>>(), ["1", "2"], "{table}");
    for row in sleeps {
        assert_eq!((row[0], row[2], row[7]), ("web", "root", "?"), "{table}");
        let command = fs_err::read_to_string(format!("/proc/{}/cmdline", row[3])).unwrap();
        assert_eq!(command, "sleep\x004712\x00", "the pid is that of the host: {table}");
    }
    assert_eq!(stack.rcompose(&["top", "once"]).succeeds().stdout, "", "what has ended has no processes");
    stack.rcompose(&["top", "wbe"]).fails_with(1).says(&["did you mean `web`?"]);
}
