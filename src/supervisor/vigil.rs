//! Keeps the firewall true: whoever removes our rules, as a reload of the machine's own firewall may, finds them there
//! again.

use std::rc::{Rc, Weak};
use std::time::Duration;

use tokio::time::Instant;

use super::resolver::AbortOnDrop;
use super::world::World;
use crate::network::TableWatch;

/// How long nobody must have touched the rules for all to be well again.
const QUIET: Duration = Duration::from_secs(60);
/// The first wait before the rules are restored, once they were restored already.
const FIRST_WAIT: Duration = Duration::from_millis(100);
/// The longest.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// Begins to watch, for as long as what is returned is kept.
pub(super) fn keep(world: &Rc<World>, watch: TableWatch) -> AbortOnDrop {
    AbortOnDrop::spawn(restore(Rc::downgrade(world), watch))
}

/// Ends when the kernel tells no more, or the world is gone.
async fn restore(world: Weak<World>, mut watch: TableWatch) {
    let mut patience = Patience::default();
    loop {
        let disturbance = watch.disturbed().await;
        let Some(world) = world.upgrade() else { return };
        let disturbance = match disturbance {
            Ok(disturbance) => disturbance,
            Err(error) => return world.warn(&format!("changes to the firewall are not seen any more: {error}")),
        };
        let wait = patience.wait(Instant::now());
        let program = disturbance.by.map_or_else(|| "another program".to_owned(), |program| format!("`{program}`"));
        let again = match wait {
            Duration::ZERO => "they are restored".to_owned(),
            _ => format!("they are restored in {} ms", wait.as_millis()),
        };
        world.warn(&format!("{program} changed the firewall rules of this project: {again}"));
        tokio::time::sleep(wait).await;
        // What happened meanwhile is put right by the same transaction.
        if let Err(error) = watch.catch_up() {
            return world.warn(&format!("changes to the firewall are not seen any more: {error}"));
        }
        world.restore_firewall();
    }
}

/// How long to wait before the rules are restored: not at all, unless somebody keeps removing them.
#[derive(Debug, Default)]
struct Patience {
    /// When the rules were last to be restored, and after which wait.
    last: Option<(Instant, Duration)>,
}

impl Patience {
    fn wait(&mut self, now: Instant) -> Duration {
        let wait = match self.last {
            Some((at, wait)) if now.duration_since(at) < QUIET + wait => {
                if wait.is_zero() {
                    FIRST_WAIT
                } else {
                    (wait * 2).min(LONGEST_WAIT)
                }
            }
            _ => Duration::ZERO,
        };
        self.last = Some((now, wait));
        wait
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_keeps_removing_the_rules_is_met_with_patience() {
        let mut patience = Patience::default();
        let start = Instant::now();
        let mut now = start;
        let waits: Vec<u128> = (0..12)
            .map(|_| {
                let wait = patience.wait(now);
                now += wait;
                wait.as_millis()
            })
            .collect();
        assert_eq!(waits, [0, 100, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 30_000, 30_000]);
        assert_eq!(patience.wait(now + QUIET), Duration::ZERO, "all is well again");
    }
}
