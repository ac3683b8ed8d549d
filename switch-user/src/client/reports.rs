//! What the agent says of itself, and answers to questions.

use std::time::Duration;

use hyper::Method;

use super::{Answer, Client, Lines, query};
use crate::{
    api::{BindingEntry, BindingList, HostEntry, PolicyTest, SwitchStatus, Waited},
    report::{DropCount, FdbEntry, FlowEntry, FlowFilter, LogEvent, NeighbourEntry, PortStats, RuleHits},
};

/// Which stations to list.
#[derive(Clone, Debug, Default)]
pub struct FdbFilter {
    /// Only those of this network.
    pub network: Option<String>,
    /// Only those at this port or uplink.
    pub port: Option<String>,
    /// Only the one with this address.
    pub mac: Option<String>,
}

/// Which connection to ask about.
#[derive(Clone, Debug, Default)]
pub struct TestQuestion {
    /// A port or an address.
    pub from: String,
    /// `IP[:PORT][/PROTO]`, of which IP may be the name of a port.
    pub to: String,
    /// Source port.
    pub source_port: u16,
}

impl Client {
    /// Waits until the host, or all that it concerns, has applied a generation.
    pub async fn wait(&self, generation: u64, seconds: u64) -> Answer<Waited> {
        let path = format!("/v1/wait?generation={generation}&timeout={seconds}");
        self.limited(Duration::from_secs(seconds), self.exchange(Method::GET, &path, None)).await
    }

    /// The hosts of a cluster.
    pub async fn cluster_hosts(&self) -> Answer<Vec<HostEntry>> {
        self.get("/v1/cluster/hosts").await
    }

    /// Where the ports of a cluster are.
    pub async fn cluster_bindings(&self) -> Answer<BindingList> {
        self.get("/v1/cluster/bindings").await
    }

    /// Moves of ports that are planned.
    pub async fn moves(&self) -> Answer<Vec<BindingEntry>> {
        self.get("/v1/cluster/moves").await
    }

    /// State of the switch.
    pub async fn status(&self) -> Answer<SwitchStatus> {
        self.get("/v1/status").await
    }

    /// Stations that the switch knows.
    pub async fn fdb(&self, filter: &FdbFilter) -> Answer<Vec<FdbEntry>> {
        let FdbFilter { network, port, mac } = filter;
        self.get(&query("/v1/fdb", &[("network", network), ("port", port), ("mac", mac)])).await
    }

    /// Counters of all ports, or of one.
    pub async fn stats(&self, port: &Option<String>) -> Answer<Vec<PortStats>> {
        self.get(&query("/v1/stats", &[("port", port)])).await
    }

    /// Drops of all ports, or of one.
    pub async fn drops(&self, port: &Option<String>) -> Answer<Vec<DropCount>> {
        self.get(&query("/v1/drops", &[("port", port)])).await
    }

    /// Flows that the routers have made.
    pub async fn flows(&self, filter: &FlowFilter) -> Answer<Vec<FlowEntry>> {
        self.get(&query("/v1/flows", &[("port", &filter.port), ("router", &filter.router)])).await
    }

    /// IP addresses that the routers know, of all networks or of one.
    pub async fn neighbours(&self, network: &Option<String>) -> Answer<Vec<NeighbourEntry>> {
        self.get(&query("/v1/neighbours", &[("network", network)])).await
    }

    /// What rules and defaults decided about, of all policies and ports or of one.
    pub async fn rule_hits(&self, policy: &Option<String>, port: &Option<String>) -> Answer<Vec<RuleHits>> {
        self.get(&query("/v1/rule-hits", &[("policy", policy), ("port", port)])).await
    }

    /// The last events of rules that log, and those that follow them if they are wanted.
    pub async fn log(&self, port: &Option<String>, follow: bool) -> Answer<Lines<LogEvent>> {
        let follow = follow.then(|| "true".to_owned());
        self.lines(&query("/v1/log", &[("port", port), ("follow", &follow)])).await
    }

    /// Which rules decide about a connection.
    pub async fn policy_test(&self, question: TestQuestion) -> Answer<PolicyTest> {
        let TestQuestion { from, to, source_port } = question;
        let port = source_port.to_string();
        let parameters = [("from", &Some(from)), ("to", &Some(to)), ("srcPort", &Some(port))];
        self.get(&query("/v1/policy-test", &parameters)).await
    }
}
