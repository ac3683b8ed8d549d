//! A store in etcd while members and connections fail.

use std::{
    net::TcpListener,
    time::{Duration, Instant},
};

use dvs_tests::{
    conformance::{batch, key},
    etcd::{Cluster, ELECTION},
    netns::until,
};
use serde_json::json;
use switch_user::store::{EtcdOptions, EtcdStore, Store, StoreError};

use super::{
    Managers,
    proxy::{MARK, Proxy},
};

/// Writes, which must work within the time that an election takes.
#[track_caller]
fn write(store: &EtcdStore, generation: u64) {
    let begin = Instant::now();
    assert_eq!(store.put(generation, &batch("p1", json!(generation)), "-").unwrap(), generation + 1);
    assert!(begin.elapsed() < ELECTION, "{:?}", begin.elapsed());
}

#[track_caller]
fn arrives(store: &EtcdStore, generation: u64) {
    let news = store.watch();
    until(&format!("generation {generation} arrives"), || (*news.borrow() == generation).then_some(()));
    assert_eq!(store.get().unwrap().documents[&key("p1")], json!(generation - 1));
}

#[test]
fn every_member_may_be_killed() {
    let (mut cluster, managers) = (Cluster::start(3), Managers::new());
    let [first, second] = [managers.store(&cluster), managers.other_store(&cluster)];
    let leader = cluster.leader();
    // The leader first, and every member once.
    for (generation, member) in (0..).step_by(2).zip([leader, (leader + 1) % 3, (leader + 2) % 3]) {
        cluster.kill(member);
        write(&first, generation);
        arrives(&second, generation + 1);
        write(&second, generation + 1);
        arrives(&first, generation + 2);
        cluster.restart(member);
        cluster.ready();
    }
    assert_eq!(first.last(99).unwrap().len(), 6);
}

#[test]
fn every_member_may_hang() {
    let (cluster, managers) = (Cluster::start(3), Managers::new());
    let [first, second] = [managers.store(&cluster), managers.other_store(&cluster)];
    let leader = cluster.leader();
    for (generation, member) in (0..).step_by(2).zip([leader, (leader + 1) % 3, (leader + 2) % 3]) {
        cluster.pause(member);
        write(&first, generation);
        arrives(&second, generation + 1);
        write(&second, generation + 1);
        arrives(&first, generation + 2);
        cluster.resume(member);
        cluster.ready();
    }
    assert_eq!(second.last(99).unwrap().len(), 6);
}

#[test]
fn whoever_missed_something_catches_up() {
    let (cluster, managers) = (Cluster::start(1), Managers::new());
    let proxy = Proxy::start(&cluster.options().endpoints[0]);
    let [near, far] = [managers.store(&cluster), managers.store_at(&proxy.options(), "/dvs/config", 32)];
    write(&near, 0);
    arrives(&far, 1);
    let mut generation = 1;
    // A few records, which are there although their revisions are not; then so many that they are gone too.
    for writes in [5, 100] {
        proxy.cut();
        for _ in 0..writes {
            write(&near, generation);
            generation += 1;
        }
        cluster.compact();
        assert!(far.get().unwrap().generation < generation);
        proxy.heal();
        arrives(&far, generation);
        assert_eq!(far.get().unwrap(), near.get().unwrap());
    }
}

#[test]
fn a_write_whose_answer_is_lost_is_made_once() {
    let (cluster, managers) = (Cluster::start(1), Managers::new());
    let proxy = Proxy::start(&cluster.options().endpoints[0]);
    let store = managers.store_at(&proxy.options(), "/dvs/config", 32);
    for generation in 0..5 {
        let document = json!({"generation": generation, "text": MARK});
        assert_eq!(store.put(generation, &batch("p1", document), "-").unwrap(), generation + 1);
        assert_eq!(store.last(99).unwrap().len() as u64, generation + 1);
    }
    assert_eq!(proxy.swallowed(), 5);
    let near = managers.store(&cluster);
    assert_eq!(near.get().unwrap(), store.get().unwrap());
}

#[test]
fn without_a_majority_nothing_is_promised() {
    let (mut cluster, managers) = (Cluster::start(3), Managers::new());
    let store = managers.store(&cluster);
    write(&store, 0);
    (0..2).for_each(|member| cluster.kill(member));
    let error = store.put(1, &batch("p1", json!("perhaps")), "-").unwrap_err();
    assert!(matches!(error, StoreError::Unknown { .. }), "{error}");
    assert!(error.to_string().ends_with("whether the change was made is not known"), "{error}");
    cluster.kill(2);
    let error = store.put(1, &batch("p1", json!("no")), "-").unwrap_err();
    assert!(matches!(error, StoreError::Unreachable { .. }), "nobody was there to take it: {error}");
    assert!(error.to_string().contains("cannot be reached: "), "{error}");
    (0..3).for_each(|member| cluster.restart(member));
    cluster.ready();
    let generation = managers.store(&cluster).get().unwrap().generation;
    until("the store is up to date", || (store.get().unwrap().generation == generation).then_some(()));
    assert!((1..=2).contains(&generation), "{generation}");
    write(&store, generation);
}

#[test]
fn a_store_opens_when_etcd_comes() {
    let (mut cluster, managers) = (Cluster::stopped(1), Managers::new());
    let options = cluster.options();
    let opening = managers.runtime.spawn(async move { EtcdStore::open(&options, "/dvs/config", 32).await });
    // Somebody who says nothing sensible is there first: it has been tried, and in vain.
    let address = cluster.options().endpoints[0].trim_start_matches("http://").to_owned();
    drop(TcpListener::bind(address).unwrap().accept().unwrap());
    assert!(!opening.is_finished());
    cluster.restart(0);
    let store = managers.runtime.block_on(opening).unwrap().unwrap();
    write(&store, 0);
}

#[test]
fn a_full_store_is_told_with_the_remedy() {
    let (cluster, managers) = (Cluster::small(24 << 20), Managers::new());
    let store = managers.store_at(&cluster.options(), "/dvs/config", 1000);
    let large = json!("x".repeat(400 << 10));
    let error = (0..100).find_map(|generation| store.put(generation, &batch("p1", large.clone()), "-").err());
    let error = error.unwrap();
    assert!(matches!(error, StoreError::Full { .. }), "{error}");
    assert!(error.to_string().contains("etcdctl compact, etcdctl defrag"), "{error}");
    let newest = managers.store_at(&cluster.options(), "/dvs/config", 1000).get().unwrap();
    assert_eq!(store.get().unwrap(), newest, "nothing was written");
}

#[test]
fn an_etcd_that_went_back_is_followed() {
    let (mut cluster, managers) = (Cluster::start(1), Managers::new());
    let store = managers.store(&cluster);
    (0..3).for_each(|generation| write(&store, generation));
    // As after the restoration of an older snapshot.
    cluster.etcdctl(&["del", "/dvs/", "--prefix"]);
    cluster.kill(0);
    cluster.restart(0);
    let news = store.watch();
    until("the store is empty", || (*news.borrow() == 0).then_some(()));
    write(&store, 0);
    assert_eq!(store.get().unwrap().documents.len(), 1);
}

#[test]
fn it_is_reached_by_tls_and_ipv6() {
    let ((_cluster, options), managers) = (Cluster::secure(), Managers::new());
    let store = managers.store_at(&options, "/dvs/config", 32);
    write(&store, 0);
    arrives(&managers.store_at(&options, "/dvs/config", 32), 1);
    // Without a certificate of ours nobody is let in, and that is no reason to give up: it may be etcd's mistake.
    let stranger = EtcdOptions { certificate: None, key: None, ..options };
    let open = EtcdStore::open(&stranger, "/dvs/config", 32);
    let opened =
        managers.runtime.block_on(async { tokio::time::timeout(Duration::from_secs(2), open).await });
    assert!(opened.is_err(), "a stranger is let in");
}
