//! Labels, by which selectors select.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize, Serializer};

/// Texts by their keys, in the order of these. There are few of them in very many places, so they are a list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(from = "BTreeMap<String, String>")]
pub struct Labels(Box<[(String, String)]>);

impl Labels {
    /// True if there is none.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The label with this key.
    pub fn get(&self, key: &str) -> Option<&String> {
        self.iter().find(|(own, _)| *own == key).map(|(_, value)| value)
    }

    /// Keys and values.
    pub fn iter(&self) -> impl Iterator<Item = (&String, &String)> + Clone {
        self.0.iter().map(|(key, value)| (key, value))
    }
}

impl From<BTreeMap<String, String>> for Labels {
    fn from(labels: BTreeMap<String, String>) -> Self {
        Self(labels.into_iter().collect())
    }
}

impl Serialize for Labels {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_map(self.iter())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_written_as_a_map_in_the_order_of_their_keys() {
        let labels: Labels = serde_json::from_str(r#"{"tier": "web", "app": "a", "zone": ""}"#).unwrap();
        assert_eq!(serde_json::to_string(&labels).unwrap(), r#"{"app":"a","tier":"web","zone":""}"#);
        assert_eq!(labels.get("tier").map(String::as_str), Some("web"));
        assert_eq!((labels.get("tie"), labels.is_empty(), Labels::default().is_empty()), (None, false, true));
    }
}
