//! What it takes to make networks, and to attach containers.

use std::fs::File;
use std::os::fd::{AsFd as _, OwnedFd};
use std::thread;
use std::time::Instant;

use nix::sched::{CloneFlags, unshare};
use rcompose::network::{
    Bridge, BridgeSubnet, Claim, Firewall, IpFamily, Nftables, SubnetPool, attach, choose_subnet, create_bridge, routes,
};
use rcompose::sys::netlink::NetlinkSocket;

use crate::cable::{Cable, attribute, link, message, request, text};
use crate::median;

const NETWORKS: usize = 40;
const CONTAINERS: usize = 50;
const BATCHES: usize = 5;

/// To make a network: free addresses, a bridge with them, the firewall of a project with all its networks.
pub(crate) fn networks() {
    let mut nftables = Nftables::open().unwrap();
    let (mut bare, mut made, mut first, mut more) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
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
        let apply = |project: &str, bridges: &[Bridge], nftables: &mut Nftables| {
            let bridges = bridges.to_vec();
            Firewall { project: project.to_owned(), bridges, forwards: Vec::new() }.apply(nftables).unwrap();
            start.elapsed().as_secs_f64() * 1e3
        };
        bridges.push(bridge);
        let of_all = apply("bench", &bridges, &mut nftables);
        let with_bridge = made[number];
        let alone = apply(&format!("bench{number}"), &bridges[number..], &mut nftables);
        first.push(with_bridge + alone - of_all);
        more.push(of_all);
    }
    println!("to make a network, ms, median of {NETWORKS} (of a project that has ever more of them: the last columns)");
    println!(
        "| bare bridge and address | addresses and bridge | with a firewall | one more of a project | the {NETWORKS}th |"
    );
    println!("|---|---|---|---|---|");
    let last = more[NETWORKS - 1];
    let medians = [&mut bare, &mut made, &mut first, &mut more].map(|times| median(times));
    let [bare, made, first, more] = medians;
    println!("| {bare:.2} | {made:.2} | {first:.2} | {more:.2} | {last:.2} |");
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
pub(crate) fn containers() {
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

pub(crate) fn namespace() -> OwnedFd {
    let made = thread::spawn(|| {
        unshare(CloneFlags::CLONE_NEWNET).unwrap();
        OwnedFd::from(File::open("/proc/thread-self/ns/net").unwrap())
    });
    made.join().unwrap()
}
