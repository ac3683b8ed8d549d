//! One dimension of a rule set: cut into classes.

use std::{collections::BTreeMap, ops::RangeInclusive};

use switch_common::table::rules::{BLOCK, BLOCKS, Class, Row};
use zerocopy::transmute;

use super::pool::Pool;

/// What rules match in one dimension, as ranges of numbers.
#[derive(Default)]
pub(super) struct Dimension {
    /// Rules for every number.
    everywhere: Vec<usize>,
    /// Rules that begin at a number, and rules that end before it.
    cuts: BTreeMap<u128, Cut>,
}

#[derive(Default)]
struct Cut {
    begin: Vec<usize>,
    end: Vec<usize>,
}

impl Dimension {
    /// The rule matches all numbers.
    pub(super) fn everywhere(&mut self, rule: usize) {
        self.everywhere.push(rule);
    }

    /// The rule matches a range. No two ranges of a rule overlap.
    pub(super) fn range(&mut self, rule: usize, range: RangeInclusive<u128>) {
        self.cuts.entry(*range.start()).or_default().begin.push(rule);
        if let Some(next) = range.end().checked_add(1) {
            self.cuts.entry(next).or_default().end.push(rule);
        }
    }

    /// Where classes begin, each with its row; the first one at 0. Neighbours differ.
    pub(super) fn classes(self, pool: &mut Pool) -> Vec<(u128, u32)> {
        let mut bits = Bits::default();
        for rule in self.everywhere {
            bits.change(rule, true);
        }
        let mut classes = Vec::with_capacity(self.cuts.len() + 1);
        if !self.cuts.contains_key(&0) {
            classes.push((0, bits.class(pool)));
        }
        for (number, Cut { begin, end }) in self.cuts {
            for rule in end {
                bits.change(rule, false);
            }
            for rule in begin {
                bits.change(rule, true);
            }
            let class = bits.class(pool);
            if classes.last().is_none_or(|(_, last)| *last != class) {
                classes.push((number, class));
            }
        }
        classes
    }
}

/// The rules of a class while the cuts are passed.
#[derive(Default)]
struct Bits {
    blocks: [Row; BLOCKS],
    /// Blocks that changed since their row was put into the pool.
    changed: u64,
    class: Class,
}

impl Bits {
    fn change(&mut self, rule: usize, matches: bool) {
        let (block, bit) = (rule / BLOCK, rule % BLOCK);
        let word = &mut self.blocks[block].0[bit / 64];
        let mask = 1 << (bit % 64);
        *word = if matches { *word | mask } else { *word & !mask };
        self.changed |= 1 << block;
    }

    fn class(&mut self, pool: &mut Pool) -> u32 {
        for (index, block) in self.blocks.iter().enumerate() {
            if self.changed & 1 << index == 0 {
                continue;
            }
            let empty = *block == Row::default();
            self.class.blocks[index] = if empty { 0 } else { pool.put(*block) };
            self.class.summary &= !(1 << index);
            self.class.summary |= u64::from(!empty) << index;
        }
        self.changed = 0;
        pool.put(transmute!(self.class))
    }
}
