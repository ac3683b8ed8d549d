//! What the host says of its firewalls.

use futures_util::{FutureExt, StreamExt};
use serde_json::json;

use super::*;
use crate::fake::event;

/// Values of two fields in all rows.
async fn hits(api: &Api, uri: &str) -> Vec<[Value; 2]> {
    let rows = api.get(uri).await;
    let rows = rows.as_array().unwrap().iter();
    rows.map(|row| ["port", "rule"].map(|field| row[field].clone())).collect()
}

#[tokio::test]
async fn hits_are_filtered() {
    let api = Api::with_objects().await;
    api.ok("POST", "/v1/ports", r#"{"name": "p2", "network": "blue", "device": "v2"}"#).await;
    api.ok("POST", "/v1/policies", r#"{"name": "web"}"#).await;
    let all = [[json!("p1"), json!(null)], [json!("p1"), json!("https")], [json!("p2"), json!("all")]];
    assert_eq!(hits(&api, "/v1/rule-hits").await, all);
    assert_eq!(hits(&api, "/v1/rule-hits?policy=web").await, all[..2]);
    assert_eq!(hits(&api, "/v1/rule-hits?port=p2").await, all[2..]);
    assert_eq!(hits(&api, "/v1/rule-hits?port=p2&policy=web").await, all[3..]);
    for uri in ["/v1/rule-hits?port=p9", "/v1/rule-hits?policy=db", "/v1/log?port=p9"] {
        assert_eq!(api.refusal("GET", uri, "").await, (404, vec!["urn:dvs:not-found".to_owned()]), "{uri}");
    }
    *api.host.broken.lock().unwrap() = true;
    let broken = (500, vec!["urn:dvs:report".to_owned()]);
    assert_eq!(api.refusal("GET", "/v1/rule-hits", "").await, broken);
}

/// The ports of the events that are there, and the rest of the stream.
async fn log(api: &Api, uri: &str) -> (Vec<Value>, axum::body::BodyDataStream) {
    let mut body = api.send("GET", uri, "").await.into_body().into_data_stream();
    let mut ports = Vec::new();
    while let Some(Some(line)) = body.next().now_or_never() {
        let event: Value = serde_json::from_slice(&line.unwrap()).unwrap();
        ports.push(event["port"].clone());
    }
    (ports, body)
}

#[tokio::test]
async fn the_log_ends_unless_it_is_followed() {
    let api = Api::with_objects().await;
    let (ports, mut end) = log(&api, "/v1/log").await;
    assert_eq!((ports, end.next().await.is_none()), (vec![json!("p1"), json!("p2")], true));
    let (ports, mut rest) = log(&api, "/v1/log?follow=true&port=p1").await;
    assert_eq!(ports, ["p1"]);
    for (port, second) in [("p2", 2), ("p1", 3)] {
        api.host.events.send(event(port, second)).unwrap();
    }
    let line = rest.next().await.unwrap().unwrap();
    let expected = serde_json::to_value(event("p1", 3)).unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&line).unwrap(), expected);
}

#[tokio::test]
async fn a_reader_that_is_too_slow_misses_events_and_goes_on() {
    let api = Api::with_objects().await;
    let (_, mut rest) = log(&api, "/v1/log?follow=true").await;
    for second in 0..20 {
        api.host.events.send(event("p1", second)).unwrap();
    }
    let line = rest.next().await.unwrap().unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&line).unwrap()["time"], "2026-01-31T12:00:12.000Z");
}
