//! The kernel's own switch and router, as `ip` sets them up.

use anyhow::Result;

use super::super::lab::{Lab, PORTS};

/// A bridge with both ports.
pub(super) fn bridge(lab: &Lab) -> Result<()> {
    add_bridge(lab, "br0", &PORTS)
}

/// A bridge for each subnet, with the gateway's addresses, and forwarding between them.
pub(super) fn route(lab: &Lab) -> Result<()> {
    let forward = ["net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1"];
    lab.host.quick(&[&["sysctl", "-q"], &forward[..]].concat())?;
    for (port, station) in lab.ports() {
        let bridge = format!("br-{port}");
        add_bridge(lab, &bridge, &[port])?;
        let [v4, v6] = station.subnet.gateways_with_length();
        lab.host.ip(&format!("address add {v4} dev {bridge}"))?;
        lab.host.ip(&format!("address add {v6} dev {bridge} nodad"))?;
    }
    Ok(())
}

fn add_bridge(lab: &Lab, bridge: &str, ports: &[&str]) -> Result<()> {
    lab.host.ip(&format!("link add {bridge} type bridge"))?;
    lab.host.ip(&format!("link set {bridge} up"))?;
    for port in ports {
        lab.host.ip(&format!("link set {port} master {bridge}"))?;
    }
    Ok(())
}
