//! Networks that reach other hosts through tunnels, whose ends the manager tells the hosts.

use dvs_tests::netns::Cluster;

use super::hosts::{reaches, start};

/// VMs 1 and 2 in a network that is no VLAN, between hosts of different HA groups.
const OBJECTS: &str = "
- {kind: Host, name: h1, haGroup: a, underlay: 192.0.2.1}
- {kind: Host, name: h2, haGroup: b, underlay: 192.0.2.2}
- {kind: Host, name: h3, haGroup: b, underlay: 192.0.2.3}
- {kind: Network, name: over, vni: 5000}
- {kind: Port, name: p1, network: over, mac: ['02:00:00:00:00:01'], ip: [10.0.0.1, 'fd00::1']}
- {kind: Port, name: p2, network: over}
";

#[test]
fn vms_meet_through_tunnels_and_go_on_when_one_moves() {
    let mut cluster = Cluster::new(3, OBJECTS);
    for (number, host) in (1..).zip(&cluster.hosts) {
        host.namespace.ip(&format!("addr add 192.0.2.{number}/24 dev eth1"));
    }
    let (one, two) = (start(&mut cluster, "p1", 1), start(&mut cluster, "p2", 2));
    cluster.port_opens("p1", 1);
    cluster.port_opens("p2", 2);
    reaches(&two, &one);
    drop(two);
    let two = start(&mut cluster, "p2", 3);
    cluster.port_opens("p2", 3);
    reaches(&two, &one);
    reaches(&one, &two);
}
