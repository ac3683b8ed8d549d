//! Whether policies fit into the table of rules.

use switch_common::table::rules::{BLOCKS, RECORDS};

/// What rules are looked up by, in both directions: addresses of each family, service and source port.
const DIMENSIONS: usize = 8;

/// The rows that a policy of so many rules has at most, whose rules name so many ranges of addresses, services and
/// source ports all together.
///
/// A range begins and ends a class, which is a row, with a row for the block of the rule, and half a row of a tree at
/// most. Rules for all numbers of a dimension have rows for their blocks, and what is not named is a class too.
pub fn most_rows(rules: usize, ranges: usize) -> usize {
    let everywhere = (rules * DIMENSIONS / 2).min(DIMENSIONS * BLOCKS);
    1 + 5 * ranges + 3 * DIMENSIONS + everywhere + rules.div_ceil(RECORDS) + 1
}

/// True if a policy of so many rows can be written beside those that are there, and room for the largest
/// of all is left: without that, gaps could not be brought together. The table's first row is never used.
pub fn fits(others: impl IntoIterator<Item = u32>, rows: u32, capacity: u32) -> bool {
    let (sum, largest) = others
        .into_iter()
        .fold((0, rows), |(sum, largest), other| (sum + u64::from(other), largest.max(other)));
    sum + u64::from(rows) + u64::from(largest) < u64::from(capacity)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_row_and_a_gap_for_the_largest_policy_stay_free() {
        assert!(fits([10, 30], 20, 91));
        assert!(!fits([10, 30], 20, 90));
        assert!(fits([10], 20, 51) && !fits([10], 20, 50));
        assert!(!fits([u32::MAX], u32::MAX, u32::MAX));
    }
}
