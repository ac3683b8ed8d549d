//! Labels of ports and hosts.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize, Serializer};

/// Keys with values, each key once. There may be very many such maps, and each has few keys: a list in the order of the keys
/// takes a fifth of the memory of a map.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(from = "BTreeMap<String, String>")]
pub struct Labels(Box<[(Box<str>, Box<str>)]>);

impl Labels {
    /// True if there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Keys and values, by key.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> + Clone {
        self.0.iter().map(|(key, value)| (&**key, &**value))
    }

    /// True if a selector selects what has these labels: they are among them, and it is not empty.
    #[must_use]
    pub fn are_selected_by(&self, selector: &BTreeMap<String, String>) -> bool {
        let has =
            |(key, value): (&String, &String)| self.iter().any(|own| own == (key.as_str(), value.as_str()));
        !selector.is_empty() && selector.iter().all(has)
    }
}

impl FromIterator<(String, String)> for Labels {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(labels: I) -> Self {
        labels.into_iter().collect::<BTreeMap<_, _>>().into()
    }
}

impl From<BTreeMap<String, String>> for Labels {
    fn from(labels: BTreeMap<String, String>) -> Self {
        Self(labels.into_iter().map(|(key, value)| (key.into(), value.into())).collect())
    }
}

impl Serialize for Labels {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_map(self.iter())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn map(labels: &[(&str, &str)]) -> BTreeMap<String, String> {
        labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn they_are_a_map_to_others() {
        let labels: Labels = serde_json::from_value(json!({"b": "2", "a": "1"})).unwrap();
        assert_eq!(labels.iter().collect::<Vec<_>>(), [("a", "1"), ("b", "2")]);
        assert_eq!(serde_json::to_string(&labels).unwrap(), r#"{"a":"1","b":"2"}"#);
        let twice = [("a", "0"), ("a", "1")].map(|(key, value)| (key.to_owned(), value.to_owned()));
        assert_eq!(twice.into_iter().collect::<Labels>().iter().collect::<Vec<_>>(), [("a", "1")]);
    }

    #[test]
    fn a_selector_selects_what_has_all_that_it_names() {
        let labels = Labels::from(map(&[("app", "web"), ("tier", "1")]));
        for (selector, expected) in [
            (&[][..], false),
            (&[("app", "web")], true),
            (&[("app", "db")], false),
            (&[("app", "web"), ("tier", "1")], true),
            (&[("app", "web"), ("zone", "a")], false),
        ] {
            assert_eq!(labels.are_selected_by(&map(selector)), expected, "{selector:?}");
        }
        assert!(Labels::default().is_empty());
    }
}
