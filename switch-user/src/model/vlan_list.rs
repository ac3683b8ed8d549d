//! Lists of VLANs as people write them: `10,20-29`.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use switch_common::addr::VlanId;

use super::VlanSet;

/// A list of VLANs, written as numbers and ranges: `10,20-29`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VlanList(VlanSet);

impl VlanList {
    /// The VLANs in the list.
    pub fn set(&self) -> &VlanSet {
        &self.0
    }
}

/// Why a text is not a list of VLANs.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VlanListError {
    /// Nothing between two commas, or nothing at all.
    #[error("an item of the list is empty")]
    Empty,
    /// Not digits, or not two numbers around one dash.
    #[error("{0:?} is neither a number nor a range such as 20-29")]
    NotANumber(String),
    /// 0, 4095 or above.
    #[error("{0} is not a VLAN id")]
    OutOfRange(String),
    /// A range that ends before it starts.
    #[error("the range {0} ends before it starts")]
    Reversed(String),
    /// A VLAN that an earlier item has already.
    #[error("{item} repeats VLAN {vlan}")]
    Overlap {
        /// The item that comes second.
        item: String,
        /// First VLAN that both have.
        vlan: VlanId,
    },
}

impl FromStr for VlanList {
    type Err = VlanListError;

    fn from_str(text: &str) -> Result<Self, VlanListError> {
        let mut set = VlanSet::new();
        for item in text.split(',').map(str::trim) {
            let (first, last) = parse_item(item)?;
            for vlan in (first.get()..=last.get()).filter_map(VlanId::new) {
                if !set.insert(vlan) {
                    return Err(VlanListError::Overlap { item: item.into(), vlan });
                }
            }
        }
        Ok(Self(set))
    }
}

fn parse_item(item: &str) -> Result<(VlanId, VlanId), VlanListError> {
    let (first, last) = item.split_once('-').unwrap_or((item, item));
    let (first, last) = (parse_vlan(first, item)?, parse_vlan(last, item)?);
    if last < first {
        return Err(VlanListError::Reversed(item.into()));
    }
    Ok((first, last))
}

fn parse_vlan(digits: &str, item: &str) -> Result<VlanId, VlanListError> {
    let digits = digits.trim();
    if item.is_empty() {
        return Err(VlanListError::Empty);
    }
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(VlanListError::NotANumber(item.into()));
    }
    let vlan = digits.parse().ok().and_then(VlanId::new);
    vlan.ok_or_else(|| VlanListError::OutOfRange(digits.into()))
}

impl fmt::Display for VlanList {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, (first, last)) in runs(&self.0).into_iter().enumerate() {
            let comma = if position == 0 { "" } else { "," };
            match last - first {
                0 => write!(out, "{comma}{first}")?,
                1 => write!(out, "{comma}{first},{last}")?,
                _ => write!(out, "{comma}{first}-{last}")?,
            }
        }
        Ok(())
    }
}

/// The set as ranges of consecutive numbers.
fn runs(set: &VlanSet) -> Vec<(u16, u16)> {
    let mut runs: Vec<(u16, u16)> = Vec::new();
    for vlan in set.iter().map(|vlan| vlan.get()) {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == vlan => *last = vlan,
            _ => runs.push((vlan, vlan)),
        }
    }
    runs
}

impl Serialize for VlanList {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

struct ListVisitor;

impl de::Visitor<'_> for ListVisitor {
    type Value = VlanList;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a list of VLANs such as \"10,20-29\"")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<VlanList, E> {
        text.parse().map_err(E::custom)
    }

    // A list of one VLAN is a number to YAML and JSON unless it is quoted.
    fn visit_u64<E: de::Error>(self, vlan: u64) -> Result<VlanList, E> {
        self.visit_str(&vlan.to_string())
    }
}

impl<'de> Deserialize<'de> for VlanList {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(ListVisitor)
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::btree_set, prelude::*};

    use super::*;

    fn numbers(text: &str) -> Vec<u16> {
        text.parse::<VlanList>().unwrap().set().iter().map(|vlan| vlan.get()).collect()
    }

    #[test]
    fn numbers_and_ranges_are_read() {
        assert_eq!(numbers("10"), [10]);
        assert_eq!(numbers("30, 10,20-22"), [10, 20, 21, 22, 30]);
        assert_eq!(numbers("1-4094").len(), 4094);
        assert_eq!(numbers("7-7"), [7]);
    }

    #[test]
    fn bad_lists_are_refused_with_their_reason() {
        let overlap =
            |item: &str, vlan| VlanListError::Overlap { item: item.into(), vlan: VlanId::new(vlan).unwrap() };
        for (text, reason) in [
            ("", VlanListError::Empty),
            ("10,,20", VlanListError::Empty),
            ("10,", VlanListError::Empty),
            ("ten", VlanListError::NotANumber("ten".into())),
            ("+10", VlanListError::NotANumber("+10".into())),
            ("-10", VlanListError::NotANumber("-10".into())),
            ("10-", VlanListError::NotANumber("10-".into())),
            ("10-20-30", VlanListError::NotANumber("10-20-30".into())),
            ("0", VlanListError::OutOfRange("0".into())),
            ("4095", VlanListError::OutOfRange("4095".into())),
            ("1-70000", VlanListError::OutOfRange("70000".into())),
            ("29-20", VlanListError::Reversed("29-20".into())),
            ("10-20,15", overlap("15", 15)),
            ("15,10-20", overlap("10-20", 15)),
            ("10,10", overlap("10", 10)),
        ] {
            assert_eq!(text.parse::<VlanList>(), Err(reason), "{text}");
        }
    }

    #[test]
    fn text_is_as_short_as_it_can_be() {
        let list: VlanList = "29,20,21,10-11,22-28".parse().unwrap();
        assert_eq!(list.to_string(), "10,11,20-29");
    }

    proptest! {
        #[test]
        fn text_round_trips(vids in btree_set(1u16..=4094, 1..200)) {
            let list = VlanList(vids.into_iter().filter_map(VlanId::new).collect());
            prop_assert_eq!(list.to_string().parse(), Ok(list));
        }

        #[test]
        fn any_text_is_read_or_refused(text in "[-0-9, x]{0,20}") {
            if let Ok(list) = text.parse::<VlanList>() {
                prop_assert!(!list.set().is_empty());
            }
        }
    }
}
