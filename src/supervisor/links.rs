//! The end of removed containers' links.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::start::host_interface;
use crate::network::link_exists;
use crate::plan::ObservedContainer;

/// A link that stays longer is not ours to wait for.
const PATIENCE: Duration = Duration::from_secs(1);
/// Between two looks: the kernel takes all links of a project down in one go, in some tens of milliseconds.
const PAUSE: Duration = Duration::from_millis(2);

/// Waits until the links of `removed` containers are gone too, so that whoever looks after `down` finds nothing. They go
/// with their network namespaces, in the background; the kernel tells only those who listen to every link of the machine,
/// and drops what they do not read in time, so it is asked.
pub(super) async fn links_gone<'a>(removed: impl Iterator<Item = &'a ObservedContainer>) {
    let deadline = Instant::now() + PATIENCE;
    for container in removed {
        for index in 0..container.networks.len() {
            let link = host_interface(&container.id, index);
            while link_exists(&link).unwrap_or(false) && Instant::now() < deadline {
                sleep(PAUSE).await;
            }
        }
    }
}
