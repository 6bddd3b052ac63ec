//! Clients that ask over connections: several questions on each, without waiting for the answers. See RFC 7766.

use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Mutex;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::answer::{Answer, Transport};
use super::desk::Desk;
use super::resolver::LARGEST_QUERY;

/// Connections of one container; for one more, the one that was there first is closed.
const MOST_CONNECTIONS: usize = 64;
/// Questions of one connection that wait for name servers; meanwhile no more is read from it.
const MOST_WAITING: usize = 16;
/// How long a connection may take over its next question, or over taking an answer.
const IDLE: Duration = Duration::from_secs(10);
/// The pause after a connection could not be accepted: want of descriptors does not pass at once.
const BREATH: Duration = Duration::from_millis(100);

/// Talks to each client in a task of its own.
pub(super) async fn accept(tcp: TcpListener, desk: Rc<Desk>) {
    let mut connections = JoinSet::new();
    let mut by_age = VecDeque::new();
    loop {
        tokio::select! {
            accepted = tcp.accept() => match accepted {
                Ok((stream, _)) => {
                    by_age.retain(|handle: &tokio::task::AbortHandle| !handle.is_finished());
                    if by_age.len() >= MOST_CONNECTIONS && let Some(oldest) = by_age.pop_front() {
                        oldest.abort();
                    }
                    by_age.push_back(connections.spawn_local(converse(stream, Rc::clone(&desk))));
                }
                Err(_) => tokio::time::sleep(BREATH).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

/// Answers the questions on `stream` as answers come, until the client closes it, says something that is none or takes too
/// long.
async fn converse(stream: TcpStream, desk: Rc<Desk>) {
    let (mut reader, writer) = stream.into_split();
    let writer = Rc::new(Mutex::new(writer));
    let mut waiting: JoinSet<bool> = JoinSet::new();
    while let Ok(Some(query)) = timeout(IDLE, next_query(&mut reader)).await {
        let is_taken = match desk.answer(&query, Transport::Tcp) {
            Answer::Ignore => return,
            Answer::Reply(reply) => write(&writer, &reply).await,
            Answer::Forward(name) => {
                let (desk, writer) = (Rc::clone(&desk), Rc::clone(&writer));
                waiting.spawn_local(async move {
                    match desk.ask_others(&query, &name, Transport::Tcp).await {
                        Some(reply) => write(&writer, &reply).await,
                        None => false,
                    }
                });
                waiting.len() < MOST_WAITING || matches!(waiting.join_next().await, Some(Ok(true)))
            }
        };
        if !is_taken {
            return;
        }
        while waiting.try_join_next().is_some() {}
    }
    // It may have no more to ask, and still listen.
    while waiting.join_next().await.is_some() {}
}

/// Sends a reply. Returns whether the client took it.
async fn write(writer: &Mutex<OwnedWriteHalf>, reply: &[u8]) -> bool {
    let Ok(length) = u16::try_from(reply.len()) else { return false };
    let framed = [&length.to_be_bytes()[..], reply].concat();
    let taken = timeout(IDLE, async { writer.lock().await.write_all(&framed).await });
    matches!(taken.await, Ok(Ok(())))
}

/// The next question, or `None` at the end of the stream or of what is reasonable.
async fn next_query(reader: &mut OwnedReadHalf) -> Option<Vec<u8>> {
    let length = usize::from(reader.read_u16().await.ok()?);
    if length > LARGEST_QUERY {
        return None;
    }
    let mut query = vec![0; length];
    reader.read_exact(&mut query).await.ok()?;
    Some(query)
}
