//! Clients that mean no good, or do no good.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use rcompose::network::View;
use simple_dns::TYPE;

use super::client::{ask_tcp, ask_udp, connection, framed, query, receive, socket, text};
use super::{Served, isolated};
use crate::netns::on_own_machine;

#[test]
fn rude_clients_hold_nobody_up() {
    on_own_machine(|| {
        let netns = isolated();
        let _served = Served::start(&netns, View::default());
        // Some say nothing, some begin to speak.
        let question = framed(&query("db", TYPE::AAAA));
        let silent: Vec<TcpStream> = netns.run(|| {
            let begin = |index: usize| {
                let mut stream = connection();
                // One that was closed to make room may notice.
                let _ = stream.write_all(&question[..index % question.len()]);
                stream
            };
            (0..1000).map(begin).collect()
        });
        for ask in [ask_udp, ask_tcp] {
            assert_eq!(ask(&netns, &query("db", TYPE::AAAA)), "NoError fd00::2 ttl 0");
        }
        drop(silent);
    });
}

#[test]
fn what_is_no_question_is_told_so() {
    on_own_machine(|| {
        let netns = isolated();
        let _served = Served::start(&netns, View::default());
        netns.run(|| {
            let socket = socket();
            let question = query("db", TYPE::AAAA);
            for length in 0..question.len() {
                socket.send(&question[..length]).unwrap();
                if length >= 12 {
                    assert_eq!(text(&receive(&socket)), "FormatError", "{length} bytes");
                }
            }
            // A name that points to itself.
            let mut looping = question[..12].to_vec();
            looping.extend([0xc0, 12, 0, 1, 0, 1]);
            for packet in [&looping[..], &[0x11; 1400]] {
                socket.send(packet).unwrap();
                let code = text(&receive(&socket));
                assert!(["FormatError", "NotImplemented"].contains(&&*code), "{code}");
            }
            // A reply is not replied to: what comes next is to the question after it.
            let mut reply = question.clone();
            reply[2] |= 0x80;
            socket.send(&reply).unwrap();
            socket.send(&question).unwrap();
            assert_eq!(text(&receive(&socket)), "NoError fd00::2 ttl 0");
            // Too long to be a question: the connection is closed, not waited on.
            let mut stream = connection();
            stream.write_all(&[0xff, 0xff]).unwrap();
            assert_eq!(stream.read(&mut [0]).unwrap(), 0);
        });
    });
}

#[test]
fn the_flood_of_one_container_leaves_others_their_answers() {
    on_own_machine(|| {
        let [flooding, calm] = [isolated(), isolated()];
        let _served = Served::start_all(&[&flooding, &calm], View::default());
        let done = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| {
                flooding.run(|| {
                    let socket = socket();
                    let question = query("db", TYPE::A);
                    while !done.load(Ordering::Relaxed) {
                        // Nobody takes the answers.
                        let _ = socket.send(&question);
                    }
                });
            });
            for _ in 0..200 {
                assert_eq!(ask_udp(&calm, &query("db", TYPE::AAAA)), "NoError fd00::2 ttl 0");
            }
            assert_eq!(ask_tcp(&calm, &query("db", TYPE::AAAA)), "NoError fd00::2 ttl 0");
            done.store(true, Ordering::Relaxed);
        });
    });
}
