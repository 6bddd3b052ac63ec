//! The relay: bytes and datagrams both ways between the families, halves of connections, and many at once.

use std::io::{ErrorKind, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::thread;
use std::time::Instant;

use rcompose::network::IpFamily::{V4, V6};
use rcompose::network::TransportProtocol::{Tcp, Udp};
use rcompose::network::{Firewall, Nftables, PortForward, Relay, RelayRoom, TransportProtocol, reserve_range};

use crate::lab::{PATIENCE, container, ip, network, network_of, serve_tcp, serve_udp, tcp, udp};
use crate::netns::on_own_machine;

const EVERYWHERE: IpAddr = IpAddr::V6(Ipv6Addr::UNSPECIFIED);
const LOOPBACK: Ipv6Addr = Ipv6Addr::LOCALHOST;

/// Room for all that a test does, unless it says otherwise.
const DESCRIPTORS: u64 = 4096;

/// What `work` returns, done while `count` TCP ports of the machine from 8080 on are relayed to those of `to`. The relay ends
/// before `after` is given that.
fn relayed<T: Send, U>(to: SocketAddr, count: u16, work: impl FnOnce() -> T + Send, after: impl FnOnce(T) -> U) -> U {
    relayed_by(Tcp, to, count, RelayRoom::new(DESCRIPTORS, |_| ()), work, after)
}

fn relayed_by<T: Send, U>(
    protocol: TransportProtocol,
    to: SocketAddr,
    count: u16,
    room: RelayRoom,
    work: impl FnOnce() -> T + Send,
    after: impl FnOnce(T) -> U,
) -> U {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (done, is_done) = tokio::sync::oneshot::channel();
    let result = thread::scope(|scope| {
        // Reserved here, in the namespace of the test, before anybody asks.
        let reservation = reserve_range(EVERYWHERE, 8080..=8080 + (count - 1), protocol).unwrap();
        let relays = {
            let _in_runtime = runtime.enter();
            Relay::listen(reservation, protocol, to).unwrap()
        };
        let worker = scope.spawn(|| {
            let result = work();
            let _ = done.send(());
            result
        });
        tokio::task::LocalSet::new().block_on(&runtime, async {
            relays.into_iter().for_each(|relay| drop(tokio::task::spawn_local(relay.serve(room.clone()))));
            let _ = is_done.await;
        });
        worker.join().unwrap()
    });
    drop(runtime);
    after(result)
}

fn connect() -> TcpStream {
    let stream = TcpStream::connect_timeout(&SocketAddr::from((LOOPBACK, 8080)), PATIENCE).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

#[test]
fn the_loopback_of_ipv6_reaches_a_container_of_ipv4() {
    on_own_machine(|| {
        let web = container(&network(1, false), 2);
        serve_tcp(&web, "first", 80);
        serve_tcp(&web, "second", 81);
        let to = SocketAddr::from((Ipv4Addr::new(10, 1, 0, 2), 80));
        let ask = || [8080, 8081].map(|port| tcp((LOOPBACK, port)));
        let said = relayed(to, 2, ask, |said| said);
        assert_eq!(said, [Ok("first 10.1.0.1".to_owned()), Ok("second 10.1.0.1".to_owned())]);
    });
}

#[test]
fn a_client_that_has_sent_all_still_receives() {
    on_own_machine(|| {
        let server = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let to = server.local_addr().unwrap();
        let echo = thread::spawn(move || {
            let (mut client, _) = server.accept().unwrap();
            let mut all = Vec::new();
            client.read_to_end(&mut all).unwrap();
            client.write_all(&all).unwrap();
        });
        // More than all buffers on the way hold: it stops until somebody reads.
        let sent: Vec<u8> =
            (0..16_000_000_u32).map(|index| (index.wrapping_mul(index) >> 7).to_le_bytes()[0]).collect();
        let received = relayed(
            to,
            1,
            || {
                let mut stream = connect();
                stream.write_all(&sent).unwrap();
                stream.shutdown(Shutdown::Write).unwrap();
                let mut received = Vec::new();
                stream.read_to_end(&mut received).unwrap();
                received
            },
            |received| received,
        );
        echo.join().unwrap();
        assert!(received == sent, "{} bytes of {}", received.len(), sent.len());
    });
}

#[test]
fn whoever_is_cut_off_is_told() {
    on_own_machine(|| {
        let server = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let to = server.local_addr().unwrap();
        let read = |mut stream: TcpStream| stream.read(&mut [0; 1]).map_err(|error| error.kind());
        let open = relayed(
            to,
            1,
            || {
                let client = connect();
                let (mut accepted, _) = server.accept().unwrap();
                accepted.write_all(b"!").unwrap();
                assert_eq!(read(client.try_clone().unwrap()), Ok(1));
                drop(server);
                // The reset may come before the connection is seen to have been made.
                let refused = TcpStream::connect_timeout(&SocketAddr::from((LOOPBACK, 8080)), PATIENCE);
                let refused = refused.map_err(|error| error.kind()).and_then(read);
                assert_eq!(refused, Err(ErrorKind::ConnectionReset), "nobody listens any more");
                (client, accepted)
            },
            |open| open,
        );
        let (client, accepted) = open;
        accepted.set_read_timeout(Some(PATIENCE)).unwrap();
        // A container that stops ends its relay: neither side is left waiting.
        for side in [client, accepted] {
            assert!(matches!(read(side), Ok(0) | Err(ErrorKind::ConnectionReset)));
        }
    });
}

#[test]
fn a_server_that_has_said_all_still_hears() {
    on_own_machine(|| {
        let server = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let to = server.local_addr().unwrap();
        let heard = thread::spawn(move || {
            let (mut client, _) = server.accept().unwrap();
            client.shutdown(Shutdown::Write).unwrap();
            let mut all = Vec::new();
            client.read_to_end(&mut all).unwrap();
            all
        });
        let ask = || {
            let mut stream = connect();
            assert_eq!(stream.read(&mut [0]).unwrap(), 0, "the half that has ended is seen to have");
            stream.write_all(b"and yet").unwrap();
            drop(stream);
            assert_eq!(heard.join().unwrap(), b"and yet");
        };
        relayed(to, 1, ask, |()| ());
    });
}

#[test]
#[expect(clippy::print_stderr, reason = "a test that does less says so")]
fn ten_thousand_connections_are_open_at_once() {
    // Four descriptors for each are this test's: two of the relay, one of either end.
    const MANY: usize = 10_000;
    let descriptors = rcompose::sys::descriptors::raise_limit();
    let many = usize::try_from(descriptors.saturating_sub(512) / 4).unwrap().min(MANY);
    if many < MANY {
        eprintln!("{many} connections instead of {MANY}: there may be {descriptors} descriptors");
    }
    on_own_machine(|| {
        let web = container(&network(1, false), 2);
        let server = web.run(|| TcpListener::bind((Ipv4Addr::UNSPECIFIED, 80)).unwrap());
        // However long it takes until they are accepted, and no longer than this.
        rustix::net::listen(&server, 4096).unwrap();
        rustix::net::sockopt::set_socket_timeout(&server, rustix::net::sockopt::Timeout::Recv, Some(PATIENCE)).unwrap();
        let to = SocketAddr::from((Ipv4Addr::new(10, 1, 0, 2), 80));
        let echo = thread::spawn(move || {
            let mut held: Vec<TcpStream> = (0..many).map(|_| server.accept().unwrap().0).collect();
            // Only now that all are there.
            held.iter_mut().for_each(|stream| stream.write_all(b"!").unwrap());
        });
        let ask = || {
            let clients: Vec<TcpStream> = (0..many).map(|_| connect()).collect();
            let answer = |mut client: &TcpStream| client.read(&mut [0]).is_ok_and(|length| length == 1);
            clients.iter().filter(|client| answer(client)).count()
        };
        let room = RelayRoom::new(descriptors, |held| panic!("there is no room for more than {held}"));
        let answered = relayed_by(Tcp, to, 1, room, ask, |answered| answered);
        echo.join().unwrap();
        assert_eq!(answered, many);
    });
}

#[test]
fn what_there_is_no_room_for_is_refused_at_once() {
    // Room for 8 connections.
    const DESCRIPTORS: u64 = 256 + 16;
    on_own_machine(|| {
        let server = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let to = server.local_addr().unwrap();
        let (tell, told) = std::sync::mpsc::channel();
        let room = RelayRoom::new(DESCRIPTORS, move |held| tell.send(held).unwrap());
        let ask = move || {
            let begin = || (connect(), server.accept().unwrap().0);
            let mut held: Vec<_> = (0..8).map(|_| begin()).collect();
            // The reset may come before the connection is seen to have been made.
            let refused = TcpStream::connect_timeout(&SocketAddr::from((LOOPBACK, 8080)), PATIENCE);
            let refused = refused.and_then(|mut stream| {
                stream.set_read_timeout(Some(PATIENCE))?;
                stream.read(&mut [0])
            });
            assert_eq!(refused.unwrap_err().kind(), ErrorKind::ConnectionReset);
            assert_eq!(told.recv_timeout(PATIENCE), Ok(8), "and somebody is told");
            held[0].1.write_all(b"!").unwrap();
            assert_eq!(held[0].0.read(&mut [0]).unwrap(), 1, "those that are there go on");
            drop(held);
            thread::spawn(move || {
                while let Ok((mut accepted, _)) = server.accept() {
                    let _ = accepted.write_all(b"!");
                }
            });
            // The relay hears of their end when it is its turn.
            let deadline = Instant::now() + PATIENCE;
            let is_answered = || TcpStream::connect((LOOPBACK, 8080)).and_then(|mut stream| stream.read(&mut [0]));
            while !is_answered().is_ok_and(|length| length == 1) {
                assert!(Instant::now() < deadline, "there is room again");
            }
        };
        relayed_by(Tcp, to, 1, room, ask, |()| ());
    });
}

#[test]
fn datagrams_go_from_one_family_to_the_other() {
    on_own_machine(|| {
        let web = container(&network(1, false), 2);
        serve_udp(&web, "web", 53);
        serve_udp(&web, "next", 54);
        // Two addresses, for an answer to be able to come from the wrong one.
        for address in ["fd77::1/64", "fd77::2/64"] {
            ip(&format!("-6 addr add {address} dev lo nodad"));
        }
        // The kernel does so some time later, and sends what comes before nowhere.
        let deadline = Instant::now() + PATIENCE;
        while !["fd77::1 ", "fd77::2 "].iter().all(|of| ip("-6 route show table local").contains(of)) {
            assert!(Instant::now() < deadline, "the machine receives what is for its addresses");
        }
        let to = SocketAddr::from((Ipv4Addr::new(10, 1, 0, 2), 53));
        let ask = || {
            let of = |address: &str, port| udp((address.parse::<Ipv6Addr>().unwrap(), port));
            [of("::1", 8080), of("fd77::1", 8080), of("fd77::2", 8080), of("::1", 8081)]
        };
        let said = relayed_by(Udp, to, 2, RelayRoom::new(DESCRIPTORS, |_| ()), ask, |said| said);
        let seen = |name: &str| Ok(format!("{name} 10.1.0.1"));
        assert_eq!(said, [seen("web"), seen("web"), seen("web"), seen("next")]);
    });
}

#[test]
fn clients_of_datagrams_are_told_apart_and_make_room_for_one_another() {
    // More than a port has at once.
    const MANY: usize = 1100;
    on_own_machine(|| {
        let server = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let to = server.local_addr().unwrap();
        thread::spawn(move || {
            let mut packet = [0; 8];
            while let Ok((length, client)) = server.recv_from(&mut packet) {
                let _ = server.send_to(&packet[..length], client);
            }
        });
        let ask = || {
            let client = || {
                let socket = UdpSocket::bind((LOOPBACK, 0)).unwrap();
                socket.connect((LOOPBACK, 8080)).unwrap();
                socket.set_read_timeout(Some(PATIENCE)).unwrap();
                socket
            };
            let echo = |number: usize, socket: &UdpSocket| {
                socket.send(&number.to_le_bytes()).unwrap();
                let mut answer = [0; 8];
                socket.recv(&mut answer).unwrap();
                assert_eq!(usize::from_le_bytes(answer), number);
            };
            let clients: Vec<UdpSocket> = (0..MANY).map(|_| client()).collect();
            clients.iter().enumerate().for_each(|(number, socket)| echo(number, socket));
            // The first, whose place another has taken, gets a new one.
            echo(0, &clients[0]);
        };
        relayed_by(Udp, to, 1, RelayRoom::new(DESCRIPTORS, |_| ()), ask, |()| ());
    });
}

#[test]
fn datagrams_that_nobody_wants_yet_are_no_reason_to_give_up() {
    on_own_machine(|| {
        let to = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap();
        let ask = || {
            let client = UdpSocket::bind((LOOPBACK, 0)).unwrap();
            client.connect((LOOPBACK, 8080)).unwrap();
            client.set_read_timeout(Some(std::time::Duration::from_millis(50))).unwrap();
            client.send(b"?").unwrap();
            assert!(client.recv(&mut [0]).is_err());
            let server = UdpSocket::bind(to).unwrap();
            server.set_read_timeout(Some(PATIENCE)).unwrap();
            client.send(b"!").unwrap();
            let mut heard = [0];
            let (_, from) = server.recv_from(&mut heard).unwrap();
            assert_eq!(&heard, b"!");
            server.send_to(b"!", from).unwrap();
            client.set_read_timeout(Some(PATIENCE)).unwrap();
            assert_eq!(client.recv(&mut [0]).unwrap(), 1);
        };
        relayed_by(Udp, to, 1, RelayRoom::new(DESCRIPTORS, |_| ()), ask, |()| ());
    });
}

#[test]
fn the_loopback_of_ipv6_reaches_what_the_firewall_sends_on_for_everybody_else() {
    on_own_machine(|| {
        let bridge = network_of(1, &[V4, V6]);
        let web = container(&bridge, 2);
        serve_tcp(&web, "web", 80);
        serve_udp(&web, "web", 80);
        let to = SocketAddr::from(("fd00:1::2".parse::<Ipv6Addr>().unwrap(), 80));
        for protocol in [Tcp, Udp] {
            let forward = PortForward { host_ip: EVERYWHERE, host_port: 8080, count: 1, protocol, to };
            let firewall =
                Firewall { project: "shop".to_owned(), bridges: vec![bridge.clone()], forwards: vec![forward] };
            firewall.apply(&mut Nftables::open().unwrap()).unwrap();
            let ask = || if protocol == Tcp { tcp((LOOPBACK, 8080)) } else { udp((LOOPBACK, 8080)) };
            let said = relayed_by(protocol, to, 1, RelayRoom::new(DESCRIPTORS, |_| ()), ask, |said| said);
            assert_eq!(said, Ok("web fd00:1::1".to_owned()), "{protocol}");
        }
    });
}
