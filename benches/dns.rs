//! What it costs to ask for a name, beside a bare echo over the same kind of sockets in the same container: the floor. Both are
//! asked in turn in one run, so the figures to look at are the ratios. As root: `make bench`.

#![expect(clippy::print_stdout, reason = "a bench prints what it measured")]
#![expect(clippy::unwrap_used, reason = "a step that fails ends the bench")]

use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::os::fd::AsFd;
use std::thread;
use std::time::{Duration, Instant};

use nix::sched::{CloneFlags, unshare};
use rcompose::network::{Names, Resolver, View, loopback_up};
use rcompose::sys::netns::in_netns;
use simple_dns::{CLASS, Name, Packet, PacketFlag, Question, TYPE};
use tokio::sync::watch;
use tokio::task::LocalSet;

const ADDRESS: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 11);
const QUESTIONS: usize = 20_000;
const BINDS: usize = 50;
/// For the rate: how many are on their way at once, and how many in all.
const WINDOW: usize = 32;
const IN_A_ROW: usize = 200_000;

fn main() {
    if rustix::process::geteuid().as_raw() != 0 {
        println!("this bench makes network namespaces: run it as root");
        return;
    }
    let container = namespace();
    let echo = in_netns(container.as_fd(), || UdpSocket::bind((ADDRESS, 0)).unwrap()).unwrap();
    let floor = echo.local_addr().unwrap();
    thread::spawn(move || reflect(&echo));
    let resolver = Resolver::bind(container.as_fd()).unwrap();
    thread::spawn(move || serve(resolver));

    let [floor, ours] = in_netns(container.as_fd(), || [client(floor), client((ADDRESS, 53).into())]).unwrap();
    let (one, many) = (query("service-7"), query("replicated"));
    println!("| us | p50 | p10 | p99 |");
    println!("|---|---|---|---|");
    let mut times = [const { Vec::new() }; 3];
    for _ in 0..QUESTIONS {
        for (times, (socket, query)) in times.iter_mut().zip([(&floor, &one), (&ours, &one), (&ours, &many)]) {
            times.push(round_trip(socket, query));
        }
    }
    for (name, times) in ["bare echo", "a service", "a service of ten replicas"].iter().zip(&mut times) {
        times.sort_unstable();
        let at = |percent: usize| times[times.len() * percent / 100].as_secs_f64() * 1e6;
        println!("| {name} | {:.1} | {:.1} | {:.1} |", at(50), at(10), at(99));
    }
    for (name, socket) in [("bare echo", &floor), ("a service", &ours)] {
        println!("{name}: {:.0} a second, {WINDOW} at once", rate(socket, &one));
    }
    let mut binds: Vec<Duration> = (0..BINDS).map(|_| bind()).collect();
    binds.sort_unstable();
    println!("to make the resolver of a container: {:.0} us", binds[BINDS / 2].as_secs_f64() * 1e6);
}

/// A container's network namespace.
fn namespace() -> File {
    let made = thread::spawn(|| {
        unshare(CloneFlags::CLONE_NEWNET).unwrap();
        File::open("/proc/thread-self/ns/net").unwrap()
    });
    let namespace = made.join().unwrap();
    loopback_up(namespace.as_fd()).unwrap();
    namespace
}

fn reflect(socket: &UdpSocket) {
    let mut packet = [0; 1500];
    while let Ok((length, client)) = socket.recv_from(&mut packet) {
        // A full buffer loses it, as with any datagram.
        let _ = socket.send_to(&packet[..length], client);
    }
}

/// As the supervisor does: one thread, the names of a project of fifty services.
fn serve(resolver: Resolver) {
    let mut names = Names::default();
    for service in 0..50 {
        names.insert("shop_default", &format!("service-{service}"), Ipv4Addr::new(10, 0, 0, service));
    }
    for replica in 100..110 {
        names.insert("shop_default", "replicated", Ipv4Addr::new(10, 0, 0, replica));
    }
    let (_names, receiver) = watch::channel(names);
    let view = watch::channel(View { networks: vec!["shop_default".to_owned()], ..View::default() }).1;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    LocalSet::new().block_on(&runtime, resolver.serve(receiver, view)).unwrap();
}

fn client(server: SocketAddr) -> UdpSocket {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    socket.connect(server).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
    socket
}

fn query(name: &str) -> Vec<u8> {
    let mut packet = Packet::new_query(1);
    packet.set_flags(PacketFlag::RECURSION_DESIRED);
    packet.questions.push(Question::new(Name::new(name).unwrap(), TYPE::A.into(), CLASS::IN.into(), false));
    packet.build_bytes_vec().unwrap()
}

fn round_trip(socket: &UdpSocket, query: &[u8]) -> Duration {
    let start = Instant::now();
    socket.send(query).unwrap();
    socket.recv(&mut [0; 1500]).unwrap();
    start.elapsed()
}

/// Answers in a second.
fn rate(socket: &UdpSocket, query: &[u8]) -> f64 {
    let start = Instant::now();
    let mut answered = 0;
    for _ in 0..WINDOW {
        socket.send(query).unwrap();
    }
    while answered < IN_A_ROW {
        socket.recv(&mut [0; 1500]).unwrap();
        answered += 1;
        socket.send(query).unwrap();
    }
    let rate = f64::from(u32::try_from(answered).unwrap()) / start.elapsed().as_secs_f64();
    for _ in 0..WINDOW {
        socket.recv(&mut [0; 1500]).unwrap();
    }
    rate
}

fn bind() -> Duration {
    let container = namespace();
    let start = Instant::now();
    let resolver = Resolver::bind(container.as_fd()).unwrap();
    let elapsed = start.elapsed();
    drop(resolver);
    elapsed
}
