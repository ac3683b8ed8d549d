//! Values of flags on their way to the fields of the same name.
//!
//! The agent judges them, so that a flag, a file and the API are refused in the same words.

use std::{collections::BTreeMap, convert::Infallible, fmt, str::FromStr};

use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

/// A number if it can be one, otherwise the text, which the agent will refuse.
#[derive(Clone, Debug, Serialize)]
#[serde(transparent)]
pub(super) struct Number(Value);

impl FromStr for Number {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self(text.parse::<i64>().map_or_else(|_| text.into(), Value::from)))
    }
}

impl fmt::Display for Number {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(text) = self.0.as_str() { out.write_str(text) } else { self.0.fmt(out) }
    }
}

/// A label on the command line: `key=value`.
#[derive(Clone, Debug)]
pub(super) struct Label(String, String);

impl FromStr for Label {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (key, value) = text.split_once('=').ok_or("write key=value")?;
        Ok(Self(key.into(), value.into()))
    }
}

/// Labels as an object.
pub(super) fn labels<S: Serializer>(labels: &[Label], to: S) -> Result<S::Ok, S::Error> {
    let labels: BTreeMap<&str, &str> = labels.iter().map(|Label(key, value)| (&**key, &**value)).collect();
    labels.serialize(to)
}

/// Flags as the fields of the same name.
pub(super) fn fields(flags: &impl Serialize) -> anyhow::Result<Map<String, Value>> {
    Ok(serde_json::from_value(serde_json::to_value(flags)?)?)
}

/// Takes fields away that are to have no value any more; they are named as their flags.
pub(super) fn clear(fields: &mut Map<String, Value>, names: &[String]) {
    for name in names {
        fields.insert(camel_case(name), Value::Null);
    }
}

/// The field of a flag.
fn camel_case(flag: &str) -> String {
    let mut words = flag.split('-');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |name, word| {
        let (initial, rest) = word.split_at(word.len().min(1));
        name + &initial.to_ascii_uppercase() + rest
    })
}
