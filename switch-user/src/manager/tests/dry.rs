//! Writes that are only tried, and questions about policies.

use serde_json::json;

use super::*;

/// With ports p1 and p2, and a policy that allows them the web.
async fn api() -> Api {
    let api = Api::with_objects().await;
    for (uri, body) in [
        ("/v1/ports/p1", r#"{"network": "blue", "ip": ["10.0.10.11"], "device": "v1"}"#),
        ("/v1/ports/p2", r#"{"network": "blue", "ip": ["10.0.10.12"], "device": "v2"}"#),
        ("/v1/groups/vms", r#"{"ports": ["p1"]}"#),
        ("/v1/policies/web", r#"{"appliesTo": "vms"}"#),
        (
            "/v1/rules/web/http",
            r#"{"priority": 9, "direction": "out", "action": "allow", "proto": "tcp", "port": "80"}"#,
        ),
    ] {
        api.ok("PUT", uri, body).await;
    }
    api
}

#[tokio::test]
async fn every_write_can_be_tried() {
    let api = api().await;
    let before = api.get("/v1/export").await;
    let rule = r#"{"policy": "web", "name": "x", "priority": 1, "direction": "out", "action": "drop"}"#;
    for (method, uri, body, cuts) in [
        ("POST", "/v1/rules", rule, 1),
        ("PUT", "/v1/rules/web/x", rule, 1),
        ("PUT", "/v1/rules/web/x", &rule.replace("\"out\"", "\"in\""), 0),
        ("PATCH", "/v1/rules/web/http", r#"{"port": "443"}"#, 1),
        ("PATCH", "/v1/policies/web", r#"{"default": "reject"}"#, 0),
        ("PATCH", "/v1/policies/web", r#"{"stateless": true}"#, 1),
        ("DELETE", "/v1/rules/web/http", "", 1),
        ("PATCH", "/v1/groups/vms", r#"{"ports": ["p2"]}"#, 0),
        ("PATCH", "/v1/ports/p1", r#"{"firewall": "off"}"#, 0),
        ("PATCH", "/v1/switch", r#"{"ageing": 50}"#, 0),
    ] {
        let (status, tried) = api.call(method, &format!("{uri}?dryRun=true"), body).await;
        assert_eq!((status, &tried["cutsTotal"]), (200, &json!(cuts)), "{method} {uri} {body}");
        assert_eq!(api.get("/v1/export").await, before, "{method} {uri} {body}");
        assert_eq!(tried["changes"].as_array().map(Vec::len), Some(1));
    }
    let done = api.ok("PATCH", "/v1/rules/web/http", r#"{"port": "443"}"#).await;
    assert_eq!((done.get("cuts"), done.get("cutsTotal")), (None, None));
}

#[tokio::test]
async fn connections_that_would_be_cut_are_named() {
    let api = api().await;
    let tried = api.ok("PATCH", "/v1/rules/web/http?dryRun=true", r#"{"port": "443"}"#).await;
    let cut = json!({"from": "p1", "to": "p3", "protocol": "tcp", "source": "10.0.10.11", "sourcePort": 40_000,
        "destination": "10.0.20.11", "destinationPort": 80, "port": "p1", "policy": "web", "rule": null});
    assert_eq!(tried["cuts"], json!([cut]));
    let all = api.get("/v1/export").await.to_string().replace("\"80\"", "\"443\"");
    let tried = api.ok("POST", "/v1/apply?dryRun=true", &all).await;
    assert_eq!(tried["cuts"], json!([cut]));
    let flow = api.host.flows.lock().unwrap()[0].clone();
    *api.host.flows.lock().unwrap() = vec![flow; 150];
    let tried = api.ok("DELETE", "/v1/rules/web/http?dryRun=true", "").await;
    assert_eq!((tried["cuts"].as_array().map(Vec::len), &tried["cutsTotal"]), (Some(100), &json!(150)));
    for state in ["synSent", "opening", "closed"] {
        for flow in api.host.flows.lock().unwrap().iter_mut() {
            flow.state = match state {
                "synSent" => crate::report::FlowState::SynSent,
                "opening" => crate::report::FlowState::Opening,
                _ => crate::report::FlowState::Closed,
            };
        }
        let tried = api.ok("DELETE", "/v1/rules/web/http?dryRun=true", "").await;
        assert_eq!(tried["cutsTotal"], 0, "{state}");
    }
}

#[tokio::test]
async fn a_host_that_cannot_tell_is_a_warning() {
    let api = api().await;
    *api.host.broken.lock().unwrap() = true;
    let tried = api.ok("DELETE", "/v1/rules/web/http?dryRun=true&yes=true", "").await;
    assert_eq!(
        tried["warnings"],
        json!(["which connections it would cut is not known: cannot read table: on purpose"])
    );
    assert_eq!(tried.get("cutsTotal"), None);
    // Where no port is concerned, the host is not asked.
    let tried = api.ok("PATCH", "/v1/networks/blue?dryRun=true", r#"{"mtu": 1400}"#).await;
    assert_eq!((tried.get("warnings"), &tried["cutsTotal"]), (None, &json!(0)));
}

#[tokio::test]
async fn policies_are_tested() {
    let api = api().await;
    let test = api.get("/v1/policy-test?from=p1&to=p2:80").await;
    let expected = json!({
        "from": {"port": "p1", "address": "10.0.10.11"}, "to": {"port": "p2", "address": "10.0.10.12"},
        "protocol": "tcp", "sourcePort": 49_152, "destinationPort": 80, "action": "allow",
        "verdicts": [
            {"port": "p1", "direction": "out", "action": "allow", "policy": "web", "rule": "http", "staged": []},
            {"port": "p2", "direction": "in", "action": "allow", "policy": null, "rule": null, "staged": []}]});
    assert_eq!(test, expected);
    let test = api.get("/v1/policy-test?from=p1&to=192.0.2.1:53%2Fudp&srcPort=5").await;
    assert_eq!((&test["action"], &test["sourcePort"]), (&json!("drop"), &json!(5)));
    assert_eq!(test["to"], json!({"port": null, "address": "192.0.2.1"}));
    for (query, status, kind) in [
        ("from=p9&to=p1", 404, "not-found"),
        ("from=p1&to=fd00::1", 400, "question"),
        ("from=192.0.2.1&to=192.0.2.2", 400, "question"),
        ("from=p1", 400, "parameter"),
        ("from=p1&to=p2&srcPort=x", 400, "parameter"),
    ] {
        let refusal = api.refusal("GET", &format!("/v1/policy-test?{query}"), "").await;
        assert_eq!(refusal, (status, vec![format!("urn:dvs:{kind}")]), "{query}");
    }
}
