//! The relay: bytes both ways between the families, halves of connections, and many at once.

use std::io::{ErrorKind, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::thread;

use rcompose::network::TransportProtocol::Tcp;
use rcompose::network::{Relay, reserve_range};

use crate::lab::{PATIENCE, container, network, serve_tcp, tcp};
use crate::netns::on_own_machine;

const EVERYWHERE: IpAddr = IpAddr::V6(Ipv6Addr::UNSPECIFIED);
const LOOPBACK: Ipv6Addr = Ipv6Addr::LOCALHOST;

/// What `work` returns, done while ports of the machine from `port` on are relayed to those of `to`. The relay ends before
/// `after` is given that.
fn relayed<T: Send, U>(to: SocketAddr, count: u16, work: impl FnOnce() -> T + Send, after: impl FnOnce(T) -> U) -> U {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (done, is_done) = tokio::sync::oneshot::channel();
    let result = thread::scope(|scope| {
        // Reserved here, in the namespace of the test, before anybody asks.
        let reservation = reserve_range(EVERYWHERE, 8080..=8080 + (count - 1), Tcp).unwrap();
        let relays = {
            let _in_runtime = runtime.enter();
            Relay::listen(reservation, to).unwrap()
        };
        let worker = scope.spawn(|| {
            let result = work();
            let _ = done.send(());
            result
        });
        tokio::task::LocalSet::new().block_on(&runtime, async {
            relays.into_iter().for_each(|relay| drop(tokio::task::spawn_local(relay.serve())));
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
fn many_connections_are_open_at_once() {
    const MANY: usize = 400;
    on_own_machine(|| {
        let web = container(&network(1, false), 2);
        let server = web.run(|| TcpListener::bind((Ipv4Addr::UNSPECIFIED, 80)).unwrap());
        let to = SocketAddr::from((Ipv4Addr::new(10, 1, 0, 2), 80));
        let echo = thread::spawn(move || {
            let mut held: Vec<TcpStream> = (0..MANY).map(|_| server.accept().unwrap().0).collect();
            // Only now that all are there.
            held.iter_mut().for_each(|stream| stream.write_all(b"!").unwrap());
        });
        let answered = relayed(
            to,
            1,
            || {
                let clients: Vec<TcpStream> = (0..MANY).map(|_| connect()).collect();
                let answer = |mut client: &TcpStream| client.read(&mut [0]).is_ok_and(|length| length == 1);
                clients.iter().filter(|client| answer(client)).count()
            },
            |answered| answered,
        );
        echo.join().unwrap();
        assert_eq!(answered, MANY);
    });
}
