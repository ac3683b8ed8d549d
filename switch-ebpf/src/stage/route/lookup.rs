//! Finds where a packet goes.

use core::ops::ControlFlow;

use switch_common::{
    addr::{IpWords, whole},
    table::{
        config::Config,
        neighbour::{self, Neighbour},
        route::{self, Address4, HOPS, Hop, Key6, Target},
    },
};

use crate::{
    ip::Ip,
    packet::{Packet, Repeated},
    tables::Tables,
};

/// The target of the longest prefix of a router that an address is in.
#[inline(always)]
pub fn target<T: Tables>(tables: &T, vrf: u32, family: u64, address: IpWords) -> Option<&Target> {
    let address = whole(address);
    let number = if family == 4 {
        tables.route4(Address4::new(vrf, address).key())?
    } else {
        tables.route6(&Key6::new(vrf, address, 128))?
    };
    tables.target(*number)
}

/// The link-local address of all gateways.
#[inline(always)]
pub fn link_local(config: &Config) -> IpWords {
    let [a, b, c, d, e, f, ..] = config.gateway_mac.to_le_bytes();
    switch_common::addr::ipv6_words([0xfe, 0x80, 0, 0, 0, 0, 0, 0, a ^ 2, b, c, 0xff, 0xfe, d, e, f])
}

/// The next station of a packet: the destination itself if it is connected, otherwise one of the
/// target's hops. The same flow always gets the same one; if that is dead, another one, while all
/// other flows keep theirs (rendezvous hashing).
#[inline(always)]
pub(super) fn next<P: Packet, T: Tables>(tables: &T, target: &Target, ip: &Ip, next: &mut Hop) {
    choose(&target.hops[0], next);
    if target.kind == route::CONNECTED {
        next.address = ip.destination;
        return;
    }
    if target.count == 1 {
        return;
    }
    let mut choice = Choice { tables, target, family: ip.family, flow: flow_hash(ip), best: 0, next };
    P::repeat(target.count, &mut choice);
}

/// Copies a hop, word by word.
#[inline(always)]
fn choose(hop: &Hop, next: &mut Hop) {
    next.network = hop.network;
    next.address = whole(hop.address);
    next.own = whole(hop.own);
}

/// What tells flows apart, as a number.
#[inline(always)]
fn flow_hash(ip: &Ip) -> u64 {
    let mut hash = mix(ip.source[0], ip.source[1]);
    hash = mix(hash, ip.destination[0]);
    hash = mix(hash, ip.destination[1]);
    mix(hash, ip.ports | ip.protocol << 32)
}

/// Mixes a word into a hash (the finaliser of `SplitMix64`, public domain).
#[inline(always)]
const fn mix(hash: u64, word: u64) -> u64 {
    let mut mixed = (hash ^ word).wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// The search for the hop with the highest number among those that live. If none does, for the
/// highest among all, whose packets are dropped then.
struct Choice<'a, T> {
    tables: &'a T,
    target: &'a Target,
    family: u64,
    flow: u64,
    best: u64,
    next: &'a mut Hop,
}

impl<T: Tables> Repeated for Choice<'_, T> {
    #[inline(always)]
    fn turn(&mut self, index: u32) -> ControlFlow<()> {
        const LIVES: u64 = 1 << 63;
        let index = index as usize;
        if index >= HOPS {
            return ControlFlow::Break(());
        }
        let hop: &Hop = &self.target.hops[index];
        let key = key(hop.network, self.family, hop.address);
        let dead = self.tables.neighbour(&key).is_some_and(Neighbour::is_dead);
        let number = mix(mix(self.flow, hop.address[0]), hop.address[1] ^ hop.network) >> 1;
        let number = if dead { number } else { number | LIVES };
        if number >= self.best {
            self.best = number;
            choose(hop, self.next);
        }
        ControlFlow::Continue(())
    }
}

/// The key of an address in a network.
#[inline(always)]
pub fn key(network: u64, family: u64, address: IpWords) -> neighbour::Key {
    neighbour::Key { network: network as u32, family: family as u32, address: whole(address) }
}
