//! What a number is meant to be.

use std::fmt;

use serde::Serialize;

/// A limit.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Bound {
    /// This much or more.
    AtLeast(f64),
    /// More than this.
    MoreThan(f64),
    /// This much or less.
    AtMost(f64),
    /// Less than this.
    LessThan(f64),
}

impl Bound {
    /// Whether a number is as it is meant to be.
    pub(crate) fn allows(self, value: f64) -> bool {
        match self {
            Self::AtLeast(bound) => value >= bound,
            Self::MoreThan(bound) => value > bound,
            Self::AtMost(bound) => value <= bound,
            Self::LessThan(bound) => value < bound,
        }
    }
}

impl fmt::Display for Bound {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtLeast(bound) => write!(formatter, "at least {bound}"),
            Self::MoreThan(bound) => write!(formatter, "more than {bound}"),
            Self::AtMost(bound) => write!(formatter, "at most {bound}"),
            Self::LessThan(bound) => write!(formatter, "less than {bound}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_two_limits_are_within_their_range() {
        let limits = [Bound::AtLeast(2.0), Bound::MoreThan(2.0), Bound::AtMost(2.0), Bound::LessThan(2.0)];
        assert_eq!(limits.map(|limit| limit.allows(1.0)), [false, false, true, true]);
        assert_eq!(limits.map(|limit| limit.allows(2.0)), [true, false, true, false]);
        assert_eq!(limits.map(|limit| limit.allows(3.0)), [true, true, false, false]);
    }
}
