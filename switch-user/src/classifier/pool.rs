//! The rows of a policy in the making: equal rows are stored once.

use std::collections::HashMap;

use switch_common::table::rules::{Header, Row};
use zerocopy::transmute;

/// Rows, of which the first one is kept for the header.
pub(super) struct Pool {
    rows: Vec<Row>,
    known: HashMap<Row, u32>,
}

impl Default for Pool {
    fn default() -> Self {
        Self { rows: vec![Row::default()], known: HashMap::new() }
    }
}

impl Pool {
    /// The number of a row, which may be shared.
    pub(super) fn put(&mut self, row: Row) -> u32 {
        let next = number(self.rows.len());
        let row_number = *self.known.entry(row).or_insert(next);
        if row_number == next {
            self.rows.push(row);
        }
        row_number
    }

    /// The number of the first of some rows that follow each other.
    pub(super) fn append(&mut self, rows: impl IntoIterator<Item = Row>) -> u32 {
        let first = number(self.rows.len());
        self.rows.extend(rows);
        first
    }

    /// All rows, behind their header.
    pub(super) fn finish(mut self, mut header: Header) -> Vec<Row> {
        header.rows = number(self.rows.len());
        self.rows[0] = transmute!(header);
        header.sides[0].fingerprint = fingerprint(&self.rows);
        self.rows[0] = transmute!(header);
        self.rows
    }
}

/// The table has fewer rows than that.
fn number(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

/// A hash by words, after FNV-1a, but rotated, so that high bits come down too.
fn fingerprint(rows: &[Row]) -> u64 {
    let words = rows.iter().flat_map(|row| row.0);
    words.fold(0xcbf2_9ce4_8422_2325, |hash: u64, word| {
        (hash ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29)
    })
}
