//! `rcompose network`: what its verbs do, seen from the machine.

use std::process::Command;

use serde_json::Value;

use crate::support::Sandbox;

/// What a program of the system says on the machine of the test.
fn system(sandbox: &Sandbox, line: &[&str]) -> String {
    let mut command = Command::new(line[0]);
    sandbox.equip(&mut command);
    command.args(&line[1..]);
    sandbox.run(command).succeeds().stdout
}

/// What `network inspect` says of one network.
fn inspected(sandbox: &Sandbox, network: &str) -> Value {
    let text = sandbox.rcompose(&["network", "inspect", network]).succeeds().stdout;
    let Value::Array(mut networks) = serde_json::from_str(&text).unwrap() else { panic!("{text}") };
    assert_eq!(networks.len(), 1, "{text}");
    networks.remove(0)
}

#[test]
fn a_network_that_is_created_has_what_was_asked_for_until_it_is_removed() {
    let sandbox = Sandbox::new("net-create");
    let line = "network create --subnet 10.9.0.0/24 --gateway 10.9.0.9 --ip-range 10.9.0.128/25 --aux-address a=10.9.0.130 \
                --subnet fd09::/64 --label tier=back -o com.docker.network.driver.mtu=1400 --attachable lab";
    let id = sandbox.rcompose(&line.split_whitespace().collect::<Vec<_>>()).succeeds().stdout;
    let network = inspected(&sandbox, &id.trim()[..12]);
    assert_eq!(network["Name"], "lab");
    assert_eq!(network["Id"], id.trim());
    assert_eq!((&network["EnableIPv4"], &network["EnableIPv6"]), (&true.into(), &true.into()));
    assert_eq!((&network["Attachable"], &network["Internal"]), (&true.into(), &false.into()));
    assert_eq!(network["Labels"]["tier"], "back");
    assert_eq!(network["Options"]["com.docker.network.driver.mtu"], "1400");
    let pool = &network["IPAM"]["Config"][0];
    assert_eq!((&pool["Gateway"], &pool["IPRange"]), (&"10.9.0.9".into(), &"10.9.0.128/25".into()));
    assert_eq!(pool["AuxiliaryAddresses"]["a"], "10.9.0.130");
    let bridges = system(&sandbox, &["ip", "-o", "link", "show", "type", "bridge"]);
    assert!(bridges.contains("mtu 1400"), "{bridges}");
    let addresses = system(&sandbox, &["ip", "-o", "addr"]);
    assert!(addresses.contains("10.9.0.9/24") && addresses.contains("fd09::1/64"), "{addresses}");
    assert!(system(&sandbox, &["nft", "list", "ruleset"]).contains("10.9.0.0/24"), "nothing is masqueraded");

    sandbox.rcompose(&["network", "create", "lab"]).fails_with(1).says(&["network with name lab already exists"]);
    let overlapping = ["network", "create", "--subnet", "10.9.0.64/26", "other"];
    sandbox.rcompose(&overlapping).fails_with(1).says(&["overlaps 10.9.0.0/24 of network lab"]);
    let outside = ["network", "create", "--subnet", "10.8.0.0/24", "--gateway", "10.7.0.1", "other"];
    sandbox.rcompose(&outside).fails_with(1).says(&["no --subnet contains --gateway 10.7.0.1"]);
    let list = ["network", "ls", "--filter", "label=tier=back", "--format", "{{.Name}} {{.Driver}}"];
    sandbox.rcompose(&list).succeeds().prints(&["lab bridge\n"]);

    sandbox.rcompose(&["network", "rm", "lab"]).succeeds().prints(&["lab\n"]);
    sandbox.rcompose(&["network", "rm", "lab"]).fails_with(1).says(&["network lab not found"]);
    sandbox.rcompose(&["network", "rm", "-f", "lab"]).succeeds();
    assert_eq!(sandbox.rcompose(&["network", "ls", "-q"]).succeeds().stdout, "");
}

#[test]
fn only_networks_that_no_container_is_on_are_removed() {
    let sandbox = Sandbox::new("net-unused");
    let service = "{image: 'rootfs:/', init: true, command: [sleep, '1000']";
    let stack = sandbox.stack(
        "used",
        &format!(
            "services:\n  web: {service}, networks: [a]}}\n  old: {service}, networks: [b]}}\nnetworks: {{a: , b: }}\n"
        ),
    );
    stack.rcompose(&["up", "-d"]).succeeds();
    sandbox.rcompose(&["network", "create", "idle"]).succeeds();
    let network = inspected(&sandbox, "used_b");
    let container = &network["Containers"][network["Containers"].as_object().unwrap().keys().next().unwrap()];
    assert_eq!(container["Name"], "used-old-1");
    let address = container["IPv4Address"].as_str().unwrap();
    stack.rcompose(&["exec", "-T", "old", "ip", "addr"]).succeeds().prints(&[address]);
    sandbox.rcompose(&["network", "rm", "used_b"]).fails_with(1).says(&["network used_b is in use by used-old-1"]);

    stack.rewrite(&format!("services:\n  web: {service}, networks: [a]}}\nnetworks: {{a: }}\n"));
    stack.rcompose(&["up", "-d", "--remove-orphans"]).succeeds();
    let pruned = sandbox.rcompose(&["network", "prune", "-f"]).succeeds().stdout;
    assert_eq!(pruned, "Deleted Networks:\nidle\nused_b\n\n");
    let left = sandbox.rcompose(&["network", "ls", "--format", "{{.Name}}"]).succeeds().stdout;
    assert_eq!(left, "used_a\n");
    let bridges = system(&sandbox, &["ip", "-o", "link", "show", "type", "bridge"]);
    assert_eq!(bridges.lines().count(), 1, "{bridges}");
}
