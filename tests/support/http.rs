//! Just enough HTTP to ask a service of a stack, from inside the test's network namespace.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// Sends `METHOD path` to `address`, and returns the status code and the body.
///
/// # Errors
/// When nobody answers within five seconds, or not in HTTP.
pub(crate) fn request(method: &str, address: SocketAddr, path: &str) -> io::Result<(u16, String)> {
    let limit = Duration::from_secs(5);
    let mut stream = TcpStream::connect_timeout(&address, limit)?;
    stream.set_read_timeout(Some(limit))?;
    write!(stream, "{method} {path} HTTP/1.0\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    parse(&answer).ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, answer.clone()))
}

fn parse(answer: &str) -> Option<(u16, String)> {
    let (head, body) = answer.split_once("\r\n\r\n")?;
    Some((head.split(' ').nth(1)?.parse().ok()?, body.to_owned()))
}

/// Sends `GET path` to a loopback port, and returns the body of a 200.
///
/// # Panics
/// On every other answer.
#[track_caller]
pub(crate) fn get(port: u16, path: &str) -> String {
    match request("GET", ([127, 0, 0, 1], port).into(), path) {
        Ok((200, body)) => body,
        other => panic!("GET {path} from port {port}: {other:?}"),
    }
}
