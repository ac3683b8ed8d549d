//! Questions that people ask about connections.

mod ask;
mod ends;
mod impact;

use crate::model::{Desired, Validated, samples::from_text, validate};

/// Ports p1 and p2 in one group, p3 (without addresses) and p4 in none.
const PORTS: &str = "kind: Network, name: blue, vlan: 10
kind: Network, name: green, vlan: 20
kind: Port, name: p1, network: blue, ip: [10.0.10.1, fd00::1]
kind: Port, name: p2, network: blue, ip: [10.0.10.2]
kind: Port, name: p3, network: green
kind: Port, name: p4, network: green, ip: [fd00::4, 10.0.10.1]
kind: Group, name: vms, ports: [p1, p2]";

/// These objects, one a line and without the version; one that comes again replaces the one before.
fn valid(text: &str) -> Validated {
    let lines = PORTS.lines().chain(text.lines()).map(str::trim);
    let one = |line| from_text(&format!("{{apiVersion: dvs/v1, {line}}}"));
    let objects = lines.flat_map(|line| one(line).objects().collect::<Vec<_>>());
    validate(&objects.collect::<Desired>()).unwrap()
}
