//! Published ports, asked for by those who are to reach them and those who are not.

use std::io::{ErrorKind, Read as _};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::time::Duration;

use crate::support::{Sandbox, eventually, http, patient};

/// Whether a web server answers at this address, whatever it says.
fn answers(address: &str) -> bool {
    http::request("GET", address.parse::<SocketAddr>().unwrap(), "/").is_ok()
}

const SERVE: &str = "{image: 'rootfs:/', init: true, command: [busybox, httpd, -f, -h, /usr/share/doc]";

#[test]
fn a_port_without_an_address_is_published_on_both_families() {
    let sandbox = Sandbox::new("ports-both");
    let stack = sandbox.stack(
        "both",
        "
services:
  web:
    image: 'rootfs:/'
    init: true
    command: [python3, -u, -m, http.server, '80', --bind, '0.0.0.0', -d, /usr/share/doc]
    ports: ['8080:80', '[::1]:8081:80', '127.0.0.1:8082:80', '8090-8092:80', '20000-20999:20000-20999/udp']
",
    );
    stack.rcompose(&["up", "-d"]).succeeds();
    stack.logs_show("web", "Serving");
    let reached: Vec<&str> =
        ["127.0.0.1:8080", "[::1]:8080", "[::1]:8081", "127.0.0.1:8082", "127.0.0.1:8090", "[::1]:8090"]
            .into_iter()
            .filter(|address| !answers(address))
            .collect();
    assert_eq!(reached, [""; 0], "out of reach");
    for address in ["127.0.0.1:8081", "[::1]:8082", "127.0.0.1:8091"] {
        assert!(!answers(address), "{address}");
    }
    let shown = stack.rcompose(&["ps"]).succeeds().stdout;
    for port in
        ["0.0.0.0:8080->80/tcp", "[::]:8080->80/tcp", "[::1]:8081->80/tcp", "0.0.0.0:20000-20999->20000-20999/udp"]
    {
        assert!(shown.contains(port), "{port}: {shown}");
    }
    // A supervisor that takes over goes on with what the kernel does not do alone.
    let supervisor = stack.supervisor().unwrap();
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(supervisor), nix::sys::signal::Signal::SIGTERM).unwrap();
    crate::support::eventually("the supervisor is gone", std::time::Duration::from_secs(10), || {
        stack.supervisor().is_none().then_some(())
    });
    assert!(answers("127.0.0.1:8080"), "without a supervisor");
    stack.rcompose(&["up", "-d"]).succeeds();
    assert!(answers("[::1]:8080"));
}

#[test]
fn ports_that_cannot_be_led_to_a_container_are_refused() {
    let sandbox = Sandbox::new("ports-no-way");
    let stack = sandbox.stack("none", &format!("services: {{web: {SERVE}, ports: ['[::1]:53:53/sctp']}}}}"));
    stack
        .rcompose(&["up", "-d"])
        .fails()
        .says(&["cannot publish port 53/sctp on ::1: the container has no IPv6 address"]);
}

#[test]
fn a_range_that_another_project_has_is_in_use() {
    let sandbox = Sandbox::new("ports-range");
    let web = |ports: &str| format!("services: {{web: {SERVE}, ports: ['{ports}']}}}}");
    let one = sandbox.stack("one", &web("20000-29999:20000-29999"));
    one.rcompose(&["up", "-d"]).succeeds();
    let two = sandbox.stack("two", &web("29999:80"));
    two.rcompose(&["up", "-d"]).fails().says(&["port 0.0.0.0:29999/tcp is already in use by "]);
}

#[test]
fn rules_that_somebody_flushes_are_restored() {
    let sandbox = Sandbox::new("ports-flush");
    let stack = sandbox.stack("flush", &format!("services: {{web: {SERVE}, ports: ['127.0.0.1:8080:80']}}}}"));
    stack.rcompose(&["up", "-d"]).succeeds();
    let patience = std::time::Duration::from_secs(20);
    let is_up = || answers("127.0.0.1:8080").then_some(());
    crate::support::eventually("the port is reached", patience, is_up);
    // More than once in a row, too: the waits in between grow.
    for _ in 0..3 {
        let mut flush = std::process::Command::new("nft");
        sandbox.equip(&mut flush);
        flush.args(["flush", "ruleset"]);
        sandbox.run(flush).succeeds();
        crate::support::eventually("the port is reached again", patience, is_up);
    }
}

#[test]
fn ports_are_kept_to_the_machine_where_file_or_user_say_so() {
    let sandbox = Sandbox::new("ports-default");
    let open = format!("services: {{web: {SERVE}, ports: ['8080:80', '0.0.0.0:8081:80']}}}}");
    let stack = sandbox.stack("open", &open);
    let shown = |stack: &crate::support::Stack<'_>| stack.rcompose(&["ps"]).succeeds().stdout;
    let note = "open to other machines: web 8080/tcp 8081/tcp";
    stack.rcompose(&["up", "-d"]).succeeds().says(&[note]);
    assert!(shown(&stack).contains("0.0.0.0:8080->80/tcp"));
    assert!(!stack.rcompose(&["up", "-d"]).succeeds().stderr.contains("open to"), "nothing is opened any more");
    // The project's own setting.
    stack.rewrite(&format!("{open}\nx-rcompose: {{publish: 127.0.0.1}}"));
    stack.rcompose(&["up", "-d"]).succeeds().says(&["open to other machines: web 8081/tcp;"]);
    let ports = shown(&stack);
    assert!(ports.contains("127.0.0.1:8080->80/tcp") && ports.contains("0.0.0.0:8081->80/tcp"), "{ports}");
    // The user's, for all projects; that of the file goes before.
    sandbox.file("config.toml", "[network]\npublish = \"127.0.0.2\"");
    stack.rewrite(&open);
    stack.rcompose(&["up", "-d"]).succeeds();
    assert!(shown(&stack).contains("127.0.0.2:8080->80/tcp"));
    stack.rewrite(&format!("{open}\nx-rcompose: {{publish: '::1'}}"));
    stack.rcompose(&["up", "-d"]).succeeds();
    assert!(shown(&stack).contains("[::1]:8080->80/tcp"));
}

/// Sends `what` to every address, and says which have not sent it back.
fn silent<'a>(addresses: &[&'a str]) -> Vec<&'a str> {
    let echoes = |address: &&&str| {
        let to: SocketAddr = address.parse().unwrap();
        let socket = UdpSocket::bind(if to.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" }).unwrap();
        socket.set_read_timeout(Some(patient(Duration::from_secs(1)))).unwrap();
        socket.connect(to).unwrap();
        // Datagrams are lost on a busy machine, and asked for again.
        let asked = |_| socket.send(b"echo").is_ok() && socket.recv(&mut [0; 8]).is_ok_and(|length| length == 4);
        !(0..20).any(asked)
    };
    addresses.iter().filter(echoes).copied().collect()
}

const ECHO: &str = "import socket as s
u = s.socket(s.AF_INET6, s.SOCK_DGRAM)
u.setsockopt(s.IPPROTO_IPV6, s.IPV6_V6ONLY, 0)
u.bind(('::', 53))
print('Serving')
while True:
  u.sendto(*u.recvfrom(64))
";

#[test]
fn datagrams_reach_a_container_by_every_address_of_the_machine() {
    let sandbox = Sandbox::new("ports-udp");
    let script = serde_json::to_string(ECHO).unwrap();
    let compose = |network: &str| {
        format!(
            "
services:
  dns:
    image: 'rootfs:/'
    init: true
    command: [python3, -u, -c, {script}]
    ports: ['5353:53/udp', '[::1]:5354:53/udp', '127.0.0.1:5355:53/udp']
networks: {{default: {{{network}}}}}
"
        )
    };
    let addresses = ["127.0.0.1:5353", "[::1]:5353", "[::1]:5354", "127.0.0.1:5355"];
    for (name, network) in
        [("four", ""), ("both", "enable_ipv6: true"), ("six", "enable_ipv4: false, enable_ipv6: true")]
    {
        let stack = sandbox.stack(name, &compose(network));
        stack.rcompose(&["up", "-d"]).succeeds();
        stack.logs_show("dns", "Serving");
        assert_eq!(silent(&addresses), [""; 0], "{name}");
        stack.rcompose(&["down", "-t", "1"]).succeeds();
    }
}

#[test]
fn a_connection_through_the_supervisor_ends_with_its_container() {
    let sandbox = Sandbox::new("ports-gone");
    let stack = sandbox.stack(
        "gone",
        "
services:
  web:
    image: 'rootfs:/'
    init: true
    command: [python3, -c, 'import socket; l = socket.create_server((\"\", 80)); c = [l.accept() for _ in range(9999)]']
    ports: ['8080:80']
",
    );
    stack.rcompose(&["up", "-d"]).succeeds();
    for signal in ["SIGKILL", "SIGTERM"] {
        let mut streams: Vec<TcpStream> = Vec::new();
        eventually("the server listens", Duration::from_secs(20), || {
            let mut stream = TcpStream::connect("[::1]:8080").unwrap();
            stream.set_read_timeout(Some(patient(Duration::from_millis(100)))).unwrap();
            let is_open = stream.read(&mut [0]).is_err_and(|error| error.kind() == ErrorKind::WouldBlock);
            is_open.then(|| streams.push(stream))
        });
        match signal {
            "SIGKILL" => drop(stack.rcompose(&["exec", "-T", "web", "sh", "-c", "kill -9 -1"])),
            _ => drop(stack.rcompose(&["down", "-t", "1"]).succeeds()),
        }
        for mut stream in streams {
            stream.set_read_timeout(Some(patient(Duration::from_secs(20)))).unwrap();
            let ended = stream.read(&mut [0]);
            let is_reset = ended.as_ref().is_err_and(|error| error.kind() == ErrorKind::ConnectionReset);
            assert!(is_reset || ended.as_ref().is_ok_and(|length| *length == 0), "{signal}: {ended:?}");
        }
        if signal == "SIGKILL" {
            stack.rcompose(&["up", "-d"]).succeeds();
        }
    }
}

#[test]
fn containers_have_the_limit_of_open_files_that_they_would_have_had() {
    let limit = rustix::process::Rlimit { current: Some(777), maximum: Some(4000) };
    rustix::process::setrlimit(rustix::process::Resource::Nofile, limit).unwrap();
    let sandbox = Sandbox::new("ports-limit");
    let stack = sandbox.stack(
        "limit",
        "
services:
  web:
    image: 'rootfs:/'
    init: true
    command: [sh, -c, 'ulimit -Sn; ulimit -Hn; exec sleep 1000']
    ports: ['8080:80']
    healthcheck: {test: '[ $$(ulimit -Sn) = 777 ] && [ $$(ulimit -Hn) = 4000 ]', retries: 1}
  own: {image: 'rootfs:/', init: true, command: [sh, -c, 'ulimit -Sn; exec sleep 1000'], ulimits: {nofile: 99}}
",
    );
    stack.rcompose(&["up", "-d", "--wait"]).succeeds();
    stack.logs_show("web", "777\n4000\n");
    stack.logs_show("own", "99\n");
    stack.rcompose(&["exec", "-T", "web", "sh", "-c", "ulimit -Sn; ulimit -Hn"]).succeeds().prints(&["777\n4000\n"]);
    let limits = fs_err::read_to_string(format!("/proc/{}/limits", stack.supervisor().unwrap())).unwrap();
    let files = limits.lines().find(|line| line.starts_with("Max open files")).unwrap();
    assert!(!files.contains(" 777 "), "the supervisor relays, and has more: {files}");
}

#[test]
fn a_port_out_of_a_range_says_whom_it_has_passed_over() {
    let sandbox = Sandbox::new("ports-passed");
    let _busy = std::net::TcpListener::bind("0.0.0.0:8090").unwrap();
    let web = format!("services: {{web: {SERVE}, scale: 2, ports: ['8090-8094:80']}}}}");
    let stack = sandbox.stack("passed", &web);
    let told = stack.rcompose(&["up", "-d"]).succeeds();
    told.says(&["port 80/tcp is published as 809", "of 8090-8094: 8090 is in use by "]);
    let shown = stack.rcompose(&["ps"]).succeeds().stdout;
    assert!(shown.contains("0.0.0.0:8091->80/tcp") && shown.contains("0.0.0.0:8092->80/tcp"), "{shown}");
}

#[test]
fn ports_of_a_network_that_is_routed_are_open_at_the_containers_own_addresses() {
    let sandbox = Sandbox::new("ports-routed");
    let compose = |port: &str| {
        format!(
            "
services:
  web:
    image: 'rootfs:/'
    init: true
    command: [busybox, httpd, -f, -p, '80', -h, /usr/share/doc]
    networks: {{lan: {{ipv4_address: 10.71.0.2, ipv6_address: 'fd71::2'}}}}
    ports: ['{port}']
  shut: {{image: 'rootfs:/', init: true, command: [busybox, httpd, -f, -h, /usr/share/doc], networks: [lan]}}
  other: {{image: 'rootfs:/', init: true, command: [sleep, '1000'], networks: [far]}}
networks:
  lan:
    driver_opts:
      com.docker.network.bridge.gateway_mode_ipv4: routed
      com.docker.network.bridge.gateway_mode_ipv6: routed
    ipam: {{config: [{{subnet: 10.71.0.0/24, ip_range: 10.71.0.4/30}}, {{subnet: 'fd71::/64', ip_range: 'fd71::4/126'}}]}}
  far: {{enable_ipv6: true}}
"
        )
    };
    let stack = sandbox.stack("routed", &compose("8080:80"));
    stack.rcompose(&["up", "-d"]).succeeds();
    let from_afar = |address: &str| {
        let script = format!("import urllib.request as r; r.urlopen('http://{address}/', timeout=2)");
        // A page, or that there is none.
        let asked = stack.rcompose(&["exec", "-T", "other", "python3", "-c", &script]);
        asked.status.success() || asked.stderr.contains("HTTP Error")
    };
    eventually("the port of the container", Duration::from_secs(20), || from_afar("10.71.0.2").then_some(()));
    assert!(from_afar("[fd71::2]"));
    for shut in ["10.71.0.4", "[fd71::4]"] {
        assert!(!from_afar(shut), "{shut} has published nothing");
    }
    assert!(!answers("127.0.0.1:8080") && !answers("[::1]:8080"), "no port of the machine leads there");
    let shown = stack.rcompose(&["ps"]).succeeds().stdout;
    assert!(shown.contains("10.71.0.2:80->80/tcp") && shown.contains("[fd71::2]:80->80/tcp"), "{shown}");
    stack.rcompose(&["net"]).succeeds();
    // What is to be kept to the machine is not opened to the world.
    stack.rewrite(&compose("127.0.0.1:8080:80"));
    let refused = stack.rcompose(&["up", "-d"]).fails();
    refused.says(&["cannot publish port 80/tcp on 127.0.0.1: its network is routed"]);
}

#[test]
fn rules_of_networks_that_others_have_made_are_restored_too() {
    let sandbox = Sandbox::new("ports-foreign");
    sandbox.rcompose(&["network", "create", "common"]).succeeds();
    let stack = sandbox.stack(
        "on",
        &format!(
            "services: {{web: {SERVE}, ports: ['127.0.0.1:8080:80'], networks: [common]}}}}\nnetworks: {{common: {{external: true}}}}"
        ),
    );
    stack.rcompose(&["up", "-d"]).succeeds();
    let patience = Duration::from_secs(20);
    let is_up = || answers("127.0.0.1:8080").then_some(());
    eventually("the port is reached", patience, is_up);
    let nft = |line: &[&str]| {
        let mut command = std::process::Command::new("nft");
        sandbox.equip(&mut command);
        command.args(line);
        sandbox.run(command).succeeds().stdout
    };
    let tables = || nft(&["list", "tables"]).lines().filter(|line| line.contains("rcompose-")).count();
    let before = tables();
    nft(&["flush", "ruleset"]);
    eventually("the port is reached again", patience, is_up);
    eventually("the network has its own rules again", patience, || (tables() == before).then_some(()));
    stack.rcompose(&["down", "-t", "1"]).succeeds();
    sandbox.rcompose(&["network", "rm", "common"]).succeeds();
}
