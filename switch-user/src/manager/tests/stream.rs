//! Waiting and watching.

use std::time::Duration;

use futures_util::{FutureExt, StreamExt};
use serde_json::json;

use super::*;

#[tokio::test]
async fn waiting_ends_when_the_host_has_applied_the_generation() {
    let api = Api::with_objects().await;
    let mut waiting = Box::pin(api.get("/v1/wait?generation=4"));
    assert!((&mut waiting).now_or_never().is_none());
    api.host.apply(3, &[]);
    assert!((&mut waiting).now_or_never().is_none());
    api.host.apply(5, &["no such device"]);
    assert_eq!(waiting.await, json!({"generation": 5, "errors": ["no such device"]}));
    assert_eq!(api.get("/v1/wait").await["generation"], 5);
}

#[tokio::test(start_paused = true)]
async fn waiting_ends_when_the_time_is_over() {
    let api = Api::with_objects().await;
    api.host.apply(3, &[]);
    let begin = tokio::time::Instant::now();
    let (status, problem) = api.call("GET", "/v1/wait?timeout=7", "").await;
    assert_eq!((status, begin.elapsed()), (504, Duration::from_secs(7)));
    assert_eq!(problem["detail"], "the host has applied generation 3, not 4, when the time was over");
}

/// The lines of a stream, one at a time.
struct Lines(axum::body::BodyDataStream);

impl Lines {
    async fn of(api: &Api, uri: &str) -> Self {
        Self(api.send("GET", uri, "").await.into_body().into_data_stream())
    }

    async fn next(&mut self) -> Value {
        let line = tokio::time::timeout(Duration::from_secs(10), self.0.next()).await;
        let line = line.unwrap().unwrap().unwrap();
        assert!(line.ends_with(b"\n"));
        serde_json::from_slice(&line).unwrap()
    }

    fn is_quiet(&mut self) -> bool {
        self.0.next().now_or_never().is_none()
    }
}

#[tokio::test]
async fn a_watcher_gets_everything_and_then_the_changes() {
    let api = Api::with_objects().await;
    let mut lines = Lines::of(&api, "/v1/watch").await;
    let first = lines.next().await;
    assert_eq!((&first["generation"], &first["complete"]), (&json!(4), &json!(true)));
    assert_eq!(first["changes"].as_array().map(Vec::len), Some(4));
    assert!(lines.is_quiet());
    api.ok("PATCH", "/v1/networks/blue", r#"{"mtu": 9000}"#).await;
    assert_eq!(
        lines.next().await,
        json!({"generation": 5, "complete": false, "changes": [
            {"action": "update", "kind": "Network", "name": "blue", "fields": ["mtu"]}]})
    );
}

#[tokio::test]
async fn a_watcher_that_knows_the_newest_gets_the_next_change_first() {
    let api = Api::with_objects().await;
    let mut lines = Lines::of(&api, "/v1/watch?since=4").await;
    assert!(lines.is_quiet());
    api.ok("DELETE", "/v1/ports/p1", "").await;
    let line = lines.next().await;
    assert_eq!((&line["generation"], &line["complete"]), (&json!(5), &json!(false)));
    let mut late = Lines::of(&api, "/v1/watch?since=4").await;
    assert_eq!(late.next().await["complete"], true);
}
