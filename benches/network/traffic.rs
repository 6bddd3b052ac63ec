//! What passes: streams and round trips.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsFd as _, OwnedFd};
use std::thread;
use std::time::{Duration, Instant};

use rcompose::network::{
    Bridge, Firewall, Nftables, PortForward, Relay, RelayRoom, TransportProtocol, attach, loopback_up, reserve_port,
};
use rcompose::sys::netns::in_netns;

use crate::cable::Cable;
use crate::making::namespace;
use crate::wire::{BareBridge, pair, pass_by_netfilter};
use crate::{median, proxy};

/// Short ones in turn, so that whatever else the machine does meets all alike.
const STREAMS: usize = 41;
const STREAM: Duration = Duration::from_millis(100);
const ROUND_TRIPS: usize = 400;
/// Where servers listen, and the machine for them.
const PORT: u16 = 9000;
const PUBLISHED: u16 = 8080;
const RELAYED: u16 = 8081;
const PROXIED: u16 = 8082;

/// Whether what a bridge switches goes by the firewall as well.
#[derive(Clone, Copy, PartialEq)]
enum Netfilter {
    Passed,
    Met,
}

/// A connection, and what came of it.
struct Way {
    name: &'static str,
    /// The number of the way that it is compared with.
    floor: usize,
    connection: TcpStream,
    netfilter: Netfilter,
    rates: Vec<f64>,
    trips: Vec<f64>,
}

/// Streams and round trips through a network, beside those through bare links.
pub(crate) fn traffic(bridge: Bridge) {
    let has_netfilter = pass_by_netfilter(false);
    let machine = OwnedFd::from(File::open("/proc/thread-self/ns/net").unwrap());
    let (left, right, far) = (namespace(), namespace(), namespace());
    pair((&left, "p0", "10.250.0.1/24"), (&right, "p1", "10.250.0.2/24"));
    let bare = BareBridge::new();
    let (one, two) = (Cable::next(), Cable::next());
    let (first, second) = (namespace(), namespace());
    for (cable, netns) in [(one, &first), (two, &second)] {
        attach(netns.as_fd(), &[cable.endpoint()]).unwrap();
    }
    pair((&far, "eth0", "10.252.0.2/24"), (&machine, "outside", "10.252.0.1/24"));
    for netns in [&right, &bare.neighbours[1], &second] {
        loopback_up(netns.as_fd()).unwrap();
        listen(netns);
    }
    let container = SocketAddr::new(two.endpoint().addresses[0].address, PORT);
    let mut nftables = Nftables::open().unwrap();
    publish(bridge, container, &mut nftables);
    relay(container);
    let proxied = TcpListener::bind((Ipv6Addr::LOCALHOST, PROXIED)).unwrap();
    thread::spawn(move || proxy::serve(&proxied, container));

    let address = |text: &str, port| SocketAddr::new(text.parse().unwrap(), port);
    let neighbour = address("10.251.0.3", PORT);
    let looped = |port| SocketAddr::new(IpAddr::from(Ipv6Addr::LOCALHOST), port);
    let mut ways = vec![
        way("a bare pair of links", 0, &left, address("10.250.0.2", PORT)),
        way("neighbours on a bare bridge", 0, &bare.neighbours[0], neighbour),
        way("container to container", 1, &first, container),
        way("machine to a neighbour by a bare bridge", 0, &bare.machine, neighbour),
        way("machine to container", 3, &machine, container),
        way("machine to a published port", 3, &machine, address("10.252.0.1", PUBLISHED)),
        way("from afar, routed to a bare bridge", 0, &bare.far, neighbour),
        way("from afar to a published port", 6, &far, address("10.252.0.1", PUBLISHED)),
        way("::1 by a proxy of Docker's kind", 0, &machine, looped(PROXIED)),
        way("::1 by the relay", 8, &machine, looped(RELAYED)),
    ];
    if has_netfilter {
        let name = "container to container, br_netfilter loaded";
        ways.push(Way { netfilter: Netfilter::Met, ..way(name, 1, &first, container) });
    } else {
        println!("without br_netfilter, which Docker loads: this kernel has none");
    }
    for _ in 0..STREAMS {
        for way in &mut ways {
            pass_by_netfilter(way.netfilter == Netfilter::Met);
            way.rates.push(stream(&mut way.connection));
            way.trips.push(round_trip(&mut way.connection));
        }
    }
    show(&mut ways);
}

fn way(name: &'static str, floor: usize, netns: &OwnedFd, to: SocketAddr) -> Way {
    let connection = in_netns(netns.as_fd(), || TcpStream::connect(to)).unwrap().unwrap();
    connection.set_nodelay(true).unwrap();
    Way { name, floor, connection, netfilter: Netfilter::Passed, rates: Vec::new(), trips: Vec::new() }
}

fn show(ways: &mut [Way]) {
    let figures: Vec<(f64, f64)> =
        ways.iter_mut().map(|way| (median(&mut way.rates), median(&mut way.trips))).collect();
    println!("\nTCP, medians of {STREAMS}");
    println!("| | Gbit/s | of the bare pair | beside | round trip, us | of the bare pair | beside |");
    println!("|---|---|---|---|---|---|---|");
    for (way, (rate, trip)) in ways.iter().zip(&figures) {
        let ((pair_rate, pair_trip), (floor_rate, floor_trip)) = (figures[0], figures[way.floor]);
        let ratios = [rate / pair_rate, rate / floor_rate, trip / pair_trip, trip / floor_trip];
        let [of_pair, of_floor, trip_of_pair, trip_of_floor] = ratios.map(|ratio| format!("{ratio:.2}"));
        let name = way.name;
        println!("| {name} | {rate:.1} | {of_pair} | {of_floor} | {trip:.1} | {trip_of_pair} | {trip_of_floor} |");
    }
    println!("\n\"beside\": of what it is compared with, a bare bridge or the proxy");
}

/// Has a server listen in the namespace.
fn listen(netns: &OwnedFd) {
    in_netns(netns.as_fd(), || {
        let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, PORT)).unwrap();
        thread::spawn(move || serve(&listener));
    })
    .unwrap();
}

/// The firewall of a project with a port that is published.
fn publish(bridge: Bridge, to: SocketAddr, nftables: &mut Nftables) {
    let host_ip = IpAddr::from(Ipv4Addr::UNSPECIFIED);
    let forward = PortForward { host_ip, host_port: PUBLISHED, count: 1, protocol: TransportProtocol::Tcp, to };
    Firewall { project: "traffic".to_owned(), bridges: vec![bridge], forwards: vec![forward] }.apply(nftables).unwrap();
}

/// A relay on a thread of its own, as the supervisor has it.
fn relay(to: SocketAddr) {
    let address = IpAddr::from(Ipv6Addr::LOCALHOST);
    let reservation = reserve_port(&[address], Some(RELAYED..=RELAYED), TransportProtocol::Tcp).unwrap().remove(0);
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let local = tokio::task::LocalSet::new();
        local.block_on(&runtime, async move {
            let relay = Relay::listen(reservation, TransportProtocol::Tcp, to).unwrap().remove(0);
            relay.serve(RelayRoom::new(1024, |_| ())).await;
        });
    });
}

/// For each connection: whatever comes is thrown away, but for each byte that is not 0 which is the last for now, one is sent back.
fn serve(listener: &TcpListener) {
    for connection in listener.incoming() {
        let mut connection = connection.unwrap();
        thread::spawn(move || {
            connection.set_nodelay(true).unwrap();
            let mut buffer = vec![0; 256 * 1024];
            while let Ok(length @ 1..) = connection.read(&mut buffer) {
                if buffer[length - 1] != 0 && connection.write_all(&[1]).is_err() {
                    return;
                }
            }
        });
    }
}

/// Gigabits in a second.
fn stream(connection: &mut TcpStream) -> f64 {
    let buffer = vec![0; 256 * 1024];
    let (start, mut sent) = (Instant::now(), 0.0);
    while start.elapsed() < STREAM {
        connection.write_all(&buffer).unwrap();
        sent += 256.0 * 1024.0 * 8.0;
    }
    sent / start.elapsed().as_secs_f64() / 1e9
}

/// Microseconds to ask with one byte and be answered with one, the median.
fn round_trip(connection: &mut TcpStream) -> f64 {
    // What the stream has left on its way is not to be waited for in a trip.
    ping(connection);
    let mut times: Vec<f64> = (0..ROUND_TRIPS)
        .map(|_| {
            let start = Instant::now();
            ping(connection);
            start.elapsed().as_secs_f64() * 1e6
        })
        .collect();
    median(&mut times)
}

fn ping(connection: &mut TcpStream) {
    connection.write_all(&[1]).unwrap();
    connection.read_exact(&mut [0]).unwrap();
}
