//! What is wrong with a configuration: a named reason at a field of an object.

use std::fmt;

use serde_json::Value;

use super::Reason;

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The object, such as `Port p1`.
    pub object: String,
    /// The field, such as `mac` or `label.tier`; empty if the object as a whole is wrong.
    pub field: String,
    /// The value that was found there.
    pub value: Option<Value>,
    /// Why it is refused.
    pub reason: Reason,
}

impl Problem {
    /// A value of a field that is refused.
    pub fn new(object: impl fmt::Display, field: impl Into<String>, value: Value, reason: Reason) -> Self {
        Self { object: object.to_string(), field: field.into(), value: Some(value), reason }
    }

    /// A field that should be there, or should not.
    pub fn absent(object: impl fmt::Display, field: impl Into<String>, reason: Reason) -> Self {
        Self { object: object.to_string(), field: field.into(), value: None, reason }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        sentence(out, &self.object, &self.field, self.value.as_ref())?;
        write!(out, ": {}; {}", self.reason, self.reason.remedy())
    }
}

/// Where a problem is, in the words that all errors use.
pub(crate) fn sentence(
    out: &mut fmt::Formatter<'_>,
    object: &str,
    field: &str,
    value: Option<&Value>,
) -> fmt::Result {
    out.write_str(object)?;
    if !field.is_empty() {
        write!(out, ", field {field}")?;
    }
    value.map_or(Ok(()), |value| write!(out, ", value {value}"))
}
