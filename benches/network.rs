//! What networks cost: to make, to attach to and to leave, beside bare netlink messages; and what passes through them, beside a
//! bare pair of links. Both are measured in turn in one run, so the figures to look at are the ratios. As root: `make bench`.

#![expect(clippy::print_stdout, reason = "a bench prints what it measured")]
#![expect(clippy::unwrap_used, reason = "a step that fails ends the bench")]

#[path = "start/cable.rs"]
mod cable;

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsFd as _, AsRawFd as _, OwnedFd};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use cable::{Cable, attribute, link, message, request, text};
use nix::sched::{CloneFlags, unshare};
use rcompose::network::{
    Bridge, BridgeSubnet, Claim, Firewall, IpFamily, Nftables, SubnetPool, attach, choose_subnet, create_bridge,
    loopback_up, routes,
};
use rcompose::sys::netlink::NetlinkSocket;
use rcompose::sys::netns::in_netns;

const NETWORKS: usize = 40;
const CONTAINERS: usize = 50;
const BATCHES: usize = 5;
const STREAMS: usize = 7;
const STREAM: Duration = Duration::from_millis(700);
const ROUND_TRIPS: usize = 20_000;
/// Where servers listen.
const PORT: u16 = 9000;

fn main() {
    if rustix::process::geteuid().as_raw() != 0 {
        println!("this bench makes network namespaces: run it as root");
        return;
    }
    unshare(CloneFlags::CLONE_NEWNET).unwrap();
    loopback_up(File::open("/proc/thread-self/ns/net").unwrap().as_fd()).unwrap();
    networks();
    cable::make_bridge();
    containers();
    traffic();
}

fn median(times: &mut [f64]) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// To make a network: free addresses, a bridge with them, the firewall of a project with all its networks.
fn networks() {
    let mut nftables = Nftables::open().unwrap();
    let (mut bare, mut made, mut all) = (Vec::new(), Vec::new(), Vec::new());
    let mut bridges: Vec<Bridge> = Vec::new();
    for number in 0..NETWORKS {
        let start = Instant::now();
        bare_bridge(&format!("bare{number}"), [10, 200, u8::try_from(number).unwrap(), 1]);
        bare.push(start.elapsed().as_secs_f64() * 1e3);

        let start = Instant::now();
        let claim = |route: rcompose::network::Route| Claim { subnet: route.destination, owner: route.to_string() };
        let taken: Vec<Claim> = routes().unwrap().into_iter().map(claim).collect();
        let subnet = choose_subnet(IpFamily::V4, &SubnetPool::defaults(), &taken, 0).unwrap();
        let gateway = Some(subnet.gateway());
        let subnets = vec![BridgeSubnet { subnet, gateway, masquerade: true, unprotected: false }];
        let bridge = Bridge {
            name: format!("rc-{number}"),
            subnets,
            mtu: None,
            internal: false,
            isolated: false,
            shared: false,
        };
        create_bridge(&bridge).unwrap();
        made.push(start.elapsed().as_secs_f64() * 1e3);
        bridges.push(bridge);
        let firewall = Firewall { project: "bench".to_owned(), bridges: bridges.clone(), forwards: Vec::new() };
        firewall.apply(&mut nftables).unwrap();
        all.push(start.elapsed().as_secs_f64() * 1e3);
    }
    println!("to make a network, ms, median of {NETWORKS} (the last of a project of {NETWORKS}: the last column)");
    println!("| bare bridge and address | addresses and bridge | with the firewall | the last |");
    println!("|---|---|---|---|");
    let last = all[NETWORKS - 1];
    println!("| {:.2} | {:.2} | {:.2} | {last:.2} |", median(&mut bare), median(&mut made), median(&mut all));
}

/// A bridge with an address and nothing else.
fn bare_bridge(name: &str, address: [u8; 4]) {
    let socket = NetlinkSocket::route().unwrap();
    let bridge = [&link(0, true)[..], &text(3, name), &attribute(18, &text(1, "bridge"))].concat();
    request(socket, &message(16, 0x600, &bridge));
    let index: u32 = nix::net::if_::if_nametoindex(name).unwrap();
    let ifaddr = [&[2, 24, 0, 0][..], &index.to_ne_bytes(), &attribute(2, &address), &attribute(1, &address)].concat();
    request(NetlinkSocket::route().unwrap(), &message(20, 0x600, &ifaddr));
}

/// To attach containers to a network, and to let go of them.
fn containers() {
    let (mut bare, mut ours, mut gone) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..BATCHES {
        let batch: Vec<OwnedFd> = (0..CONTAINERS).map(|_| namespace()).collect();
        let start = Instant::now();
        batch.iter().for_each(|netns| Cable::next().attach(netns));
        bare.push(start.elapsed().as_secs_f64() * 1e3);
        drop(batch);
        let batch: Vec<OwnedFd> = (0..CONTAINERS).map(|_| namespace()).collect();
        let start = Instant::now();
        for netns in &batch {
            attach(netns.as_fd(), &[Cable::next().endpoint()]).unwrap();
        }
        ours.push(start.elapsed().as_secs_f64() * 1e3);
        let start = Instant::now();
        drop(batch);
        gone.push(start.elapsed().as_secs_f64() * 1e3);
    }
    println!("\n{CONTAINERS} containers one after the other, ms, median of {BATCHES}");
    println!("| attached by bare messages | attached | let go of |");
    println!("|---|---|---|");
    println!("| {:.1} | {:.1} | {:.2} |", median(&mut bare), median(&mut ours), median(&mut gone));
}

fn namespace() -> OwnedFd {
    let made = thread::spawn(|| {
        unshare(CloneFlags::CLONE_NEWNET).unwrap();
        OwnedFd::from(File::open("/proc/thread-self/ns/net").unwrap())
    });
    made.join().unwrap()
}

/// Streams and round trips through a network, beside those through two links and nothing else.
fn traffic() {
    let machine = OwnedFd::from(File::open("/proc/thread-self/ns/net").unwrap());
    let (left, right) = (namespace(), namespace());
    pair(&left, &right);
    let (one, two) = (Cable::next(), Cable::next());
    let (first, second) = (namespace(), namespace());
    for (cable, netns) in [(one, &first), (two, &second)] {
        attach(netns.as_fd(), &[cable.endpoint()]).unwrap();
    }
    let address = two.endpoint().addresses[0].address;
    let ways = [
        ("a bare pair of links", &left, &right, IpAddr::from(Ipv4Addr::new(10, 250, 0, 2))),
        ("container to container", &first, &second, address),
        ("machine to container", &machine, &second, address),
    ];
    for netns in [&right, &second] {
        in_netns(netns.as_fd(), || {
            thread::spawn({
                let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, PORT)).unwrap();
                move || serve(&listener)
            })
        })
        .unwrap();
    }
    let (mut rates, mut trips) = ([const { Vec::new() }; 3], [const { Vec::new() }; 3]);
    for _ in 0..STREAMS {
        for (way, (rates, trips)) in ways.iter().zip(rates.iter_mut().zip(&mut trips)) {
            let to = SocketAddr::new(way.3, PORT);
            let connect = || in_netns(way.1.as_fd(), || TcpStream::connect(to)).unwrap().unwrap();
            rates.push(stream(connect()));
            trips.push(round_trip(connect()));
        }
    }
    let figures: Vec<(f64, f64)> =
        rates.iter_mut().zip(&mut trips).map(|(rates, trips)| (median(rates), median(trips))).collect();
    println!("\nTCP, medians of {STREAMS}");
    println!("| | Gbit/s | of the bare pair | round trip, us | of the bare pair |");
    println!("|---|---|---|---|---|");
    let (bare_rate, bare_trip) = figures[0];
    for ((name, ..), (rate, trip)) in ways.iter().zip(figures) {
        let (of_rate, of_trip) = (rate / bare_rate, trip / bare_trip);
        println!("| {name} | {rate:.1} | {of_rate:.2} | {trip:.1} | {of_trip:.2} |");
    }
}

/// Two namespaces with a pair of links between them, made by `ip`.
fn pair(left: &OwnedFd, right: &OwnedFd) {
    let path = |netns: &OwnedFd| format!("/proc/{}/fd/{}", std::process::id(), netns.as_raw_fd());
    run(&format!("link add p0 netns {} type veth peer name p1 netns {}", path(left), path(right)));
    for (netns, link, host) in [(left, "p0", 1), (right, "p1", 2)] {
        in_netns(netns.as_fd(), || {
            run(&format!("addr add 10.250.0.{host}/24 dev {link}"));
            run(&format!("link set {link} up"));
        })
        .unwrap();
    }
}

fn run(arguments: &str) {
    assert!(Command::new("ip").args(arguments.split(' ')).status().unwrap().success(), "ip {arguments}");
}

/// For each connection: one byte back for one byte, or whatever comes, thrown away.
fn serve(listener: &TcpListener) {
    for connection in listener.incoming() {
        let mut connection = connection.unwrap();
        thread::spawn(move || {
            connection.set_nodelay(true).unwrap();
            let mut buffer = vec![0; 256 * 1024];
            while let Ok(length @ 1..) = connection.read(&mut buffer) {
                if length == 1 && connection.write_all(&buffer[..1]).is_err() {
                    return;
                }
            }
        });
    }
}

/// Gigabits in a second.
fn stream(mut connection: TcpStream) -> f64 {
    let buffer = vec![0; 256 * 1024];
    let (start, mut sent) = (Instant::now(), 0.0);
    while start.elapsed() < STREAM {
        connection.write_all(&buffer).unwrap();
        sent += 256.0 * 1024.0 * 8.0;
    }
    sent / start.elapsed().as_secs_f64() / 1e9
}

/// Microseconds to ask with one byte and be answered with one, the median.
fn round_trip(mut connection: TcpStream) -> f64 {
    connection.set_nodelay(true).unwrap();
    let mut times: Vec<f64> = (0..ROUND_TRIPS / STREAMS)
        .map(|_| {
            let start = Instant::now();
            connection.write_all(&[1]).unwrap();
            connection.read_exact(&mut [0]).unwrap();
            start.elapsed().as_secs_f64() * 1e6
        })
        .collect();
    median(&mut times)
}
