//! Routers and routes.

use serde_json::json;

use super::{writes::refused, *};

/// With router r1, in which are networks blue with an IPv4 subnet and red with an IPv6 one.
async fn api() -> Api {
    let api = Api::new();
    api.ok("POST", "/v1/routers", r#"{"name": "r1"}"#).await;
    let blue = r#"{"name": "blue", "vlan": 10, "router": "r1", "subnet": ["10.0.10.0/24"], "gateway": ["10.0.10.1"]}"#;
    api.ok("POST", "/v1/networks", blue).await;
    let red = r#"{"vlan": 30, "router": "r1", "subnet": ["fd00:30::/64"], "gateway": ["fd00:30::1"]}"#;
    api.ok("PUT", "/v1/networks/red", red).await;
    api
}

#[tokio::test]
async fn a_route_is_created_shown_changed_and_removed() {
    let api = api().await;
    let created = api
        .ok("POST", "/v1/routes", r#"{"router": "r1", "prefix": "10.0.0.0/8", "via": ["10.0.10.9"]}"#)
        .await;
    assert_eq!(
        created["changes"],
        json!([{"action": "create", "kind": "Route", "name": "r1/10.0.0.0/8", "fields": ["via"]}])
    );
    let route = json!({"apiVersion": "dvs/v1", "kind": "Route", "router": "r1", "prefix": "10.0.0.0/8",
        "via": ["10.0.10.9"]});
    assert_eq!(api.get("/v1/routes/r1/10.0.0.0/8").await, route);
    assert_eq!(api.get("/v1/routes/r1%2F10.0.0.0%2F8").await, route);
    assert_eq!(api.get("/v1/routes").await["objects"], json!([route]));
    let blackhole = r#"{"via": null, "blackhole": true}"#;
    let patched = api.ok("PATCH", "/v1/routes/r1/10.0.0.0/8", blackhole).await;
    assert_eq!(patched["changes"][0]["fields"], json!(["blackhole", "via"]));
    api.ok("DELETE", "/v1/routes/r1/10.0.0.0/8", "").await;
    assert_eq!(api.get("/v1/routes").await["objects"], json!([]));
}

#[tokio::test]
async fn the_address_of_a_route_may_spell_its_prefix_otherwise() {
    let api = api().await;
    let put = api.ok("PUT", "/v1/routes/r1/FD00:0099::/32", r#"{"via": ["fd00:30::9"]}"#).await;
    assert_eq!(put["changes"][0]["name"], "r1/fd00:99::/32");
    assert_eq!(api.get("/v1/routes/r1/fd00:99:0::/32").await["prefix"], "fd00:99::/32");
    api.ok("DELETE", "/v1/routes/r1/fd00:99:0:0::/32", "").await;
}

#[tokio::test]
async fn router_and_prefix_are_not_changed() {
    let api = api().await;
    api.ok("PUT", "/v1/routes/r1/10.0.0.0/8", r#"{"blackhole": true}"#).await;
    for (body, field) in [(r#"{"prefix": "10.0.0.0/9"}"#, "prefix"), (r#"{"router": "r2"}"#, "router")] {
        let refusal = api.refusal("PATCH", "/v1/routes/r1/10.0.0.0/8", body).await;
        assert_eq!(refusal, refused(422, &[&format!("Route r1/10.0.0.0/8 {field} wrong-name")]), "{body}");
    }
}

#[tokio::test]
async fn what_is_in_use_stays() {
    let api = api().await;
    api.ok("PUT", "/v1/routes/r1/0.0.0.0/0", r#"{"via": ["10.0.10.9"]}"#).await;
    let router = api.call("DELETE", "/v1/routers/r1", "").await.1;
    assert_eq!(router["errors"][0]["reason"], "router-in-use");
    assert_eq!(router["errors"][0]["message"], "Network blue, Network red, Route r1/0.0.0.0/0 still use it");
    let network = api.call("DELETE", "/v1/networks/blue", "").await.1;
    assert_eq!(network["errors"][0]["message"], "Route r1/0.0.0.0/0 still uses it");
    api.ok("DELETE", "/v1/routes/r1/0.0.0.0/0", "").await;
    api.ok("DELETE", "/v1/networks/blue", "").await;
    api.ok("PATCH", "/v1/networks/red", r#"{"router": null}"#).await;
    api.ok("DELETE", "/v1/routers/r1", "").await;
}
