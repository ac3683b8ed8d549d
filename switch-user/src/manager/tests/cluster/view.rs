//! What a connected host is told.

use futures_util::StreamExt;

use super::*;
use crate::api::ViewEvent;

/// What a host is told, line by line.
struct Lines(axum::body::BodyDataStream);

impl Lines {
    async fn of(many: &Many, host: &str, digest: &str) -> Self {
        let uri = format!("/v1/cluster/hosts/{host}/view{digest}");
        Self(many.api.send("GET", &uri, "").await.into_body().into_data_stream())
    }

    /// The next line that says something.
    async fn next(&mut self) -> ViewEvent {
        loop {
            let event = self.any().await.unwrap();
            if event != ViewEvent::default() {
                return event;
            }
        }
    }

    async fn any(&mut self) -> Option<ViewEvent> {
        let line = tokio::time::timeout(Duration::from_secs(10), self.0.next()).await.unwrap()?.unwrap();
        assert!(line.ends_with(b"\n"));
        Some(serde_json::from_slice(&line).unwrap())
    }
}

fn put(event: &ViewEvent) -> String {
    event.put.iter().map(|document| document.object.id().to_string()).collect::<Vec<_>>().join(", ")
}

#[tokio::test(start_paused = true)]
async fn a_host_is_told_its_view_and_then_what_changes() {
    let many = Many::with_hosts().await;
    many.attach("h1", "p1", "v1").await;
    let mut lines = Lines::of(&many, "h1", "").await;
    let first = lines.next().await;
    let generation = *many.api.store.watch().borrow();
    assert_eq!((first.complete, first.generation, first.claims), (true, Some(generation), Some(1)));
    assert_eq!(put(&first), "Network blue, Host h1, Host h2, Port p1");
    assert_eq!(first.bindings["p1"].as_ref().unwrap().device, "v1");
    many.api.ok("PATCH", "/v1/ports/p1", r#"{"learnLimit": 7}"#).await;
    let line = lines.next().await;
    assert_eq!(
        (line.complete, put(&line).as_str(), line.generation),
        (false, "Port p1", Some(generation + 1))
    );
    many.attach("h2", "p2", "v2").await;
    let line = lines.next().await;
    assert_eq!((put(&line).as_str(), line.claims, line.generation), ("Port p2", Some(2), None));
    many.api.ok("DELETE", "/v1/ports/p2", "").await;
    let line = lines.next().await;
    assert_eq!((line.remove[0].name.as_str(), &line.bindings["p2"]), ("p2", &None));
}

#[tokio::test(start_paused = true)]
async fn whoever_knows_the_view_is_told_its_numbers_alone() {
    let many = Many::with_hosts().await;
    many.attach("h1", "p1", "v1").await;
    let first = Lines::of(&many, "h1", "").await.next().await;
    let bindings = first.bindings.iter().map(|(port, binding)| (port.as_str(), binding.as_ref().unwrap()));
    let digest = crate::api::view_digest(&first.put, bindings);
    let known = Lines::of(&many, "h1", &format!("?digest={digest}")).await.next().await;
    let numbers = ViewEvent { generation: first.generation, claims: first.claims, ..ViewEvent::default() };
    assert_eq!(known, numbers);
    many.api.ok("PATCH", "/v1/ports/p1", r#"{"learnLimit": 7}"#).await;
    assert!(Lines::of(&many, "h1", &format!("?digest={digest}")).await.next().await.complete);
}

#[tokio::test(start_paused = true)]
async fn a_manager_gives_a_sign_of_life_a_second() {
    let many = Many::with_hosts().await;
    let mut lines = Lines::of(&many, "h1", "").await;
    lines.next().await;
    for _ in 0..3 {
        let begin = tokio::time::Instant::now();
        assert_eq!(lines.any().await, Some(ViewEvent::default()));
        assert!(begin.elapsed() <= Duration::from_secs(1));
    }
    // What concerns nobody is told as a number with it.
    let set = many.api.ok("POST", "/v1/networks", r#"{"name": "red", "vlan": 30}"#).await;
    let line = lines.next().await;
    assert_eq!(line, ViewEvent { generation: set["generation"].as_u64(), ..ViewEvent::default() });
}

#[tokio::test(start_paused = true)]
async fn a_view_of_nobody_is_refused_and_ends_with_its_host() {
    let many = Many::with_hosts().await;
    let unknown = many.api.refusal("GET", "/v1/cluster/hosts/h9/view", "").await;
    assert_eq!(unknown, refused(404, &["urn:dvs:unknown-host"]));
    let mut lines = Lines::of(&many, "h1", "").await;
    lines.next().await;
    many.api.ok("DELETE", "/v1/hosts/h1", "").await;
    while lines.any().await.is_some() {}
}

#[tokio::test(start_paused = true)]
async fn every_manager_tells_what_another_one_wrote() {
    let many = Many::with_hosts().await;
    let other = many.another();
    let mut lines = Lines::of(&other, "h1", "").await;
    lines.next().await;
    many.attach("h1", "p1", "v1").await;
    assert_eq!(put(&lines.next().await), "Network blue, Port p1");
    many.api.ok("PATCH", "/v1/networks/blue", r#"{"mtu": 9000}"#).await;
    assert_eq!(put(&lines.next().await), "Network blue");
}
