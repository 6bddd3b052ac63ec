//! What a container sees of the world of names.

use std::borrow::Cow;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::sync::{Semaphore, watch};

use super::names::normalised;
use super::resolv_conf::ResolvConf;

/// Questions of all containers of a project that wait for name servers; one more is refused. Each has a socket, and a
/// process has 1024 descriptors where nobody raised that.
const MOST_WAITING: usize = 512;

/// What a container sees of the world of names.
#[derive(Debug, Clone, Default)]
pub struct View {
    /// The networks it is on, the first with the first say.
    pub networks: Vec<String>,
    /// Names that it alone has for others on its networks.
    pub links: Vec<Link>,
    /// Who is asked for what nobody here has.
    pub upstream: Upstream,
    /// Domains (in lower case) whose names are asked of servers of their own, from the machine.
    pub domains: Vec<(String, Vec<SocketAddr>)>,
    /// Shared by all containers of a project.
    pub room: Room,
}

/// The servers for names that nobody in the project has. Each is asked from where its address was written down: what the
/// machine's file says is asked from the machine, where its loopback, its private networks and its firewall are meant, and
/// what the service says from within the container, where 127.0.0.1 is the container and its routes are obeyed.
#[derive(Debug, Clone, Default)]
pub enum Upstream {
    /// Nobody: a container that is on internal networks only must not reach the outside, be it by a name.
    #[default]
    Nobody,
    /// Those of the machine, as they are at that moment.
    Machine(watch::Receiver<ResolvConf>),
    /// These, from the container.
    Container(Vec<SocketAddr>),
}

/// How many questions may wait at once.
#[derive(Debug, Clone)]
pub struct Room(pub(super) Arc<Semaphore>);

impl Default for Room {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(MOST_WAITING)))
    }
}

/// Whom to ask.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Servers {
    /// In this order.
    pub(super) addresses: Vec<SocketAddr>,
    /// Whether they are addresses as the container sees them.
    pub(super) from_container: bool,
}

impl View {
    /// Whom to ask for `name`, which is normalised; `None` if nobody may be asked.
    pub(super) fn servers(&self, name: &str) -> Option<Servers> {
        let within = |domain: &str| {
            name.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.') || domain.is_empty())
        };
        let special = self.domains.iter().filter(|(domain, _)| within(domain)).max_by_key(|(domain, _)| domain.len());
        let (addresses, from_container) = match (&self.upstream, special) {
            (Upstream::Nobody, _) => return None,
            (_, Some((_, servers))) => (servers.clone(), false),
            (Upstream::Machine(file), None) => (file.borrow().servers.clone(), false),
            (Upstream::Container(servers), None) => (servers.clone(), true),
        };
        Some(Servers { addresses, from_container })
    }

    /// What the others call what is `name` (normalised) to this container.
    pub(super) fn linked<'n>(&'n self, name: &'n str) -> Cow<'n, str> {
        self.links.iter().find_map(|link| link.leads(name)).unwrap_or(Cow::Borrowed(name))
    }
}

/// A service that one container knows by names of its own: an alias, and `SERVICE-1` for its first container. Or a container, by
/// an alias.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    alias: String,
    target: String,
    containers: Option<String>,
}

impl Link {
    /// A link to `service`, whose containers' names are `containers` and a number.
    #[must_use]
    pub fn new(alias: &str, service: &str, containers: &str) -> Self {
        Self { alias: normalised(alias), target: normalised(service), containers: Some(normalised(containers)) }
    }

    /// A link to the container called `name`.
    #[must_use]
    pub fn to_container(alias: &str, name: &str) -> Self {
        Self { alias: normalised(alias), target: normalised(name), containers: None }
    }

    fn leads(&self, name: &str) -> Option<Cow<'_, str>> {
        if name == self.alias {
            return Some(Cow::Borrowed(&self.target));
        }
        let containers = self.containers.as_ref()?;
        let number = name.strip_prefix(&self.target)?.strip_prefix('-')?;
        let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then(|| Cow::Owned(format!("{containers}{number}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_domain_has_the_say() {
        let server = |last| SocketAddr::from(([10, 0, 0, last], 53));
        let domains = [("corp.example", 1), ("lab.corp.example", 2)];
        let view = View {
            upstream: Upstream::Container(vec![server(9)]),
            domains: domains.map(|(domain, last)| (domain.to_owned(), vec![server(last)])).to_vec(),
            ..View::default()
        };
        for (name, last, from_container) in [
            ("corp.example", 1, false),
            ("a.corp.example", 1, false),
            ("a.lab.corp.example", 2, false),
            ("acorp.example", 9, true),
            ("example", 9, true),
        ] {
            let expect = Servers { addresses: vec![server(last)], from_container };
            assert_eq!(view.servers(name), Some(expect), "{name}");
        }
        let internal = View { upstream: Upstream::Nobody, ..view };
        assert_eq!(internal.servers("a.corp.example"), None, "not even for those");
    }

    #[test]
    fn a_link_is_an_alias_and_numbers() {
        let links = vec![Link::new("Database", "db", "shop-db-"), Link::to_container("Cache", "Other-redis-1")];
        let view = View { links, ..View::default() };
        for (name, expect) in [
            ("database", "db"),
            ("db", "db"),
            ("db-2", "shop-db-2"),
            ("db-", "db-"),
            ("db-x", "db-x"),
            ("dbs-1", "dbs-1"),
            ("web", "web"),
            ("cache", "other-redis-1"),
            ("other-redis-1", "other-redis-1"),
            ("other-redis-1-2", "other-redis-1-2"),
        ] {
            assert_eq!(view.linked(name), expect);
        }
    }
}
