//! `port`: where a port of a service is published.

use crate::support::Sandbox;

#[test]
fn the_address_that_leads_to_a_port() {
    let sandbox = Sandbox::new("port");
    let stack = sandbox.stack(
        "published",
        "
services:
  web:
    image: rootfs:/
    init: true
    command: [sleep, '1000']
    ports: ['127.0.0.1:8080:80', '5300:53/udp', '9000-9001:3000-3001', '8100-8101:90']
    scale: 2
",
    );
    let one = stack.rcompose(&["up", "-d", "--scale", "web=1"]);
    one.succeeds();
    for (arguments, address) in [
        (&["port", "web", "80"][..], "127.0.0.1:8080\n"),
        (&["port", "--protocol", "udp", "web", "53"], "0.0.0.0:5300\n"),
        (&["port", "--index", "1", "web", "3001"], "0.0.0.0:9001\n"),
    ] {
        assert_eq!(stack.rcompose(arguments).succeeds().stdout, address, "{arguments:?}");
    }
    stack.rcompose(&["port", "web", "81"]).fails_with(1).says(&["no port 81/tcp for container published-web-1"]);
    stack.rcompose(&["port", "--index", "2", "web", "80"]).fails_with(1).says(&["no container 2"]);
    stack.rcompose(&["stop"]).succeeds();
    stack.rcompose(&["port", "web", "80"]).fails_with(1).says(&["not running"]);
}
