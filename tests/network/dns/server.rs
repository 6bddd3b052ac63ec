//! Name servers that behave as they are told to.

use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::sync::{Arc, Mutex};
use std::thread;

use simple_dns::rdata::{A, RData};
use simple_dns::{CLASS, Packet, PacketFlag, RCODE, ResourceRecord};

use super::client::{framed, next_message};

/// What was asked: the packet, and from which port.
type Asked = Arc<Mutex<Vec<(Vec<u8>, u16)>>>;

/// A name server on the machine of the thread that starts it, until the test ends.
pub(super) struct Server {
    pub(super) address: SocketAddr,
    asked: Asked,
}

impl Server {
    /// One at 127.0.1.`last` that sends what `datagrams` makes of a question.
    pub(super) fn start(last: u8, datagrams: impl Fn(&[u8]) -> Vec<Vec<u8>> + Send + 'static) -> Self {
        Self::start_at(Ipv4Addr::new(127, 0, 1, last), datagrams)
    }

    pub(super) fn start_at(address: Ipv4Addr, datagrams: impl Fn(&[u8]) -> Vec<Vec<u8>> + Send + 'static) -> Self {
        let socket = UdpSocket::bind((address, 53)).unwrap();
        let asked = Asked::default();
        let server = Self { address: socket.local_addr().unwrap(), asked: Arc::clone(&asked) };
        thread::spawn(move || {
            let mut packet = [0; 4096];
            while let Ok((length, client)) = socket.recv_from(&mut packet) {
                asked.lock().unwrap().push((packet[..length].to_vec(), client.port()));
                for reply in datagrams(&packet[..length]) {
                    socket.send_to(&reply, client).unwrap();
                }
            }
        });
        server
    }

    /// Takes connections as well, and sends on them what `message` makes of a question.
    pub(super) fn and_by_connection(self, message: impl Fn(&[u8]) -> Vec<u8> + Send + 'static) -> Self {
        let listener = TcpListener::bind(self.address).unwrap();
        let asked = Arc::clone(&self.asked);
        thread::spawn(move || {
            while let Ok((mut stream, client)) = listener.accept() {
                let query = next_message(&mut stream);
                asked.lock().unwrap().push((query.clone(), client.port()));
                stream.write_all(&framed(&message(&query))).unwrap();
            }
        });
        self
    }

    pub(super) fn asked(&self) -> Vec<(Vec<u8>, u16)> {
        self.asked.lock().unwrap().clone()
    }
}

/// A reply to `query` that says only this.
pub(super) fn code(query: &[u8], code: RCODE) -> Vec<u8> {
    reply(query, |reply| *reply.rcode_mut() = code)
}

/// A reply to `query` with `count` addresses, the last number of each from `last` on.
pub(super) fn addresses(query: &[u8], last: u8, count: u8) -> Vec<u8> {
    reply(query, |reply| {
        let name = reply.questions[0].qname.clone();
        let record = |last| ResourceRecord::new(name.clone(), CLASS::IN, 60, RData::A(A::from(address(last))));
        reply.answers = (last..last + count).map(record).collect();
    })
}

fn address(last: u8) -> Ipv4Addr {
    Ipv4Addr::new(192, 0, 2, last)
}

/// A reply to `query` that is cut short.
pub(super) fn cut(query: &[u8]) -> Vec<u8> {
    reply(query, |reply| reply.set_flags(PacketFlag::TRUNCATION))
}

fn reply(query: &[u8], fill: impl FnOnce(&mut Packet<'_>)) -> Vec<u8> {
    let query = Packet::parse(query).unwrap();
    let mut reply = Packet::new_reply(query.id());
    reply.questions = query.questions.clone();
    fill(&mut reply);
    reply.build_bytes_vec_compressed().unwrap()
}
