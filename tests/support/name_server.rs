//! A name server that has one answer.

use std::net::{Ipv4Addr, UdpSocket};
use std::sync::{Arc, Mutex};
use std::thread;

/// A name server at an address of the test's machine, until the test ends.
pub(crate) struct NameServer {
    asked: Arc<Mutex<Vec<String>>>,
}

impl NameServer {
    /// One that says of every name that its address is `answer`.
    pub(crate) fn start(address: Ipv4Addr, answer: Ipv4Addr) -> Self {
        let socket = UdpSocket::bind((address, 53)).unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let server = Self { asked: Arc::clone(&asked) };
        thread::spawn(move || {
            let mut query = [0; 1500];
            while let Ok((length, from)) = socket.recv_from(&mut query) {
                let (name, reply) = reply(&query[..length], answer);
                asked.lock().unwrap().push(name);
                socket.send_to(&reply, from).unwrap();
            }
        });
        server
    }

    /// The names that it was asked for.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

/// The name in a query, and the reply: the address to a question for one of IPv4, nothing to any other. See RFC 1035,
/// section 4.
fn reply(query: &[u8], address: Ipv4Addr) -> (String, Vec<u8>) {
    let length = query[12..].iter().position(|byte| *byte == 0).unwrap() + 1;
    let question = &query[12..12 + length + 4];
    let is_a = question[length..length + 2] == [0, 1];
    // Response, recursion desired and available; one question; an answer or none.
    let mut reply = [&query[..2], &[0x81, 0x80, 0, 1, 0, u8::from(is_a), 0, 0, 0, 0], question].concat();
    if is_a {
        // The name of the question, type A, class IN, TTL 0, four bytes.
        reply.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4]);
        reply.extend(address.octets());
    }
    let mut labels = Vec::new();
    let mut rest = question;
    while let [length @ 1..=63, label @ ..] = rest {
        labels.push(String::from_utf8_lossy(&label[..usize::from(*length)]).into_owned());
        rest = &label[usize::from(*length)..];
    }
    (labels.join("."), reply)
}
