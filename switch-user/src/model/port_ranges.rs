//! Lists of ports as people write them: `80,443,8000-8080`.

use std::{fmt, ops::RangeInclusive, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A list of ports, written as numbers and ranges. Ranges are sorted, and neither overlap nor touch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortRanges(Vec<RangeInclusive<u16>>);

impl PortRanges {
    /// The ranges; there is at least one.
    pub fn ranges(&self) -> &[RangeInclusive<u16>] {
        &self.0
    }
}

/// Why a text is not a list of ports.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PortRangesError {
    /// Nothing between two commas, or nothing at all.
    #[error("an item of the list is empty")]
    Empty,
    /// Not digits, or not two numbers around one dash.
    #[error("{0:?} is neither a number nor a range such as 8000-8080")]
    NotANumber(String),
    /// Above 65535.
    #[error("{0} is not a port")]
    OutOfRange(String),
    /// 0 alone: no packet should have it, and whoever writes it means something else.
    #[error("0 alone is not a port")]
    Zero,
    /// A range that ends before it starts.
    #[error("the range {0} ends before it starts")]
    Reversed(String),
}

impl FromStr for PortRanges {
    type Err = PortRangesError;

    fn from_str(text: &str) -> Result<Self, PortRangesError> {
        let ranges: Result<Vec<_>, _> = text.split(',').map(|item| parse_item(item.trim())).collect();
        Ok(Self(merged(ranges?)))
    }
}

fn parse_item(item: &str) -> Result<RangeInclusive<u16>, PortRangesError> {
    let (first, last) = item.split_once('-').unwrap_or((item, item));
    match (parse_port(first, item)?, parse_port(last, item)?) {
        (0, 0) => Err(PortRangesError::Zero),
        (first, last) if last < first => Err(PortRangesError::Reversed(item.into())),
        (first, last) => Ok(first..=last),
    }
}

fn parse_port(digits: &str, item: &str) -> Result<u16, PortRangesError> {
    let digits = digits.trim();
    if item.is_empty() {
        return Err(PortRangesError::Empty);
    }
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(PortRangesError::NotANumber(item.into()));
    }
    digits.parse().map_err(|_| PortRangesError::OutOfRange(digits.into()))
}

/// The same ports in as few ranges as possible, in ascending order.
fn merged(mut ranges: Vec<RangeInclusive<u16>>) -> Vec<RangeInclusive<u16>> {
    ranges.sort_unstable_by_key(|range| *range.start());
    let mut merged: Vec<RangeInclusive<u16>> = Vec::with_capacity(ranges.len());
    for range in ranges {
        match merged.last_mut() {
            Some(last) if *range.start() <= last.end().saturating_add(1) => {
                *last = *last.start()..=*last.end().max(range.end());
            }
            _ => merged.push(range),
        }
    }
    merged
}

impl fmt::Display for PortRanges {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, range) in self.0.iter().enumerate() {
            let comma = if position == 0 { "" } else { "," };
            let (first, last) = (range.start(), range.end());
            match last - first {
                0 => write!(out, "{comma}{first}")?,
                // 0 is a port only as a part of a range.
                1 if *first > 0 => write!(out, "{comma}{first},{last}")?,
                _ => write!(out, "{comma}{first}-{last}")?,
            }
        }
        Ok(())
    }
}

impl Serialize for PortRanges {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

struct ListVisitor;

impl de::Visitor<'_> for ListVisitor {
    type Value = PortRanges;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a list of ports such as \"80,443,8000-8080\"")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<PortRanges, E> {
        text.parse().map_err(E::custom)
    }

    // A list of one port is a number to YAML and JSON unless it is quoted.
    fn visit_u64<E: de::Error>(self, port: u64) -> Result<PortRanges, E> {
        self.visit_str(&port.to_string())
    }
}

impl<'de> Deserialize<'de> for PortRanges {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(ListVisitor)
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    fn text(text: &str) -> String {
        text.parse::<PortRanges>().unwrap().to_string()
    }

    #[test]
    fn lists_are_sorted_and_merged() {
        for (written, canonical) in [
            ("80", "80"),
            ("443, 80", "80,443"),
            ("80,81,82", "80-82"),
            ("81,80", "80,81"),
            ("80-90,85-95,96", "80-96"),
            ("1-10,3-4", "1-10"),
            ("7-7", "7"),
            ("0-65535", "0-65535"),
            ("0-1", "0-1"),
            ("65535,1-65534", "1-65535"),
        ] {
            assert_eq!(text(written), canonical, "{written}");
        }
    }

    #[test]
    fn bad_lists_are_refused_with_their_reason() {
        for (text, reason) in [
            ("", PortRangesError::Empty),
            ("80,,443", PortRangesError::Empty),
            ("http", PortRangesError::NotANumber("http".into())),
            ("+80", PortRangesError::NotANumber("+80".into())),
            ("80-", PortRangesError::NotANumber("80-".into())),
            ("1-2-3", PortRangesError::NotANumber("1-2-3".into())),
            ("65536", PortRangesError::OutOfRange("65536".into())),
            ("1-99999999999999999999", PortRangesError::OutOfRange("99999999999999999999".into())),
            ("0", PortRangesError::Zero),
            ("80,0-0", PortRangesError::Zero),
            ("90-80", PortRangesError::Reversed("90-80".into())),
        ] {
            assert_eq!(text.parse::<PortRanges>(), Err(reason), "{text}");
        }
    }

    proptest! {
        #[test]
        fn text_round_trips(pairs in vec((any::<u16>(), 1u16..100), 1..50)) {
            let ranges = pairs.into_iter().map(|(first, more)| first..=first.saturating_add(more)).collect();
            let list = PortRanges(merged(ranges));
            let apart = list.ranges().windows(2).all(|pair| u32::from(*pair[1].start()) > u32::from(*pair[0].end()) + 1);
            prop_assert!(apart);
            prop_assert_eq!(list.to_string().parse(), Ok(list));
        }

        #[test]
        fn any_text_is_read_or_refused(text in "[-0-9, x]{0,20}") {
            if let Ok(list) = text.parse::<PortRanges>() {
                prop_assert!(!list.ranges().is_empty());
            }
        }
    }
}
