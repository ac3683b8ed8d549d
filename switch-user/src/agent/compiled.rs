//! A policy as the datapath reads it.

use switch_common::table::rules::{Header, Row};
use zerocopy::{FromBytes, IntoBytes};

/// Rows of a policy, its header first. They can be many, so whoever has the same ones shares them.
#[derive(Debug, PartialEq, Eq)]
pub struct Compiled {
    rows: Vec<Row>,
    fingerprint: u64,
}

/// What tells a version of a policy from others without all of its rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Version {
    /// Rows.
    pub rows: u32,
    /// Hash of the policy.
    pub fingerprint: u64,
}

impl Compiled {
    /// A policy of these rows.
    pub fn new(rows: Vec<Row>) -> Self {
        let fingerprint = rows.first().map(Version::of).unwrap_or_default().fingerprint;
        Self { rows, fingerprint }
    }

    /// The rows.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// Which version it is.
    pub fn version(&self) -> Version {
        // A table of more rows cannot be configured.
        let rows = u32::try_from(self.rows.len()).unwrap_or(u32::MAX);
        Version { rows, fingerprint: self.fingerprint }
    }
}

impl Version {
    /// The version of which this is the first row.
    pub fn of(row: &Row) -> Self {
        let header = Header::read_from_bytes(row.as_bytes()).unwrap_or_default();
        let [towards, _] = header.sides;
        Self { rows: header.rows, fingerprint: towards.fingerprint }
    }
}
