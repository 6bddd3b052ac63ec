//! Name lookups over real sockets: asked inside a container, answered from outside it.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream, UdpSocket};
use std::os::fd::AsFd;
use std::thread;
use std::time::Duration;

use rcompose::network::{Names, Port53, Resolver, View, loopback_up};
use simple_dns::rdata::RData;
use simple_dns::{CLASS, Name, Packet, Question, RCODE, TYPE};
use tokio::sync::{oneshot, watch};

use crate::netns::{Netns, on_own_machine};

const SERVER: (Ipv4Addr, u16) = (Ipv4Addr::new(127, 0, 0, 11), 53);

/// A resolver that is served until this is dropped.
struct Served {
    names: watch::Sender<Names>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Served {
    fn start(netns: &Netns, port53: Port53, upstream: Vec<SocketAddr>) -> Self {
        let resolver = Resolver::bind(netns.as_fd(), port53).unwrap();
        let mut names = Names::default();
        for last in 2..=4 {
            names.insert("back", "db", Ipv4Addr::new(10, 1, 0, last));
        }
        names.insert("front", "web", Ipv4Addr::new(10, 2, 0, 2));
        names.insert_pointer("back", Ipv4Addr::new(10, 1, 0, 2), "shop-db-1.shop_back");
        let (names, receiver) = watch::channel(names);
        let (stop, stopped) = oneshot::channel();
        let view = View { networks: vec!["back".to_owned()], upstream };
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                tokio::select! {
                    result = resolver.serve(receiver, view) => result.unwrap(),
                    _ = stopped => {}
                }
            });
        });
        Self { names, stop: Some(stop), thread: Some(thread) }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        drop(self.stop.take());
        self.thread.take().unwrap().join().unwrap();
    }
}

fn isolated() -> Netns {
    let netns = Netns::new();
    loopback_up(netns.as_fd()).unwrap();
    netns
}

fn query(name: &str, kind: TYPE) -> Vec<u8> {
    let mut packet = Packet::new_query(4711);
    packet.questions.push(Question::new(Name::new(name).unwrap(), kind.into(), CLASS::IN.into(), false));
    packet.build_bytes_vec().unwrap()
}

/// A reply as text: the code, then the records.
fn text(reply: &[u8]) -> String {
    let reply = Packet::parse(reply).unwrap();
    assert_eq!(reply.id(), 4711);
    let records = reply.answers.iter().map(|record| match &record.rdata {
        RData::A(a) => format!(" {} ttl {}", Ipv4Addr::from_bits(a.address), record.ttl),
        RData::PTR(name) => format!(" {}", name.0),
        other => format!(" {other:?}"),
    });
    format!("{:?}{}", reply.rcode(), records.collect::<String>())
}

fn ask_udp(netns: &Netns, query: &[u8]) -> String {
    netns.run(|| {
        let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        socket.connect(SERVER).unwrap();
        socket.send(query).unwrap();
        let mut reply = [0; 1500];
        let length = socket.recv(&mut reply).unwrap();
        text(&reply[..length])
    })
}

fn ask_tcp(netns: &Netns, query: &[u8]) -> String {
    netns.run(|| {
        let mut stream = TcpStream::connect(SERVER).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let length = u16::try_from(query.len()).unwrap();
        stream.write_all(&[&length.to_be_bytes()[..], query].concat()).unwrap();
        let mut length = [0; 2];
        stream.read_exact(&mut length).unwrap();
        let mut reply = vec![0; u16::from_be_bytes(length).into()];
        stream.read_exact(&mut reply).unwrap();
        text(&reply)
    })
}

#[test]
fn names_of_the_containers_networks_are_answered() {
    on_own_machine(|| {
        let netns = isolated();
        let served = Served::start(&netns, Port53::Resolver, Vec::new());
        let mut first: Vec<String> = (0..3)
            .map(|_| ask_udp(&netns, &query("DB", TYPE::A)).split_whitespace().nth(1).unwrap().to_owned())
            .collect();
        first.sort();
        assert_eq!(first, ["10.1.0.2", "10.1.0.3", "10.1.0.4"], "replicas take turns");
        for (name, kind, expect) in [
            ("db", TYPE::AAAA, "NoError"),
            ("2.0.1.10.in-addr.arpa", TYPE::PTR, "NoError shop-db-1.shop_back"),
            ("web", TYPE::A, "ServerFailure"),
        ] {
            assert_eq!(ask_udp(&netns, &query(name, kind)), expect, "{name} {kind:?}");
            assert_eq!(ask_tcp(&netns, &query(name, kind)), expect, "{name} {kind:?} over TCP");
        }
        served.names.send_modify(|names| {
            names.remove("back", Ipv4Addr::new(10, 1, 0, 2));
            names.remove("back", Ipv4Addr::new(10, 1, 0, 3));
        });
        assert_eq!(ask_tcp(&netns, &query("db", TYPE::A)), "NoError 10.1.0.4 ttl 0");
    });
}

#[test]
fn other_names_are_asked_of_the_machines_servers() {
    on_own_machine(|| {
        let netns = isolated();
        // One that is down, one that refuses, one that knows: it has "known" as its own name.
        let [down, refusing, knowing] = [1, 2, 3].map(|last| SocketAddr::from((Ipv4Addr::new(127, 0, 1, last), 53)));
        let answering = |address: SocketAddr, code: RCODE| {
            let socket = UdpSocket::bind(address).unwrap();
            thread::spawn(move || {
                let mut packet = [0; 512];
                while let Ok((length, client)) = socket.recv_from(&mut packet) {
                    let query = Packet::parse(&packet[..length]).unwrap();
                    let mut reply = Packet::new_reply(query.id());
                    *reply.rcode_mut() = code;
                    socket.send_to(&reply.build_bytes_vec().unwrap(), client).unwrap();
                }
            });
        };
        answering(refusing, RCODE::Refused);
        answering(knowing, RCODE::NameError);
        let _served = Served::start(&netns, Port53::Resolver, vec![down, refusing, knowing]);
        assert_eq!(ask_udp(&netns, &query("example.org", TYPE::A)), "NameError");
    });
}

#[test]
fn a_container_that_is_a_name_server_itself_works() {
    on_own_machine(|| {
        // Declared beforehand, or found out: the application was there first.
        for (port53, application_first) in [(Port53::Container, false), (Port53::Resolver, true)] {
            let netns = isolated();
            let bind = || netns.run(|| UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 53)).unwrap());
            let early = application_first.then(bind);
            let _served = Served::start(&netns, port53, Vec::new());
            let _application = early.unwrap_or_else(bind);
            assert!(ask_udp(&netns, &query("db", TYPE::A)).starts_with("NoError 10.1.0."));
            assert!(ask_tcp(&netns, &query("db", TYPE::A)).starts_with("NoError 10.1.0."));
        }
    });
}

#[test]
fn rude_clients_hold_nobody_up() {
    on_own_machine(|| {
        let netns = isolated();
        let _served = Served::start(&netns, Port53::Resolver, Vec::new());
        let silent: Vec<TcpStream> = netns.run(|| (0..100).map(|_| TcpStream::connect(SERVER).unwrap()).collect());
        netns.run(|| {
            let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).unwrap();
            let question = query("db", TYPE::A);
            for length in 0..question.len() {
                socket.send_to(&question[..length], SERVER).unwrap();
            }
            socket.send_to(&[0xff; 1400], SERVER).unwrap();
        });
        assert!(ask_udp(&netns, &query("db", TYPE::A)).starts_with("NoError"));
        drop(silent);
        // Too long to be a question: the connection is closed, not waited on.
        netns.run(|| {
            let mut stream = TcpStream::connect(SERVER).unwrap();
            stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
            stream.write_all(&[0xff, 0xff]).unwrap();
            assert_eq!(stream.read(&mut [0]).unwrap(), 0);
        });
    });
}
