//! Host names to addresses by `/etc/hosts` and the name servers of `/etc/resolv.conf`.
//!
//! A statically linked binary must not call `getaddrinfo`: glibc would load the NSS modules of a host with perhaps
//! another glibc. What is left out is what only such modules know (mDNS, LDAP).

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use simple_dns::rdata::RData;
use simple_dns::{CLASS, Name, Packet, PacketFlag, QCLASS, QTYPE, Question, RCODE, TYPE};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};

/// How long one server has for one answer, and how often all of them are asked.
const TIMEOUT: Duration = Duration::from_secs(3);
const ROUNDS: usize = 2;

/// The host part of name resolution.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Resolver {
    hosts: Vec<(String, IpAddr)>,
    servers: Vec<SocketAddr>,
    search: Vec<String>,
    /// A name with at least this many dots is tried as it is before the search domains.
    ndots: usize,
}

/// Why a name has no address.
#[derive(Debug, thiserror::Error)]
pub(super) enum ResolveError {
    #[error("the name `{name}` cannot be looked up: no name server in /etc/resolv.conf")]
    ServerMissing { name: String },
    #[error("there is no host named `{name}`")]
    HostUnknown { name: String },
    // One text, not a chain: what is shown of a failed connection is its innermost cause.
    #[error("no name server answers for `{name}`: {cause}")]
    Unanswered { name: String, cause: io::Error },
}

impl Resolver {
    /// Reads the files of this machine; a missing one is empty.
    pub(super) fn from_etc() -> Self {
        let read = |path| fs_err::read_to_string(path).unwrap_or_default();
        Self::parse(&read("/etc/hosts"), &read("/etc/resolv.conf"))
    }

    /// Parses the texts of `hosts(5)` and `resolv.conf(5)`; what is not understood is skipped, as libc does.
    fn parse(hosts: &str, resolv_conf: &str) -> Self {
        let mut resolver = Self { ndots: 1, ..Self::default() };
        for line in hosts.lines() {
            let mut words = line.split('#').next().unwrap_or("").split_whitespace();
            let Some(Ok(address)) = words.next().map(str::parse::<IpAddr>) else { continue };
            resolver.hosts.extend(words.map(|name| (name.to_ascii_lowercase(), address)));
        }
        for line in resolv_conf.lines() {
            let mut words = line.split(['#', ';']).next().unwrap_or("").split_whitespace();
            match words.next() {
                Some("nameserver") => {
                    let address = words.next().and_then(|word| word.parse::<IpAddr>().ok());
                    resolver.servers.extend(address.map(|address| SocketAddr::new(address, 53)));
                }
                Some("search" | "domain") => resolver.search = words.map(str::to_owned).collect(),
                Some("options") => {
                    let ndots = words.filter_map(|word| word.strip_prefix("ndots:")?.parse().ok()).next_back();
                    resolver.ndots = ndots.unwrap_or(resolver.ndots);
                }
                _ => {}
            }
        }
        resolver
    }

    /// The addresses of `name`, IPv4 first.
    pub(super) async fn lookup(&self, name: &str) -> Result<Vec<IpAddr>, ResolveError> {
        let name = name.to_ascii_lowercase();
        let known: Vec<IpAddr> = self.hosts.iter().filter(|(host, _)| *host == name).map(|(_, ip)| *ip).collect();
        if !known.is_empty() {
            return Ok(known);
        }
        if name == "localhost" {
            // No name server may say otherwise (RFC 6761 §6.3).
            return Ok(vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]);
        }
        if self.servers.is_empty() {
            return Err(ResolveError::ServerMissing { name });
        }
        for candidate in self.candidates(&name) {
            let (v4, v6) = tokio::join!(self.ask(&candidate, TYPE::A), self.ask(&candidate, TYPE::AAAA));
            match (v4, v6) {
                (Err(cause), Err(_)) => return Err(ResolveError::Unanswered { name, cause }),
                (v4, v6) => {
                    let addresses: Vec<IpAddr> = [v4, v6].into_iter().flatten().flatten().collect();
                    if !addresses.is_empty() {
                        return Ok(addresses);
                    }
                }
            }
        }
        Err(ResolveError::HostUnknown { name })
    }

    /// The full names that `name` may mean, in the order to try them.
    fn candidates(&self, name: &str) -> Vec<String> {
        if let Some(absolute) = name.strip_suffix('.') {
            return vec![absolute.to_owned()];
        }
        let mut candidates: Vec<String> = self.search.iter().map(|domain| format!("{name}.{domain}")).collect();
        let first = if name.matches('.').count() >= self.ndots { 0 } else { candidates.len() };
        candidates.insert(first, name.to_owned());
        candidates
    }

    /// Asks one server after the other; a server that says there is no such name has answered.
    async fn ask(&self, name: &str, kind: TYPE) -> io::Result<Vec<IpAddr>> {
        let mut failure = io::Error::from(io::ErrorKind::TimedOut);
        for server in self.servers.iter().cycle().take(self.servers.len() * ROUNDS) {
            match tokio::time::timeout(TIMEOUT, exchange(*server, name, kind)).await {
                Ok(Ok(addresses)) => return Ok(addresses),
                Ok(Err(error)) => failure = error,
                Err(_) => {}
            }
        }
        Err(failure)
    }
}

impl reqwest::dns::Resolve for Resolver {
    fn resolve(&self, name: reqwest::dns::Name) -> reqwest::dns::Resolving {
        let resolver = self.clone();
        Box::pin(async move {
            let addresses = resolver.lookup(name.as_str()).await?;
            // Port 0 stands for that of the URL.
            Ok(Box::new(addresses.into_iter().map(|address| SocketAddr::new(address, 0))) as reqwest::dns::Addrs)
        })
    }
}

async fn exchange(server: SocketAddr, name: &str, kind: TYPE) -> io::Result<Vec<IpAddr>> {
    let mut id = [0; 2];
    rustix::rand::getrandom(&mut id, rustix::rand::GetRandomFlags::empty())?;
    let query = query(u16::from_be_bytes(id), name, kind)?;
    let local: SocketAddr = if server.is_ipv4() { ([0, 0, 0, 0], 0).into() } else { ([0_u16; 8], 0).into() };
    let socket = UdpSocket::bind(local).await?;
    // A connected socket gets nothing from other addresses, and hears when nobody listens there.
    socket.connect(server).await?;
    socket.send(&query).await?;
    let mut buffer = vec![0; 4096];
    loop {
        let length = socket.recv(&mut buffer).await?;
        match answer(&buffer[..length], &query)? {
            Answer::NotOurs => {}
            Answer::Addresses(addresses) => return Ok(addresses),
            Answer::Truncated => return exchange_tcp(server, &query).await,
        }
    }
}

async fn exchange_tcp(server: SocketAddr, query: &[u8]) -> io::Result<Vec<IpAddr>> {
    let mut stream = TcpStream::connect(server).await?;
    stream.write_u16(query.len().try_into().map_err(invalid)?).await?;
    stream.write_all(query).await?;
    let mut buffer = vec![0; usize::from(stream.read_u16().await?)];
    stream.read_exact(&mut buffer).await?;
    match answer(&buffer, query)? {
        Answer::Addresses(addresses) => Ok(addresses),
        Answer::NotOurs | Answer::Truncated => Err(io::ErrorKind::InvalidData.into()),
    }
}

fn query(id: u16, name: &str, kind: TYPE) -> io::Result<Vec<u8>> {
    let mut packet = Packet::new_query(id);
    packet.set_flags(PacketFlag::RECURSION_DESIRED);
    let name = Name::new(name).map_err(invalid)?;
    packet.questions.push(Question::new(name, QTYPE::TYPE(kind), QCLASS::CLASS(CLASS::IN), false));
    packet.build_bytes_vec().map_err(invalid)
}

#[derive(Debug, PartialEq, Eq)]
enum Answer {
    Addresses(Vec<IpAddr>),
    Truncated,
    /// Of another question: late, or forged.
    NotOurs,
}

fn answer(bytes: &[u8], query: &[u8]) -> io::Result<Answer> {
    let (packet, query) = (Packet::parse(bytes).map_err(invalid)?, Packet::parse(query).map_err(invalid)?);
    let same_question = packet.questions.first().zip(query.questions.first()).is_some_and(|(theirs, ours)| {
        theirs.qtype == ours.qtype && theirs.qname.to_string().eq_ignore_ascii_case(&ours.qname.to_string())
    });
    if packet.id() != query.id() || !same_question || !packet.has_flags(PacketFlag::RESPONSE) {
        return Ok(Answer::NotOurs);
    }
    if packet.has_flags(PacketFlag::TRUNCATION) {
        return Ok(Answer::Truncated);
    }
    match packet.rcode() {
        RCODE::NoError | RCODE::NameError => {}
        other => return Err(io::Error::other(format!("the name server answers {other:?}"))),
    }
    // Servers that recurse put the addresses of an alias into the same answer.
    let addresses = packet.answers.iter().filter_map(|record| match &record.rdata {
        RData::A(a) => Some(IpAddr::from(a.address.to_be_bytes())),
        RData::AAAA(aaaa) => Some(IpAddr::from(aaaa.address.to_be_bytes())),
        _ => None,
    });
    Ok(Answer::Addresses(addresses.collect()))
}

fn invalid(error: impl std::error::Error + Send + Sync + 'static) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

#[cfg(test)]
#[path = "resolve_tests.rs"]
mod tests;
