//! Prefixes that share no address.

use std::{collections::BTreeMap, net::IpAddr};

use ipnet::IpNet;

/// Prefixes of which none overlaps another, each with what it belongs to.
///
/// Two prefixes are either apart, or one is inside the other. So in the order of their first
/// addresses only the two next to a prefix can overlap it.
pub(super) struct Prefixes<T>(BTreeMap<IpNet, T>);

impl<T> Default for Prefixes<T> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<T> Prefixes<T> {
    /// Adds a prefix, unless one that is there already overlaps it: that one is returned.
    pub(super) fn insert(&mut self, prefix: IpNet, of: T) -> Option<(IpNet, &T)> {
        if self.overlapping(prefix).is_none() {
            self.0.insert(prefix, of);
            return None;
        }
        self.overlapping(prefix)
    }

    /// What exactly this prefix belongs to.
    pub(super) fn get(&self, prefix: &IpNet) -> Option<&T> {
        self.0.get(prefix)
    }

    /// The prefix that this address is in.
    pub(super) fn of(&self, address: IpAddr) -> Option<(IpNet, &T)> {
        self.overlapping(address.into())
    }

    fn overlapping(&self, prefix: IpNet) -> Option<(IpNet, &T)> {
        let before = self.0.range(..=prefix).next_back();
        let after = self.0.range(prefix..).next();
        let found = before.into_iter().chain(after).find(|(other, _)| overlap(**other, prefix));
        found.map(|(other, of)| (*other, of))
    }
}

/// True if an address is in both.
pub(super) fn overlap(one: IpNet, other: IpNet) -> bool {
    one.contains(&other) || other.contains(&one)
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    fn prefix() -> impl Strategy<Value = IpNet> {
        let net = |address: IpAddr, bits| IpNet::new(address, bits).unwrap().trunc();
        prop_oneof![
            (0u32..64, 24u8..=32).prop_map(move |(address, bits)| net(address.to_be_bytes().into(), bits)),
            (0u128..64, 120u8..=128).prop_map(move |(address, bits)| net(address.to_be_bytes().into(), bits)),
        ]
    }

    proptest! {
        #[test]
        fn overlaps_are_found_as_by_comparing_with_all(all in vec(prefix(), 0..20)) {
            let (mut prefixes, mut naive) = (Prefixes::default(), Vec::new());
            for prefix in all {
                let found = prefixes.insert(prefix, prefix);
                let expected = naive.iter().find(|other| overlap(**other, prefix));
                prop_assert_eq!(found.is_some(), expected.is_some());
                if let Some((other, of)) = found {
                    prop_assert!(overlap(other, prefix) && naive.contains(&other) && *of == other);
                } else {
                    naive.push(prefix);
                }
                let address = prefix.addr();
                let expected = naive.iter().copied().find(|other| other.contains(&address));
                prop_assert_eq!(prefixes.of(address).map(|(prefix, _)| prefix), expected);
            }
        }
    }
}
