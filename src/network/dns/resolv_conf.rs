//! `/etc/resolv.conf`: what it says, and what it says now. See `resolv.conf(5)`.

use std::collections::BTreeSet;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
use tokio::io::unix::AsyncFd;
use tokio::sync::watch;

use crate::sys::readiness::readable_owned;

/// The port of the domain name system.
const PORT: u16 = 53;
/// How many name servers count: `MAXNS`.
const MOST_SERVERS: usize = 3;
/// How many links are followed from one to the next.
const MOST_LINKS: usize = 16;
/// Everything that can make a file another one: written, put in its place, taken away.
const CHANGES: WatchFlags = WatchFlags::CLOSE_WRITE
    .union(WatchFlags::CREATE)
    .union(WatchFlags::DELETE)
    .union(WatchFlags::MOVED_FROM)
    .union(WatchFlags::MOVED_TO)
    .union(WatchFlags::DELETE_SELF)
    .union(WatchFlags::MOVE_SELF);

/// What a `resolv.conf` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResolvConf {
    /// The name servers that count, in order.
    pub servers: Vec<SocketAddr>,
    /// The domains that are put behind names.
    pub search: Vec<String>,
    /// The options of whoever asks.
    pub options: Vec<String>,
}

impl ResolvConf {
    /// Reads the text of such a file; what makes no sense is passed over, as the C library does. Without any server it is
    /// the one of this machine.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let mut servers = Vec::new();
        let mut search = Vec::new();
        let mut options = Vec::new();
        for line in text.lines() {
            let mut words = line.split(['#', ';']).next().unwrap_or_default().split_ascii_whitespace();
            match words.next() {
                Some("nameserver") => servers.extend(words.next().and_then(server)),
                // The last of them counts.
                Some("search" | "domain") => search = words.map(str::to_owned).collect(),
                Some("options") => options.extend(words.map(str::to_owned)),
                _ => {}
            }
        }
        if servers.is_empty() {
            servers.push(SocketAddr::from((Ipv4Addr::LOCALHOST, PORT)));
        }
        servers.truncate(MOST_SERVERS);
        Self { servers, search, options }
    }

    /// Reads the file; one that is not there is an empty one.
    #[must_use]
    pub fn read(path: &Path) -> Self {
        // Some tools write what is not UTF-8 into a comment.
        Self::parse(&String::from_utf8_lossy(&fs_err::read(path).unwrap_or_default()))
    }
}

/// An address, of which one of a link may name the link.
fn server(text: &str) -> Option<SocketAddr> {
    if let Ok(address) = text.parse::<IpAddr>() {
        return Some(SocketAddr::new(address, PORT));
    }
    let (address, link) = text.split_once('%')?;
    let address: Ipv6Addr = address.parse().ok()?;
    let index = link.parse().ok().or_else(|| nix::net::if_::if_nametoindex(link).ok())?;
    Some(SocketAddrV6::new(address, PORT, 0, index).into())
}

/// Sends what the file at `path` says to `sender`, now and whenever that changes, for as long as it is polled. It may be
/// written to, replaced, taken away, or be a symbolic link to one with which that happens, and need not be there yet.
///
/// # Errors
/// When the kernel has no inotify instance left for this user: the last state stands.
pub async fn follow(path: &Path, sender: &watch::Sender<ResolvConf>) -> io::Result<()> {
    loop {
        // A new one each time: links may lead elsewhere by now. It watches before the file is read, so that no change
        // goes unseen.
        let watch = watch_places(path)?;
        let current = ResolvConf::read(path);
        sender.send_if_modified(|known| {
            let changed = *known != current;
            *known = current;
            changed
        });
        watch.readable().await?.retain_ready();
    }
}

/// An inotify instance that has something to read when one of the places on the way from `path` to the file changes.
fn watch_places(path: &Path) -> io::Result<AsyncFd<OwnedFd>> {
    let watch = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC)?;
    // A file that is mounted in its place is changed where it came from: it is watched too, not only by its name.
    for place in places(path).into_iter().chain([path.to_owned()]) {
        // One that has just gone is noticed in the place that it was in.
        let _ = inotify::add_watch(&watch, &place, CHANGES);
    }
    readable_owned(watch)
}

/// What to watch: the file itself wherever links lead, and the links, by the names that they have. Of what is not there,
/// the directory that it would appear in.
fn places(path: &Path) -> BTreeSet<PathBuf> {
    let mut places = BTreeSet::new();
    let mut next = path.to_owned();
    for _ in 0..MOST_LINKS {
        let directory = next.parent().unwrap_or(Path::new("/"));
        places.extend(directory.ancestors().find(|directory| directory.exists()).map(Path::to_owned));
        let Ok(target) = fs_err::read_link(&next) else { break };
        next = directory.join(target);
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_file_says() {
        let file = "# by hand\ndomain lan\nnameserver 10.0.0.1 # first\nnameserver ::1\n ;nameserver 1.1.1.1\n\
            nameserver x\nnameserver fe80::1%7\nnameserver 10.0.0.4\noptions edns0 timeout:1\noptions rotate\n\
            search a.example b.example\nsortlist 10.0.0.0\n";
        let servers = ["10.0.0.1:53", "[::1]:53", "[fe80::1%7]:53"].map(|server| server.parse().unwrap());
        let expect = ResolvConf {
            servers: servers.to_vec(),
            search: vec!["a.example".to_owned(), "b.example".to_owned()],
            options: ["edns0", "timeout:1", "rotate"].map(str::to_owned).to_vec(),
        };
        assert_eq!(ResolvConf::parse(file), expect);
        assert_eq!(ResolvConf::parse("").servers, ["127.0.0.1:53".parse().unwrap()]);
    }

    /// Waits until the file is known to have this name server.
    async fn told(receiver: &mut watch::Receiver<ResolvConf>, server: &str) {
        let expect: SocketAddr = server.parse().unwrap();
        let told = receiver.wait_for(|file| file.servers == [expect]);
        tokio::time::timeout(std::time::Duration::from_secs(30), told).await.expect(server).unwrap();
    }

    #[tokio::test]
    async fn a_file_is_followed_wherever_it_goes() {
        let directory = tempfile::tempdir().unwrap();
        let [link, one, later] = ["resolv.conf", "one", "run/later"].map(|name| directory.path().join(name));
        fs_err::write(&one, "nameserver 10.0.0.1").unwrap();
        let (sender, mut receiver) = watch::channel(ResolvConf::parse(""));
        let path = link.clone();
        let following = tokio::spawn(async move { follow(&path, &sender).await });
        let replace = |target: &Path| {
            let new = directory.path().join("new");
            std::os::unix::fs::symlink(target, &new).unwrap();
            fs_err::rename(&new, &link).unwrap();
        };
        replace(Path::new("one"));
        told(&mut receiver, "10.0.0.1:53").await;
        fs_err::write(&one, "nameserver 10.0.0.2").unwrap();
        told(&mut receiver, "10.0.0.2:53").await;
        let new = directory.path().join("other");
        fs_err::write(&new, "nameserver 10.0.0.3").unwrap();
        fs_err::rename(&new, &one).unwrap();
        told(&mut receiver, "10.0.0.3:53").await;
        replace(&later);
        told(&mut receiver, "127.0.0.1:53").await;
        fs_err::create_dir(later.parent().unwrap()).unwrap();
        fs_err::write(&later, "nameserver 10.0.0.4").unwrap();
        told(&mut receiver, "10.0.0.4:53").await;
        fs_err::remove_file(&link).unwrap();
        told(&mut receiver, "127.0.0.1:53").await;
        fs_err::write(&link, "nameserver 10.0.0.5").unwrap();
        told(&mut receiver, "10.0.0.5:53").await;
        following.abort();
    }
}
