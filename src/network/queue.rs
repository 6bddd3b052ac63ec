//! Queueing disciplines as rtnetlink messages, without the sending: what holds packets back, delays and loses them.
//! See `tc(8)` for what they do, and `linux/pkt_sched.h` and `linux/pkt_cls.h` for their form.

use std::time::Duration;

use rustix::io::Errno;

use super::link::LOOPBACK;
use super::message::{ACK, CREATE, EXCLUSIVE, Message};
use super::netlink::Connection;

const NEWQDISC: u16 = 36;
const DELQDISC: u16 = 37;
const NEWTFILTER: u16 = 44;
/// `NLM_F_REPLACE`: in place of another.
const REPLACE: u16 = 0x100;

/// `TC_H_ROOT` and `TC_H_INGRESS`: what leaves an interface, and what comes in by it.
const ROOT: u32 = 0xffff_ffff;
const INGRESS: u32 = 0xffff_fff1;
/// Our queues, by which a change finds them again: `2:` for netem, with the class `2:1` for what comes after it, `3:` for
/// tbf. `ffff:` is what the kernel calls the one for what comes in.
const NETEM_HANDLE: u32 = 2 << 16;
const NETEM_CLASS: u32 = NETEM_HANDLE | 1;
const TBF_HANDLE: u32 = 3 << 16;
const INGRESS_HANDLE: u32 = 0xffff_0000;

/// `TCA_*`.
const KIND: u16 = 1;
const OPTIONS: u16 = 2;
/// `TCA_TBF_*`.
const TBF_PARMS: u16 = 1;
const TBF_RATE64: u16 = 4;
const TBF_BURST: u16 = 6;
/// `TC_LINKLAYER_ETHERNET`.
const ETHERNET: u8 = 1;
/// `TCA_NETEM_*`.
const NETEM_LATENCY64: u16 = 10;
const NETEM_JITTER64: u16 = 11;
/// Packets that are late at one time: 100 ms of small ones at 1 Gbit/s.
const NETEM_LIMIT: u32 = 10_000;
/// `TCA_U32_*`, `TCA_ACT_*`, `TCA_MIRRED_*`.
const U32_SEL: u16 = 5;
const U32_ACT: u16 = 7;
const FIRST_ACTION: u16 = 1;
const ACT_KIND: u16 = 1;
const ACT_OPTIONS: u16 = 2;
const MIRRED_PARMS: u16 = 2;
/// `TC_U32_TERMINAL`, `TC_ACT_STOLEN`, `TCA_EGRESS_REDIR`.
const TERMINAL: u8 = 1;
const STOLEN: u32 = 4;
const EGRESS_REDIRECT: u32 = 1;
/// `ETH_P_ALL` in network order, below the priority of a filter: its only one.
const ALL_PROTOCOLS: u16 = 3;
const PRIORITY: u32 = 1 << 16;

/// The least that may pass at once: a few full packets, or a packet of the network if that is larger.
const LEAST_BURST: u64 = 16 * 1024;
/// Parts of a second: what may pass at once, and how long the queue before it may be.
const BURST_PART: u64 = 100;
const QUEUE_PART: u64 = 10;

/// Something that a kernel may have been built without.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Queue {
    /// `sch_tbf`: the token bucket.
    Tbf,
    /// `sch_netem`: delay and loss.
    Netem,
}

impl Queue {
    const fn kind(self) -> &'static str {
        match self {
            Self::Tbf => "tbf",
            Self::Netem => "netem",
        }
    }

    /// What says so in the configuration of a kernel.
    #[must_use]
    pub const fn option(self) -> &'static str {
        match self {
            Self::Tbf => "CONFIG_NET_SCH_TBF",
            Self::Netem => "CONFIG_NET_SCH_NETEM",
        }
    }

    /// Whether the kernel says that it has no such queue; who may not ask does not know. Nothing is changed: the kernel is
    /// asked for one without its parameters, which it refuses in another way if it has it.
    #[must_use]
    pub fn is_missing(self) -> bool {
        let request = new(LOOPBACK, ROOT, 0, self.kind(), EXCLUSIVE);
        let answer = Connection::route().map_err(|error| (0, error)).and_then(|mut host| host.request(vec![request]));
        answer.is_err_and(|(_, error)| error.errno() == Some(Errno::NOENT))
    }
}

/// What packets go through in one direction.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Shape {
    /// Bytes a second, headers included.
    pub rate: Option<u64>,
    /// By how much each packet is late.
    pub delay: Duration,
    /// By how much that varies, to both sides. Packets may overtake one another.
    pub jitter: Duration,
    /// How many of 100 packets are lost.
    pub loss: f64,
}

impl Shape {
    /// Whether packets go through as if there were nothing.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        !self.has_netem() && self.rate.is_none()
    }

    fn has_netem(&self) -> bool {
        !self.delay.is_zero() || self.loss > 0.0
    }

    /// Whether a change to `other` leaves the queues, and what is in them, and changes their parameters alone.
    pub(super) fn has_queues_of(&self, other: &Self) -> bool {
        self.has_netem() == other.has_netem() && self.rate.is_some() == other.rate.is_some()
    }

    /// The queues for what leaves link `index`, whose packets have up to `mtu` bytes: made, or changed.
    pub(super) fn queues(&self, index: u32, mtu: u32) -> Vec<Message> {
        let mut queues = Vec::new();
        let mut parent = ROOT;
        if self.has_netem() {
            queues.push(netem(index, self));
            parent = NETEM_CLASS;
        }
        queues.extend(self.rate.map(|rate| token_bucket(index, parent, rate, mtu)));
        queues
    }
}

/// Removes all queues for what leaves link `index`.
pub(super) fn no_queues(index: u32) -> Message {
    Message::new(DELQDISC, ACK, &header(index, 0, ROOT, 0))
}

/// Has what comes in by link `index` go through filters.
pub(super) fn filtered(index: u32) -> Message {
    let message = Message::new(NEWQDISC, ACK | CREATE | EXCLUSIVE, &header(index, INGRESS_HANDLE, INGRESS, 0));
    message.string(KIND, "ingress")
}

/// Removes the filters for what comes in by link `index`.
pub(super) fn unfiltered(index: u32) -> Message {
    Message::new(DELQDISC, ACK, &header(index, INGRESS_HANDLE, INGRESS, 0))
}

/// Sends all that comes in by link `index` out by link `to`. An `ifb` lets it come in again, where it came from, after
/// the queues it has for what leaves it.
///
/// By `u32`, which every kernel with filters has, with a key that all packets have: 0 of no bits.
pub(super) fn redirected(index: u32, to: u32) -> Message {
    let header = header(index, 0, INGRESS_HANDLE, PRIORITY | u32::from(ALL_PROTOCOLS.to_be()));
    // struct tc_u32_sel: flags, shift, keys, padding, 12 bytes about offsets; one struct tc_u32_key of 16 bytes.
    let mut selector = [0; 32];
    (selector[0], selector[2]) = (TERMINAL, 1);
    // struct tc_mirred: index, capabilities, action, references, bindings, what to do, and with which link.
    let mirred = words([0, 0, STOLEN, 0, 0, EGRESS_REDIRECT, to]);
    Message::new(NEWTFILTER, ACK | CREATE | EXCLUSIVE, &header).string(KIND, "u32").nest(OPTIONS, |options| {
        options.bytes(U32_SEL, &selector).nest(U32_ACT, |actions| {
            actions.nest(FIRST_ACTION, |action| {
                let action = action.string(ACT_KIND, "mirred");
                action.nest(ACT_OPTIONS, |options| options.bytes(MIRRED_PARMS, &mirred))
            })
        })
    })
}

fn new(index: u32, parent: u32, handle: u32, kind: &str, flags: u16) -> Message {
    Message::new(NEWQDISC, ACK | CREATE | REPLACE | flags, &header(index, handle, parent, 0)).string(KIND, kind)
}

/// `struct tcmsg`: family and padding, link, handle, parent, info.
fn header(index: u32, handle: u32, parent: u32, info: u32) -> Vec<u8> {
    words([0, index, handle, parent, info])
}

fn words<const N: usize>(words: [u32; N]) -> Vec<u8> {
    words.into_iter().flat_map(u32::to_ne_bytes).collect()
}

/// A token bucket: `rate` bytes a second, and what has to wait longer than a tenth of one is dropped.
fn token_bucket(index: u32, parent: u32, rate: u64, mtu: u32) -> Message {
    let narrow = |bytes: u64| u32::try_from(bytes).unwrap_or(u32::MAX);
    // With the header of the link, and the tag of a VLAN.
    let burst = (rate / BURST_PART).max(LEAST_BURST).max(u64::from(mtu) + 18);
    let limit = burst + (rate / QUEUE_PART).max(LEAST_BURST);
    // struct tc_tbf_qopt: two struct tc_ratespec (cell_log u8, linklayer u8, overhead u16, cell_align i16, mpu u16, rate
    // u32) of which the second, of peaks, stays empty; limit, buffer (TCA_TBF_BURST says it better), mtu.
    let rate_specification = [u32::from_ne_bytes([0, ETHERNET, 0, 0]), 0, narrow(rate)];
    let [first, second, third] = rate_specification;
    let parameters = words([first, second, third, 0, 0, 0, narrow(limit), 0, 0]);
    new(index, parent, TBF_HANDLE, Queue::Tbf.kind(), 0).nest(OPTIONS, |options| {
        let options = options.bytes(TBF_PARMS, &parameters).u32(TBF_BURST, narrow(burst));
        if rate > u64::from(u32::MAX) { options.bytes(TBF_RATE64, &rate.to_ne_bytes()) } else { options }
    })
}

/// Delay, jitter and loss. The times are given twice, since the first form ends at 274 seconds and has steps of 64 ns.
fn netem(index: u32, shape: &Shape) -> Message {
    let ticks = |time: Duration| u32::try_from(time.as_nanos() >> 6).unwrap_or(u32::MAX);
    let nanoseconds = |time: Duration| i64::try_from(time.as_nanos()).unwrap_or(i64::MAX).to_ne_bytes();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a part of the largest, not negative")]
    let loss = (shape.loss / 100.0 * f64::from(u32::MAX)).round() as u32;
    // struct tc_netem_qopt: latency, limit, loss, gap, duplicate, jitter.
    let parameters = words([ticks(shape.delay), NETEM_LIMIT, loss, 0, 0, ticks(shape.jitter)]);
    new(index, ROOT, NETEM_HANDLE, Queue::Netem.kind(), 0).nest(OPTIONS, |options| {
        let options = options.fixed(&parameters).bytes(NETEM_LATENCY64, &nanoseconds(shape.delay));
        options.bytes(NETEM_JITTER64, &nanoseconds(shape.jitter))
    })
}

#[cfg(test)]
#[cfg(target_endian = "little")]
mod tests {
    use super::*;

    /// The bytes of a message in words of 32 bits.
    fn shown(message: Message) -> String {
        let bytes = message.finish(7);
        let word = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        bytes
            .chunks(16)
            .map(|line| line.chunks(4).map(word).collect::<Vec<_>>().join(" "))
            .collect::<Vec<_>>()
            .join("\n")
    }

    /// 10 Mbit/s: 0x1312d0 bytes a second, a burst of 16 KiB, a limit of 16 KiB and a tenth of a second.
    #[test]
    fn a_token_bucket() {
        insta::assert_snapshot!(shown(token_bucket(5, ROOT, 1_250_000, 1500)), @r"
        60000000 24000505 07000000 00000000
        00000000 05000000 00000300 ffffffff
        00000000 08000100 74626600 34000280
        28000100 00010000 00000000 d0121300
        00000000 00000000 00000000 48280200
        00000000 00000000 08000600 00400000
        ");
    }

    /// 100 Gbit/s are more than 32 bits of bytes a second.
    #[test]
    fn a_wide_token_bucket() {
        insta::assert_snapshot!(shown(token_bucket(5, NETEM_CLASS, 12_500_000_000, 1500)), @r"
        6c000000 24000505 07000000 00000000
        00000000 05000000 00000300 01000200
        00000000 08000100 74626600 40000280
        28000100 00010000 00000000 ffffffff
        00000000 00000000 00000000 c0d5f451
        00000000 00000000 08000600 40597307
        0c000400 00dd0ee9 02000000
        ");
    }

    /// 50 ms are 0xbebc2 ticks of 64 ns, and 0x2faf080 ns; 10 ms 0x2625a and 0x989680; 1 of 100 is 0x28f5c29 of 2³².
    #[test]
    fn a_late_and_lossy_queue() {
        let shape = Shape {
            delay: Duration::from_millis(50),
            jitter: Duration::from_millis(10),
            loss: 1.0,
            ..Shape::default()
        };
        insta::assert_snapshot!(shown(netem(5, &shape)), @r"
        64000000 24000505 07000000 00000000
        00000000 05000000 00000200 ffffffff
        00000000 0a000100 6e657465 6d000000
        34000280 c2eb0b00 10270000 295c8f02
        00000000 00000000 5a620200 0c000a00
        80f0fa02 00000000 0c000b00 80969800
        00000000
        ");
    }

    #[test]
    fn a_redirection() {
        insta::assert_snapshot!(shown(redirected(5, 9)), @r"
        8c000000 2c000506 07000000 00000000
        00000000 05000000 00000000 0000ffff
        00030100 08000100 75333200 60000280
        24000500 01000100 00000000 00000000
        00000000 00000000 00000000 00000000
        00000000 38000780 34000180 0b000100
        6d697272 65640000 24000280 20000200
        00000000 00000000 04000000 00000000
        00000000 01000000 09000000
        ");
    }

    #[test]
    fn what_is_late_is_held_back_after_it() {
        let both = Shape { rate: Some(1_000_000), loss: 0.5, ..Shape::default() };
        let rate = Shape { rate: Some(1), ..Shape::default() };
        let parent = |message: Message| message.finish(1)[28..32].to_vec();
        let parents = |shape: Shape| shape.queues(5, 1500).into_iter().map(parent).collect::<Vec<_>>();
        assert_eq!(parents(both), [ROOT.to_ne_bytes(), NETEM_CLASS.to_ne_bytes()]);
        assert_eq!(parents(rate), [ROOT.to_ne_bytes()]);
        assert!(parents(Shape::default()).is_empty());
        assert!(!both.has_queues_of(&rate) && rate.has_queues_of(&Shape { rate: Some(2), ..rate }));
    }
}
