//! The tables as the stages see them.

use switch_common::{
    addr::IpWords,
    event::Event,
    table::{
        config, drops, epoch, fdb, flood, flow, fragment, gateway, guard, hits, learn, limit, neighbour,
        overlay, policy, port, route, rules, stats,
    },
};

use crate::{classify::Progress, frame, ip::Ip, tunnel::Tunnel};

/// What became of an address that was to be learned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Learning {
    /// The row is in the table.
    Done,
    /// Another CPU was faster.
    Raced,
    /// The table has no room.
    Full,
}

/// Octets of a packet that an ICMP error quotes at most: more than the 68 that any packet may need for
/// its headers, few enough to be summed up in one go.
pub const QUOTE: usize = 128;

/// What is too large for the stack, or must not be written there piece by piece.
#[derive(Debug, Default)]
#[repr(C)]
pub struct Scratch {
    /// Where a frame is to be flooded.
    pub place: frame::Packed,
    /// The age of the configuration before any of it was read for the packet.
    pub epoch: u64,
    /// The packet that is being routed.
    pub ip: Ip,
    /// The door that it came in by.
    pub door: u32,
    /// 1 if a firewall let the packet pass.
    pub filtered: u32,
    /// 1 if ports with a firewall get copies of it only if their policies let them.
    pub screen: u32,
    /// 1 if it was sent to the router itself.
    pub serve: u32,
    /// Slot of the port whose policies are asked.
    pub asked: u32,
    /// What policies are asked of the packet, besides which end the port is.
    pub mirrored: u32,
    /// 1 or 2 if it is of a connection that nobody saw begin: see [`crate::stage::filter`].
    pub adopted: u32,
    /// 1 if it is of no connection that is known.
    pub begins: u32,
    /// 1 if it is an error about a packet of a known connection.
    pub related: u32,
    /// Interface index of the device behind which a flooded packet's connection is known; 0 if it is not.
    pub matched: u32,
    /// 1 if rules cannot be asked for the frame: no port with a firewall gets a copy.
    pub flaw: u32,
    /// Number of the rule that decided.
    pub found: u64,
    /// How far the search for a rule has come.
    pub progress: Progress,
    /// Packets and bytes that rules are to count.
    pub more: [u64; 2],
    /// A rule at a port, and what it decided about first.
    pub hit: (hits::Key, hits::Hits),
    /// What user space is told.
    pub event: Event,
    /// A flow that is being made.
    pub flow: flow::Flow,
    /// The next station, and the router's own address in its subnet.
    pub next: route::Hop,
    /// The router's own address, from which it complains.
    pub own: IpWords,
    /// What the question is.
    pub about: u64,
    /// What an error says.
    pub complaint: u64,
    /// The beginning of a packet that an error is about.
    pub quote: [u64; QUOTE / 8],
    /// What the overlay's table is asked for.
    pub overlay: overlay::Key,
    /// The tunnel that a frame came by, or goes into.
    pub tunnel: Tunnel,
}

/// Look-ups and the few writes of the datapath. References point into table memory, which may
/// change under the reader; what must not tear is a [`switch_common::shared::Shared`] cell.
pub trait Tables {
    /// Coarse monotonic time in nanoseconds (`CLOCK_MONOTONIC_COARSE`).
    fn now(&self) -> u64;

    /// Settings of the switch.
    fn config(&self) -> Option<&config::Config>;

    /// The port of a device.
    fn port(&self, ifindex: u32) -> Option<&port::Port>;

    /// Where a station is.
    fn station(&self, key: &fdb::Key) -> Option<&fdb::Entry>;

    /// Puts a station that has no row into the table.
    fn learn(&self, key: &fdb::Key, entry: &fdb::Entry) -> Learning;

    /// Replaces the row of a station.
    fn relearn(&self, key: &fdb::Key, entry: &fdb::Entry) -> Learning;

    /// What the datapath did to the learned entries of the port in this slot.
    fn learned(&self, slot: u32) -> Option<&learn::Learned>;

    /// How many learned entries of the port in this slot the agent removed.
    fn forgotten(&self, slot: u32) -> u64;

    /// True if a guarded port may send from this address.
    fn may_send(&self, key: &guard::Key) -> bool;

    /// A part of a network's members.
    fn members(&self, key: &flood::Key) -> Option<&flood::Chunk>;

    /// The age of the configuration.
    fn epoch(&self) -> Option<&epoch::Epoch>;

    /// A network's side of its router, if it has one.
    fn gateway(&self, network: u32) -> Option<&gateway::Gateway>;

    /// The number of the target of the longest prefix that the address is in.
    fn route4(&self, key: &route::Key4) -> Option<&u64>;

    /// The same for IPv6.
    fn route6(&self, key: &route::Key6) -> Option<&u64>;

    /// What becomes of packets.
    fn target(&self, number: u64) -> Option<&route::Target>;

    /// What stands for a network or host on the underlay, or the other way round.
    fn overlay(&self, key: &overlay::Key) -> Option<&overlay::Entry>;

    /// What is known of an address.
    fn neighbour(&self, key: &neighbour::Key) -> Option<&neighbour::Neighbour>;

    /// Adds what is known of an address that has no row; false if there is one now, or no room.
    fn meet(&self, key: &neighbour::Key, neighbour: &neighbour::Neighbour) -> bool;

    /// An established IPv4 flow.
    fn flow4(&self, key: &flow::Key4) -> Option<&flow::Flow>;

    /// An established IPv6 flow.
    fn flow6(&self, key: &flow::Key6) -> Option<&flow::Flow>;

    /// A half-open IPv4 flow.
    fn opening4(&self, key: &flow::Key4) -> Option<&flow::Flow>;

    /// A half-open IPv6 flow.
    fn opening6(&self, key: &flow::Key6) -> Option<&flow::Flow>;

    /// Adds an established IPv4 flow, or replaces it; false if there is no room.
    fn keep4(&self, key: &flow::Key4, flow: &flow::Flow) -> bool;

    /// The same for IPv6.
    fn keep6(&self, key: &flow::Key6, flow: &flow::Flow) -> bool;

    /// Adds a half-open IPv4 flow, or replaces it; false if there is no room.
    fn open4(&self, key: &flow::Key4, flow: &flow::Flow) -> bool;

    /// The same for IPv6.
    fn open6(&self, key: &flow::Key6, flow: &flow::Flow) -> bool;

    /// Removes a half-open IPv4 flow; false if it was not there.
    fn close4(&self, key: &flow::Key4) -> bool;

    /// The same for IPv6.
    fn close6(&self, key: &flow::Key6) -> bool;

    /// How many half-open flows the datapath made for the port in this slot.
    fn openings(&self, slot: u32) -> Option<&flow::Opening>;

    /// How many half-open flows of the port in this slot the agent removed.
    fn expired(&self, slot: u32) -> u64;

    /// What a datagram's first fragment said.
    fn fragment(&self, key: &fragment::Key) -> Option<&fragment::Fragment>;

    /// Notes what a datagram's first fragment said.
    fn remember(&self, key: &fragment::Key, fragment: &fragment::Fragment);

    /// How many errors the port in this slot was sent.
    fn limit(&self, slot: u32) -> Option<&limit::Limit>;

    /// A policy.
    fn policy(&self, slot: u32) -> Option<&policy::Policy>;

    /// A row of the compiled rules.
    fn rules(&self, row: u32) -> Option<&rules::Row>;

    /// What a rule decided about at a port.
    fn hits(&self, key: &hits::Key) -> Option<&hits::Hits>;

    /// Adds a rule at a port that has no row; false if there is one now, or no room.
    fn first_hit(&self, key: &hits::Key, hits: &hits::Hits) -> bool;

    /// Tells user space, if it listens.
    fn tell(&self, event: &Event);

    /// Memory of this CPU that is nobody's between two frames.
    #[expect(
        clippy::mut_from_ref,
        reason = "a frame is alone on its CPU, and no stage calls another that uses it"
    )]
    fn scratch(&self) -> Option<&mut Scratch>;

    /// This CPU's counters of the port in this slot.
    fn stats(&self, slot: u32) -> Option<&stats::Stats>;

    /// This CPU's drops of the port in this slot.
    fn drops(&self, slot: u32) -> Option<&drops::Drops>;
}
