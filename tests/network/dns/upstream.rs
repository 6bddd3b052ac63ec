//! What others have: which server is asked, from where, and what of its replies is believed.

use std::collections::BTreeSet;
use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Mutex, mpsc};

use rcompose::network::{ResolvConf, Upstream, View};
use simple_dns::{RCODE, TYPE};
use tokio::sync::watch;

use super::client::{ask_tcp, ask_udp, connection, framed, next_message, numbered_query, query, text};
use super::server::{Server, addresses, code, cut};
use super::{Served, isolated};
use crate::netns::on_own_machine;

/// The view of a container whose names are asked of these servers of the machine.
fn asking(servers: &[SocketAddr]) -> View {
    let file = ResolvConf { servers: servers.to_vec(), ..ResolvConf::parse("") };
    View { upstream: Upstream::Machine(watch::channel(file).1), ..View::default() }
}

#[test]
fn servers_are_asked_one_after_the_other() {
    on_own_machine(|| {
        let netns = isolated();
        let down = SocketAddr::from((Ipv4Addr::new(127, 0, 1, 1), 53));
        let silent = Server::start(2, |_| Vec::new());
        let refusing = Server::start(3, |query| vec![code(query, RCODE::Refused)]);
        let failing = Server::start(4, |query| vec![code(query, RCODE::ServerFailure)]);
        let knowing = Server::start(5, |query| vec![code(query, RCODE::NameError)]);
        {
            let servers = [down, refusing.address, failing.address, knowing.address];
            let _served = Served::start(&netns, asking(&servers));
            assert_eq!(ask_udp(&netns, &query("example.org", TYPE::A)), "NameError");
        }
        let _served = Served::start(&netns, asking(&[silent.address, refusing.address]));
        assert_eq!(ask_udp(&netns, &query("example.org", TYPE::A)), "Refused", "what the last one said");
        assert_eq!(silent.asked().len(), 2, "a datagram may get lost: it is sent twice");
    });
}

#[test]
fn only_a_reply_to_the_question_is_believed() {
    on_own_machine(|| {
        let netns = isolated();
        let server = Server::start(1, |query| {
            let right = addresses(query, 7, 1);
            let with = |index: usize, value: u8| {
                let mut forged = right.clone();
                forged[index] = value;
                forged
            };
            let mut lower = right.clone();
            lower[12..].make_ascii_lowercase();
            let forged_id = with(1, query[1] ^ 1);
            let other_name = with(14, b'X');
            let not_a_reply = with(2, 0);
            vec![Vec::new(), vec![0xff; 700], forged_id, other_name, not_a_reply, query[..9].to_vec(), lower]
        });
        let _served = Served::start(&netns, asking(&[server.address]));
        let question = query("ExAmPlE.oRg", TYPE::A);
        netns.run(|| {
            let socket = super::client::socket();
            socket.send(&question).unwrap();
            let reply = super::client::receive(&socket);
            assert_eq!(text(&reply), "NoError 192.0.2.7 ttl 60");
            assert_eq!(reply[12..question.len()], question[12..], "letters are as the client wrote them");
        });
    });
}

#[test]
fn identifiers_and_ports_cannot_be_guessed() {
    on_own_machine(|| {
        let netns = isolated();
        let server = Server::start(1, |query| vec![addresses(query, 7, 1)]);
        let _served = Served::start(&netns, asking(&[server.address]));
        for _ in 0..64 {
            ask_udp(&netns, &query("example.org", TYPE::A));
        }
        let asked = server.asked();
        let numbers: BTreeSet<u16> = asked.iter().map(|(query, _)| u16::from_be_bytes([query[0], query[1]])).collect();
        let ports: BTreeSet<u16> = asked.iter().map(|(_, port)| *port).collect();
        // Of 64 out of thousands, some may be twice there.
        assert!(numbers.len() > 56 && ports.len() > 56, "{} numbers, {} ports", numbers.len(), ports.len());
    });
}

#[test]
fn what_does_not_fit_is_had_over_a_connection() {
    on_own_machine(|| {
        let netns = isolated();
        let polite = Server::start(1, |query| vec![cut(query)]).and_by_connection(|query| addresses(query, 1, 200));
        let rude = Server::start(2, |query| vec![addresses(query, 1, 200)]);
        for server in [&polite, &rude] {
            let _served = Served::start(&netns, asking(&[server.address]));
            assert_eq!(ask_udp(&netns, &query("example.org", TYPE::A)), "NoError cut");
        }
        let _served = Served::start(&netns, asking(&[polite.address]));
        assert_eq!(ask_tcp(&netns, &query("example.org", TYPE::A)).matches(" ttl 60").count(), 200);
    });
}

#[test]
fn an_internal_network_lets_no_question_out() {
    on_own_machine(|| {
        let netns = isolated();
        let server = Server::start(1, |query| vec![code(query, RCODE::NameError)]);
        let domains = vec![("example.org".to_owned(), vec![server.address])];
        let internal = View { domains: domains.clone(), ..View::default() };
        {
            let _served = Served::start(&netns, internal);
            for name in ["example.org", "web", "1.2.0.192.in-addr.arpa"] {
                for ask in [ask_udp, ask_tcp] {
                    assert_eq!(ask(&netns, &query(name, TYPE::A)), "NameError");
                }
            }
        }
        assert_eq!(server.asked(), []);
        let _served = Served::start(&netns, View { domains, ..asking(&[server.address]) });
        ask_udp(&netns, &query("example.org", TYPE::A));
        assert_eq!(server.asked().len(), 1, "it would have been asked");
    });
}

#[test]
fn servers_of_a_service_are_asked_from_within_its_container() {
    on_own_machine(|| {
        let netns = isolated();
        // The same address on the machine and in the container, where it is a name server of its own.
        let machine = Server::start_at(Ipv4Addr::LOCALHOST, |query| vec![addresses(query, 1, 1)])
            .and_by_connection(|query| addresses(query, 1, 1));
        let _own = netns.run(|| {
            Server::start_at(Ipv4Addr::LOCALHOST, |query| vec![addresses(query, 2, 1)])
                .and_by_connection(|query| addresses(query, 2, 1))
        });
        for (upstream, expect) in [
            (Upstream::Container(vec![machine.address]), "NoError 192.0.2.2 ttl 60"),
            (asking(&[machine.address]).upstream, "NoError 192.0.2.1 ttl 60"),
        ] {
            let _served = Served::start(&netns, View { upstream, ..View::default() });
            for ask in [ask_udp, ask_tcp] {
                assert_eq!(ask(&netns, &query("example.org", TYPE::A)), expect);
            }
        }
    });
}

#[test]
fn a_domain_may_have_servers_of_its_own_and_those_of_the_machine_may_change() {
    on_own_machine(|| {
        let netns = isolated();
        let [one, two, corp] = [1, 2, 3].map(|last| Server::start(last, move |query| vec![addresses(query, last, 1)]));
        let file = |server: &Server| ResolvConf { servers: vec![server.address], ..ResolvConf::parse("") };
        let (sender, receiver) = watch::channel(file(&one));
        let domains = vec![("corp.example".to_owned(), vec![corp.address])];
        let view = View { upstream: Upstream::Machine(receiver), domains, ..View::default() };
        let _served = Served::start(&netns, view);
        let first = |name| ask_udp(&netns, &query(name, TYPE::A)).split(' ').nth(1).unwrap().to_owned();
        assert_eq!([first("example"), first("git.Corp.example")], ["192.0.2.1", "192.0.2.3"]);
        sender.send_replace(file(&two));
        assert_eq!([first("example"), first("git.corp.example")], ["192.0.2.2", "192.0.2.3"]);
    });
}

#[test]
fn a_slow_server_does_not_hold_up_the_next_question_of_a_connection() {
    on_own_machine(|| {
        let netns = isolated();
        let (go, wait) = mpsc::channel::<()>();
        let wait = Mutex::new(wait);
        let slow = Server::start(1, |_| Vec::new()).and_by_connection(move |query| {
            wait.lock().unwrap().recv().unwrap();
            addresses(query, 1, 1)
        });
        let _served = Served::start(&netns, asking(&[slow.address]));
        netns.run(|| {
            let mut stream = connection();
            let both = [(1, "example.org", TYPE::A), (2, "db", TYPE::AAAA)]
                .map(|(id, name, kind)| framed(&numbered_query(id, name, kind)));
            // In one write, whose end is the end of what this client has to say.
            stream.write_all(&both.concat()).unwrap();
            stream.shutdown(std::net::Shutdown::Write).unwrap();
            let first = next_message(&mut stream);
            assert_eq!((first[1], text(&first)), (2, "NoError fd00::2 ttl 0".to_owned()));
            go.send(()).unwrap();
            let second = next_message(&mut stream);
            assert_eq!((second[1], text(&second)), (1, "NoError 192.0.2.1 ttl 60".to_owned()));
        });
    });
}

#[test]
fn questions_that_wait_have_a_limit_which_leaves_others_room() {
    on_own_machine(|| {
        let [flooding, calm] = [isolated(), isolated()];
        let server = Server::start(1, |query| match query.windows(4).any(|name| name == b"calm") {
            true => vec![addresses(query, 1, 1)],
            false => Vec::new(),
        });
        let _served = Served::start_all(&[&flooding, &calm], asking(&[server.address]));
        flooding.run(|| {
            let socket = super::client::socket();
            // One too many is refused at once, while those before it wait.
            for id in 0.. {
                socket.send(&numbered_query(id, "never.example", TYPE::A)).unwrap();
                socket.send(&query("db", TYPE::AAAA)).unwrap();
                let replies = std::iter::repeat_with(|| text(&super::client::receive(&socket)));
                let until_known: Vec<String> = replies.take_while(|reply| reply != "NoError fd00::2 ttl 0").collect();
                if until_known.iter().any(|reply| reply == "Refused") {
                    break;
                }
            }
        });
        assert_eq!(ask_udp(&calm, &query("calm.example", TYPE::A)), "NoError 192.0.2.1 ttl 60");
    });
}
