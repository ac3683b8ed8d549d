//! What every store and every place for leases must do, whatever it is made of.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use switch_user::store::{Batch, Entry, Key, Leases, Snapshot, Store, StoreError};
use tokio::runtime::Runtime;

use crate::netns::until;

/// Documents in a large write.
const MANY: usize = 10_000;

/// Names a document.
pub fn key(name: &str) -> Key {
    Key { kind: "Port".into(), name: name.into() }
}

/// A write of one document, or its removal.
pub fn batch(name: &str, document: impl Into<Option<Value>>) -> Batch {
    Batch::from([(key(name), document.into())])
}

/// Checks a store that is empty and remembers at least `keep` writes, but not all that are made here.
pub fn store(store: &dyn Store, keep: usize) {
    nothing_is_there(store);
    writes_are_kept_and_told(store);
    a_write_on_an_older_generation_is_refused(store);
    a_large_write_is_one(store);
    documents_are_those_of_the_records(store);
    old_records_are_forgotten(store, keep);
}

fn nothing_is_there(store: &dyn Store) {
    assert_eq!(store.get().unwrap(), Snapshot::default());
    assert_eq!((store.oldest().unwrap(), store.last(9).unwrap().len()), (0, 0));
    assert_eq!((store.since(0).unwrap(), store.since(1).unwrap()), (Some(Vec::new()), None));
    assert_eq!(*store.watch().borrow(), 0);
}

fn writes_are_kept_and_told(store: &dyn Store) {
    let mut watch = store.watch();
    assert_eq!(store.put(0, &batch("p1", json!({"a": [1, "é"]})), "anna").unwrap(), 1);
    assert_eq!(store.put(1, &[batch("p1", json!(2)), batch("p2", json!(3))].concat_all(), "ben").unwrap(), 2);
    assert_eq!(store.put(2, &batch("p1", None), "anna").unwrap(), 3);
    assert_eq!(*watch.borrow_and_update(), 3);
    let snapshot = store.get().unwrap();
    assert_eq!((snapshot.generation, snapshot.documents), (3, BTreeMap::from([(key("p2"), json!(3))])));
    let last = store.last(2).unwrap();
    let seen: Vec<_> =
        last.iter().map(|record| (record.generation, record.author.as_str(), record.rows.len())).collect();
    assert_eq!(seen, [(3, "anna", 1), (2, "ben", 2)]);
    let row = &last[1].rows[&key("p1")];
    assert_eq!((&row.old, &row.new), (&Some(json!({"a": [1, "é"]})), &Some(json!(2))));
    assert_eq!((&last[0].rows[&key("p1")].old, &last[0].rows[&key("p1")].new), (&Some(json!(2)), &None));
    assert!(last[0].time_ms >= last[1].time_ms && last[1].time_ms > 1_700_000_000_000);
    let since = store.since(1).unwrap().unwrap();
    assert_eq!(since.into_iter().rev().collect::<Vec<_>>(), last);
    assert_eq!((store.oldest().unwrap(), store.since(4).unwrap()), (0, None));
}

fn a_write_on_an_older_generation_is_refused(store: &dyn Store) {
    let before = store.get().unwrap();
    let mut watch = store.watch();
    watch.mark_unchanged();
    let error = store.put(before.generation - 1, &batch("p2", None), "-").unwrap_err();
    assert!(matches!(error, StoreError::Conflict { expected: 2, actual: 3 }), "{error}");
    assert_eq!(store.get().unwrap(), before);
    assert!(!watch.has_changed().unwrap());
}

fn a_large_write_is_one(store: &dyn Store) {
    let generation = store.get().unwrap().generation;
    let document =
        |number: usize| json!({"kind": "Port", "name": number.to_string(), "mac": "02:00:00:00:00:01"});
    let many: Batch = (0..MANY).map(|number| (key(&number.to_string()), Some(document(number)))).collect();
    assert_eq!(store.put(generation, &many, "-").unwrap(), generation + 1);
    assert_eq!(store.get().unwrap().documents.len(), MANY + 1);
    assert_eq!(store.last(1).unwrap()[0].rows.len(), MANY);
    let none: Batch = many.into_keys().map(|key| (key, None)).collect();
    assert_eq!(store.put(generation + 1, &none, "-").unwrap(), generation + 2);
    assert_eq!(store.since(generation).unwrap().map(|records| records.len()), Some(2));
}

fn documents_are_those_of_the_records(store: &dyn Store) {
    let mut copy = store.get().unwrap();
    for number in 0..20_u64 {
        let (name, generation) = (format!("p{}", number * 7 % 5), copy.generation + number);
        store.put(generation, &batch(&name, (number % 3 > 0).then(|| json!(number))), "-").unwrap();
    }
    for record in store.since(copy.generation).unwrap().unwrap() {
        for (key, row) in &record.rows {
            assert_eq!(copy.documents.get(key), row.old.as_ref(), "{record:?}");
        }
        copy.replay(&record);
    }
    assert_eq!(store.get().unwrap(), copy);
}

fn old_records_are_forgotten(store: &dyn Store, keep: usize) {
    let mut generation = store.get().unwrap().generation;
    for _ in 0..2 * keep {
        generation = store.put(generation, &batch("p2", json!(generation)), "-").unwrap();
    }
    let oldest = until("the oldest records are forgotten", || {
        Some(store.oldest().unwrap()).filter(|oldest| *oldest > 0)
    });
    assert!(generation - oldest >= keep as u64, "{oldest} of {generation}");
    assert_eq!(store.since(0).unwrap(), None);
    assert_eq!(store.since(oldest).unwrap().map(|records| records.len() as u64), Some(generation - oldest));
    assert_eq!(store.last(usize::MAX).unwrap().len() as u64, generation - oldest);
}

trait ConcatAll {
    fn concat_all(self) -> Batch;
}

impl<const N: usize> ConcatAll for [Batch; N] {
    fn concat_all(self) -> Batch {
        self.into_iter().flatten().collect()
    }
}

/// An entry of an instance.
pub fn entry(instance: &str, said: u8) -> Entry {
    Entry { instance: instance.into(), said: json!(said) }
}

/// Checks a place for leases that has none.
pub fn leases(runtime: &Runtime, leases: &dyn Leases) {
    let place = Place { runtime, leases };
    let long = Duration::from_mins(1);
    let comes = |name: &str, expected: u8| {
        until(&format!("{name} says {expected}"), || {
            (place.said(name) == Some(json!(expected))).then_some(())
        });
    };
    place.keep("h1", &entry("a", 1), long).unwrap();
    comes("h1", 1);
    place.keep("h1", &entry("a", 2), long).unwrap();
    comes("h1", 2);
    let error = place.keep("h1", &entry("b", 3), long).unwrap_err();
    assert!(matches!(&error, StoreError::Taken { instance, .. } if instance == "a"), "{error}");
    place.an_entry_expires();
    assert_eq!(place.said("h1"), Some(json!(2)), "others stay, and say what they said");
    place.a_shorter_time_counts();
    place.keep("h1", &entry("b", 3), long).unwrap();
    comes("h1", 3);
}

/// A place, as callers without a runtime of their own see it.
struct Place<'p> {
    runtime: &'p Runtime,
    leases: &'p dyn Leases,
}

impl Place<'_> {
    fn keep(&self, name: &str, entry: &Entry, timeout: Duration) -> Result<(), StoreError> {
        self.runtime.block_on(self.leases.keep(name, entry, timeout))
    }

    fn said(&self, name: &str) -> Option<Value> {
        self.leases.watch().borrow().get(name).map(|entry| entry.said.clone())
    }

    fn an_entry_expires(&self) {
        let time = Duration::from_secs(3);
        let alive = || self.said("h2").is_some();
        let begin = Instant::now();
        self.keep("h2", &entry("a", 1), time).unwrap();
        until("h2 is there", || alive().then_some(()));
        // Renewed for longer than it would live.
        while begin.elapsed() < time + time / 2 {
            std::thread::sleep(time / 10);
            self.keep("h2", &entry("a", 1), time).unwrap();
            assert!(alive());
        }
        let renewed = Instant::now();
        until("h2 is gone", || (!alive()).then_some(()));
        assert!(renewed.elapsed() > time * 9 / 10, "{:?}", renewed.elapsed());
        self.keep("h2", &entry("b", 1), time).unwrap();
    }

    fn a_shorter_time_counts(&self) {
        self.keep("h1", &entry("a", 2), Duration::from_secs(2)).unwrap();
        until("h1 is gone", || self.said("h1").is_none().then_some(()));
    }
}
