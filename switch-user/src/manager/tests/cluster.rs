//! Many hosts in front of one manager, or two.

mod claims;
mod hosts;
mod moves;
mod view;

use std::time::Duration;

use serde_json::json;

use super::{writes::refused, *};
use crate::store::MemoryLeases;

const TIMEOUT: Duration = Duration::from_secs(3);

/// A manager of many hosts, and what another one would share with it.
struct Many {
    api: Api,
    bindings: Arc<RedbStore>,
    leases: Arc<MemoryLeases>,
}

impl Many {
    /// Nobody has reported, and the time to do so is over.
    async fn new() -> Self {
        let store = Arc::new(RedbStore::in_memory().unwrap());
        let many = Self::over(store, Arc::new(RedbStore::in_memory().unwrap()), MemoryLeases::start());
        tokio::time::advance(TIMEOUT).await;
        many
    }

    fn over(store: Arc<RedbStore>, bindings: Arc<RedbStore>, leases: Arc<MemoryLeases>) -> Self {
        let host = FakeHost::new();
        let cluster = Cluster::new(bindings.clone(), leases.clone(), TIMEOUT);
        let state = State { store: store.clone(), host: host.clone(), cluster: Some(cluster), follow: None };
        Self { api: Api { router: router(state), store, host }, bindings, leases }
    }

    /// Another manager of the same hosts.
    fn another(&self) -> Self {
        Self::over(self.api.store.clone(), self.bindings.clone(), self.leases.clone())
    }

    /// With hosts h1 and h2, a network and ports p1 and p2, of which p1 names device v1.
    async fn with_hosts() -> Self {
        let many = Self::new().await;
        many.report("h1", json!({})).await;
        many.report("h2", json!({})).await;
        many.api.ok("POST", "/v1/networks", r#"{"name": "blue", "vlan": 10}"#).await;
        many.api.ok("POST", "/v1/ports", r#"{"name": "p1", "network": "blue", "device": "v1"}"#).await;
        many.api.ok("POST", "/v1/ports", r#"{"name": "p2", "network": "blue"}"#).await;
        many
    }

    /// A report of a host that says this besides what all say.
    async fn report(&self, host: &str, more: Value) -> Value {
        let uri = format!("/v1/cluster/hosts/{host}/report");
        self.api.ok("POST", &uri, &report(host, &more).to_string()).await
    }

    /// The newest number of bindings.
    async fn claims(&self) -> u64 {
        self.api.get("/v1/cluster/bindings").await["claims"].as_u64().unwrap()
    }

    /// Ports as "port host device", with a mark if they are lost.
    async fn places(&self) -> Vec<String> {
        let list = self.api.get("/v1/cluster/bindings").await;
        let text = |entry: &Value| {
            let mark = if entry["lost"] == true { " lost" } else { "" };
            let [port, host, device] = ["port", "host", "device"].map(|field| entry[field].as_str().unwrap());
            format!("{port} {host} {device}{mark}")
        };
        list["bindings"].as_array().unwrap().iter().map(text).collect()
    }

    async fn attach(&self, host: &str, port: &str, device: &str) -> (u16, Value) {
        let claim = json!({"port": port, "device": device}).to_string();
        self.api.call("POST", &format!("/v1/cluster/hosts/{host}/claims"), &claim).await
    }
}

fn report(host: &str, more: &Value) -> Value {
    let mut report = json!({
        "instance": format!("instance of {host}"), "version": "0.1.0", "applied": {"generation": 0, "errors": []},
        "claims": 0, "devices": {}, "ports": 0, "residentBytes": 1 << 20,
    });
    let fields = more.as_object().unwrap().clone();
    report.as_object_mut().unwrap().extend(fields);
    report
}
