//! Routes of all routers, and where they lead.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    net::IpAddr,
    sync::Arc,
};

use ipnet::IpNet;
use switch_common::{
    addr::ip_words,
    table::route::{BLACKHOLE, CONNECTED, Hop, Key4, Key6, LOCAL, Target, UNREACHABLE, VIA},
};
use zerocopy::IntoBytes;

use crate::{
    agent::image::{Holder, Routes},
    model::{NextHop, ValidNetwork, ValidRoute, ValidRouter, Validated},
};

/// Plans the routes of all routers that have a number.
pub fn routes(desired: &Validated, slots: &BTreeMap<Holder, u32>) -> Routes {
    let mut planner = Planner::new(desired);
    for (name, router) in &desired.routers {
        if let Some(vrf) = slots.get(&Holder::Router(name.clone())) {
            planner.statics(*vrf, router);
        }
    }
    // Made of a list, a large tree is there in a fraction of the time.
    let mut v4 = planner.v4.drain(..).collect::<BTreeMap<_, _>>();
    let mut v6 = planner.v6.drain(..).collect::<BTreeMap<_, _>>();
    for network in desired.networks.values() {
        let vrf = network.router.clone().and_then(|name| slots.get(&Holder::Router(name)));
        if let Some(vrf) = vrf {
            planner.subnets(*vrf, network);
        }
    }
    // The router's own addresses win over whatever was said of them.
    v4.extend(planner.v4);
    v6.extend(planner.v6);
    Routes { v4: Arc::new(v4), v6: Arc::new(v6), targets: Arc::new(planner.targets.0) }
}

/// The routes that were planned last, for as long as nothing changes on which they depend.
#[derive(Default)]
pub struct Cache {
    last: Option<(Arc<Validated>, BTreeMap<String, u32>)>,
    routes: Routes,
}

impl Cache {
    /// The routes that were planned last.
    pub const fn last(&self) -> &Routes {
        &self.routes
    }

    /// Plans the routes, if they may be others than last time.
    pub fn routes(&mut self, desired: &Arc<Validated>, slots: &BTreeMap<Holder, u32>) -> Routes {
        let numbers: BTreeMap<String, u32> = slots
            .iter()
            .filter(|(holder, _)| matches!(holder, Holder::Router(_)))
            .map(|(holder, slot)| (holder.name().to_owned(), *slot))
            .collect();
        let same = |(before, vrfs): &(Arc<Validated>, BTreeMap<String, u32>)| {
            *vrfs == numbers && (Arc::ptr_eq(before, desired) || leads_alike(before, desired))
        };
        if !self.last.as_ref().is_some_and(same) {
            self.routes = routes(desired, slots);
        }
        // Not the former one, of which all else would be kept in memory.
        self.last = Some((Arc::clone(desired), numbers));
        self.routes.clone()
    }
}

fn leads_alike(one: &Validated, other: &Validated) -> bool {
    one.networks == other.networks && one.routers == other.routers
}

struct Planner<'a> {
    desired: &'a Validated,
    targets: Targets,
    v4: Vec<(Key4, u64)>,
    v6: Vec<(Key6, u64)>,
}

impl<'a> Planner<'a> {
    fn new(desired: &'a Validated) -> Self {
        Self { desired, targets: Targets::default(), v4: Vec::new(), v6: Vec::new() }
    }

    /// Routes that somebody has said. Many lead to the same next hops, whose target is made once.
    fn statics(&mut self, vrf: u32, router: &'a ValidRouter) {
        let mut known: BTreeMap<(u32, &[NextHop]), u64> = BTreeMap::new();
        for (prefix, route) in &router.routes {
            let (kind, hops): (u32, &[NextHop]) = match route {
                ValidRoute::Via(hops) => (VIA, hops),
                ValidRoute::Blackhole => (BLACKHOLE, &[]),
                ValidRoute::Unreachable => (UNREACHABLE, &[]),
            };
            let number = match known.entry((kind, hops)) {
                Entry::Occupied(entry) => *entry.get(),
                Entry::Vacant(entry) => {
                    let hops = hops.iter().filter_map(|hop| via(self.desired, hop)).collect();
                    *entry.insert(self.targets.number(&target(kind, hops)))
                }
            };
            self.put(vrf, *prefix, number);
        }
    }

    /// Subnets of a network that have a gateway, and the addresses of the gateways.
    fn subnets(&mut self, vrf: u32, network: &ValidNetwork) {
        for subnet in &network.subnets {
            let Some(gateway) = subnet.gateway else { continue };
            let hop = Hop { network: network.vlan.get().into(), own: ip_words(gateway), ..Hop::default() };
            let connected = self.targets.number(&target(CONNECTED, vec![hop]));
            self.put(vrf, subnet.prefix, connected);
            let local = self.targets.number(&target(LOCAL, vec![hop]));
            self.put(vrf, IpNet::from(gateway), local);
        }
    }

    fn put(&mut self, vrf: u32, prefix: IpNet, number: u64) {
        let (address, bits) = (ip_words(prefix.network()), prefix.prefix_len().into());
        match prefix {
            IpNet::V4(_) => self.v4.push((Key4::new(vrf, address, bits), number)),
            IpNet::V6(_) => self.v6.push((Key6::new(vrf, address, bits), number)),
        }
    }
}

fn via(desired: &Validated, hop: &NextHop) -> Option<Hop> {
    let network = desired.networks.get(&hop.network)?;
    let own = own_address(network, hop.address)?;
    Some(Hop { network: network.vlan.get().into(), address: ip_words(hop.address), own: ip_words(own) })
}

/// The router's address in the subnet of another address.
pub fn own_address(network: &ValidNetwork, other: IpAddr) -> Option<IpAddr> {
    network.subnets.iter().filter(|subnet| subnet.prefix.contains(&other)).find_map(|subnet| subnet.gateway)
}

/// Next hops have an order of their own, so that it does not matter how they were given.
fn target(kind: u32, mut hops: Vec<Hop>) -> Target {
    hops.sort_unstable_by_key(|hop| (hop.network, hop.address));
    let mut target = Target { kind, ..Target::default() };
    for (place, hop) in target.hops.iter_mut().zip(hops) {
        *place = hop;
        target.count += 1;
    }
    target
}

/// Targets by their number, which follows from the content: the same one has the same number for
/// ever, so a restarted agent finds it, and a number never comes to mean something else.
#[derive(Default)]
struct Targets(BTreeMap<u64, Target>);

impl Targets {
    fn number(&mut self, target: &Target) -> u64 {
        self.place(fnv(target.as_bytes()), target)
    }

    /// Gives a target the first number from this one on that no other target has; 0 belongs to none.
    fn place(&mut self, wanted: u64, target: &Target) -> u64 {
        let mut number = wanted.max(1);
        while self.0.entry(number).or_insert(*target) != target {
            number = number.wrapping_add(1).max(1);
        }
        number
    }
}

/// The hash FNV-1a of 64 bits: needs no secret, only to be the same in every version.
fn fnv(octets: &[u8]) -> u64 {
    octets.iter().fold(0xcbf2_9ce4_8422_2325, |hash, octet| {
        (hash ^ u64::from(*octet)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_the_one_of_the_books() {
        assert_eq!(fnv(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv(b"a"), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(fnv(b"foobar"), 0x8594_4171_f739_67e8);
    }

    #[test]
    fn another_target_of_the_same_hash_gets_the_next_number() {
        let [one, two, three] = [BLACKHOLE, UNREACHABLE, VIA].map(|kind| target(kind, vec![]));
        let mut targets = Targets::default();
        assert_eq!(
            [one, two, one, two].map(|target| targets.place(u64::MAX, &target)),
            [u64::MAX, 1, u64::MAX, 1]
        );
        assert_eq!(targets.place(0, &three), 2);
    }

    #[test]
    fn the_order_of_next_hops_does_not_matter() {
        let hops = [3, 1, 2].map(|network| Hop { network, ..Hop::default() });
        let mut other = hops.to_vec();
        other.reverse();
        assert_eq!(target(VIA, hops.to_vec()), target(VIA, other));
        assert_eq!(target(VIA, hops.to_vec()).count, 3);
    }
}
