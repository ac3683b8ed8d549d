//! Which port counts in which row: decided once and kept, so that counters survive restarts.

use std::collections::{BTreeMap, BTreeSet};

use switch_common::{MAX_PORTS, addr::VlanId};

use super::image::Holder;
use crate::model::Validated;

/// The policies that need a slot: those of ports.
pub fn policies(desired: &Validated) -> impl Iterator<Item = Holder> {
    desired.ports.values().flat_map(|port| &port.policies).cloned().map(Holder::Policy)
}

/// Gives every holder the slot that it has already, and the others the lowest ones that are free.
///
/// A slot whose holder leaves is given away last; that of a policy, which ports may still name, not
/// before the policy is gone. Slot 0 belongs to nobody, and those of overlay networks to these. Holders for whom
/// there is no slot are missing in the result.
pub fn assign(
    known: &BTreeMap<u32, Holder>,
    wanted: &BTreeSet<Holder>,
    numbers: &BTreeMap<String, VlanId>,
) -> BTreeMap<Holder, u32> {
    let numbers = numbers.iter().map(|(name, number)| (Holder::Network(name.clone()), number.get().into()));
    let mut slots: BTreeMap<Holder, u32> = numbers.collect();
    let reserved: BTreeSet<u32> = slots.values().copied().collect();
    for (slot, holder) in known {
        if wanted.contains(holder) && !reserved.contains(slot) {
            slots.entry(holder.clone()).or_insert(*slot);
        }
    }
    let kept: BTreeSet<u32> = slots.values().copied().collect();
    let unused = (1..MAX_PORTS).filter(|slot| !known.contains_key(slot));
    let leaves = |(slot, holder): &(&u32, &Holder)| {
        (1..MAX_PORTS).contains(*slot) && !kept.contains(*slot) && !matches!(holder, Holder::Policy(_))
    };
    let given_up = known.iter().filter(leaves).map(|(slot, _)| *slot);
    let mut free = unused.chain(given_up);
    for holder in wanted {
        if slots.contains_key(holder) {
            continue;
        }
        let Some(slot) = free.next() else { break };
        slots.insert(holder.clone(), slot);
    }
    slots
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn port(number: u16) -> Holder {
        Holder::Port(format!("p{number}"))
    }

    proptest! {
        #[test]
        fn slots_are_kept_unique_and_never_the_first(
            known in proptest::collection::btree_map(1u32..40, (0u16..40).prop_map(port), 0..30),
            wanted in proptest::collection::btree_set((0u16..60).prop_map(port), 0..40),
        ) {
            let slots = assign(&known, &wanted, &BTreeMap::new());
            prop_assert_eq!(slots.keys().collect::<BTreeSet<_>>(), wanted.iter().collect());
            let numbers: BTreeSet<u32> = slots.values().copied().collect();
            prop_assert_eq!(numbers.len(), slots.len());
            prop_assert!(!numbers.contains(&0));
            for (holder, slot) in &slots {
                if known.values().any(|other| other == holder) {
                    prop_assert_eq!(known.get(slot), Some(holder));
                }
            }
        }
    }

    #[test]
    fn a_full_switch_gives_the_slot_of_a_leaving_port_to_a_new_one() {
        let known: BTreeMap<u32, Holder> =
            (1..MAX_PORTS).map(|slot| (slot, Holder::Port(format!("p{slot}")))).collect();
        let mut wanted: BTreeSet<Holder> = known.values().cloned().collect();
        wanted.remove(&Holder::Port("p7".into()));
        wanted.insert(Holder::Port("new".into()));
        wanted.insert(Holder::Port("one-too-many".into()));
        let slots = assign(&known, &wanted, &BTreeMap::new());
        assert_eq!(slots.get(&Holder::Port("new".into())), Some(&7));
        assert_eq!(slots.get(&Holder::Port("one-too-many".into())), None);
    }
    #[test]
    fn the_slot_of_a_policy_that_leaves_is_not_given_away_at_once() {
        let policy = Holder::Policy("old".into());
        let mut known: BTreeMap<u32, Holder> =
            (1..MAX_PORTS).map(|slot| (slot, Holder::Port(format!("p{slot}")))).collect();
        known.insert(7, policy.clone());
        let mut wanted: BTreeSet<Holder> = known.values().cloned().collect();
        wanted.remove(&policy);
        wanted.insert(Holder::Policy("new".into()));
        assert_eq!(assign(&known, &wanted, &BTreeMap::new()).get(&Holder::Policy("new".into())), None);
        known.remove(&7);
        assert_eq!(assign(&known, &wanted, &BTreeMap::new()).get(&Holder::Policy("new".into())), Some(&7));
    }
}
