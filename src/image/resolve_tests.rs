//! A name server of the test's own answers; no other is asked.

use simple_dns::ResourceRecord;
use simple_dns::rdata::A;

use super::*;

#[test]
fn files_are_read_as_libc_does() {
    let resolver = Resolver::parse(
        "127.0.0.1 localhost Registry.LAN # comment\n::1 localhost\nnonsense\n",
        "# comment\nnameserver 10.0.0.1\nnameserver fe80::1%eth0\nnameserver ::1\nsearch a.example b.example\noptions timeout:1 ndots:2\n",
    );
    let localhost: IpAddr = Ipv4Addr::LOCALHOST.into();
    assert_eq!(resolver.hosts.len(), 3);
    assert_eq!(resolver.hosts[1], ("registry.lan".to_owned(), localhost));
    assert_eq!(resolver.servers, ["10.0.0.1:53".parse().unwrap(), "[::1]:53".parse().unwrap()]);
    assert_eq!(resolver.candidates("ghcr.io"), ["ghcr.io.a.example", "ghcr.io.b.example", "ghcr.io"]);
    assert_eq!(resolver.candidates("a.ghcr.io"), ["a.ghcr.io", "a.ghcr.io.a.example", "a.ghcr.io.b.example"]);
    assert_eq!(resolver.candidates("ghcr.io."), ["ghcr.io"]);
}

fn reply(query: &[u8], address: Option<u32>, flags: PacketFlag) -> Vec<u8> {
    let query = Packet::parse(query).unwrap();
    let mut reply = Packet::new_reply(query.id());
    reply.set_flags(flags);
    reply.questions = query.questions.clone();
    if let Some(address) = address {
        let name = query.questions[0].qname.clone();
        reply.answers.push(ResourceRecord::new(name, CLASS::IN, 60, RData::A(A { address })));
    } else {
        *reply.rcode_mut() = RCODE::NameError;
    }
    reply.build_bytes_vec().unwrap()
}

#[test]
fn only_the_answer_to_the_question_counts() {
    let ours = query(7, "a.example", TYPE::A).unwrap();
    let good = reply(&ours, Some(0x0a00_0001), PacketFlag::RESPONSE);
    assert_eq!(answer(&good, &ours).unwrap(), Answer::Addresses(vec![Ipv4Addr::new(10, 0, 0, 1).into()]));
    let truncated = reply(&ours, None, PacketFlag::RESPONSE | PacketFlag::TRUNCATION);
    assert_eq!(answer(&truncated, &ours).unwrap(), Answer::Truncated);
    let missing = reply(&ours, None, PacketFlag::RESPONSE);
    assert_eq!(answer(&missing, &ours).unwrap(), Answer::Addresses(Vec::new()));
    for other in [query(8, "a.example", TYPE::A), query(7, "b.example", TYPE::A), query(7, "a.example", TYPE::AAAA)] {
        let forged = reply(&other.unwrap(), Some(1), PacketFlag::RESPONSE);
        assert_eq!(answer(&forged, &ours).unwrap(), Answer::NotOurs);
    }
    assert_eq!(answer(&ours, &ours).unwrap(), Answer::NotOurs);
    assert!(answer(b"short", &ours).is_err());
}

/// A name server on loopback that knows `known.lan`, answers it truncated over UDP and in full over TCP.
async fn serve(udp: UdpSocket, tcp: tokio::net::TcpListener) {
    let mut buffer = [0; 512];
    loop {
        tokio::select! {
            received = udp.recv_from(&mut buffer) => {
                let (length, from) = received.unwrap();
                let question = Packet::parse(&buffer[..length]).unwrap().questions[0].qname.to_string();
                let known = question == "known.lan";
                let flags = if known { PacketFlag::RESPONSE | PacketFlag::TRUNCATION } else { PacketFlag::RESPONSE };
                udp.send_to(&reply(&buffer[..length], None, flags), from).await.unwrap();
            }
            accepted = tcp.accept() => {
                let (mut stream, _) = accepted.unwrap();
                let mut query = vec![0; usize::from(stream.read_u16().await.unwrap())];
                stream.read_exact(&mut query).await.unwrap();
                let is_a = Packet::parse(&query).unwrap().questions[0].qtype == QTYPE::TYPE(TYPE::A);
                let answer = reply(&query, is_a.then_some(0x7f00_0005), PacketFlag::RESPONSE);
                stream.write_u16(answer.len().try_into().unwrap()).await.unwrap();
                stream.write_all(&answer).await.unwrap();
            }
        }
    }
}

#[test]
fn names_are_looked_up_over_udp_and_tcp() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let tcp = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = tcp.local_addr().unwrap();
        let udp = UdpSocket::bind(server).await.unwrap();
        let served = tokio::spawn(serve(udp, tcp));
        let dead = UdpSocket::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        let servers = vec![dead, server];
        let mut resolver = Resolver { servers, search: vec!["lan".to_owned()], ndots: 1, ..Resolver::default() };
        assert_eq!(resolver.lookup("known").await.unwrap(), [IpAddr::from([127, 0, 0, 5])]);
        let missing = resolver.lookup("missing.example").await.unwrap_err();
        assert_eq!(missing.to_string(), "there is no host named `missing.example`");
        resolver.servers = vec![dead];
        let unanswered = resolver.lookup("known").await.unwrap_err();
        assert!(unanswered.to_string().starts_with("no name server answers for `known`: "), "{unanswered}");
        assert_eq!(resolver.lookup("localhost").await.unwrap()[0], IpAddr::from([127, 0, 0, 1]));
        served.abort();
    });
}
