//! Name lookups over real sockets: asked inside a container, answered from outside it.

mod client;
mod names;
mod port53;
mod rude;
mod server;
mod upstream;

use std::net::Ipv4Addr;
use std::os::fd::AsFd;
use std::thread;

use rcompose::network::{Names, Resolver, View, loopback_up};
use tokio::sync::{oneshot, watch};
use tokio::task::LocalSet;

use crate::netns::Netns;

/// A resolver that is served until this is dropped.
struct Served {
    names: watch::Sender<Names>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Served {
    /// For the container of `netns`, on the network `back`.
    fn start(netns: &Netns, view: View) -> Self {
        Self::start_all(&[netns], view)
    }

    /// For several containers, on one thread.
    fn start_all(containers: &[&Netns], view: View) -> Self {
        let bind = |netns: &&Netns| Resolver::bind(netns.as_fd()).unwrap();
        let resolvers: Vec<_> = containers.iter().map(bind).collect();
        let (names, receiver) = watch::channel(known());
        let (stop, stopped) = oneshot::channel();
        let view = watch::channel(View { networks: vec!["back".to_owned()], ..view }).1;
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            LocalSet::new().block_on(&runtime, async {
                for resolver in resolvers {
                    tokio::task::spawn_local(resolver.serve(receiver.clone(), view.clone()));
                }
                let _ = stopped.await;
            });
        });
        Self { names, stop: Some(stop), thread: Some(thread) }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        drop(self.stop.take());
        self.thread.take().unwrap().join().unwrap();
    }
}

/// Three replicas of `db` on `back`, one of them with an IPv6 address too; `web` on another network.
fn known() -> Names {
    let mut names = Names::default();
    for last in 2..=4 {
        names.insert("back", "db", Ipv4Addr::new(10, 1, 0, last));
    }
    let six: std::net::Ipv6Addr = "fd00::2".parse().unwrap();
    names.insert("back", "db", six);
    names.insert("front", "web", Ipv4Addr::new(10, 2, 0, 2));
    names.insert_pointer("back", Ipv4Addr::new(10, 1, 0, 2), "shop-db-1");
    names.insert_pointer("back", six, "shop-db-1");
    names
}

/// A container's namespace, not connected to anything.
fn isolated() -> Netns {
    let netns = Netns::new();
    loopback_up(netns.as_fd()).unwrap();
    netns
}
