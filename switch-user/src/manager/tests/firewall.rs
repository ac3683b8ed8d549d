//! Groups, policies and rules.

use serde_json::json;

use super::{writes::refused, *};

/// With port p1, a group of it, a policy for the group, and a rule.
async fn api() -> Api {
    let api = Api::with_objects().await;
    api.ok("POST", "/v1/groups", r#"{"name": "web-vms", "ports": ["p1"]}"#).await;
    api.ok("PUT", "/v1/policies/web", r#"{"appliesTo": "web-vms", "default": "allow"}"#).await;
    let rule = r#"{"priority": 100, "direction": "in", "action": "allow", "proto": "tcp", "port": "443,80"}"#;
    api.ok("PUT", "/v1/rules/web/https", rule).await;
    api
}

#[tokio::test]
async fn objects_are_created_shown_changed_and_removed() {
    let api = api().await;
    let rule = json!({"apiVersion": "dvs/v1", "kind": "Rule", "policy": "web", "name": "https", "priority": 100,
        "direction": "in", "action": "allow", "proto": "tcp", "port": "80,443"});
    assert_eq!(api.get("/v1/rules/web/https").await, rule);
    assert_eq!(api.get("/v1/rules/web%2Fhttps").await, rule);
    assert_eq!(api.get("/v1/rules").await["objects"], json!([rule]));
    let patched =
        api.ok("PATCH", "/v1/rules/web/https", r#"{"port": null, "proto": 47, "peer": "10.0.0.1"}"#).await;
    assert_eq!(patched["changes"][0]["fields"], json!(["peer", "port", "proto"]));
    let policy = json!({"apiVersion": "dvs/v1", "kind": "Policy", "name": "web", "appliesTo": "web-vms", "tier": 100,
        "default": "allow"});
    assert_eq!(api.get("/v1/policies").await["objects"], json!([policy]));
    let group = json!({"apiVersion": "dvs/v1", "kind": "Group", "name": "web-vms", "ports": ["p1"]});
    assert_eq!(api.get("/v1/groups/web-vms").await, group);
    for (method, uri, body) in [
        ("DELETE", "/v1/rules/web/https", ""),
        ("PATCH", "/v1/policies/web", r#"{"appliesTo": null}"#),
        ("DELETE", "/v1/policies/web", ""),
        ("DELETE", "/v1/groups/web-vms", ""),
        ("DELETE", "/v1/ports/p1", ""),
    ] {
        api.ok(method, uri, body).await;
    }
}

#[tokio::test]
async fn policy_and_name_of_a_rule_are_not_changed() {
    let api = api().await;
    for (body, field) in [(r#"{"policy": "db"}"#, "policy"), (r#"{"name": "http"}"#, "name")] {
        let refusal = api.refusal("PATCH", "/v1/rules/web/https", body).await;
        assert_eq!(refusal, refused(422, &[&format!("Rule web/https {field} wrong-name")]), "{body}");
    }
}

#[tokio::test]
async fn what_is_in_use_stays() {
    let api = api().await;
    for (uri, problem) in [
        ("/v1/ports/p1", "Port p1  port-in-use"),
        ("/v1/groups/web-vms", "Group web-vms  group-in-use"),
        ("/v1/policies/web", "Policy web  policy-in-use"),
    ] {
        assert_eq!(api.refusal("DELETE", uri, "").await, refused(422, &[problem]));
    }
}

#[tokio::test]
async fn a_write_that_shuts_off_every_port_is_confirmed() {
    let api = api().await;
    let question = refused(409, &["urn:dvs:confirmation"]);
    api.ok("PATCH", "/v1/policies/web", r#"{"default": "drop"}"#).await;
    assert_eq!(api.refusal("DELETE", "/v1/rules/web/https", "").await, question);
    let staged = r#"{"staged": true}"#;
    assert_eq!(api.refusal("PATCH", "/v1/rules/web/https", staged).await, question);
    let (_, problem) = api.call("DELETE", "/v1/rules/web/https", "").await;
    assert_eq!(problem["detail"], "policy web has no rules and drops everything on 1 port");
    let prune = json!({"objects": [
        api.get("/v1/networks/blue").await, api.get("/v1/ports/p1").await, api.get("/v1/groups/web-vms").await,
        api.get("/v1/policies/web").await]})
    .to_string();
    assert_eq!(api.refusal("POST", "/v1/apply?prune=true", &prune).await, question);
    let dry = api.ok("POST", "/v1/apply?prune=true&dryRun=true", &prune).await;
    assert_eq!(dry["warnings"], json!(["policy web has no rules and drops everything on 1 port"]));
    api.ok("PATCH", "/v1/rules/web/https?yes=true", staged).await;
    let removed = api.ok("DELETE", "/v1/rules/web/https?yes=true", "").await;
    assert_eq!(removed.get("warnings"), None);
    api.ok("PATCH", "/v1/policies/web", r#"{"tier": 5}"#).await;
}

#[tokio::test]
async fn a_write_answers_with_its_warnings() {
    let api = api().await;
    let rule = r#"{"priority": 1, "direction": "in", "action": "allow", "peer": "group:web-vms"}"#;
    let warned = api.ok("PUT", "/v1/rules/web/inner", rule).await;
    assert_eq!(warned["warnings"], json!(["Group web-vms: port p1 has no ip, so rules do not know it"]));
}
