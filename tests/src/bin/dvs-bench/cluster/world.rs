//! A configuration of many hosts: their networks, routers, groups, policies and ports.
//!
//! Hosts are in HA groups of twenty. One group of ten hosts with a thousand ports each is apart: whoever joins it has
//! ten thousand ports to know.

use std::ops::Range;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use switch_user::model::{Document, read};

/// Hosts of an HA group.
const GROUP: usize = 20;
/// Networks, and ten of them a router.
const NETWORKS: usize = 100;
/// Policies; the first is that of all ports.
const POLICIES: usize = 20;
/// Rules of each policy.
pub(super) const RULES: usize = 10;
/// Groups of peers that rules name.
const SERVICES: usize = 10;
/// One of so many ports is a member of such a group.
const SERVICE_EVERY: usize = 220;
/// Hosts and ports of the large HA group.
const LARGE: (usize, usize) = (10, 1000);
/// How many hosts come to each of two HA groups later.
pub(super) const NEWCOMERS: usize = 5;
/// The large HA group.
const LARGE_GROUP: &str = "large";

/// The policy that all ports have.
pub(super) const COMMON: &str = "common";

/// How large the world is.
#[derive(Clone, Copy, Debug)]
pub(super) struct World {
    /// Hosts besides those of the large group.
    pub(super) hosts: usize,
    /// Ports of each.
    pub(super) ports: usize,
}

/// A host with its ports, by their numbers.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) host: String,
    pub(super) group: String,
    pub(super) ports: Range<usize>,
}

/// Name of a port.
pub(super) fn port(number: usize) -> String {
    format!("p{number:06}")
}

/// Name of its device.
pub(super) fn device(number: usize) -> String {
    format!("tap{number:06}")
}

/// Name of a group of peers.
fn service(number: usize) -> String {
    format!("service{number}")
}

impl World {
    /// The hosts that have ports.
    pub(super) fn places(&self) -> Vec<Place> {
        let usual = (0..self.hosts).map(|number| Place {
            host: format!("h{number:04}"),
            group: format!("rack{:02}", number / GROUP),
            ports: number * self.ports..(number + 1) * self.ports,
        });
        let first = self.hosts * self.ports;
        let (hosts, ports) = LARGE;
        let large = (0..hosts).map(|number| Place {
            host: format!("large{number}"),
            group: LARGE_GROUP.into(),
            ports: first + number * ports..first + (number + 1) * ports,
        });
        usual.chain(large).collect()
    }

    /// A host whose HA group has nobody else, and that comes when all others are there.
    pub(super) fn lone(&self) -> Place {
        let first = self.hosts * self.ports + LARGE.0 * LARGE.1;
        Place { host: "lone".into(), group: "lone".into(), ports: first..first + self.ports }
    }

    /// A host without ports that joins an HA group of the usual size.
    pub(super) fn newcomer(round: usize) -> Place {
        Place { host: format!("fresh{round}"), group: "rack00".into(), ports: 0..0 }
    }

    /// One that joins the large group.
    pub(super) fn large_newcomer(round: usize) -> Place {
        Place { host: format!("fresh-large{round}"), group: LARGE_GROUP.into(), ports: 0..0 }
    }

    /// The hosts that come when all others are there.
    fn late(&self) -> impl Iterator<Item = Place> {
        let fresh = (0..NEWCOMERS).flat_map(|round| [Self::newcomer(round), Self::large_newcomer(round)]);
        fresh.chain([self.lone()])
    }

    /// Number of the first port that there is not.
    pub(super) fn end(&self) -> usize {
        self.lone().ports.end
    }

    /// All objects.
    pub(super) fn objects(&self) -> Result<Vec<Document>> {
        let places = self.places().into_iter().chain(self.late());
        let hosts =
            places.map(|Place { host, group, .. }| json!({"kind": "Host", "name": host, "haGroup": group}));
        let ports = (0..self.end()).map(port_object);
        let routers =
            (0..NETWORKS / 10).map(|number| json!({"kind": "Router", "name": format!("r{number}")}));
        let networks = (0..NETWORKS).map(network);
        let all = hosts.chain(routers).chain(networks).chain(groups()).chain(policies()).chain(ports);
        all.map(document).collect()
    }
}

/// An object in the form of the API.
pub(super) fn document(mut fields: Value) -> Result<Document> {
    fields["apiVersion"] = "dvs/v1".into();
    let object = read::object(&fields, "object").ok();
    Ok(object.with_context(|| format!("not an object: {fields}"))?.document())
}

fn network(number: usize) -> Value {
    json!({
        "kind": "Network",
        "name": format!("n{number:02}"),
        "vlan": 100 + number,
        "router": format!("r{}", number / 10),
        "subnet": [format!("10.{number}.0.0/16")],
        "gateway": [format!("10.{number}.0.1")],
    })
}

/// A port of one of the networks, with labels that policies know.
pub(super) fn port_object(number: usize) -> Value {
    let (network, station) = (number % NETWORKS, number / NETWORKS);
    let [.., high, middle, low] = number.to_be_bytes();
    let mut object = json!({
        "kind": "Port",
        "name": port(number),
        "network": format!("n{network:02}"),
        "device": device(number),
        "mac": [format!("02:00:00:{high:02x}:{middle:02x}:{low:02x}")],
        "ip": [format!("10.{network}.{}.{}", 1 + station / 200, 1 + station % 200)],
        "label": {"env": "prod", "app": format!("a{:02}", number % (POLICIES - 1))},
    });
    if number.is_multiple_of(SERVICE_EVERY) {
        object["label"]["service"] = service(number / SERVICE_EVERY % SERVICES).into();
    }
    object
}

/// A port that is a peer of all, and has no place.
pub(super) fn peer_object(number: usize) -> Value {
    let mut object = port_object(number);
    object["label"]["service"] = service(0).into();
    object
}

fn groups() -> impl Iterator<Item = Value> {
    let group = |name: String, key: &str, value: &str| json!({"kind": "Group", "name": name, "selector": {key: value}});
    let common = group(COMMON.into(), "env", "prod");
    let apps = (0..POLICIES - 1).map(move |number| {
        let app = format!("a{number:02}");
        group(app.clone(), "app", &app)
    });
    let services = (0..SERVICES).map(move |number| group(service(number), "service", &service(number)));
    [common].into_iter().chain(apps).chain(services)
}

/// Policies with their rules.
fn policies() -> impl Iterator<Item = Value> {
    let apps = (0..POLICIES - 1).map(|number| format!("a{number:02}"));
    [COMMON.to_owned()].into_iter().chain(apps).enumerate().flat_map(|(number, name)| {
        let policy = json!({"kind": "Policy", "name": name, "appliesTo": name, "default": "allow"});
        let rules = (0..RULES).map(move |rule| rule_object(&name, number, rule));
        [policy].into_iter().chain(rules)
    })
}

/// A rule: most are about a prefix, one about a group of peers.
pub(super) fn rule_object(policy: &str, number: usize, rule: usize) -> Value {
    let mut object = json!({
        "kind": "Rule",
        "policy": policy,
        "name": format!("r{rule}"),
        "priority": 100 + rule,
        "direction": "in",
        "action": "drop",
        "proto": "tcp",
        "port": format!("{}-{}", 1000 + rule * 10, 1005 + rule * 10),
        "peer": format!("172.{}.{rule}.0/24", 16 + number % 16),
    });
    if rule == 0 {
        object["peer"] = format!("group:{}", service(number % SERVICES)).into();
        object["action"] = "allow".into();
    }
    object
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use switch_user::model::{Desired, Scope, validate_as};

    use super::*;

    #[test]
    fn the_world_is_valid_and_every_port_has_one_place() {
        let world = World { hosts: 40, ports: 10 };
        let documents = world.objects().unwrap();
        let count = documents.len();
        let desired: Desired = documents.into_iter().map(|document| document.object).collect();
        assert_eq!(desired.objects().count(), count, "no two have one name");
        validate_as(&desired, &[], Scope::Cluster).unwrap();
        let places = world.places().into_iter().chain([world.lone()]);
        let ports: Vec<usize> = places.flat_map(|place| place.ports).collect();
        assert_eq!(ports.len(), world.end());
        assert_eq!(ports.iter().collect::<BTreeSet<_>>().len(), ports.len());
        assert!(desired.ports.contains_key(&port(world.end() - 1)));
    }
}
