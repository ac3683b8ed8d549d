//! Requests that make no sense as such.

use super::*;

#[tokio::test]
async fn unknown_addresses_and_methods_are_problems() {
    let api = Api::new();
    let is = |status, kind: &str| (status, vec![format!("urn:dvs:{kind}")]);
    assert_eq!(api.refusal("GET", "/v1/nats", "").await, is(404, "no-route"));
    assert_eq!(api.refusal("GET", "/", "").await, is(404, "no-route"));
    assert_eq!(api.refusal("DELETE", "/v1/networks", "").await, is(405, "no-method"));
    assert_eq!(api.refusal("GET", "/v1/networks/blue", "").await, is(404, "not-found"));
    assert_eq!(api.refusal("GET", "/v1/networks/%ff", "").await, is(400, "parameter"));
    for name in ["r1/10.0.0.0/8", "r1", "r1/ten", "/", "r1/10.0.0.0/8/9"] {
        assert_eq!(
            api.refusal("GET", &format!("/v1/routes/{name}"), "").await,
            is(404, "not-found"),
            "{name}"
        );
    }
}

#[tokio::test]
async fn unreadable_bodies_are_problems() {
    let api = Api::new();
    let not_json = (400, vec!["urn:dvs:not-json".to_owned()]);
    for body in ["", "{", "{\"name\": }", "name: blue", "{} {}"] {
        assert_eq!(api.refusal("POST", "/v1/networks", body).await, not_json, "{body}");
        assert_eq!(api.refusal("POST", "/v1/apply", body).await, not_json, "{body}");
    }
    let (_, problem) = api.call("POST", "/v1/networks", "{\"vlan\": x}").await;
    assert_eq!(problem["detail"], "the body is not JSON: expected value at line 1 column 10");
    let long = format!("{{\"name\": {:?}}}", "x".repeat(BODY_LIMIT));
    assert_eq!(api.refusal("POST", "/v1/networks", &long).await, (413, vec!["urn:dvs:body".to_owned()]));
}

#[tokio::test]
async fn wrong_types_are_problems_of_their_fields() {
    let api = Api::new();
    let is = |errors: &[&str]| (422, errors.iter().map(ToString::to_string).collect::<Vec<_>>());
    assert_eq!(api.refusal("POST", "/v1/networks", "[]").await, is(&["Network  not-an-object"]));
    assert_eq!(
        api.refusal("POST", "/v1/networks", r#"{"name": 1, "vlan": "10", "lan": 10}"#).await,
        is(&["Network lan unknown-field", "Network name wrong-type", "Network vlan wrong-type"])
    );
    assert_eq!(
        api.refusal("POST", "/v1/networks", r#"{"kind": "Port", "name": "blue", "vlan": 10}"#).await,
        is(&["Network blue kind wrong-kind"])
    );
    assert_eq!(api.refusal("PATCH", "/v1/switch", "5").await, is(&["Switch  not-an-object"]));
    assert_eq!(
        api.refusal("PATCH", "/v1/switch", r#"{"aging": 5}"#).await,
        is(&["Switch aging unknown-field"])
    );
}

#[tokio::test]
async fn wrong_parameters_are_problems() {
    let api = Api::new();
    let parameter = (400, vec!["urn:dvs:parameter".to_owned()]);
    for (method, uri) in [
        ("POST", "/v1/apply?dryrun=true"),
        ("POST", "/v1/apply?dryRun=maybe"),
        ("POST", "/v1/networks?allowMissing=1"),
        ("GET", "/v1/wait?generation=-1"),
        ("GET", "/v1/wait?timeout=soon"),
        ("GET", "/v1/watch?since=x"),
        ("GET", "/v1/fdb?mac=02"),
        ("GET", "/v1/stats?ports=p1"),
    ] {
        assert_eq!(api.refusal(method, uri, "{}").await, parameter, "{uri}");
    }
}

#[tokio::test]
async fn the_api_describes_itself() {
    let description = Api::new().get("/openapi.json").await;
    assert!(description["openapi"].as_str().unwrap().starts_with("3."));
    for path in [
        "/v1/networks",
        "/v1/ports/{name}",
        "/v1/routes/{name}",
        "/v1/policies",
        "/v1/rules/{name}",
        "/v1/switch",
        "/v1/apply",
        "/v1/wait",
        "/v1/watch",
    ] {
        assert!(description["paths"][path].is_object(), "{path}");
    }
}
