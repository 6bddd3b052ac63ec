//! Images that cannot be had.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;

use crate::support::Sandbox;

fn one_service(image: &str) -> String {
    format!("services: {{web: {{image: '{image}', command: [sleep, '1000']}}}}")
}

#[test]
fn an_image_that_the_registry_does_not_have() {
    let sandbox = Sandbox::new("no-image");
    let registry = TcpListener::bind("127.0.0.1:0").unwrap();
    let image = format!("{}/shop/ghost:3", registry.local_addr().unwrap());
    // Says of everything that it is unknown; ends with the test's process.
    thread::spawn(move || {
        for connection in registry.incoming() {
            let mut connection = connection.unwrap();
            let _ = connection.read(&mut [0; 4096]);
            let body = r#"{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}"#;
            let head = format!("HTTP/1.1 404 Not Found\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
            let _ = connection.write_all((head + body).as_bytes());
        }
    });
    let stack = sandbox.stack("imageless", &one_service(&image));
    stack.rcompose(&["up", "-d"]).fails_with(1).says(&[&image, "not found"]);
}

#[test]
fn a_registry_that_is_down() {
    let sandbox = Sandbox::new("no-registry");
    // Nothing listens in a network namespace that is new.
    let image = "127.0.0.1:5000/library/ghost:3";
    let stack = sandbox.stack("unreachable", &one_service(image));
    stack.rcompose(&["up", "-d"]).fails_with(1).says(&[image, "127.0.0.1:5000", "refused"]);
}

#[test]
fn a_root_directory_that_is_not_there() {
    let sandbox = Sandbox::new("no-rootfs");
    let stack = sandbox.stack("rootless", &one_service("rootfs:/not/there"));
    stack.rcompose(&["up", "-d"]).fails_with(1).says(&["/not/there"]);
}
