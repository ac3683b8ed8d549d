//! Many who write at once, and some who are killed while they do.

use std::{collections::BTreeSet, process::Command, thread};

use dvs_tests::{
    conformance::{batch, key},
    etcd::Cluster,
    netns::{Process, until},
};
use serde_json::json;
use switch_user::store::{EtcdStore, Store, StoreError};

use super::Managers;

/// Adds a document, whoever else writes.
fn add(store: &EtcdStore, name: &str) -> u64 {
    loop {
        match store.put(store.get().unwrap().generation, &batch(name, json!(1)), name) {
            Ok(generation) => return generation,
            Err(StoreError::Conflict { .. }) => {}
            Err(error) => panic!("{error}"),
        }
    }
}

#[test]
fn no_write_is_lost_and_none_is_made_twice() {
    const WRITES: usize = 100;
    let (cluster, managers) = (Cluster::start(3), Managers::new());
    let stores = [
        managers.store_at(&cluster.options(), "/p", 1000),
        managers.store_at(&cluster.options(), "/p", 1000),
    ];
    let generations: Vec<u64> = thread::scope(|scope| {
        let writers = stores.iter().enumerate().map(|(writer, store)| {
            scope.spawn(move || {
                (0..WRITES).map(|number| add(store, &format!("{writer}-{number}"))).collect::<Vec<_>>()
            })
        });
        let writers: Vec<_> = writers.collect();
        writers.into_iter().flat_map(|writer| writer.join().unwrap()).collect()
    });
    let newest = 2 * WRITES as u64;
    assert_eq!(generations.into_iter().collect::<BTreeSet<_>>(), (1..=newest).collect());
    for store in &stores {
        until("all writes arrive", || (store.get().unwrap().generation == newest).then_some(()));
        assert_eq!(store.get().unwrap().documents.len(), 2 * WRITES);
        let authors: BTreeSet<String> =
            store.last(999).unwrap().into_iter().map(|record| record.author).collect();
        assert_eq!(authors.len(), 2 * WRITES);
    }
}

#[test]
fn what_was_acknowledged_outlives_its_writer() {
    const KILLS: u64 = 20;
    let (cluster, managers) = (Cluster::start(1), Managers::new());
    let reader = managers.store(&cluster);
    let mut acknowledged = BTreeSet::new();
    for run in 0..KILLS {
        let mut command = Command::new(env!("CARGO_BIN_EXE_dvs-store-writer"));
        command.args(&cluster.options().endpoints).args(["/dvs/config", "32", &run.to_string()]);
        let mut writer = Process::start(&mut command);
        // Each is killed at another moment: after so many acknowledgements.
        until("the writes", || (writer.output().lines().count() as u64 > 3 * run).then_some(()));
        writer.kill();
        let lines = writer.output();
        acknowledged.extend(
            lines.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n')).map(str::to_owned),
        );
    }
    let store = managers.store(&cluster);
    let snapshot = store.get().unwrap();
    for line in &acknowledged {
        let (name, generation) = line.split_once(' ').unwrap();
        assert_eq!(snapshot.documents.get(&key(name)), Some(&json!(generation)), "{line}");
    }
    // At most the write that was under way came without its acknowledgement.
    let unheard = snapshot.documents.len() - acknowledged.len();
    assert!(unheard as u64 <= KILLS, "{unheard}");
    assert_eq!(snapshot.generation, snapshot.documents.len() as u64, "each was made once");
    until("the reader has all", || (reader.get().unwrap() == snapshot).then_some(()));
}
