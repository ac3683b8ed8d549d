//! What the host says, filtered.

use serde_json::json;

use super::*;

async fn api() -> Api {
    let api = Api::with_objects().await;
    api.ok("POST", "/v1/ports", r#"{"name": "p2", "network": "blue", "device": "v2"}"#).await;
    api
}

/// The values of a field in all rows.
async fn column(api: &Api, uri: &str, field: &str) -> Vec<Value> {
    api.get(uri).await.as_array().unwrap().iter().map(|row| row[field].clone()).collect()
}

#[tokio::test]
async fn stations_are_filtered() {
    let api = api().await;
    assert_eq!(column(&api, "/v1/fdb", "port").await, ["p1", "p2", "eth1"]);
    assert_eq!(column(&api, "/v1/fdb?network=green", "port").await, ["eth1"]);
    assert_eq!(column(&api, "/v1/fdb?port=p2", "vlan").await, [10]);
    assert_eq!(column(&api, "/v1/fdb?mac=02:00:00:00:00:02", "port").await, ["p2", "eth1"]);
    assert_eq!(column(&api, "/v1/fdb?mac=02:00:00:00:00:02&network=blue", "static").await, [false]);
}

#[tokio::test]
async fn counters_and_drops_are_filtered() {
    let api = api().await;
    assert_eq!(column(&api, "/v1/stats", "port").await, ["p1", "p2"]);
    assert_eq!(column(&api, "/v1/stats?port=p2", "inBytes").await, [128]);
    assert_eq!(column(&api, "/v1/drops?port=p1", "reason").await, ["spoofed-mac"]);
    assert_eq!(column(&api, "/v1/drops?port=eth1", "reason").await, [""; 0]);
}

#[tokio::test]
async fn flows_and_neighbours_are_filtered() {
    let api = api().await;
    api.ok("POST", "/v1/routers", r#"{"name": "r1"}"#).await;
    assert_eq!(column(&api, "/v1/flows", "toPort").await, ["p3", "p1", "p2"]);
    assert_eq!(column(&api, "/v1/flows?port=p1", "path").await, ["v1 -> v3", "v3 -> v1"]);
    assert_eq!(column(&api, "/v1/flows?router=r1", "sourcePort").await, [40_000, 80]);
    assert_eq!(column(&api, "/v1/flows?router=r1&port=p2", "state").await, [""; 0]);
    assert_eq!(column(&api, "/v1/neighbours", "state").await, ["static", "reachable", "dead"]);
    assert_eq!(column(&api, "/v1/neighbours?network=green", "mac").await, [Value::Null]);
    assert_eq!(
        column(&api, "/v1/neighbours?network=blue", "lastHeardSeconds").await,
        [json!(null), json!(3)]
    );
}

#[tokio::test]
async fn a_filter_names_what_exists() {
    let api = api().await;
    for uri in [
        "/v1/fdb?network=red",
        "/v1/fdb?port=p9",
        "/v1/stats?port=p9",
        "/v1/drops?port=p9",
        "/v1/flows?port=p9",
        "/v1/flows?router=r9",
        "/v1/neighbours?network=red",
    ] {
        assert_eq!(api.refusal("GET", uri, "").await, (404, vec!["urn:dvs:not-found".to_owned()]), "{uri}");
    }
}

#[tokio::test]
async fn the_status_has_the_generation_and_notes_small_mtus() {
    let api = api().await;
    api.ok("PATCH", "/v1/networks/blue", r#"{"mtu": 9000}"#).await;
    let status = api.get("/v1/status").await;
    assert_eq!((&status["generation"], &status["applied"]["generation"]), (&json!(6), &json!(0)));
    assert_eq!(status["ports"][1]["notes"], json!(["the device's mtu is 1500, that of network blue 9000"]));
    assert_eq!(status["ports"][0]["notes"], json!([]));
}

#[tokio::test]
async fn a_host_that_cannot_tell_is_a_problem() {
    let api = api().await;
    *api.host.broken.lock().unwrap() = true;
    for uri in ["/v1/status", "/v1/fdb", "/v1/stats", "/v1/drops", "/v1/flows", "/v1/neighbours"] {
        assert_eq!(api.refusal("GET", uri, "").await, (500, vec!["urn:dvs:report".to_owned()]), "{uri}");
    }
}
