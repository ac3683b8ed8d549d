//! The keys of a store.

use super::wire::{Compare, Delete, Put, Range, Request, Step, Target};

/// Width of a generation in a key, so that keys are sorted as numbers are.
const DIGITS: usize = 20;

/// The keys below a prefix.
pub(super) struct Keys {
    prefix: String,
}

impl Keys {
    pub(super) fn new(prefix: &str) -> Self {
        Self { prefix: prefix.trim_end_matches('/').into() }
    }

    /// The generation, in decimal.
    pub(super) fn head(&self) -> Vec<u8> {
        format!("{}/head", self.prefix).into()
    }

    /// Names the newest base.
    pub(super) fn base(&self) -> Vec<u8> {
        format!("{}/base", self.prefix).into()
    }

    /// The record of a generation.
    pub(super) fn change(&self, generation: u64) -> Vec<u8> {
        format!("{}/change/{generation:0DIGITS$}", self.prefix).into()
    }

    /// From the first record on to the one before this generation; to the last one if there is none.
    pub(super) fn changes(&self, before: Option<u64>) -> [Vec<u8>; 2] {
        let end = before.map_or_else(|| format!("{}/change0", self.prefix).into(), |end| self.change(end));
        [format!("{}/change/", self.prefix).into(), end]
    }

    /// The generation in a record's key.
    pub(super) fn generation(key: &[u8]) -> Option<u64> {
        let digits = key.get(key.len().checked_sub(DIGITS)?..)?;
        std::str::from_utf8(digits).ok()?.parse().ok()
    }

    /// A part of what is too large for one key. The name begins with the generation, so that all that
    /// belongs to old generations can be removed together, whoever left it.
    pub(super) fn part(&self, generation: u64, id: &str, number: usize) -> Vec<u8> {
        format!("{}/part/{generation:0DIGITS$}-{id}/{number:06}", self.prefix).into()
    }

    /// All parts of one name.
    pub(super) fn parts(&self, generation: u64, id: &str) -> [Vec<u8>; 2] {
        let name = format!("{}/part/{generation:0DIGITS$}-{id}", self.prefix);
        [format!("{name}/").into(), format!("{name}0").into()]
    }

    /// All parts of the generations before this one.
    pub(super) fn parts_before(&self, generation: u64) -> [Vec<u8>; 2] {
        let end = format!("{}/part/{generation:0DIGITS$}", self.prefix);
        [format!("{}/part/", self.prefix).into(), end.into()]
    }

    /// The store is at this generation.
    pub(super) fn is_at(&self, generation: u64) -> Compare {
        match generation {
            0 => Compare::equal(self.head(), Target::Version(0)),
            _ => Compare::equal(self.head(), Target::Value(generation.to_string().into())),
        }
    }
}

/// One key, as of a revision.
pub(super) fn get(key: Vec<u8>, revision: i64) -> Range {
    Range { key, revision, ..Range::default() }
}

/// A step that reads a key.
pub(super) fn reading(key: Vec<u8>) -> Step {
    Request::Range(get(key, 0)).into()
}

/// A step that writes a key.
pub(super) fn writing(key: Vec<u8>, value: Vec<u8>) -> Step {
    Request::Put(Put { key, value, lease: 0 }).into()
}

/// Removes all of these keys.
pub(super) fn removal([key, until]: [Vec<u8>; 2]) -> Delete {
    Delete { key, until }
}
