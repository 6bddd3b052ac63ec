//! The network of `RUN`, by packets: it leads outside and to nobody else, and who keeps it from that is named.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::os::fd::AsFd as _;
use std::process::Command;
use std::thread;

use rcompose::network::{
    Bridge, BridgeSubnet, Cable, Endpoint, EndpointAddress, Subnet, attach, create_bridge, delete_bridge, mac_address,
};

use crate::netns::Netns;
use crate::support::{Sandbox, Stack};

/// The link of the machine that leads to another one, which answers at 10.9.0.2 with the address that it was asked from.
struct Lan;

const LINK: &str = "lan";
const CABLE: &str = "to-lan";

impl Lan {
    fn new() -> Self {
        let subnet: Subnet = "10.9.0.0/24".parse().unwrap();
        let subnets =
            vec![BridgeSubnet { subnet, gateway: Some(subnet.gateway()), masquerade: false, unprotected: true }];
        let name = LINK.to_owned();
        create_bridge(&Bridge { name, subnets, mtu: None, internal: false, isolated: false, shared: false }).unwrap();
        let address = subnet.nth(2).unwrap();
        let endpoint = Endpoint {
            cable: Cable::Veth { host_interface: CABLE.to_owned(), bridge: LINK.to_owned(), isolated: false },
            interface: "eth0".to_owned(),
            mac: mac_address(address),
            // None: it answers the machine, and could not answer a container.
            gateways: Vec::new(),
            addresses: vec![EndpointAddress { address, prefix: 24 }],
            mtu: None,
            sysctls: Vec::new(),
        };
        let machine = Netns::new();
        attach(machine.as_fd(), &[endpoint]).unwrap();
        let listener = machine.run(|| TcpListener::bind("10.9.0.2:80").unwrap());
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let client = stream.peer_addr().unwrap().ip();
                // All of the question, so that the answer is not followed by a reset.
                let question = BufReader::new(stream.try_clone().unwrap()).lines();
                question.map_while(Result::ok).take_while(|line| !line.is_empty()).for_each(drop);
                let _ =
                    write!(stream, "HTTP/1.0 200 OK\r\nContent-Length: {}\r\n\r\n{client}", client.to_string().len());
            }
        });
        Self
    }
}

impl Drop for Lan {
    fn drop(&mut self) {
        let _ = delete_bridge(LINK);
        // The server keeps the other end.
        let _ = Command::new("ip").args(["link", "delete", CABLE]).status();
    }
}

/// A service that is built by a script.
fn built<'a>(sandbox: &'a Sandbox, name: &str, script: &str) -> Stack<'a> {
    let dockerfile = format!("FROM rootfs:/\nRUN {script}\n");
    sandbox.file(&format!("{name}/Dockerfile"), &dockerfile);
    sandbox.stack(name, "services: {app: {build: .}}")
}

/// A command that prints what the web server at `address` says, and fails if it says nothing within some seconds.
fn ask(address: &str, seconds: u32) -> String {
    format!(
        "python3 -c 'from urllib.request import urlopen; print(urlopen(\"http://{address}/\", timeout={seconds}).read().decode())'"
    )
}

#[test]
fn a_program_gets_out_by_the_address_of_the_machine_and_to_no_container() {
    let sandbox = Sandbox::new("build-network");
    let _lan = Lan::new();
    let other = sandbox.stack(
        "other",
        "services: {web: {image: 'rootfs:/', init: true, command: [busybox, httpd, -f, -h, /usr/share/doc]}}",
    );
    other.rcompose(&["up", "-d"]).succeeds();
    let address = other.rcompose(&["exec", "-T", "web", "hostname", "-i"]).succeeds().stdout;
    let address = address.trim();
    let script = format!("echo \"asked by $({})\" && ! {}", ask("10.9.0.2", 20), ask(address, 1));
    built(&sandbox, "app", &script).rcompose(&["build"]).succeeds().says(&["asked by 10.9.0.1"]);
}

#[test]
fn a_firewall_that_keeps_it_from_that_is_named_by_the_step() {
    let sandbox = Sandbox::new("build-walled");
    let _lan = Lan::new();
    let nft = |script: &str| assert!(Command::new("nft").arg(script).status().unwrap().success(), "{script}");
    nft("table inet theirs { chain forward { type filter hook forward priority 0; policy drop; }; }");
    let stack = built(&sandbox, "app", &ask("10.9.0.2", 1));
    let named = ["warning: chain `forward` of the firewall table `inet theirs`", "allow it with `nft insert rule"];
    stack.rcompose(&["build"]).fails_with(1).says(&named);
    nft("delete table inet theirs");
    let outcome = stack.rcompose(&["build"]).succeeds();
    assert!(!outcome.stderr.contains("theirs"), "{outcome}");
}
