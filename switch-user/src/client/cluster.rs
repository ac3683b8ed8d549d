//! What a host and a manager say to each other.

use hyper::Method;
use serde_json::json;

use super::{Answer, Client, Lines, encode, query};
use crate::api::{Claim, HostLease, HostReport, MoveList, MoveRequest, ViewEvent};

impl Client {
    /// The view of a host; nothing of it at first if the host knows the one with this digest.
    pub async fn view(&self, host: &str, digest: Option<String>) -> Answer<Lines<ViewEvent>> {
        self.lines(&query(&path(host, "view"), &[("digest", &digest)])).await
    }

    /// Says what a host has to say of itself.
    pub async fn report(&self, host: &str, report: &HostReport) -> Answer<HostLease> {
        self.send(Method::POST, &path(host, "report"), Some(&json!(report))).await
    }

    /// Claims a port for a host.
    pub async fn claim(&self, host: &str, claim: &Claim) -> Answer<HostLease> {
        self.send(Method::POST, &path(host, "claims"), Some(&json!(claim))).await
    }

    /// Plans moves of ports.
    pub async fn plan_moves(&self, request: &MoveRequest) -> Answer<MoveList> {
        self.send(Method::POST, "/v1/cluster/moves", Some(&json!(request))).await
    }

    /// Withdraws the planned move of a port.
    pub async fn cancel_move(&self, port: &str) -> Answer<MoveList> {
        self.send(Method::DELETE, &format!("/v1/cluster/moves/{}", encode(port)), None).await
    }

    /// Lets go of a port of a host.
    pub async fn release(&self, host: &str, port: &str) -> Answer<HostLease> {
        let path = format!("{}/{}", path(host, "claims"), encode(port));
        self.send(Method::DELETE, &path, None).await
    }
}

fn path(host: &str, what: &str) -> String {
    format!("/v1/cluster/hosts/{}/{what}", encode(host))
}
