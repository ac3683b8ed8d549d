//! Firewalls between VMs, and between VMs and what is outside.

mod agent;
mod changes;
mod control;
mod crowd;
mod driver;
mod errors;
mod flood;
mod groups;
mod kinds;
mod limits;
mod lost;
mod moves;
mod preview;
mod protocols;
mod reject;
mod tags;
mod talk;
mod tour;

use std::net::IpAddr;

use dvs_tests::netns::{Lab, run, until};

/// Two networks behind a router, with a server in each and clients without firewalls.
const OBJECTS: &str = "
- {kind: Router, name: r}
- {kind: Network, name: blue, vlan: 10, router: r, subnet: [10.0.10.0/24, 'fd00:10::/64'], gateway: [10.0.10.1, 'fd00:10::1']}
- {kind: Network, name: green, vlan: 20, router: r, subnet: [10.0.20.0/24, 'fd00:20::/64'], gateway: [10.0.20.1, 'fd00:20::1']}
- {kind: Port, name: p2, network: blue, mac: ['02:00:00:00:00:02'], ip: [10.0.10.2, 'fd00:10::2'], label: {role: server}}
- {kind: Port, name: p3, network: blue, mac: ['02:00:00:00:00:03'], ip: [10.0.10.3, 'fd00:10::3']}
- {kind: Port, name: p4, network: green, mac: ['02:00:00:00:00:04'], ip: [10.0.20.4, 'fd00:20::4']}
- {kind: Port, name: p5, network: green, mac: ['02:00:00:00:00:05'], ip: [10.0.20.5, 'fd00:20::5'], label: {role: server}}
- {kind: Uplink, name: u9, vlans: '10,20', native: 10}
- {kind: Group, name: servers, selector: {role: server}}
- {kind: Policy, name: web, appliesTo: servers}
";

/// What the servers are asked for.
const WEB: &str = "
- {kind: Rule, policy: web, name: https, priority: 10, direction: in, action: allow, proto: tcp, port: '443'}
- {kind: Rule, policy: web, name: ssh, priority: 10, direction: in, action: allow, proto: tcp, port: '22'}
- {kind: Rule, policy: web, name: dns, priority: 10, direction: in, action: allow, proto: udp, port: '53'}
- {kind: Rule, policy: web, name: ping, priority: 20, direction: in, action: allow, proto: icmp, icmpType: 8}
- {kind: Rule, policy: web, name: ping6, priority: 20, direction: in, action: allow, proto: icmpv6, icmpType: 128}
";

const HTTPS: u16 = 443;
const SSH: u16 = 22;
const DNS: u16 = 53;
/// A port that no rule is about.
const OTHER: u16 = 81;

const BLUE: u8 = 10;
const GREEN: u8 = 20;

/// Clients with their servers: in one network, through the router, from outside, and both.
const PAIRS: [(&str, &str); 4] = [("p3", "p2"), ("p4", "p2"), ("u9", "p2"), ("u9", "p5")];

/// A lab with further objects, such as rules.
#[track_caller]
fn lab(objects: &str) -> Lab {
    let lab = Lab::bare(&format!("{OBJECTS}{objects}"));
    for vm in ["p2", "p3", "p4", "p5", "u9"] {
        lab.vm(vm).join(subnet(vm));
    }
    lab
}

/// The subnet that a VM of the lab is in.
fn subnet(vm: &str) -> u8 {
    if ["p4", "p5"].contains(&vm) { GREEN } else { BLUE }
}

/// Addresses of a VM of the lab.
fn ips(lab: &Lab, vm: &str) -> [IpAddr; 2] {
    lab.vm(vm).ips_in(subnet(vm))
}

/// A command of the CLI that is waited for.
#[track_caller]
fn dvs(lab: &Lab, line: &str) -> String {
    run(&mut lab.host.cli(&format!("{line} --wait")))
}

/// Does something of which a port has to drop packets for this reason.
#[track_caller]
fn dropping<T>(lab: &Lab, (port, reason): (&str, &str), deed: impl FnOnce() -> T) -> T {
    let before = lab.host.drops(port, reason);
    let done = deed();
    until(&format!("{port} drops packets for {reason}"), || {
        (lab.host.drops(port, reason) > before).then_some(())
    });
    done
}

/// How many packets a rule, or a policy's default for packets towards the VM, decided about at a port.
#[track_caller]
fn hits(lab: &Lab, rule: Option<&str>, port: &str) -> u64 {
    let rows = lab.host.ask(lab.host.client.rule_hits(&Some("web".into()), &Some(port.into()))).unwrap();
    let rows = rows.iter().filter(|row| row.rule.as_deref() == rule && row.direction == "in");
    rows.map(|row| row.packets).sum()
}

/// Waits until a rule has decided about more packets than these.
#[track_caller]
fn hits_grow(lab: &Lab, rule: Option<&str>, port: &str, before: u64) {
    until(&format!("{rule:?} counts at {port}"), || (hits(lab, rule, port) > before).then_some(()));
}

/// Asserts that no port has dropped anything because of its firewall.
#[track_caller]
fn nothing_is_refused(lab: &Lab) {
    let drops = lab.host.ask(lab.host.client.drops(&None)).unwrap();
    let reasons = [
        "policy-out",
        "policy-in",
        "no-connection",
        "fragment-unknown",
        "fragment-evasion",
        "connections-full",
    ];
    assert!(!drops.iter().any(|row| reasons.contains(&row.reason.as_str())), "{drops:?}");
}
