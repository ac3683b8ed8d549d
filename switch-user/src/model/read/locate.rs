//! Where in a text something stands.
//!
//! The YAML reader tells positions only in errors. So the text is read once more, up to the place
//! in question, where reading fails on purpose.

use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// A place in a text, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// Line.
    pub line: usize,
    /// Column.
    pub column: usize,
}

impl fmt::Display for Position {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:{}", self.line, self.column)
    }
}

/// A step into a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// To an item of a list.
    Index(usize),
    /// To a field of an object.
    Key(String),
}

/// Where the value at the end of `path` starts in the document of this number.
pub(super) fn position(text: &str, document: usize, path: &[Step]) -> Option<Position> {
    let document = serde_yaml_ng::Deserializer::from_str(text).nth(document)?;
    let location = Seek(path).deserialize(document).err()?.location()?;
    Some(Position { line: location.line(), column: location.column() })
}

/// The steps of a field's path as it stands in errors: `mac[1]`, `label.tier`.
pub(super) fn steps(path: &str) -> Vec<Step> {
    if let Some((field, key)) = path.split_once('.') {
        return vec![Step::Key(field.into()), Step::Key(key.into())];
    }
    let Some((field, rest)) = path.split_once('[') else { return vec![Step::Key(path.into())] };
    let index = rest.trim_end_matches(']').parse().map(Step::Index);
    std::iter::once(Step::Key(field.into())).chain(index).collect()
}

/// Walks along the path and fails at its end.
struct Seek<'a>(&'a [Step]);

impl<'de> DeserializeSeed<'de> for Seek<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_any(self)
    }
}

// Whatever has no method here is refused by serde's default, which is the failure wanted.
impl<'de> Visitor<'de> for Seek<'_> {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("the place that is looked for")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let Some((Step::Index(wanted), rest)) = self.0.split_first() else { return Err(here()) };
        for _ in 0..*wanted {
            items.next_element::<IgnoredAny>()?;
        }
        items.next_element_seed(Seek(rest))?;
        // Not there: the list must be read to its end, or that would be the error.
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<(), A::Error> {
        let Some((Step::Key(wanted), rest)) = self.0.split_first() else { return Err(here()) };
        while let Some(key) = fields.next_key::<String>()? {
            if key == *wanted {
                fields.next_value_seed(Seek(rest))?;
            } else {
                fields.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }
}

fn here<E: de::Error>() -> E {
    E::custom("here")
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
- {kind: Network, name: blue, vlan: 10}
- kind: Port
  name: p1
  mac:
  - 02:00:00:00:00:01
  - wrong
---
kind: Network
vlan: ten
";

    fn at(document: usize, path: &[Step]) -> Option<(usize, usize)> {
        position(TEXT, document, path).map(|Position { line, column }| (line, column))
    }

    fn field(index: usize, path: &str) -> Option<(usize, usize)> {
        let mut all = vec![Step::Index(index)];
        all.extend(steps(path));
        at(0, &all)
    }

    #[test]
    fn places_are_found() {
        assert_eq!(at(0, &[Step::Index(0)]), Some((1, 3)));
        assert_eq!(field(0, "vlan"), Some((1, 37)));
        assert_eq!(at(0, &[Step::Index(1)]), Some((2, 3)));
        assert_eq!(field(1, "mac[1]"), Some((6, 5)));
        assert_eq!(at(1, &steps("vlan")), Some((9, 7)));
    }

    #[test]
    fn what_is_not_there_has_no_place() {
        assert_eq!(field(0, "mtu"), None);
        assert_eq!(field(9, "vlan"), None);
        assert_eq!(at(2, &[]), None);
    }
}
