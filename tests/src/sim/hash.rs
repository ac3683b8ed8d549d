//! A hash of the kernel in memory.

use std::{cell::RefCell, collections::BTreeMap};

/// Rows never move once they are there: the pipeline holds references into the table.
type Leaked<T> = &'static T;

/// Rows by key, with room for so many.
pub struct Hash<K, V: 'static> {
    rows: RefCell<BTreeMap<K, Leaked<V>>>,
    /// Most rows.
    pub capacity: usize,
}

impl<K: Ord + Clone, V> Hash<K, V> {
    /// An empty table.
    pub fn new(capacity: usize) -> Self {
        Self { rows: RefCell::default(), capacity }
    }

    /// The row of a key.
    pub fn get(&self, key: &K) -> Option<&V> {
        self.rows.borrow().get(key).copied()
    }

    /// Adds or replaces a row; false if there is no room for one more.
    pub fn put(&self, key: &K, value: V) -> bool {
        let mut rows = self.rows.borrow_mut();
        let room = rows.len() < self.capacity || rows.contains_key(key);
        if room {
            rows.insert(key.clone(), Box::leak(Box::new(value)));
        }
        room
    }

    /// Removes a row; false if it was not there.
    pub fn remove(&self, key: &K) -> bool {
        self.rows.borrow_mut().remove(key).is_some()
    }

    /// Keeps only these rows.
    pub fn retain(&self, keep: impl Fn(&K, &V) -> bool) {
        self.rows.borrow_mut().retain(|key, value| keep(key, value));
    }

    /// All keys, in their order.
    pub fn keys(&self) -> Vec<K> {
        self.rows.borrow().keys().cloned().collect()
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.rows.borrow().len()
    }

    /// True if there is no row.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
