//! Claims: by devices, by people, and made with every manager down.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_device_claims_the_port_that_names_it_or_has_its_name() {
    let many = Many::with_hosts().await;
    let answer = many.report("h1", json!({"devices": {"v1": true, "p2": false, "lo": false}})).await;
    assert_eq!(answer.get("refused"), None);
    assert_eq!(many.places().await, ["p1 h1 v1", "p2 h1 p2"]);
    assert_eq!(many.claims().await, 1, "one write for all of them");
    many.report("h1", json!({"devices": {"v1": true, "p2": false, "lo": false}})).await;
    assert_eq!(many.claims().await, 1, "what is so already is not written");
}

#[tokio::test(start_paused = true)]
async fn a_device_that_several_ports_name_claims_that_of_its_host() {
    let many = Many::with_hosts().await;
    many.api.ok("POST", "/v1/ports", r#"{"name": "p3", "network": "blue", "device": "v1"}"#).await;
    many.report("h1", json!({"devices": {"v1": true}})).await;
    assert_eq!(many.places().await, [""; 0], "which one, nobody can tell");
    assert_eq!(many.attach("h1", "p1", "v1").await.0, 200);
    many.report("h2", json!({"claims": 1, "devices": {"v1": true}})).await;
    assert_eq!(many.places().await, ["p1 h1 v1", "p3 h2 v1"]);
}

#[tokio::test(start_paused = true)]
async fn a_device_that_was_there_takes_nothing_from_the_living() {
    let many = Many::with_hosts().await;
    many.report("h1", json!({"devices": {"v1": true}})).await;
    let answer = many.report("h2", json!({"claims": 1, "devices": {"v1": false}})).await;
    let why = "it is at host h1, which is alive; attach it here (dvs port attach) to have it moved";
    assert_eq!(answer["refused"], json!({"p1": why}));
    tokio::time::sleep(TIMEOUT * 2).await;
    many.report("h2", json!({"claims": 1, "devices": {"v1": false}})).await;
    assert_eq!(many.places().await, ["p1 h2 v1"]);
    // The dead one returns, with its device still there.
    let answer = many.report("h1", json!({"claims": 1, "devices": {"v1": false}})).await;
    assert!(answer["refused"]["p1"].is_string(), "{answer}");
    assert_eq!(many.places().await, ["p1 h2 v1"]);
}

#[tokio::test(start_paused = true)]
async fn a_device_that_appears_takes_its_port_if_the_newest_binding_is_known() {
    let many = Many::with_hosts().await;
    many.report("h1", json!({"devices": {"v1": true}})).await;
    let answer = many.report("h2", json!({"claims": 0, "devices": {"v1": true}})).await;
    assert!(
        answer["refused"]["p1"].as_str().unwrap().starts_with("it went to host h1 with epoch 1"),
        "{answer}"
    );
    many.report("h2", json!({"claims": 1, "devices": {"v1": true}})).await;
    assert_eq!(many.places().await, ["p1 h2 v1"]);
}

#[tokio::test(start_paused = true)]
async fn people_attach_and_detach() {
    let many = Many::with_hosts().await;
    many.report("h1", json!({"devices": {"v1": true}})).await;
    assert_eq!(many.attach("h2", "p1", "v7").await, (200, json!({"timeoutMs": 3000, "spreadMs": 0})));
    assert_eq!(many.places().await, ["p1 h2 v7"]);
    let epoch = many.api.get("/v1/cluster/bindings").await["bindings"][0]["epoch"].clone();
    let uri = "/v1/cluster/hosts/h1/claims/p1";
    let (status, problem) = many.api.call("DELETE", uri, "").await;
    assert_eq!(
        (status, &problem["detail"]),
        (409, &json!("port p1 is not bound to host h1: it is at host h2"))
    );
    many.api.ok("DELETE", "/v1/cluster/hosts/h2/claims/p1", "").await;
    assert_eq!(many.places().await, [""; 0]);
    assert_eq!(many.api.refusal("DELETE", uri, "").await, refused(409, &["urn:dvs:not-bound"]));
    many.attach("h1", "p1", "v1").await;
    let again = many.api.get("/v1/cluster/bindings").await["bindings"][0]["epoch"].clone();
    assert!(again.as_u64() > epoch.as_u64(), "{again} after {epoch}");
}

#[tokio::test(start_paused = true)]
async fn claims_that_make_no_sense_are_refused() {
    let many = Many::with_hosts().await;
    many.attach("h1", "p1", "v1").await;
    let (status, problem) = many.attach("h1", "p2", "v1").await;
    assert_eq!((status, &problem["type"]), (409, &json!("urn:dvs:claim")));
    let detail = "port p2 stays where it is: device v1 is that of port p1 here; detach that first (dvs port detach p1)";
    assert_eq!(problem["detail"], detail);
    let unknown = many.attach("h1", "p9", "v9").await;
    assert_eq!((unknown.0, &unknown.1["detail"]), (404, &json!("there is no Port p9")));
    assert_eq!(many.attach("h9", "p1", "v1").await.1["type"], "urn:dvs:unknown-host");
    let old = json!({"port": "p1", "device": "v1", "seen": 0}).to_string();
    let (status, problem) = many.api.call("POST", "/v1/cluster/hosts/h2/claims", &old).await;
    assert_eq!(status, 409);
    assert!(problem["detail"].as_str().unwrap().contains("it went to host h1 with epoch 1"), "{problem}");
    let form = many.api.refusal("POST", "/v1/cluster/hosts/h1/claims", r#"{"port": "p1"}"#).await;
    assert_eq!(form, refused(400, &["urn:dvs:form"]));
}

#[tokio::test(start_paused = true)]
async fn the_first_who_says_that_it_has_a_port_keeps_it() {
    let many = Many::with_hosts().await;
    many.report("h1", json!({"devices": {"v1": true}})).await;
    let alone = |device: &str| json!({"claimed": [{"port": "p1", "device": device, "seen": 1}]});
    many.report("h2", alone("v7")).await;
    assert_eq!(many.places().await, ["p1 h2 v7"]);
    let answer = many.report("h1", alone("v8")).await;
    assert!(answer["refused"]["p1"].as_str().unwrap().starts_with("it went to host h2"), "{answer}");
    let answer = many.report("h2", alone("v7")).await;
    assert_eq!((answer.get("refused"), many.claims().await), (None, 2));
}

#[tokio::test(start_paused = true)]
async fn a_port_is_announced_once_more_when_its_former_host_has_closed_it() {
    let many = Many::with_hosts().await;
    many.attach("h1", "p1", "v1").await;
    many.attach("h2", "p1", "v7").await;
    let epoch = async || many.api.get("/v1/cluster/bindings").await["bindings"][0]["epoch"].as_u64();
    let before = epoch().await;
    many.report("h1", json!({"claims": 2, "left": ["p1", "p2", "p9"]})).await;
    assert_eq!(many.places().await, ["p1 h2 v7"]);
    assert!(epoch().await > before, "its host announces what has a new epoch");
    many.report("h2", json!({"claims": 3, "left": ["p1"]})).await;
    assert_eq!(many.claims().await, 3, "who has a port has not let go of it");
}

#[tokio::test(start_paused = true)]
async fn what_is_left_of_a_port_goes_with_the_next_claim() {
    let many = Many::with_hosts().await;
    many.attach("h1", "p1", "v1").await;
    many.api.ok("DELETE", "/v1/ports/p1", "").await;
    assert_eq!(many.places().await, [""; 0]);
    assert_eq!(many.bindings.get().unwrap().documents.len(), 1);
    many.attach("h1", "p2", "v1").await;
    assert_eq!(many.bindings.get().unwrap().documents.len(), 1);
    assert_eq!(many.places().await, ["p2 h1 v1"]);
}

#[tokio::test(start_paused = true)]
async fn two_managers_give_a_port_once() {
    let many = Many::with_hosts().await;
    let other = many.another();
    let devices = json!({"devices": {"v1": false, "p2": false}});
    let (one, two) = tokio::join!(many.report("h1", devices.clone()), other.report("h2", devices));
    let places = many.places().await;
    assert_eq!(places, other.places().await);
    let refused = [one, two].map(|answer| answer["refused"].as_object().map_or(0, serde_json::Map::len));
    assert!(refused == [0, 2] || refused == [2, 0], "{refused:?} {places:?}");
}
