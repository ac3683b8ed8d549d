//! History, rollback and backup.

use serde_json::json;

use super::{writes::refused, *};
use crate::store::{Batch, KEPT_RECORDS, Store};

#[tokio::test]
async fn the_history_tells_who_changed_what() {
    let api = Api::new();
    let body = Body::from(r#"{"name": "blue", "vlan": 10}"#);
    let mut request = Request::post("/v1/networks").body(body).unwrap();
    request.extensions_mut().insert(Author("anna".into()));
    assert_eq!(api.request(request).await.status(), 201);
    api.ok("PATCH", "/v1/networks/blue", r#"{"mtu": 9000}"#).await;
    api.ok("PATCH", "/v1/switch", r#"{"ageing": 50}"#).await;
    api.ok("DELETE", "/v1/networks/blue", "").await;
    let history = api.get("/v1/history").await;
    assert_eq!((&history["generation"], &history["oldest"]), (&json!(4), &json!(0)));
    let told: Vec<Value> = history["writes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|write| {
            assert!(write["time"].as_str().unwrap().ends_with('Z'), "{write}");
            json!([write["generation"], write["author"], write["changes"]])
        })
        .collect();
    let change =
        |action: &str, kind: &str, name: &str| json!([{"action": action, "kind": kind, "name": name}]);
    assert_eq!(
        told,
        [
            json!([4, "-", change("delete", "Network", "blue")]),
            json!([3, "-", change("create", "Switch", "")]),
            json!([2, "-", change("update", "Network", "blue")]),
            json!([1, "anna", change("create", "Network", "blue")]),
        ]
    );
    let last = api.get("/v1/history?limit=1&objects=true").await;
    let removed = &last["writes"][0]["changes"][0];
    assert_eq!((&removed["old"]["mtu"], removed.get("new")), (&json!(9000), None));
    assert_eq!(last["writes"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn a_rollback_is_a_write_that_restores_a_generation() {
    let api = Api::with_objects().await;
    let before = api.get("/v1/export").await;
    api.ok("PATCH", "/v1/networks/blue", r#"{"mtu": 9000}"#).await;
    api.ok("DELETE", "/v1/ports/p1", "").await;
    api.ok("POST", "/v1/networks", r#"{"name": "red", "vlan": 30}"#).await;
    let tried = api.ok("POST", "/v1/rollback?generation=4&dryRun=true", "").await;
    assert_eq!((&tried["generation"], &tried["cutsTotal"]), (&json!(7), &json!(0)));
    let done = api.ok("POST", "/v1/rollback?generation=4", "").await;
    assert_eq!((&done["generation"], &done["changes"]), (&json!(8), &tried["changes"]));
    assert_eq!(api.get("/v1/export").await["objects"], before["objects"]);
    let again = api.ok("POST", "/v1/rollback?generation=4", "").await;
    assert_eq!(again, json!({"generation": 8, "changes": []}));
    api.ok("POST", "/v1/rollback?generation=7", "").await;
    assert_eq!(api.get("/v1/networks/red").await["vlan"], 30);
    api.ok("POST", "/v1/rollback?generation=0", "").await;
    assert_eq!(api.get("/v1/export").await["objects"], json!([]));
}

#[tokio::test]
async fn a_rollback_is_checked_like_every_write() {
    let api = Api::with_objects().await;
    api.ok("DELETE", "/v1/ports/p1", "").await;
    api.host.devices.lock().unwrap().clear();
    let refusal = api.refusal("POST", "/v1/rollback?generation=4", "").await;
    assert_eq!(refusal, refused(422, &["Port p1 device no-such-device"]));
    api.ok("POST", "/v1/rollback?generation=4&allowMissing=true", "").await;
    for query in ["", "?generation=x", "?generation=1&prune=true"] {
        let refusal = api.refusal("POST", &format!("/v1/rollback{query}"), "").await;
        assert_eq!(refusal, refused(400, &["urn:dvs:parameter"]), "{query}");
    }
}

#[tokio::test]
async fn a_generation_that_cannot_be_had_is_refused_with_those_that_can() {
    let api = Api::with_objects().await;
    for generation in 4..KEPT_RECORDS + 6 {
        api.store.put(generation, &Batch::new(), "-").unwrap();
    }
    for (generation, detail) in [
        (5, "generation 5 is not remembered; the history leads back to generation 6"),
        (1007, "there is no generation 1007 yet; the newest one is 1006"),
    ] {
        let (status, problem) = api.call("POST", &format!("/v1/rollback?generation={generation}"), "").await;
        assert_eq!((status, problem["detail"].as_str()), (404, Some(detail)));
        assert_eq!(problem["remedy"], "see which there are (dvs history)");
    }
    assert_eq!(api.get("/v1/history").await["oldest"], 6);
    api.ok("POST", "/v1/rollback?generation=6", "").await;
}

/// Whoever writes to the store directly is another manager.
#[tokio::test]
async fn what_others_write_is_followed() {
    let (api, other) = (Api::with_objects().await, Api::new());
    let other = Api {
        router: router(State {
            store: api.store.clone(),
            host: other.host.clone(),
            cluster: None,
            follow: None,
        }),
        ..other
    };
    other.get("/v1/networks").await;
    api.ok("PATCH", "/v1/networks/blue", r#"{"mtu": 9000}"#).await;
    api.ok("DELETE", "/v1/ports/p1", "").await;
    assert_eq!(other.get("/v1/export").await, api.get("/v1/export").await);
    other.ok("POST", "/v1/networks", r#"{"name": "red", "vlan": 30}"#).await;
    assert_eq!(api.get("/v1/export").await, other.get("/v1/export").await);
    for generation in 7..KEPT_RECORDS + 9 {
        api.store.put(generation, &Batch::new(), "-").unwrap();
    }
    assert_eq!(other.get("/v1/export").await, api.get("/v1/export").await);
}

#[tokio::test]
async fn a_backup_is_the_store() {
    let api = Api::with_objects().await;
    let response = api.send("GET", "/v1/backup", "").await;
    assert_eq!(response.headers()[CONTENT_TYPE], "application/octet-stream");
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("copy.redb");
    std::fs::write(&path, to_bytes(response.into_body(), usize::MAX).await.unwrap()).unwrap();
    let copy = RedbStore::open(&path).unwrap();
    assert_eq!(copy.get().unwrap(), api.store.get().unwrap());
    assert_eq!(copy.last(9).unwrap(), api.store.last(9).unwrap());
}
