//! Planned moves.

use super::*;

impl Many {
    /// With p1 at h1.
    async fn with_port() -> Self {
        let many = Self::with_hosts().await;
        many.attach("h1", "p1", "v1").await;
        many
    }

    async fn plan(&self, request: Value) -> Value {
        self.api.ok("POST", "/v1/cluster/moves", &request.to_string()).await
    }

    /// Planned moves as "port from to", with how far they are.
    async fn moves(&self) -> Vec<String> {
        let list = self.api.get("/v1/cluster/moves").await;
        let text = |entry: &Value| {
            let word = |value: &Value| value.as_str().unwrap_or("-").to_owned();
            let ready = if entry["standby"]["ready"] == true { " ready" } else { "" };
            format!(
                "{} {} {}{ready}",
                word(&entry["port"]),
                word(&entry["host"]),
                word(&entry["target"]["host"])
            )
        };
        list.as_array().unwrap().iter().map(text).collect()
    }

    /// A report of a host that p1 is to come to.
    async fn standby(&self, host: &str, ready: bool, active: bool) -> Value {
        let standby = json!({"device": "v1", "ready": ready, "active": active});
        let claims = self.claims().await;
        self.report(host, json!({"claims": claims, "standby": {"p1": standby}})).await
    }
}

fn to_h2() -> Value {
    json!({"ports": ["p1"], "to": ["h2"]})
}

#[tokio::test(start_paused = true)]
async fn a_port_goes_when_its_vm_is_seen_at_the_target() {
    let many = Many::with_port().await;
    assert_eq!(many.plan(to_h2()).await, json!({"claims": 2, "moves": {"p1": "h2"}}));
    assert_eq!((many.places().await, many.moves().await), (vec!["p1 h1 v1".into()], vec!["p1 h1 h2".into()]));
    // Its device is there before its VM runs.
    let answer = many.report("h2", json!({"claims": 1, "devices": {"v1": true}})).await;
    assert_eq!(answer.get("refused"), None);
    many.standby("h2", true, false).await;
    assert_eq!(
        (many.places().await, many.moves().await),
        (vec!["p1 h1 v1".into()], vec!["p1 h1 h2 ready".into()])
    );
    many.standby("h2", true, true).await;
    assert_eq!((many.places().await, many.moves().await), (vec!["p1 h2 v1".into()], vec![]));
    let list = many.api.get("/v1/cluster/bindings").await;
    assert_eq!((&list["bindings"][0]["epoch"], &list["bindings"][0]["target"]), (&json!(3), &Value::Null));
}

#[tokio::test(start_paused = true)]
async fn a_port_goes_when_its_device_is_gone_where_it_was() {
    let many = Many::with_port().await;
    many.plan(to_h2()).await;
    many.report("h1", json!({"unplugged": ["p1"]})).await;
    assert_eq!(many.places().await, ["p1 h1 v1"], "h2 is not ready");
    many.standby("h2", true, false).await;
    assert_eq!(many.places().await, ["p1 h2 v1"]);
    // The other way round.
    many.plan(json!({"ports": ["p1"], "to": ["h1"]})).await;
    many.standby("h1", true, false).await;
    many.report("h2", json!({"unplugged": ["p1"]})).await;
    assert_eq!(many.places().await, ["p1 h1 v1"]);
}

#[tokio::test(start_paused = true)]
async fn a_port_goes_at_once_if_that_is_wanted() {
    let many = Many::with_port().await;
    many.plan(json!({"ports": ["p1"], "to": ["h2"], "now": true, "device": "v7"})).await;
    many.standby("h2", false, false).await;
    assert_eq!(many.places().await, ["p1 h1 v1"], "h2 is not ready");
    many.standby("h2", true, false).await;
    assert_eq!(many.places().await, ["p1 h2 v1"]);
}

#[tokio::test(start_paused = true)]
async fn a_port_of_a_host_that_is_not_heard_stays_until_its_vm_is_seen() {
    let many = Many::with_port().await;
    many.plan(to_h2()).await;
    tokio::time::sleep(TIMEOUT * 2).await;
    many.standby("h2", true, false).await;
    assert_eq!(many.places().await, ["p1 h1 v1 lost"], "the VM may still run there");
    many.standby("h2", true, true).await;
    assert_eq!(many.places().await, ["p1 h2 v1"]);
}

#[tokio::test(start_paused = true)]
async fn what_was_said_of_an_earlier_plan_does_not_count() {
    let many = Many::with_port().await;
    many.plan(to_h2()).await;
    many.standby("h2", true, false).await;
    many.plan(json!({"ports": ["p1"], "to": ["h2"], "now": true, "device": "v7"})).await;
    many.report("h1", json!({})).await;
    assert_eq!(many.places().await, ["p1 h1 v1"]);
    many.standby("h2", true, false).await;
    assert_eq!(many.places().await, ["p1 h2 v1"]);
}

#[tokio::test(start_paused = true)]
async fn the_two_hosts_may_talk_with_different_managers() {
    let many = Many::with_port().await;
    let other = many.another();
    many.plan(to_h2()).await;
    other.standby("h2", true, false).await;
    many.report("h1", json!({"unplugged": ["p1"]})).await;
    assert_eq!(other.places().await, ["p1 h2 v1"]);
}

#[tokio::test(start_paused = true)]
async fn a_plan_is_withdrawn() {
    let many = Many::with_port().await;
    many.plan(to_h2()).await;
    assert_eq!(many.api.ok("DELETE", "/v1/cluster/moves/p1", "").await, json!({"claims": 3, "moves": {}}));
    many.standby("h2", true, true).await;
    assert_eq!((many.places().await, many.moves().await), (vec!["p1 h1 v1".into()], vec![]));
    let gone = many.api.refusal("DELETE", "/v1/cluster/moves/p1", "").await;
    assert_eq!(gone, refused(409, &["urn:dvs:not-planned"]));
    // Whoever starts the VM elsewhere after all has it there.
    many.plan(to_h2()).await;
    many.report("h3", json!({"claims": 4, "devices": {"v1": true}})).await;
    assert_eq!((many.places().await, many.moves().await), (vec!["p1 h3 v1".into()], vec![]));
}

#[tokio::test(start_paused = true)]
async fn a_port_that_is_announced_once_more_is_to_go_where_it_was() {
    let many = Many::with_port().await;
    many.attach("h2", "p1", "v7").await;
    many.plan(json!({"ports": ["p1"], "to": ["h1"], "device": "v1", "now": true})).await;
    let binding = async || many.api.get("/v1/cluster/bindings").await["bindings"][0].clone();
    let before = binding().await;
    many.report("h1", json!({"claims": 2, "left": ["p1"]})).await;
    let after = binding().await;
    assert!(after["epoch"].as_u64() > before["epoch"].as_u64(), "{after} after {before}");
    assert_eq!((&after["target"], &after["host"]), (&before["target"], &json!("h2")));
    assert_eq!(many.moves().await, ["p1 h2 h1"]);
}

#[tokio::test(start_paused = true)]
async fn a_host_is_drained_to_those_that_have_fewest() {
    let many = Many::with_port().await;
    many.report("h3", json!({"devices": {}})).await;
    let drain = json!({"from": "h1"});
    for port in ["p3", "p4"] {
        many.api.ok("POST", "/v1/ports", &json!({"name": port, "network": "blue"}).to_string()).await;
        many.attach("h1", port, port).await;
    }
    many.attach("h2", "p2", "v2").await;
    let planned = many.plan(drain.clone()).await;
    assert_eq!(planned["moves"], json!({"p1": "h3", "p3": "h2", "p4": "h3"}));
    let planned = many.plan(json!({"from": "h1", "to": ["h2"]})).await;
    assert_eq!(planned["moves"], json!({"p1": "h2", "p3": "h2", "p4": "h2"}), "the later plan holds");
    assert_eq!(many.plan(json!({"from": "h3"})).await["moves"], json!({}));
    many.api.ok("PATCH", "/v1/hosts/h1", r#"{"haGroup": "alone"}"#).await;
    let refusal = many.api.refusal("POST", "/v1/cluster/moves", &drain.to_string()).await;
    assert_eq!(refusal, refused(409, &["urn:dvs:no-target"]));
}

#[tokio::test(start_paused = true)]
async fn plans_that_make_no_sense_are_refused_whole() {
    let many = Many::with_port().await;
    for (request, status, kind, detail) in [
        (json!({"ports": ["p9"], "to": ["h2"]}), 404, "not-found", "there is no Port p9"),
        (json!({"ports": ["p1", "p2"], "to": ["h2"]}), 409, "unbound", "port p2 is at no host"),
        (json!({"ports": ["p1"], "to": ["h1"]}), 409, "already-there", "port p1 is at host h1 already"),
        (json!({"ports": ["p1"], "to": ["h9"]}), 404, "unknown-host", "there is no Host h9"),
        (json!({"from": "h9"}), 404, "unknown-host", "there is no Host h9"),
        (json!({"to": ["h2"]}), 400, "form", "ports: name those that are to move"),
        (json!({"ports": ["p1"], "too": []}), 400, "form", "unknown field `too`"),
        (
            json!({"from": "h2", "device": "v1"}),
            400,
            "form",
            "device: it is given for one port, and 0 are to move",
        ),
    ] {
        let (found, problem) = many.api.call("POST", "/v1/cluster/moves", &request.to_string()).await;
        assert_eq!(
            (found, &problem["type"]),
            (status, &json!(format!("urn:dvs:{kind}"))),
            "{request}: {problem}"
        );
        assert!(problem["detail"].as_str().unwrap().contains(detail), "{problem}");
    }
    tokio::time::sleep(TIMEOUT * 2).await;
    let dead = many.api.refusal("POST", "/v1/cluster/moves", &to_h2().to_string()).await;
    assert_eq!(dead, refused(409, &["urn:dvs:target-dead"]));
    assert_eq!(many.moves().await, [""; 0]);
}
