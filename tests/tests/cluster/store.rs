//! A store in etcd while nothing goes wrong.

use dvs_tests::{
    conformance::{self, batch},
    etcd::Cluster,
    netns::until,
};
use serde_json::json;
use switch_user::store::{EtcdOptions, Store, StoreError};

use super::Managers;

#[test]
fn it_does_what_every_store_must() {
    let (cluster, managers) = (Cluster::start(1), Managers::new());
    let store = managers.store(&cluster);
    conformance::store(&store, 32);
    let newest = store.get().unwrap();
    assert_eq!(managers.store(&cluster).get().unwrap(), newest, "read anew from the base and its records");
    let error = store.backup().unwrap_err().to_string();
    assert!(error.contains("use etcdctl snapshot save, or dvs export"), "{error}");
}

#[test]
fn managers_follow_each_other() {
    let (cluster, managers) = (Cluster::start(1), Managers::new());
    let [first, second] = [managers.store(&cluster), managers.store(&cluster)];
    for generation in 0..10 {
        let (writer, reader) = if generation % 2 == 0 { (&first, &second) } else { (&second, &first) };
        writer.put(generation, &batch("p1", json!(generation)), "-").unwrap();
        let news = reader.watch();
        until("the write arrives", || (*news.borrow() == generation + 1).then_some(()));
        assert_eq!(reader.get().unwrap(), writer.get().unwrap());
        assert_eq!(reader.since(generation).unwrap(), writer.since(generation).unwrap());
    }
}

#[test]
fn stores_of_one_cluster_are_apart() {
    let (cluster, managers) = (Cluster::start(1), Managers::new());
    let config = managers.store_at(&cluster.options(), "/dvs/config", 4);
    let claims = managers.store_at(&cluster.options(), "/dvs/config2/", 4);
    for generation in 0..8 {
        config.put(generation, &batch("p1", json!(generation)), "-").unwrap();
        claims.put(generation, &batch("p2", json!(generation)), "-").unwrap();
    }
    for (prefix, name) in [("/dvs/config", "p1"), ("/dvs/config2", "p2")] {
        let snapshot = managers.store_at(&cluster.options(), prefix, 4).get().unwrap();
        assert_eq!((snapshot.generation, &snapshot.documents[&conformance::key(name)]), (8, &json!(7)));
        assert_eq!(snapshot.documents.len(), 1);
    }
}

#[test]
fn nothing_is_left_of_what_is_forgotten() {
    let (cluster, managers) = (Cluster::start(1), Managers::new());
    let store = managers.store_at(&cluster.options(), "/dvs/config", 4);
    let large = json!("x".repeat(3 << 20));
    for generation in 0..12 {
        let document = if generation % 3 == 0 { large.clone() } else { json!(generation) };
        store.put(generation, &batch("p1", document), "-").unwrap();
    }
    // Records 9 to 12 and the base of generation 12: only record 10 has parts, for what was before and after.
    until("old keys are gone", || {
        let keys = cluster.keys();
        let count =
            |what: &str| keys.iter().filter(|key| key.starts_with(&format!("/dvs/config/{what}"))).count();
        (count("change/") == 4 && count("part/00000000000000000010-") == 4 && count("part/") == 9)
            .then_some(())
    });
}

#[test]
fn what_is_no_store_is_refused() {
    let (cluster, managers) = (Cluster::start(1), Managers::new());
    let open = || managers.runtime.block_on(switch_user::store::EtcdStore::open(&cluster.options(), "/p", 4));
    for (key, value) in [("/p/head", "many"), ("/p/base", "{}"), ("/p/change/00000000000000000001", "?")] {
        assert_eq!(cluster.etcdctl(&["put", key, value]).code, Some(0));
        let error = open().err().unwrap();
        assert!(
            matches!(&error, StoreError::Corrupt { path, .. } if path.contains("etcd at http://127.")),
            "{error}"
        );
        cluster.etcdctl(&["del", "/p/", "--prefix"]);
        cluster.etcdctl(&["put", "/p/head", "1"]);
    }
}

#[test]
fn options_are_checked_before_anything_is_tried() {
    let options = EtcdOptions { endpoints: vec!["10.0.0.1".into()], ..EtcdOptions::default() };
    let managers = Managers::new();
    let opened = managers.runtime.block_on(switch_user::store::EtcdStore::open(&options, "/p", 4));
    assert!(matches!(opened.err().unwrap(), StoreError::Option { field: "etcd", .. }));
}
