//! Hosts: how they come, what is known of them, and waiting for them.

use futures_util::FutureExt;

use super::*;

#[tokio::test(start_paused = true)]
async fn the_more_hosts_there_are_the_longer_they_take_to_report_a_change() {
    let many = Many::new().await;
    for number in 0..30 {
        let answer = many.report(&format!("h{number}"), json!({})).await;
        assert_eq!(answer["spreadMs"], json!((number + 1) / 5), "{number}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_host_comes_into_being_when_it_reports() {
    let many = Many::new().await;
    assert_eq!(many.report("h1", json!({})).await, json!({"timeoutMs": 3000, "spreadMs": 0}));
    let host = json!({"apiVersion": "dvs/v1", "kind": "Host", "name": "h1", "haGroup": "default"});
    assert_eq!(many.api.get("/v1/hosts/h1").await, host);
    let hosts = many.api.get("/v1/cluster/hosts").await;
    assert_eq!(hosts.as_array().map(Vec::len), Some(1));
    let fields = ["name", "state", "since", "lag", "bound"].map(|field| hosts[0][field].clone());
    assert_eq!(fields, [json!("h1"), json!("alive"), json!(0), json!(1), json!(0)]);
    assert_eq!(hosts[0]["report"]["residentBytes"], 1 << 20);
    let history = many.api.get("/v1/history").await;
    assert_eq!(history["writes"][0]["author"], "host h1");
    let generation = *many.api.store.watch().borrow();
    many.report("h1", json!({})).await;
    assert_eq!(*many.api.store.watch().borrow(), generation);
}

#[tokio::test(start_paused = true)]
async fn a_host_that_does_not_report_is_dead_and_returns() {
    let many = Many::with_hosts().await;
    many.report("h1", json!({"devices": {"v1": true}})).await;
    tokio::time::sleep(TIMEOUT / 2).await;
    many.report("h2", json!({})).await;
    tokio::time::sleep(TIMEOUT * 2 / 3).await;
    let hosts = many.api.get("/v1/cluster/hosts").await;
    let rows = [0, 1].map(|host| ["state", "lag", "report"].map(|field| hosts[host].get(field).is_some()));
    assert_eq!((&hosts[0]["state"], &hosts[1]["state"]), (&json!("dead"), &json!("alive")));
    assert_eq!(rows, [[true, false, false], [true, true, true]]);
    assert_eq!(many.places().await, ["p1 h1 v1 lost"]);
    many.report("h1", json!({})).await;
    assert_eq!(many.places().await, ["p1 h1 v1"]);
}

#[tokio::test(start_paused = true)]
async fn a_manager_that_has_just_started_takes_nobody_for_dead() {
    let many = Many::with_hosts().await;
    many.report("h1", json!({"devices": {"v1": true}})).await;
    let again = Many::over(many.api.store.clone(), many.bindings.clone(), MemoryLeases::start());
    assert_eq!(again.places().await, ["p1 h1 v1"]);
    tokio::time::sleep(TIMEOUT).await;
    assert_eq!(again.places().await, ["p1 h1 v1 lost"]);
}

#[tokio::test(start_paused = true)]
async fn two_installations_do_not_have_one_name() {
    let many = Many::with_hosts().await;
    let other = report("h1", &json!({"instance": "another"})).to_string();
    let (status, problem) = many.api.call("POST", "/v1/cluster/hosts/h1/report", &other).await;
    assert_eq!((status, &problem["type"]), (409, &json!("urn:dvs:name-taken")));
    let detail = "host h1 is alive at installation instance of h1, and another says that it is h1 as well";
    assert_eq!(problem["detail"], detail);
}

#[tokio::test]
async fn one_hosts_own_manager_knows_no_others() {
    let api = Api::new();
    let none = refused(404, &["urn:dvs:no-cluster"]);
    for uri in ["/v1/cluster/hosts", "/v1/cluster/bindings", "/v1/cluster/hosts/h1/view"] {
        assert_eq!(api.refusal("GET", uri, "").await, none, "{uri}");
    }
    assert_eq!(api.refusal("POST", "/v1/cluster/hosts/h1/report", "{}").await, none);
    assert_eq!(api.refusal("POST", "/v1/cluster/hosts/h1/claims", "{}").await, none);
    assert_eq!(api.refusal("DELETE", "/v1/cluster/hosts/h1/claims/p1", "").await, none);
}

#[tokio::test(start_paused = true)]
async fn a_report_of_another_form_is_refused_with_the_field() {
    let many = Many::new().await;
    let wrong = report("h1", &json!({"devices": {"v1": "yes"}})).to_string();
    let (status, problem) = many.api.call("POST", "/v1/cluster/hosts/h1/report", &wrong).await;
    assert_eq!((status, &problem["type"]), (400, &json!("urn:dvs:form")));
    assert!(problem["detail"].as_str().unwrap().contains("devices.v1"), "{problem}");
    let nameless = report("h", &json!({})).to_string();
    let refusal = many.api.refusal("POST", "/v1/cluster/hosts/h%201/report", &nameless).await;
    assert_eq!(refusal, refused(422, &["Host h 1 name bad-name"]));
}

#[tokio::test(start_paused = true)]
async fn uplinks_name_hosts_that_exist() {
    let many = Many::with_hosts().await;
    many.api.ok("POST", "/v1/uplinks", r#"{"name": "eth1", "hosts": ["h1"]}"#).await;
    many.api.ok("POST", "/v1/uplinks", r#"{"name": "eth2", "hosts": ["h2"]}"#).await;
    let refusal = many.api.refusal("POST", "/v1/uplinks", r#"{"name": "eth3", "hosts": ["h9"]}"#).await;
    assert_eq!(refusal, refused(422, &["Uplink eth3 hosts unknown-host"]));
    let refusal = many.api.refusal("DELETE", "/v1/hosts/h1", "").await;
    assert_eq!(refusal, refused(422, &["Host h1  host-in-use"]));
}

/// What `/v1/wait` has answered, if it has.
macro_rules! answered {
    ($waiting:expr) => {
        tokio::time::timeout(Duration::from_millis(100), &mut $waiting).await.ok()
    };
}

#[tokio::test(start_paused = true)]
async fn waiting_is_for_the_hosts_that_are_concerned_and_alive() {
    let many = Many::with_hosts().await;
    many.api.ok("PATCH", "/v1/hosts/h2", r#"{"haGroup": "other"}"#).await;
    many.report("h1", json!({"devices": {"v1": true}})).await;
    let applied = |generation: u64| json!({"applied": {"generation": generation, "errors": ["no room"]}});
    let set = many.api.ok("PATCH", "/v1/ports/p1", r#"{"learnLimit": 7}"#).await;
    let generation = set["generation"].as_u64().unwrap();
    let mut waiting = Box::pin(many.api.get("/v1/wait"));
    // h2 has not applied even what concerned it before.
    many.report("h1", applied(generation)).await;
    assert_eq!(answered!(waiting), None);
    many.report("h2", applied(generation - 1)).await;
    let errors = json!(["host h1: no room"]);
    assert_eq!(waiting.await, json!({"generation": generation, "errors": errors}));
    let hosts = many.api.get("/v1/cluster/hosts").await;
    assert_eq!((&hosts[0]["lag"], &hosts[1]["lag"]), (&json!(0), &json!(0)));
}

#[tokio::test(start_paused = true)]
async fn waiting_names_dead_hosts_and_those_that_are_behind() {
    let many = Many::with_hosts().await;
    let generation = *many.api.store.watch().borrow();
    many.report("h1", json!({"applied": {"generation": generation, "errors": []}})).await;
    let (status, problem) = many.api.call("GET", "/v1/wait?timeout=1", "").await;
    assert_eq!((status, &problem["type"]), (504, &json!("urn:dvs:timeout")));
    let detail = format!("generation {generation} was not applied when the time was over: h2 is at 0");
    assert_eq!(problem["detail"], detail);
    let mut waiting = Box::pin(many.api.get("/v1/wait"));
    assert!((&mut waiting).now_or_never().is_none());
    tokio::time::sleep(TIMEOUT / 2).await;
    many.report("h1", json!({"applied": {"generation": generation, "errors": []}})).await;
    assert_eq!(waiting.await, json!({"generation": generation, "errors": [], "dead": ["h2"]}));
}
