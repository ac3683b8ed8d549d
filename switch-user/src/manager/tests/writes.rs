//! Writes: what they do, what they refuse.

use std::{fs::File, sync::Mutex};

use proptest::{strategy::Strategy, strategy::ValueTree, test_runner::TestRunner};
use serde_json::json;
use tokio::sync::watch;

use super::*;
use crate::{
    model::{Document, Object, samples},
    store::{Batch, Record, Snapshot, Store, StoreError},
};

pub(super) fn refused(status: u16, errors: &[&str]) -> (u16, Vec<String>) {
    (status, errors.iter().map(ToString::to_string).collect())
}

#[tokio::test]
async fn an_object_is_created_shown_changed_and_removed() {
    let api = Api::new();
    let (status, created) = api.call("POST", "/v1/networks", r#"{"name": "blue", "vlan": 10}"#).await;
    assert_eq!(status, 201);
    assert_eq!(
        created,
        json!({"generation": 1, "changes": [
            {"action": "create", "kind": "Network", "name": "blue", "fields": ["vlan"]}]})
    );
    let blue = json!({"apiVersion": "dvs/v1", "kind": "Network", "name": "blue", "vlan": 10});
    assert_eq!(api.get("/v1/networks/blue").await, blue);
    assert_eq!(api.get("/v1/networks").await, json!({"generation": 1, "objects": [blue]}));
    let patched = api.ok("PATCH", "/v1/networks/blue", r#"{"mtu": 9000}"#).await;
    assert_eq!(patched["changes"][0]["fields"], json!(["mtu"]));
    let replaced = api.ok("PUT", "/v1/networks/blue", r#"{"vlan": 11}"#).await;
    assert_eq!(replaced["changes"][0]["fields"], json!(["mtu", "vlan"]));
    let removed = api.ok("DELETE", "/v1/networks/blue", "").await;
    assert_eq!((&removed["generation"], &removed["changes"][0]["action"]), (&json!(4), &json!("delete")));
    assert_eq!(api.get("/v1/networks").await["objects"], json!([]));
}

#[tokio::test]
async fn nothing_changed_is_no_new_generation() {
    let api = Api::with_objects().await;
    let unchanged = json!({"generation": 4, "changes": []});
    assert_eq!(api.ok("PUT", "/v1/networks/blue", r#"{"name": "blue", "vlan": 10}"#).await, unchanged);
    assert_eq!(api.ok("PATCH", "/v1/ports/p1", r#"{"admin": "up", "mac": []}"#).await, unchanged);
    assert_eq!(api.ok("PATCH", "/v1/switch", "{}").await["changes"].as_array().map(Vec::len), Some(1));
    assert_eq!(api.ok("PATCH", "/v1/switch", "{}").await, json!({"generation": 5, "changes": []}));
}

#[tokio::test]
async fn an_object_is_created_once_and_changed_only_if_it_is_there() {
    let api = Api::with_objects().await;
    let exists = refused(409, &["urn:dvs:exists"]);
    assert_eq!(api.refusal("POST", "/v1/networks", r#"{"name": "blue", "vlan": 30}"#).await, exists);
    let missing = refused(404, &["urn:dvs:not-found"]);
    assert_eq!(api.refusal("PATCH", "/v1/ports/p9", "{}").await, missing);
    assert_eq!(api.refusal("DELETE", "/v1/uplinks/eth9", "").await, missing);
}

#[tokio::test]
async fn a_name_is_not_changed() {
    let api = Api::with_objects().await;
    for (method, body) in [("PUT", r#"{"name": "red", "vlan": 10}"#), ("PATCH", r#"{"name": "red"}"#)] {
        let refusal = api.refusal(method, "/v1/networks/blue", body).await;
        assert_eq!(refusal, refused(422, &["Network blue name wrong-name"]), "{method}");
    }
}

#[tokio::test]
async fn a_patch_takes_fields_away_and_refuses_unknown_ones() {
    let api = Api::with_objects().await;
    api.ok("PATCH", "/v1/ports/p1", r#"{"label": {"tier": "web", "zone": "a"}}"#).await;
    api.ok("PATCH", "/v1/ports/p1", r#"{"label": {"zone": null}, "device": null}"#).await;
    let port = api.get("/v1/ports/p1").await;
    assert_eq!((&port["label"], port.get("device")), (&json!({"tier": "web"}), None));
    let refusal = api.refusal("PATCH", "/v1/ports/p1", r#"{"vni": null}"#).await;
    assert_eq!(refusal, refused(422, &["Port p1 vni unknown-field"]));
}

#[tokio::test]
async fn settings_have_defaults_that_null_restores() {
    let api = Api::new();
    let defaults = json!({"apiVersion": "dvs/v1", "kind": "Switch", "ageing": 300, "fdbCapacity": 262_144,
        "flowCapacity": 262_144, "ruleCapacity": 131_072, "hitCapacity": 65_536, "gatewayMac": "02:64:76:73:00:01"});
    assert_eq!(api.get("/v1/switch").await, defaults);
    api.ok("PATCH", "/v1/switch", r#"{"ageing": 0}"#).await;
    assert_eq!(api.get("/v1/switch").await["ageing"], 0);
    api.ok("PATCH", "/v1/switch", r#"{"ageing": null}"#).await;
    assert_eq!(api.get("/v1/switch").await, defaults);
}

#[tokio::test]
async fn a_refusal_names_object_field_value_and_remedy() {
    let api = Api::with_objects().await;
    let (status, problem) = api.call("POST", "/v1/networks", r#"{"name": "red", "vlan": 4095}"#).await;
    assert_eq!(status, 422);
    assert_eq!(
        problem["errors"],
        json!([{"object": "Network red", "field": "vlan", "value": 4095, "reason": "out-of-range",
            "message": "the number is out of range", "remedy": "give a number from 1 to 4094"}])
    );
}

#[tokio::test]
async fn a_network_with_ports_stays() {
    let api = Api::with_objects().await;
    let refusal = api.refusal("DELETE", "/v1/networks/blue", "").await;
    assert_eq!(refusal, refused(422, &["Network blue  network-in-use"]));
    api.ok("DELETE", "/v1/networks/green", "").await;
}

#[tokio::test]
async fn a_new_device_must_exist_unless_it_may_be_missing() {
    let api = Api::with_objects().await;
    let port = r#"{"name": "p2", "network": "blue", "device": "v9"}"#;
    let missing = refused(422, &["Port p2 device no-such-device"]);
    assert_eq!(api.refusal("POST", "/v1/ports", port).await, missing);
    assert_eq!(api.refusal("PUT", "/v1/ports/p2", port).await, missing);
    let uplink = api.refusal("POST", "/v1/uplinks", r#"{"name": "eth9", "vlans": 30}"#).await;
    assert_eq!(uplink, refused(422, &["Uplink eth9 name no-such-device"]));
    api.ok("POST", "/v1/ports?allowMissing=true", port).await;
    // What is there already does not matter, or a vanished device would block all changes.
    api.ok("PATCH", "/v1/ports/p2", r#"{"admin": "down"}"#).await;
    let patch = api.refusal("PATCH", "/v1/ports/p2", r#"{"device": "v8"}"#).await;
    assert_eq!(patch, missing);
    api.host.devices.lock().unwrap().insert("v8".into());
    api.ok("PATCH", "/v1/ports/p2", r#"{"device": "v8"}"#).await;
}

const NEW: &str = r#"{"objects": [
    {"apiVersion": "dvs/v1", "kind": "Network", "name": "red", "vlan": 30},
    {"apiVersion": "dvs/v1", "kind": "Port", "name": "p2", "network": "red", "device": "v2"}]}"#;

fn actions(changes: &Value) -> Vec<String> {
    let text = |change: &Value| {
        ["action", "kind", "name"].map(|field| change[field].as_str().unwrap().to_owned()).join(" ")
    };
    changes["changes"].as_array().unwrap().iter().map(text).collect()
}

#[tokio::test]
async fn apply_upserts_and_prunes_on_demand() {
    let api = Api::with_objects().await;
    let applied = api.ok("POST", "/v1/apply", NEW).await;
    assert_eq!(applied["generation"], 5);
    assert_eq!(actions(&applied), ["create Network red", "create Port p2"]);
    let pruned = api.ok("POST", "/v1/apply?prune=true", NEW).await;
    assert_eq!(
        actions(&pruned),
        ["delete Network blue", "delete Network green", "delete Uplink eth1", "delete Port p1"]
    );
}

#[tokio::test]
async fn apply_tries_dry() {
    let api = Api::with_objects().await;
    let before = api.get("/v1/export").await;
    let dry = api.ok("POST", "/v1/apply?dryRun=true&prune=true", NEW).await;
    assert_eq!((dry["generation"].as_u64(), actions(&dry).len()), (Some(4), 6));
    assert_eq!(api.get("/v1/export").await, before);
    let refusal = api.refusal("POST", "/v1/apply?dryRun=true", &NEW.replace("v2", "v9")).await;
    assert_eq!(refusal, refused(422, &["Port p2 device no-such-device"]));
}

#[tokio::test]
async fn apply_is_all_or_nothing() {
    let api = Api::with_objects().await;
    let body = NEW.replace("\"red\", \"vlan\": 30", "\"red\", \"vlan\": 10");
    assert_eq!(api.refusal("POST", "/v1/apply", &body).await, refused(422, &["Network red vlan vlan-taken"]));
}

#[tokio::test]
async fn apply_takes_a_list_of_objects_and_nothing_else() {
    let api = Api::new();
    for (body, errors) in [
        ("{}", &["the body objects no-objects"][..]),
        ("[]", &["the body objects no-objects"]),
        (r#"{"objects": {}}"#, &["the body objects no-objects"]),
        (r#"{"objects": [], "prune": true}"#, &["the body prune no-objects"]),
        (
            r#"{"objects": [{"kind": "Network"}, 5]}"#,
            &["Network apiVersion unknown-version", "object 2  not-an-object"],
        ),
    ] {
        assert_eq!(api.refusal("POST", "/v1/apply", body).await, refused(422, errors), "{body}");
    }
    let network = r#"{"apiVersion": "dvs/v1", "kind": "Network", "name": "red", "vlan": 30}"#;
    let twice = api.refusal("POST", "/v1/apply", &format!("{{\"objects\": [{network}, {network}]}}")).await;
    assert_eq!(twice, refused(422, &["Network red  object-twice"]));
}

#[tokio::test]
async fn what_is_exported_changes_nothing_when_it_is_applied() {
    let mut runner = TestRunner::deterministic();
    for _ in 0..50 {
        let desired = samples::desired().new_tree(&mut runner).unwrap().current();
        let objects: Vec<Document> = desired.objects().map(Object::document).collect();
        let api = Api::new();
        let applied = api
            .ok("POST", "/v1/apply?allowMissing=true&yes=true", &json!({"objects": objects}).to_string())
            .await;
        let export = api.get("/v1/export").await;
        let again = api.ok("POST", "/v1/apply?prune=true", &export.to_string()).await;
        assert_eq!(again, json!({"generation": applied["generation"], "changes": []}));
    }
}

/// A store to which somebody else writes just before each of our writes, a number of times, and that fails.
struct Contended {
    store: RedbStore,
    others: Mutex<u64>,
    failure: Mutex<Option<StoreError>>,
}

impl Contended {
    fn new(others: u64) -> Arc<Self> {
        let (store, failure) = (RedbStore::in_memory().unwrap(), Mutex::default());
        Arc::new(Self { store, others: Mutex::new(others), failure })
    }

    fn fail(&self) -> Result<(), StoreError> {
        self.failure.lock().unwrap().take().map_or(Ok(()), Err)
    }
}

impl Store for Contended {
    fn get(&self) -> Result<Snapshot, StoreError> {
        self.store.get()
    }

    fn put(&self, expected: u64, batch: &Batch, author: &str) -> Result<u64, StoreError> {
        self.fail()?;
        let mut others = self.others.lock().unwrap();
        if *others > 0 {
            *others -= 1;
            self.store.put(expected, &Batch::new(), author)?;
        }
        self.store.put(expected, batch, author)
    }

    fn since(&self, generation: u64) -> Result<Option<Vec<Record>>, StoreError> {
        self.store.since(generation)
    }

    fn last(&self, count: usize) -> Result<Vec<Record>, StoreError> {
        self.store.last(count)
    }

    fn oldest(&self) -> Result<u64, StoreError> {
        self.store.oldest()
    }

    fn backup(&self) -> Result<File, StoreError> {
        self.fail()?;
        self.store.backup()
    }

    fn watch(&self) -> watch::Receiver<u64> {
        self.store.watch()
    }
}

#[tokio::test]
async fn a_write_starts_again_when_somebody_was_faster() {
    let store = Contended::new(3);
    let mut api = Api::new();
    api.router = router(State { store: store.clone(), host: api.host.clone(), cluster: None, follow: None });
    let created = api.ok("POST", "/v1/networks", r#"{"name": "blue", "vlan": 10}"#).await;
    assert_eq!(created["generation"], 4);
    *store.others.lock().unwrap() = 1000;
    let refusal = api.refusal("PATCH", "/v1/networks/blue", r#"{"mtu": 1400}"#).await;
    assert_eq!(refusal, refused(409, &["urn:dvs:busy"]));
}

#[tokio::test]
async fn a_store_that_fails_is_told_with_the_remedy() {
    let store = Contended::new(0);
    let mut api = Api::new();
    api.router = router(State { store: store.clone(), host: api.host.clone(), cluster: None, follow: None });
    let place = || "etcd at http://e1:2379".to_owned();
    let reason = || "no answer".to_owned();
    let cases = [
        (
            StoreError::Unreachable { place: place(), reason: reason() },
            (503, "store-unreachable", "nothing was changed: try again when"),
        ),
        (
            StoreError::Unknown { place: place(), reason: reason() },
            (504, "outcome-unknown", "look at the history (dvs history) before"),
        ),
    ];
    for (failure, (status, kind, remedy)) in cases {
        *store.failure.lock().unwrap() = Some(failure);
        let (found, problem) = api.call("POST", "/v1/networks", r#"{"name": "blue", "vlan": 10}"#).await;
        assert_eq!((found, &problem["type"]), (status, &json!(format!("urn:dvs:{kind}"))));
        assert!(problem["detail"].as_str().unwrap().starts_with("etcd at http://e1:2379 "), "{problem}");
        assert!(problem["remedy"].as_str().unwrap().starts_with(remedy), "{problem}");
    }
    *store.failure.lock().unwrap() = Some(StoreError::NoBackup { place: place() });
    let (status, problem) = api.call("GET", "/v1/backup", "").await;
    assert_eq!((status, &problem["type"]), (501, &json!("urn:dvs:no-backup")));
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_writes_at_the_same_time_waits_for_the_others() {
    let api = Arc::new(Api::new());
    let mut writers = tokio::task::JoinSet::new();
    for vlan in 1..=64 {
        let api = Arc::clone(&api);
        writers.spawn(async move {
            api.ok("POST", "/v1/networks", &format!(r#"{{"name": "n{vlan}", "vlan": {vlan}}}"#)).await
        });
    }
    writers.join_all().await;
    assert_eq!(api.get("/v1/export").await["generation"], 64);
}
