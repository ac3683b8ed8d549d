mod cluster;
mod dry;
mod firewall;
mod follow;
mod history;
mod log;
mod reports;
mod requests;
mod routing;
mod socket;
mod stream;
mod tls;
mod writes;

use std::sync::Arc;

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{Request, Response, header::CONTENT_TYPE},
};
use serde_json::Value;
use tower::ServiceExt;

use super::*;
use crate::{fake::FakeHost, store::RedbStore};

/// The API over an empty store and a host that does nothing.
struct Api {
    router: Router,
    store: Arc<RedbStore>,
    host: Arc<FakeHost>,
}

impl Api {
    fn new() -> Self {
        let store = Arc::new(RedbStore::in_memory().unwrap());
        let host = FakeHost::new();
        let router = router(State { store: store.clone(), host: host.clone(), cluster: None, follow: None });
        Self { router, store, host }
    }

    /// With networks blue (VLAN 10) and green (20), port p1 in blue on device v1, and uplink eth1.
    async fn with_objects() -> Self {
        let api = Self::new();
        api.ok("POST", "/v1/networks", r#"{"name": "blue", "vlan": 10}"#).await;
        api.ok("POST", "/v1/networks", r#"{"name": "green", "vlan": 20}"#).await;
        api.ok("POST", "/v1/ports", r#"{"name": "p1", "network": "blue", "device": "v1"}"#).await;
        api.ok("POST", "/v1/uplinks", r#"{"name": "eth1", "vlans": "10,20"}"#).await;
        api
    }

    async fn send(&self, method: &str, uri: &str, body: &str) -> Response<Body> {
        let request = Request::builder().method(method).uri(uri).body(Body::from(body.to_owned())).unwrap();
        self.request(request).await
    }

    async fn request(&self, request: Request<Body>) -> Response<Body> {
        self.router.clone().oneshot(request).await.unwrap()
    }

    /// Status and body of the answer; an error must be a problem and say itself which status it has.
    async fn call(&self, method: &str, uri: &str, body: &str) -> (u16, Value) {
        let response = self.send(method, uri, body).await;
        let status = response.status().as_u16();
        let media_type = response.headers()[CONTENT_TYPE].to_str().unwrap().to_owned();
        let bytes = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        let value: Value = serde_json::from_slice(&bytes).unwrap();
        if status >= 400 {
            assert_eq!((media_type.as_str(), &value["status"]), ("application/problem+json", &status.into()));
        }
        (status, value)
    }

    #[track_caller]
    fn expect(answer: (u16, Value), what: &str) -> Value {
        assert!(answer.0 < 300, "{what}: {} {}", answer.0, answer.1);
        answer.1
    }

    async fn ok(&self, method: &str, uri: &str, body: &str) -> Value {
        Self::expect(self.call(method, uri, body).await, &format!("{method} {uri} {body}"))
    }

    async fn get(&self, uri: &str) -> Value {
        self.ok("GET", uri, "").await
    }

    /// Status of a refusal and its errors as "object field reason", or the kind of the problem if there are none.
    async fn refusal(&self, method: &str, uri: &str, body: &str) -> (u16, Vec<String>) {
        let before = self.store.get().unwrap();
        let (status, value) = self.call(method, uri, body).await;
        assert_eq!(self.store.get().unwrap(), before, "a refused request must change nothing");
        let text = |error: &Value, field: &str| error[field].as_str().unwrap_or_default().to_owned();
        let row = |error| ["object", "field", "reason"].map(|field| text(error, field)).join(" ");
        match value["errors"].as_array() {
            Some(errors) => (status, errors.iter().map(row).collect()),
            None => (status, vec![text(&value, "type")]),
        }
    }
}

#[test]
fn the_description_in_the_repository_is_the_one_of_this_program() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/openapi.json");
    let kept: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let made = serde_json::to_value(document()).unwrap();
    assert!(kept == made, "docs/openapi.json is stale: write it anew with `dvs openapi > docs/openapi.json`");
}

#[test]
fn the_description_names_only_schemas_that_it_has() {
    let description = serde_json::to_value(document()).unwrap();
    let schemas = description["components"]["schemas"].as_object().unwrap();
    let text = description.to_string();
    let references = text.split("\"#/components/schemas/").skip(1);
    for name in references.map(|rest| rest.split('"').next().unwrap()) {
        assert!(schemas.contains_key(name), "{name}");
    }
    assert!(schemas.contains_key("Details"));
}
