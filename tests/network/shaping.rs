//! What cables carry: bytes that arrive, and what `tc` of the system says of the queues.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::thread;
use std::time::{Duration, Instant};

use rcompose::network::{HostEnd, Queue, Shape, Shaping, link_exists, remove_detour, shape};

use crate::lab::{LOST, container, ip, network, serve_udp, udp};
use crate::netns::{Netns, on_own_machine};

/// 8 Mbit/s.
const RATE: u64 = 1_000_000;
/// What may pass at once at such a rate.
const BURST: u64 = 16 * 1024;
/// What is sent: a third of a second's worth more than that.
const SENT: u64 = BURST + RATE / 3;

/// The machine's end of the cable of host 2 on network 1.
fn cable() -> HostEnd {
    HostEnd { host_interface: "v1-2".to_owned(), detour: "ru-1-2".to_owned(), mtu: None }
}

fn limited(rate: u64) -> Shape {
    Shape { rate: Some(rate), ..Shape::default() }
}

/// What `tc` says of the queues of `interface`, of which the default has no line.
fn queues(interface: &str) -> String {
    let output = std::process::Command::new("tc").args(["-s", "qdisc", "show", "dev", interface]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    if text.starts_with("qdisc noqueue") { String::new() } else { text }
}

/// The number that stands before or after `word` in what `tc` says: how many packets had to wait.
fn overlimits(interface: &str) -> u64 {
    let text = queues(interface);
    let (_, rest) = text.split_once("overlimits ").unwrap_or_else(|| panic!("no queue: {text}"));
    rest.split_whitespace().next().unwrap().parse().unwrap()
}

/// How long it takes until all that was sent from `from` has arrived in `to`, at `address`.
fn transfer(from: &Netns, to: &Netns, address: Ipv4Addr) -> Duration {
    let listener = to.run(|| TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).unwrap());
    let address = SocketAddr::from((address, listener.local_addr().unwrap().port()));
    let begun = Instant::now();
    let sender = from.run(move || TcpStream::connect(address).unwrap());
    let (mut receiver, _) = listener.accept().unwrap();
    let sending = thread::spawn(move || {
        let mut sender = sender;
        sender.write_all(&vec![0; usize::try_from(SENT).unwrap()]).unwrap();
    });
    let mut received = Vec::new();
    receiver.read_to_end(&mut received).unwrap();
    sending.join().unwrap();
    assert_eq!(received.len() as u64, SENT);
    begun.elapsed()
}

#[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
fn skip(reason: &str) {
    eprintln!("skipped: {reason}");
}

/// What can pass in `time` is at most the burst and the rate: less on a busy machine, but never more.
#[track_caller]
fn assert_held_back(time: Duration) {
    let most = u128::from(BURST) + u128::from(RATE) * time.as_micros() / 1_000_000 + 1;
    assert!(u128::from(SENT) <= most, "{SENT} bytes in {time:?}");
}

#[test]
fn each_direction_keeps_to_its_rate() {
    on_own_machine(|| {
        let bridge = network(1, false);
        let (web, peer) = (container(&bridge, 2), container(&bridge, 3));
        let (at_web, at_peer) = (Ipv4Addr::new(10, 1, 0, 2), Ipv4Addr::new(10, 1, 0, 3));
        let inward = Shaping { inward: limited(RATE), ..Shaping::default() };
        shape(&cable(), Some(&Shaping::default()), &inward).unwrap();
        assert_held_back(transfer(&peer, &web, at_web));
        assert!(overlimits("v1-2") > 0);
        assert!(!link_exists("ru-1-2").unwrap(), "what it sends takes no detour");

        let outward = Shaping { outward: limited(RATE), ..Shaping::default() };
        shape(&cable(), Some(&inward), &outward).unwrap();
        assert!(!queues("v1-2").contains("tbf"), "{}", queues("v1-2"));
        assert_held_back(transfer(&web, &peer, at_peer));
        assert!(overlimits("ru-1-2") > 0);
        // Nothing of it can be seen, or taken off, in the container.
        assert_eq!(web.run(|| queues("eth0")), "");
        assert_eq!(web.run(|| ip("-br link").lines().count()), 2, "lo and eth0");

        shape(&cable(), Some(&outward), &Shaping::default()).unwrap();
        assert_eq!(queues("v1-2"), "");
        assert!(!link_exists("ru-1-2").unwrap());
        transfer(&web, &peer, at_peer);
    });
}

#[test]
fn a_change_keeps_what_waits() {
    on_own_machine(|| {
        let bridge = network(1, false);
        let _web = container(&bridge, 2);
        let both = |rate| Shaping { inward: limited(rate), outward: limited(rate) };
        shape(&cable(), Some(&Shaping::default()), &both(RATE)).unwrap();
        let index = ip("-o link show ru-1-2");
        shape(&cable(), Some(&both(RATE)), &both(2 * RATE)).unwrap();
        for interface in ["v1-2", "ru-1-2"] {
            assert!(queues(interface).contains("tbf 3: root") && queues(interface).contains("rate 16Mbit"));
        }
        assert_eq!(ip("-o link show ru-1-2"), index, "the same detour");
        // After a supervisor that died, it is not known what there was.
        shape(&cable(), None, &both(20_000_000_000)).unwrap();
        assert!(queues("v1-2").contains("rate 160Gbit"), "{}", queues("v1-2"));
        remove_detour("ru-1-2").unwrap();
        remove_detour("ru-1-2").unwrap();
        shape(&cable(), None, &both(RATE)).unwrap();
    });
}

#[test]
fn a_large_packet_is_no_larger_than_the_burst() {
    on_own_machine(|| {
        let bridge = network(1, false);
        let web = container(&bridge, 2);
        web.run(|| ip("link set eth0 mtu 40000"));
        ip("link set v1-2 mtu 40000");
        ip("link set rc-00000001 mtu 40000");
        let slow = Shaping { inward: limited(1000), outward: limited(1000) };
        shape(&HostEnd { mtu: Some(40_000), ..cable() }, None, &slow).unwrap();
        let socket = web.run(|| UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 9)).unwrap());
        let sender = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).unwrap();
        socket.set_read_timeout(Some(crate::lab::PATIENCE)).unwrap();
        sender.send_to(&[7; 39_000], (Ipv4Addr::new(10, 1, 0, 2), 9)).unwrap();
        let mut packet = vec![0; 65_536];
        assert_eq!(socket.recv(&mut packet).unwrap(), 39_000);
    });
}

#[test]
fn asking_for_a_queue_changes_nothing() {
    on_own_machine(|| {
        let before = queues("lo");
        assert!(!Queue::Tbf.is_missing());
        let _ = Queue::Netem.is_missing();
        assert_eq!(queues("lo"), before);
    });
}

#[test]
fn packets_are_late_and_lost() {
    on_own_machine(|| {
        let bridge = network(1, false);
        let web = container(&bridge, 2);
        serve_udp(&web, "web", 80);
        let at_web = (Ipv4Addr::new(10, 1, 0, 2), 80);
        let late = Shape { delay: Duration::from_millis(50), ..limited(RATE) };
        let late = Shaping { inward: late, outward: late };
        let shaped = shape(&cable(), None, &late);
        if Queue::Netem.is_missing() {
            skip("this kernel has no netem");
            insta::assert_snapshot!(shaped.unwrap_err(), @"cannot limit what leaves `v1-2`");
            return;
        }
        shaped.unwrap();
        let begun = Instant::now();
        assert_eq!(udp(at_web), Ok("web 10.1.0.1".to_owned()));
        assert!(begun.elapsed() >= Duration::from_millis(100), "{:?}", begun.elapsed());
        for interface in ["v1-2", "ru-1-2"] {
            let queues = queues(interface);
            assert!(queues.contains("netem 2: root") && queues.contains("tbf 3: parent 2:1"), "{queues}");
        }
        let lossy = Shape { loss: 100.0, ..Shape::default() };
        shape(&cable(), Some(&late), &Shaping { inward: lossy, ..Shaping::default() }).unwrap();
        let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).unwrap();
        socket.set_read_timeout(Some(LOST)).unwrap();
        socket.send_to(b"?", at_web).unwrap();
        assert!(socket.recv(&mut [0; 64]).is_err());
    });
}
