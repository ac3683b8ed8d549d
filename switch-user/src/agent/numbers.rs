//! The number of an overlay network inside the switch: chosen once and kept, because all tables name networks so.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use switch_common::addr::VlanId;

use super::{image::Holder, plan::Underlay};
use crate::model::{Attachment, Validated};

/// Gives every overlay network the number that it has already, and the others the highest ones that are free.
///
/// A number is a VLAN nowhere, and the slot of nobody else, because the table of slots remembers it.
pub fn assign(known: &BTreeMap<u32, Holder>, desired: &Validated) -> BTreeMap<String, VlanId> {
    let mut names = desired.overlays().map(|(name, _)| name).peekable();
    if names.peek().is_none() {
        return BTreeMap::new();
    }
    let vlans = desired.vlans();
    let names: BTreeSet<&String> = names.collect();
    let mut numbers = BTreeMap::new();
    for (slot, holder) in known {
        let number = u16::try_from(*slot).ok().and_then(VlanId::new).filter(|number| !vlans.contains(number));
        if let (Holder::Network(name), Some(number)) = (holder, number)
            && names.contains(name)
        {
            numbers.entry(name.clone()).or_insert(number);
        }
    }
    let all = (VlanId::MIN.get()..=VlanId::MAX.get()).rev().filter_map(VlanId::new);
    let free = |number: &VlanId| !vlans.contains(number) && !numbers.values().any(|other| other == number);
    let unused = |number: &VlanId| !known.contains_key(&number.get().into());
    let (unused, given_up): (Vec<_>, Vec<_>) = all.filter(free).partition(unused);
    let missing: Vec<&String> = names.into_iter().filter(|name| !numbers.contains_key(*name)).collect();
    numbers.extend(missing.into_iter().cloned().zip(unused.into_iter().chain(given_up)));
    numbers
}

/// The configuration that was made last: to make one again takes as long as it has objects.
#[derive(Default)]
pub struct Cache(Option<Made>);

/// A configuration and what it was made of.
struct Made {
    desired: Arc<Validated>,
    numbers: BTreeMap<String, VlanId>,
    mtu: Option<u32>,
    outcome: Arc<Validated>,
}

impl Cache {
    /// The configuration with these numbers of its overlay networks, which carry what tunnels do unless somebody
    /// said otherwise.
    pub fn numbered(
        &mut self,
        desired: &Arc<Validated>,
        numbers: &BTreeMap<String, VlanId>,
        underlay: Option<&Underlay>,
    ) -> Arc<Validated> {
        if numbers.is_empty() {
            self.0 = None;
            return Arc::clone(desired);
        }
        let mtu = underlay.map(|underlay| underlay.mtu);
        let same =
            |last: &&Made| Arc::ptr_eq(&last.desired, desired) && last.numbers == *numbers && last.mtu == mtu;
        if let Some(last) = self.0.as_ref().filter(same) {
            return Arc::clone(&last.outcome);
        }
        let made = Arc::new(renumbered(Validated::clone(desired), numbers, mtu));
        let (desired, numbers) = (Arc::clone(desired), numbers.clone());
        self.0 = Some(Made { desired, numbers, mtu, outcome: Arc::clone(&made) });
        made
    }
}

fn renumbered(mut desired: Validated, numbers: &BTreeMap<String, VlanId>, mtu: Option<u32>) -> Validated {
    let mut moved = BTreeMap::new();
    for (name, network) in &mut desired.networks {
        let Some(number) = numbers.get(name) else { continue };
        moved.insert(network.vlan, *number);
        network.vlan = *number;
        network.mtu = network.mtu.or(mtu);
    }
    for port in desired.ports.values_mut() {
        if let Attachment::Access { vlan, .. } = &mut port.attachment {
            *vlan = moved.get(vlan).copied().unwrap_or(*vlan);
        }
    }
    desired
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{samples::from_text, validate};

    fn valid(text: &str) -> Arc<Validated> {
        Arc::new(validate(&from_text(text)).unwrap())
    }

    fn network(name: &str) -> Holder {
        Holder::Network(name.into())
    }

    fn numbers(known: &[(u32, Holder)], text: &str) -> Vec<(String, u16)> {
        let numbers = assign(&known.iter().cloned().collect(), &valid(text));
        numbers.into_iter().map(|(name, number)| (name, number.get())).collect()
    }

    const TWO: &str = "
- {apiVersion: dvs/v1, kind: Network, name: blue, vni: 5000}
- {apiVersion: dvs/v1, kind: Network, name: green, vni: 6000}
- {apiVersion: dvs/v1, kind: Network, name: red, vlan: 4093}
- {apiVersion: dvs/v1, kind: Port, name: t, trunk: '4092'}
- {apiVersion: dvs/v1, kind: Port, name: b, network: blue}
- {apiVersion: dvs/v1, kind: Port, name: r, network: red}
";

    #[test]
    fn the_highest_numbers_come_first_but_for_vlans_and_slots_of_others() {
        let named = |blue, green| vec![("blue".to_owned(), blue), ("green".to_owned(), green)];
        assert_eq!(numbers(&[], TWO), named(4094, 4091));
        assert_eq!(numbers(&[(4094, Holder::Port("p".into()))], TWO), named(4091, 4090));
        assert_eq!(numbers(&[(4094, network("green"))], TWO), named(4091, 4094));
        assert_eq!(numbers(&[(4093, network("green")), (7, network("blue"))], TWO), named(7, 4094));
    }

    #[test]
    fn a_configuration_is_renumbered_once() {
        let desired = valid(TWO);
        let number = |number| VlanId::new(number).unwrap();
        let numbers = BTreeMap::from([("blue".to_owned(), number(7)), ("green".to_owned(), number(4094))]);
        let mut cache = Cache::default();
        let underlay = Underlay::new([192, 0, 2, 1].into(), 9, 1500);
        let made = cache.numbered(&desired, &numbers, Some(&underlay));
        let vlan = |port: &str| match made.ports[port].attachment {
            Attachment::Access { vlan, .. } => Some(vlan.get()),
            Attachment::Trunk { .. } => None,
        };
        assert_eq!((vlan("b"), vlan("r"), made.networks["blue"].mtu), (Some(7), Some(4093), Some(1450)));
        assert!(Arc::ptr_eq(&made, &cache.numbered(&desired, &numbers, Some(&underlay))));
        assert!(Arc::ptr_eq(&desired, &cache.numbered(&desired, &BTreeMap::new(), None)));
    }
}
